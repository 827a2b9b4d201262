"""Weeks and months: days side by side, and their totals."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from posture_monitor.history.days import Day, day, today, withheld
from posture_monitor.history.records import STATES
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import Totals


@dataclass(frozen=True)
class Period(Totals):
    """Days in a row.

    Attributes
    ----------
    kind
        ``week`` (Monday to Sunday) or ``month``.
    days
        Each of its days up to today, recorded or not.
    seconds
        State to seconds over all days.
    """

    kind: str
    days: tuple[Day, ...]
    seconds: Mapping[str, float]

    @property
    def first(self) -> dt.date:
        """Its first day."""
        return self.days[0].date

    @property
    def last(self) -> dt.date:
        """Its last day so far."""
        return self.days[-1].date

    @property
    def recorded(self) -> tuple[Day, ...]:
        """The days of which anything is known."""
        return tuple(day for day in self.days if day.spans)

    @property
    def withheld(self) -> str:
        """Why nothing is concluded; ``""`` where there is enough to go by. The rules of a single day."""
        return withheld(self, (span for day in self.days for span in day.spans))


def week(store: Store, date: dt.date, now_s: float | None = None) -> Period:
    """Return the week, Monday to Sunday, that holds a day; today's ends with today."""
    monday = date - dt.timedelta(days=date.weekday())
    return _period(store, "week", monday, 7, now_s)


def month(store: Store, date: dt.date, now_s: float | None = None) -> Period:
    """Return the calendar month that holds a day; today's ends with today."""
    _, length = calendar.monthrange(date.year, date.month)
    return _period(store, "month", date.replace(day=1), length, now_s)


def _period(store: Store, kind: str, first: dt.date, length: int, now_s: float | None) -> Period:
    dates = [first + dt.timedelta(days=number) for number in range(length)]
    days = tuple(
        day(store, date, now_s, shifts=False) for date in dates if date <= today(now_s) or date == first
    )
    return Period(kind, days, {state: sum(day.seconds[state] for day in days) for state in STATES})
