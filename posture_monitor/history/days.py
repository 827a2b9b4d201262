"""A local day, added up honestly: each moment once, and what was not measured told as such.

A local day has 23, 24 or 25 hours as the place's clock had them, and a span
over midnight is split between two days.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from posture_monitor.history.packing import Floats, Samples
from posture_monitor.history.recording import SLOUCH_INDEX
from posture_monitor.history.records import (
    APART,
    COMPARABLE_S,
    ENOUGH_COVERAGE,
    ENOUGH_JUDGED_S,
    STATES,
    Alert,
    Span,
    told_reason,
)
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import (
    BREAK_S,
    JUDGED,
    Bout,
    Shown,
    Totals,
    bouts,
    local_time,
    longest,
    merge,
    midnight_s,
    pieces,
    told_state,
    within,
)
from posture_monitor.posture.breaks import SHIFT_HOLD_S, SHIFTS
from posture_monitor.posture.reading import VERDICTS

#: Readings nearer to each other than this are skipped when shifts are counted.
_SHIFT_STEP_S = 0.5

#: Clocks are up to 26 h apart, and a span may be an hour longer than it should: look this far around.
_AROUND_S = 27 * 3600.0


@dataclass(frozen=True)
class Hour(Totals):
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
class Curves:
    """How far from neutral the body was, minute by minute.

    Attributes
    ----------
    start_s
        ``(N,)`` POSIX seconds at which each minute begins, in order; only minutes with a measurement.
    names
        ``k`` metric names.
    values
        ``(N, k, 2)``: median and 90th percentile of the deviation from neutral
        in that minute, in the metric's own unit; NaN where not measured.
    """

    start_s: Floats
    names: tuple[str, ...]
    values: Floats

    def of(self, name: str) -> tuple[Floats, Floats]:
        """Return the minutes ``(n,)`` in which a metric was measured, and its values ``(n, 2)``."""
        if name not in self.names:
            return np.empty(0), np.empty((0, 2))
        column = self.values[:, self.names.index(name)]
        measured = np.isfinite(column[:, 0])
        return self.start_s[measured], column[measured]


@dataclass(frozen=True)
class Day(Totals):
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
    alerts, bouts
        In order of time.
    minutes
        The summaries of each minute.
    longest_poor
        The longest unbroken poor stretch, or None.
    angles
        Metric name to its summary; a metric that could not be measured is missing.
    shifts_per_h
        Posture shifts per measured hour, by the measures and limits of `breaks.SHIFTS`; NaN where
        none of them was measured for `ENOUGH_JUDGED_S`.
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
    minutes: Curves
    longest_poor: Span | None
    angles: Mapping[str, Angle]
    shifts_per_h: float

    @property
    def over(self) -> bool:
        """Whether nothing more can come: not so today."""
        return self.end_s >= midnight_s(self.date + dt.timedelta(days=1))

    @property
    def longest_poor_s(self) -> float:
        """Length of the longest unbroken poor stretch."""
        return self.longest_poor.length_s if self.longest_poor else 0.0

    @property
    def longest_bout(self) -> Bout | None:
        """The longest time at the desk without a break, or None."""
        return max(self.bouts, key=lambda bout: bout.length_s, default=None)

    @property
    def longest_bout_s(self) -> float:
        """Length of the longest time at the desk without a break."""
        return self.longest_bout.length_s if self.longest_bout else 0.0

    @property
    def breaks(self) -> int:
        """How many absences lay between bouts."""
        return sum(math.isfinite(bout.break_s) for bout in self.bouts)

    @property
    def withheld(self) -> str:
        """Why there is no score and no conclusion; ``""`` where there is enough to go by."""
        return withheld(self, self.spans)

    @property
    def best_hour(self) -> Hour | None:
        """The hour with the least poor posture, where hours differ by `APART`."""
        hours = self._comparable()
        return min(hours, key=lambda hour: hour.poor_share) if hours else None

    @property
    def hardest_hour(self) -> Hour | None:
        """The hour with the most poor posture, where hours differ by `APART`."""
        hours = self._comparable()
        return max(hours, key=lambda hour: hour.poor_share) if hours else None

    def _comparable(self) -> list[Hour]:
        hours = [
            hour
            for hour in self.hours
            if hour.judged_s >= COMPARABLE_S and hour.judged_s >= ENOUGH_COVERAGE * hour.present_s
        ]
        shares = [hour.poor_share for hour in hours]
        return hours if shares and max(shares) - min(shares) >= APART and not self.withheld else []


def score(day: Day) -> float:
    """Return the day score: the percentage of the judged time that was not poor; NaN if withheld.

    *Mild* does not lower it: so much is the natural scatter of a comfortable
    posture (about 10° of trunk and head, doi 10.3390/healthcare9121685).
    """
    return math.nan if day.withheld else 100 * (1 - day.poor_share)


def today(now_s: float | None = None) -> dt.date:
    """Return the local date."""
    return dt.date.fromtimestamp(time.time() if now_s is None else now_s)


def day(store: Store, date: dt.date, now_s: float | None = None, *, shifts: bool = True) -> Day:
    """Add up one local day.

    Parameters
    ----------
    store
        The history, open for reading or writing.
    date
        The local date.
    now_s
        POSIX seconds up to which the day has come, if it is today; default: the clock.
    shifts
        Count posture shifts as well, which reads every kept reading of the day.
    """
    start_s = midnight_s(date)
    end_s = midnight_s(date + dt.timedelta(days=1))
    now_s = time.time() if now_s is None else now_s
    around = start_s - _AROUND_S, end_s + _AROUND_S
    merged = merge(store.spans(*around))
    spans = tuple(
        replace(piece, state=told_state(piece.state, piece.reason))
        for span in merged
        if (piece := within(span, date)) is not None
    )
    seconds = dict.fromkeys(STATES, 0.0)
    for span in spans:
        seconds[span.state] += span.length_s
    end_s = max(start_s, min(end_s, now_s))
    shown = Shown(merged)
    minutes = _minutes(store, spans)
    return Day(
        date=date,
        start_s=start_s,
        end_s=end_s,
        seconds=seconds,
        # Someone who travelled may have had more of the day than this place has.
        not_recorded_s=max(0.0, end_s - start_s - sum(seconds.values())),
        spans=spans,
        hours=_hours(spans),
        alerts=tuple(
            alert
            for alert in store.alerts(*around)
            if local_time(alert.wall_s, alert.utc_offset_s).date() == date and shown.belongs(alert)
        ),
        bouts=bouts(spans),
        minutes=minutes,
        longest_poor=longest(spans, "poor"),
        angles=_angles(minutes),
        shifts_per_h=_shifts_per_h(store, spans) if shifts else math.nan,
    )


def _hours(spans: Sequence[Span]) -> tuple[Hour, ...]:
    table = [dict.fromkeys(STATES, 0.0) for _ in range(24)]
    for piece, local_s in pieces(spans, 3600):
        table[int(local_s // 3600)][piece.state] += piece.length_s
    return tuple(Hour(number, seconds) for number, seconds in enumerate(table))


def _minutes(store: Store, spans: Sequence[Span]) -> Curves:
    if not spans:
        return Curves(np.empty(0), (), np.empty((0, 0, 2)))
    first, last = int(spans[0].start_s // 60), int(np.ceil(spans[-1].end_s / 60))
    hours = list(store.minutes(60.0 * first, 60.0 * last))
    names = tuple(dict.fromkeys(name for _, summary in hours for name in summary.names))
    values = np.full((last - first, len(names), 2), np.nan)
    for hour, summary in hours:
        rows = 60 * hour - first + np.arange(60)
        told = (rows >= 0) & (rows < len(values)) & np.isfinite(summary.values).any(axis=(1, 2))
        columns = np.array([names.index(name) for name in summary.names], dtype=np.intp)
        # A recording that counts more comes later; it tells the whole of its minutes.
        values[rows[told]] = np.nan
        values[np.ix_(rows[told], columns)] = summary.values[told]
    measured = np.isfinite(values).any(axis=(1, 2))
    starts_s = 60.0 * (first + np.flatnonzero(measured)).astype(np.float64)
    return Curves(starts_s, names, values[measured])


def _angles(curves: Curves) -> dict[str, Angle]:
    summed_up = {}
    for name in sorted(curves.names):
        _, values = curves.of(name)
        if name != SLOUCH_INDEX and len(values):
            middle, low, high = np.percentile(values[:, 0], (50, 10, 90)).tolist()
            summed_up[name] = Angle(middle, low, high, len(values))
    return summed_up


def _shifts_per_h(store: Store, spans: Sequence[Span]) -> float:
    """Return posture shifts per measured hour, from the kept readings, as `breaks` notices them.

    People with back pain shift less often (PMC5447416).
    """
    if not spans:
        return math.nan
    shifts, measured_s = 0, 0.0
    settled: dict[str, float] = {}
    since: dict[str, float] = {}
    last_s = -math.inf
    last_run = 0
    for wall_s, run, measured in _shifting(store.samples(spans[0].start_s, spans[-1].end_s)):
        if not 0 <= wall_s - last_s < BREAK_S or run != last_run:
            settled, since, last_run = {}, {}, run  # another recording may go by another neutral posture
        elif wall_s - last_s < _SHIFT_STEP_S:
            continue
        else:
            measured_s += wall_s - last_s
        last_s = wall_s
        for name, value in measured.items():
            if abs(value - settled.setdefault(name, value)) <= SHIFTS[name]:
                since.pop(name, None)
            elif wall_s - since.setdefault(name, wall_s) >= SHIFT_HOLD_S:
                shifts += 1
                # One movement of the body shifts several measures together: count it once.
                settled, since = dict(measured), {}
                break
    return 3600 * shifts / measured_s if measured_s >= ENOUGH_JUDGED_S else math.nan


def _shifting(minutes: Iterable[Samples]) -> Iterator[tuple[float, int, dict[str, float]]]:
    """Yield time, recording and what was measured; of each moment the recording that counts."""
    for _, told in itertools.groupby(minutes, lambda readings: int(readings.wall_s[0] // 60)):
        counting = list(told)  # those that count more come later
        for number, readings in enumerate(counting):
            over = [(other.wall_s[0], other.wall_s[-1]) for other in counting[number + 1 :]]
            columns = [(name, readings.names.index(name)) for name in SHIFTS if name in readings.names]
            if not columns:
                continue
            for wall_s, code, row in zip(
                readings.wall_s.tolist(),
                readings.verdicts.tolist(),
                readings.deviations.tolist(),
                strict=True,
            ):
                # Of who could not be judged, it may have been somebody else who moved.
                judged = VERDICTS[code] in JUDGED
                measured = {name: row[k] for name, k in columns if judged and math.isfinite(row[k])}
                if measured and not any(first_s <= wall_s <= last_s for first_s, last_s in over):
                    yield wall_s, readings.run, measured


def withheld(totals: Totals, spans: Iterable[Span]) -> str:
    """Return why nothing is concluded from a time, made of these spans; ``""`` where there is enough."""
    seconds = totals.seconds
    if not totals.recorded_s:
        return "not recorded"
    if totals.present_s == 0:
        off = seconds["paused"] + seconds["busy"] > seconds["away"]
        return (
            "the camera was paused, in use elsewhere or not there" if off else "nobody was seen at the desk"
        )
    if totals.coverage < ENOUGH_COVERAGE:
        why = next((why for why, _ in reasons(spans) if why), "")
        return (
            f"only {totals.told_coverage:.0%} of the time at the desk could be judged, "
            f"{ENOUGH_COVERAGE:.0%} is needed" + (f" (mostly: {why})" if why else "")
        )
    if totals.judged_s < ENOUGH_JUDGED_S:
        return f"less than {ENOUGH_JUDGED_S / 60:.0f} minutes were judged"
    return ""


def reasons(spans: Iterable[Span]) -> list[tuple[str, float]]:
    """Return why posture was not judged while somebody was there, and for how many seconds, longest first.

    A reason is as people are told it; ``""`` where none was kept.
    """
    seconds: dict[str, float] = defaultdict(float)
    for span in spans:
        if span.state == "unknown":
            seconds[told_reason(span.reason)] += span.length_s
    return sorted(seconds.items(), key=lambda item: -item[1])
