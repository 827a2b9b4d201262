"""Landmarks: which point is which, and their way into pixels."""

from __future__ import annotations

import numpy as np
from rig import Body, Camera, Pose, render

from posture_monitor.posture import landmarks as lm


def test_nobody_is_all_nan() -> None:
    empty = lm.nobody(3)
    assert empty.shape == (3, lm.COUNT, 4)
    assert empty.dtype == np.float32
    assert np.isnan(empty).all()


def test_pixels_come_landmark_first_and_in_double_precision() -> None:
    rng = np.random.default_rng(1)
    landmarks = rng.random((5, 33, 4)).astype(np.float32)
    x, y = lm.to_pixels(landmarks, np.array([640, 480]))
    assert x.shape == y.shape == (33, 5)
    assert x.dtype == y.dtype == np.float64
    np.testing.assert_allclose(x[7, 3], float(landmarks[3, 7, 0]) * 640, rtol=1e-12)
    np.testing.assert_allclose(y[7, 3], float(landmarks[3, 7, 1]) * 480, rtol=1e-12)


def test_each_frame_may_have_a_size_of_its_own() -> None:
    landmarks = np.full((2, 33, 4), 0.5)
    x, y = lm.to_pixels(landmarks, np.array([[640, 480], [1280, 720]]))
    np.testing.assert_array_equal(x[0], [320, 640])
    np.testing.assert_array_equal(y[0], [240, 360])


def test_names_are_where_the_body_has_them() -> None:
    """From the front the person's left is on the picture's right, and the body is upside up."""
    seen, size = render(Body(), Pose(), Camera(distance_m=2.0), invent_hips=False, desk=None)
    x, y = (value[:, 0] for value in lm.to_pixels(seen, size))
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
