"""The judgement over minutes: what it learns, what it never learns, and what it sees only when it lasts."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import rig
from people import upright

from posture_monitor.posture import sustained
from posture_monitor.posture.judge import SIGNAL_NAMES, Limits, judge
from posture_monitor.posture.metrics import measure
from posture_monitor.posture.sustained import FORWARD_LIMIT, LOWERED_LIMIT, SUSTAINED_NAMES, Habit, Sustained

QUIET = (0.0,) * len(SUSTAINED_NAMES)
DEEP, LOW = 1.5 * FORWARD_LIMIT, 1.5 * LOWERED_LIMIT


def cue(**values: float) -> tuple[float, ...]:
    """Return a column of cues with some of them set, by their name with spaces as underscores."""
    return tuple(values.get(name.replace(" ", "_"), 0.0) for name in SUSTAINED_NAMES)


def held(state: Sustained, column: tuple[float, ...] | None, seconds: float, fps: float = 2.0) -> Sustained:
    """Step through a posture that is held."""
    start = 0.0 if math.isnan(state.t_s) else state.t_s
    for i in range(1, round(seconds * fps) + 1):
        state = sustained.step(state, start + i / fps, column, 1 / fps)
    return state


def lived(scatter: float, minutes: int, middle: float = 0.0) -> Sustained:
    """Return what is known after so many minutes of sitting well that vary by so much."""
    rng, state = np.random.default_rng(1), Sustained()
    for score in rng.normal(middle, scatter, minutes):
        state = held(state, cue(forward=float(score), lowered=float(score)), 60, fps=0.5)
    return state


def test_neutral_is_nothing() -> None:
    state = held(Sustained(), QUIET, 60)
    assert state.index == 0.0
    assert state.driver == ""


def test_a_head_well_forward_is_poor_at_once() -> None:
    state = held(Sustained(), cue(forward=DEEP), 1)
    assert state.index > 1.0
    assert (state.name, state.driver) == ("forward", "ear_height")


def test_a_lowered_head_counts_only_when_it_lasts() -> None:
    low = cue(lowered=LOW)
    assert held(Sustained(), low, 10).index < 0.5
    assert held(Sustained(), low, 30).index < 1.0
    assert held(Sustained(), low, 600).index > 1.0
    assert held(Sustained(), low, 600).driver == "head_drop"


def test_who_sits_high_and_slides_down_is_mild_though_not_low() -> None:
    """From a raised chair a slide ends where the level says little; the same level from the start is fine."""
    high, after = -2.0, 1.2
    raised = held(Sustained(), cue(lowered=high), 1800)
    slid = held(raised, cue(lowered=after), 150)
    assert (slid.index, slid.name, slid.driver) == (sustained.RISE_INDEX, sustained.RISE_NAME, "head_drop")
    assert held(Sustained(), cue(lowered=after), 150).index < 0.5
    # It is a slouch for twice as long as an alert takes; a chair that was lowered is home soon after.
    assert held(raised, cue(lowered=after), 480).index >= 0.5
    assert held(raised, cue(lowered=after), 900).index < 0.5
    assert held(raised, cue(lowered=high + 0.8 * sustained.RISE_LIMIT), 300).index < 0.5


def test_a_rise_alone_is_never_poor() -> None:
    state, most = held(Sustained(), cue(lowered=-6.0), 1800), 0.0
    for _ in range(120):
        state = held(state, cue(lowered=1.2), 5)
        most = max(most, state.index)
    assert most == sustained.RISE_INDEX


def test_who_sits_up_has_sat_up_whatever_the_mean_still_holds() -> None:
    slid = held(held(Sustained(), QUIET, 600), cue(lowered=0.8 * LOWERED_LIMIT), 150)
    assert slid.index > 0.5
    assert held(slid, QUIET, 1).index < 0.5


def test_who_comes_back_sits_down_anew() -> None:
    high = held(Sustained(), cue(lowered=-2.0), 1800)
    back = held(high, None, 300, fps=0.1)
    assert back.recent == pytest.approx(back.lowered_habit.middle, abs=0.01)
    assert held(high, None, 3).recent == pytest.approx(high.recent, abs=0.2)


def test_the_limits_grow_with_how_much_somebody_moves_while_sitting_well() -> None:
    calm, lively = lived(0.1, 120), lived(1.6, 120)
    for habit in (calm.forward_habit, calm.lowered_habit, lively.forward_habit, lively.lowered_habit):
        assert sustained.SCATTER_LEAST <= habit.scatter <= sustained.SCATTER_MOST
    assert calm.forward_habit.scatter == calm.lowered_habit.scatter == sustained.SCATTER_LEAST
    assert lively.forward_habit.scatter > 1.1
    same = cue(forward=FORWARD_LIMIT)
    assert held(lively, same, 1).index < 1.0 < held(calm, same, 1).index


def test_who_sits_a_little_differently_is_measured_from_there() -> None:
    state = lived(0.3, 120, middle=0.6)
    assert 0.3 < state.forward_habit.middle < 0.6
    same = cue(forward=FORWARD_LIMIT)
    assert held(state, same, 1).index < held(lived(0.3, 120), same, 1).index


def test_a_slouch_is_never_absorbed() -> None:
    """However long it lasts: it teaches nothing, and no learning passes the bound."""
    state = held(Sustained(), QUIET, 1800)
    before = state.forward_habit, state.lowered_habit
    state = held(state, cue(forward=DEEP, lowered=LOW), 4 * 3600, fps=0.5)
    assert (state.forward_habit, state.lowered_habit) == before
    assert state.index > 1.0
    creeping = Sustained()
    for score in np.linspace(0, 2.5 * FORWARD_LIMIT, 300):
        creeping = held(creeping, cue(forward=float(score)), 60, fps=0.5)
    assert creeping.forward_habit.middle <= sustained.MIDDLE_MOST
    assert creeping.index > 1.0


def test_unjudged_time_teaches_nothing_and_hides_no_slouch() -> None:
    state = held(Sustained(), cue(lowered=LOW), 300)
    after = held(state, None, 3600)
    assert math.isnan(after.index)
    assert (after.forward_habit, after.lowered_habit) == (state.forward_habit, state.lowered_habit)
    hand_before_the_face = held(state, None, 10)
    assert hand_before_the_face.lowered > 0.9 * state.lowered


def test_who_slouched_before_an_hours_absence_comes_back_as_anybody() -> None:
    slouched = held(Sustained(), cue(lowered=LOW), 300)
    empty = held(slouched, None, 3600, fps=0.1)
    assert held(empty, QUIET, 1).index < 0.1
    asleep = sustained.step(slouched, slouched.t_s + 3600, QUIET, 1.0)
    assert asleep.index < 0.1


@pytest.mark.parametrize("fps", [0.5, 2.0, 15.0])
def test_it_is_the_same_at_any_frame_rate(fps: float) -> None:
    state = held(Sustained(), cue(forward=1.0, lowered=2.0), 240, fps)
    assert state.lowered == pytest.approx(2.0 * (1 - math.exp(-240 / sustained.SLOW_S)), abs=2e-2)
    assert state.forward_habit.minutes == pytest.approx(4, abs=1)


def test_a_suspended_machine_says_nothing() -> None:
    state = held(Sustained(), QUIET, 60)
    woken = sustained.step(state, state.t_s + 8 * 3600, cue(lowered=LOW), 0.5)
    assert woken.lowered < 0.02 * LOW


def test_cues_are_finite_and_ordered_as_their_names() -> None:
    body, camera = rig.Body(), rig.Camera()
    neutral = upright(body, camera)
    pose = rig.SCENARIOS["slump_deep"] * np.linspace(0, 1, 20)
    landmarks, size = rig.render(body, pose, camera)
    landmarks[3] = np.nan
    found = sustained.cues(judge(measure(landmarks, size), neutral), neutral)
    assert found.shape == (len(SUSTAINED_NAMES), 20)
    assert np.isfinite(found).all()
    forward = found[SUSTAINED_NAMES.index("forward")]
    assert forward[-1] > FORWARD_LIMIT > 1.0 > abs(forward[0])


def test_other_signals_get_their_own_room() -> None:
    body, camera = rig.Body(), rig.Camera()
    landmarks, size = rig.render(body, rig.Pose(lean=20, head_roll=12) * np.linspace(0, 1, 20), camera)
    landmarks[3] = np.nan
    neutral = upright(body, camera)
    judged = judge(measure(landmarks, size), neutral)
    found = sustained.cues(judged, neutral)
    for name, room in (("too near", 1.3), ("head tilted", 1.25)):
        ratio = np.nan_to_num(judged.ratios[SIGNAL_NAMES.index(name)]).clip(min=0.0)
        assert ratio.max() > 0.5
        assert found[SUSTAINED_NAMES.index(name)] == pytest.approx(ratio / room)


@pytest.mark.parametrize("kept", ["forward", "lowered"])
def test_more_tolerance_means_a_smaller_score(kept: str) -> None:
    body, camera = rig.Body(), rig.Camera()
    neutral = upright(body, camera)
    landmarks, size = rig.render(body, rig.SCENARIOS["slump_deep"], camera)
    judged = judge(measure(landmarks, size), neutral)
    row, driver = {"forward": (0, "ear_height"), "lowered": (1, "head_drop")}[kept]
    usual, tolerant = (sustained.cues(judged, neutral, limits) for limits in (None, Limits({driver: 2.0})))
    assert tolerant[row, 0] == pytest.approx(usual[row, 0] / 2)
    assert np.delete(tolerant, row, axis=0) == pytest.approx(np.delete(usual, row, axis=0))


def test_what_was_learnt_outlives_the_sitting() -> None:
    lively = lived(1.2, 60)
    learnt = json.loads(json.dumps(lively.to_learnt()))
    again = Sustained.from_learnt(learnt)
    assert again.forward_habit == pytest.approx(lively.forward_habit, abs=1e-3)
    assert again.lowered_habit.scatter == pytest.approx(lively.lowered_habit.scatter, abs=1e-3)
    assert (again.lowered, math.isnan(again.t_s)) == (0.0, True)
    assert again.recent == again.lowered_habit.middle
    assert Sustained.from_learnt(Sustained().to_learnt()) == Sustained()


def test_nothing_kept_passes_the_bounds_of_learning() -> None:
    kept = Sustained.from_learnt(
        {"version": 2, "forward": [10**400, 10**400, 1e18], "lowered": [5000, -1e9, -1.0]}
    )
    assert kept.forward_habit.minutes == kept.lowered_habit.minutes == sustained.LEARN_MINUTES
    assert kept.forward_habit.middle == sustained.MIDDLE_MOST
    assert kept.lowered_habit.middle == -sustained.MIDDLE_MOST
    assert held(kept, cue(forward=2 * FORWARD_LIMIT), 1).index > 1.0


@pytest.mark.parametrize(
    "learnt",
    [{}, {"version": 1, "minutes": []}, {"version": 2}, {"version": 2, "forward": [1, 0.0, 1.0]},
     {"version": 2, "forward": [1, math.nan, 1.0], "lowered": [1, 0.0, 1.0]},
     {"version": 2, "forward": [1, "a", 1.0], "lowered": [1, 0.0, 1.0]},
     {"version": 2, "forward": "abc", "lowered": [1, 0.0, 1.0]},
     {"version": 2, "forward": [1, 0.0, 1.0], "lowered": [1, 0.0]}],
)  # fmt: skip
def test_what_is_not_learnt_data_is_refused(learnt: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"version|forward|lowered"):
        Sustained.from_learnt(learnt)


def test_a_change_after_a_long_wait_speaks_for_half_of_it() -> None:
    state = held(Sustained(), QUIET, 60, fps=0.5)
    once = sustained.step(state, state.t_s + 6, cue(lowered=1.0), 6.0)
    assert once.lowered == pytest.approx(0.5 * (1 - math.exp(-6 / sustained.SLOW_S)))


def test_a_habit_is_the_mean_and_scatter_of_its_minutes() -> None:
    rng, habit = np.random.default_rng(4), Habit()
    minutes = rng.normal(0.4, 1.1, 200)
    for score in minutes.tolist():
        habit = habit.after(score)
    assert habit.mean == pytest.approx(minutes.mean())
    assert habit.square - habit.mean**2 == pytest.approx(minutes.var())
    assert 0 < habit.middle < minutes.mean()


@pytest.mark.parametrize(
    ("part", "index"), [(0.45, 0.25), (0.9, 0.5), (0.95, 0.75), (1.0, 1.0), (1.05, 1.25)]
)
def test_the_index_goes_straight_from_neutral_to_mild_and_from_there_to_poor(
    part: float, index: float
) -> None:
    assert held(Sustained(), cue(forward=part * FORWARD_LIMIT), 1).index == pytest.approx(index)


def test_whoever_has_been_low_for_an_hour_is_still_told_what_is_wrong() -> None:
    """Long since it is no rise any more, but it is as low as ever."""
    state = held(Sustained(), cue(lowered=LOW), 2 * 3600, fps=0.5)
    assert state.index > 1.0
    assert (state.name, state.driver) == ("lowered", "head_drop")


def test_no_single_reading_brings_more_than_a_slouch_into_the_mean() -> None:
    body, camera = rig.Body(), rig.Camera()
    neutral = upright(body, camera)
    landmarks, size = rig.render(body, rig.SCENARIOS["slump_deep"], camera)
    judged = judge(measure(landmarks, size), neutral)
    wild = sustained.cues(replace(judged, deviations=1e6 * judged.deviations), neutral)
    assert np.abs(wild[:2]).max() == sustained.MOST_SCORE
