"""Which of the people in a picture is the one who was calibrated."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.judge import NOBODY_BELOW
from posture_monitor.posture.metrics import Measurement, measure
from posture_monitor.posture.reading import View

#: Two detections nearer than this (shoulder widths) are one person seen twice.
TWICE = 0.35
#: Without a neutral, somebody at least this much of the size of the largest makes it unclear who is meant.
RIVAL = 0.6
#: With one, a second person must be this much worse a fit (in the unit of `_misfit`) to be left out.
CLEARER_BY = 0.5
#: Who keeps their seat fits this well (in the same unit): labelled people who sit well stay within 0.65.
KEPT_SEAT = 1.0


@dataclass(frozen=True)
class Choice:
    """Who is meant.

    Attributes
    ----------
    index
        Of the chosen person; None if nobody is there.
    crowd
        Somebody else might be meant as well.
    """

    index: int | None
    crowd: bool = False


def choose(people: npt.NDArray[Any], size: npt.NDArray[Any], neutral: Neutral | None = None) -> Choice:
    """Choose the person to judge, by place and size.

    Parameters
    ----------
    people
        ``(P, 33, 4)`` landmarks of one picture.
    size
        ``(2,)`` width and height in pixels.
    neutral
        Where and how large the calibrated person is; None takes the largest.
    """
    count = people.shape[0]
    if count == 0 or not np.isfinite(people[:, 0, 0]).any():
        return Choice(None)
    if count == 1:
        return Choice(0)
    seen = measure(people, size)
    face = np.nan_to_num(seen["face_size"])
    place = np.stack((seen["head_shift"], seen["head_drop"]), axis=1)
    if neutral is None or not math.isfinite(neutral["face_size"]):
        misfit = -np.log(np.maximum(face, 1e-6))
        clearer_by = -math.log(RIVAL)
    else:
        misfit = _misfit(face, place, neutral)
        clearer_by = CLEARER_BY
    order = np.argsort(misfit, kind="stable")
    best = int(order[0])
    if not face[best] > 0:
        return Choice(None)
    for other in order[1:]:
        apart = np.hypot(*(place[other] - place[best])) / seen.shoulders[best]
        if apart < TWICE or face[other] < NOBODY_BELOW:
            continue
        return Choice(best, crowd=bool(misfit[other] - misfit[best] < clearer_by))
    return Choice(best)


def fitting(
    neutrals: Sequence[Neutral], face_size: float, head_shift: float, head_drop: float
) -> tuple[int, float]:
    """Return which neutral fits somebody's place and size best, and how badly it fits (see `_misfit`)."""
    face, place = np.array([face_size]), np.array([[head_shift, head_drop]])
    misfits = [float(_misfit(face, place, neutral)[0]) for neutral in neutrals]
    best = int(np.argmin(misfits))
    return best, misfits[best]


def in_seat(measurement: Measurement, neutral: Neutral) -> npt.NDArray[np.bool_]:
    """Return in which of ``N`` frames, ``(N,)``, a face is where it is of somebody who keeps this seat.

    From the side any is: there people lean and roll along the picture. So it is for a neutral that knows no
    place, as of a starter profile.
    """
    face = measurement["face_size"]
    if neutral.view is View.SIDE or not math.isfinite(neutral["head_shift"]):
        return np.isfinite(face)
    place = np.stack((measurement["head_shift"], measurement["head_drop"]), axis=1)
    return np.isfinite(face) & (_misfit(face, place, neutral) <= KEPT_SEAT)


def _misfit(face: npt.NDArray[Any], place: npt.NDArray[Any], neutral: Neutral) -> npt.NDArray[Any]:
    """Return how badly each person fits: shoulder widths away plus the log of how much larger or smaller."""
    home = np.array([neutral["head_shift"], neutral["head_drop"]])
    apart = np.hypot(*(place - home).T) / neutral.shoulders
    scale = np.abs(np.log(np.maximum(face, 1e-6) / neutral["face_size"]))
    return np.asarray(np.nan_to_num(apart, nan=9.0) + scale)
