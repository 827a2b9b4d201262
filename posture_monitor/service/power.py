"""Whether the machine runs on its battery, so that it can be looked at less often."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

_SUPPLIES: Final = Path("/sys/class/power_supply")


def on_battery() -> bool | None:
    """Return whether the machine lives on its battery; None where that cannot be told.

    A machine without a battery is not on it.
    """
    try:
        if sys.platform.startswith("linux"):
            return _linux(_SUPPLIES)
        import psutil

        battery = psutil.sensors_battery()
    except (OSError, AttributeError, ImportError):
        return None
    if battery is None:
        return False
    return None if battery.power_plugged is None else not battery.power_plugged


def _linux(supplies: Path) -> bool | None:
    """Read the kernel's list: on battery is what has one that gives, and no mains that is plugged in."""
    discharging = False
    for supply in sorted(supplies.iterdir()) if supplies.is_dir() else ():
        if _word(supply / "scope") == "Device":  # the battery of a mouse or a headset is not the machine's
            continue
        kind = _word(supply / "type")
        if kind == "Battery":
            discharging |= _word(supply / "status") == "Discharging"
        elif kind in ("Mains", "USB") and _word(supply / "online") == "1":
            return False
    return discharging


def _word(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
