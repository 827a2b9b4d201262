"""The time zone of this machine, which may change while the program runs: its user may be on a journey."""

from __future__ import annotations

import sys
import time

from posture_monitor.dll import dll


def follow_zone() -> None:
    """Go by the time zone that is set now; each system's C library goes by that of the start."""
    if sys.platform == "win32":
        dll("ucrtbase")._tzset()  # Python has no `tzset` there, but reckons with this library
    else:
        time.tzset()
