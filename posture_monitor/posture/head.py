"""Where the head is and how it is turned, from its eleven landmarks.

The eleven face landmarks (nose, eyes, ears, mouth) are matched with a head of
typical adult size by scaled orthography: ``p = s R P + t`` has a linear least
squares solution with one fixed pseudo-inverse, so a frame costs a few dozen
multiplications (DeMenthon & Davis 1995, the first step of POSIT).

Why it is worth it: outer-eye distance shrinks when the head turns and the
distance from eyes to mouth when it nods, but the scale ``s`` of the whole head
does neither. It is the ruler against which everything else is measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from posture_monitor.posture.arithmetic import Arithmetic, Many, Number, Slope, finite
from posture_monitor.posture.landmarks import Array

#: A typical adult head in centimetres, in landmark order: x to the person's
#: left, y down, z towards the camera; the origin lies between the outer eye
#: corners. Breadths and heights follow common adult anthropometry (outer
#: canthi 9 cm apart, tragus to tragus 14.6 cm, eyes to mouth 6.8 cm).
TYPICAL_HEAD: Array = np.array(
    [
        [0.0, 4.0, 3.3],  # nose
        [1.7, 0.0, 0.8],  # left eye inner
        [3.1, -0.1, 0.7],  # left eye
        [4.5, 0.0, 0.0],  # left eye outer
        [-1.7, 0.0, 0.8],
        [-3.1, -0.1, 0.7],
        [-4.5, 0.0, 0.0],
        [7.3, 1.5, -8.0],  # left ear
        [-7.3, 1.5, -8.0],
        [2.6, 6.8, 1.2],  # mouth, left corner
        [-2.6, 6.8, 1.2],
    ]
)

_INVERSE = np.linalg.pinv(TYPICAL_HEAD - TYPICAL_HEAD.mean(axis=0))
# The head is symmetric, so the part to the person's left rests on the differences within
# pairs (inner eyes, eyes, outer eyes, ears, corners of the mouth), the others on their sums;
# and as it has no place of its own, all may be taken from the nose.
_PAIRS = [1, 2, 3, 7, 9]
_ACROSS: list[float] = _INVERSE[0, _PAIRS].tolist()
_ALONG: list[float] = _INVERSE[1, _PAIRS].tolist()
_DEPTH: list[float] = _INVERSE[2, _PAIRS].tolist()


class HeadPose(NamedTuple):
    """Scale and attitude of the head.

    Attributes
    ----------
    scale
        Pixels per centimetre at the depth of the head, a number or an array
        ``(N,)``; NaN unless the whole face is known.
    yaw, pitch, roll
        Angles against the line to the camera, as slopes, for
        `Arithmetic.directions` finds many angles at once in the time of one:
        yaw is positive when the face turns towards the person's left, pitch
        when it nods down, roll when the head tips towards the person's left.
        Their zero depends on the face; only differences from neutral mean
        something.
    """

    scale: Number
    yaw: Slope
    pitch: Slope
    roll: Slope


def head_pose(x: Sequence[Number], y: Sequence[Number], m: Arithmetic = Many) -> HeadPose:
    """Return the pose of the head.

    Parameters
    ----------
    x, y
        Pixel coordinates of the landmarks, x right, y down, the face's eleven
        first; NaN where nobody was seen.
    m
        The arithmetic of what they are: plain numbers, or arrays ``(N,)``.
    """
    across_x, along_x, depth_x = _projected(x)  # first row of s R
    across_y, along_y, depth_y = _projected(y)  # second row
    flat_x = across_x * across_x + along_x * along_x
    flat_y = across_y * across_y + along_y * along_y
    scale = m.sqrt((flat_x + flat_y + (depth_x * depth_x + depth_y * depth_y)) / 2)
    return HeadPose(
        m.where(finite(scale), scale, math.nan),
        (depth_x, m.sqrt(flat_x), True),
        (depth_y, m.sqrt(flat_y), True),
        (across_y - along_x, across_x + along_y, True),
    )


def _projected(p: Sequence[Number]) -> tuple[Number, Number, Number]:
    """Return how the head's three axes show in one coordinate of the picture."""
    nose = p[0] + p[0]
    inner, eye, outer = p[1] + p[4] - nose, p[2] + p[5] - nose, p[3] + p[6] - nose
    ear, mouth = p[7] + p[8] - nose, p[9] + p[10] - nose
    a, b, c = _ACROSS, _ALONG, _DEPTH
    return (
        a[0] * (p[1] - p[4])
        + a[1] * (p[2] - p[5])
        + a[2] * (p[3] - p[6])
        + a[3] * (p[7] - p[8])
        + a[4] * (p[9] - p[10]),
        b[0] * inner + b[1] * eye + b[2] * outer + b[3] * ear + b[4] * mouth,
        c[0] * inner + c[1] * eye + c[2] * outer + c[3] * ear + c[4] * mouth,
    )
