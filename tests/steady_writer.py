"""Writes a history as the service does, in a hundredfold hurry, and is killed in the midst of it; often.

    python steady_writer.py FOLDER KILLS SEED

prints, for each kill, how many seconds the writer had lived and how many of them the
history does not hold, as JSON. It fails if the history does not open, or is not whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import struct
import sys
import time
from pathlib import Path

from posture_monitor.history import store
from posture_monitor.history.store import Store

#: The service's pace and that of its commits, a hundredfold.
BEAT_S, COMMIT_S = 0.01, 0.025
STATES = ("good", "mild", "poor", "unknown")


def write(path: Path, told: int) -> None:
    """Write for ever; tell before each reading of when it was."""
    store.COMMIT_S = COMMIT_S  # type: ignore[misc]
    with Store.open(path) as history:
        history.begin("a camera")
        number = 0
        while True:
            now_s = time.time()
            os.write(told, struct.pack("d", now_s))
            state = STATES[number // 5 % len(STATES)]
            history.heartbeat(now_s, 3600, state, gap_s=20.0)
            history.sample(now_s, {"neck": 1.0 + number % 7}, 0.1, verdict=state)
            if number % 40 == 39:
                history.outcome(history.alert(now_s, 3600, "posture"), "corrected", now_s)
            number += 1
            time.sleep(BEAT_S)


def killed(path: Path, after_s: float) -> tuple[float, float]:
    """Let a writer write for so long and kill it; return for how long it wrote, and how much is lost."""
    heard, told = os.pipe()
    writer = os.fork()
    if writer == 0:
        os.close(heard)
        write(path, told)
    os.close(told)
    (first_s,) = struct.unpack("d", os.read(heard, 8))
    time.sleep(after_s)
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    last_s = first_s
    while data := os.read(heard, 8):
        (last_s,) = struct.unpack("d", data)
    os.close(heard)
    with contextlib.closing(sqlite3.connect(path)) as db:
        if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise SystemExit(f"{path} is not whole")
        (kept_s,) = db.execute("SELECT max(end_s) FROM spans").fetchone()
    return last_s - first_s, last_s - max(kept_s or 0.0, first_s)


if __name__ == "__main__":
    folder, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    print(json.dumps([killed(folder / "history.sqlite3", rng.uniform(0.0, 0.12)) for _ in range(kills)]))
