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


def classify(
    shoulders_cm: Array, head_yaw_deg: Array, azimuth_deg: float | None = None
) -> tuple[npt.NDArray[np.int8], Array]:
    """Tell the view and the trunk's azimuth.

    Parameters
    ----------
    shoulders_cm
        ``(N,)`` apparent shoulder width over face scale (`head.head_pose`).
    head_yaw_deg
        ``(N,)`` turn of the head; unused where the azimuth is given.
    azimuth_deg
        The azimuth found at calibration, if any; a turned trunk still shows in
        the view, but angles are corrected with this one.

    Returns
    -------
    view, azimuth
        ``(N,)`` codes into `reading.VIEWS`, and degrees, 0 front to 90 side.
    """
    part = shoulders_cm / FRONT_SHOULDERS_CM
    view = np.full(part.shape, VIEWS.index(View.OBLIQUE), dtype=np.int8)
    view[part >= FRONT_ABOVE] = VIEWS.index(View.FRONT)
    view[part < SIDE_BELOW] = VIEWS.index(View.SIDE)
    view[~np.isfinite(part)] = VIEWS.index(View.UNKNOWN)
    if azimuth_deg is not None:
        azimuth = np.full(part.shape, float(azimuth_deg))
    else:
        azimuth = np.degrees(np.arccos(np.clip(part, 0.0, 1.0)))
    # From the side the foreshortening is below 10 %, less than the estimate's own error.
    azimuth = np.where(view == VIEWS.index(View.SIDE), 90.0, azimuth)
    return view, azimuth
