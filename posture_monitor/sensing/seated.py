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
    height, width = image.shape[:2]
    if neutral is None or math.isnan(neutral["head_shift"]) or not len(people):
        return people
    if in_seat(measure(people, np.array([width, height])), neutral).any():
        return people
    middle, reach = neutral["head_shift"] * height, BESIDE * neutral.shoulders * height
    left, right = np.clip([middle - reach, middle + reach], 0, width).astype(int)
    alone = np.empty_like(image)
    alone[:] = image.mean(axis=(0, 1))
    alone[:, left:right] = image[:, left:right]
    seated = estimator.detect(alone)
    for person in people:
        seated = still.others(person, seated)
    return np.concatenate((people, seated))
