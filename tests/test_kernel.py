"""The kernel: the same bits for one frame and for many, and the results of its formulas in plain Python."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import kernel
import numpy as np
import numpy.typing as npt
import pytest
from plain_kernel import judge_frame
from rig import SIDE_CAMERA, Body, Camera, Pose, render

from posture_monitor.posture.arithmetic import BLOCK
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.judge import Limits, judge
from posture_monitor.posture.metrics import REASONS, measure

Landmarks = npt.NDArray[Any]
FRONT = Camera(distance_m=1.0)


def broken(n: int) -> Landmarks:
    """Return landmarks that no body has, with numbers missing, infinite and alike."""
    rng = np.random.default_rng(5)
    landmarks = rng.normal(0.5, 0.4, (n, 33, 4)).astype(np.float32)
    landmarks[..., 3] = rng.random((n, 33))
    for value in (np.nan, np.inf, -np.inf, 0.0, 0.5):
        landmarks[rng.random((n, 33, 4)) < 0.01] = value
    landmarks[5], landmarks[6, :, :2], landmarks[7] = 0.0, 0.5, np.nan
    return landmarks


def bits(values: npt.NDArray[Any]) -> list[Any]:
    """Return what tells numbers apart to the last bit, also the sign of a zero; NaN is NaN."""
    if values.dtype.kind != "f":
        return [values.dtype.str, values.tolist()]
    return [values.dtype.str, np.where(np.isnan(values), 1, values.view(np.uint64)).tolist()]


def assert_same_bits(landmarks: Landmarks, size: npt.NDArray[Any], neutral: Neutral, *, known: bool) -> None:
    n = len(landmarks)
    azimuth_deg, forward = (neutral.azimuth_deg, neutral.forward) if known else (None, None)
    rng = np.random.default_rng(n)
    doubts = [REASONS[code] for code in rng.integers(0, 16, n) * (rng.random(n) < 0.2)]
    whole = measure(landmarks, size, azimuth_deg=azimuth_deg, forward=forward)
    all_judged = judge(whole, neutral, None, doubts)
    pieces = [slice(i, i + 1) for i in range(0, n, 7)]
    for length in (2, 3, 7, 8, 9, 64, 1000):
        pieces += [slice(start, start + length) for start in (0, 1, n - length) if 0 <= start <= n - length]
    for piece in pieces:
        sizes = size if size.ndim == 1 else size[piece]
        part = measure(landmarks[piece], sizes, azimuth_deg=azimuth_deg, forward=forward)
        expected = whole.take(piece)
        for field in dataclasses.fields(part):
            assert bits(getattr(part, field.name)) == bits(getattr(expected, field.name)), field.name
        judged = judge(part, neutral, None, doubts[piece])
        for field in dataclasses.fields(judged):
            found, wanted = getattr(judged, field.name), getattr(all_judged, field.name)[..., piece]
            assert bits(found) == bits(wanted), field.name


@pytest.mark.parametrize("camera", [FRONT, Camera(azimuth_deg=45, distance_m=1.5), SIDE_CAMERA])
def test_one_frame_and_any_number_give_the_same_bits(camera: Camera) -> None:
    neutral = kernel.neutral(camera)
    landmarks = kernel.frames(BLOCK + 9, camera)
    # More than one block: the last one holds a few frames.
    assert_same_bits(landmarks[-1100:], kernel.SIZE, neutral, known=False)
    assert_same_bits(landmarks, kernel.SIZE, neutral, known=True)


@pytest.mark.parametrize("known", [True, False])
def test_broken_landmarks_give_the_same_bits(known: bool) -> None:
    size = np.random.default_rng(8).integers(1, 2000, (1200, 2))
    for camera in (FRONT, SIDE_CAMERA):
        assert_same_bits(broken(1200), size, kernel.neutral(camera), known=known)


@pytest.mark.data
def test_real_landmarks_give_the_same_bits(shared_data: Path) -> None:
    with np.load(shared_data / "landmarks" / "front_two_people.npz") as file:
        landmarks, size = file["landmarks"], file["size"]
    assert_same_bits(landmarks, size, kernel.neutral(FRONT), known=True)


def test_no_frame_is_no_error() -> None:
    measurement = measure(np.empty((0, 33, 4), np.float32), kernel.SIZE)
    assert len(measurement) == 0
    assert judge(measurement, kernel.neutral(FRONT)).verdict.shape == (0,)


@pytest.mark.parametrize("azimuth_deg", [0, 30, 45, 60, 90])
def test_plain_python_comes_to_the_same(azimuth_deg: float) -> None:
    """Formula by formula, in many postures, some of them turned away, standing, far off or cut off."""
    camera = Camera(azimuth_deg=azimuth_deg, distance_m=1.5)
    rng, n = np.random.default_rng(4), 400
    pose = Pose(
        lean=rng.uniform(-20, 25, n),
        thorax=rng.uniform(0, 40, n),
        side_lean=rng.uniform(-15, 15, n),
        twist=rng.uniform(-50, 50, n),
        head_yaw=rng.uniform(-60, 60, n),
        head_pitch=rng.uniform(-15, 35, n),
        shrug_m=rng.uniform(0, 0.03, n),
        seat_y_m=np.where(rng.random(n) < 0.1, 0.35, 0.0),
        seat_z_m=rng.uniform(-3.0, 0.4, n),
    )
    landmarks, _ = render(Body(), pose, camera, rng, 1.0)
    landmarks[rng.random((n, 33)) < 0.03, 3] = 0.2
    landmarks[::40] = np.nan
    neutral = kernel.neutral(camera)
    limits = Limits({"fsr": 1.3, "head_height": 0.9}, 0.4)
    measurement = neutral.measure(landmarks, kernel.SIZE)
    plain = [judge_frame(frame, 640.0, 480.0, neutral, limits) for frame in landmarks.tolist()]
    assert kernel.disagreement((measurement, judge(measurement, neutral, limits)), plain) < 1e-8
    assert len({frame.reason for frame in plain}) >= 3
    assert len({frame.verdict for frame in plain}) >= 3
