"""Made-up recordings for the tests of the history and the reports."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from posture_monitor.history.store import Store
from posture_monitor.history.timeline import utc_offset_s

#: A moment (POSIX seconds) at which every day of these tests is over.
LATER = 4e9


def wall(text: str) -> float:
    """Return POSIX seconds of a local time of this machine, ``2025-05-14 09:00``."""
    return dt.datetime.fromisoformat(text).astimezone().timestamp()


def record(store: Store, start_s: float, parts: Iterable[tuple[str, float]], step_s: float = 2.0) -> float:
    """Beat through ``(state, seconds)`` parts from a moment on; return the moment of the end."""
    at_s = start_s
    for state, length_s in parts:
        beats = max(1, round(length_s / step_s))
        for beat in range(beats):
            now_s = at_s + beat * length_s / beats
            store.heartbeat(now_s, utc_offset_s(now_s), state)
        at_s += length_s
        store.heartbeat(at_s, utc_offset_s(at_s), state)
    return at_s


def working_day(store: Store, date: str, seed: int = 1, *, side: bool = True, from_hour: int = 9) -> None:
    """Record a full day: work, coffee, a call, lunch, with alerts, angles and unknown stretches."""
    rng = random.Random(seed)
    at_s = wall(f"{date} {from_hour:02d}:00")
    offset = utc_offset_s(at_s)
    ends_s = at_s + 8.2 * 3600
    while at_s < ends_s:
        for state, length_s in (
            ("good", rng.uniform(300, 1800)), ("mild", rng.uniform(60, 500)), ("poor", rng.uniform(0, 700)),
            ("unknown", rng.uniform(0, 120)), ("good", rng.uniform(300, 900)),
            (rng.choice(["away", "away", "paused", "busy"]), rng.uniform(90, 900)),
        ):  # fmt: skip
            begin_s = at_s
            at_s = record(store, at_s, [(state, length_s)], step_s=10.0)
            if state in ("good", "mild", "poor"):
                lean = {"good": 2.0, "mild": 12.0, "poor": 23.0}[state]
                for step in range(int(length_s // 15)):
                    value = rng.gauss(lean, 2.0)
                    front = {"fsr": value * 0.4, "head_height": -value * 0.5, "distance": -value}
                    sideways = {"trunk_incl": value * 0.6, "neck_incl": value, "neck_flex": value * 0.4}
                    store.sample(begin_s + 15 * step, sideways if side else front, value / 20, verdict=state)
            if state == "poor" and length_s > 240:
                number = store.alert(
                    begin_s + 240, offset, "posture", driver="neck_incl" if side else "fsr",
                    deviation=rng.uniform(18, 28) if side else rng.uniform(8, 12), held_s=240,
                    channel="test", title="Head forward", body="Bring your ears back over your shoulders.",
                )  # fmt: skip
                if rng.random() < 0.6:
                    store.outcome(number, "corrected", begin_s + 240 + rng.uniform(5, 55))
    store.flush()


def three_days(store: Store) -> None:
    """Record working days in a row, 13 to 15 May 2025, of a camera each."""
    for number in (13, 14, 15):
        store.begin(f"camera of the {number}th", profile="desk", neutral={"neck_incl": 31.5})
        working_day(store, f"2025-05-{number}", seed=number)


@contextlib.contextmanager
def locked(history: Path, how: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """Hold a history as another program does that writes, or that wants it for itself (EXCLUSIVE)."""
    with contextlib.closing(sqlite3.connect(history, isolation_level=None)) as other:
        if "EXCLUSIVE" in how:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute(how)
        yield
        other.execute("ROLLBACK")


def copied(recorded: Path, to: Path) -> Path:
    """Copy a history that was closed, so that each test may do with it as it likes."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Path(shutil.copy(recorded, to))
