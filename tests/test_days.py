from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from history_maker import LATER, record, wall
from hypothesis import given
from hypothesis import strategies as st

from posture_monitor.history import days
from posture_monitor.history.days import day, score
from posture_monitor.history.periods import week
from posture_monitor.history.records import Span
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import longest, merge, midnight_s, utc_offset_s, what_followed

pytestmark = pytest.mark.usefixtures("berlin")


def date(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


# ------------------------------------------------------------------------ days


def test_a_plain_day(store: Store) -> None:
    record(store, wall("2025-05-14 09:00"), [
        ("good", 3600), ("poor", 600), ("mild", 300), ("unknown", 300), ("away", 900), ("poor", 1200),
        ("paused", 60), ("busy", 30),
    ])  # fmt: skip
    told = day(store, date("2025-05-14"), LATER)
    assert told.seconds == pytest.approx(
        {"good": 3600, "poor": 1800, "mild": 300, "unknown": 300, "away": 900, "paused": 60, "busy": 30}
    )
    assert told.not_recorded_s == pytest.approx(86400 - 6990)
    assert told.longest_poor_s == 1200
    assert told.coverage == pytest.approx(5700 / 6000)
    assert score(told) == pytest.approx(100 * 3900 / 5700)
    assert told.withheld == ""


def test_a_day_whose_midnight_the_clock_skips_begins_with_its_first_moment(
    store: Store, travel: Callable[[str], None]
) -> None:
    travel("America/Sao_Paulo")
    assert midnight_s(date("2018-11-04")) == wall("2018-11-04 01:00")
    record(store, wall("2018-11-03 12:00"), [("good", 24 * 3600)], step_s=15)
    before, after = (day(store, date(f"2018-11-0{number}"), LATER) for number in (3, 4))
    assert (before.recorded_s, before.not_recorded_s) == pytest.approx((12 * 3600, 12 * 3600), abs=16)
    assert (after.recorded_s, after.not_recorded_s) == pytest.approx((12 * 3600, 11 * 3600), abs=16)


def test_today_is_not_over_yet(store: Store) -> None:
    record(store, wall("2025-05-14 09:00"), [("good", 3600)])
    told = day(store, date("2025-05-14"), wall("2025-05-14 10:30"))
    assert told.not_recorded_s == pytest.approx(9.5 * 3600)
    assert told.end_s == wall("2025-05-14 10:30")


def test_an_empty_day(store: Store) -> None:
    told = day(store, date("2025-05-14"), LATER)
    assert told.recorded_s == 0
    assert told.not_recorded_s == 86400
    assert told.spans == told.alerts == told.bouts == ()
    assert len(told.minutes.start_s) == 0
    assert math.isnan(told.coverage)
    assert math.isnan(score(told))
    assert told.withheld == "not recorded", "nobody knows whether anybody was there"


def test_midnight_splits_a_span(store: Store) -> None:
    record(store, wall("2025-05-14 23:00"), [("poor", 2 * 3600)], step_s=10)
    before, after = (day(store, date(text), LATER) for text in ("2025-05-14", "2025-05-15"))
    assert before.seconds["poor"] == pytest.approx(3600)
    assert after.seconds["poor"] == pytest.approx(3600)
    assert before.hours[23].seconds["poor"] == pytest.approx(3600)
    assert after.hours[0].seconds["poor"] == pytest.approx(3600)
    assert before.longest_poor_s == pytest.approx(3600)
    assert before.spans[-1].end_s == after.spans[0].start_s == midnight_s(date("2025-05-15"))


def test_the_day_that_has_23_hours(store: Store) -> None:
    start_s = wall("2025-03-29 12:00")
    record(store, start_s, [("good", 36 * 3600)], step_s=15)
    told = day(store, date("2025-03-30"), LATER)
    assert told.seconds["good"] == pytest.approx(23 * 3600)
    assert told.not_recorded_s == pytest.approx(0, abs=1e-6)
    assert told.hours[2].seconds["good"] == pytest.approx(0, abs=16)  # 02:00 to 03:00 did not happen
    assert sum(hour.seconds["good"] for hour in told.hours) == pytest.approx(23 * 3600)
    assert day(store, date("2025-03-29"), LATER).seconds["good"] == pytest.approx(12 * 3600)
    assert day(store, date("2025-03-31"), LATER).seconds["good"] == pytest.approx(3600)


def test_the_day_that_has_25_hours(store: Store) -> None:
    record(store, wall("2025-10-25 12:00"), [("good", 40 * 3600)], step_s=15)
    told = day(store, date("2025-10-26"), LATER)
    assert told.seconds["good"] == pytest.approx(25 * 3600)
    assert told.not_recorded_s == pytest.approx(0, abs=1e-6)
    assert told.hours[2].seconds["good"] == pytest.approx(2 * 3600, abs=16)  # came twice
    assert day(store, date("2025-10-25"), LATER).seconds["good"] == pytest.approx(12 * 3600)


def test_a_journey_keeps_each_place_own_clock(store: Store) -> None:
    """Berlin in the morning, New York from its own noon on: both are the traveller's 14 May."""
    record(store, wall("2025-05-14 08:00"), [("good", 3600)])
    noon = dt.datetime(2025, 5, 14, 12, tzinfo=dt.timezone(-dt.timedelta(hours=4))).timestamp()
    for step in range(0, 12 * 3600, 15):  # until midnight over there, which is 06:00 in Berlin
        store.heartbeat(noon + step, -4 * 3600, "poor")
    told = day(store, date("2025-05-14"), LATER)
    assert told.seconds["good"] == pytest.approx(3600)
    assert told.seconds["poor"] == pytest.approx(12 * 3600, abs=16)
    assert told.hours[12].seconds["poor"] == pytest.approx(3600)
    assert told.not_recorded_s >= 0
    assert day(store, date("2025-05-15"), LATER).recorded_s == 0


def test_a_day_at_the_other_end_of_the_world_is_told_whole(
    store: Store, travel: Callable[[str], None]
) -> None:
    """A day lived on Kiritimati, read on Niue, where it begins 25 hours later."""
    first_s = dt.datetime(2025, 5, 14, tzinfo=dt.timezone(dt.timedelta(hours=14))).timestamp()
    for step in range(0, 86401, 15):
        store.heartbeat(first_s + step, 14 * 3600, "good")
    store.alert(first_s + 60, 14 * 3600, "posture")
    travel("Pacific/Niue")
    told = day(store, date("2025-05-14"), LATER)
    assert told.seconds["good"] == pytest.approx(86400)
    assert len(told.alerts) == 1
    assert [day(store, date(f"2025-05-{other}"), LATER).recorded_s for other in (13, 15)] == [0, 0]


def test_a_clock_set_back_counts_no_moment_twice(store: Store) -> None:
    record(store, wall("2025-05-14 10:00"), [("poor", 3600)])
    record(store, wall("2025-05-14 10:30"), [("good", 3600)])  # at 11:00 the clock became 10:30
    told = day(store, date("2025-05-14"), LATER)
    assert told.seconds["poor"] == pytest.approx(1800)
    assert told.seconds["good"] == pytest.approx(3600)


def test_a_replay_done_twice_counts_once(store: Store) -> None:
    for _ in range(2):
        store.begin("hour.mkv", live=False)
        record(store, wall("2025-05-14 10:00"), [("good", 1800), ("poor", 1800)])
        store.alert(wall("2025-05-14 10:40"), 7200, "posture", driver="neck_incl")
    told = day(store, date("2025-05-14"), LATER)
    assert told.recorded_s == pytest.approx(3600)
    assert told.seconds["poor"] == pytest.approx(1800)
    assert len(told.alerts) == 1


def test_the_newest_replay_counts(store: Store) -> None:
    for state in ("good", "poor"):
        store.begin("hour.mkv", live=False, profile=state)
        record(store, wall("2025-05-14 10:00"), [(state, 3600)])
    assert day(store, date("2025-05-14"), LATER).seconds["poor"] == pytest.approx(3600)


def test_what_the_camera_saw_counts_before_any_replay(store: Store) -> None:
    store.begin("0", live=True)
    record(store, wall("2025-05-14 10:00"), [("good", 1800)])
    store.begin("hour.mkv", live=False)
    record(store, wall("2025-05-14 09:50"), [("poor", 3600)])
    store.alert(wall("2025-05-14 10:10"), 7200, "posture")
    store.alert(wall("2025-05-14 10:40"), 7200, "posture")
    told = day(store, date("2025-05-14"), LATER)
    assert told.seconds["good"] == pytest.approx(1800)
    assert told.seconds["poor"] == pytest.approx(1800)
    assert [alert.wall_s for alert in told.alerts] == [wall("2025-05-14 10:40")]


# ------------------------------------------------------- coverage, angles, hours, bouts


def test_no_score_under_sixty_per_cent_coverage(store: Store) -> None:
    start_s = wall("2025-05-14 10:00")
    for step in range(0, 3600, 10):
        store.heartbeat(
            start_s + step, 7200, "unknown" if step < 1200 else "poor", "too dark" * (step < 1200)
        )
    assert math.isfinite(score(day(store, date("2025-05-14"), LATER)))
    for step in range(0, 3600, 10):
        store.heartbeat(start_s + 7200 + step, 7200, "unknown", "head turned")
    told = day(store, date("2025-05-14"), LATER)
    assert told.coverage < 0.6
    assert math.isnan(score(told))
    assert "33%" in told.withheld
    assert "head turned" in told.withheld
    assert told.best_hour is None


def test_no_score_from_one_minute(store: Store) -> None:
    record(store, wall("2025-05-14 10:00"), [("good", 60)])
    told = day(store, date("2025-05-14"), LATER)
    assert told.coverage == 1
    assert math.isnan(score(told))
    assert "10 minutes" in told.withheld


@pytest.mark.parametrize("reason", ["no camera", "camera hangs", "camera black", "camera: no model"])
def test_a_camera_that_is_not_there_spoils_no_day(store: Store, reason: str) -> None:
    """A laptop taken out of its dock for the afternoon was neither at the desk nor to be judged."""
    record(store, wall("2025-05-14 09:00"), [("good", 3 * 3600)])
    for step in range(0, 5 * 3600, 10):
        store.heartbeat(wall("2025-05-14 13:00") + step, 7200, "unknown", reason)
    told = day(store, date("2025-05-14"), LATER)
    assert told.present_s == pytest.approx(3 * 3600)
    assert told.coverage == 1
    assert told.withheld == ""
    assert told.seconds["busy"] == pytest.approx(5 * 3600, abs=10)
    # Who is there but turned away is at the desk all the same, though a chair was moved.
    store.heartbeat(wall("2025-05-15 09:00"), 7200, "unknown", "camera or chair moved")
    store.heartbeat(wall("2025-05-15 09:00") + 2, 7200, "unknown", "camera or chair moved")
    assert day(store, date("2025-05-15"), LATER).present_s == 2


def test_a_camera_that_shows_nobody_makes_no_sitting(store: Store) -> None:
    record(store, wall("2025-05-14 10:00"), [("unknown", 7200)])
    assert day(store, date("2025-05-14"), LATER).bouts == ()
    record(
        store, wall("2025-05-14 14:00"), [("good", 600), ("unknown", 300), ("mild", 600), ("unknown", 7200)]
    )
    (bout,) = day(store, date("2025-05-14"), LATER).bouts
    assert bout.length_s == pytest.approx(1500)


def test_away_is_no_presence(store: Store) -> None:
    record(store, wall("2025-05-14 10:00"), [("away", 3600)])
    assert "nobody" in day(store, date("2025-05-14"), LATER).withheld


def test_shifts_are_counted_once_and_by_the_recording_that_counts(tmp_path: Path) -> None:
    def sitting(neutral_deg: float, *, live: bool) -> float:
        start_s = wall("2025-05-14 10:00")
        store.begin("camera", live=live)
        for step in range(0, 3600, 2):
            store.heartbeat(start_s + step, 7200, "good")
            lean = 8.0 if step // 300 % 2 else 0.0
            store.sample(start_s + step, {"trunk_incl": lean - neutral_deg}, 0.1, verdict="good")
        store.flush()
        return day(store, date("2025-05-14"), LATER).shifts_per_h

    with Store.open(tmp_path / "history.sqlite3", keep_samples_days=36500) as store:
        once = sitting(0.0, live=False)
        assert once == pytest.approx(11, abs=0.1)
        assert sitting(0.0, live=False) == once
        assert sitting(6.0, live=True) == once


def test_posture_shifts_of_a_minute_are_no_rate(tmp_path: Path) -> None:
    start_s = wall("2025-05-14 10:00")
    with Store.open(tmp_path / "history.sqlite3", keep_samples_days=36500) as store:
        record(store, start_s, [("good", 900)])
        for measured_s, known in ((60, False), (900, True)):
            for step in range(0, measured_s, 2):
                store.sample(start_s + step, {"trunk_incl": 8.0 * (step > 30)}, 0.1, verdict="good")
            store.flush()
            assert math.isfinite(day(store, date("2025-05-14"), LATER).shifts_per_h) is known
            store.begin()


def test_a_week_gives_the_reasons_of_a_day(store: Store) -> None:
    record(store, wall("2025-05-12 10:00"), [("paused", 3600)])
    record(store, wall("2025-05-13 10:00"), [("busy", 60)])
    assert (
        week(store, date("2025-05-14"), LATER).withheld
        == "the camera was paused, in use elsewhere or not there"
    )
    for number in (14, 15):
        start_s = wall(f"2025-05-{number} 10:00")
        for step in range(0, 3601, 10):
            store.heartbeat(start_s + step, 7200, "unknown", "too dark")
    record(store, wall("2025-05-16 10:00"), [("good", 1800)])
    withheld = week(store, date("2025-05-14"), LATER).withheld
    assert withheld == "only 20% of the time at the desk could be judged, 60% is needed (mostly: too dark)"


def test_angles_over_the_day(store: Store) -> None:
    start_s = wall("2025-05-14 10:00")
    record(store, start_s, [("good", 600)])
    for minute in range(10):
        for step in range(4):
            values = {"neck_incl": 2.0 * minute} | ({"trunk_incl": 5.0} if minute < 3 else {})
            store.sample(start_s + 60 * minute + 15 * step, values, 0.1, verdict="good")
    told = day(store, date("2025-05-14"), LATER)
    neck = told.angles["neck_incl"]
    assert (neck.median, neck.minutes) == (pytest.approx(9, abs=0.02), 10)
    assert (neck.p10, neck.p90) == pytest.approx((1.8, 16.2), abs=0.05)
    assert told.angles["trunk_incl"].minutes == 3
    assert set(told.angles) == {"neck_incl", "trunk_incl"}
    starts, values = told.minutes.of("neck_incl")
    assert starts.tolist() == [start_s + 60 * minute for minute in range(10)]
    assert values[:, 0].tolist() == pytest.approx(range(0, 20, 2), abs=0.02)
    assert len(told.minutes.of("fsr")[0]) == 0


def test_angles_of_another_day_stay_there(store: Store) -> None:
    for text, value in (("2025-05-13 23:50", 1.0), ("2025-05-14 00:10", 9.0)):
        record(store, wall(text), [("good", 120)])
        store.sample(wall(text) + 30, {"neck_incl": value}, verdict="good")
    assert day(store, date("2025-05-13"), LATER).angles["neck_incl"].median == 1.0
    assert day(store, date("2025-05-14"), LATER).angles["neck_incl"].median == 9.0


def test_best_and_hardest_hour(store: Store) -> None:
    record(store, wall("2025-05-14 09:00"), [("good", 3600), ("good", 1800), ("poor", 1800), ("mild", 3600)])
    record(store, wall("2025-05-14 15:00"), [("poor", 1700)])  # too short to be compared
    told = day(store, date("2025-05-14"), LATER)
    assert told.hardest_hour is not None
    assert told.best_hour is not None
    assert told.hardest_hour.hour == 10
    assert told.hardest_hour.poor_share == pytest.approx(0.5)
    assert told.best_hour.hour in (9, 11)


@pytest.mark.parametrize(("poor_s", "compared"), [(20, False), (240, True)])
def test_hours_alike_are_not_set_against_each_other(store: Store, poor_s: float, compared: bool) -> None:
    record(store, wall("2025-05-14 09:00"), [("good", 7200 - poor_s), ("poor", poor_s)])
    told = day(store, date("2025-05-14"), LATER)
    assert (told.best_hour is not None, told.hardest_hour is not None) == (compared, compared)


def test_sitting_bouts_end_with_a_minute_away(store: Store) -> None:
    record(store, wall("2025-05-14 09:00"), [
        ("good", 1200), ("away", 40), ("unknown", 600), ("away", 300),
        ("poor", 900), ("paused", 600), ("good", 60),
    ])  # fmt: skip
    told = day(store, date("2025-05-14"), LATER)
    assert [bout.length_s for bout in told.bouts] == pytest.approx([1200, 900, 60])
    assert told.bouts[0].break_s == pytest.approx(300)
    assert math.isnan(told.bouts[1].break_s)  # nobody knows what a pause was used for
    assert math.isnan(told.bouts[2].break_s)


@pytest.mark.parametrize(("distance", "shifts"), [(-15.0, 5.0), (-8.0, 0.0)])
def test_posture_shifts_are_seen_from_the_front_as_well(
    tmp_path: Path, distance: float, shifts: float
) -> None:
    start_s = wall("2025-05-14 09:00")
    with Store.open(tmp_path / "history.sqlite3", keep_samples_days=36500) as store:
        record(store, start_s, [("good", 3600)])
        for step in range(0, 3600, 2):
            moved = step // 600 % 2
            store.sample(
                start_s + step, {"distance": distance * moved, "head_roll": 2.0 * moved}, verdict="good"
            )
        told = day(store, date("2025-05-14"), LATER)
    assert told.shifts_per_h == pytest.approx(shifts, abs=0.1)


def test_somebody_else_in_the_picture_is_no_posture_shift(tmp_path: Path) -> None:
    start_s = wall("2025-05-14 09:00")
    with Store.open(tmp_path / "history.sqlite3", keep_samples_days=36500) as store:
        record(store, start_s, [("good", 3600)])
        for step in range(0, 3600, 2):
            passing = step // 20 % 15 == 7
            store.sample(
                start_s + step,
                {"head_shift": 1.5 * passing, "distance": 40.0 * passing},
                verdict="unknown" if passing else "good",
            )
        assert day(store, date("2025-05-14"), LATER).shifts_per_h == 0.0


def test_posture_shifts(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "history.sqlite3", keep_samples_days=36500)
    start_s = wall("2025-05-14 09:00")
    record(store, start_s, [("good", 3600)])
    for step in range(0, 3600, 2):
        lean = 10.0 * (step // 600 % 2)  # five changes that stay
        if step % 600 == 300:
            lean += 20.0  # a glance of 2 s
        store.sample(start_s + step, {"trunk_incl": lean, "neck_incl": lean}, verdict="good")
    assert day(store, dt.date(2025, 5, 14), LATER).shifts_per_h == pytest.approx(5, abs=0.1)
    store.close()


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([("poor", 30), ("good", 300)], ("better", 30)),
        ([("poor", 20), ("away", 300)], ("left", 20)),
        ([("poor", 300)], ("no change", None)),
        ([("mild", 1), ("poor", 300)], ("no change", None)),
        ([("mild", 10), ("good", 300)], ("better", 10)),
        ([("mild", 1), ("poor", 20)], ("", None)),
        ([("poor", 20), ("unknown", 300)], ("", None)),
        ([("poor", 20)], ("", None)),
        ([], ("", None)),
    ],
)
def test_what_followed_an_alert(
    store: Store, after: list[tuple[str, float]], expected: tuple[str, float | None]
) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("poor", 300)])
    store.alert(at_s, 7200, "posture")
    record(store, at_s, after)
    told = day(store, date("2025-05-14"), LATER)
    what, later_s = what_followed(told.alerts[0], told.spans)
    assert what == expected[0]
    assert math.isnan(later_s) if expected[1] is None else later_s == pytest.approx(expected[1])


def test_where_seconds_are_missing_after_an_alert_nobody_knows_that_nothing_changed(store: Store) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("poor", 300)])
    store.alert(at_s, 7200, "posture")
    at_s = record(store, at_s, [("poor", 20)])
    record(store, at_s + 25, [("poor", 300)])
    told = day(store, date("2025-05-14"), LATER)
    assert what_followed(told.alerts[0], told.spans)[0] == ""


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ([("good", 300)], ""),
        ([("poor", 300)], ""),
        ([("good", 20), ("away", 300)], "left"),
        ([("good", 90), ("away", 300)], ""),
    ],
)
def test_good_posture_is_no_answer_to_a_suggestion_to_move(
    store: Store, after: list[tuple[str, float]], expected: str
) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("good", 300)])
    store.alert(at_s, 7200, "break-stand")
    record(store, at_s, after)
    told = day(store, date("2025-05-14"), LATER)
    assert what_followed(told.alerts[0], told.spans)[0] == expected


def test_a_break_is_taken_when_the_person_gets_up_and_not_when_that_has_lasted(store: Store) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("good", 300)])
    number = store.alert(at_s, 7200, "break-stand")
    record(store, at_s, [("good", 20), ("away", 300)])
    store.outcome(number, "left", at_s + 81)
    told = day(store, date("2025-05-14"), LATER)
    assert what_followed(told.alerts[0], told.spans) == ("left", pytest.approx(20))


# ------------------------------------------------------------------------ merging

spans = st.lists(
    st.builds(
        lambda start, length, state, live, run, seq: Span(
            start, start + length, 0, state, "", live, run, seq
        ),
        st.integers(0, 50),
        st.integers(0, 20),
        st.sampled_from(["good", "poor", "away"]),
        st.booleans(),
        st.integers(1, 3),
        st.integers(1, 100),
    ),
    max_size=15,
    unique_by=lambda span: (span.run, span.seq),
)


@given(spans)
def test_merging_tells_each_moment_once_by_the_one_that_counts(given_spans: list[Span]) -> None:
    merged = merge(given_spans)
    assert all(a.end_s <= b.start_s for a, b in pairwise(merged))
    for second in range(72):
        at_s = second + 0.5
        over = [span for span in given_spans if span.start_s < at_s < span.end_s]
        told = [span.state for span in merged if span.start_s < at_s < span.end_s]
        best = max(over, key=lambda span: (span.live, span.run, span.seq), default=None)
        assert told == ([] if best is None else [best.state])


def test_offsets_come_from_this_machine() -> None:
    assert utc_offset_s(wall("2025-01-15 12:00")) == 3600
    assert utc_offset_s(wall("2025-07-15 12:00")) == 7200
    assert days.today(wall("2025-07-15 23:59")) == date("2025-07-15")


def test_neighbours_that_say_the_same_become_one() -> None:
    parts = [Span(60.0 * n, 60.0 * (n + 1), 0, "poor", "", True, 1, n) for n in range(5)]
    assert [(span.start_s, span.end_s) for span in merge(parts)] == [(0.0, 300.0)]
    other = Span(300.0, 360.0, 0, "poor", "", True, 2, 1)
    assert [(span.run, span.end_s) for span in merge([*parts, other])] == [(1, 300.0), (2, 360.0)]


def test_a_stretch_goes_on_over_a_restart_and_a_changed_clock() -> None:
    poor = [Span(0.0, 600.0, 0, "poor", "", True, 1, 1), Span(600.0, 900.0, 3600, "poor", "", True, 2, 1)]
    later = Span(1000.0, 1700.0, 3600, "poor", "", True, 2, 2)
    found = longest([*poor, later], "poor")
    assert found is not None
    assert (found.start_s, found.end_s) == (0.0, 900.0)
    since_s = 1.7e9  # as moments are: a tolerance that grows with them would be seconds
    late = [replace(span, start_s=span.start_s + since_s, end_s=span.end_s + since_s) for span in poor]
    found = longest([late[0], replace(late[1], start_s=since_s + 601.0)], "poor")
    assert found is not None
    assert found.end_s == since_s + 600.0, "a second that was not recorded lies between"
    between = Span(600.0, 601.0, 0, "good", "", True, 1, 2)
    found = longest([poor[0], between, replace(poor[1], start_s=601.0), later], "poor")
    assert found == later


def test_the_angle_of_a_day_rests_on_the_middle_of_each_minute_and_not_its_worst(store: Store) -> None:
    start_s = wall("2025-05-14 10:00")
    record(store, start_s, [("good", 600)])
    for minute in range(10):
        for step, value in enumerate((30.0, 10.0, 9.0, 8.0)):
            store.sample(start_s + 60 * minute + 15 * step, {"neck_incl": value}, 0.1, verdict="good")
    neck = day(store, date("2025-05-14"), LATER).angles["neck_incl"]
    assert (neck.median, neck.p10, neck.p90) == pytest.approx((9.5, 9.5, 9.5), abs=0.02)


def test_where_days_begin_at_half_past_an_hour_each_has_its_own_minutes(
    store: Store, travel: Callable[[str], None]
) -> None:
    travel("Asia/Kolkata")
    for text, value in (("2025-05-13 23:50", 1.0), ("2025-05-14 00:10", 9.0), ("2025-05-14 23:50", 5.0)):
        record(store, wall(text), [("good", 120)])
        store.sample(wall(text) + 30, {"neck_incl": value}, verdict="good")
    assert day(store, date("2025-05-13"), LATER).angles["neck_incl"].median == 1.0
    told = day(store, date("2025-05-14"), LATER)
    assert told.minutes.start_s.tolist() == [wall("2025-05-14 00:10"), wall("2025-05-14 23:50")]
    assert told.minutes.of("neck_incl")[1][:, 0].tolist() == [9.0, 5.0]


def test_what_could_not_be_judged_is_told_without_the_hours_of_no_camera(store: Store) -> None:
    for start, state, reason, length_s in (
        ("09:00", "good", "", 600),
        ("10:00", "unknown", "too dark", 1200),
        ("13:00", "unknown", "no camera", 7200),
    ):
        for step in range(0, length_s + 1, 10):
            store.heartbeat(wall(f"2025-05-14 {start}") + step, 7200, state, reason)
    assert day(store, date("2025-05-14"), LATER).withheld.endswith("(mostly: too dark)")
