"""Has anything moved since the last look? A small grey copy tells, at a hundredth of the model's cost."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from posture_monitor.sensing.opencv import cv2

Grey = npt.NDArray[np.uint8]

#: Cells across and down, whatever the shape of the picture: a face before a webcam is 4 to 8 of them wide.
ACROSS: Final = 32
DOWN: Final = 24

# Thresholds, in grey values 0..255, set on real pictures brought to 640 x 480 (17 webcam stills, bright and
# dim, with noise of 5 added; clips of the room):
#   what must be seen: the head alone 5 px lower (about half a centimetre): 17 of 17; 4 px: 15 of 17;
#     5 % larger (3 cm nearer): 15 of 17, 8 %: all; clips of a head turning, of hands: every half second
#   what must not be: noise of 30 in every pixel: no cell differs by more than 5.6; brightness times 0.7 to
#     1.2: none moved; somebody sitting still, looks 0.5 to 2 s apart: none of 20; an empty room: none

#: A cell has changed that differs by so much, in a picture with the contrast of a lit room ...
CHANGED: Final = 12.0
#: ... which is this standard deviation (undisturbed pictures have 45 to 77); in flatter ones, in proportion
FULL_CONTRAST: Final = 45.0
#: but never so little that noise reaches it.
CHANGED_AT_LEAST: Final = 6.0
#: So many changed cells are a movement; fewer are a reflection or a blinking lamp.
CHANGED_CELLS: Final = 3


def thumbnail(image: npt.NDArray[np.uint8]) -> Grey:
    """Return a grey copy ``(24, 32)`` of a picture ``(height, width, 3)`` BGR.

    Each cell is the mean of its part of the picture, in which the noise of
    single pixels is lost.
    """
    # Grey first: two of three channels less to shrink.
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (ACROSS, DOWN), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def moved(a: Grey, b: Grey) -> bool:
    """Return whether something moved between two thumbnails.

    Compare with the picture that was last *looked at*, not with the one before:
    then what creeps is seen as well, as soon as it has come far enough.
    """
    limit = max(CHANGED_AT_LEAST, CHANGED * min(1.0, float(a.std()) / FULL_CONTRAST))
    return int(np.count_nonzero(np.abs(_differences(a, b)) >= limit)) >= CHANGED_CELLS


def _differences(a: Grey, b: Grey) -> npt.NDArray[np.float32]:
    """Return how much each cell of `b` differs from what `a` would be in the light of `b`.

    Light and exposure change all cells alike, by a gain and an offset: those of
    the line through the middles of the darker and of the brighter half, which
    what moves in a part of the picture hardly shifts.
    """
    before, after = a.astype(np.float32), b.astype(np.float32)
    bright = before > np.median(before)
    if not bright.any():
        return np.asarray(after - before - np.median(after - before), dtype=np.float32)
    low, high = np.median(before[~bright]), np.median(before[bright])
    low_after, high_after = np.median(after[~bright]), np.median(after[bright])
    gain = np.clip((high_after - low_after) / (high - low), 0.25, 4.0)
    return np.asarray(after - np.clip(low_after + gain * (before - low), 0.0, 255.0), dtype=np.float32)
