"""Is a picture good enough to judge by? Cheap numbers from a small grey copy of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.trouble import COVERED_STD, COVERED_STD_IN_THE_DARK, TOO_DARK_MEAN

Grey = npt.NDArray[np.uint8]

#: Width of the grey copy, in pixels. Enough for light and focus, and a hundredth of the work.
THUMBNAIL_WIDTH = 160

# Thresholds, for grey values 0..255 of the thumbnail without letterbox bars.
# Set by darkening, fading and blurring eight real webcam stills (224 x 224) until
# the pose model fails; error is that of eyes and shoulders, in eye distances:
#   mean 25: error 0.10;  mean 18: 0.13;  mean 8: 6 of 8 persons not found
#   standard deviation 33: 0.07;  13: 0.21;  6.6: none found
#   sharpness 0.003-0.005 (sigma 2 px): 0.05;  0.001 (4 px): 0.12;  0.0005 (6 px): 0.20
# Undisturbed real frames: mean 55-169, deviation 45-77, sharpness 0.03-0.6; the
# dim session (mean 55-62) is judged well and must stay so.

#: Mean below which not even somebody whom the model finds there is to be judged. Down to it, it finds them
#: well in what `brightening` makes of the picture (docs/accuracy.md, *dark pictures*).
LEAST_MEAN = 12.0
#: Grey of the brightest fiftieth of the picture at which something in it is well lit.
WELL_LIT = 60.0
#: Sharpness below which the picture is blurred: the variance of the Laplacian over that of grey, which is
#: detail per contrast, so that dim and bright pictures compare.
BLURRED_SHARPNESS = 0.002

#: Part of the picture's height that is of one tone where the rest of a picture is missing: less hides
#: little of a person. Letterbox bars are darker than the first tone, and glare is brighter than the last.
_CUT_OFF_PART, _CUT_OFF_TONES = 1 / 8, (17, 249)
#: In the first row of a photograph this part of the pixels, and more, are unlike the one beside them.
_UNEVEN = 0.1

#: A row or column this dark and this even belongs to a letterbox bar.
_BAR_LEVEL = 16
#: Bars beyond this share of the picture are darkness, not letterbox.
_BAR_SHARE = 0.8

_DOUBTS = {"too dark": Reason.DARK, "covered": Reason.COVERED, "blurred": Reason.BLURRED}


@dataclass(frozen=True)
class Quality:
    """Light of one picture, and whether it can be judged by.

    Attributes
    ----------
    mean, contrast
        Mean and standard deviation of grey, 0..255, letterbox bars left out.
    reason
        ``""`` if the picture can be judged by, else ``"too dark"``,
        ``"covered"`` (lens covered, or nothing but one tone) or ``"blurred"``.
    """

    mean: float
    contrast: float
    reason: str

    def doubt(self, *, somebody: bool) -> Reason:
        """Return what about the picture forbids a verdict; ``Reason.OK`` if nothing.

        Parameters
        ----------
        somebody
            Whether the model found anybody: that it finds nobody in the dark says nothing, but who is
            found there can be judged, down to `LEAST_MEAN`.
        """
        if somebody and self.reason == "too dark" and self.mean >= LEAST_MEAN:
            return Reason.OK
        return _DOUBTS.get(self.reason, Reason.OK)


def thumbnail(image: npt.NDArray[np.uint8]) -> Grey:
    """Return a grey copy, at most 160 pixels wide, of a picture ``(height, width, 3)`` BGR."""
    # Grey first: two of three channels less to shrink.
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    if width > THUMBNAIL_WIDTH:
        small = (THUMBNAIL_WIDTH, max(1, round(height * THUMBNAIL_WIDTH / width)))
        grey = cv2.resize(grey, small, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8)


def without_bars(grey: Grey) -> Grey:
    """Return the part of a thumbnail between letterbox bars (black, even, at opposite edges or one)."""
    lit = grey > _BAR_LEVEL
    rows, columns = np.flatnonzero(lit.mean(axis=1) > 0.02), np.flatnonzero(lit.mean(axis=0) > 0.02)
    if not len(rows) or not len(columns):
        return grey
    inner = grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return inner if inner.size >= (1 - _BAR_SHARE) * grey.size else grey


def cut_off(image: npt.NDArray[np.uint8]) -> bool:
    """Return whether the lower part of a picture ``(height, width, 3)`` BGR never arrived.

    What is missing of a JPEG, a decoder fills with the tone of the last block that is there. No
    camera's picture is that even.
    """
    tone, height = image[-1, 0], len(image)
    if not _CUT_OFF_TONES[0] <= tone.mean() <= _CUT_OFF_TONES[1]:
        return False
    lowest = image[height - max(1, round(height * _CUT_OFF_PART)) :]
    # Its last row tells of nearly every picture that it is whole. What is drawn may be as even above.
    if (lowest[-1] != tone).any() or (lowest != tone).any():
        return False
    return bool((image[0, 1:] != image[0, :-1]).any(axis=1).mean() > _UNEVEN)


def quality(image: npt.NDArray[np.uint8]) -> Quality:
    """Return light and focus of a picture ``(height, width, 3)`` BGR."""
    grey = without_bars(thumbnail(image))
    mean, contrast = float(grey.mean()), float(grey.std())
    sharpness = float(cv2.Laplacian(grey, cv2.CV_32F).var()) / max(contrast**2, 1.0)
    reason = ""
    if mean < TOO_DARK_MEAN and float(np.percentile(grey, 98)) < WELL_LIT:
        reason = "covered" if contrast < COVERED_STD_IN_THE_DARK else "too dark"
    elif contrast < COVERED_STD:
        reason = "covered"
    elif sharpness < BLURRED_SHARPNESS:
        reason = "blurred"
    return Quality(mean, contrast, reason)
