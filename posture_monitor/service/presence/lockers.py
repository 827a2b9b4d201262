"""Screen lockers of small desktops: each is a program that runs for as long as the screen is locked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

#: Each of these runs from the lock to the unlock, no longer. The kernel keeps 15 letters of a name.
NAMES: Final = frozenset(
    {
        *("i3lock", "swaylock", "hyprlock", "gtklock", "waylock", "wlock", "slock", "xsecurelock"),
        *("xtrlock", "xlock", "physlock", "vlock-main", "kscreenlocker_g"),
    }
)


def installed() -> bool:
    """Say whether one of them is to be had on this machine."""
    return any(shutil.which(name) for name in NAMES)


class Lockers:
    """Looks whether a locker runs; reads names of new processes only, so that looking is cheap.

    Parameters
    ----------
    proc
        The process table, for tests.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._known: set[str] = set()
        self._young: set[str] = set()
        self._lockers: set[str] = set()

    def running(self) -> bool:
        """Say whether a screen locker runs now."""
        try:
            there = {name for name in os.listdir(self._proc) if name.isdigit()}
        except OSError:
            return False
        new = there - self._known
        # A process is born with its parent's name and takes its own a little later: read it twice.
        found = {pid for pid in (new | self._young) & there if self._name(pid) in NAMES}
        self._lockers = (self._lockers & there) | found
        self._known, self._young = there, new
        return bool(self._lockers)

    def _name(self, pid: str) -> str:
        try:
            return (self._proc / pid / "comm").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return ""
