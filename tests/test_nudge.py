"""Few nudges, each answered for: escalation, cooldown, hourly limit, snooze, quiet."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_monitor.config import load_config
from posture_monitor.posture import dose, nudge
from posture_monitor.posture.dose import PAUSED, Activity
from posture_monitor.posture.nudge import (
    Alert,
    Cause,
    Effect,
    Held,
    Kind,
    Nudges,
    Outcome,
    Policy,
    Response,
    Withdraw,
)
from posture_monitor.posture.reading import Verdict
from posture_monitor.service.what_if import policy_of
from posture_monitor.settings_file import PRESETS

ROOT = Path(__file__).resolve().parent.parent
POOR, GOOD, MILD = Verdict.POOR, Verdict.GOOD, Verdict.MILD


def preset(name: str) -> Policy:
    """Return a preset as the shipped settings have it."""
    return policy_of(getattr(load_config(ROOT / "config.toml").alert.presets, name))


BALANCED = preset("balanced")


@dataclass
class Desk:
    """Somebody at a desk, with a clock that the test moves."""

    policy: Policy = BALANCED
    interval_s: float = 1.0
    t_s: float = 0.0
    state: Nudges = field(default_factory=Nudges)
    said: list[tuple[float, Effect]] = field(default_factory=list)

    def sit(
        self, activity: Activity, seconds: float, cause: Cause = nudge.NO_CAUSE, quiet: bool = False
    ) -> list[Effect]:
        new: list[Effect] = []
        for _ in range(round(seconds / self.interval_s)):
            self.state, effects = nudge.step(
                self.state, self.policy, self.t_s, activity, self.interval_s, cause, quiet
            )
            new += effects
            self.said += [(self.t_s, effect) for effect in effects]
            self.t_s += self.interval_s
        return new

    def press(self, response: Response, alert_id: int) -> list[Effect]:
        self.state, effects = nudge.respond(self.state, self.policy, alert_id, response)
        return list(effects)

    def snooze(self, seconds: float) -> list[Effect]:
        self.state, effects = nudge.snooze(self.state, self.t_s, seconds)
        return list(effects)


def alerts(effects: list[Effect]) -> list[Alert]:
    return [effect for effect in effects if isinstance(effect, Alert)]


def outcomes(effects: list[Effect]) -> list[tuple[int, Response]]:
    return [(e.alert_id, e.response) for e in effects if isinstance(e, Outcome)]


@pytest.fixture
def alerted() -> Desk:
    """Return somebody who was alerted five seconds ago."""
    desk = Desk()
    desk.sit(POOR, 95)
    return desk


def test_corrected_within_a_minute_withdraws_and_says_so() -> None:
    desk = Desk()
    (alert,) = alerts(desk.sit(POOR, 95))
    assert alert.kind is Kind.POSTURE
    assert alert.t_s == 90
    assert alert.poor_s == pytest.approx(90)
    assert desk.sit(GOOD, 5) == [Outcome(1, Response.CORRECTED, pytest.approx(5.0)), Withdraw(1)]
    assert desk.sit(GOOD, 600) == []


@pytest.mark.parametrize(
    ("seconds", "response"), [(50, Response.CORRECTED), (70, Response.LATE), (100, Response.LATE)]
)
def test_a_correction_after_more_than_a_minute_is_late(seconds: float, response: Response) -> None:
    desk = Desk()
    desk.sit(POOR, 90 + seconds)
    assert outcomes(desk.sit(GOOD, 10)) == [(1, response)]


def test_a_reading_without_a_time_is_passed_over() -> None:
    desk = Desk()
    desk.sit(POOR, 60)
    assert nudge.step(desk.state, BALANCED, math.nan, GOOD, 1.0) == (desk.state, ())


def test_leaving_the_chair_is_a_correction() -> None:
    desk = Desk()
    desk.sit(POOR, 100)
    assert outcomes(desk.sit(Verdict.AWAY, 10)) == [(1, Response.CORRECTED)]


def test_still_poor_after_two_minutes_suggests_standing_then_an_hour_of_silence() -> None:
    desk = Desk()
    desk.sit(POOR, 3 * 3600)
    shown = [(t, e.kind, e.replaces) for t, e in desk.said if isinstance(e, Alert)]
    assert shown[:3] == [(90, Kind.POSTURE, None), (210, Kind.STAND, 1), (3810, Kind.POSTURE, 2)]
    assert outcomes([e for _, e in desk.said])[:2] == [(1, Response.IGNORED), (2, Response.IGNORED)]


def test_standing_up_after_the_suggestion_is_a_correction() -> None:
    desk = Desk()
    desk.sit(POOR, 220)
    assert desk.sit(Verdict.AWAY, 5) == [Outcome(2, Response.CORRECTED, pytest.approx(10.0)), Withdraw(2)]


def test_eased_to_mild_is_not_told_to_stand() -> None:
    desk = Desk()
    desk.sit(POOR, 120)
    effects = desk.sit(MILD, 300)
    assert alerts(effects) == []
    assert outcomes(effects) == [(1, Response.IGNORED)]
    assert desk.sit(GOOD, 2) == [Withdraw(1)]  # it is still on the screen, so it is taken down


def test_unknown_leaves_the_question_open() -> None:
    desk = Desk()
    desk.sit(POOR, 100)
    assert desk.sit(Verdict.UNKNOWN, 600) == []
    assert desk.sit(POOR, 100) == [], "what nobody watched is no time in which nothing changed"
    assert [a.kind for a in alerts(desk.sit(POOR, 20))] == [Kind.STAND]


def test_suspend_after_an_alert_does_not_escalate_on_waking() -> None:
    desk = Desk()
    desk.sit(POOR, 100)
    desk.t_s += 8 * 3600
    assert desk.sit(POOR, 60) == []


@pytest.mark.parametrize(("name", "cooldown_s"), [("gentle", 1200), ("balanced", 600), ("strict", 180)])
def test_cooldown_between_corrected_alerts(name: str, cooldown_s: float) -> None:
    policy = preset(name)
    desk = Desk(policy)
    desk.sit(POOR, policy.dose.poor_hold_s + 5)
    first = desk.said[0][0]
    while len(alerts([e for _, e in desk.said])) < 2:
        desk.sit(GOOD, 20)
        desk.sit(POOR, 60)
    second = [t for t, e in desk.said if isinstance(e, Alert)][1]
    assert cooldown_s <= second - first <= cooldown_s + 80


def test_each_ignored_alert_lengthens_the_cooldown_until_one_is_heeded() -> None:
    assert [nudge.cooldown_s(BALANCED, n) for n in range(4)] == [600, 900, 1350, 2025]
    assert nudge.cooldown_s(BALANCED, 50) == nudge.LONGEST_COOLDOWN_S
    desk = Desk()
    desk.sit(POOR, 90 + 30)
    desk.sit(MILD, 100)  # ignored, but not followed up
    assert desk.state.ignored == 1
    desk.sit(GOOD, 30)
    desk.sit(POOR, 1500)
    shown = [t for t, e in desk.said if isinstance(e, Alert)]
    assert shown[1] - shown[0] == 900
    desk2 = Desk(state=desk.state, t_s=desk.t_s)
    desk2.sit(GOOD, 30)
    desk2.sit(Verdict.AWAY, 3600)
    desk2.sit(POOR, 100)
    desk2.sit(GOOD, 10)
    assert desk2.state.ignored == 0


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=12)
@given(
    day=st.lists(
        st.tuples(st.sampled_from([*Verdict, PAUSED]), st.integers(1, 60).map(lambda n: n * 10)),
        min_size=20,
        max_size=60,
    )
)
def test_never_over_the_limits_and_every_alert_is_answered_once(
    name: str, day: list[tuple[Activity, int]]
) -> None:
    policy = preset(name)
    desk = Desk(policy, interval_s=5.0)
    for activity, seconds in day:
        desk.sit(activity, seconds)
    desk.sit(PAUSED, 10)
    shown = [(t, e) for t, e in desk.said if isinstance(e, Alert)]
    times = [t for t, _ in shown]
    for t in times:
        assert sum(t <= other < t + 3600 for other in times) <= policy.max_per_hour
    posture = [t for t, e in shown if e.kind is Kind.POSTURE]
    assert all(b - a >= policy.cooldown_s for a, b in itertools.pairwise(posture))
    for t, e in shown:
        if e.kind is Kind.STAND:
            assert not [o for o in times if t < o < t + nudge.SILENCE_S]
    answered = [alert_id for alert_id, _ in outcomes([e for _, e in desk.said])]
    assert sorted(answered) == [e.id for _, e in shown]
    withdrawn = [e.alert_id for _, e in desk.said if isinstance(e, Withdraw)]
    replaced = [e.replaces for _, e in shown if e.replaces is not None]
    assert sorted(withdrawn + replaced) == [e.id for _, e in shown]


@pytest.mark.parametrize("interval_s", [2.0, 0.5, 1 / 15])
def test_the_same_hours_at_every_rate(interval_s: float) -> None:
    desk = Desk(interval_s=interval_s)
    for activity, seconds in [(GOOD, 120), (POOR, 400), (GOOD, 300), (MILD, 900), (POOR, 3600), (GOOD, 60)]:
        desk.sit(activity, seconds)
    shown = [t for t, e in desk.said if isinstance(e, Alert)]
    # tripped at 120 + 90, told to stand two minutes later, silent for an hour, and poor still
    assert shown == pytest.approx([210, 330, 3930, 4050], abs=4 * interval_s)


def test_snooze_withdraws_and_is_silent_until_it_ends(alerted: Desk) -> None:
    assert alerted.snooze(900) == [Outcome(1, Response.SNOOZED, pytest.approx(4.0)), Withdraw(1)]
    assert alerted.sit(POOR, 895) == []
    assert nudge.snoozed_s(alerted.state) == pytest.approx(6, abs=1.5)
    assert len(alerts(alerted.sit(POOR, 20))) == 1


def test_an_old_alert_marked_wrong_leaves_the_one_that_shows_to_be_followed(alerted: Desk) -> None:
    alerted.sit(GOOD, 1500)
    assert len(alerts(alerted.sit(POOR, 95))) == 1
    alerted.press(Response.WRONG, 1)
    assert (2, Response.CORRECTED) in outcomes(alerted.sit(GOOD, 60))
    assert alerted.state.ignored == 0


def test_an_alert_that_was_left_unanswered_is_not_answered_by_a_snooze(alerted: Desk) -> None:
    while not alerted.state.answered:
        alerted.sit(POOR, 1)
    assert {type(effect) for effect in alerted.snooze(900)} == {Withdraw}


def test_to_end_a_snooze_withdraws_nothing_that_shows(alerted: Desk) -> None:
    assert alerted.snooze(0) == []
    assert alerted.state.showing is not None


def test_snooze_before_any_alert() -> None:
    desk = Desk()
    desk.sit(POOR, 80)
    assert desk.snooze(300) == []
    assert desk.sit(POOR, 295) == []
    (alert,) = alerts(desk.sit(POOR, 20))
    assert alert.t_s == pytest.approx(380, abs=2)


def test_closed_by_hand_then_corrected_is_corrected(alerted: Desk) -> None:
    assert alerted.press(Response.DISMISSED, 1) == []
    assert outcomes(alerted.sit(GOOD, 5)) == [(1, Response.CORRECTED)]


def test_closed_by_hand_and_unchanged_is_dismissed_and_not_followed_up(alerted: Desk) -> None:
    alerted.press(Response.DISMISSED, 1)
    effects = alerted.sit(POOR, 200)
    assert outcomes(effects) == [(1, Response.DISMISSED)]
    assert alerts(effects) == []


@pytest.mark.parametrize("response", [Response.WRONG, Response.REANCHORED])
def test_a_wrong_alert_empties_the_dose(alerted: Desk, response: Response) -> None:
    assert alerted.press(response, 1) == [Outcome(1, response, pytest.approx(4.0)), Withdraw(1)]
    assert alerted.state.dose.level == 0
    assert alerted.sit(Verdict.UNKNOWN, 3600) == [], "until no cooldown is left"
    assert alerted.sit(POOR, 85) == []
    assert len(alerts(alerted.sit(POOR, 10))) == 1


def test_an_old_notification_answered_from_the_notification_centre(alerted: Desk) -> None:
    alerted.sit(GOOD, 10)
    (late,) = alerted.press(Response.WRONG, 1)
    assert isinstance(late, Outcome)
    assert (late.alert_id, late.response) == (1, Response.WRONG)
    assert math.isnan(late.after_s)


def test_paused_withdraws_without_blame(alerted: Desk) -> None:
    assert outcomes(alerted.sit(PAUSED, 5)) == [(1, Response.WITHDRAWN)]
    assert alerted.state.ignored == 0


def test_quiet_moments_hold_alerts_back_and_do_not_count_as_ignored() -> None:
    desk = Desk()
    effects = desk.sit(POOR, 1800, quiet=True)
    held = [e for e in effects if isinstance(e, Held)]
    assert [h.alert.t_s for h in held] == [90, 690, 1290]
    assert effects == held
    assert desk.state.ignored == 0
    (alert,) = alerts(desk.sit(POOR, 200))
    assert alert.t_s == 1890


def test_quiet_begun_after_the_alert_stops_the_follow_up() -> None:
    desk = Desk()
    desk.sit(POOR, 100)
    assert alerts(desk.sit(POOR, 300, quiet=True)) == []


def test_the_alert_names_the_measure_that_made_the_dose() -> None:
    desk = Desk(preset("gentle"))
    desk.sit(POOR, 200, Cause("neck_incl", 22.0))
    (alert,) = alerts(desk.sit(POOR, 60, Cause("trunk_incl", 30.0)))
    assert alert.cause.metric == "neck_incl"
    assert alert.cause.deviation == pytest.approx(22.0)


def test_left_and_right_are_not_averaged_away() -> None:
    desk = Desk()
    desk.sit(POOR, 30, Cause("head_roll", -14.0))
    (alert,) = alerts(desk.sit(POOR, 65, Cause("head_roll", 12.0)))
    assert alert.cause.deviation == pytest.approx(12.0)


def test_what_strayed_from_the_minutes_before_is_not_mixed_with_what_strayed_from_neutral() -> None:
    desk = Desk()
    desk.sit(POOR, 30, Cause("head_drop", 0.2))
    (alert,) = alerts(desk.sit(POOR, 65, Cause("head_drop")))
    assert alert.cause.metric == "head_drop"
    assert math.isnan(alert.cause.deviation)
    desk = Desk()
    desk.sit(POOR, 65, Cause("head_drop", 0.2))
    (alert,) = alerts(desk.sit(POOR, 30, Cause("head_drop")))
    assert alert.cause.deviation == pytest.approx(0.2)


def test_a_clock_put_back_does_not_lengthen_the_silence(alerted: Desk) -> None:
    alerted.sit(GOOD, 60)
    alerted.t_s -= 7200
    alerted.sit(GOOD, 500)
    assert len(alerts(alerted.sit(POOR, 100))) == 1


def test_the_presets_are_the_ones_promised() -> None:
    promised = {"gentle": (240, 1200, 2), "balanced": (90, 600, 4), "strict": (30, 180, 10)}
    for name, numbers in promised.items():
        policy = preset(name)
        assert (policy.dose.poor_hold_s, policy.cooldown_s, policy.max_per_hour) == numbers


def test_none_an_hour_means_never() -> None:
    desk = Desk(Policy(dose.Policy(90.0), 600.0, 0))
    assert desk.sit(POOR, 3600) == []


def test_what_nobody_watched_is_no_time_of_an_alert() -> None:
    desk = Desk()
    desk.sit(POOR, 100)
    (alert,) = [effect for _, effect in desk.said if isinstance(effect, Alert)]
    desk.sit(Verdict.UNKNOWN, 1800)
    said = desk.sit(GOOD, 2)
    (outcome,) = [effect for effect in said if isinstance(effect, Outcome)]
    assert outcome.alert_id == alert.id
    assert outcome.response is Response.CORRECTED
    assert outcome.after_s < 15


def test_the_hourly_limit_is_one_of_an_hour_and_not_of_a_day() -> None:
    desk = Desk(Policy(dose.Policy(90.0), 600.0, 2))
    for _ in range(5):
        for _ in range(6):
            desk.sit(POOR, 95)
            desk.sit(GOOD, 505)
    shown = [t for t, e in desk.said if isinstance(e, Alert)]
    assert [sum(3600 * n <= t < 3600 * (n + 1) for t in shown) for n in range(5)] == [2, 2, 2, 2, 2]


def test_of_two_measures_the_one_that_strayed_lately_counts_for_more() -> None:
    """As in the dose itself: what lies back has faded."""
    desk = Desk(preset("gentle"))
    desk.sit(POOR, 125, Cause("neck_incl", 22.0))
    (alert,) = alerts(desk.sit(POOR, 120, Cause("trunk_incl", 30.0)))
    assert alert.cause.metric == "trunk_incl"
    assert alert.cause.deviation == pytest.approx(30.0)


def test_what_strayed_a_little_while_sitting_well_is_no_cause() -> None:
    desk = Desk()
    desk.sit(GOOD, 600, Cause("head_roll", 3.0))
    desk.sit(Verdict.UNKNOWN, 600, Cause("head_yaw", 30.0))
    (alert,) = alerts(desk.sit(POOR, 95, Cause("neck_incl", 22.0)))
    assert alert.cause.metric == "neck_incl"


def test_a_snooze_that_is_over_has_nothing_left_of_it() -> None:
    desk = Desk()
    desk.sit(GOOD, 10)
    desk.snooze(300)
    desk.sit(GOOD, 1000)
    assert nudge.snoozed_s(desk.state) == 0.0


def test_closing_an_old_notification_leaves_the_one_that_shows(alerted: Desk) -> None:
    alerted.sit(GOOD, 1500)
    assert len(alerts(alerted.sit(POOR, 95))) == 1
    assert alerted.press(Response.DISMISSED, 1) == []
    effects = alerted.sit(POOR, 130)
    assert outcomes(effects) == [(2, Response.IGNORED)]
    assert [a.kind for a in alerts(effects)] == [Kind.STAND]


@pytest.mark.parametrize("interval_s", [0.2, 3.0, 6.0])
def test_the_alert_tells_how_far_it_was_on_average_at_every_rate(interval_s: float) -> None:
    desk = Desk(interval_s=interval_s)
    desk.sit(POOR, 60, Cause("neck_incl", 20.0))
    (alert,) = alerts(desk.sit(POOR, 60, Cause("neck_incl", 26.0)))
    assert 20.0 < alert.cause.deviation < 26.0


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (Policy(BALANCED.dose, cooldown_s=900.0, max_per_hour=4), nudge.Wait.COOLDOWN),
        (Policy(BALANCED.dose, cooldown_s=60.0, max_per_hour=1), nudge.Wait.LIMIT),
    ],
)
def test_what_the_next_alert_waits_for_and_how_long_is_told(policy: Policy, why: nudge.Wait) -> None:
    desk = Desk(policy)
    assert nudge.wait(desk.state, policy) == (nudge.Wait.NOTHING, 0.0)
    while not alerts(desk.sit(POOR, 1)):
        pass
    assert nudge.wait(desk.state, policy) == (nudge.Wait.SHOWN, math.inf)
    desk.sit(POOR, 300)
    waits_for, seconds = nudge.wait(desk.state, policy)
    assert waits_for is why
    assert not alerts(desk.sit(POOR, seconds - 1))
    assert alerts(desk.sit(POOR, 2))
    desk.sit(POOR, 300)
    desk.snooze(2 * nudge.HOUR_S)
    assert nudge.wait(desk.state, policy) == (nudge.Wait.SNOOZE, pytest.approx(7200.0, abs=2.0))


def test_where_no_alert_is_allowed_none_is_waited_for() -> None:
    none = Policy(BALANCED.dose, cooldown_s=60.0, max_per_hour=0)
    assert nudge.wait(Nudges(), none) == (nudge.Wait.LIMIT, math.inf)
