"""One recording on its way into the history: what memory holds until the file takes it."""

from __future__ import annotations

import itertools
import json
import math
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.history import packing
from posture_monitor.history.packing import Minutes, Sample
from posture_monitor.history.records import Alert, Span

#: A longer state is written as several spans, so that a day is found without reading all that follows it.
LONGEST_SPAN_S = 3600.0

#: The name under which the slouch index is summed up beside the deviations.
SLOUCH_INDEX = "slouch_index"


class Recording:
    """A run of the monitor: a live camera, or a file replayed into the past.

    Attributes
    ----------
    id
        Its number in the file; None until the file knows it.
    """

    def __init__(self, source: str, live: bool, profile: str, neutral: Mapping[str, float]) -> None:
        self.id: int | None = None
        self._written_s = 0.0
        self._about = (source, live, profile, json.dumps(dict(neutral)))
        self._span: Span | None = None
        self._alert_numbers = itertools.count()
        self._minute = -1
        #: Of the minute under way: all readings, those that are to be kept one by one, and their landmarks.
        self._readings: list[Sample] = []
        self._kept: list[Sample] = []
        self._landmarks: list[npt.NDArray[Any]] = []
        self._summed_up = 0
        # What the file does not hold yet.
        self._new_spans: dict[int, Span] = {}
        self._new_alerts: dict[int, Alert] = {}
        self._hours: dict[int, Minutes] = {}
        self._new_hours: set[int] = set()
        self._new_samples: dict[int, tuple[str, bytes, bytes | None]] = {}

    @property
    def pending(self) -> bool:
        """Whether there is something that the file does not hold yet."""
        return bool(self._new_spans or self._new_alerts or self._new_hours or self._new_samples)

    def again(self) -> Recording:
        """Return another recording of the same source."""
        source, live, profile, neutral = self._about
        return Recording(source, live, profile, json.loads(neutral))

    def is_over(self, wall_s: float) -> bool:
        """Return whether the clock was set back so far that this moment would be summed up a second time."""
        return wall_s < 60 * (self._minute - 1)

    def heartbeat(self, wall_s: float, utc_offset_s: int, state: str, reason: str, gap_s: float) -> None:
        """See `Store.heartbeat`."""
        last = self._span
        if last is not None and abs(wall_s - last.end_s) <= min(gap_s, LONGEST_SPAN_S):
            # A clock corrected by less than the gap runs on; it does not make an overlap.
            wall_s = max(wall_s, last.end_s)
            last = self._keep(replace(last, end_s=wall_s))
            same = (last.state, last.reason, last.utc_offset_s) == (state, reason, utc_offset_s)
            if same and wall_s - last.start_s < LONGEST_SPAN_S:
                return
        seq = 1 if last is None else last.seq + 1
        self._keep(Span(wall_s, wall_s, utc_offset_s, state, reason, seq=seq))

    def last_until(self, wall_s: float, gap_s: float) -> bool:
        """Let its last state last until another recording's first heartbeat; return whether it does."""
        last = self._span
        if last is None or not 0.0 < wall_s - last.end_s <= min(gap_s, LONGEST_SPAN_S):
            return False
        self._keep(replace(last, end_s=wall_s))
        return True

    def _keep(self, span: Span) -> Span:
        self._span = self._new_spans[span.seq] = span
        return span

    def sample(self, reading: Sample, keep: bool, landmarks: npt.NDArray[Any] | None) -> None:
        """See `Store.sample`; `keep` it on its own, too, and these landmarks with it."""
        # A clock corrected by seconds runs on in the minute under way: the one before is summed up.
        minute = max(int(reading.wall_s // 60), self._minute)
        reading = replace(reading, wall_s=max(reading.wall_s, 60.0 * minute))
        if minute != self._minute:
            self.summarise()
            self._begin_minute(minute)
        self._readings.append(reading)
        if keep:
            self._kept.append(reading)
        if keep and landmarks is not None:
            self._landmarks.append(landmarks)

    def _begin_minute(self, minute: int) -> None:
        self._minute, self._summed_up = minute, 0
        self._readings, self._kept, self._landmarks = [], [], []

    def summarise(self) -> None:
        """Bring the summary of the minute under way up to date."""
        if self._summed_up == len(self._readings):
            return
        self._summed_up = len(self._readings)
        values: dict[str, list[float]] = {}
        for reading in self._readings:
            for name, value in reading.deviations.items():
                values.setdefault(name, []).append(value)
            if math.isfinite(reading.slouch_index):
                values.setdefault(SLOUCH_INDEX, []).append(reading.slouch_index)
        if values:
            hour, within = divmod(self._minute, 60)
            summary = {
                name: (_quantile(measured, 0.5), _quantile(measured, 0.9))
                for name, measured in values.items()
            }
            self._hours.setdefault(hour, Minutes()).put(within, summary)
            self._new_hours.add(hour)
        if self._kept:
            landmarks = packing.pack_landmarks(np.stack(self._landmarks)) if self._landmarks else None
            packed = packing.pack_samples(self._kept, self._minute)
            self._new_samples[self._minute] = (*packed, landmarks)

    def alert(self, alert: Alert) -> Alert:
        """Take in an alert and return it with its number within this recording."""
        alert = replace(alert, seq=next(self._alert_numbers))
        self._new_alerts[alert.seq] = alert
        return alert

    def outcome(self, alert: Alert, outcome: str, wall_s: float) -> None:
        """Take in what followed an alert."""
        self._new_alerts[alert.seq] = replace(alert, outcome=outcome, outcome_s=wall_s)

    def write(self, db: sqlite3.Connection) -> int:
        """Write what is new, inside the caller's transaction; return this recording's number in the file.

        Nothing is marked as written until `written` is called, after the commit.
        """
        run = self.id
        if run is None:
            self._written_s = time.time()
            run = db.execute(
                "INSERT INTO runs (written_s, source, live, profile, neutral) VALUES (?, ?, ?, ?, ?)",
                (self._written_s, *self._about),
            ).lastrowid
            assert run is not None
        db.executemany(
            "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (run, seq) DO UPDATE SET end_s = excluded.end_s",
            [
                (run, s.seq, s.start_s, s.end_s, s.utc_offset_s, s.state, s.reason)
                for s in self._new_spans.values()
            ],
        )
        db.executemany(
            "INSERT INTO alerts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run, seq) "
            "DO UPDATE SET outcome = excluded.outcome, outcome_s = excluded.outcome_s",
            [
                (
                    *(run, a.seq, a.wall_s, a.utc_offset_s, a.kind, a.driver, a.deviation, a.held_s),
                    *(a.channel, a.title, a.body, a.outcome, a.outcome_s),
                )
                for a in self._new_alerts.values()
            ],
        )
        db.executemany(
            "INSERT OR REPLACE INTO minutes VALUES (?, ?, ?, ?)",
            [(hour, run, *self._hours[hour].pack()) for hour in sorted(self._new_hours)],
        )
        db.executemany(
            "INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?)",
            [(minute, run, *packed) for minute, packed in sorted(self._new_samples.items())],
        )
        return run

    def written(self, run: int) -> None:
        """Let go of what the file holds now."""
        self.id = run
        self._new_spans, self._new_alerts, self._new_samples = {}, {}, {}
        self._new_hours = set()
        now = self._minute // 60
        self._hours = {hour: kept for hour, kept in self._hours.items() if hour == now}

    def look_up(self, db: sqlite3.Connection) -> None:
        """Keep its number only where this file knows it by that number, too."""
        if db.execute("SELECT written_s FROM runs WHERE id = ?", (self.id,)).fetchone() != (self._written_s,):
            self.id = None

    def forget(self) -> None:
        """Let go of everything and begin anew."""
        self.id = None
        self._span = None
        self._begin_minute(self._minute)
        self._new_spans, self._new_alerts, self._new_samples = {}, {}, {}
        self._hours, self._new_hours = {}, set()

    def trim(self, kept_s: float) -> None:
        """Let go of what lies further back than `kept_s` from the newest span."""
        newest_s = max((span.end_s for span in self._new_spans.values()), default=0.0)
        oldest_s = newest_s - kept_s
        self._new_spans = {n: span for n, span in self._new_spans.items() if span.end_s >= oldest_s}
        self._new_samples = {m: packed for m, packed in self._new_samples.items() if 60 * (m + 1) >= oldest_s}
        self._hours = {hour: kept for hour, kept in self._hours.items() if 3600 * (hour + 1) >= oldest_s}
        self._new_hours &= self._hours.keys()


def _quantile(values: list[float], share: float) -> float:
    """Return the value below which this share lies, as NumPy does, which takes far longer for so few."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])
