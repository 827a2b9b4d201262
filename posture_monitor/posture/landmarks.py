"""The 33 body landmarks of MediaPipe Pose, by name.

A set of landmarks is an array ``(N, 33, 4)``: ``x`` and ``y`` normalised to the
image (x to the right, y down, 0..1 inside the picture), ``z`` a relative depth
that is never used for an absolute angle, and ``visibility`` 0..1. A frame in
which nobody was seen is all NaN.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

COUNT = 33

NOSE = 0
LEFT_EYE_INNER, LEFT_EYE, LEFT_EYE_OUTER = 1, 2, 3
RIGHT_EYE_INNER, RIGHT_EYE, RIGHT_EYE_OUTER = 4, 5, 6
LEFT_EAR, RIGHT_EAR = 7, 8
MOUTH_LEFT, MOUTH_RIGHT = 9, 10
LEFT_SHOULDER, RIGHT_SHOULDER = 11, 12
LEFT_ELBOW, RIGHT_ELBOW = 13, 14
LEFT_WRIST, RIGHT_WRIST = 15, 16
LEFT_HIP, RIGHT_HIP = 23, 24


def nobody(n: int = 1) -> npt.NDArray[np.float32]:
    """Return landmarks ``(n, 33, 4)`` that say nobody was seen."""
    return np.full((n, COUNT, 4), np.nan, dtype=np.float32)
