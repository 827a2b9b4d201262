"""Groups of processes whose memory the kernel limits, where this system lets a test make them."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_NO_LIMIT = {"memory.max": "max", "memory.limit_in_bytes": "-1"}


@dataclass(frozen=True)
class MemoryGroup:
    """Processes that together may use so much memory; whoever is over it is killed."""

    folder: Path
    limit: str

    def take(self, pid: int) -> None:
        """Count from now on what this process takes, and those that it starts."""
        (self.folder / "cgroup.procs").write_text(str(pid))

    def free(self) -> None:
        """Limit nothing any more."""
        (self.folder / self.limit).write_text(_NO_LIMIT[self.limit])

    @property
    def kills(self) -> int:
        """How many the kernel has killed here."""
        told = self.folder / ("memory.events" if self.limit == "memory.max" else "memory.oom_control")
        found = re.search(r"^oom_kill (\d+)$", told.read_text(), re.MULTILINE)
        return int(found[1]) if found else 0


@contextlib.contextmanager
def memory_group(most: int) -> Iterator[MemoryGroup]:
    """Make a group whose processes may use `most` bytes; at the end they are where they were."""
    with group(_of_memory() or unified()) as folder:
        for limit in _NO_LIMIT:
            if (folder / limit).exists():
                (folder / limit).write_text(str(most))
                yield MemoryGroup(folder, limit)
                return
        pytest.skip("this system limits no group's memory")


@contextlib.contextmanager
def group(home: Path | None) -> Iterator[Path]:
    """Make a group below another; the processes in it go back there at the end."""
    if home is None:
        pytest.skip("there are no control groups here")
    folder = home / f"posture-monitor-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        yield folder
    finally:
        for inner in sorted((folder, *filter(Path.is_dir, folder.rglob("*"))), reverse=True):
            for pid in (inner / "cgroup.procs").read_text().split():
                with contextlib.suppress(OSError):
                    (home / "cgroup.procs").write_text(pid)
            remove(inner)


def unified() -> Path | None:
    """Return the root of the hierarchy of version 2, if it is mounted."""
    return next((place for place, kind, _ in _mounted() if kind == "cgroup2"), None)


def _of_memory() -> Path | None:
    """Return this process's own group in the hierarchy of version 1 that limits memory, if there is one."""
    own = re.search(
        r"^\d+:[\w,]*\bmemory\b[\w,]*:/(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE
    )
    for place, kind, options in _mounted():
        if own and kind == "cgroup" and "memory" in options and (place / own[1]).is_dir():
            return place / own[1]
    return None


def _mounted() -> Iterator[tuple[Path, str, list[str]]]:
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options = line.split()[:4]
        yield Path(place), kind, options.split(",")


def remove(folder: Path) -> None:
    """Remove a group that is about to be empty: who was killed is gone a moment later."""
    until_s = time.monotonic() + 5.0
    while folder.is_dir():
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.05)
