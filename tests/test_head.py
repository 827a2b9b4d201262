"""The head as a ruler: its scale neither shrinks when it turns nor when it nods."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import Body, Camera, Pose, render

from posture_monitor.posture.arithmetic import Many
from posture_monitor.posture.head import TYPICAL_HEAD, HeadPose, head_pose

Array = npt.NDArray[np.float64]

#: So far away that perspective is nothing; at the height of the ears.
FAR = Camera(height_m=0.70, distance_m=40.0, hfov_deg=2.0)


def turned(yaw: float, pitch: float, roll: float, scale: float) -> tuple[Array, Array]:
    """Return pixels of the typical head: yawed, nodded (down), rolled (left ear down), scaled."""
    a, b, c = np.radians([yaw, pitch, roll])
    yawed = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nodded = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    rolled = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    points = scale * TYPICAL_HEAD @ (rolled @ nodded @ yawed).T
    x, y = np.full((33, 1), np.nan), np.full((33, 1), np.nan)
    x[:11, 0], y[:11, 0] = points[:, 0] + 321.0, points[:, 1] + 123.0
    return x, y


def rigged(pose: Pose, camera: Camera = FAR, body: Body | None = None) -> HeadPose:
    landmarks, size = render(body or Body(), pose, camera)
    return head_pose(*(landmarks[..., k].T.astype(np.float64) * size[k] for k in (0, 1)))


def degrees(pose: HeadPose) -> Array:
    """Return yaw, pitch and roll, ``(3, N)``."""
    return np.array(Many.directions(pose[1:]))


@settings(max_examples=40)
@given(
    st.floats(-40, 40),
    st.floats(-30, 30),
    st.floats(-30, 30),
    st.floats(0.5, 60),
)
def test_scale_of_the_typical_head_is_exact_however_it_is_turned(
    yaw: float, pitch: float, roll: float, scale: float
) -> None:
    found = head_pose(*turned(yaw, pitch, roll, scale))
    assert found.scale[0] == pytest.approx(scale, rel=1e-9)


@pytest.mark.parametrize("angle", [-35.0, -10.0, 0.0, 10.0, 35.0])
def test_each_angle_of_the_typical_head_alone_is_exact(angle: float) -> None:
    for expected in (angle * np.eye(3)).tolist():
        found = head_pose(*turned(*expected, scale=8.0))
        assert degrees(found)[:, 0] == pytest.approx(expected, abs=1e-9)


def test_scale_of_another_head_stays_within_some_percent_while_it_turns() -> None:
    """The rig's head is not the typical one; eye distance would shrink by 18 % over the same turn."""
    still = rigged(Pose()).scale[0]
    for pose, percent in (
        (Pose(head_yaw=np.linspace(-35, 35, 15)), 2.0),
        (Pose(head_pitch=np.linspace(-20, 25, 15)), 4.0),
        (Pose(head_roll=np.linspace(-25, 25, 15)), 0.5),
    ):
        change = 100 * (rigged(pose).scale / still - 1)
        assert np.abs(change).max() < percent


def test_scale_is_pixels_per_centimetre() -> None:
    """Against the camera's own focal length, for heads as they differ between adults."""
    for head in (0.93, 1.0, 1.07):
        for distance in (0.6, 1.0, 3.0):
            camera = Camera(height_m=0.70, distance_m=distance)
            found = rigged(Pose(), camera, Body(head=head)).scale[0]
            # The face is about 9 cm before the axis the camera's distance is measured from.
            expected = camera.focal_px / (distance - 0.09) / 100 * head
            assert found == pytest.approx(expected, rel=0.05)


def test_differences_of_angles_are_those_of_the_body() -> None:
    zero = degrees(rigged(Pose()))
    for angle in (-20.0, -8.0, 8.0, 20.0):
        turns = (Pose(head_yaw=angle), Pose(head_pitch=angle), Pose(head_roll=angle))
        yaw, pitch, roll = (degrees(rigged(pose))[i, 0] - zero[i, 0] for i, pose in enumerate(turns))
        assert yaw == pytest.approx(angle, abs=1.5)
        assert pitch == pytest.approx(angle, abs=1.5)
        assert roll == pytest.approx(angle, abs=1.0)


def test_nobody_has_no_head() -> None:
    none = np.full((33, 2), np.nan)
    pose = head_pose(none, none)
    assert np.isnan(pose.scale).all()
    assert np.isnan(degrees(pose)).all()
