"""Dark pictures, brightened before the pose model looks at them.

The model was trained on well lit people. In the dark it puts eyes, ears and
shoulders less surely, or finds nobody. A gain brings back what a short exposure
took. It brings out the sensor's noise as well, which the model bears still less
than the dark, so that the picture is smoothed before: without that,
brightening does harm.

The brightest twentieth of a picture says how dark it is, which neither letterbox
bars nor dark clothes change. On twenty pictures darkened to a mean grey of 35 to
18, with noise of standard deviation 1.5 to 5, eyes, ears and shoulders were off
by 0.07 to 0.17 eye distances as they were (in the worst noise 3 of 20 people were
not found), and by 0.05 to 0.07 smoothed and brightened. Lighter ones gained nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from posture_monitor.sensing.opencv import cv2

#: Grey, 0..255, that a twentieth of a picture exceeds: below `DARK` it is brightened to `BRIGHT`. Well lit
#: people's pictures have 190 to 220, those in dim rooms 130 to 150.
DARK, BRIGHT = 90.0, 150.0
#: But by no more than this: in the dark there is noise, and nothing to bring out.
MOST = 6.0
#: The Gaussian window that smooths reaches this part of the picture's shorter side to either hand: the model
#: looks at the same few pixels of a face however many the picture has.
REACH = 1 / 130
#: A picture is brought down to this shorter side, in pixels, before: a larger window would take longer than
#: the rest, for nothing.
SIDE = 480
#: So many columns, and rows as far apart, tell how bright a picture is.
_COLUMNS = 80


def brightened(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a picture ``(height, width, 3)`` RGB as it is; a dark one smoothed, brightened and no larger."""
    step = max(1, image.shape[1] // _COLUMNS)
    some = cv2.cvtColor(np.ascontiguousarray(image[::step, ::step]), cv2.COLOR_RGB2GRAY)
    tone = float(np.percentile(some, 95))
    if tone >= DARK:
        return image
    gain = min(BRIGHT / max(tone, 1.0), MOST)
    return np.asarray(cv2.convertScaleAbs(smoothed(image), alpha=gain), dtype=np.uint8)


def smoothed(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a picture ``(height, width, 3)``, no larger, with less of the grain that hides people."""
    if (part := SIDE / min(image.shape[:2])) < 1:
        image = np.asarray(
            cv2.resize(image, None, fx=part, fy=part, interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
    side = 2 * round(REACH * min(image.shape[:2])) + 1
    return np.asarray(cv2.GaussianBlur(image, (side, side), 0), dtype=np.uint8)
