"""From where the camera sees the trunk: front, oblique or side."""

from __future__ import annotations

import math
from functools import lru_cache

from posture_monitor.posture.arithmetic import Arithmetic, Many, Number, Slope, finite
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


_FRONT, _OBLIQUE, _SIDE, _UNKNOWN = map(VIEWS.index, (View.FRONT, View.OBLIQUE, View.SIDE, View.UNKNOWN))


def classify(
    shoulders_cm: Number, head_yaw: Slope, azimuth_deg: float | None = None, m: Arithmetic = Many
) -> tuple[Number, Number]:
    """Tell the view and the trunk's azimuth.

    Parameters
    ----------
    shoulders_cm
        Apparent shoulder width over face scale (`head.head_pose`).
    head_yaw
        Turn of the head against the line to the camera (`head.HeadPose`).
    azimuth_deg
        The azimuth found at calibration, if any; angles are corrected with this
        one. A turned trunk still shows in the view: before a camera in front it
        is seen under the azimuth estimated here.
    m
        The arithmetic of what is given: plain numbers, or arrays ``(N,)``.

    Returns
    -------
    view, azimuth
        Codes into `reading.VIEWS`, and degrees, 0 front to 90 side.
    """
    part = shoulders_cm / FRONT_SHOULDERS_CM
    azimuth: Number
    if azimuth_deg is None:
        azimuth = _estimated(part, head_yaw, m)
        front_above = m.where(azimuth < OBLIQUE_FROM_DEG, FRONT_ABOVE, math.inf)
        side_below = SIDE_BELOW
    else:
        azimuth = float(azimuth_deg)
        front_above, side_below = _kept(azimuth)
    view = m.where(part >= front_above, _FRONT, _OBLIQUE)
    view = m.where(part < side_below, _SIDE, view)
    view = m.where(finite(part), view, _UNKNOWN)
    if azimuth_deg is not None and azimuth_deg < OBLIQUE_FROM_DEG and m.any(view == _OBLIQUE):
        azimuth = m.where(view == _OBLIQUE, _estimated(part, head_yaw, m), azimuth)
    # From the side the foreshortening is below 10 %, less than the estimate's own error.
    return view, m.where(view == _SIDE, 90.0, azimuth)


@lru_cache(maxsize=16)
def _kept(azimuth_deg: float) -> tuple[float, float]:
    """Return from which part of `FRONT_SHOULDERS_CM` on a place shows the front, and below which the side."""
    expected = math.cos(math.radians(azimuth_deg))
    if expected < SIDE_BELOW:
        return FRONT_ABOVE, SIDE_KEPT_BELOW
    if azimuth_deg >= OBLIQUE_FROM_DEG:
        return max(FRONT_ABOVE, KEPT_UNTIL[0] * expected), min(SIDE_BELOW, KEPT_UNTIL[1] * expected)
    return FRONT_ABOVE, SIDE_BELOW


def _estimated(part: Number, head_yaw: Slope, m: Arithmetic) -> Number:
    """Return the azimuth in degrees by how narrow the shoulders look and how far the face is turned."""
    (head_yaw_deg,) = m.directions([head_yaw])
    shoulders = m.arccos(m.clip(part, 0.0, 1.0))
    weight = 0.5 * m.clip((SHOULDERS_FROM_DEG - shoulders) / (SHOULDERS_FROM_DEG - FACE_UNTIL_DEG), 0.0, 1.0)
    more = m.clip(abs(head_yaw_deg) - shoulders, -FACE_MAY_DIFFER_DEG, FACE_MAY_DIFFER_DEG)
    return shoulders + weight * more
