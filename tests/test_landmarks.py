"""Landmarks: which point is which."""

from __future__ import annotations

import numpy as np
from rig import Body, Camera, Pose, render

from posture_monitor.posture import landmarks as lm


def test_nobody_is_all_nan() -> None:
    empty = lm.nobody(3)
    assert empty.shape == (3, lm.COUNT, 4)
    assert empty.dtype == np.float32
    assert np.isnan(empty).all()


def test_names_are_where_the_body_has_them() -> None:
    """From the front the person's left is on the picture's right, and the body is upside up."""
    seen, _ = render(Body(), Pose(), Camera(distance_m=2.0), invent_hips=False, desk=None)
    x, y = seen[0, :, 0], seen[0, :, 1]
    for left, right in (
        (lm.LEFT_EYE_INNER, lm.RIGHT_EYE_INNER),
        (lm.LEFT_EYE, lm.RIGHT_EYE),
        (lm.LEFT_EYE_OUTER, lm.RIGHT_EYE_OUTER),
        (lm.LEFT_EAR, lm.RIGHT_EAR),
        (lm.MOUTH_LEFT, lm.MOUTH_RIGHT),
        (lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER),
        (lm.LEFT_ELBOW, lm.RIGHT_ELBOW),
        (lm.LEFT_WRIST, lm.RIGHT_WRIST),
        (lm.LEFT_HIP, lm.RIGHT_HIP),
    ):
        assert x[left] > x[right]
    assert x[lm.LEFT_EAR] > x[lm.LEFT_EYE_OUTER] > x[lm.LEFT_EYE] > x[lm.LEFT_EYE_INNER] > x[lm.NOSE]
    heights = [lm.LEFT_EYE, lm.NOSE, lm.MOUTH_LEFT, lm.LEFT_SHOULDER, lm.LEFT_HIP]
    assert (np.diff(y[heights]) > 0).all()
