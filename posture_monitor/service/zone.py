"""The time zone of this machine, which may change while the program runs: its user may be on a journey."""

from __future__ import annotations

import sys
import time


def follow_zone() -> None:
    """Go by the time zone that is set now; the C library of Linux and macOS goes by that of the start."""
    if sys.platform != "win32":
        time.tzset()
