"""The neutral posture as a body that can be drawn."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.head import TYPICAL_HEAD
from posture_monitor.posture.reading import View

#: From the middle of the shoulders down to that of the hips, in centimetres of the head's ruler.
_TRUNK_CM: Final = 46.0


def outline(neutral: Neutral, width: int, height: int) -> npt.NDArray[np.float32] | None:
    """Return landmarks ``(33, 4)`` of somebody who sits as `neutral` says, in a picture of this size.

    A head of typical adult shape is put where the neutral's head is, turned and
    sized as it was, and shoulders (from the side the hips too) where they were;
    arms are left out. None where the neutral does not know all of these.
    """
    needed = ("face_size", "head_shift", "head_drop", "shoulder_shift", "shoulder_drop", "shoulder_width")
    if width <= 0 or height <= 0 or not all(math.isfinite(neutral[name]) for name in needed):
        return None

    def angle(name: str) -> float:
        return math.radians(neutral[name]) if math.isfinite(neutral[name]) else 0.0

    yaw, nod, roll = angle("head_yaw"), angle("head_nod"), angle("head_roll")
    # The rows of a rotation whose yaw, nod and roll `head.head_pose` would find again.
    turn = np.array(
        [
            [math.cos(yaw) * math.cos(roll), -math.cos(yaw) * math.sin(roll), math.sin(yaw)],
            [math.cos(nod) * math.sin(roll), math.cos(nod) * math.cos(roll), math.sin(nod)],
        ]
    )
    scale = neutral["face_size"] * height / 640.0
    face = scale * TYPICAL_HEAD @ turn.T
    middle_x = face[[3, 6, 7, 8], 0].mean()
    weights = np.zeros(11)
    weights[0], weights[[3, 6, 7, 8, 9, 10]] = 1 / 4, 1 / 8
    points = np.zeros((lm.COUNT, 4))
    points[:11, 0] = face[:, 0] - middle_x + neutral["head_shift"] * height
    points[:11, 1] = face[:, 1] - weights @ face[:, 1] + neutral["head_drop"] * height
    points[:11, 3] = 1.0
    if neutral.view is not View.SIDE and math.isfinite(rise := neutral["ear_height"]):
        # Where ears are differs most from head to head, and heights are told by them.
        points[[7, 8], 1] += neutral["shoulder_drop"] * height - rise * scale - points[[7, 8], 1].mean()
    middle = np.array([neutral["shoulder_shift"], neutral["shoulder_drop"]]) * height
    tilt = angle("shoulder_tilt")
    half = neutral["shoulder_width"] * height / 2 * np.array([math.cos(tilt), math.sin(tilt)])
    points[lm.LEFT_SHOULDER, :2], points[lm.RIGHT_SHOULDER, :2] = middle + half, middle - half
    points[[lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER], 3] = 1.0
    if neutral.view is View.SIDE and math.isfinite(neutral["trunk_incl"]):
        lean = angle("trunk_incl")
        forward = 1.0 if yaw >= 0 else -1.0
        hips = middle + _TRUNK_CM * scale * np.array([-forward * math.sin(lean), math.cos(lean)])
        points[[lm.LEFT_HIP, lm.RIGHT_HIP], :2] = hips
        points[[lm.LEFT_HIP, lm.RIGHT_HIP], 3] = 1.0
    points[:, 0] /= width
    points[:, 1] /= height
    return points.astype(np.float32)
