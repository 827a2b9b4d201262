"""Spans on a line: overlaps solved, cut at local midnight, gathered into sitting bouts.

Overlaps are solved in UTC, where time runs once; only then is a span laid on
the local clock, by the offset it was recorded with.
"""

from __future__ import annotations

import bisect
import datetime as dt
import math
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from posture_monitor.history.records import ENOUGH_COVERAGE, NOT_SHOWN, Alert, Span

#: States in which the posture was judged, and in which somebody was there.
JUDGED = ("good", "mild", "poor")
PRESENT = (*JUDGED, "unknown")

#: Years whose days can be reckoned with: at the ends of the calendar there is no day before or after, and
#: Windows knows no local time before 1970, which Python asks for to tell those of its first days.
YEARS = range(1971 if sys.platform == "win32" else 1970, 3000)

#: An absence of this length ends a sitting bout and counts as a break (our own choice).
BREAK_S = 60.0

#: An alert was followed by a better posture if *poor* ended within this time (our own choice).
CORRECTED_S = 60.0


class Totals:
    """What `seconds`, state to seconds, come to: a mix-in for whoever holds them."""

    seconds: Mapping[str, float]

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
    def told_coverage(self) -> float:
        """Coverage as it is told in whole per cent: rounded up, too little might be what is needed."""
        too_little = self.coverage < ENOUGH_COVERAGE
        return min(self.coverage, ENOUGH_COVERAGE - 0.01) if too_little else self.coverage

    @property
    def poor_share(self) -> float:
        """Share of the judged time that was poor, 0..1; NaN where nothing was judged."""
        return self.seconds["poor"] / self.judged_s if self.judged_s else math.nan


def utc_offset_s(wall_s: float) -> int:
    """Return local time minus UTC on this machine at a moment, in seconds."""
    return time.localtime(wall_s).tm_gmtoff


#: Why a state is unknown where there was no picture of anything (`service.resting` has these).
_NO_PICTURE = re.compile(r"no camera|camera (in use|hangs|black|covered|frozen)|camera: .*", re.DOTALL)


def told_state(state: str, reason: str) -> str:
    """Return a state as days tell it: without any picture it is the camera that was not there.

    Somebody who is there but cannot be judged is *unknown*, which is time at the desk. Of whether anybody
    is there, an unplugged or covered camera says nothing.
    """
    return "busy" if state == "unknown" and _NO_PICTURE.fullmatch(reason) else state


def end_offset_s(span: Span | Bout) -> int:
    """Return local time minus UTC at the end of a span or bout, in seconds; the clock may have changed."""
    if utc_offset_s(span.start_s) != span.utc_offset_s:  # recorded in another place
        return span.utc_offset_s
    return utc_offset_s(span.end_s)


def midnight_s(date: dt.date) -> float:
    """Return the POSIX seconds at which a local day begins on this machine.

    Where the clock skips midnight itself, the day begins with its first moment.
    """
    # Not by way of `astimezone`, which takes a time that is skipped for the one an hour before.
    return dt.datetime.combine(date, dt.time()).timestamp()


def local_time(wall_s: float, offset_s: int) -> dt.datetime:
    """Return the local clock's reading at a moment, with its offset."""
    return dt.datetime.fromtimestamp(wall_s, dt.timezone(dt.timedelta(seconds=offset_s)))


@dataclass(frozen=True)
class Bout:
    """A stretch of presence, ended by an absence (or a hole in the record) of `BREAK_S` or more.

    Attributes
    ----------
    start_s, end_s
        POSIX seconds.
    utc_offset_s
        Local time minus UTC at its start.
    break_s
        How long the absence after it lasted; NaN where the record does not say
        (the end of the day, a pause, the monitor was off).
    """

    start_s: float
    end_s: float
    utc_offset_s: int
    break_s: float = math.nan

    @property
    def length_s(self) -> float:
        """Duration in seconds."""
        return self.end_s - self.start_s


def merge(spans: Iterable[Span]) -> list[Span]:
    """Return spans of which no two overlap, each moment as the one that counts says.

    A live recording counts before a replayed one, a newer before an older one,
    and within one recording (a clock set back) what was written later.
    Neighbours of the same state, reason and offset become one.
    """
    # Later ones are painted over earlier ones.
    ordered = sorted(
        (span for span in spans if span.end_s > span.start_s), key=lambda s: (s.live, s.run, s.seq)
    )
    edges = np.unique([edge for span in ordered for edge in (span.start_s, span.end_s)])
    owner = np.full(max(len(edges) - 1, 0), -1)
    starts = np.searchsorted(edges, [span.start_s for span in ordered])
    ends = np.searchsorted(edges, [span.end_s for span in ordered])
    for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
        owner[start:end] = number
    merged: list[Span] = []
    for index in np.flatnonzero(owner >= 0):
        span = replace(ordered[owner[index]], start_s=float(edges[index]), end_s=float(edges[index + 1]))
        if merged and _continues(merged[-1], span):
            merged[-1] = replace(merged[-1], end_s=span.end_s)
        else:
            merged.append(span)
    return merged


def _continues(last: Span, span: Span) -> bool:
    return (last.end_s, last.state, last.reason, last.utc_offset_s, last.run) == (
        span.start_s,
        span.state,
        span.reason,
        span.utc_offset_s,
        span.run,
    )


def within(span: Span, date: dt.date) -> Span | None:
    """Return the part of a span that lies in a local day, by the span's own offset."""
    zone = dt.timezone(dt.timedelta(seconds=span.utc_offset_s))
    begin_s = dt.datetime.combine(date, dt.time(), zone).timestamp()
    start_s, end_s = max(span.start_s, begin_s), min(span.end_s, begin_s + 86400)
    return replace(span, start_s=start_s, end_s=end_s) if end_s > start_s else None


def pieces(spans: Iterable[Span], step_s: float) -> Iterator[tuple[Span, float]]:
    """Yield spans cut at each `step_s` of the local clock, and with which second of the day each begins."""
    for span in spans:
        at_s = span.start_s
        while at_s < span.end_s:
            local_s = (at_s + span.utc_offset_s) % 86400
            next_s = min(span.end_s, at_s + step_s - local_s % step_s)
            yield replace(span, start_s=at_s, end_s=next_s), local_s
            at_s = next_s


def longest(spans: Sequence[Span], state: str) -> Span | None:
    """Return the longest unbroken stretch of a state, whatever its reasons and recordings."""
    stretches: list[Span] = []
    for span in spans:
        if span.state != state:
            continue
        if stretches and span.start_s - stretches[-1].end_s <= 0.001:
            stretches[-1] = replace(stretches[-1], end_s=span.end_s)
        else:
            stretches.append(span)
    return max(stretches, key=lambda stretch: stretch.length_s, default=None)


def bouts(spans: Sequence[Span]) -> tuple[Bout, ...]:
    """Return the sitting bouts in spans that are in order and do not overlap.

    Posture that is not known (a turned head, a camera that was unplugged) ends no bout,
    but begins none and makes none longer: whoever was seen sitting before and after it sat.
    """
    found: list[Bout] = []
    gone_s = 0.0  # since the last presence: away for certain
    until_s = -math.inf
    for span in spans:
        if span.state not in PRESENT:
            gone_s += span.length_s if span.state == "away" else 0.0
            continue
        goes_on = span.start_s - until_s < BREAK_S
        if span.state in JUDGED:
            if goes_on:
                found[-1] = replace(found[-1], end_s=span.end_s)
            else:
                if found and gone_s >= BREAK_S:
                    found[-1] = replace(found[-1], break_s=gone_s)
                found.append(Bout(span.start_s, span.end_s, span.utc_offset_s))
        elif not goes_on:
            continue
        until_s, gone_s = span.end_s, 0.0
    return tuple(found)


class Shown:
    """Which recording a moment is told by."""

    def __init__(self, merged: Sequence[Span]) -> None:
        self._spans = merged
        self._starts = [span.start_s for span in merged]

    def at(self, wall_s: float) -> Span | None:
        """Return the span of a moment (POSIX seconds), or None in a gap."""
        index = bisect.bisect_right(self._starts, wall_s) - 1
        return self._spans[index] if index >= 0 and wall_s <= self._spans[index].end_s else None

    def belongs(self, alert: Alert) -> bool:
        """Whether an alert belongs to what is told: not to a recording that another covers."""
        near = [span for at_s in (alert.wall_s, alert.wall_s - 0.5) if (span := self.at(at_s)) is not None]
        return not near or any(span.run == alert.run for span in near)


def what_followed(alert: Alert, spans: Sequence[Span]) -> tuple[str, float]:
    """Return what came after an alert and how many seconds later.

    The kept outcome comes first; without one, the spans tell: ``better`` when
    posture was good within `CORRECTED_S`, ``left`` when the person got up, else
    ``no change``; ``""`` and NaN where the record does not say. Mild posture is no
    recovery, as it is none while the program watches. Posture may be
    good all the while when a break is suggested, so that only getting up tells of one.
    What could not be shown is ``not shown``: nothing can have followed it.
    """
    if alert.channel == NOT_SHOWN:
        return "not shown", math.nan
    suggestion = alert.kind.startswith("break-")
    if alert.outcome:
        # That a break was taken is known, and kept, when the absence has lasted `BREAK_S`.
        began_s = (
            span.start_s
            for span in spans
            if suggestion
            and span.state == "away"
            and alert.wall_s <= span.start_s <= alert.outcome_s <= span.end_s
        )
        return alert.outcome, next(began_s, alert.outcome_s) - alert.wall_s
    until_s = alert.wall_s + CORRECTED_S
    after = [s for s in spans if s.end_s > alert.wall_s and s.start_s <= until_s]
    for span in after:
        later_s = max(0.0, span.start_s - alert.wall_s)
        if span.state == "good" and not suggestion:
            return "better", later_s
        if span.state == "away" and (span.start_s > alert.wall_s or not suggestion):
            return "left", later_s
    unchanged_s = sum(
        min(span.end_s, until_s) - max(span.start_s, alert.wall_s)
        for span in after
        if span.state in ("poor", "mild")
    )
    if not suggestion and unchanged_s >= CORRECTED_S - 0.001:
        return "no change", math.nan
    return "", math.nan
