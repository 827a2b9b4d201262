"""The history's SQLite file: opened privately, migrated, and moved aside when it is broken.

Nothing here knows what posture is; it knows how a file is opened so that
nothing is lost and nothing is lied about.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from posture_monitor import paths
from posture_monitor.errors import UserError

log = logging.getLogger(__name__)

#: Marks the file as ours ("PosM"), so that another program's database is never touched.
APPLICATION_ID = 0x506F734D

#: One tuple of statements per schema version; the index is the version it migrates *from*.
#: A version that was ever released is never edited, only followed by another.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # One recording: a live camera, or a file replayed into the past.
        """
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            written_s REAL NOT NULL,      -- POSIX seconds at which the recording was made
            source TEXT NOT NULL,
            live INTEGER NOT NULL,        -- 1: a camera saw it happen; 0: replayed
            profile TEXT NOT NULL,
            neutral TEXT NOT NULL         -- JSON, metric name to neutral value
        )
        """,
        # What the state was, from when to when. UTC, with the local offset of that time.
        """
        CREATE TABLE spans (
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            start_s REAL NOT NULL,
            end_s REAL NOT NULL CHECK (end_s >= start_s),
            utc_offset_s INTEGER NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY (run, seq)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX spans_by_end ON spans (end_s)",
        # Per-minute medians and 90th percentiles, an hour to a row: see packing.Minutes.
        """
        CREATE TABLE minutes (
            hour INTEGER NOT NULL,        -- POSIX seconds // 3600
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            names TEXT NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (hour, run)
        )
        """,
        # Every reading, a minute to a row, for a few weeks: see packing.Samples.
        """
        CREATE TABLE samples (
            minute INTEGER NOT NULL,      -- POSIX seconds // 60
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            names TEXT NOT NULL,
            data BLOB NOT NULL,
            landmarks BLOB,               -- only where the user asked for it
            PRIMARY KEY (minute, run)
        )
        """,
        """
        CREATE TABLE alerts (
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            wall_s REAL NOT NULL,
            utc_offset_s INTEGER NOT NULL,
            kind TEXT NOT NULL,
            driver TEXT NOT NULL,
            deviation REAL,               -- in the driver's own unit
            held_s REAL,
            channel TEXT NOT NULL,
            title TEXT NOT NULL,
            body TEXT NOT NULL,
            outcome TEXT NOT NULL,        -- corrected, dismissed, snoozed, wrong, ... or ''
            outcome_s REAL,               -- POSIX seconds of the outcome
            PRIMARY KEY (run, seq)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX alerts_by_time ON alerts (wall_s)",
    ),
    (
        """
        CREATE TABLE diary (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            wall_s REAL NOT NULL,
            utc_offset_s INTEGER NOT NULL,
            pain INTEGER NOT NULL CHECK (pain BETWEEN 0 AND 10),
            trigger TEXT NOT NULL,        -- '' where none was named
            symptoms TEXT NOT NULL,       -- joined by commas
            note TEXT NOT NULL
        )
        """,
    ),
)

VERSION = len(MIGRATIONS)

#: So many seconds a file that another program holds is waited for.
BUSY_S = 5.0

#: SQLite's words for a file that is no longer a database.
_BROKEN = ("malformed", "not a database", "file is encrypted")
#: SQLite's and the system's words for what ends by itself: another program's lock, a full or failing disk.
_LOCKED, _FULL, _FAILING = ("locked", "busy"), ("full", "No space"), ("disk I/O error",)


class Passing(UserError):  # noqa: N818 - a state of things, told to the user
    """The history cannot be used at the moment; later it may be, without anybody doing anything to it."""


def is_broken(error: sqlite3.Error) -> bool:
    """Tell whether an error says that the file itself is damaged (not merely locked or full)."""
    return _says(str(error), _BROKEN)


def _says(told: str, words: tuple[str, ...]) -> bool:
    return any(word in told for word in words)


def explain(error: Exception, path: Path, do: str = "write") -> str:
    """Return one line for the user: what is wrong with the history file and what to do.

    `do` is what was asked of the file, ``write`` or ``read``.
    """
    words = str(error)
    if _says(words, _LOCKED):
        return f"the history {path} is locked by another program; close that program and try again"
    if _says(words, _FULL):
        return f"no room left on the disk for the history {path}; free some space or set POSTURE_MONITOR_HOME"
    if _says(words, _FAILING):
        return (
            f"cannot {do} the history {path} ({words}): its disk is full or fails; "
            "free some space or set POSTURE_MONITOR_HOME"
        )
    if _says(words, _BROKEN):
        return f"the history {path} is damaged; the next `posture-monitor run` moves it aside and begins anew"
    if isinstance(error, OSError):
        words = error.strerror or words
    return (
        f"cannot {do} the history {path} ({words}); "
        "make it writable for you or set POSTURE_MONITOR_HOME to another folder"
    )


def logs(path: Path) -> tuple[Path, Path]:
    """Return the write-ahead log of a history file, and the log's index."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Run the block as one transaction that holds the write lock from its beginning."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def empty_log(db: sqlite3.Connection) -> bool:
    """Put what the log holds into the file, and empty it; return whether no reader kept it from that.

    Until then what was deleted may lie in both of them.
    """
    (held, *_) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not held


def open_writer(path: Path, busy_s: float = BUSY_S) -> sqlite3.Connection:
    """Open the history for writing; make it, migrate it or move a broken one aside as need be.

    Raises
    ------
    Passing
        Another program holds the file, or the disk is full or fails.
    UserError
        The folder or file cannot be written, or the file is not a history of this
        or an older version.
    """
    paths.make_private(path.parent)
    try:
        try:
            return _open(path, busy_s)
        except sqlite3.DatabaseError as error:
            if not is_broken(error):
                raise
            move_aside(path, str(error))
            return _open(path, busy_s)
    except (sqlite3.Error, OSError) as error:
        passes = _says(str(error), (*_LOCKED, *_FULL, *_FAILING))
        raise (Passing if passes else UserError)(explain(error, path)) from error


def _open(path: Path, busy_s: float) -> sqlite3.Connection:
    # SQLite gives the -wal and -shm files the rights of the main one.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
    db = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        _check(db)
        _refuse_foreign(db, path)
        db.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing that was committed; a power cut loses the last seconds.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA secure_delete = ON")
        db.execute(f"PRAGMA journal_size_limit = {4 << 20}")
        migrate(db)
        # One page written for nothing: a full disk is told now, before anything is watched in vain.
        db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"database disk image is malformed: {verdict}")


def _refuse_foreign(db: sqlite3.Connection, path: Path) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (owner,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and owner != APPLICATION_ID:
        raise UserError(f"{path} is a database of another program; move it or set POSTURE_MONITOR_HOME")
    if version > VERSION:
        raise UserError(
            f"the history {path} was written by a newer posture-monitor (schema {version}, "
            f"this one knows {VERSION}); update posture-monitor"
        )


def migrate(db: sqlite3.Connection, to: int = VERSION) -> None:
    """Bring the schema to a version, each step in a transaction of its own."""
    while True:
        with transaction(db):
            # Read inside the transaction: another process may be migrating at the same moment.
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version >= to:
                return
            for statement in MIGRATIONS[version]:
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {version + 1}")


def open_reader(path: Path) -> sqlite3.Connection:
    """Open the history for reading only; a file that is not there reads as an empty history.

    Raises
    ------
    UserError
        The file cannot be read, is damaged, or is not a history.
    """
    if path.is_dir():  # of which SQLite says that the disk fails
        raise UserError(
            f"the history {path} is a folder; move it away, or set POSTURE_MONITOR_HOME to another folder"
        )
    paths.refuse_special(path)
    if not path.is_file():
        return _empty()
    address = path.absolute().as_uri() + "?mode=ro"
    try:
        try:
            db = _open_for_reading(address)
        except sqlite3.OperationalError as error:
            if not _may_be_read_as_it_stands(path, str(error)):
                raise
            db = _open_for_reading(address + "&immutable=1")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if 0 < version < VERSION:
            db.close()
            open_writer(path).close()
            db = _open_for_reading(address)
        _refuse_foreign(db, path)
        if version == 0:  # a writer has made the file this moment and nothing in it yet
            db.close()
            return _empty()
        return db
    except (sqlite3.Error, OSError) as error:
        raise UserError(explain(error, path, "read")) from error


def _empty() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrate(db)
    return db


def _may_be_read_as_it_stands(path: Path, words: str) -> bool:
    """Tell whether nobody writes where a file could not be opened: there is no room for WAL's index."""
    if "readonly" in words or not os.access(path.parent, os.W_OK):
        return True
    # So SQLite says it of a full disk. What a log holds is no part of the file yet.
    log_file, _ = logs(path)
    return _says(words, _FAILING) and not (log_file.exists() and log_file.stat().st_size)


def _open_for_reading(address: str) -> sqlite3.Connection:
    db = sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def move_aside(path: Path, why: str) -> Path:
    """Rename a damaged history, with its date, never over another file; return its new place."""
    stem = f"{path.name}.damaged-{time.strftime('%Y-%m-%d')}"
    aside = path.with_name(stem)
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{stem}.{number}")
    path.rename(aside)
    for beside, beside_aside in zip(logs(path), logs(aside), strict=True):
        if beside.exists():
            beside.rename(beside_aside)
    log.warning("the history %s is damaged (%s); it is kept as %s and a new one begins", path, why, aside)
    return aside


def damaged(path: Path) -> list[Path]:
    """Return the damaged files that were moved aside."""
    return sorted(path.parent.glob(f"{path.name}.damaged-*"))
