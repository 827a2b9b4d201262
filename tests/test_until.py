"""When a pause ends: as it is written, over a night, and where the clock is changed."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posture_monitor.errors import UserError
from posture_monitor.until import LONGEST, parse_until

NOON = datetime.datetime(2026, 3, 2, 12, 0, 30)


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"2026-03-{text}")


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("15m", "02 12:15:30"),
        ("15 min", "02 12:15:30"),
        ("1h", "02 13:00:30"),
        ("1h30m", "02 13:30:30"),
        ("90s", "02 12:02:00"),
        ("until 14:00", "02 14:00"),
        ("Until  9:05", "03 09:05"),
        ("until 12:00", "03 12:00"),
        ("until tomorrow", "03 06:00"),
        ("tomorrow", "03 06:00"),
    ],
)
def test_a_pause_ends_when_it_says(text: str, ends: str) -> None:
    assert parse_until(text, NOON) == at(ends)


@pytest.mark.parametrize(
    ("now", "ends"),
    [("02 23:50", "03 06:00"), ("03 00:30", "03 06:00"), ("03 01:30", "03 06:00"), ("03 02:30", "04 06:00")],
)
def test_tomorrow_begins_after_a_night(now: str, ends: str) -> None:
    assert parse_until("until tomorrow", at(now)) == at(ends)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "m",
        "0m",
        "-5m",
        "1.5h",
        "until",
        "until 25:00",
        "until noon",
        "9999h",
        "169h",
        "14:60",
        "15m 1h",
    ],
)
def test_a_pause_written_differently_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_until(text, NOON)
    assert "\n" not in str(caught.value)
    assert repr(text.lower()) in str(caught.value) or repr(text) in str(caught.value)


@given(st.text(max_size=12), st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1)))
def test_any_text_ends_in_the_future_or_is_refused(text: str, now: datetime.datetime) -> None:
    try:
        ends = parse_until(text, now)
    except UserError:
        return
    assert now < ends <= now + LONGEST


@pytest.mark.parametrize(
    ("now", "text", "minutes"),
    [
        ("2026-03-29 01:30+01:00", "2h", 120),
        ("2026-10-25 01:30+02:00", "2h", 120),
        ("2026-10-25 02:30+02:00", "15m", 15),
        ("2026-10-25 02:30+01:00", "15m", 15),
        ("2026-10-25 02:30+02:00", "until 02:15", 45),
        ("2026-10-25 02:30+01:00", "until 02:15", 24 * 60 - 15),
        ("2026-10-24 23:00+02:00", "until tomorrow", 8 * 60),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_a_pause_lasts_as_long_as_asked_where_the_clock_is_changed(now: str, text: str, minutes: int) -> None:
    began_s = datetime.datetime.fromisoformat(now).timestamp()
    ends = parse_until(text, datetime.datetime.fromtimestamp(began_s))
    assert ends.timestamp() - began_s == 60 * minutes
