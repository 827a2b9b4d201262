"""Kept numbers and their moments as text, millions at a time: an export of years is little else."""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from posture_monitor.history.packing import Floats
from posture_monitor.history.timeline import local_time, utc_offset_s

Texts = npt.NDArray[np.object_]


def short(value: float) -> str:
    """Return a number with four significant digits, as many as are kept; ``""`` where it is not finite."""
    return repr(float(f"{value:.4g}")) if math.isfinite(value) else ""


@functools.cache
def _every_half() -> Texts:
    # There are no more half floats than this, so each is put into words once.
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
    return np.array([short(value) for value in halves.tolist()], dtype=object)


def texts(kept: Floats) -> Texts:
    """Return numbers that were unpacked from half floats as `short` does, in the same shape."""
    return _every_half()[kept.astype(np.float16).view(np.uint16)]


@functools.lru_cache(maxsize=4096)
def _around_seconds(minute: int) -> tuple[str, str]:
    """Return what stands before and after the seconds of a moment in this minute (POSIX seconds // 60)."""
    # No place changes its clock within a minute of UTC.
    text = local_time(60.0 * minute, utc_offset_s(60.0 * minute)).isoformat(timespec="seconds")
    return text[:17], text[19:]


def moment(wall_s: float) -> str:
    """Return a moment in ISO 8601 with milliseconds and this machine's offset at that time."""
    minute, ms = divmod(round(wall_s * 1000), 60_000)
    before, after = _around_seconds(minute)
    return f"{before}{ms / 1000:06.3f}{after}"
