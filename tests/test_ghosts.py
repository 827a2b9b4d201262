"""Ghosts of mild and poor lie where the judge says that mild and poor begin."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from rig import SCENARIOS, Body, Camera, Pose, render

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.baseline import neutral_of
from posture_monitor.posture.ghosts import ghosts
from posture_monitor.posture.judge import Limits, judge
from posture_monitor.posture.metrics import measure

CAMERAS = {"front": Camera(), "side": dataclasses.replace(Camera(), azimuth_deg=90, distance_m=1.6)}


def captured(camera: Camera, pose: Pose | None = None):  # type: ignore[no-untyped-def]
    held = (pose or Pose()) + Pose(lean=np.zeros(40))
    bodies, size = render(Body(), held, camera, np.random.default_rng(1), noise_px=0.5, desk=None)
    return np.median(bodies, axis=0).astype(np.float32), np.asarray(size), neutral_of(measure(bodies, size))


@pytest.mark.parametrize("view", list(CAMERAS))
@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_each_ghost_is_judged_as_what_it_is_called(view: str, scale: float) -> None:
    body, size, neutral = captured(CAMERAS[view])
    limits = Limits(scale=dict.fromkeys(("head_height", "distance", "trunk_incl", "neck_incl"), scale))
    found = ghosts(body, size, neutral, limits)
    assert len(found) >= 2
    for ghost in found:
        both = neutral.measure(np.stack([ghost.mild, ghost.poor]), size)
        mild, poor = judge(both, neutral, limits).slouch_index
        assert 0.5 <= mild < 0.75, ghost.way
        assert 1.0 <= poor < 1.25, ghost.way


def test_more_tolerance_moves_the_ghosts_further_from_neutral() -> None:
    body, size, neutral = captured(CAMERAS["front"])
    sunk = [
        next(
            g
            for g in ghosts(body, size, neutral, Limits(scale={"head_height": s}))
            if g.way == "Sinking down"
        )
        for s in (1.0, 2.0)
    ]
    drops = [float(ghost.poor[lm.NOSE, 1] - body[lm.NOSE, 1]) for ghost in sunk]
    assert 0 < drops[0] < drops[1]


def test_a_slouch_of_ones_own_comes_first() -> None:
    body, size, neutral = captured(CAMERAS["front"])
    slouch, _, _ = captured(CAMERAS["front"], SCENARIOS["slump_moderate"])
    first = ghosts(body, size, neutral, slouch=slouch)[0]
    assert first.way == "Your slouch"
    gone = np.linalg.norm(first.poor[:11, :2] - body[:11, :2])
    assert gone < 2 * np.linalg.norm(slouch[:11, :2] - body[:11, :2])


def test_each_ghost_shows_the_way_it_is_named_after() -> None:
    body, size, neutral = captured(CAMERAS["front"])
    ways = {ghost.way: ghost for ghost in ghosts(body, size, neutral)}

    def shoulders(points: np.ndarray) -> float:
        return float(np.hypot(*((points[lm.LEFT_SHOULDER] - points[lm.RIGHT_SHOULDER])[:2] * size)))

    near, sunk = ways["Too near"], ways["Sinking down"]
    assert shoulders(body) < shoulders(near.mild) < shoulders(near.poor)
    assert body[lm.NOSE, 1] < sunk.mild[lm.NOSE, 1] < sunk.poor[lm.NOSE, 1]

    body, size, neutral = captured(CAMERAS["side"])
    ways = {ghost.way: ghost for ghost in ghosts(body, size, neutral)}
    looks = np.sign(body[lm.NOSE, 0] - body[[lm.LEFT_EAR, lm.RIGHT_EAR], 0].mean())
    for way, sign in (("Leaning forward", 1), ("Head carried forward", 1), ("Leaning back", -1)):
        gone = [
            looks * (points[lm.NOSE, 0] - body[lm.NOSE, 0]) for points in (ways[way].mild, ways[way].poor)
        ]
        assert 0 < sign * gone[0] < sign * gone[1], way
