"""When to look again: seldom while all is as it was, every second while something changes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_monitor.posture.place import ARRIVED_S
from posture_monitor.posture.reading import LONGEST_SPOKEN_S, Verdict
from posture_monitor.posture.sampling import (
    AGREED_S,
    CONFIRMED_S,
    NEAR,
    STILL_S,
    WAVERING_S,
    Pace,
    Plan,
    Sampling,
    step,
)
from posture_monitor.posture.steady import Steady

GOOD, MILD, POOR, UNKNOWN, AWAY = Verdict
PACE = Pace()
#: Slouch index of a reading that is clearly this.
CLEARLY = {GOOD: 0.1, MILD: 0.7, POOR: 1.5, UNKNOWN: math.nan, AWAY: math.nan}

Look = tuple[float, Sampling, Plan]
#: State, what the reading alone would make of it, and motion at a moment.
Script = Callable[[float], tuple[Verdict, Verdict, bool]]


def steady(state: Verdict, reading: Verdict, index: float | None = None) -> Steady:
    """Return a steady state whose latest reading was this."""
    return Steady(state=state, latest=(reading, CLEARLY[reading] if index is None else index, "", ""))


def looks(
    script: Script, end_s: float, pace: Pace = PACE, battery: bool = False, start_s: float = 0.0
) -> list[Look]:
    """Play a script, looking when the plan says so; return every look and the plan after it."""
    sampling, t_s, out = Sampling(), start_s, []
    while t_s <= end_s:
        state, reading, moved = script(t_s)
        sampling, plan = step(sampling, pace, t_s, steady(state, reading), moved, battery)
        out.append((t_s, sampling, plan))
        t_s += plan.wait_s
    return out


def waits(found: list[Look], from_s: float, to_s: float) -> set[float]:
    return {plan.wait_s for t_s, _, plan in found if from_s <= t_s < to_s}


@pytest.mark.parametrize(
    ("state", "wait_s", "on_battery_s"),
    [(GOOD, 6, 12), (UNKNOWN, 6, 12), (MILD, 3, 6), (POOR, 3, 6), (AWAY, 8, 16)],
)
def test_a_settled_state_has_its_own_pace(state: Verdict, wait_s: float, on_battery_s: float) -> None:
    for battery, expected in ((False, wait_s), (True, on_battery_s)):
        found = looks(lambda _: (state, state, True), 300, battery=battery)
        assert waits(found, 0, 3) == {PACE.deviating_s}, "the start is to be confirmed"
        assert waits(found, 5, 300) == {expected}


@pytest.mark.parametrize("reading", [MILD, POOR, UNKNOWN, AWAY])
def test_a_deviation_is_looked_at_closely_until_the_state_has_followed(reading: Verdict) -> None:
    def script(t_s: float) -> tuple[Verdict, Verdict, bool]:
        return (GOOD if t_s < 65 else reading), (GOOD if t_s < 60 else reading), True

    for battery in (False, True):
        found = looks(script, 200, battery=battery)
        seen_s = next(t_s for t_s, sampling, _ in found if t_s > 10 and sampling.changing)
        assert seen_s - 60 <= PACE.settled_s * (PACE.battery if battery else 1)
        assert waits(found, seen_s, max(seen_s, 65)) <= {PACE.deviating_s}
        assert PACE.deviating_s not in waits(found, max(seen_s, 65) + 5, 200)


@pytest.mark.parametrize("follows_s", [5.0, 9.0, 14.0])
def test_each_change_of_a_day_is_looked_at_closely_however_long_the_state_takes(follows_s: float) -> None:
    def script(t_s: float) -> tuple[Verdict, Verdict, bool]:
        return (POOR if (t_s - follows_s) // 60 % 2 else GOOD), (POOR if t_s // 60 % 2 else GOOD), True

    found = looks(script, 600)
    for begins_s in range(60, 600, 60):
        seen_s = next(t_s for t_s, _, _ in found if t_s >= begins_s)
        assert seen_s - begins_s <= PACE.settled_s
        assert waits(found, seen_s, begins_s + follows_s) <= {PACE.deviating_s}
        assert PACE.deviating_s not in waits(found, begins_s + follows_s + 6, begins_s + 60)


@pytest.mark.parametrize("begins_s", [56.0, 57.0, 58.0, 59.0])
def test_a_glance_is_forgotten_when_it_has_passed(begins_s: float) -> None:
    ends_s = begins_s + 4
    found = looks(lambda t_s: (GOOD, POOR if begins_s <= t_s < ends_s else GOOD, True), 120)
    close = [t_s for t_s, _, plan in found if t_s > 10 and plan.wait_s == PACE.deviating_s]
    assert begins_s <= close[0] < ends_s, "a look falls into it"
    assert close[-1] <= ends_s + AGREED_S
    assert waits(found, ends_s + AGREED_S + 1, 120) == {PACE.settled_s}


def test_readings_that_waver_at_a_limit_do_not_keep_it_awake() -> None:
    def script(t_s: float) -> tuple[Verdict, Verdict, bool]:
        return GOOD, MILD if t_s >= 60 and int(t_s) % 4 < 2 else GOOD, True

    found = looks(script, 4000)
    close = [t_s for t_s, _, plan in found if t_s > 10 and plan.wait_s == PACE.deviating_s]
    assert 60 <= close[0] <= 60 + 2 * PACE.settled_s
    assert close[-1] - close[0] <= CONFIRMED_S
    # A reading that contradicts the state is followed soon all the same: it may have begun to last.
    assert waits(found, close[-1] + 1, 4000) == {PACE.settled_s, PACE.poor_s}
    assert not any(plan.may_skip and script(t_s)[1] is MILD for t_s, _, plan in found)


def test_a_limit_is_forgotten_with_time_and_with_the_state() -> None:
    def wavering(t_s: float) -> bool:
        return int(t_s) % 4 < 2

    def later(t_s: float) -> tuple[Verdict, Verdict, bool]:
        quiet = 100 <= t_s < 100 + WAVERING_S + 60
        return GOOD, MILD if t_s >= 40 and not quiet and wavering(t_s) else GOOD, True

    found = looks(later, 900)
    assert PACE.deviating_s not in waits(found, 70, 100 + WAVERING_S + 60)
    assert PACE.deviating_s in waits(found, 100 + WAVERING_S + 60, 900)

    def another(t_s: float) -> tuple[Verdict, Verdict, bool]:
        return (MILD if 200 <= t_s < 220 else GOOD), MILD if t_s >= 40 and wavering(t_s) else GOOD, True

    found = looks(another, 300)
    assert PACE.deviating_s not in waits(found, 70, 195)
    assert PACE.deviating_s in waits(found, 221, 240)


@pytest.mark.parametrize("battery", [False, True])
def test_near_a_limit_the_model_looks_as_often_as_beyond_it_though_nothing_moves(battery: bool) -> None:
    """Somebody may slip over it by less than shows in the picture."""

    def settled(index: float) -> Plan:
        sampling, t_s = Sampling(), 0.0
        for _ in range(10):
            sampling, plan = step(sampling, PACE, t_s, steady(GOOD, GOOD, index), False, battery)
            t_s += plan.wait_s
        return plan

    longer = PACE.battery if battery else 1.0
    assert settled(0.5 - NEAR - 0.01) == Plan(PACE.settled_s * longer, True)
    assert settled(0.5 - NEAR + 0.01) == Plan(PACE.poor_s * longer, False)


def test_motion_is_news_only_after_stillness() -> None:
    typing = looks(lambda _: (GOOD, GOOD, True), 600)
    assert waits(typing, 5, 600) == {PACE.settled_s}
    stirring = looks(lambda t_s: (GOOD, GOOD, t_s >= 300), 600)
    first_s = next(t_s for t_s, _, _ in stirring if t_s >= 300)
    assert first_s - 300 <= PACE.settled_s
    assert waits(stirring, first_s, first_s + 2) == {PACE.deviating_s}
    assert waits(stirring, first_s + 5, 600) == {PACE.settled_s}
    brief = looks(lambda t_s: (GOOD, GOOD, int(t_s) % int(STILL_S - 12) < 6), 600)
    assert waits(brief, 5, 600) == {PACE.settled_s}


@pytest.mark.parametrize("state", [GOOD, UNKNOWN, AWAY])
@pytest.mark.parametrize("battery", [False, True])
def test_where_nothing_moves_the_model_is_spared_but_not_for_longer_than_allowed(
    state: Verdict, battery: bool
) -> None:
    found = looks(lambda _: (state, state, False), 1800, battery=battery)
    looked = [0.0]
    for (t_s, _, _), (_, _, before) in zip(found[1:], found[:-1], strict=True):
        if not before.may_skip:
            looked.append(t_s)
    longest_s = max(b - a for a, b in itertools.pairwise(looked))
    most_s = PACE.unmoved_at_most_s * (PACE.battery if battery else 1)
    assert most_s / 2 < longest_s <= most_s
    assert len(looked) < len(found) / 3


def test_nothing_is_skipped_while_a_change_is_confirmed() -> None:
    found = looks(lambda t_s: (GOOD, GOOD if t_s < 100 else POOR, False), 112)
    assert any(sampling.changing for t_s, sampling, _ in found if t_s > 100)
    assert all(not (sampling.changing and plan.may_skip) for _, sampling, plan in found)


@pytest.mark.parametrize("state", [MILD, POOR])
def test_of_a_slouch_nothing_is_skipped(state: Verdict) -> None:
    assert not any(plan.may_skip for _, _, plan in looks(lambda _: (state, state, False), 200))


def test_of_whom_has_just_sat_down_nothing_is_skipped() -> None:
    """They are soon still to the picture and go on arriving, which a repeated reading would hide."""
    found = looks(lambda t_s: (AWAY if t_s < 100 else GOOD, GOOD, False), 200)
    skips = [t_s for t_s, _, plan in found if plan.may_skip and t_s >= 100]
    last_away_s = max(t_s for t_s, _, _ in found if t_s < 100)
    assert ARRIVED_S <= skips[0] - last_away_s <= ARRIVED_S + PACE.settled_s


def test_a_model_that_looked_all_the_same_counts_as_having_looked() -> None:
    found = looks(lambda _: (GOOD, GOOD, True), 600)
    assert all(plan.may_skip for t_s, _, plan in found if t_s > 10)
    assert all(sampling.looked_s == t_s for t_s, sampling, _ in found)


def test_a_clock_that_steps_back_starts_afresh() -> None:
    _, sampling, _ = looks(lambda _: (GOOD, GOOD, True), 600)[-1]
    again, plan = step(sampling, PACE, 5.0, steady(GOOD, GOOD), True)
    assert plan == Plan(PACE.deviating_s, False)
    assert again.wavering_until_s < 5.0
    assert again.changing


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from(list(Verdict)), st.sampled_from(list(Verdict)), st.booleans()), min_size=1
    ),
    st.builds(
        Pace, st.floats(0.5, 10), st.floats(0.1, 5), st.floats(0.5, 10), st.floats(0.5, 60),
        st.floats(1, 600), st.floats(1, 5),
    ),
    st.booleans(),
)  # fmt: skip
def test_no_wait_is_longer_than_a_reading_may_speak_for(
    readings: list[tuple[Verdict, Verdict, bool]], pace: Pace, battery: bool
) -> None:
    sampling, t_s = Sampling(), 0.0
    for state, reading, moved in readings:
        sampling, plan = step(sampling, pace, t_s, steady(state, reading), moved, battery)
        assert 0 < plan.wait_s <= LONGEST_SPOKEN_S
        assert math.isfinite(sampling.looked_s)
        t_s += plan.wait_s


@pytest.mark.parametrize("state", [GOOD, POOR, AWAY])
def test_the_longest_wait_leaves_time_for_the_look_after_it(state: Verdict) -> None:
    slowest = Pace(settled_s=10.0, poor_s=10.0, away_s=20.0, battery=5.0)
    found = looks(lambda _: (state, state, True), 600, slowest, battery=True)
    assert max(waits(found, 0, 600)) == LONGEST_SPOKEN_S - 3.0
