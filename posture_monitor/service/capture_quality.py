"""What a capture is worth: how good it is, and what can be measured from where the camera is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.capture import MOST_SPREAD
from posture_monitor.posture.metrics import ROW, SURE_SIZE, Reason
from posture_monitor.posture.reading import View
from posture_monitor.service.collected import Collected


@dataclass(frozen=True)
class Quality:
    """How good a captured posture is: a word, and why, in plain words."""

    word: str
    why: str


def quality_of(neutral: Neutral, frames: Collected) -> Quality:
    """Return how good a capture is: how still it was kept, how large the head is, how often all was well."""
    measured = frames.measured()
    well = frames.doubts.count(Reason.OK) / len(frames)
    steady = 1.0 - max(
        (neutral.spread[ROW[name]] / most) for name, most in MOST_SPREAD.items() if np.isfinite(neutral[name])
    )
    near = neutral["face_size"] / (2 * SURE_SIZE)
    sure = float(np.median(measured.confidence[measured.present]))
    parts = {
        "steady": 0.4 + steady,
        "near": near if neutral.view is not View.SIDE else 1.0,
        "sure": sure * well,
    }
    score = min(parts.values())
    word = "Very good" if score >= 0.9 else "Good" if score >= 0.65 else "Usable"
    if score >= 0.65:
        why = "steady and clearly seen"
    else:
        why = {
            "steady": "you moved a little, so posture is judged more loosely",
            "near": "you are far from the camera, so posture is judged more loosely",
            "sure": "face and shoulders were not always seen clearly",
        }[min(parts, key=lambda name: parts[name])]
    return Quality(word, why)


#: What can be measured of a posture, in plain words, by the metrics of which one will do.
_WHAT: Final = (
    (("head_height",), "head sinking towards the shoulders"),
    (("distance",), "distance from the screen"),
    (("trunk_incl",), "trunk leaning forward or back"),
    (("neck_incl", "fsr"), "head carried forward"),
    (("head_roll",), "head tilted"),
    (("shoulder_tilt",), "one shoulder lower"),
    (("lateral_head",), "leaning sideways"),
)


def measurable(neutral: Neutral) -> tuple[list[str], list[str]]:
    """Return what can be measured from where the camera is, and what cannot, in plain words."""
    can = [text for names, text in _WHAT if any(name in neutral.measurable for name in names)]
    cannot = [text for _, text in _WHAT if text not in can]
    return can, cannot


def why_not(neutral: Neutral) -> str:
    """Return in one sentence what keeps the rest from being measured, and what would help."""
    if neutral.view is View.FRONT:
        return "That takes a camera at your side that sees shoulders and hips."
    if neutral.view is not View.SIDE and "trunk_incl" not in neutral.measurable:
        return "That takes a camera that sees your hips as well."
    return "That takes a camera in front of you." if "lateral_head" not in neutral.measurable else ""
