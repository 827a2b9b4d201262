"""Where the head is and how it is turned, from its eleven landmarks.

The eleven face landmarks (nose, eyes, ears, mouth) are matched with a head of
typical adult size by scaled orthography: ``p = s R P + t`` has a linear least
squares solution with one fixed pseudo-inverse, so a million frames cost one
matrix product (DeMenthon & Davis 1995, the first step of POSIT).

Why it is worth it: outer-eye distance shrinks when the head turns and the
distance from eyes to mouth when it nods, but the scale ``s`` of the whole head
does neither. It is the ruler against which everything else is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posture_monitor.posture.landmarks import Array

FACE = slice(0, 11)

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

_CENTRE = TYPICAL_HEAD.mean(axis=0)
_INVERSE = np.linalg.pinv(TYPICAL_HEAD - _CENTRE)


@dataclass(frozen=True)
class HeadPose:
    """Scale and attitude of the head, each an array ``(N,)``.

    Attributes
    ----------
    scale
        Pixels per centimetre at the depth of the head.
    yaw, pitch, roll
        Degrees against the line to the camera: yaw is positive when the face
        turns towards the person's left, pitch when it nods down, roll when
        the head tips towards the person's left. Their zero depends on the
        face; only differences from neutral mean something.
    """

    scale: Array
    yaw: Array
    pitch: Array
    roll: Array


def head_pose(x: Array, y: Array) -> HeadPose:
    """Return the pose of the head.

    Parameters
    ----------
    x, y
        ``(33, N)`` pixel coordinates, x right, y down; NaN where nobody was seen.
    """
    face_x, face_y = x[FACE], y[FACE]
    # einsum, not BLAS: the same bits for one frame as for a million.
    across = np.einsum("ij,jn->in", _INVERSE, face_x - face_x.mean(axis=0))  # (3, N): first row of s R
    down = np.einsum("ij,jn->in", _INVERSE, face_y - face_y.mean(axis=0))
    scale = np.sqrt((across * across + down * down).sum(axis=0) / 2)
    yaw = np.arctan2(across[2], np.hypot(across[0], across[1]))
    pitch = np.arctan2(down[2], np.hypot(down[0], down[1]))
    roll = np.arctan2(down[0] - across[1], across[0] + down[1])
    yaw, pitch, roll = np.degrees((yaw, pitch, roll))
    return HeadPose(scale, yaw, pitch, roll)
