"""Kept numbers as text, millions at a time: an export of years is little else."""

from __future__ import annotations

import functools
import math

import numpy as np
import numpy.typing as npt

from posture_monitor.history.packing import Floats

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
