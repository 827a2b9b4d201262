"""From where the camera sees the trunk: front, oblique or side."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.reading import VIEWS, View

#: Shoulder width, as the model marks it, in centimetres at the depth of the
#: head, of an adult seen from the front. Measured on eleven people in webcam
#: pictures: 28 to 37, median 32.5.
FRONT_SHOULDERS_CM = 32.5
#: Below 40 % of that the trunk is turned by more than about 65°: a side view.
SIDE_BELOW = 0.4
#: Below 72 % it is turned by more than people differ from one another.
FRONT_ABOVE = 0.72
#: Above it shoulders alone cannot tell narrow ones from turned ones. The view is
#: oblique from this azimuth (degrees) on if the face is turned as well, so that
#: the mean of both estimates reaches it.
OBLIQUE_FROM_DEG = 27.0
#: The face's turn gets half of the weight up to the first azimuth (degrees) and
#: none from the second on. An error of 8 % in shoulder width, as people differ,
#: is one of 8° at an azimuth of 30° but of 3° at 60°; a face is turned against
#: its trunk by some 8° whatever the azimuth.
FACE_UNTIL_DEG, SHOULDERS_FROM_DEG = 30.0, 60.0
#: A face turned this much (degrees) more or less than the shoulders is turned
#: against its trunk, towards a second monitor or the camera, and counts no further.
FACE_MAY_DIFFER_DEG = 15.0
#: Where the camera's place is known from calibration, apparent shoulders must
#: become this many times wider or narrower than it lets expect before a body
#: that leans counts as seen from elsewhere.
KEPT_UNTIL = 1.2, 0.5
#: The same for a calibrated side view: a part of `FRONT_SHOULDERS_CM`.
SIDE_KEPT_BELOW = 0.55


def classify(
    shoulders_cm: Array, head_yaw_deg: Array, azimuth_deg: float | None = None
) -> tuple[npt.NDArray[np.int8], Array]:
    """Tell the view and the trunk's azimuth.

    Parameters
    ----------
    shoulders_cm
        ``(N,)`` apparent shoulder width over face scale (`head.head_pose`).
    head_yaw_deg
        ``(N,)`` turn of the head against the line to the camera; unused where
        the azimuth is given.
    azimuth_deg
        The azimuth found at calibration, if any; a turned trunk still shows in
        the view, but angles are corrected with this one.

    Returns
    -------
    view, azimuth
        ``(N,)`` codes into `reading.VIEWS`, and degrees, 0 front to 90 side.
    """
    part = shoulders_cm / FRONT_SHOULDERS_CM
    front_above: Array | float = FRONT_ABOVE
    side_below = SIDE_BELOW
    if azimuth_deg is None:
        azimuth = _estimated(part, head_yaw_deg)
        front_above = np.where(azimuth < OBLIQUE_FROM_DEG, FRONT_ABOVE, np.inf)
    else:
        azimuth = np.full(part.shape, float(azimuth_deg))
        expected = float(np.cos(np.radians(azimuth_deg)))
        if expected < SIDE_BELOW:
            side_below = SIDE_KEPT_BELOW
        elif azimuth_deg >= OBLIQUE_FROM_DEG:
            front_above = max(FRONT_ABOVE, KEPT_UNTIL[0] * expected)
            side_below = min(SIDE_BELOW, KEPT_UNTIL[1] * expected)
    view = np.full(part.shape, VIEWS.index(View.OBLIQUE), dtype=np.int8)
    view[part >= front_above] = VIEWS.index(View.FRONT)
    view[part < side_below] = VIEWS.index(View.SIDE)
    view[~np.isfinite(part)] = VIEWS.index(View.UNKNOWN)
    # From the side the foreshortening is below 10 %, less than the estimate's own error.
    azimuth = np.where(view == VIEWS.index(View.SIDE), 90.0, azimuth)
    return view, azimuth


def _estimated(part: Array, head_yaw_deg: Array) -> Array:
    """Return the azimuth in degrees by how narrow the shoulders look and how far the face is turned."""
    shoulders = np.degrees(np.arccos(np.clip(part, 0.0, 1.0)))
    weight = 0.5 * np.clip((SHOULDERS_FROM_DEG - shoulders) / (SHOULDERS_FROM_DEG - FACE_UNTIL_DEG), 0.0, 1.0)
    more = np.clip(np.abs(head_yaw_deg) - shoulders, -FACE_MAY_DIFFER_DEG, FACE_MAY_DIFFER_DEG)
    return np.asarray(shoulders + weight * more)
