"""Wipe the history, or what is older than a day: it belongs to the user."""

from __future__ import annotations

import datetime as dt
import math
import sqlite3
import zlib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posture_monitor.errors import UserError
from posture_monitor.history import database
from posture_monitor.history.packing import Minutes
from posture_monitor.history.timeline import midnight_s


@dataclass(frozen=True)
class Erased:
    """What an erasure took away.

    Attributes
    ----------
    spans, alerts, episodes
        How many stretches of time, notifications and diary entries.
    freed
        Bytes given back to the disk.
    """

    spans: int
    alerts: int
    episodes: int
    freed: int


def erase(path: Path, before: dt.date | None = None) -> Erased:
    """Wipe the history before a local day, or all of it; what was wiped cannot be had back from the file.

    Deleted rows are overwritten (``secure_delete``), the file is rebuilt without
    them (``VACUUM``) and the write-ahead log emptied. Damaged files that were
    moved aside are removed with what they hold. A monitor may go on meanwhile.

    Parameters
    ----------
    path
        The history.
    before
        First local day that stays; None wipes all.

    Raises
    ------
    UserError
        The file cannot be written or is locked, or somebody who reads it keeps what was wiped on the disk.
    """
    size_before = size(path)
    spans = alerts = episodes = 0
    if path.is_file():
        with closing(database.open_writer(path)) as db:
            try:
                # To rebuild the file SQLite would put what stays into one that may lie on any disk.
                db.execute("PRAGMA temp_store = MEMORY")
                spans, alerts, episodes = _wipe(db, math.inf if before is None else midnight_s(before))
                db.execute("VACUUM")
                gone = database.empty_log(db)
            except sqlite3.Error as error:
                raise UserError(database.explain(error, path)) from error
        if not gone:
            raise UserError(
                f"another program reads the history {path}, and what was wiped is still in the file; "
                "close that program and wipe once more"
            )
    # Only now: the history itself may have turned out to be damaged.
    for aside in database.damaged(path):
        moved = aside.name.removeprefix(f"{path.name}.damaged-")[:10]
        if before is None or moved < before.isoformat():
            aside.unlink()
    return Erased(spans, alerts, episodes, max(0, size_before - size(path)))


def _wipe(db: sqlite3.Connection, until_s: float) -> tuple[int, int, int]:
    with database.transaction(db):
        spans = db.execute("DELETE FROM spans WHERE end_s <= ?", (until_s,)).rowcount
        db.execute("UPDATE spans SET start_s = ? WHERE start_s < ?", (until_s, until_s))
        alerts = db.execute("DELETE FROM alerts WHERE wall_s < ?", (until_s,)).rowcount
        episodes = db.execute("DELETE FROM diary WHERE wall_s < ?", (until_s,)).rowcount
        db.execute("DELETE FROM samples WHERE 60 * (minute + 1) <= ?", (until_s,))
        db.execute("DELETE FROM minutes WHERE 3600 * (hour + 1) <= ?", (until_s,))
        # Where midnight does not fall on a whole hour of UTC, an hour holds minutes of both days.
        hours = db.execute("SELECT hour, run, names, data FROM minutes WHERE 3600 * hour < ?", (until_s,))
        for hour, run, names, data in hours.fetchall():
            try:
                summary = Minutes.unpack(names, data)
            except (zlib.error, ValueError):  # damaged: nobody can read it, of either day
                db.execute("DELETE FROM minutes WHERE hour = ? AND run = ?", (hour, run))
                continue
            summary.values[: math.ceil((until_s - 3600 * hour) / 60)] = np.nan
            db.execute(
                "UPDATE minutes SET data = ? WHERE hour = ? AND run = ?", (summary.pack()[1], hour, run)
            )
        db.execute(
            "DELETE FROM runs WHERE NOT EXISTS (SELECT 1 FROM spans WHERE run = runs.id) "
            "AND NOT EXISTS (SELECT 1 FROM alerts WHERE run = runs.id) "
            "AND NOT EXISTS (SELECT 1 FROM minutes WHERE run = runs.id) "
            "AND NOT EXISTS (SELECT 1 FROM samples WHERE run = runs.id)"
        )
    return spans, alerts, episodes


def size(path: Path) -> int:
    """Return how many bytes the history takes on the disk, with its log and what was moved aside."""
    files = (path, *database.logs(path), *database.damaged(path))
    return sum(file.stat().st_size for file in files if file.is_file())
