"""The dose gathers and drains by seconds, never by frames, and by nothing it did not see."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_monitor.errors import UserError
from posture_monitor.posture import dose
from posture_monitor.posture.dose import PAUSED, Activity, Dose, Policy
from posture_monitor.posture.reading import Verdict

ACTIVITIES: tuple[Activity, ...] = (*Verdict, PAUSED)
BALANCED = Policy(90.0)

activities = st.sampled_from(ACTIVITIES)
#: A day in pieces: what, and for how many seconds (even, so that every rate sees each change on time).
days = st.lists(st.tuples(activities, st.integers(1, 90).map(lambda n: 2 * n)), min_size=1, max_size=9)


class Clock:
    """A clock that goes only where it is told."""

    def __init__(self, t_s: float = 1000.0) -> None:
        self.t_s = t_s

    def forward(self, seconds: float) -> float:
        self.t_s += seconds
        return self.t_s


def play(
    day: Iterable[tuple[Activity, int]], policy: Policy, interval: Fraction
) -> tuple[Dose, list[float], list[float]]:
    """Feed a day at one reading every `interval` seconds; return also when it tripped and when recovered."""
    state, trips, recoveries = Dose(), [], []
    start = Fraction(0)
    for activity, seconds in (*day, (Verdict.UNKNOWN, interval)):
        for n in range(int(seconds / interval)):
            t_s, before = float(start + n * interval), state.tripped
            state = dose.step(state, policy, t_s, activity, float(interval))
            if state.tripped != before:
                (trips if state.tripped else recoveries).append(t_s)
        start += seconds
    return state, trips, recoveries


def crossings(day: Iterable[tuple[Activity, int]], policy: Policy) -> tuple[list[float], float]:
    """Return when the dose trips, solved by hand, and the closest call in seconds."""
    level, t_s, tripped = 0.0, 0.0, False
    at: list[float] = []
    closest = math.inf
    for activity, seconds in day:
        strength = dose.STRENGTH[activity]
        if dose.recovers(activity):
            tripped = False
        if strength is None:
            t_s += seconds
            continue
        if strength > policy.threshold and dose.strays(activity):
            wait = dose.TAU_S * math.log((strength - level) / (strength - policy.threshold))
            if not tripped:
                closest = min(closest, abs(seconds - wait))
            if not tripped and wait <= seconds:
                tripped = True
                at.append(t_s + max(0.0, wait))
        level = min(strength + (level - strength) * math.exp(-seconds / dose.TAU_S), policy.threshold)
        t_s += seconds
    return at, closest


@pytest.mark.parametrize("hold_s", [30.0, 90.0, 240.0])
@pytest.mark.parametrize("interval", [Fraction(2), Fraction(1, 2), Fraction(1, 15)])
def test_unbroken_poor_trips_after_the_hold(hold_s: float, interval: Fraction) -> None:
    _, (at,), _ = play([(Verdict.POOR, int(hold_s) + 30)], Policy(hold_s), interval)
    assert hold_s - 1e-6 <= at <= hold_s + interval


def test_threshold_follows_from_the_hold() -> None:
    assert Policy(240.0).threshold == pytest.approx(1 - math.exp(-240 / 564))
    assert Policy(240.0).threshold == pytest.approx(0.35, abs=0.01)  # ergonomics: 4 min of poor


def test_mild_counts_half() -> None:
    # half strength against the same threshold: tau * ln(0.5 / (0.5 - threshold))
    _, trips, _ = play([(Verdict.MILD, 400)], BALANCED, Fraction(1, 2))
    expected = dose.TAU_S * math.log(0.5 / (0.5 - BALANCED.threshold))
    assert trips == [pytest.approx(expected, abs=0.5)]
    assert expected > 2 * 90


def test_mild_counts_by_how_far_it_lies_from_good_to_poor() -> None:
    assert [dose.strength(Verdict.MILD, index) for index in (0.4, 0.5, 0.75, 1.0)] == [0.0, 0.0, 0.5, 1.0]
    assert dose.strength(Verdict.POOR, 7.0) == 1.0
    assert dose.strength(Verdict.MILD) == 0.5, "half, where no more is known"


@given(activities, st.floats(allow_nan=True, allow_infinity=True))
def test_an_index_never_makes_good_posture_or_an_absence_count(activity: Activity, index: float) -> None:
    strength = dose.strength(activity, index)
    if dose.strays(activity):
        assert strength is not None
        assert 0.0 <= strength <= 1.0
    else:
        assert strength == dose.STRENGTH[activity]


def test_posture_that_lingers_at_a_limit_gathers_alike_on_either_side_of_it() -> None:
    """Whether a reading just passes a limit or just does not must not decide about an alert."""

    def gathered(*sides: tuple[Verdict, float]) -> float:
        state = Dose()
        for n in range(60):
            activity, index = sides[n % len(sides)]
            state = dose.step(state, BALANCED, float(n), activity, 1.0, index)
        return state.level

    assert gathered((Verdict.MILD, 0.51)) - gathered((Verdict.GOOD, 0.49)) < 0.02
    assert gathered((Verdict.POOR, 1.01)) - gathered((Verdict.MILD, 0.99)) < 0.02


@settings(max_examples=40)
@given(days, st.sampled_from([30.0, 90.0, 240.0]))
@pytest.mark.slow
def test_same_alerts_at_every_rate(day: list[tuple[Activity, int]], hold_s: float) -> None:
    policy = Policy(hold_s)
    expected, closest = crossings(day, policy)
    levels = []
    for interval in (Fraction(2), Fraction(1, 2), Fraction(1, 15)):
        state, at, _ = play(day, policy, interval)
        levels.append(state.level)
        if closest < 2.01:  # recovery falls within one slow sample of the trip: either is right
            continue
        assert len(at) == len(expected)
        assert all(-1e-6 <= got - want <= interval + 1e-6 for got, want in zip(at, expected, strict=True))
    assert levels == pytest.approx([levels[0]] * 3, abs=1e-6)


@settings(max_examples=40)
@given(days, st.integers(1, 200))
def test_unknown_neither_adds_nor_recovers(day: list[tuple[Activity, int]], seconds: int) -> None:
    policy = BALANCED
    state, _, _ = play(day, policy, Fraction(1, 2))
    t_s = state.t_s
    before = state = dose.step(state, policy, t_s, Verdict.UNKNOWN, 2.0)
    for n in range(1, seconds + 1):
        state = dose.step(state, policy, t_s + n, Verdict.UNKNOWN, 1.0)
        assert state.tripped == before.tripped
    if before.poor_s > 0 and before.level >= dose.FORGOTTEN * policy.threshold:
        assert state.poor_s == before.poor_s
    assert state.level == before.level


@given(st.sampled_from([Verdict.GOOD, Verdict.AWAY, PAUSED]), st.floats(0, 20))
def test_good_away_and_paused_drain(activity: Activity, seconds: float) -> None:
    state = Dose(level=0.1, t_s=0.0, activity=activity, interval_s=10.0)
    after = dose.step(state, BALANCED, seconds, Verdict.UNKNOWN, 10.0)
    assert after.level == pytest.approx(0.1 * math.exp(-seconds / dose.TAU_S))


@given(
    activities,
    st.floats(0, 0.147),
    st.floats(0.01, 100),
    st.one_of(st.floats(-1e9, 0), st.floats(60, 1e9)),
)
def test_suspend_and_clock_changes_speak_for_one_reading_at_most(
    activity: Activity, level: float, interval_s: float, jump_s: float
) -> None:
    clock = Clock()
    state = Dose(level=level, t_s=clock.t_s, activity=activity, interval_s=interval_s)
    jumped = dose.step(state, BALANCED, clock.forward(jump_s), Verdict.UNKNOWN, interval_s)
    longest = min(2 * interval_s, 20.0) if jump_s > 0 else 0.0
    strength = dose.STRENGTH[activity]
    if strength is None:
        assert jumped.level == level
    else:
        reach = strength + (level - strength) * math.exp(-longest / dose.TAU_S)
        assert abs(jumped.level - level) <= abs(reach - level) + 1e-12


def test_a_night_suspended_mid_slouch_is_no_slouch() -> None:
    clock = Clock()
    state = Dose()
    for _ in range(60):
        state = dose.step(state, BALANCED, clock.forward(0.5), Verdict.POOR, 0.5)
    before = state.level
    state = dose.step(state, BALANCED, clock.forward(8 * 3600), Verdict.POOR, 0.5)
    assert not state.tripped
    assert state.level == pytest.approx(1 - (1 - before) * math.exp(-1 / dose.TAU_S))
    assert state.poor_s == pytest.approx(29.5 + 1.0)


def test_a_minute_of_good_sitting_after_an_hour_of_slouching_still_counts() -> None:
    state, _, _ = play([(Verdict.POOR, 3600)], BALANCED, Fraction(1, 2))
    assert state.level == BALANCED.threshold
    assert state.fraction(BALANCED) == 1.0
    day = [(Verdict.POOR, 3600), (Verdict.GOOD, 300), (Verdict.POOR, 4)]
    _, trips, _ = play(day, BALANCED, Fraction(1, 2))
    assert len(trips) == 1


def test_glances_do_not_trip() -> None:
    hour = [(Verdict.GOOD, 56), (Verdict.POOR, 4)] * 60
    _, trips, _ = play(hour, BALANCED, Fraction(1, 2))
    assert not trips


def test_it_recovers_once() -> None:
    day = [(Verdict.POOR, 120), (Verdict.UNKNOWN, 60), (Verdict.GOOD, 60), (Verdict.AWAY, 60)]
    _, trips, recoveries = play(day, BALANCED, Fraction(1, 2))
    assert len(trips) == 1
    assert recoveries == [180]


def test_episode_tells_how_long_of_how_long() -> None:
    state, _, _ = play([(Verdict.POOR, 60), (Verdict.GOOD, 60), (Verdict.MILD, 60)], BALANCED, Fraction(1, 2))
    assert (state.poor_s, state.over_s) == (120, 180)
    state, _, _ = play([(Verdict.POOR, 60), (Verdict.GOOD, 3000)], BALANCED, Fraction(1, 2))
    assert (state.poor_s, state.over_s) == (0, 0)


@given(st.lists(st.tuples(activities, st.floats(), st.floats()), max_size=30))
def test_nothing_non_finite_escapes(stream: list[tuple[Activity, float, float]]) -> None:
    state = Dose()
    for activity, t_s, interval_s in stream:
        state = dose.step(state, BALANCED, t_s, activity, interval_s)
        assert 0 <= state.level <= BALANCED.threshold
        assert math.isfinite(state.poor_s)
        assert math.isfinite(state.over_s)


@pytest.mark.parametrize("hold_s", [0.0, -1.0, math.nan, math.inf])
def test_a_hold_that_makes_no_sense_is_refused(hold_s: float) -> None:
    with pytest.raises(UserError, match=r"alert\.poor_hold_s"):
        Policy(hold_s)
