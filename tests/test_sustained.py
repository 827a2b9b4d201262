"""The judgement over minutes: what it learns, what it never learns, and what it sees only when it lasts."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import rig
from people import upright

from posture_monitor.posture import sustained
from posture_monitor.posture.judge import judge
from posture_monitor.posture.metrics import measure
from posture_monitor.posture.sustained import SUSTAINED_NAMES, Sustained

QUIET = (0.0,) * len(SUSTAINED_NAMES)


def cue(**values: float) -> tuple[float, ...]:
    """Return a column of cues with some of them set, by their name with spaces as underscores."""
    return tuple(values.get(name.replace(" ", "_"), 0.0) for name in SUSTAINED_NAMES)


def held(state: Sustained, column: tuple[float, ...] | None, seconds: float, fps: float = 2.0) -> Sustained:
    """Step through a posture that is held."""
    start = 0.0 if math.isnan(state.t_s) else state.t_s
    for i in range(1, round(seconds * fps) + 1):
        state = sustained.step(state, start + i / fps, column, 1 / fps)
    return state


def test_neutral_is_nothing() -> None:
    state = held(Sustained(), QUIET, 60)
    assert state.index == 0.0
    assert state.driver == ""


def test_a_head_well_past_the_limit_is_poor_at_once() -> None:
    state = held(Sustained(), cue(head_sinking=25.0), 1)
    assert state.index > 1.0
    assert (state.name, state.driver) == ("head sinking", "ear_height")


def test_a_lowered_head_counts_only_when_it_lasts() -> None:
    low = cue(sunk_in_the_seat=0.3)
    assert held(Sustained(), low, 30).index < 0.5
    assert held(Sustained(), low, 600).index > 1.0
    assert held(Sustained(), low, 600).name == "sunk in the seat"


def test_the_limit_grows_with_how_much_somebody_moves_while_sitting_well() -> None:
    rng = np.random.default_rng(1)
    calm, lively = Sustained(), Sustained()
    for minute in range(120):
        calm = held(calm, cue(head_sinking=float(rng.normal(0, 1))), 60, fps=0.5)
        lively = held(lively, cue(head_sinking=float(rng.normal(0, 6))), 60, fps=0.5)
        assert sustained.SINK_LEAST <= calm.limit <= sustained.SINK_MOST, minute
    assert calm.limit == sustained.SINK_LEAST
    assert lively.limit > calm.limit + 3


def test_a_slouch_is_never_absorbed() -> None:
    """However long it lasts: it teaches nothing, and no learning passes the bound."""
    state = held(Sustained(), QUIET, 1800)
    before = state.limit
    state = held(state, cue(head_sinking=25.0), 4 * 3600, fps=0.5)
    assert state.limit == before
    assert state.index > 1.0
    creeping = Sustained()
    for percent in np.linspace(0, 30, 300):
        creeping = held(creeping, cue(head_sinking=float(percent)), 60, fps=0.5)
    assert creeping.limit <= sustained.SINK_MOST
    assert creeping.index > 1.0


def test_unjudged_time_neither_teaches_nor_forgets() -> None:
    state = held(Sustained(), cue(sunk_in_the_seat=0.3, head_sinking=4.0), 300)
    after = held(state, None, 3600)
    assert math.isnan(after.index)
    assert (after.sunk, after.limit, after.minutes) == (state.sunk, state.limit, state.minutes)


@pytest.mark.parametrize("fps", [0.5, 2.0, 15.0])
def test_it_is_the_same_at_any_frame_rate(fps: float) -> None:
    state = held(Sustained(), cue(head_sinking=5.0, sunk_in_the_seat=0.2), 600, fps)
    assert state.sunk == pytest.approx(0.2 * (1 - math.exp(-600 / sustained.SLOW_S)), abs=2e-3)
    assert len(state.minutes) == pytest.approx(10, abs=1)


def test_a_suspended_machine_says_nothing() -> None:
    state = held(Sustained(), QUIET, 60)
    woken = sustained.step(state, state.t_s + 8 * 3600, cue(sunk_in_the_seat=1.0), 0.5)
    assert woken.sunk < 0.01


def test_cues_are_finite_and_ordered_as_their_names() -> None:
    body, camera = rig.Body(), rig.Camera()
    neutral = upright(body, camera)
    pose = rig.SCENARIOS["slump_deep"] * np.linspace(0, 1, 20)
    landmarks, size = rig.render(body, pose, camera)
    landmarks[3] = np.nan
    found = sustained.cues(judge(measure(landmarks, size), neutral))
    assert found.shape == (len(SUSTAINED_NAMES), 20)
    assert np.isfinite(found).all()
    ears = found[SUSTAINED_NAMES.index("head sinking")]
    assert ears[-1] > 10 > abs(ears[0])


def test_looking_down_sinks_no_ears() -> None:
    body, camera = rig.Body(), rig.Camera()
    neutral = upright(body, camera)
    landmarks, size = rig.render(body, rig.SCENARIOS["look_down"], camera)
    found = sustained.cues(judge(measure(landmarks, size), neutral))
    assert found[0, 0] < sustained.SINK_LEAST / 2


def test_more_tolerance_means_less_sinking() -> None:
    body, camera = rig.Body(), rig.Camera()
    neutral = upright(body, camera)
    landmarks, size = rig.render(body, rig.SCENARIOS["slump_deep"], camera)
    judged = judge(measure(landmarks, size), neutral)
    assert sustained.cues(judged, 2.0)[0, 0] == pytest.approx(sustained.cues(judged)[0, 0] / 2)


def test_what_was_learnt_outlives_the_sitting() -> None:
    rng = np.random.default_rng(1)
    lively = Sustained()
    for _ in range(60):
        lively = held(lively, cue(head_sinking=float(rng.normal(0, 6))), 60, fps=0.5)
    learnt = json.loads(json.dumps(lively.to_learnt()))
    again = Sustained.from_learnt(learnt)
    assert again.limit == pytest.approx(lively.limit, abs=0.01)
    assert (again.sunk, again.fallen, math.isnan(again.t_s)) == (0.0, 0.0, True)
    assert Sustained.from_learnt(Sustained().to_learnt()) == Sustained()


def test_nothing_kept_passes_the_bounds_of_learning() -> None:
    kept = Sustained.from_learnt({"version": 1, "minutes": [1e9] * 50 + [18.0] * 5000})
    assert kept.limit == sustained.SINK_MOST
    assert len(kept.minutes) <= sustained.LEARN_MINUTES
    assert Sustained.from_learnt({"version": 1, "minutes": [-50] * 300}).limit == sustained.SINK_LEAST


@pytest.mark.parametrize(
    "learnt",
    [{}, {"version": 2, "minutes": []}, {"version": 1}, {"version": 1, "minutes": [math.nan]},
     {"version": 1, "minutes": ["a"]}, {"version": 1, "minutes": "none"}],
)  # fmt: skip
def test_what_is_not_learnt_data_is_refused(learnt: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"version|minutes"):
        Sustained.from_learnt(learnt)


def test_a_change_after_a_long_wait_speaks_for_half_of_it() -> None:
    state = held(Sustained(), QUIET, 60, fps=0.5)
    once = sustained.step(state, state.t_s + 6, cue(sunk_in_the_seat=1.0), 6.0)
    assert once.sunk == pytest.approx(0.5 * (1 - math.exp(-6 / sustained.SLOW_S)))
