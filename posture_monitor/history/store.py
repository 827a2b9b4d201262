"""The history of one user: written every few seconds, read at any time.

What changed is kept in memory and committed every few seconds in one
transaction. A killed process therefore loses at most the last `COMMIT_S`
seconds or one sampling interval, and leaves a gap, never a lie.

A *run* is one recording: the live camera, or a file replayed into the past.
Runs may overlap (the same file replayed twice, a clock set back). Nothing is
overwritten; whoever reads a day takes each moment once, from the live run
before a replayed one and from the newest before an older one (`timeline.merge`).
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import math
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.history import database, packing
from posture_monitor.history.packing import Minutes, Sample, Samples
from posture_monitor.history.recording import LONGEST_SPAN_S, Recording
from posture_monitor.history.records import STATES, Alert, Span
from posture_monitor.posture.reading import LONGEST_SPOKEN_S, Verdict, View

log = logging.getLogger(__name__)

#: Real seconds between commits. With the sampling interval on top this stays within 5 s.
COMMIT_S = 2.5

#: While the file cannot be written, this much is kept in memory.
KEPT_S = 3600.0

#: Who watches live never waits for the file: a short look whether it is free, then later again.
#: A note written by another command takes less than that.
LIVE_WAIT_S = 0.02

#: What is not live loses nothing by waiting; nor does anybody at the end.
WAIT_S = 5.0

#: So many alerts are remembered, for what may still follow them.
REMEMBERED = 50

#: Real seconds between looking for readings that are old enough to be dropped.
_TIDY_S = 3600.0

#: The clock is believed where the history knows of another day within this time before now (our own choice):
#: one that was set a year ahead for a while would have all readings dropped.
_BELIEVED_S = 30 * 86400.0


class Store:
    """The history of one user.

    Attributes
    ----------
    path
        The database file.
    trouble
        Why the history cannot be written at the moment, ``""`` while all is well.
    """

    def __init__(self, path: Path, *, writable: bool) -> None:
        self.path = path
        self.trouble = ""
        self._writable = writable
        # Buttons of notifications answer from threads of their own.
        self._lock = threading.RLock()
        self._saved_at_s = time.monotonic()
        self._tidied_at_s = -math.inf
        self._wait_s = LIVE_WAIT_S
        #: None while the file could not be opened yet.
        self._db: sqlite3.Connection | None = None
        self._files: tuple[tuple[int, int] | None, ...] = ()
        self._run = Recording("", True, "", {})
        #: The recording before this one, until this one's first heartbeat.
        self._before: Recording | None = None
        #: Recordings that ended while the file could not be written.
        self._waiting: list[Recording] = []
        #: The latest alerts, by the numbers they are known by outside, and their recordings.
        self._told: dict[int, tuple[Recording, Alert]] = {}
        self._numbers = itertools.count()

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        readonly: bool = False,
        patient: bool = False,
        keep_samples_days: float = 30,
        keep_landmarks: bool = False,
    ) -> Store:
        """Open the history, for writing unless `readonly`.

        Parameters
        ----------
        path
            The database file. A writer makes it (0600) and its folder (0700); a
            reader takes a missing file for an empty history and makes nothing.
        patient
            A file that is locked, or a disk that is full, is no error: what is
            written stays in memory until it passes, and `trouble` says so.
        keep_samples_days
            Single readings older than this are dropped; 0 keeps none at all.
        keep_landmarks
            Keep body landmarks beside the readings. Off unless the user asked for it.

        Raises
        ------
        UserError
            The file cannot be used, with the reason and what to do. A damaged
            file is no error to a writer: it is moved aside and a new one begun.
        """
        store = cls(path, writable=not readonly)
        store.configure(keep_samples_days, keep_landmarks)
        wait_s = LIVE_WAIT_S if patient else WAIT_S
        try:
            store._attach(database.open_reader(path) if readonly else database.open_writer(path, wait_s))
        except database.Passing as error:
            if not patient:
                raise
            store._in_trouble(error)
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # ---------------------------------------------------------------- writing

    def begin(
        self,
        source: str = "",
        *,
        live: bool = True,
        profile: str = "",
        neutral: Mapping[str, float] | None = None,
    ) -> None:
        """Begin a recording; what is written from now on belongs to it.

        Parameters
        ----------
        source
            What the user called the camera or file.
        live
            False for a replay. Where both speak of the same moment, the live one counts.
        profile, neutral
            Name of the neutral posture, and its metrics' values, so that
            absolute angles can be had back from the deviations.
        """
        with self._lock:
            self._begin(Recording(source, live, profile, neutral or {}))
            self._wait(LIVE_WAIT_S if live else WAIT_S)

    def configure(self, keep_samples_days: float, keep_landmarks: bool) -> None:
        """Keep readings, and landmarks, from the next one on as these settings say (see `open`)."""
        self._keep_samples_days, self._keep_landmarks = keep_samples_days, keep_landmarks

    def _begin(self, run: Recording) -> None:
        if not self.flush():
            self._waiting.append(self._run)
        self._before, self._run = self._run, run

    def heartbeat(
        self,
        wall_s: float,
        utc_offset_s: int,
        state: str,
        reason: str = "",
        *,
        gap_s: float = LONGEST_SPOKEN_S,
    ) -> None:
        """Say that the state is such and such now.

        A state lasts until the next heartbeat if that comes within `gap_s`; if it
        comes later, the state ended with its own last heartbeat and what lies
        between is a gap.

        Parameters
        ----------
        wall_s
            POSIX seconds (UTC); may lie in the past, and may step back.
        utc_offset_s
            Local time minus UTC, in seconds, at that time.
        state, reason
            One of `records.STATES`, and why it is *unknown*, *paused* or *busy*.
        gap_s
            Twice the sampling interval is a good value.
        """
        with self._lock:
            before, self._before = self._before, None
            if before is not None and before.last_until(wall_s, gap_s) and before not in self._waiting:
                self._waiting.append(before)
            self._run.heartbeat(wall_s, utc_offset_s, state, reason, gap_s)
            self._save_now_and_then()

    def sample(
        self,
        wall_s: float,
        deviations: Mapping[str, float],
        slouch_index: float = math.nan,
        *,
        verdict: str = Verdict.UNKNOWN.value,
        view: str = View.UNKNOWN.value,
        confidence: float = math.nan,
        landmarks: npt.NDArray[Any] | None = None,
    ) -> None:
        """Take in one reading, for the per-minute summary and (for some days) on its own.

        Parameters
        ----------
        wall_s
            POSIX seconds (UTC).
        deviations
            Metric name to deviation from neutral; NaN or absent where not measured.
        slouch_index, verdict, view, confidence
            As in `Reading`.
        landmarks
            ``(33, 4)``; ignored unless the store was opened with `keep_landmarks`.
        """
        measured = {name: value for name, value in deviations.items() if math.isfinite(value)}
        reading = Sample(wall_s, Verdict(verdict), View(view), slouch_index, confidence, measured)
        with self._lock:
            if self._run.is_over(wall_s):
                self._begin(self._run.again())
            self._run.sample(
                reading, self._keep_samples_days > 0, landmarks if self._keep_landmarks else None
            )
            self._save_now_and_then()

    def alert(
        self,
        wall_s: float,
        utc_offset_s: int,
        kind: str,
        *,
        driver: str = "",
        deviation: float = math.nan,
        held_s: float = math.nan,
        channel: str = "",
        title: str = "",
        body: str = "",
    ) -> int:
        """Keep a notification, at once; return the number to give to `outcome`."""
        alert = Alert(wall_s, utc_offset_s, kind, driver, deviation, held_s, channel, title, body)
        with self._lock:
            number = next(self._numbers)
            self._told[number] = (self._run, self._run.alert(alert))
            self._told.pop(number - REMEMBERED, None)
            self.flush()
            return number

    def outcome(self, number: int, outcome: str, wall_s: float = math.nan) -> None:
        """Keep what followed an alert: corrected, dismissed, snoozed, wrong, ignored; and when.

        Another recording may have begun since. An alert that is long forgotten stays as it was.
        """
        with self._lock:
            if number not in self._told:
                return
            run, alert = self._told[number]
            run.outcome(alert, outcome, wall_s)
            if run not in (self._run, *self._waiting):
                self._waiting.append(run)
            self.flush()

    # ----------------------------------------------------------------- saving

    def _save_now_and_then(self) -> None:
        if time.monotonic() - self._saved_at_s >= COMMIT_S:
            self.flush()

    def flush(self) -> bool:
        """Write what memory holds; return whether the file now holds everything.

        A file that is locked, full or damaged at the moment is no error here: the
        last hour stays in memory, `trouble` says why, and the next flush tries again.
        """
        with self._lock:
            if not self._writable:
                return True
            self._saved_at_s = time.monotonic()
            self._run.summarise()
            recordings = [run for run in (*self._waiting, self._run) if run.pending]
            if not recordings:
                return True
            try:
                self._write(recordings)
            except (sqlite3.Error, OSError, UserError) as error:
                self._in_trouble(error)
                return False
            self._waiting = []
            if self.trouble:
                log.warning("the history %s can be written again", self.path)
                self.trouble = ""
            return True

    def _write(self, recordings: list[Recording]) -> None:
        if self._db is None:
            self._reopen()
        elif _files(self.path) != self._files:
            # What is written there is out of sight. What a deleted log holds goes into the file itself,
            # which may still be there, and its index no longer asks for it.
            log.warning("the history %s was moved, deleted or replaced; it is opened anew", self.path)
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("PRAGMA wal_checkpoint")
            self._reopen()
        try:
            self._commit(recordings)
        except sqlite3.IntegrityError:
            # The user erased this recording meanwhile: what memory holds of it is erased as well.
            self._told = {}
            for run in (*self._waiting, self._run):
                run.forget()
        except sqlite3.DatabaseError as error:
            if not database.is_broken(error):
                raise
            self._reopen()  # moves the damaged file aside
            self._commit(recordings)

    def _commit(self, recordings: list[Recording]) -> None:
        db = self._opened
        with database.transaction(db):
            numbers = [run.write(db) for run in recordings]
            if time.monotonic() - self._tidied_at_s >= _TIDY_S:
                self._tidied_at_s = time.monotonic()
                self._drop_old_samples(db, time.time())
        for run, number in zip(recordings, numbers, strict=True):
            run.written(number)

    def _drop_old_samples(self, db: sqlite3.Connection, now_s: float) -> None:
        days_before = "SELECT 1 FROM minutes WHERE hour BETWEEN ? AND ? LIMIT 1"
        between = (now_s - _BELIEVED_S) // 3600, (now_s - 86400) // 3600
        if self._keep_samples_days == 0 or db.execute(days_before, between).fetchone():
            oldest = (now_s - self._keep_samples_days * 86400) // 60
            db.execute("DELETE FROM samples WHERE minute < ?", (oldest,))

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._db is None:
            raise UserError(self.trouble)
        return self._db

    def _attach(self, db: sqlite3.Connection) -> None:
        self._db = db
        if self._writable:
            self._wait(self._wait_s)
            # Pages of the file in memory, which SQLite lays out at once. By itself it keeps 2 MB, and days
            # of writing would fill them with pages that nobody asks for again.
            db.execute("PRAGMA cache_size = 20")
            self._files = _files(self.path)

    def _wait(self, wait_s: float) -> None:
        """Wait so long from now on where another program holds the file."""
        self._wait_s = wait_s
        if self._db is not None:
            self._db.execute(f"PRAGMA busy_timeout = {1000 * wait_s:.0f}")

    def _reopen(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None
            now = _files(self.path)
            if now[0] not in (None, self._files[0]):
                # A backup was put there: the log of the file before it would be played over it.
                for log_file, found in zip(database.logs(self.path), now[1:], strict=True):
                    if found in self._files:
                        log_file.unlink(missing_ok=True)
        db = database.open_writer(self.path, self._wait_s)
        for run in {self._run, self._before, *self._waiting, *(run for run, _ in self._told.values())}:
            if run is not None:
                run.look_up(db)
        self._attach(db)

    def _in_trouble(self, error: Exception) -> None:
        trouble = str(error) if isinstance(error, UserError) else database.explain(error, self.path)
        if trouble != self.trouble:
            log.warning("%s; until then up to an hour is kept in memory", trouble)
            self.trouble = trouble
        for run in (*self._waiting, self._run):
            run.trim(KEPT_S)

    def close(self) -> None:
        """Write what is left and close the file. Safe to call twice."""
        with self._lock:
            if self._writable:
                self._wait(WAIT_S)
                if not self.flush():
                    log.error("%s; what was kept in memory is lost", self.trouble)
                self._writable = False
            if self._db is not None:
                self._db.close()

    # ---------------------------------------------------------------- reading

    def spans(self, from_s: float, to_s: float) -> list[Span]:
        """Return the spans that touch a stretch of time (POSIX seconds), the one that counts last."""
        return [
            Span(**row)
            for row in self._told_well(
                "SELECT live, start_s, end_s, utc_offset_s, state, reason, run, seq FROM spans "
                "JOIN runs ON runs.id = spans.run WHERE end_s >= ? AND end_s <= ? AND start_s <= ? "
                "ORDER BY live, run, seq",
                # A span reaches one gap past its longest.
                (from_s, to_s + 2 * LONGEST_SPAN_S, to_s),
            )
        ]

    def alerts(self, from_s: float, to_s: float) -> list[Alert]:
        """Return the alerts of a stretch of time (POSIX seconds), in order of time."""
        return [
            Alert(**row)
            for row in self._told_well(
                "SELECT live, run, seq, wall_s, utc_offset_s, kind, driver, deviation, held_s, channel, "
                "title, body, outcome, outcome_s FROM alerts JOIN runs ON runs.id = alerts.run "
                "WHERE wall_s >= ? AND wall_s < ? ORDER BY wall_s, run, seq",
                (from_s, to_s),
            )
        ]

    def minutes(self, from_s: float, to_s: float) -> Iterator[tuple[int, Minutes]]:
        """Yield ``(hour, summaries)`` of the hours that touch a stretch of time, the one that counts last.

        The hour is POSIX seconds // 3600.
        """
        for hour, names, data in self._rows(
            "SELECT hour, names, data FROM minutes JOIN runs ON runs.id = minutes.run "
            "WHERE hour >= ? AND hour < ? ORDER BY hour, live, run",
            (from_s // 3600, -(-to_s // 3600)),
        ):
            with self._passing_over_damage():
                yield hour, Minutes.unpack(names, data)

    def samples(self, from_s: float, to_s: float) -> Iterator[Samples]:
        """Yield the kept readings of the minutes that touch a stretch of time, the one that counts last."""
        for minute, run, names, data in self._rows(
            "SELECT minute, run, names, data FROM samples JOIN runs ON runs.id = samples.run "
            "WHERE minute >= ? AND minute < ? ORDER BY minute, live, run",
            (from_s // 60, -(-to_s // 60)),
        ):
            with self._passing_over_damage():
                yield packing.unpack_samples(names, data, minute, run)

    def recordings(self) -> list[tuple[int, str, int, str, str]]:
        """Return number, source, live (0 or 1), profile and neutral (JSON) of each recording."""
        rows = self._rows("SELECT id, source, live, profile, neutral FROM runs ORDER BY id")
        return [tuple(row) for row in rows]

    def extent(self) -> tuple[float, float] | None:
        """Return the first and last moment of which anything is known (POSIX seconds), or None."""
        ((first_s, last_s),) = self._rows("SELECT min(start_s), max(end_s) FROM spans")
        return None if first_s is None else (first_s, last_s)

    def _told_well(self, query: str, values: tuple[float, ...]) -> Iterator[dict[str, Any]]:
        """Yield each row by its names, NULL as NaN; pass over what this program cannot have written."""
        for row in list(self._rows(query, values)):
            told = {name: math.nan if value is None else value for name, value in dict(row).items()}
            with self._passing_over_damage("moments"):
                state, offset_s = told.get("state", STATES[0]), told["utc_offset_s"]
                if state not in STATES:
                    raise ValueError(f"state = {state!r}")
                if not (isinstance(offset_s, int) and abs(offset_s) < 86400):
                    raise ValueError(f"utc_offset_s = {offset_s!r}")
                yield {**told, "live": bool(told["live"])}

    def _rows(self, query: str, values: tuple[float, ...] = ()) -> Iterator[Any]:
        """Yield the rows; a damaged page shows only when it is their turn."""
        try:
            with self._lock:
                self.flush()
                cursor = self._opened.cursor()
                cursor.row_factory = sqlite3.Row
                cursor.execute(query, values)
            yield from cursor
        except sqlite3.Error as error:
            raise UserError(database.explain(error, self.path, "read")) from error

    @contextlib.contextmanager
    def _passing_over_damage(self, what: str = "measures") -> Iterator[None]:
        """Pass over numbers damaged within a page, which SQLite does not notice: the rest can be read."""
        try:
            yield
        except (zlib.error, ValueError) as error:
            log.warning("the history %s is damaged; some %s are passed over (%s)", self.path, what, error)


def _files(path: Path) -> tuple[tuple[int, int] | None, ...]:
    """Return which files are there now: that of the history, its log and the log's index.

    While somebody has the history open, no SQLite removes or replaces one of them.
    """
    return tuple(_inode(each) for each in (path, *database.logs(path)))


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
