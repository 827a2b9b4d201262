"""What came with pain is told of enough days, with its interval, and as no cause."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from history_maker import LATER, record, wall

from posture_monitor.history.associations import Association, _shift, associations, exposures
from posture_monitor.history.days import Day, day
from posture_monitor.history.diary import episode
from posture_monitor.history.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.sqlite3"


def recorded(store: Store, poor_minutes: list[float]) -> list[Day]:
    first = dt.date(2025, 4, 1)
    dates = [first + dt.timedelta(days=number) for number in range(len(poor_minutes))]
    for date, minutes in zip(dates, poor_minutes, strict=True):
        record(
            store,
            wall(f"{date} 09:00"),
            [("good", 3600), ("poor", 60 * minutes), ("away", 300), ("good", 60)],
            15,
        )
    return [day(store, date, LATER, shifts=False) for date in dates]


def test_nothing_is_told_before_14_days_and_3_episodes(path: Path) -> None:
    with Store.open(path) as store:
        days = recorded(store, [20.0] * 13)
    entries = [episode(5, wall(f"2025-04-{number:02d} 12:00")) for number in (3, 6, 9)]
    told, why = associations(entries, days)
    assert told == []
    assert "14 days with enough data" in why
    with Store.open(path) as store:
        days = recorded(store, [20.0] * 14)
    assert associations(entries[:2], days)[0] == []
    assert len(associations(entries, days)[0]) == 3


def test_an_episode_is_laid_over_its_day_and_the_two_before(path: Path) -> None:
    with Store.open(path) as store:
        days = recorded(store, [10.0, 20.0, 30.0, 40.0])
        days.append(day(store, dt.date(2025, 4, 5), LATER, shifts=False))
    poor, longest, breaks = exposures(dt.date(2025, 4, 4), days)
    assert poor == pytest.approx(30)
    assert longest == pytest.approx(90)
    assert breaks == 1
    assert exposures(dt.date(2025, 4, 1), days)[0] == pytest.approx(10)
    assert exposures(dt.date(2025, 4, 6), days)[0] == pytest.approx(40), "of the 5th nothing is known"
    assert np.isnan(exposures(dt.date(2025, 4, 7), days)).all()


def test_a_difference_that_is_there_is_found_with_its_interval(path: Path) -> None:
    minutes = [10.0 + number % 4 for number in range(30)]
    for number in (8, 9, 10, 18, 19, 20, 26, 27, 28):
        minutes[number] += 60
    with Store.open(path) as store:
        days = recorded(store, minutes)
    entries = [episode(5, wall(f"2025-04-{number:02d} 12:00")) for number in (11, 21, 29)]
    (poor, _, breaks), why = associations(entries, days)
    assert why == ""
    assert poor.clear
    assert poor.low < poor.difference < poor.high
    assert poor.difference > 30
    assert poor.sentence.startswith(
        f"Poor posture: {poor.difference:.0f} min a day more around episodes (95%"
    )
    assert not breaks.clear
    assert breaks.sentence == "Breaks: no difference to speak of."


def test_what_may_be_chance_is_told_with_its_interval_alone() -> None:
    told = Association("Poor posture", "min a day", 10.0, -9.0, 24.0)
    assert told.sentence == "Poor posture: no clear difference (95% interval −9 to +24 min a day)."


def test_what_may_be_much_either_way_is_not_told_as_no_difference() -> None:
    told = Association("Breaks", "a day", 0.2, -3.0, 3.4)
    assert told.sentence == "Breaks: no clear difference (95% interval −3 to +3 a day)."
    assert Association("Breaks", "a day", 0.2, -0.3, 0.4).sentence == "Breaks: no difference to speak of."


def test_days_that_were_hardly_seen_are_not_set_against_others(path: Path) -> None:
    with Store.open(path) as store:
        recorded(store, [20.0] * 13)
        record(store, wall("2025-04-14 09:00"), [("paused", 36000)], 15)
        record(store, wall("2025-04-15 09:00"), [("good", 1800), ("unknown", 3600)], 15)
        days = [day(store, dt.date(2025, 4, number), LATER, shifts=False) for number in range(1, 16)]
    entries = [episode(5, wall(f"2025-04-{number:02d} 12:00")) for number in (3, 6, 9, 14, 15)]
    told, why = associations(entries, days)
    assert told == []
    assert "there are 13 days and 3 episodes" in why


@pytest.mark.parametrize(
    ("difference", "low", "high", "told"),
    [
        (0.6, 0.2, 1.4, "no clear difference (95% interval 0 to +1 a day)."),
        (-1.5, -2.4, -0.6, "2 a day less around episodes (95% interval −2 to −1 a day)."),
        (-0.6, -1.4, -0.2, "no clear difference (95% interval −1 to 0 a day)."),
        (1.0, 0.6, 1.4, "1 a day more around episodes (95% interval +1 to +1 a day)."),
        (0.4, -1.0, 2.0, "no clear difference (95% interval −1 to +2 a day)."),
        (0.1, -0.3, 0.4, "no difference to speak of."),
    ],
)
def test_an_interval_told_from_nought_on_is_not_clear(
    difference: float, low: float, high: float, told: str
) -> None:
    assert Association("Breaks", "a day", difference, low, high).sentence == f"Breaks: {told}"


def test_an_entry_of_no_pain_is_no_episode(path: Path) -> None:
    with Store.open(path) as store:
        days = recorded(store, [10.0, 60.0] * 10)
    entries = [episode(5, wall(f"2025-04-{number:02d} 12:00")) for number in (4, 8, 12)]
    free = [episode(0, wall(f"2025-04-{number:02d} 12:00")) for number in (5, 9, 13, 17)]
    assert associations(entries[:2] + free, days)[0] == [], "two days of pain are too few"
    assert associations(entries + free, days) == associations(entries, days)


def test_with_an_episode_on_every_day_there_is_nothing_to_compare(path: Path) -> None:
    with Store.open(path) as store:
        days = recorded(store, [20.0] * 42)[::3]
    entries = [episode(5, dt.datetime.combine(day.date, dt.time(12)).timestamp()) for day in days]
    assert associations(entries, days) == ([], "there is no day without an episode to compare with")


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_in_19_of_20_samples_the_interval_holds_the_difference(shift: float) -> None:
    rng = np.random.default_rng(7)
    told = np.array([_shift(shift + rng.normal(size=5), rng.normal(size=25)) for _ in range(1000)])
    outside = (told[:, 1] > shift) | (told[:, 2] < shift)
    assert 0.03 < outside.mean() < 0.07
    assert told[:, 0].mean() == pytest.approx(shift, abs=0.05)
    assert ((told[:, 1] < told[:, 0]) & (told[:, 0] < told[:, 2])).all()


def test_one_wild_day_moves_no_difference() -> None:
    calm = np.arange(20.0)
    assert _shift(np.array([5.0, 9.0, 900.0]), calm)[0] == _shift(np.array([5.0, 9.0, 90.0]), calm)[0]


def test_days_of_pain_in_a_row_are_one_episode_and_a_day_under_way_is_none(path: Path) -> None:
    with Store.open(path) as store:
        days = recorded(store, [20.0] * 15)
    in_a_row = [episode(5, wall(f"2025-04-{number:02d} 12:00")) for number in (3, 4, 6, 8, 13)]
    assert associations(in_a_row, days)[1].endswith("there are 15 days and 2 episodes")
    assert associations(in_a_row, days[2:3])[1].endswith("there is 1 day and 1 episode")
    apart = [*in_a_row[:1], *(episode(5, wall(f"2025-04-{number:02d} 12:00")) for number in (6, 9, 15))]
    assert associations(apart, days)[1] == ""
    today = replace(days[-1], end_s=days[-1].end_s - 3600)
    assert associations(apart[1:], [*days[:-1], today])[1].endswith("there are 14 days and 2 episodes")


def test_chance_alone_is_seldom_called_clear_where_pain_lasts_for_days(path: Path) -> None:
    with Store.open(path) as store:
        plain = replace(recorded(store, [20.0])[0], end_s=LATER)
    rng = np.random.default_rng(7)
    found = 0
    for _ in range(200):
        days = [
            replace(
                plain, date=plain.date + dt.timedelta(days=number), seconds={**plain.seconds, "poor": poor}
            )
            for number, poor in enumerate(rng.gamma(2, 600, 31).tolist())
        ]
        entries = [
            episode(5, wall(f"{days[first + number].date} 12:00"))
            for first in (2, 13, 24)
            for number in range(4)
        ]
        found += associations(entries, days)[0][0].clear
    assert found / 200 < 0.08
