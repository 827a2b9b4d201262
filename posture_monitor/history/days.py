"""A local day, added up honestly: each moment once, and what was not measured told as such.

A local day has 23, 24 or 25 hours as the place's clock had them, and a span
over midnight is split between two days.
"""

from __future__ import annotations

import datetime as dt
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from posture_monitor.history.recording import SLOUCH_INDEX
from posture_monitor.history.records import STATES, Alert, Span
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import (
    BREAK_S,
    JUDGED,
    PRESENT,
    Bout,
    Shown,
    bouts,
    local_time,
    longest,
    merge,
    midnight_s,
    within,
)

#: Under this share of judged in present time nothing is concluded (ergonomics.md §6, *coverage*).
ENOUGH_COVERAGE = 0.60

#: Nor from less judged time than this (our own choice: below it one change of posture decides).
ENOUGH_JUDGED_S = 600.0

#: A posture shift: trunk or neck changed by more than 5° for 4 s (ergonomics.md §6, *shifts_per_h*).
SHIFT_DEG = 5.0
SHIFT_HOLD_S = 4.0

#: Offsets reach from -12 h to +14 h, and a span may be an hour longer than it should: look this far around.
_AROUND_S = 15 * 3600.0


@dataclass(frozen=True)
class Hour:
    """One hour on the local clock.

    Attributes
    ----------
    hour
        0..23.
    seconds
        State to seconds. A clock set back gives the hour that came twice up to 7200 s.
    """

    hour: int
    seconds: Mapping[str, float]

    @property
    def judged_s(self) -> float:
        """Seconds in which posture was judged."""
        return sum(self.seconds[state] for state in JUDGED)

    @property
    def poor_share(self) -> float:
        """Share of the judged time that was poor, 0..1; NaN where nothing was judged."""
        return self.seconds["poor"] / self.judged_s if self.judged_s else math.nan


@dataclass(frozen=True)
class Angle:
    """One metric over the day, as deviation from neutral in the metric's own unit.

    Attributes
    ----------
    median, p10, p90
        Over the medians of the minutes in which it was measured: the middle
        one, and the bounds of the middle eight in ten.
    minutes
        In how many minutes it was measured.
    """

    median: float
    p10: float
    p90: float
    minutes: int


@dataclass(frozen=True)
class Minute:
    """One minute's summary, for curves over the day.

    Attributes
    ----------
    start_s
        POSIX seconds.
    utc_offset_s
        Local time minus UTC then.
    values
        Metric name to (median, 90th percentile) of its deviation from neutral.
    """

    start_s: float
    utc_offset_s: int
    values: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Day:
    """A local day as it was recorded.

    Attributes
    ----------
    date
        The local date.
    start_s, end_s
        POSIX seconds of its first and last moment (for today: of now).
    seconds
        State to seconds, each of `records.STATES`.
    not_recorded_s
        What is left of the day so far.
    spans
        In order of time, none overlapping another, none crossing midnight.
    alerts, bouts, minutes
        In order of time.
    longest_poor
        The longest unbroken poor stretch, or None.
    angles
        Metric name to its summary; a metric that could not be measured is missing.
    shifts_per_h
        Posture shifts per measured hour; NaN where neither trunk nor neck was measured.
    """

    date: dt.date
    start_s: float
    end_s: float
    seconds: Mapping[str, float]
    not_recorded_s: float
    spans: tuple[Span, ...]
    hours: tuple[Hour, ...]
    alerts: tuple[Alert, ...]
    bouts: tuple[Bout, ...]
    minutes: tuple[Minute, ...]
    longest_poor: Span | None
    angles: Mapping[str, Angle]
    shifts_per_h: float

    @property
    def recorded_s(self) -> float:
        """Seconds of which anything is known."""
        return sum(self.seconds.values())

    @property
    def present_s(self) -> float:
        """Seconds in which somebody was seen at the desk."""
        return sum(self.seconds[state] for state in PRESENT)

    @property
    def judged_s(self) -> float:
        """Seconds in which posture was judged."""
        return sum(self.seconds[state] for state in JUDGED)

    @property
    def coverage(self) -> float:
        """Judged share of the present time, 0..1; NaN where nobody was seen."""
        return self.judged_s / self.present_s if self.present_s else math.nan

    @property
    def longest_poor_s(self) -> float:
        """Length of the longest unbroken poor stretch."""
        return self.longest_poor.end_s - self.longest_poor.start_s if self.longest_poor else 0.0

    @property
    def withheld(self) -> str:
        """Why there is no score and no conclusion; ``""`` where there is enough to go by."""
        if self.present_s == 0:
            return "nobody was seen at the desk"
        if self.coverage < ENOUGH_COVERAGE:
            why = _most_common_reason(self.spans)
            return (
                f"only {self.coverage:.0%} of the time at the desk could be judged, "
                f"{ENOUGH_COVERAGE:.0%} is needed" + (f" (mostly: {why})" if why else "")
            )
        if self.judged_s < ENOUGH_JUDGED_S:
            return f"less than {ENOUGH_JUDGED_S / 60:.0f} minutes were judged"
        return ""

    @property
    def best_hour(self) -> Hour | None:
        """The hour with the least poor posture, if at least two hours can be compared."""
        hours = self._comparable()
        return min(hours, key=lambda hour: hour.poor_share) if hours else None

    @property
    def hardest_hour(self) -> Hour | None:
        """The hour with the most poor posture, if at least two hours can be compared."""
        hours = self._comparable()
        return max(hours, key=lambda hour: hour.poor_share) if hours else None

    def _comparable(self) -> list[Hour]:
        hours = [
            hour
            for hour in self.hours
            if hour.judged_s >= ENOUGH_JUDGED_S
            and hour.judged_s >= ENOUGH_COVERAGE * (hour.judged_s + hour.seconds["unknown"])
        ]
        shares = {hour.poor_share for hour in hours}
        return hours if len(shares) > 1 and not self.withheld else []


def score(day: Day) -> float:
    """Return the day score: the percentage of the judged time that was not poor; NaN if withheld.

    *Mild* does not lower it: so much is the natural scatter of a comfortable
    posture (ergonomics.md §6).
    """
    return math.nan if day.withheld else 100 * (1 - day.seconds["poor"] / day.judged_s)


def today(now_s: float | None = None) -> dt.date:
    """Return the local date."""
    return dt.date.fromtimestamp(time.time() if now_s is None else now_s)


def day(store: Store, date: dt.date, now_s: float | None = None) -> Day:
    """Add up one local day.

    Parameters
    ----------
    store
        The history, open for reading or writing.
    date
        The local date.
    now_s
        POSIX seconds up to which the day has come, if it is today; default: the clock.
    """
    start_s = midnight_s(date)
    end_s = midnight_s(date + dt.timedelta(days=1))
    now_s = time.time() if now_s is None else now_s
    merged = merge(store.spans(start_s - _AROUND_S, end_s + _AROUND_S))
    spans = tuple(piece for span in merged if (piece := within(span, date)) is not None)
    seconds = dict.fromkeys(STATES, 0.0)
    for span in spans:
        seconds[span.state] += span.end_s - span.start_s
    length_s = max(0.0, min(end_s, now_s) - start_s)
    shown = Shown(merged)
    return Day(
        date=date,
        start_s=start_s,
        end_s=max(start_s, min(end_s, now_s)),
        seconds=seconds,
        # Someone who travelled may have had more of the day than this place has.
        not_recorded_s=max(0.0, length_s - sum(seconds.values())),
        spans=spans,
        hours=_hours(spans),
        alerts=tuple(
            alert
            for alert in store.alerts(start_s - _AROUND_S, end_s + _AROUND_S)
            if local_time(alert.wall_s, alert.utc_offset_s).date() == date and shown.belongs(alert)
        ),
        bouts=bouts(spans),
        minutes=(minutes := _minutes(store, spans)),
        longest_poor=longest(spans, "poor"),
        angles=_angles(minutes),
        shifts_per_h=_shifts_per_h(store, spans),
    )


def _hours(spans: Sequence[Span]) -> tuple[Hour, ...]:
    table = [dict.fromkeys(STATES, 0.0) for _ in range(24)]
    for span in spans:
        at_s = span.start_s
        while at_s < span.end_s:
            local_s = at_s + span.utc_offset_s
            next_s = min(span.end_s, at_s + 3600 - local_s % 3600)
            table[int(local_s % 86400 // 3600)][span.state] += next_s - at_s
            at_s = next_s
    return tuple(Hour(number, seconds) for number, seconds in enumerate(table))


def _minutes(store: Store, spans: Sequence[Span]) -> tuple[Minute, ...]:
    if not spans:
        return ()
    shown = Shown(spans)
    start_s, end_s = spans[0].start_s, spans[-1].end_s
    found: dict[float, Minute] = {}
    for hour, summaries in store.minutes(start_s, end_s):
        for number in np.flatnonzero(np.isfinite(summaries.values).any(axis=(1, 2))):
            at_s = 3600.0 * hour + 60.0 * int(number)
            if not start_s - 60 < at_s < end_s:
                continue
            beside = shown.at(at_s) or shown.at(at_s + 59) or spans[0]
            found[at_s] = Minute(
                at_s,
                beside.utc_offset_s,
                {
                    name: (float(median), float(p90))
                    for name, (median, p90) in zip(summaries.names, summaries.values[number], strict=True)
                    if math.isfinite(median)
                },
            )
    return tuple(found[at_s] for at_s in sorted(found))


def _angles(minutes: Sequence[Minute]) -> dict[str, Angle]:
    medians: dict[str, list[float]] = defaultdict(list)
    for minute in minutes:
        for name, (median, _) in minute.values.items():
            medians[name].append(median)
    summed_up = {}
    for name, values in sorted(medians.items()):
        if name != SLOUCH_INDEX:
            middle, low, high = np.percentile(values, (50, 10, 90)).tolist()
            summed_up[name] = Angle(middle, low, high, len(values))
    return summed_up


def _shifts_per_h(store: Store, spans: Sequence[Span]) -> float:
    """Return posture shifts per hour in which trunk or neck was measured, from the kept readings."""
    if not spans:
        return math.nan
    shifts, measured_s = 0, 0.0
    settled: dict[str, float] = {}
    since: dict[str, float] = {}
    last_s = -math.inf
    for readings in store.samples(spans[0].start_s, spans[-1].end_s):
        for reading in readings:
            measured = {n: v for n, v in reading.deviations.items() if n in ("trunk_incl", "neck_incl")}
            if not measured:
                continue
            if reading.wall_s - last_s > BREAK_S or reading.wall_s < last_s:
                settled, since = {}, {}
            else:
                measured_s += reading.wall_s - last_s
            last_s = reading.wall_s
            for name, value in measured.items():
                if abs(value - settled.setdefault(name, value)) <= SHIFT_DEG:
                    since.pop(name, None)
                elif reading.wall_s - since.setdefault(name, reading.wall_s) >= SHIFT_HOLD_S:
                    shifts += 1
                    # One movement of the body shifts trunk and neck together: count it once.
                    settled, since = dict(measured), {}
                    break
    return 3600 * shifts / measured_s if measured_s else math.nan


def _most_common_reason(spans: Iterable[Span]) -> str:
    seconds: dict[str, float] = defaultdict(float)
    for span in spans:
        if span.state == "unknown" and span.reason:
            seconds[span.reason] += span.end_s - span.start_s
    return max(seconds, key=lambda reason: seconds[reason]) if seconds else ""
