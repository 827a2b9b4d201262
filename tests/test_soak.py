"""Thirty days in half a minute: the monitor's own loop with a fake clock, and what it gathers on the way.

Each day somebody sits at the desk in stretches, slouches now and then, locks the
screen, takes calls and goes home. The loop, the history and everything between are
the real thing. ``benchmarks/hours.py`` is the whole service with such a clock, in a
process of its own; ``benchmarks/soak.py`` is it with real processes and real minutes.
"""

from __future__ import annotations

import gc
import io
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import hours
import numpy as np
import pytest
from desk import MORNING_S, Screen
from program import environment
from rich.console import Console
from soak import measured, slope

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.history import store as history
from posture_monitor.history.store import Store
from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing.frame import Frame
from posture_monitor.service import posture_status
from posture_monitor.service.collected import Collected
from posture_monitor.service.keeper import BEAT_S, pace_of
from posture_monitor.service.looking import Seen
from posture_monitor.service.monitor import Monitor
from posture_monitor.service.profile import Profile
from posture_monitor.service.resting import Resting
from posture_monitor.service.tally import Tally
from posture_monitor.telling.notify import Notifier

DAYS, HOUR_S = 30, 3600.0
#: The history is committed every minute of these days, not every 2.5 s: that alone would take a minute.
FEWER = 24.0
#: What a day is: kind, seconds, and what else. Looks are as far apart as the loop itself wants them.
DAY: tuple[tuple[str, float, str], ...] = (
    ("sits", 900.0, ""),
    ("slumps", 240.0, ""),
    ("sits", 300.0, ""),
    ("rests", 600.0, "locked"),
    ("sits", 600.0, ""),
    ("rests", 300.0, "busy"),
    ("slumps", 150.0, ""),
    ("sits", 300.0, ""),
    ("rests", 600.0, "paused"),
)
RESTS = {
    "locked": Resting("away", "locked"),
    "busy": Resting("busy", "another program has the camera"),
    "paused": Resting("paused", "paused"),
}


@dataclass
class Bodies:
    """A supply of landmarks of somebody who sits well, and of somebody who does not."""

    shown: dict[str, np.ndarray]
    size: tuple[float, float]

    def seen(self, kind: str, number: int, t_s: float, wall_s: float) -> Seen:
        points = self.shown[kind][number % len(self.shown[kind])]
        frame = Frame(t_s, wall_s, int(self.size[0]), int(self.size[1]))
        return Seen(frame, points, Reason.OK)


@pytest.mark.slow
def test_hours_of_the_whole_service() -> None:
    """What it holds after the first half hour, and no more, it holds an hour later."""
    program = [sys.executable, hours.__file__, "--hours", "1.5", "--every", "0.5", "--json"]
    ended = subprocess.run(program, env=environment(Path()), capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    _, begun, *_, last = json.loads(ended.stdout)
    grown = {name: last[name] - begun[name] for name in begun}
    print(f"in {grown['hour']:.1f} hour: {grown['objects']:+.0f} objects, {grown['own_mb']:+.2f} MB")
    # As many as lie about between two tidyings; what each of its 700 looks left behind would show.
    # The lists of tuples that CPython sets aside, if never given back, are another 7000.
    assert grown["objects"] < 3500
    # CPython's table of names may double meanwhile, which is 0.9 MB, once.
    assert grown["own_mb"] < 1.5
    assert abs(grown["files"]) <= 1, "an answer to a question may be under way"
    assert abs(grown["threads"]) <= 1


@pytest.mark.slow
def test_thirty_days(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(t_s=0.0, wall_s=MORNING_S)
    monkeypatch.setattr(
        history, "time", SimpleNamespace(time=lambda: clock.wall_s, monotonic=lambda: clock.t_s / FEWER)
    )
    paths.make_private(home)
    paths.config_file().write_text("[history]\nkeep_samples_days = 7\n[alert]\npoor_hold_s = 60\n")
    config, bodies = load_config(), Bodies(*hours.bodies())
    collected = Collected()
    for number in range(40):
        collected.add(bodies.seen("sits", number, float(number), 0.0))
    store, screen, said = (
        Store.open(paths.history_file(), keep_samples_days=7),
        Screen(),
        io.StringIO(),
    )
    monitor = Monitor(
        config,
        Profile("me", (collected.neutral(),)),
        store,
        Notifier([screen]),
        Console(file=said, width=200),
        config.camera.interval_s,
        pace=pace_of(config),
    )
    monitor.begin("a camera")
    tally, looks = Tally(store, clock.wall_s), 0
    memory, blocks, files, threads, sizes, at_s = [], [], [], [], [], []
    for day in range(DAYS):
        for kind, seconds, why in DAY:
            until_s = clock.t_s + seconds
            while clock.t_s < until_s:
                if kind == "rests":
                    monitor.rest(clock.t_s, clock.wall_s, RESTS[why], BEAT_S)
                    state, step_s = RESTS[why].state, BEAT_S
                else:
                    monitor.take(bodies.seen(kind, looks, clock.t_s, clock.wall_s), moved=looks % 3 == 0)
                    state, step_s, looks = monitor.state.value, monitor.interval_s, looks + 1
                tally.add(clock.wall_s, state, 2 * step_s + 0.5)
                clock.t_s += step_s
                clock.wall_s += step_s
        told = posture_status.of(monitor, tally, clock.t_s, clock.wall_s).today
        assert told.alerts <= 12
        assert 1500.0 <= told.judged_s <= 3000.0
        assert told.paused_s == pytest.approx(600.0, abs=2 * BEAT_S + 10.0)
        # The evening and the night; the machine sleeps.
        night_s = MORNING_S + (day + 1) * 24 * HOUR_S - clock.wall_s
        clock.t_s, clock.wall_s = clock.t_s + night_s, clock.wall_s + night_s
        screen.shown.clear()
        screen.withdrawn.clear()
        said.seek(0), said.truncate()
        gc.collect()
        # Its own alone: its share of the libraries' pages grows when another process that has them ends.
        memory.append(measured(os.getpid(), home)["own_mb"])
        blocks.append(sys.getallocatedblocks())
        files.append(len(os.listdir("/proc/self/fd")))
        threads.append(threading.active_count())
        sizes.append(paths.history_file().stat().st_size)
        at_s.append(clock.t_s)
    store.close()
    settled = slice(DAYS // 3, None)  # single readings are kept for seven days, then go
    held = slope(at_s[settled], memory[settled], 24 * HOUR_S)
    objects = slope(at_s[settled], blocks[settled], 24 * HOUR_S)
    per_day = (sizes[-1] - sizes[DAYS // 3]) / (DAYS - 1 - DAYS // 3)
    print(f"{DAYS} days, {looks} looks: memory {memory[-1]:.1f} MB, {24 * held.per_hour:+.3f} MB a day")
    print(f"{blocks[-1]} objects, {24 * objects.per_hour:+.1f} a day")
    print(f"files {set(files[settled])}, threads {set(threads[settled])}")
    print(f"history {sizes[-1] / 1024:.0f} KiB, {per_day / 1024:.1f} KiB a day once old readings go")
    assert 24 * held.per_hour < 0.1, "MB a day"
    assert 24 * objects.per_hour < 120.0, "a day; the alerts of a recording are kept, and little else"
    # What else runs in this process may open a file or two; one left open each day would be thirty.
    assert max(files[settled]) - min(files[settled]) <= 3
    assert len(set(threads[settled])) == 1
    assert per_day < 64 * 1024
