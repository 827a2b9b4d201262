"""What was measured on days of pain and on others; it is never said that one caused the other."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from posture_monitor.history.days import Day
from posture_monitor.history.diary import Episode
from posture_monitor.history.packing import Floats

#: An association is shown from this many days with enough data and episodes on (our own choice).
ENOUGH_DAYS = 14
ENOUGH_EPISODES = 3

#: Days over which it is reckoned, whatever the report shows beside it (our own choice).
WINDOW_DAYS = 31

#: Days that are looked at for an episode: its own and the two before.
LOOK_BACK_DAYS = 3

NO_CAUSE = "This does not show cause."


@dataclass(frozen=True)
class Association:
    """How an exposure differed between days with an episode and others.

    Attributes
    ----------
    name, unit
        Of the exposure.
    difference, low, high
        Median of all differences between the two kinds of days, and its 95 % interval.
    """

    name: str
    unit: str
    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval, in the whole numbers it is told in, leaves out nought."""
        return round(self.low) > 0 or round(self.high) < 0

    @property
    def sentence(self) -> str:
        """The one sentence that is said of it."""
        interval = f"(95% interval {signed(self.low)} to {signed(self.high)} {self.unit})"
        if self.clear:
            more = "more" if self.difference >= 0 else "less"
            return f"{self.name}: {abs(self.difference):.0f} {self.unit} {more} around episodes {interval}."
        if round(self.low) == round(self.high) == 0:
            return f"{self.name}: no difference to speak of."
        return f"{self.name}: no clear difference {interval}."


def signed(number: float) -> str:
    """Return a whole number with its sign, ``+12`` or ``−8``; ``0`` has none."""
    return "0" if round(number) == 0 else f"{number:+.0f}".replace("-", "−")


#: What an episode is laid beside: the mean over its day and the two before.
EXPOSURES: tuple[tuple[str, str, Callable[[Day], float]], ...] = (
    ("Poor posture", "min a day", lambda day: day.seconds["poor"] / 60),
    ("Longest time without a break", "min", lambda day: day.longest_bout_s / 60),
    ("Breaks", "a day", lambda day: float(day.breaks)),
)


def exposures(date: dt.date, days: Sequence[Day]) -> tuple[float, ...]:
    """Return the mean of each of `EXPOSURES` over a day and the two before; NaN if none was seen enough.

    Of a day hardly seen no posture is known: it would count as one without any.
    """
    near = [day for day in days if 0 <= (date - day.date).days < LOOK_BACK_DAYS and not day.withheld]
    if not near:
        return (math.nan,) * len(EXPOSURES)
    return tuple(sum(measure(day) for day in near) / len(near) for _, _, measure in EXPOSURES)


def associations(entries: Sequence[Episode], days: Sequence[Day]) -> tuple[list[Association], str]:
    """Return how exposures differed around episodes, or why that is not told yet.

    The difference is that of Hodges and Lehmann with the interval of the
    rank-sum test, which asks nothing of the distribution, but that days stand for
    themselves. Days of pain in a row share their exposures: taken one by one they would
    be called clear by chance in one case of five. So they count once, by the first of them.

    Parameters
    ----------
    entries
        The diary. An entry of no pain is no episode, one less than `LOOK_BACK_DAYS` after another the
        same episode.
    days
        The days that count, each once. One that is not over yet has not had its exposures.

    Returns
    -------
    associations, withheld
        One for each exposure, and ``""``; or none, and why.
    """
    told = [day for day in days if day.over and not day.withheld]
    pain = sorted({entry.date for entry in entries if entry.pain})
    last = [dt.date.min, *pain]
    begun = {date for before, date in zip(last, pain, strict=False) if (date - before).days >= LOOK_BACK_DAYS}
    began = begun & {day.date for day in told}
    if len(told) < ENOUGH_DAYS or len(began) < ENOUGH_EPISODES:
        return [], (
            f"an association is shown from {ENOUGH_DAYS} days with enough data on, {ENOUGH_EPISODES} of them "
            f"with a new episode (entries less than {LOOK_BACK_DAYS} days apart are one); "
            f"there {'is' if len(told) == 1 else 'are'} {_counted(len(told), 'day')} "
            f"and {_counted(len(began), 'episode')}"
        )
    compared = [day for day in told if day.date in began or day.date not in pain]
    table = np.array([exposures(day.date, told) for day in compared])
    with_one = np.array([day.date in began for day in compared])
    if with_one.all():
        return [], "there is no day without an episode to compare with"
    return [
        Association(name, unit, *_shift(table[with_one, column], table[~with_one, column]))
        for column, (name, unit, _) in enumerate(EXPOSURES)
    ], ""


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _shift(one: Floats, other: Floats) -> tuple[float, float, float]:
    """Return the Hodges-Lehmann shift and its 95 % interval (normal approximation of the rank sum)."""
    differences = np.sort((one[:, None] - other[None, :]).ravel())
    n, m = len(one), len(other)
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    first = max(0, math.floor(n * m / 2 - 1.96 * spread))
    return float(np.median(differences)), float(differences[first]), float(differences[-1 - first])
