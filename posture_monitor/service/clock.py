"""The clock that durations of the service are measured by."""

from __future__ import annotations

import sys
import time


def clock_s() -> float:
    """Return seconds on a clock that nobody sets, and that goes on while the machine sleeps.

    Who comes back to a machine that slept for a night has not been sitting all the while.
    """
    if sys.platform == "win32":
        return time.monotonic()  # which goes on there
    # CLOCK_MONOTONIC stands still in the sleep of Linux, `time.monotonic` in that of macOS.
    clock = getattr(time, "CLOCK_BOOTTIME", None) or getattr(time, "CLOCK_MONOTONIC", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
