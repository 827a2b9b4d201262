"""Random people before random cameras, for properties that must hold for everybody (see `rig`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import rig
from hypothesis import strategies as st
from rig import Body, Camera, Pose, render

from posture_monitor.posture.baseline import Neutral, neutral_of
from posture_monitor.posture.judge import Judgement, judge
from posture_monitor.posture.metrics import Measurement, measure

Landmarks = npt.NDArray[np.float32]

#: Landmark order after left and right have changed places.
SWAPPED = np.arange(33)
for _left, _right in [
    *((1, 4), (2, 5), (3, 6), (7, 8), (9, 10)),
    *((i, i + 1) for i in range(11, 33, 2)),
]:
    SWAPPED[[_left, _right]] = _right, _left


def bodies() -> st.SearchStrategy[Body]:
    return st.integers(0, 2**32 - 1).map(lambda seed: Body.random(np.random.default_rng(seed)))


@st.composite
def webcams(draw: st.DrawFn, body: Body) -> Camera:
    """Return a webcam on laptop or monitor: from eye height to 25 cm below, 0.55 to 0.95 m from the eyes,
    up to 15 degrees to the side, and aimed so that head and shoulders are in the picture."""
    below_m = draw(st.floats(0.0, 0.25))
    distance_m = draw(st.floats(0.55, 0.95))
    hfov = draw(st.floats(60, 75))
    place = draw(st.floats(0.55, 0.8))  # of the shoulders in the lower half of the picture
    half = np.degrees(np.arctan(0.75 * np.tan(np.radians(hfov / 2))))
    to_eyes = np.degrees(np.arctan2(below_m, distance_m))
    to_shoulders = np.degrees(np.arctan2(below_m - body.neck_m - 0.02, distance_m + 0.11))
    return Camera(
        azimuth_deg=draw(st.floats(-15, 15)),
        height_m=rig.eye_height_m(body) - below_m,
        # Eyes are 0.11 m before the axis that the camera's distance is measured from.
        distance_m=distance_m + 0.11,
        tilt_deg=-float(max(to_shoulders + place * half, to_eyes - 0.65 * half)),
        hfov_deg=hfov,
        k1=draw(st.floats(-0.12, 0.0)),
    )


@st.composite
def sitters(draw: st.DrawFn) -> tuple[Body, Camera]:
    body = draw(bodies())
    return body, draw(webcams(body))


def upright(body: Body, camera: Camera, **options: Any) -> Neutral:
    """Return the neutral posture of a body that sits as the rig's bodies do."""
    landmarks, size = render(body, Pose(lean=np.zeros(3)), camera, **options)
    return neutral_of(measure(landmarks, size))


def judged(
    body: Body, pose: Pose, camera: Camera, neutral: Neutral, **options: Any
) -> tuple[Measurement, Judgement]:
    """Return a pose, as seen and as judged."""
    landmarks, size = render(body, pose, camera, **options)
    measurement = neutral.measure(landmarks, size)
    return measurement, judge(measurement, neutral)
