"""What the report says in sentences is so, and no more than is known."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from history_maker import LATER, record, wall

from posture_monitor.history.days import Angle, Day, day, reasons
from posture_monitor.history.periods import week
from posture_monitor.history.records import NOT_SHOWN
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import utc_offset_s
from posture_monitor.posture.metrics import Reason
from posture_monitor.telling import words
from posture_monitor.telling.report import story

DATE = dt.date(2025, 5, 14)


def test_the_hour_that_stands_out_is_named_by_its_share_and_not_by_its_minutes(store: Store) -> None:
    record(store, wall("2025-05-14 08:00"), [("good", 3600)])
    record(store, wall("2025-05-14 09:00"), [("good", 2400), ("poor", 1200)])  # more minutes
    record(store, wall("2025-05-14 10:00"), [("good", 720), ("poor", 1080)])  # a greater share
    said = story.stood_out(day(store, DATE, LATER))
    assert said.endswith("; its share was highest between 10:00 and 11:00, 60%.")
    assert "most of all" not in said


def test_no_hour_of_a_good_day_is_pointed_out(store: Store) -> None:
    record(store, wall("2025-05-14 08:00"), [("good", 3600), ("poor", 300), ("good", 3600)])
    told = day(store, DATE, LATER)
    assert told.hardest_hour is not None
    assert story.stood_out(told) == "Poor posture took 5 min, 4% of the judged time."


def test_hours_are_written_with_two_digits(store: Store) -> None:
    record(store, wall("2025-05-14 09:00"), [("poor", 1800), ("good", 1800), ("good", 7200)])
    assert "between 09:00 and 10:00" in story.stood_out(day(store, DATE, LATER))


@pytest.mark.parametrize(("poor_s", "told"), [(756, False), (936, True)])
def test_days_are_set_against_each_other_from_five_points_on(store: Store, poor_s: int, told: bool) -> None:
    for number, seconds in ((13, 720), (14, poor_s)):
        record(store, wall(f"2025-05-{number} 09:00"), [("good", 3600 - seconds), ("poor", seconds)])
    said = story.period_stood_out(week(store, DATE, LATER))
    assert ("share was highest on Wednesday 14, lowest on Tuesday 13." in said) is told


def test_a_day_of_a_few_minutes_is_not_set_against_others(store: Store) -> None:
    record(store, wall("2025-05-12 09:00"), [("good", 3000), ("poor", 600)])
    record(store, wall("2025-05-13 09:00"), [("good", 3600), ("poor", 60)])
    record(store, wall("2025-05-14 09:00"), [("poor", 900)])
    assert "highest on Monday 12, lowest on Tuesday 13" in story.period_stood_out(week(store, DATE, LATER))


def test_a_day_without_anybody_is_no_day_that_was_judged(store: Store) -> None:
    record(store, wall("2025-05-13 09:00"), [("away", 3600)])
    record(store, wall("2025-05-14 09:00"), [("good", 3600)])
    assert story.period_stood_out(week(store, DATE, LATER)).startswith("1 h 00 min judged on 1 day;")


def test_too_little_to_judge_is_one_number_wherever_it_stands(store: Store) -> None:
    record(store, wall("2025-05-14 09:00"), [("good", 3582), ("unknown", 2418)])  # 59.7 %
    told = day(store, DATE, LATER)
    assert "only 59% of the time" in story.stood_out(told)
    assert story.coverage_line(told).endswith("(59%).")


def test_what_followed_is_not_known_of_every_reminder(store: Store) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("good", 700), ("poor", 20)])
    store.outcome(store.alert(at_s - 300, utc_offset_s(at_s), "posture"), "corrected", at_s - 290)
    store.alert(at_s, utc_offset_s(at_s), "posture")  # the record ends here
    hidden = store.alert(at_s - 200, utc_offset_s(at_s), "posture", channel=NOT_SHOWN)
    store.outcome(hidden, "corrected", at_s - 190)  # of itself
    told = day(store, DATE, LATER)
    assert story.alerts_line(told) == "1 followed by a change within a minute, 1 not shown, 1 not known"
    assert [story.followed(alert, told) for alert in told.alerts] == [
        "better after 10 s", "not shown", "not known",
    ]  # fmt: skip


@pytest.mark.parametrize(("minutes", "said"), [(9, ""), (10, "−2° to +9°")])
def test_less_than_ten_minutes_have_no_middle_eight(minutes: int, said: str) -> None:
    assert story.middle_eight("neck_incl", Angle(3.0, -2.0, 9.0, minutes)) == said


@pytest.mark.usefixtures("berlin")
def test_a_stretch_within_a_minute_has_one_time(store: Store) -> None:
    for step in range(0, 41, 10):
        store.heartbeat(wall("2025-05-14 09:30") + step, 7200, "poor")
    told = day(store, dt.date(2025, 5, 14), LATER)
    assert told.longest_poor is not None
    assert story.stretch(told.longest_poor) == "09:30"


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("begin", "said"),
    [
        ("2025-10-26 02:30", "02:30–02:30, the clock set back in between"),
        ("2025-03-30 01:30", "01:30–03:30, the clock set forward in between"),
        ("2025-05-14 09:30", "09:30–10:30"),
    ],
)
def test_a_stretch_over_a_change_of_the_clock_says_so(store: Store, begin: str, said: str) -> None:
    start_s = wall(begin)
    for step in range(0, 3601, 10):
        store.heartbeat(start_s + step, utc_offset_s(start_s + step), "poor")
    told = day(store, dt.date.fromisoformat(begin[:10]), LATER)
    assert told.longest_poor is not None
    assert story.stretch(told.longest_poor) == said
    (bout,) = told.bouts
    assert story.bout_line(bout).startswith(said.split(",")[0])


@pytest.mark.parametrize(
    ("bout_s", "said"),
    [
        (3000, "50 min: try walking a few steps once in between."),
        (5999, "1 h 40 min: try walking a few steps once in between."),
        (6000, "1 h 40 min: a few steps every 45 minutes or so break it up."),
        (8 * 3600, "8 h 00 min: a few steps every 45 minutes or so break it up."),
    ],
)
def test_once_in_between_is_suggested_only_where_once_is_enough(
    store: Store, bout_s: float, said: str
) -> None:
    record(store, wall("2025-05-14 09:00"), [("good", bout_s)], step_s=10)
    told = story.suggestion(day(store, DATE, LATER))
    assert told == f"The longest time without a break was {said}"


@pytest.mark.parametrize("parts", [[], [("good", 120)], [("paused", 7200)]])
def test_nothing_is_suggested_for_a_day_that_is_over_and_told_little(
    store: Store, parts: list[tuple[str, float]]
) -> None:
    record(store, wall("2025-05-14 09:00"), parts)
    assert story.suggestion(day(store, DATE, wall("2025-05-15 00:00"))) == ""
    so_far = story.suggestion(day(store, DATE, wall("2025-05-14 18:00")))
    assert so_far.startswith("Let it watch a little longer" if parts else "Run `posture-monitor start`")


def reminded(store: Store, date: str, drivers: dict[str, float], outcome: str = "ignored") -> Day:
    """Return a day of 20 min spells with three reminders for each of these measures."""
    for number, (driver, deviation) in enumerate(drivers.items()):
        for count in range(3):
            at_s = wall(f"{date} 09:00") + 1800 * (3 * number + count)
            record(store, at_s, [("good", 600), ("poor", 300), ("good", 300)], step_s=10)
            alert = store.alert(at_s + 900, utc_offset_s(at_s), "posture", driver=driver, deviation=deviation)
            store.outcome(alert, outcome)
    return day(store, dt.date.fromisoformat(date), LATER)


@pytest.mark.parametrize(
    ("drivers", "said"),
    [
        (
            {"fsr": 12.0, "neck_incl": 22.0},
            "All 6 posture reminders were for “head forward”: try the screen at eye height",
        ),
        (
            {"trunk_incl": 21.0},
            "All 3 posture reminders were for “trunk forward”: try keyboard and mouse nearer to you.",
        ),
        ({"trunk_incl": 21.0, "distance": -30.0}, "Keep changing position: "),  # neither is most
        ({"trunk_incl": -21.0}, "Keep changing position: "),  # leaning back wants no other desk
    ],
)
def test_what_to_try_at_the_desk_fits_what_most_reminders_were_for(
    store: Store, drivers: dict[str, float], said: str
) -> None:
    assert story.suggestion(reminded(store, "2025-05-14", drivers)).startswith(said)


def test_what_is_tried_at_the_desk_is_for_what_reminders_say() -> None:
    sides = [side for measure in words.MEASURES.values() for side in (measure.up, measure.down)]
    assert story.AT_THE_DESK.keys() <= {side.title.partition(":")[0] for side in sides}


def test_of_reminders_marked_wrong_nothing_is_concluded_but_that_neutral_may_not_fit(store: Store) -> None:
    told = reminded(store, "2025-05-14", {"fsr": 12.0}, "wrong")
    assert story.suggestion(told).startswith("3 of 3 posture reminders were marked wrong: a new neutral")
    assert story.suggestion(replace(told, alerts=told.alerts[1:])).startswith("Keep changing position")


def test_as_many_reminders_are_told_of_as_are_listed_though_some_were_wrong(store: Store) -> None:
    told = reminded(store, "2025-05-14", {"fsr": 12.0, "neck_incl": 22.0})
    wrong = replace(told, alerts=(replace(told.alerts[0], outcome="wrong"), *told.alerts[1:]))
    assert story.suggestion(wrong).startswith("All 6 posture reminders were for “head forward”")


def test_days_alike_take_turns_in_what_they_suggest(store: Store) -> None:
    for number in (13, 14):
        record(store, wall(f"2025-05-{number} 09:00"), [("good", 2700), ("poor", 700)], step_s=10)
    said = [story.suggestion(day(store, dt.date(2025, 5, number), LATER)) for number in (13, 14)]
    assert ["break" in said[0], "poor stretch" in said[0]] != ["break" in said[1], "poor stretch" in said[1]]
    assert sorted(each.split(" was ")[0] for each in said) == [
        "The longest poor stretch", "The longest time without a break",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "said"),
    [(Reason.DARK, "lamp"), (Reason.MOVED, "--reanchor"), (Reason.STRANGER, "calibrate` lets it judge where"),
     (Reason.CROWD, "sees you alone"), (Reason.VIEW, "lets it judge from where"), (Reason.BLURRED, "doctor")],
)  # fmt: skip
def test_what_to_do_about_too_little_seen_fits_its_reason(store: Store, reason: Reason, said: str) -> None:
    for step in range(200):
        at_s = wall("2025-05-14 09:00") + 10 * step
        store.heartbeat(at_s, utc_offset_s(at_s), *(("good", "") if step < 60 else ("unknown", reason.value)))
    assert said in story.suggestion(day(store, DATE, LATER))


def test_what_lay_between_the_stretches_at_the_desk_is_named(store: Store) -> None:
    at_s = record(
        store,
        wall("2025-05-14 09:00"),
        [("good", 1200), ("away", 300), ("good", 600), ("paused", 600), ("away", 30), ("good", 600),
         ("busy", 120), ("good", 600)],
    )  # fmt: skip
    record(store, at_s + 900, [("good", 300), ("away", 1800)])  # the monitor was off for a quarter of an hour
    told = day(store, DATE, LATER)
    assert [story.after_bout(bout, told) for bout in told.bouts] == [
        ("break", 300), ("paused", 600), ("no camera", 120), ("not recorded", 900), ("away", 1800),
    ]  # fmt: skip
    assert story.bouts_line(told) == (
        "5 stretches at the desk, the longest 20 min from 09:00; between them 1 break of a minute or more, "
        "once paused, once no camera, once not recorded"
    )


def test_of_the_last_stretch_the_record_says_no_more(store: Store) -> None:
    record(store, wall("2025-05-14 09:00"), [("good", 1200)])
    told = day(store, DATE, LATER)
    assert story.after_bout(told.bouts[0], told) == ("end of the record", 0)
    assert story.bouts_line(told) == (
        "1 stretch at the desk, 20 min from 09:00; 0 breaks of a minute or more"
    )


@pytest.mark.parametrize(
    ("share", "said"),
    [(0, "0%"), (0.005, "<1%"), (0.006, "1%"), (0.42, "42%"), (0.994, "99%"), (0.9951, ">99%"), (1, "100%")],
)
def test_none_and_all_are_said_of_nothing_else(share: float, said: str) -> None:
    assert words.percent(share) == said


def test_a_minute_that_was_not_judged_keeps_coverage_from_all(store: Store) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("good", 4 * 3600), ("poor", 30)], step_s=10)
    assert "(100%)" in story.coverage_line(day(store, DATE, LATER))
    record(store, at_s, [("unknown", 30)])
    told = day(store, DATE, LATER)
    assert "could be judged (>99%)" in story.coverage_line(told)
    assert "Score: >99%" in story.score_line(told)


def test_one_alert_is_not_told_as_several(store: Store) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("good", 700), ("poor", 300)])
    store.alert(at_s - 60, utc_offset_s(at_s), "posture")
    assert story.day_line(day(store, DATE, LATER)).endswith(", 1 reminder")
    store.alert(at_s - 30, utc_offset_s(at_s), "posture")
    assert story.day_line(day(store, DATE, LATER)).endswith(", 2 reminders")


@pytest.mark.parametrize(("left_after_s", "said"), [(40.0, "1"), (200.0, "0")])
def test_a_change_within_a_minute_is_one_for_breaks_as_well(
    store: Store, left_after_s: float, said: str
) -> None:
    """A suggestion is taken by whoever gets up within minutes; what is told of a minute is of a minute."""
    record(store, wall("2025-05-14 09:00"), [("good", 3600)])
    at_s = wall("2025-05-14 09:45")
    store.outcome(store.alert(at_s, utc_offset_s(at_s), "break-stand"), "left", at_s + left_after_s)
    assert story.alerts_line(day(store, DATE, LATER)) == f"{said} followed by a change within a minute"


def test_who_is_asked_to_move_moves_and_was_no_worse_before(store: Store) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("good", 3000)])
    number = store.alert(at_s - 60, utc_offset_s(at_s), "break-move")
    store.outcome(number, "better", at_s - 40)
    told = day(store, DATE, LATER)
    assert story.followed(told.alerts[0], told) == "moved after 20 s"


def test_a_break_suggestion_shown_in_german_is_reported_in_english(store: Store) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("good", 3000)])
    store.alert(at_s, utc_offset_s(at_s), "break-stand", title="Zeit zum Aufstehen")
    (alert,) = day(store, DATE, LATER).alerts
    assert story.alert_what(alert) == "Time to stand"


@pytest.mark.parametrize(
    ("day_of_it", "title"),
    [
        ("2025-05-14", "Week of 12–18 May 2025"),
        ("2025-05-01", "Week of 28 April–4 May 2025"),
        ("2025-01-01", "Week of 30 December 2024–5 January 2025"),
    ],
)
def test_a_week_over_the_new_year_has_both_years(store: Store, day_of_it: str, title: str) -> None:
    assert story.period_title(week(store, dt.date.fromisoformat(day_of_it), LATER)) == title
    assert story.between(dt.date(2024, 12, 2), dt.date(2025, 1, 1)) == "2 December 2024 to 1 January 2025"
    assert story.between(dt.date(2025, 5, 1), dt.date(2025, 5, 31)) == "1 May to 31 May 2025"


@pytest.mark.parametrize(
    ("parts", "stood_out", "coverage", "suggestion"),
    [
        ([], "Nothing was recorded on this day.", "Not recorded.", ""),
        (
            [("away", 3600)],
            "There is not enough to go by: nobody was seen at the desk.",
            "Nobody was seen at the desk.",
            "",
        ),
        (
            [("good", 1193), ("unknown", 807)],
            "There is not enough to go by: only 59% of the time at the desk could be judged, 60% is needed.",
            "20 min of 33 min",
            "Check the light and that the camera sees head and shoulders; `posture-monitor doctor` helps.",
        ),
        (
            [("good", 1900)],
            "No poor posture was seen.",
            "32 min of 32 min",
            "Keep changing position: no single posture suits a whole day.",
        ),
        (
            [("good", 1900), ("poor", 50)],
            "Hardly any poor posture was seen.",
            "32 min of 32 min",
            "Keep changing position: no single posture suits a whole day.",
        ),
        (
            [("good", 541), ("poor", 59)],
            "Poor posture took 59 s, 10% of the judged time.",
            "10 min of 10 min",
            "Keep changing position: no single posture suits a whole day.",
        ),
        (
            [("good", 60), ("unknown", 7200), ("good", 60)],
            "There is not enough to go by: only 2% of the time at the desk could be judged, 60% is needed.",
            "2 min of 2 h 02 min",
            "Check the light and that the camera sees head and shoulders; `posture-monitor doctor` helps.",
        ),
        (
            [("good", 1200), ("poor", 1200)],
            "Poor posture took 20 min, 50% of the judged time.",
            "40 min of 40 min",
            "The longest poor stretch was 20 min: a small change of position every few minutes breaks it up.",
        ),
    ],
)
def test_what_is_said_of_a_day_and_suggested(
    store: Store, parts: list[tuple[str, float]], stood_out: str, coverage: str, suggestion: str
) -> None:
    record(store, wall("2025-05-14 09:00"), parts)
    told = day(store, DATE, LATER)
    assert story.stood_out(told) == stood_out
    assert story.coverage_line(told).startswith(coverage)
    assert story.suggestion(told) == suggestion


def test_what_is_said_of_a_week_that_is_short_of_days_or_of_data(store: Store) -> None:
    assert story.period_stood_out(week(store, DATE, LATER)) == "Nothing was recorded in this week."
    record(store, wall("2025-05-13 09:00"), [("good", 100), ("unknown", 900)])
    assert story.period_stood_out(week(store, DATE, LATER)).startswith("There is not enough to go by: only")
    record(store, wall("2025-05-14 09:00"), [("good", 3600), ("poor", 3600)])
    # The day of which little is known is neither the best nor the worst.
    told = week(store, DATE, LATER)
    assert story.period_stood_out(told) == "2 h 02 min judged on 2 days; poor posture took 49% of it."
    lines = [story.day_line(told.days[number]) for number in range(3)]
    assert lines == [
        "Mon 12 May: not recorded",
        "Tue 13 May: 17 min at the desk, not enough data, 0 reminders",
        "Wed 14 May: 2 h 00 min at the desk, 50% poor, 0 reminders",
    ]


def test_why_nothing_was_judged_is_told_longest_first(store: Store) -> None:
    at_s = wall("2025-05-14 09:00")
    for step, (state, reason) in enumerate(
        [
            ("unknown", ""),
            *[("unknown", "too dark")] * 6,
            ("good", ""),
            *[("unknown", "head turned")] * 3,
            ("good", ""),
        ]
    ):
        store.heartbeat(at_s + 10 * step, utc_offset_s(at_s), state, reason)
    assert reasons(day(store, DATE, LATER).spans) == [("too dark", 60), ("head turned", 30), ("", 10)]


def test_what_followed_the_alerts_is_counted(store: Store) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("good", 700), ("poor", 300)])
    told = day(store, DATE, LATER)
    assert story.alerts_line(told) == ""
    for outcome in ("corrected", "ignored", "left", "dismissed", "snoozed", "wrong"):
        number = store.alert(at_s - 60, utc_offset_s(at_s), "posture", title="Haltung")
        store.outcome(number, outcome, at_s - 30)
    told = day(store, DATE, LATER)
    assert story.alerts_line(told) == "2 followed by a change within a minute, 1 marked wrong"
    assert [story.followed(alert, told) for alert in told.alerts] == [
        "better after 30 s", "no change", "got up after 30 s", "dismissed", "snoozed", "marked wrong",
    ]  # fmt: skip
    # Without a measure to name, its own title is all that is known.
    assert story.alert_what(told.alerts[0]) == "Haltung"


@pytest.mark.parametrize(
    ("metric", "deviation", "said"),
    [
        ("trunk_incl", 12.4, "+12°"), ("distance", -8.0, "−8%"), ("head_drop", -0.126, "−13%"),
        ("head_drop", -0.004, "0%"), ("brand_new", 3.0, "+3"),
    ],
)  # fmt: skip
def test_a_deviation_has_sign_and_unit(metric: str, deviation: float, said: str) -> None:
    assert story.signed(metric, deviation) == said
