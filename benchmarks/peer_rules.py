"""Three rules that other webcam posture programs use, written anew from their description, to compare with.

- *nose lower*: poor when the nose is lower than at calibration by 3 % of the picture's height (dorso-linux).
- *weighted score*: a fixed score of seven terms, poor under 60 of 100; it has no calibration (BatesPosture).
- *nose ratio*: poor when the nose's height over the shoulders, over the shoulder width, is down by 12 %.

They see the same landmarks and the same calibration frames as this project.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from posture_monitor.posture import landmarks as lm

Array = npt.NDArray[np.float64]
Landmarks = npt.NDArray[Any]

NOSE_LOWER, SCORE_UNDER, RATIO_DOWN = 0.03, 60.0, 0.12
#: The nose counts as seen from this visibility on.
NOSE_SEEN = 0.5


class Call(NamedTuple):
    """What a rule says of ``N`` frames: poor or not, how bad it finds them, and whether it says anything."""

    poor: npt.NDArray[np.bool_]
    badness: Array
    judged: npt.NDArray[np.bool_]


#: From landmarks ``(N, 33, 4)``, sizes ``(N, 2)`` and the indices of the calibration frames to its calls.
Rule = Callable[[Landmarks, Landmarks, npt.NDArray[np.intp]], Call]


def nose_lower(landmarks: Landmarks, size: Landmarks, calibration: npt.NDArray[np.intp]) -> Call:
    """Call a frame poor where the nose is lower than its mean at calibration."""
    nose = landmarks[:, lm.NOSE, 1].astype(np.float64)
    seen = np.isfinite(nose) & (landmarks[:, lm.NOSE, 3] > NOSE_SEEN)
    return _against(nose - _mean(nose, seen, calibration), NOSE_LOWER, seen)


def nose_ratio(landmarks: Landmarks, size: Landmarks, calibration: npt.NDArray[np.intp]) -> Call:
    """Call a frame poor where the nose has come nearer to the shoulders, measured in shoulder widths."""
    x, y = (landmarks[..., k].T.astype(np.float64) * size[..., k] for k in (0, 1))
    left, right = lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER
    width = np.hypot(x[left] - x[right], y[left] - y[right])
    with np.errstate(all="ignore"):
        ratio = ((y[left] + y[right]) / 2 - y[lm.NOSE]) / width
        seen = np.isfinite(ratio)
        neutral = _mean(ratio, seen, calibration)
        return _against((neutral - ratio) / abs(neutral), RATIO_DOWN, seen)


def weighted_score(landmarks: Landmarks, size: Landmarks, calibration: npt.NDArray[np.intp]) -> Call:
    """Call a frame poor where a fixed score of head, neck, shoulders and spine falls under 60.

    Angles are taken in x, y and z as the model gives them, each on its own scale, as the description says.
    """
    p = landmarks[:, :, :3].astype(np.float64)
    ears, shoulders = (p[:, a] - p[:, b] for a, b in ((7, 8), (11, 12)))
    ear, shoulder, hip = ((p[:, a] + p[:, b]) / 2 for a, b in ((7, 8), (11, 12), (23, 24)))
    with np.errstate(all="ignore"):
        span, across = np.linalg.norm(ears, axis=1), np.linalg.norm(shoulders, axis=1)
        ideal = 0.7 * across
        terms = np.stack(
            (
                1 - 1.2 * np.abs(p[:, lm.NOSE, 2] - ear[:, 2]),  # head before the ears
                1 - _from_vertical(ear - shoulder) / 45,  # neck
                1 - 5 * np.abs(shoulders[:, 1]),  # shoulders level
                1 - 2 * np.abs(shoulders[:, 2]),  # shoulders rolled
                1 - _from_vertical(shoulder - hip) / 45,  # spine
                1 - np.abs(span - ideal) / ideal,  # head turned
                1 - 5 * np.abs(ears[:, 1]),  # head tilted
            )
        )
    weights = np.array((0.2, 0.2, 0.15, 0.15, 0.15, 0.1, 0.05))
    total = 100 * weights @ np.clip(terms, 0, 1)
    seen = np.isfinite(total)
    return Call(seen & (total < SCORE_UNDER), 100 - total, seen)


RULES: Mapping[str, Rule] = {
    "nose lower 3 %": nose_lower,
    "weighted score < 60": weighted_score,
    "nose ratio down 12 %": nose_ratio,
}


def _mean(value: Array, seen: npt.NDArray[np.bool_], calibration: npt.NDArray[np.intp]) -> float:
    kept = value[calibration][seen[calibration]]
    return float(kept.mean()) if len(kept) else float("nan")


def _against(change: Array, limit: float, seen: npt.NDArray[np.bool_]) -> Call:
    judged = seen & np.isfinite(change)
    return Call(judged & (change > limit), change, judged)


def _from_vertical(vector: Array) -> Array:
    """Return the angle to straight up, degrees."""
    return np.asarray(np.degrees(np.arccos(np.clip(-vector[:, 1] / np.linalg.norm(vector, axis=1), -1, 1))))
