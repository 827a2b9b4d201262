"""Trembling landmarks cost confidence; a person who moves does not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import rig
from people import upright

from posture_monitor.posture import session, steady
from posture_monitor.posture.jitter import CALM, KNOWN_S, WILD, Jitter, step
from posture_monitor.posture.judge import judge
from posture_monitor.posture.metrics import Reason, measure
from posture_monitor.posture.reading import Verdict
from posture_monitor.posture.sustained import SUSTAINED_NAMES


def watched(x: np.ndarray, y: np.ndarray, fps: float = 2.0) -> Jitter:
    jitter = Jitter()
    for i in range(len(x)):
        jitter = step(jitter, i / fps, float(x[i]), float(y[i]))
    return jitter


def test_more_tremble_is_less_sure_and_none_costs_nothing() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 1, (2, 60))
    sure = [watched(*(noise * sd)).sureness for sd in (0.0, 0.005, 0.04, 0.08, 0.5)]
    assert sure[:2] == [1.0, 1.0]
    assert sure == sorted(sure, reverse=True)
    assert 0 < sure[2] < 1
    assert sure[-1] == 0.0


def test_leaning_slowly_and_one_start_are_no_tremble() -> None:
    t = np.arange(60) / 2
    lean = np.clip(t / 10, 0, 1) * 0.8
    assert watched(lean, 0.5 * lean).sureness == 1.0
    start = np.where(t > 15, 0.6, 0.0)
    assert watched(start, start).sureness == 1.0


def test_readings_far_apart_or_missing_tell_nothing() -> None:
    rng = np.random.default_rng(2)
    assert watched(*rng.normal(0, 0.5, (2, 60)), fps=1 / 6).sureness == 1.0
    gone = np.full(60, math.nan)
    assert watched(gone, gone) == Jitter()
    assert math.isnan(Jitter().tremble)


def test_a_bad_quarter_of_a_minute_does_not_hold_for_good() -> None:
    jitter = watched(*np.random.default_rng(2).normal(0, 0.5, (2, 30)))
    assert jitter.sureness == 0.0
    # Unsure readings are settled ones, looked at every six seconds: too seldom to show tremble.
    sure = []
    for t_s in np.arange(20.0, 20 + KNOWN_S, 6.0):
        jitter = step(jitter, t_s, 0.0, 0.0)
        sure.append(jitter.sureness)
    assert sure[0] == sure[4] == 0.0
    assert sure[-1] == 1.0


@pytest.mark.parametrize(("noise_px", "sure"), [(0.5, True), (15.0, False)])
def test_a_sitting_of_real_measures_knows_it(noise_px: float, sure: bool) -> None:
    body, camera = rig.Body(), rig.Camera()
    neutral = upright(body, camera)
    pose = rig.Pose() * np.ones(40)
    landmarks, size = rig.render(body, pose, camera, np.random.default_rng(3), noise_px)
    judged = judge(measure(landmarks, size), neutral)
    last = session.replay(session.moments(judged, neutral), [i / 2 for i in range(40)], steady.Policy())[-1]
    assert (last.jitter.tremble < CALM) is sure
    assert last.jitter.sureness == 1.0 if sure else last.jitter.sureness < 0.9
    assert last.jitter.tremble < 3 * WILD


@pytest.mark.parametrize("reason", [Reason.STRANGER, Reason.CROWD])
def test_somebody_else_seen_now_and_then_is_no_tremble(reason: Reason) -> None:
    here = session.Moment(Verdict.GOOD, Reason.OK, (0.0,) * len(SUSTAINED_NAMES), (0.0,) * 5)
    there = replace(here, verdict=Verdict.UNKNOWN, reason=reason, spot=(2.0,) * 5)
    state = session.Session()
    for i in range(40):
        state = session.step(state, steady.Policy(), i / 2, there if i % 3 == 0 else here)
    assert state.jitter.sureness == 1.0


@pytest.mark.parametrize(("off", "sure"), [(0.02, 1.0), (0.04, 0.75), (0.06, 0.5), (0.09, 0.125), (0.1, 0.0)])
@pytest.mark.parametrize("way", ["sideways", "up and down"])
def test_confidence_falls_evenly_from_calm_to_wild(off: float, sure: float, way: str) -> None:
    still, to_and_fro = np.zeros(40), off * (np.arange(40) % 2)
    both = (to_and_fro, still) if way == "sideways" else (still, to_and_fro)
    assert watched(*both).sureness == pytest.approx(sure)


def test_a_steady_movement_is_no_tremble_however_unevenly_one_looks() -> None:
    jitter = Jitter()
    for t_s in np.cumsum([0.1, 0.9, 0.3, 1.2] * 10):
        jitter = step(jitter, 1000.0 + t_s, 0.3 * t_s, -0.2 * t_s)
    assert len(jitter.off) == 12
    assert jitter.tremble == pytest.approx(0.0, abs=1e-9)


def test_a_place_of_which_half_is_missing_is_passed_over() -> None:
    jitter = watched(np.zeros(10), np.zeros(10))
    assert step(jitter, 10.0, math.nan, 0.0) == step(jitter, 10.0, 0.0, math.nan) == jitter
