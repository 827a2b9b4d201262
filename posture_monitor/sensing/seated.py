"""A second look at the calibrated seat, where all that were found in the picture sit or stand elsewhere.

Of two people who are plain to see the pose model often finds one alone: whoever
leans in, or passes by behind, hides the one in the seat from it. In a picture of
the seat alone it finds them.
"""

from __future__ import annotations

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

#: How far the seat reaches from where the head is when neutral, in shoulder widths: head and shoulders, and
#: room to move in, but no room for a second person.
BESIDE, ABOVE, BELOW = 1.1, 1.0, 1.2


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
    if neutral is None or not len(people):
        return people
    if in_seat(measure(people, np.array([width, height])), neutral).any():
        return people
    x, y = neutral["head_shift"] * height, neutral["head_drop"] * height
    reach = neutral.shoulders * height
    left, right = np.clip([x - BESIDE * reach, x + BESIDE * reach], 0, width).astype(int)
    top, bottom = np.clip([y - ABOVE * reach, y + BELOW * reach], 0, height).astype(int)
    if not (left < right and top < bottom):
        return people
    seated = estimator.detect(image[top:bottom, left:right])
    part = np.array([right - left, bottom - top]) / (width, height)
    seated[..., :2] = seated[..., :2] * part + (left / width, top / height)
    for person in people:
        seated = still.others(person, seated)
    return np.concatenate((people, seated))
