"""One moment as the preview shows it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_monitor.service.status import Status

Points = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shot:
    """One moment as it is shown.

    Attributes
    ----------
    number
        Grows with every new moment; 0 before the first.
    status
        What is judged, of the running monitor or our own.
    width, height
        Of the picture, in pixels; 0 where there is none.
    landmarks, neutral
        ``(33, 4)`` of who is there, and of their neutral posture (`outline`); None where there is none.
    jpeg, image
        The picture: compressed, or ``(height, width, 3)`` BGR; both None where there is none.
    judged_ms
        What finding the body took, in milliseconds; None where that is not known.
    rate
        Moments a second; None before there are two.
    lost
        Why there is nothing to show, ``""`` if there is.
    """

    number: int = 0
    status: Status = Status()  # noqa: RUF009 - frozen
    wall_s: float = math.nan
    width: int = 0
    height: int = 0
    landmarks: Points | None = None
    neutral: Points | None = None
    jpeg: bytes | None = None
    image: npt.NDArray[np.uint8] | None = None
    judged_ms: float | None = None
    rate: float | None = None
    lost: str = ""
