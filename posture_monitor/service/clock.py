"""The clocks of the service: one that durations are measured by, and that on the wall, in its time zone."""

from __future__ import annotations

import sys
import time

from posture_monitor.dll import dll


def clock_s() -> float:
    """Return seconds on a clock that nobody sets, and that goes on while the machine sleeps.

    Who comes back to a machine that slept for a night has not been sitting all the while.
    """
    if sys.platform == "win32":
        return time.monotonic()  # which goes on there
    # CLOCK_MONOTONIC stands still in the sleep of Linux, `time.monotonic` in that of macOS.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def follow_zone() -> None:
    """Go by the time zone that is set now; each system's C library goes by that of the start.

    Its user may be on a journey.
    """
    if sys.platform == "win32":
        dll("ucrtbase")._tzset()  # Python has no `tzset` there, but reckons with this library
    else:
        time.tzset()
