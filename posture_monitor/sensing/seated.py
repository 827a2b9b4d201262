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
#: While one of the two looks, at the whole picture or at the seat alone, tells all there is, the other is
#: made this seldom (our own choice): both each time would double the work for hours.
OTHER_EVERY_S = 30.0


class SeatWatch:
    """Finds the people in a camera's pictures, one after another, mostly in one look at each.

    An empty seat is seldom looked at again: whoever stands or has moved aside would have two looks made of
    each picture. And where somebody hides the one in the seat, it is the whole that seldom is.
    """

    def __init__(self) -> None:
        self._whole_s = self._again_s = self._taken_s = -math.inf
        #: Who hid the one in the seat when the whole picture was last looked at.
        self._hiding: People | None = None

    def people(self, estimator: PoseEstimator, image: Picture, neutral: Neutral | None, t_s: float) -> People:
        """Return people as `with_seated` does, of a picture taken at `t_s` (monotonic seconds)."""
        hiding, self._hiding = self._hiding, None
        lately = t_s - self._whole_s < OTHER_EVERY_S
        if neutral is not None and hiding is not None and lately and _elsewhere(hiding, image, neutral):
            seated = _alone(estimator, image, neutral)
            if len(seated):
                self._hiding, self._taken_s = hiding, t_s
                return np.concatenate((hiding, seated))
        people = estimator.detect(image)
        self._whole_s = t_s
        if neutral is None or not _elsewhere(people, image, neutral):
            if len(people):
                self._taken_s = t_s
            return people
        # Whoever was there a moment ago may be hidden; a seat that stays empty is no news.
        if t_s - self._taken_s >= OTHER_EVERY_S > t_s - self._again_s:
            return people
        self._again_s = t_s
        both = with_seated(estimator, image, people, neutral)
        if len(both) > len(people):
            self._hiding, self._taken_s = people, t_s
        return both


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
    if neutral is None or math.isnan(neutral["head_shift"]) or not _elsewhere(people, image, neutral):
        return people
    seated = _alone(estimator, image, neutral)
    for person in people:
        seated = still.others(person, seated)
    return np.concatenate((people, seated))


def _elsewhere(people: People, image: Picture, neutral: Neutral) -> bool:
    """Say whether there are people, and none of them in the seat of `neutral`."""
    return len(people) > 0 and not _in_seat(people, image, neutral).any()


def _in_seat(people: People, image: Picture, neutral: Neutral) -> npt.NDArray[np.bool_]:
    return in_seat(measure(people, np.array([image.shape[1], image.shape[0]])), neutral)


def _alone(estimator: PoseEstimator, image: Picture, neutral: Neutral) -> People:
    """Return who is found in the seat where all beside it is painted over.

    Whoever sits at its edge is cut by that, and may be taken for another body there.
    """
    height, width = image.shape[:2]
    middle, reach = neutral["head_shift"] * height, BESIDE * neutral.shoulders * height
    left, right = np.clip([middle - reach, middle + reach], 0, width).astype(int)
    alone = np.empty_like(image)
    alone[:] = image.mean(axis=(0, 1))
    alone[:, left:right] = image[:, left:right]
    people = estimator.detect(alone)
    return people[_in_seat(people, image, neutral)]
