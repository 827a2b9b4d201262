"""What the page's charts are drawn from: the axis they share, limits, and the order of a sheet."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pytest
from history_maker import LATER, record, wall

from posture_monitor.history.days import day
from posture_monitor.history.records import Span
from posture_monitor.history.store import Store
from posture_monitor.telling.report import story
from posture_monitor.telling.report.charts import Axis, _every, _smooth, hours, thresholds

UTC = int(dt.datetime(2025, 5, 14, tzinfo=dt.timezone.utc).timestamp())


def spans(*parts: tuple[float, float, float]) -> list[Span]:
    """Return spans of good posture: begin and end in hours of UTC, and the offset of the clock in hours."""
    return [
        Span(UTC + 3600 * begin, UTC + 3600 * end, round(3600 * offset), "good")
        for begin, end, offset in parts
    ]


@pytest.mark.parametrize(
    ("parts", "begins", "ends", "labels"),
    [
        ([(9.5, 11.2, 0)], 9, 12, ["09", "10", "11", "12"]),
        ([(9.0, 10.0, 2)], 9, 10, ["11", "12"]),
        ([(9.0, 9.0, 0)], 9, 10, ["09"]),
        # Whole hours are those of the clock there, not those of UTC.
        ([(9.25, 9.75, 5.5)], 8.5, 10.5, ["14", "15", "16"]),
        # A clock put forward and one put back, or a journey: each hour is that of the last span before it.
        ([(1.0, 2.0, 1), (2.0, 3.0, 2)], 1, 3, ["02", "04", "05"]),
        ([(1.0, 2.0, 2), (2.0, 3.0, 1)], 1, 3, ["03", "03", "04"]),
    ],
)
def test_an_axis_holds_whole_hours_of_the_clock(
    parts: list[tuple[float, float, float]], begins: float, ends: float, labels: list[str]
) -> None:
    axis = Axis.of(spans(*parts))
    assert [axis.start_s, axis.end_s] == [UTC + 3600 * begins, UTC + 3600 * ends]
    assert [label for _, label in axis.marks] == [f"{hour}:00" for hour in labels]
    assert [at_s for at_s, _ in axis.marks] == [axis.start_s + 3600 * number for number in range(len(labels))]


def test_what_lies_before_or_after_an_axis_is_at_its_end() -> None:
    axis = Axis.of(spans((9.0, 13.0, 0)))
    shares = [axis.share(UTC + 3600 * hour) for hour in (8.9, 9.0, 10.0, 13.0, 13.1)]
    assert shares == [0.0, 0.0, 0.25, 1.0, 1.0]


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(("date", "highest"), [("2025-10-26", 120), ("2025-10-25", 60)])
def test_an_hour_that_the_clock_shows_twice_has_room_for_both(store: Store, date: str, highest: int) -> None:
    record(store, wall(f"{date} 01:30"), [("good", 3 * 3600)], 20)
    drawn = hours("hours", day(store, dt.date.fromisoformat(date), LATER))
    told = re.findall(r">(\d+)</text>", drawn)
    assert told[-5:] == [str(part * highest // 4) for part in range(5)]
    assert f"02:00–03:00 good {'2 h 00 min' if highest == 120 else '1 h 00 min'}" in drawn


def test_limits_lie_on_the_side_to_which_posture_gets_poorer() -> None:
    sides = {}
    for metric in story.SHOWN_MEASURES:
        levels = thresholds(metric)
        mild, poor = ([level for level, state in levels if state == name] for name in ("mild", "poor"))
        assert all(0 < a / b < 1 for a, b in zip(mild, poor, strict=True))
        sides[metric] = {level > 0 for level, _ in levels}
    assert sides == {
        "trunk_incl": {True, False},  # leaning forward, and reclined
        "neck_incl": {True}, "neck_flex": set(), "head_pitch": set(), "fsr": {True},
        "head_height": {False}, "distance": {False},
    }  # fmt: skip


def test_a_curve_is_calmed_by_the_median_of_eight_minutes() -> None:
    starts_s = wall("2025-05-14 09:00") + 60.0 * np.arange(20)
    values = np.arange(20.0)
    values[10] = 900.0
    calm = _smooth(starts_s, values)
    assert calm[:10].tolist() == [2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    assert calm.max() < 20


def test_a_curve_of_few_minutes_keeps_its_shape() -> None:
    values = np.array([1.0, 3.0, 9.0, 13.0])
    assert _smooth(60.0 * np.arange(4), values).tolist() == values.tolist()


def test_five_minutes_are_told_together() -> None:
    starts_s = np.array([0.0, 240.0, 299.0, 300.0, 1000.0])
    told = [(at_s, values.tolist()) for at_s, values in _every(starts_s, np.arange(5.0), 300.0)]
    assert told == [(0.0, [0, 1, 2]), (300.0, [3]), (900.0, [4])]
