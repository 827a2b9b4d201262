"""Hours of the service in seconds: what its loop gathers, printed by the hour.

The service itself (`assembly.keep`) runs in this process with a clock that leaps to
whatever it waits for next. Somebody sits, slouches and leaves before a stand-in for
the eye's process; the loop, the judge, the history, the settings, the control socket,
which is asked for the status twice a minute, and all else are the real thing. So
what grows with every look, commit or question shows in a minute as it would in a day.
`soak.py` is the same with real processes and real minutes.

    python benchmarks/hours.py [--hours 24] [--json]
"""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import pickle
import queue
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np
from rich.console import Console
from rig import SCENARIOS, Array, Body, Camera, Pose, Wander, render
from soak import WARMING, measured, slope

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.sight import Blind, Place, Sight, Want
from posture_monitor.service import assembly, control, keeper
from posture_monitor.service.collected import Collected
from posture_monitor.service.eye import Looked
from posture_monitor.service.looking import Seen
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import save_profile

HOUR_S, ASKED_S = 3600.0, 30.0
#: Nine in the morning, UTC, of a Monday.
MORNING_S = 1772442000.0
#: What is seen, and from which second of each hour on.
HOUR = (("sits", 0.0), ("slumps", 1500.0), ("sits", 1740.0), ("nobody", 3000.0))


def bodies() -> tuple[dict[str, Array], tuple[float, float]]:
    """Return landmarks of somebody who sits well and of somebody who does not, and the picture's size."""
    rng, shown = np.random.default_rng(11), {}
    t_s = np.arange(0.0, 3000.0, 6.0)
    wander = Wander.random(rng, float(t_s[-1]), 60.0, (33, 2))
    for name, pose in (("sits", Pose()), ("slumps", SCENARIOS["slump_deep"])):
        held = pose + Pose(lean=np.zeros(len(t_s)))
        shown[name], size = render(Body(), held, Camera(), rng, 0.3, wander_px=1.0, wander=wander, t_s=t_s)
    return shown, (float(size[0]), float(size[1]))


class Clock:
    """The time, which passes only where somebody waits for it."""

    def __init__(self) -> None:
        self.t_s = self.began_s = time.monotonic()

    def monotonic(self) -> float:
        return self.t_s

    def time(self) -> float:
        return MORNING_S + self.t_s - self.began_s


class Inbox(queue.Queue[object]):
    """The service's inbox: to wait for what comes is to let the time pass."""

    def __init__(self, clock: Clock, passed: Callable[[], None]) -> None:
        super().__init__()
        self._clock, self._passed = clock, passed

    def get(self, block: bool = True, timeout: float | None = None) -> object:
        if not self.empty():
            return super().get(block=False)
        self._clock.t_s += max(timeout or 0.0, 0.001)
        self._passed()
        raise queue.Empty


class Eye:
    """Answers as the eye's process does, through a pickle."""

    pid: int | None = None
    limit_s: float | None = None

    def __init__(self, clock: Clock, heard: Callable[[Looked], None]) -> None:
        self._clock, self._heard = clock, heard
        self._shown, self._size = bodies()
        self._looks = 0

    def look(self, _place: Place, want: Want) -> float:
        self.pid, self._looks = -1, self._looks + 1
        moved = self._looks % 3 == 0
        sight = Sight(
            wall_s=self._clock.time(),
            width=int(self._size[0]),
            height=int(self._size[1]),
            people=None if want.may_skip and not moved else self._people(),
            moved=moved,
            doubt=Reason.OK,
            trouble="",
            name="a camera",
            identity="a camera",
        )
        self._heard(Looked(1, pickle.loads(pickle.dumps(sight))))
        return math.inf

    def _people(self) -> Any:
        within_s = (self._clock.t_s - self._clock.began_s) % HOUR_S
        kind = next(kind for kind, from_s in reversed(HOUR) if within_s >= from_s)
        if kind == "nobody":
            return np.zeros((0, 33, 4), dtype=np.float32)
        shown = self._shown[kind]
        return shown[self._looks % len(shown)][None].astype(np.float32)

    def believe(self, looked: Looked) -> Sight | Blind | None:
        return looked.answer

    def end(self) -> None:
        self.pid = None


class Nowhere(io.TextIOBase):
    """Where the terminal's lines go, and the notifications."""

    def write(self, text: str) -> int:
        return len(text)


def calibrated() -> Profile:
    """Return the profile of the one who sits here."""
    shown, size = bodies()
    collected = Collected()
    for number, points in enumerate(shown["sits"][:40]):
        collected.add(Seen(Frame(float(number), 0.0, int(size[0]), int(size[1])), points, Reason.OK))
    return Profile("me", (collected.neutral(),))


def live(hours: float, every_h: float, home: Path) -> list[dict[str, float]]:
    """Let the service live for so long in this process, and return what it held every so many hours."""
    os.environ["POSTURE_MONITOR_HOME"] = str(home)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):  # nobody's desktop is asked
        os.environ.pop(name, None)
    paths.config_file().write_text('[alert]\nchannel = "terminal"\n')
    save_profile(calibrated())
    clock, rows = Clock(), []
    asked_s = next_h = 0.0

    def passed() -> None:
        nonlocal asked_s, next_h
        since_s = clock.t_s - clock.began_s
        if since_s >= asked_s:
            asked_s += ASKED_S
            told = control.ask("status")
        if since_s >= next_h * HOUR_S:
            next_h += every_h
            held = measured(os.getpid(), home)
            rows.append({"hour": since_s / HOUR_S, **held, "objects": sys.getallocatedblocks()})
            if since_s >= hours * HOUR_S:
                assert told["looks"] > 100 * hours, told
                os.kill(os.getpid(), signal.SIGTERM)

    keeper.queue = SimpleNamespace(Queue=lambda: Inbox(clock, passed), Empty=queue.Empty)
    keeper.EyeKeeper = lambda heard: Eye(clock, heard)
    keeper.clock_s = clock.monotonic
    time.time, time.monotonic = clock.time, clock.monotonic
    assembly.keep(
        load_config(),
        config_path=None,
        source="0",
        profile="me",
        console=Console(file=Nowhere(), width=200),
        detached=False,
    )
    return rows


#: Columns of the table: what, how wide, digits, and what it is divided by.
COLUMNS = (
    ("hour", "hour", 5, 1, 1),
    ("memory_mb", "memory MB", 10, 2, 1),
    ("own_mb", "own MB", 8, 2, 1),
    ("objects", "objects", 9, 0, 1),
    ("files", "files", 6, 0, 1),
    ("threads", "threads", 8, 0, 1),
    ("history_bytes", "history KiB", 12, 0, 1024),
)


def told(rows: list[dict[str, float]]) -> list[str]:
    """Return the lines of the table."""
    lines = [" ".join(f"{head:>{wide}s}" for _, head, wide, _, _ in COLUMNS)]
    for row in rows:
        lines.append(" ".join(f"{row[name] / by:{wide}.{digits}f}" for name, _, wide, digits, by in COLUMNS))
    settled = [row for row in rows if row["hour"] >= WARMING * rows[-1]["hour"]]
    at_s = [row["hour"] * HOUR_S for row in settled]
    for what, unit in (("memory_mb", "MB"), ("own_mb", "MB"), ("objects", "objects")):
        lines.append(f"{what:9s} {slope(at_s, [row[what] for row in settled], 1.0).told(unit)}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--every", type=float, default=1.0, help="hours between two lines")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = live(asked.hours, asked.every, Path(folder))
    print(json.dumps(rows) if asked.json else "\n".join(told(rows)))


if __name__ == "__main__":
    main()
