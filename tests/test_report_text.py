from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re

import pytest
from history_maker import LATER, record, wall, working_day
from rich.console import Console

from posture_monitor.errors import UserError
from posture_monitor.history.days import Day, day
from posture_monitor.history.periods import month, week
from posture_monitor.history.records import NOT_SHOWN
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import utc_offset_s
from posture_monitor.telling.report.csv_ import COLUMNS, to_csv
from posture_monitor.telling.report.html import render_html
from posture_monitor.telling.report.json_ import period_to_json, to_json
from posture_monitor.telling.report.story import duration, parse_day
from posture_monitor.telling.report.text import render_period, render_text

TODAY = dt.date(2025, 5, 14)


def page(told: Day, width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, write_through=True)
    render_text(told, Console(file=file, width=width))
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("today", TODAY), ("Yesterday", dt.date(2025, 5, 13)), ("2024-02-29", dt.date(2024, 2, 29)),
        ("", TODAY),
    ],
)  # fmt: skip
def test_days_a_user_means(text: str, expected: dt.date) -> None:
    assert parse_day(text, TODAY) == expected


@pytest.mark.parametrize(
    "text", ["tomorrow", "2025-02-29", "14.5.2025", "20250514", "2025-W20-3", "2025-05-15", "0001-01-01"]
)
def test_no_such_day_is_one_line(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_day(text, TODAY)
    assert text in str(caught.value)
    assert "2025-05-14" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (65, "1 min 05 s"), (278, "5 min"), (3599, "1 h 00 min"),
     (3900, "1 h 05 min"), (90000, "25 h 00 min")],
)  # fmt: skip
def test_durations(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected


@pytest.mark.parametrize("width", [40, 60])
def test_what_is_continued_stays_under_its_beginning(store: Store, width: int) -> None:
    working_day(store, "2025-05-14")
    lines = page(day(store, TODAY, LATER), width).splitlines()
    moving = lines[lines.index("Breaks and moving") + 1 :]
    assert len(moving) > 2, "nothing had to be broken between lines"
    assert all(re.match(r"  \S", line) for line in moving)
    assert max(map(len, lines)) <= width
    assert not any(line.endswith(" ") for line in lines)


def test_a_full_day_names_its_hours_and_is_plain_in_a_file(store: Store) -> None:
    working_day(store, "2025-05-14")
    text = page(day(store, TODAY, LATER))
    assert re.search(r"best hour \d\d:00 \(.*% poor\), hardest \d\d:00 ", text)
    assert "sitting" not in text.lower(), "who stands at the desk is recorded as well"
    assert "\x1b" not in text


@pytest.mark.parametrize("side", [True, False])
def test_sixty_columns_are_kept_without_torn_rows(store: Store, side: bool) -> None:
    working_day(store, "2025-05-14", side=side)
    lines = page(day(store, TODAY, LATER), width=60).splitlines()
    assert max(map(len, lines)) <= 60
    assert sum(line.startswith("  good ") for line in lines) == 1
    hours = [line for line in lines if line[:6].strip().isdigit() and len(line) > 6]
    assert len(hours) == 9
    assert sum("(" in line and "to" in line and line.endswith(")") for line in lines) >= 3


def test_a_day_as_it_is_read(store: Store) -> None:
    at_s = record(
        store,
        wall("2025-05-14 09:10"),
        [("good", 1200), ("poor", 600), ("paused", 300), ("mild", 360), ("unknown", 4), ("away", 600)],
    )
    number = store.alert(
        at_s - 1560, utc_offset_s(at_s), "posture", driver="neck_incl", deviation=21.0, held_s=240
    )
    store.outcome(number, "corrected", at_s - 1540)
    record(store, wall("2025-05-14 11:58"), [("good", 240)])
    for step in range(80):
        lean = {"neck_incl": 3.0} if step < 40 else {"neck_incl": 3.0, "trunk_incl": -2.0}
        store.sample(wall("2025-05-14 09:10") + 15 * step, lean, 0.1, verdict="good")
    store.flush()
    lines = [line.rstrip() for line in page(day(store, TODAY, LATER)).splitlines()]
    assert lines[6:] == [
        "Time, and its share of what was recorded, each rounded",
        "  good              24 min   44%  ▁▁▁▁▁▁▁▁▁",
        "  mild               6 min   11%  ▄▄",
        "  poor              10 min   18%  ████",
        "  unknown              4 s   <1%  ?",
        "  away              10 min   18%  ····",
        "  paused             5 min    9%  ‖‖",
        "  not recorded 23 h 05 min",
        "",
        "Coverage: 40 min of 40 min at the desk could be judged (>99%).",
        "Score: 75% (share of the judged time that was not poor).",
        "Longest poor stretch: 10 min (09:30–09:40)",
        "",
        "Hour by hour, a mark for every two minutes",
        "  ▁ good ▄ mild █ poor ? unknown · away ‖ paused",
        "  09       ▁▁▁▁▁▁▁▁▁▁█████‖‖‖▄▄▄····  poor 10 min",
        "  10  ·",
        "  11                               ▁",
        "  12  ▁",
        "",
        "Reminders: 1",
        "  09:35 Head forward: 21°, for 4 min, then better after 20 s",
        "",
        "Against neutral: middle minute (middle 8 of 10 minutes)",
        "  trunk inclination                 −2°  (−2° to −2°), in 25% of the time",
        "  neck inclination                  +3°  (+3° to +3°), in 50% of the time",
        "",
        "Breaks and moving",
        "  3 stretches at the desk, the longest 30 min from 09:10; between them 1 break",
        "  of a minute or more, once paused",
        "  0 changes of posture an hour",
    ]
    raw = io.StringIO()
    render_period(week(store, TODAY, LATER), Console(file=raw, width=120))
    assert "─" * 80 + "\n" in raw.getvalue()
    assert "  Wed 14 May ▁▁▁▁▁▁▁▁▁▁▁▄▄▄█████?      40 min  25%         1\n" in raw.getvalue()
    assert raw.getvalue().endswith("Longest time at the desk without a break: 30 min\n")


def test_an_alert_takes_one_line_where_there_is_room(store: Store) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("poor", 1200), ("good", 600)])
    store.alert(at_s - 630, utc_offset_s(at_s), "posture", driver="fsr", deviation=10.0, held_s=240)
    told = day(store, TODAY, LATER)
    assert "  09:19 Head forward: face 10% larger, for 4 min, then better after 30 s\n" in page(told)
    assert "  09:19 Head forward: face 10% larger, for 4 min\n        then better after 30 s\n" in page(
        told, 60
    )


def test_nothing_is_told_to_have_followed_what_was_not_shown(store: Store) -> None:
    at_s = record(store, wall("2025-05-14 09:00"), [("poor", 1200)])
    store.alert(
        at_s - 600, utc_offset_s(at_s), "posture", driver="fsr", deviation=10.0, held_s=240, channel=NOT_SHOWN
    )
    assert "face 10% larger, for 4 min, not shown\n" in page(day(store, dt.date(2025, 5, 14), LATER))


def test_shapes_tell_the_states_apart_without_colour(store: Store) -> None:
    record(store, wall("2025-05-14 09:00"), [(state, 480) for state in
           ("good", "mild", "poor", "unknown", "away", "paused", "busy")], step_s=10)  # fmt: skip
    told = day(store, TODAY, LATER)
    assert "▁▁▁▁▄▄▄▄████????····‖‖‖‖××××" in page(told)
    assert "‖ paused × no camera" in page(told), "the marks are named as in the table"
    plain = page(told, encoding="ascii")
    assert "____oooo####????....====xxxx" in plain


def test_front_view_says_that_angles_could_not_be_measured(store: Store) -> None:
    working_day(store, "2025-05-14", side=False)
    told = day(store, TODAY, LATER)
    said = "  Not measurable from this view: trunk inclination and neck inclination.\n"
    assert said in page(told)
    angles = to_json(told)["angles"]
    assert angles["trunk_incl"] is None
    assert angles["neck_incl"] is None
    assert angles["fsr"]["unit"] == "%"


def test_low_coverage_gives_no_score_and_says_why(store: Store) -> None:
    start_s = wall("2025-05-14 09:00")
    for step in range(0, 3600, 10):
        store.heartbeat(
            start_s + step,
            utc_offset_s(start_s),
            "unknown" if step > 600 else "good",
            "too dark" if step > 600 else "",
        )
    told = day(store, TODAY, LATER)
    text = " ".join(page(told).split())
    assert "There is not enough to go by: only 17% of the time at the desk could be judged" in text
    assert "Score: none." in text
    assert "Breaks" not in text, "who is not seen may have had some"
    assert "too dark" in text
    assert to_json(told)["score"] is None


def test_json_agrees_with_the_day(store: Store) -> None:
    working_day(store, "2025-05-14")
    told = day(store, TODAY, LATER)
    data = json.loads(json.dumps(to_json(told), allow_nan=False))
    assert data["date"] == "2025-05-14"
    assert set(data["seconds"]) == {"good", "mild", "poor", "unknown", "away", "paused", "busy"}
    assert data["seconds"]["poor"] == pytest.approx(told.seconds["poor"], abs=0.01)
    assert sum(span["seconds"] for span in data["spans"]) == pytest.approx(data["recorded_s"], abs=0.1)
    assert sum(sum(hour["seconds"].values()) for hour in data["hours"]) == pytest.approx(
        data["recorded_s"], abs=0.1
    )
    assert len(data["alerts"]) == len(told.alerts) > 3
    first = data["alerts"][0]
    assert first["driver"] == "neck_incl"
    assert first["unit"] == "°"
    assert dt.datetime.fromisoformat(first["time"]).timestamp() == pytest.approx(
        told.alerts[0].wall_s, abs=0.001
    )
    assert data["longest_poor_s"] == pytest.approx(told.longest_poor_s, abs=0.01)
    assert math.isclose(data["coverage"], told.coverage, abs_tol=1e-4)
    assert data["withheld"] == ""
    assert [hour["hour"] for hour in data["hours"]] == list(range(9, 9 + len(data["hours"])))
    assert [bout["seconds"] for bout in data["bouts"]] == pytest.approx(
        [bout.length_s for bout in told.bouts], abs=0.01
    )
    corrected = next(alert for alert in data["alerts"] if alert["followed"] == "corrected")
    assert 0 < corrected["followed_after_s"] < 60


def test_a_week_has_a_row_for_each_day(store: Store) -> None:
    for number in (12, 14, 15):
        working_day(store, f"2025-05-{number}", seed=number)
    told = week(store, TODAY, LATER)
    assert [day.date.day for day in told.days] == [12, 13, 14, 15, 16, 17, 18]
    file = io.StringIO()
    render_period(told, Console(file=file, width=60))
    lines = file.getvalue().splitlines()
    assert lines[0] == "Week of 12–18 May 2025"
    assert "  ▁ good ▄ mild █ poor ? unknown" in lines
    assert max(map(len, lines)) <= 60
    rows = [line for line in lines if line[2:5] in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")]
    assert [("not recorded" in row) for row in rows] == [False, True, False, False, True, True, True]
    assert "▁" in rows[0]
    assert "█" in rows[0]
    data = period_to_json(told)
    json.dumps(data, allow_nan=False)
    assert not any("spans" in day for day in data["days"])
    assert sum(day["seconds"]["poor"] for day in data["days"]) == pytest.approx(
        data["seconds"]["poor"], abs=0.1
    )


@pytest.mark.parametrize(("width", "rows"), [(60, 2), (80, 1)])
def test_a_long_day_of_which_little_is_known_keeps_its_columns(store: Store, width: int, rows: int) -> None:
    record(store, wall("2025-05-13 08:00"), [("good", 3600)], step_s=20)
    record(store, wall("2025-05-14 08:00"), [("unknown", 11 * 3600), ("good", 60)], step_s=20)
    text = io.StringIO()
    render_period(week(store, TODAY, LATER), Console(file=text, width=width))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    head, before, long = (next(n for n, line in enumerate(lines) if word in line)
                          for word in ("reminders", "Tue 13", "Wed 14"))  # fmt: skip
    ends = {lines[head].index("desk") + 4, *(lines[row].index(" min") + 4 for row in (before, long))}
    assert len(ends) == 1, "the column of times ends where its name does"
    assert "not enough data" in lines[long + rows - 1]


def test_the_times_of_a_day_end_below_each_other(store: Store) -> None:
    record(store, wall("2025-05-14 09:00"), [("good", 3600)], step_s=20)
    text = page(day(store, TODAY, LATER))
    rows = (("good", "1 h 00 min"), ("mild", "0 s"), ("not recorded", "23 h 00 min"))
    assert len({line.index(length) + len(length) for line in text.splitlines() for name, length in rows
                if line.startswith(f"  {name} ")}) == 1  # fmt: skip


def test_this_month_ends_today(store: Store) -> None:
    told = month(store, TODAY, wall("2025-05-14 12:00"))
    assert (told.first.day, told.last.day) == (1, 14)
    file = io.StringIO()
    render_period(told, Console(file=file))
    assert "Nothing was recorded in this month." in file.getvalue()


def test_csv_has_a_row_for_each_day_with_nothing_where_nothing_is_known(store: Store) -> None:
    start_s = wall("2025-05-14 09:30")
    parts = [("good", 1200), ("mild", 300), ("poor", 600), ("unknown", 310), ("away", 900), ("good", 3600),
             ("poor", 1800), ("busy", 600), ("paused", 60)]  # fmt: skip
    record(store, start_s, parts, 10)
    for minute in range(9):
        store.sample(start_s + 60 * minute, {"fsr": 1.0 + minute, "head_roll": 5.0}, verdict="good")
    store.alert(start_s, utc_offset_s(start_s), "posture")
    text = to_csv(week(store, TODAY, LATER).days)
    assert "\r" not in text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["date"] for row in rows] == [f"2025-05-{number}" for number in range(12, 19)]
    assert list(rows[0]) == list(COLUMNS)
    assert {name: value for name, value in rows[2].items() if value} == {
        "date": "2025-05-14", "good_s": "4800.0", "mild_s": "300.0", "poor_s": "2400.0",
        "unknown_s": "310.0", "away_s": "900.0", "busy_s": "600.0", "paused_s": "60.0",
        "not_recorded_s": "77030.0", "coverage": "0.9603", "score": "68.0", "longest_poor_s": "1800.0",
        "alerts": "1", "bouts": "2", "longest_bout_s": "5400.0", "breaks": "1",
        "fsr_median": "5.0", "fsr_p10": "1.8", "fsr_p90": "8.2",
    }  # fmt: skip
    nothing = {name: value for name, value in rows[1].items() if value not in ("", "0", "0.0")}
    assert nothing == {"date": "2025-05-13", "not_recorded_s": "86400.0", "withheld": "not recorded"}


@pytest.mark.usefixtures("berlin")
def test_an_hour_that_the_clock_shows_twice_has_two_rows(store: Store) -> None:
    start_s = wall("2025-10-26 01:30")
    for step in range(0, 10801, 10):
        at_s = start_s + step
        state = "poor" if 3600 <= step < 7200 else "good"
        store.heartbeat(at_s, utc_offset_s(at_s), state)
    told = day(store, dt.date(2025, 10, 26), LATER)
    rows = [line[2:] for line in page(told).splitlines() if line[2:4] in ("01", "02", "03")]
    assert [row[:2] for row in rows] == ["01", "02", "02", "03"]
    assert ["poor 30 min" in row for row in rows] == [False, True, True, False]
    assert "Longest poor stretch: 1 h 00 min (02:30–02:30, the clock set back in between)" in page(told)
    stretch = to_json(told)["longest_poor"]
    assert stretch["start"].endswith("02:30:00.000+02:00")
    assert stretch["end"].endswith("02:30:00.000+01:00")
    page_of_it = render_html(told, week(store, told.date, LATER), month(store, told.date, LATER))
    ticks = re.findall(r'class="(?:odd|even)" style="left: [0-9.]+%">(\d\d):00<', page_of_it)
    assert ticks[:2] == ["01", "02"]


def test_a_day_with_the_camera_closed_measured_nothing(store: Store) -> None:
    record(store, wall("2025-05-14 10:00"), [("paused", 7200)])
    text = page(day(store, TODAY, LATER))
    assert "nothing was measured" in text
    assert "not measurable from this view" not in text
