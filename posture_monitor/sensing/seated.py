"""A second look at the calibrated seat, where all that were found in the picture sit or stand elsewhere.

Of two people who are plain to see the pose model often finds one alone: whoever
leans in, or passes by behind, hides the one in the seat from it. Where all beside
the seat is painted over it finds them. The picture keeps its size: of a part cut
out of it the model places its points otherwise, by as much as a slouch is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.metrics import measure
from posture_monitor.posture.person import in_seat
from posture_monitor.sensing import still
from posture_monitor.sensing.pose import PoseEstimator

Picture = npt.NDArray[Any]
People = npt.NDArray[np.float32]

#: How far the seat reaches to either side from where the head is when neutral, in shoulder widths: room to
#: move in, but none for a second person.
BESIDE = 1.1
#: A seat in which nobody was found for so long is looked at again this seldom (our own choice): whoever
#: stands or has moved aside would have each picture looked at twice for hours.
EMPTY_EVERY_S = 30.0


class SeatWatch:
    """Finds the people in a camera's pictures, one after another, in one look at most of them."""

    def __init__(self) -> None:
        self._taken_s = self._again_s = -math.inf

    def people(self, estimator: PoseEstimator, image: Picture, neutral: Neutral | None, t_s: float) -> People:
        """Return people as `with_seated` does, of a picture taken at `t_s` (monotonic seconds)."""
        people = estimator.detect(image)
        if neutral is None:
            return people
        # Whoever was there a moment ago may be hidden; a seat that stays empty is no news.
        lately, due = t_s - self._taken_s < EMPTY_EVERY_S, t_s - self._again_s >= EMPTY_EVERY_S
        empty = _elsewhere(people, image, neutral)
        if empty and (lately or due):
            self._again_s = t_s
            hidden = _hidden(estimator, image, people, neutral)
            people, empty = np.concatenate((people, hidden)), not len(hidden)
        if len(people) and not empty:
            self._taken_s = t_s
        return people


def with_seated(estimator: PoseEstimator, image: Picture, people: People, neutral: Neutral | None) -> People:
    """Return people ``(P, 33, 4)`` and, if all of them are elsewhere, who is found in the seat of `neutral`.

    Parameters
    ----------
    estimator
        For stills.
    image
        ``(height, width, 3)`` BGR, in which `people` were found.
    neutral
        Whose seat it is; None, or one that knows no place, has none.
    """
    if neutral is None or not _elsewhere(people, image, neutral):
        return people
    return np.concatenate((people, _hidden(estimator, image, people, neutral)))


def _elsewhere(people: People, image: Picture, neutral: Neutral) -> bool:
    """Say whether there are people, and none of them in the seat of `neutral`, if it knows of one."""
    if math.isnan(neutral["head_shift"]) or not len(people):
        return False
    return not _in_seat(people, image, neutral).any()


def _in_seat(people: People, image: Picture, neutral: Neutral) -> npt.NDArray[np.bool_]:
    return in_seat(measure(people, np.array([image.shape[1], image.shape[0]])), neutral)


def _hidden(estimator: PoseEstimator, image: Picture, people: People, neutral: Neutral) -> People:
    """Return who is found in the seat, and is none of `people`, where all beside it is painted over.

    Whoever sits at its edge is cut by that, and may be taken for another body there.
    """
    height, width = image.shape[:2]
    middle, reach = neutral["head_shift"] * height, BESIDE * neutral.shoulders * height
    left, right = np.clip([middle - reach, middle + reach], 0, width).astype(int)
    alone = np.empty_like(image)
    alone[:] = image.mean(axis=(0, 1))
    alone[:, left:right] = image[:, left:right]
    found = estimator.detect(alone)
    found = found[_in_seat(found, image, neutral)]
    for person in people:
        found = still.others(person, found)
    return found
