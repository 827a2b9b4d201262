"""Bouts of sitting and standing, stillness, and suggestions that are taken or not."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_monitor.posture import breaks
from posture_monitor.posture.breaks import Breaks, Effect, Policy, Suggestion, Taken, Wish
from posture_monitor.posture.dose import PAUSED, Activity
from posture_monitor.posture.reading import Verdict

GOOD, POOR, AWAY, UNKNOWN = Verdict.GOOD, Verdict.POOR, Verdict.AWAY, Verdict.UNKNOWN
POLICY = Policy(bout_s=2700.0, motionless_s=1200.0)


@dataclass
class Desk:
    """Somebody's desk: what is said there, which bouts came to an end, and when posture shifted."""

    interval_s: float = 1.0
    t_s: float = 0.0
    state: Breaks = field(default_factory=Breaks)
    said: list[Effect] = field(default_factory=list)
    ended: list[Breaks] = field(default_factory=list)
    shifts: list[float] = field(default_factory=list)

    def be(
        self,
        activity: Activity,
        seconds: float,
        deviations: Mapping[str, float] | None = None,
        standing: bool = False,
        quiet: bool = False,
    ) -> list[Effect]:
        new: list[Effect] = []
        for _ in range(round(seconds / self.interval_s)):
            before = self.state
            self.state, effects = breaks.step(
                self.state, POLICY, self.t_s, activity, self.interval_s, deviations, standing, quiet
            )
            new += effects
            if self.state.bout_s < before.bout_s:
                self.ended.append(before)
            elif before.since and self.state.since != before.since:
                self.shifts.append(self.t_s)
            self.t_s += self.interval_s
        self.said += new
        return new


def suggestions(effects: list[Effect]) -> list[tuple[float, Wish]]:
    return [(e.t_s, e.wish) for e in effects if isinstance(e, Suggestion)]


@pytest.mark.parametrize("interval_s", [2.0, 0.5, 1 / 15])
def test_after_three_quarters_of_an_hour_it_suggests_standing(interval_s: float) -> None:
    desk = Desk(interval_s)
    ((at, wish),) = suggestions(desk.be(GOOD, 2700 + 3 * interval_s))
    assert wish is Wish.STAND
    assert at == pytest.approx(2700, abs=1.5 * interval_s)


def test_the_wait_for_a_suggestion_ends_where_it_comes() -> None:
    desk = Desk()
    for _ in range(120):
        before_s = breaks.wait_s(desk.state, POLICY)
        said = suggestions(desk.be(GOOD, 60.0))
        assert bool(said) == (before_s < 60.0)
    still = Breaks(still_s=5.0, since={"head_drop": 0.0})
    assert breaks.wait_s(still, POLICY) == POLICY.motionless_s - 5.0


def test_it_asks_again_only_after_another_three_quarters() -> None:
    assert [t for t, _ in suggestions(Desk().be(GOOD, 8200))] == [2700, 5400, 8100]


def test_an_absence_of_a_minute_ends_the_bout_and_a_shorter_one_does_not() -> None:
    desk = Desk()
    desk.be(GOOD, 2000)
    assert desk.be(AWAY, 55) == []
    desk.be(GOOD, 100)
    assert desk.state.bout_s == pytest.approx(2100, abs=2)
    desk.be(AWAY, 670)
    (ended,) = desk.ended
    assert ended.bout_s == pytest.approx(2100, abs=2)
    assert not ended.standing
    desk.be(GOOD, 30)
    assert desk.state.bout_s == pytest.approx(30, abs=2)


def test_absences_do_not_add_up() -> None:
    desk = Desk()
    for _ in range(10):
        desk.be(GOOD, 60)
        desk.be(AWAY, 30)
    assert not desk.ended
    desk.be(GOOD, 1)
    desk.t_s += 45  # nothing is known of these, and of the absence before them nothing is left
    desk.be(GOOD, 60)
    assert not desk.ended


def test_getting_up_soon_is_taking_the_suggestion() -> None:
    desk = Desk()
    desk.be(GOOD, 2760)
    assert [type(e) for e in desk.be(AWAY, 90)] == [Taken]
    unasked = Desk()
    assert unasked.be(GOOD, 100) + unasked.be(AWAY, 90) == []
    late = Desk()
    late.be(GOOD, 2700 + 400)
    assert late.be(AWAY, 90) == []


def test_unknown_and_paused_are_neither_presence_nor_absence() -> None:
    desk = Desk()
    desk.be(GOOD, 1000)
    assert desk.be(UNKNOWN, 800) == []
    assert desk.be(PAUSED, 800) == []
    desk.be(GOOD, 2)
    assert desk.state.bout_s == pytest.approx(1002, abs=3)


@pytest.mark.parametrize("before", [GOOD, PAUSED])
def test_a_night_suspended_is_an_absence(before: Activity) -> None:
    desk = Desk()
    desk.be(GOOD, 2590)
    desk.be(before, 10)
    desk.t_s += 8 * 3600
    assert desk.be(GOOD, 60) == []
    assert len(desk.ended) == 1
    assert desk.state.bout_s == pytest.approx(60, abs=2)


def test_a_clock_put_back_changes_nothing() -> None:
    desk = Desk()
    desk.be(GOOD, 1000)
    desk.t_s -= 5000
    assert desk.be(GOOD, 100) == []
    assert desk.state.bout_s == pytest.approx(1100, abs=2)


def test_a_reading_without_a_time_is_passed_over() -> None:
    desk = Desk()
    desk.be(GOOD, 1000)
    assert breaks.step(desk.state, POLICY, math.nan, AWAY, 1.0) == (desk.state, ())


def test_who_is_not_seen_neither_stands_up_nor_sits_down() -> None:
    desk = Desk()
    desk.be(GOOD, 1000)
    desk.be(UNKNOWN, 10, standing=True)
    desk.be(GOOD, 10)
    assert not desk.ended


def test_a_standing_profile_counts_standing_and_is_not_told_to_stand() -> None:
    desk = Desk()
    desk.be(GOOD, 1200)
    desk.be(GOOD, 1, standing=True)
    assert suggestions(desk.be(GOOD, 2750, standing=True)) == [(1200 + 2700, Wish.SIT)]
    desk.be(AWAY, 90, standing=True)
    assert [ended.standing for ended in desk.ended] == [False, True]


def test_good_but_motionless() -> None:
    desk = Desk()
    effects = desk.be(GOOD, 1300, {"neck_incl": 2.0, "trunk_incl": -1.0})
    assert suggestions(effects) == [(1200, Wish.MOVE)]
    assert suggestions(desk.be(GOOD, 1000, {"neck_incl": 2.0})) == []


def test_a_shift_counts_and_starts_stillness_anew() -> None:
    desk = Desk()
    desk.be(GOOD, 1000, {"neck_incl": 2.0})
    desk.be(GOOD, 1000, {"neck_incl": 8.0})
    assert desk.shifts == [pytest.approx(1005, abs=1)]
    assert suggestions(desk.be(GOOD, 250, {"neck_incl": 8.0})) == [(2204, Wish.MOVE)]


def test_a_jolt_or_a_small_sway_is_no_shift() -> None:
    desk = Desk()
    desk.be(GOOD, 10, {"neck_incl": 2.0})
    for _ in range(200):
        desk.be(GOOD, 3, {"neck_incl": 12.0})
        desk.be(GOOD, 3, {"neck_incl": 2.0})
        desk.be(GOOD, 3, {"neck_incl": 6.0})
    assert not desk.shifts


def test_moving_after_the_reminder_is_taking_it() -> None:
    desk = Desk()
    desk.be(GOOD, 1230, {"distance": 0.0})
    assert [type(e) for e in desk.be(GOOD, 30, {"distance": -15.0})] == [Taken]


def test_poor_and_motionless_is_left_to_the_dose() -> None:
    assert suggestions(Desk().be(POOR, 2000, {"neck_incl": 25.0})) == []


def test_nothing_measured_is_not_called_stillness() -> None:
    assert suggestions(Desk().be(GOOD, 2000)) == []
    assert suggestions(Desk().be(GOOD, 2000, {"neck_incl": math.nan, "fsr": 3.0})) == []


def test_a_quiet_time_makes_suggestions_wait() -> None:
    desk = Desk()
    assert suggestions(desk.be(GOOD, 3000, quiet=True)) == []
    assert desk.be(UNKNOWN, 10) + desk.be(AWAY, 10) == [], "who is not seen may not be there"
    assert suggestions(desk.be(GOOD, 10)) == [(3020, Wish.STAND)]


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.sampled_from([*Verdict, PAUSED]), st.floats(), st.floats(), st.floats(), st.booleans()),
        max_size=40,
    )
)
def test_any_stream_leaves_a_finite_state(stream: list[tuple[Activity, float, float, float, bool]]) -> None:
    state = Breaks()
    for activity, t_s, interval_s, deviation, standing in stream:
        state, _ = breaks.step(state, POLICY, t_s, activity, interval_s, {"trunk_incl": deviation}, standing)
        assert math.isfinite(state.bout_s)
        assert state.bout_s >= 0
        assert math.isfinite(state.still_s)


def test_half_an_hour_of_a_pause_ends_a_bout_and_of_a_turned_head_does_not() -> None:
    turned = Desk()
    turned.be(GOOD, 2600)
    turned.be(UNKNOWN, 1900)
    assert suggestions(turned.be(GOOD, 200))
    desk = Desk()
    desk.be(GOOD, 2400)
    desk.be(PAUSED, 1700)
    assert suggestions(desk.be(GOOD, 400)), "a short pause is none of the sitting"
    desk.be(GOOD, 600)
    assert desk.be(PAUSED, 1810) == []
    assert len(desk.ended) == 1
    assert suggestions(desk.be(GOOD, 2600)) == []
    assert desk.state.bout_s == pytest.approx(2600, abs=3)


def test_only_getting_up_takes_a_suggestion_to_get_up() -> None:
    """Who merely shifts in the chair has not stood, and a break that follows is still told."""
    desk = Desk()
    desk.be(GOOD, 2710, {"distance": 0.0})
    assert desk.be(GOOD, 30, {"distance": -15.0}) == []
    assert len(desk.shifts) == 1
    assert [type(e) for e in desk.be(AWAY, 90)] == [Taken]


def test_one_reminder_to_move_is_taken_once() -> None:
    desk = Desk()
    desk.be(GOOD, 1230, {"distance": 0.0})
    effects = desk.be(GOOD, 30, {"distance": -15.0}) + desk.be(GOOD, 30, {"distance": 0.0})
    assert [type(e) for e in effects] == [Taken]
    assert len(desk.shifts) == 2


def test_suggestions_are_numbered_through_also_over_breaks() -> None:
    """Their number says what is answered, and which move comes next."""
    desk = Desk()
    desk.be(GOOD, 5500, {"distance": 0.0})
    desk.be(AWAY, 90)
    desk.be(GOOD, 2800)
    asked = [e for e in desk.said if isinstance(e, Suggestion)]
    assert len(asked) > 3
    assert [e.id for e in asked] == list(range(1, len(asked) + 1))


def test_a_lid_closed_for_the_night_takes_no_suggestion() -> None:
    desk = Desk()
    desk.be(GOOD, 2760)
    desk.t_s += 8 * 3600
    assert desk.be(GOOD, 60) == []
    assert len(desk.ended) == 1


def test_a_lid_closed_at_once_takes_the_suggestion() -> None:
    desk = Desk()
    desk.be(GOOD, 2760)
    desk.t_s += 200
    assert desk.be(GOOD, 60) == [Taken(1, pytest.approx(260, abs=3))]


def test_what_a_single_look_saw_is_no_shift_however_seldom_one_looks() -> None:
    desk = Desk(interval_s=6.0)
    for _ in range(20):
        desk.be(GOOD, 12, {"neck_incl": 2.0})
        desk.be(GOOD, 6, {"neck_incl": 12.0})
    assert not desk.shifts
    desk.be(GOOD, 18, {"neck_incl": 12.0})
    assert len(desk.shifts) == 1


@pytest.mark.parametrize(
    ("metric", "limit"),
    [("trunk_incl", 5.0), ("neck_incl", 5.0), ("head_roll", 5.0), ("shoulder_tilt", 5.0),
     ("lateral_trunk", 5.0), ("lateral_head", 5.0), ("distance", 11.0), ("head_shift", 0.17),
     ("shoulder_shift", 0.11)],
)  # fmt: skip
def test_a_shift_is_what_five_degrees_of_the_trunk_amount_to(metric: str, limit: float) -> None:
    for part, shifts in ((0.95, 0), (1.05, 1)):
        desk = Desk()
        desk.be(GOOD, 10, {"neck_incl": 0.0, metric: 0.0})
        desk.be(GOOD, 30, {"neck_incl": 0.0, metric: -part * limit})
        assert len(desk.shifts) == shifts


@pytest.mark.parametrize(("bout_s", "first"), [(1300.0, Wish.STAND), (1550.0, Wish.MOVE)])
def test_two_suggestions_never_come_within_five_minutes(bout_s: float, first: Wish) -> None:
    desk = Desk()
    policy = Policy(bout_s, motionless_s=1200.0)
    said = []
    for _ in range(8000):
        desk.state, effects = breaks.step(desk.state, policy, desk.t_s, GOOD, 1.0, {"distance": 0.0})
        desk.t_s += 1.0
        said += suggestions(list(effects))
    times = [at for at, _ in said]
    assert said[0][1] is first
    assert len(times) > 3
    assert min(b - a for a, b in itertools.pairwise(times)) >= 300
