"""Whether the service stays as it is: real minutes before a camera, and what it gathers meanwhile.

The real service, in its own processes, watches a camera on loopback whose person
sits, types, deviates and leaves, a minute each. Every few seconds its memory, open
files, threads, log and history are measured. What it gathers while it warms up (the
libraries' pools, the first hour's tables) is left out of the slope.

With ``--looks`` it is the camera's process alone, which looks as fast as it can: what
it gathers with each look shows in minutes, and that it is warm after so many.

    python benchmarks/soak.py [--minutes 20 | --looks 1800] [--json]

Needs the labelled clips in ``$POSTURE_MONITOR_DATA`` or ``../shared/data``.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import queue
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np
from footprint import MIX, SIZE, Camera, Service
from labelled_sets import data_folder
from program import environment, fresh_home

from posture_monitor.sensing.sight import Place, Sight, Want
from posture_monitor.service.eye import EyeKeeper, Looked

#: What the camera shows changes this often, and measured is this often.
TURN_S, MEASURE_S = 60.0, 5.0
#: Of the run, this share is warming up.
WARMING = 0.25


@dataclass(frozen=True)
class Slope:
    """How fast something grows, an hour, and between what and what that lies (95 %)."""

    per_hour: float
    low: float
    high: float

    @property
    def within_noise(self) -> bool:
        """Whether it may as well not grow at all."""
        return self.low <= 0.0 <= self.high

    def told(self, unit: str) -> str:
        """Return it in words."""
        if not math.isfinite(self.high - self.low):
            return f"{self.per_hour:+.2f} {unit} an hour; too short a time to tell from noise"
        noise = "within noise" if self.within_noise else "more than noise"
        return f"{self.per_hour:+.2f} ({self.low:+.2f} to {self.high:+.2f}) {unit} an hour: {noise}"


def slope(t_s: Sequence[float], values: Sequence[float], block_s: float = 60.0, cycle: int = 1) -> Slope:
    """Return the slope of values over time.

    Neighbours are alike, so medians of blocks are compared; and what happens meanwhile comes
    round, so that each is compared with those at the same place of the cycle alone. The slope is
    the median over all such pairs (Sen 1968; by season, Hirsch, Slack & Smith 1982), its interval
    that of Kendall's test (Gilbert 1987, 17.5): nothing is supposed of how the noise is spread,
    and a single leap does not make a slope.

    Parameters
    ----------
    block_s
        Seconds of a block.
    cycle
        So many blocks are one round.
    """
    times, found = np.asarray(t_s, dtype=float), np.asarray(values, dtype=float)
    blocks = (times // block_s).astype(int)
    numbers = np.unique(blocks)
    x = np.array([times[blocks == b].mean() for b in numbers]) / 3600.0
    y = np.array([np.median(found[blocks == b]) for b in numbers])
    alike = [np.flatnonzero(numbers % cycle == season) for season in range(cycle)]
    slopes = sorted((y[j] - y[i]) / (x[j] - x[i]) for part in alike for i, j in combinations(part, 2))
    if not slopes:
        return Slope(math.nan, math.nan, math.nan)
    spread = math.sqrt(sum(n * (n - 1) * (2 * n + 5) / 18 for n in map(len, alike)))
    below = math.floor((len(slopes) - 1.96 * spread) / 2)
    low, high = (slopes[below - 1], slopes[-below]) if below > 0 else (-math.inf, math.inf)
    return Slope(float(np.median(slopes)), float(low), float(high))


def measured(pid: int, home: Path) -> dict[str, float]:
    """Return what a process holds, and what lies in its home.

    Of its memory a part is its *own*: what it has written. The rest are pages of its libraries'
    files, which the system takes back and brings in again as it likes.
    """
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
    return {
        "memory_mb": int(status["VmRSS"].split()[0]) / 1024,
        "own_mb": int(status["RssAnon"].split()[0]) / 1024,
        "threads": int(status["Threads"]),
        "files": len(list((process / "fd").iterdir())),
        "log_bytes": sum(f.stat().st_size for f in (home / "logs").glob("*")),
        "history_bytes": sum(f.stat().st_size for f in home.glob("history.sqlite3")),
    }


def soak(camera: Camera, minutes: float) -> dict[str, Any]:
    """Let the service watch for so long, and return what was measured of the monitor and of its eye."""
    with tempfile.TemporaryDirectory() as folder:
        home = fresh_home(Path(folder) / "home")
        service = Service(home, camera.url, "")
        rows: list[dict[str, Any]] = []
        try:
            camera.show("still")
            service.until(lambda s: s["looks"] >= 3, 60)
            began_s = time.monotonic()
            while (t_s := time.monotonic() - began_s) < minutes * 60:
                camera.show(list(MIX)[int(t_s // TURN_S) % len(MIX)])
                monitor, *children = service.pids()
                # Before it is asked anything: an answer is a thread and a file of its own, for a moment.
                row: dict[str, Any] = {
                    "t_s": t_s,
                    "monitor": measured(monitor, home),
                    "eye": measured(children[0], home) if children else None,
                    "eye_pid": children[0] if children else None,
                }
                told = service.ask("status")
                rows.append({**row, "activity": told["activity"], "looks": told["looks"]})
                time.sleep(MEASURE_S)
            service.ask("stop")
            status = service.process.wait(20)
            log = (home / "logs" / "monitor.log").read_text().splitlines()
        finally:
            service.process.kill()
    return {"rows": rows, "status": status, "log": log}


def told(found: dict[str, Any]) -> list[str]:
    """Return the lines of the table."""
    rows = found["rows"]
    warm = [row for row in rows if row["t_s"] >= WARMING * rows[-1]["t_s"]]
    lines = [
        f"{rows[-1]['t_s'] / 60:.1f} minutes, {rows[-1]['looks']} looks, "
        f"{sum(row['activity'] != 'watching' for row in rows)} of {len(rows)} measurements not watching, "
        f"{len({row['eye_pid'] for row in rows})} camera process(es), ended with status {found['status']}"
    ]
    for who in ("monitor", "eye"):
        there = [row for row in warm if row[who] is not None]
        times = [row["t_s"] for row in there]
        files, threads = ({row[who][what] for row in there} for what in ("files", "threads"))
        lines.append(f"{who:8s} files {_range(files)}, threads {_range(threads)}")
        for what, name in (("memory_mb", "memory"), ("own_mb", "own")):
            held = [row[who][what] for row in there]
            lines.append(
                f"    {name:8s} {np.median(held):.1f} MB ({min(held):.1f} to {max(held):.1f}), "
                f"{slope(times, held, TURN_S, len(MIX)).told('MB')}"
            )
    hours = (warm[-1]["t_s"] - warm[0]["t_s"]) / 3600
    for what in ("history_bytes", "log_bytes"):
        first, last = warm[0]["monitor"][what], warm[-1]["monitor"][what]
        name, grown = what.removesuffix("_bytes"), (last - first) / 1024 / hours
        lines.append(f"{name:8s} {last / 1024:.0f} KiB, {grown:.0f} KiB an hour")
    lines.append(f"log      {len(found['log'])} lines:")
    return lines + [f"    {line}" for line in found["log"][-20:]]


def hurried(camera: Camera, looks: int) -> list[dict[str, float]]:
    """Let the camera's process look so many times, one look after the other, and return what it held."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        home = fresh_home(Path(folder) / "home")
        heard: queue.Queue[Looked] = queue.Queue()
        os.environ.update(environment(home))
        eye = EyeKeeper(heard.put)
        try:
            for number in range(1, looks + 1):
                if number % 20 == 1:
                    camera.show(list(MIX)[number // 20 % len(MIX)])
                eye.look(Place(camera.url, *SIZE), Want())
                sight = eye.believe(heard.get(timeout=60))
                assert isinstance(sight, Sight), sight
                assert sight.people is not None, "the model has looked each time"
                if eye.pid is not None and number % (looks // 12) == 0:
                    rows.append({"looks": number, **measured(eye.pid, home)})
        finally:
            eye.end()
    return rows


def _range(values: set[float]) -> str:
    low, high = int(min(values)), int(max(values))
    return f"{low}" if low == high else f"{low} to {high}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--looks", type=int, help="so many of the camera's process alone")
    parser.add_argument("--json", action="store_true", help="every measurement")
    asked = parser.parse_args()
    camera = Camera(data_folder())
    try:
        if asked.looks:
            for row in hurried(camera, asked.looks):
                print(
                    f"{row['looks']:6.0f} looks, memory {row['memory_mb']:.2f} MB, own {row['own_mb']:.2f} MB"
                )
            return
        found = soak(camera, asked.minutes)
    finally:
        camera.close()
    print(json.dumps(found, indent=1) if asked.json else "\n".join(told(found)))


if __name__ == "__main__":
    main()
