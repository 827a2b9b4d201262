"""Whether the machine runs on its battery, so that it can be looked at less often."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from typing import Final

from posture_monitor.dll import dll

_SUPPLIES: Final = Path("/sys/class/power_supply")


def on_battery() -> bool | None:
    """Return whether the machine lives on its battery; None where that cannot be told.

    A machine without a battery is not on it. It takes about a tenth of a
    millisecond on Linux, and starts a process on macOS: once a minute is enough.
    """
    try:
        if sys.platform.startswith("linux"):
            return _linux(_SUPPLIES)
        if sys.platform == "darwin":
            command = ["/usr/bin/pmset", "-g", "batt"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=2, check=True)
            return parse_pmset(done.stdout)
        if sys.platform == "win32":
            return _windows()
    except (OSError, AttributeError, subprocess.SubprocessError):
        return None
    return None


def _linux(supplies: Path) -> bool | None:
    """Read the kernel's list: on battery is what has one that gives, and no mains that is plugged in."""
    discharging = False
    for supply in sorted(supplies.iterdir()) if supplies.is_dir() else ():
        kind = _word(supply / "type")
        # The battery of a mouse or a headset is not the machine's.
        if kind == "Battery" and _word(supply / "scope") != "Device":
            discharging |= _word(supply / "status") == "Discharging"
        elif (
            kind in ("Mains", "USB")
            and _word(supply / "online") == "1"
            and _word(supply / "scope") != "Device"
        ):
            return False
    return discharging


def _word(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""


def parse_pmset(text: str) -> bool | None:
    """Return what ``pmset -g batt`` says, such as *Now drawing from 'Battery Power'*."""
    if "'Battery Power'" in text:
        return True
    return False if "'AC Power'" in text else None


def _windows() -> bool | None:
    """Ask for the system's power status: 0 is on battery, 1 is on mains, 255 is unknown."""
    status = (ctypes.c_ubyte * 12)()
    if not dll("kernel32").GetSystemPowerStatus(ctypes.byref(status)):
        return None
    return {0: True, 1: False}.get(status[0])
