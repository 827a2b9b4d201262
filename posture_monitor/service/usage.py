"""What the monitor costs: processor time and memory of its processes."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

#: The share of a core is taken over the last minutes, so that one look does not make it jump.
_OVER_S = 120.0
#: Memory is measured this often, and when a process came or went: the kernel goes through all its pages.
_WEIGH_S = 60.0


class Usage:
    """Follows what this process and its children use, of the processor's time those that ended as well.

    Attributes
    ----------
    cpu_percent
        How much of one core was used lately.
    memory_mb
        As `memory_mb` tells it.
    """

    def __init__(self) -> None:
        self.cpu_percent, self.memory_mb = 0.0, 0.0
        self._marks: deque[tuple[float, float]] = deque()
        self._weigh_at_s, self._weighed = -math.inf, list[int]()

    def look(self, children: list[int]) -> None:
        """Measure it now.

        Parameters
        ----------
        children
            Processes that run now.
        """
        now_s = time.monotonic()
        self.cpu_percent = self._lately(now_s, cpu_s(children))
        if now_s >= self._weigh_at_s or children != self._weighed:
            self._weigh_at_s, self._weighed = now_s + _WEIGH_S, children
            self.memory_mb = memory_mb(children)

    def _lately(self, now_s: float, used_s: float) -> float:
        self._marks.append((now_s, used_s))
        while len(self._marks) > 2 and now_s - self._marks[1][0] >= _OVER_S:
            self._marks.popleft()
        since_s, before_s = self._marks[0]
        return 100 * max(0.0, used_s - before_s) / (now_s - since_s) if now_s > since_s else 0.0


def cpu_s(children: Iterable[int] = ()) -> float:
    """Return the processor seconds of this process and of these running ones, and of their ended children.

    Windows does not tell of those that ended.
    """
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    return own + sum(_cpu_of(pid) for pid in children)


def _cpu_of(pid: int) -> float:
    if not sys.platform.startswith("linux"):
        return _told(pid, lambda process: sum(process.cpu_times()[:2]))
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return 0.0


def memory_mb(children: Iterable[int] = ()) -> float:
    """Return the resident memory of this process and these children, in MB (2**20).

    Shared pages are counted once, but on Windows and macOS, which do not tell.
    """
    if sys.platform.startswith("linux"):
        return sum(_memory_of(str(pid)) for pid in ("self", *children)) / 1024
    import psutil

    own = psutil.Process().memory_info().rss
    return float(own + sum(_told(pid, lambda process: process.memory_info().rss) for pid in children)) / 2**20


def _told(pid: int, ask: Callable[[Any], float]) -> float:
    """Return what Windows or macOS tells of a process that was begun here."""
    import psutil

    from posture_monitor.service.connections import family

    total = 0.0
    # On Windows the python of a virtual environment runs the program in a child of its own; else there is
    # none, and to look for it takes a while.
    for one in family(pid) if sys.platform == "win32" else [pid]:
        with contextlib.suppress(psutil.Error):  # ended meanwhile
            total += ask(psutil.Process(one))
    return total


def _memory_of(pid: str) -> int:
    """Return the proportional set size of a process in KiB: what it shares with others in part only."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
