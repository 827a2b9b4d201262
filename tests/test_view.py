"""From where the camera sees the trunk, and what a view cannot measure."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from people import upright
from rig import SIDE_CAMERA, Body, Camera, Pose, render

from posture_monitor.posture.metrics import REASONS as ALL_REASONS
from posture_monitor.posture.metrics import ROW, Measurement, Reason, measure
from posture_monitor.posture.reading import VIEWS, View
from posture_monitor.posture.view import classify

#: Level with the trunk, beside a desk that hides nothing.
AROUND = Camera(height_m=0.25, distance_m=2.4, hfov_deg=50)


def around(azimuth_deg: float) -> Camera:
    return dataclasses.replace(AROUND, azimuth_deg=azimuth_deg)


def seen(
    pose: Pose, camera: Camera, body: Body | None = None, azimuth_deg: float | None = None
) -> Measurement:
    landmarks, size = render(body or Body(), pose, camera, desk=None, invent_hips=False)
    return measure(landmarks, size, azimuth_deg=azimuth_deg)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("azimuth", "view"),
    [
        (0, View.FRONT),
        (10, View.FRONT),
        (20, View.FRONT),
        (32, View.OBLIQUE),
        (45, View.OBLIQUE),
        (58, View.OBLIQUE),
        (75, View.SIDE),
        (90, View.SIDE),
        (105, View.SIDE),
    ],
)
def test_view_by_azimuth(azimuth: float, view: View, side: int) -> None:
    assert VIEWS[seen(Pose(), around(side * azimuth)).view[0]] is view


@pytest.mark.parametrize("azimuth", [30, 40, 50, 60, -45])
def test_calibration_estimates_the_azimuth(azimuth: float) -> None:
    """Within 3 degrees for the rig's typical body, within 9 for narrow and broad shoulders."""
    found = upright(Body(), around(azimuth), desk=None, invent_hips=False).azimuth_deg
    assert found == pytest.approx(abs(azimuth), abs=3)
    for width in (0.335, 0.385):
        other = Body(shoulder_width_m=width)
        found = upright(other, around(azimuth), desk=None, invent_hips=False).azimuth_deg
        assert found == pytest.approx(abs(azimuth), abs=9)


def test_from_the_side_the_azimuth_is_a_right_angle() -> None:
    assert upright(Body(), SIDE_CAMERA).azimuth_deg == 90


def test_narrow_shoulders_or_a_turned_head_alone_are_no_oblique_view() -> None:
    for body, pose in (
        (Body(shoulder_width_m=0.32), Pose()),
        (Body(shoulder_width_m=0.41), Pose(head_yaw=40)),
        (Body(), Pose(head_yaw=-35)),
    ):
        measurement = seen(pose, Camera(height_m=0.6, distance_m=0.8), body)
        assert VIEWS[measurement.view[0]] is View.FRONT


def test_a_calibrated_place_keeps_its_view_while_the_body_leans() -> None:
    rng = np.random.default_rng(1)
    n = 60
    pose = Pose(lean=rng.uniform(-15, 25, n), thorax=rng.uniform(0, 30, n), side_lean=rng.uniform(-8, 8, n))
    for azimuth, view in ((35, View.OBLIQUE), (45, View.OBLIQUE), (58, View.OBLIQUE), (80, View.SIDE)):
        camera = dataclasses.replace(around(azimuth), distance_m=1.3, hfov_deg=66)
        neutral = upright(Body(), camera, desk=None, invent_hips=False)
        assert neutral.view is view
        views = seen(pose, camera, azimuth_deg=neutral.azimuth_deg).view
        assert {VIEWS[code] for code in views} == {view}, azimuth


def test_a_quite_different_view_is_still_told_when_the_place_is_known() -> None:
    for known, real, view in (
        (0, 90, View.SIDE),
        (45, 0, View.FRONT),
        (45, 90, View.SIDE),
        (90, 0, View.FRONT),
    ):
        measurement = seen(Pose(), around(real), azimuth_deg=known)
        assert VIEWS[measurement.view[0]] is view, (known, real)


def test_without_shoulders_or_face_the_view_is_unknown() -> None:
    with np.errstate(invalid="ignore"):  # as the kernel runs it
        view, _ = classify(np.array([np.nan, np.inf]), (np.array([0.0, np.nan]), np.ones(2), True))
    assert [VIEWS[code] for code in view] == [View.UNKNOWN, View.UNKNOWN]


@pytest.mark.parametrize(
    ("azimuth", "names"),
    [
        (0, ("trunk_incl", "neck_incl", "neck_flex", "head_pitch", "cva_proxy")),
        (45, ("neck_flex", "head_pitch", "lateral_trunk")),
        (90, ("head_roll", "shoulder_tilt", "lateral_trunk", "lateral_head", "fsr", "esr", "pitch_cue")),
    ],
)
def test_what_a_view_cannot_measure_is_no_number_and_says_so(azimuth: float, names: tuple[str, ...]) -> None:
    measurement = seen(Pose(lean=np.linspace(-10, 20, 7)), around(azimuth))
    for name in names:
        assert np.isnan(measurement[name]).all(), name
        reasons = {ALL_REASONS[code] for code in measurement.reasons[ROW[name]]}
        assert reasons == {Reason.VIEW}, name


def test_each_view_measures_what_it_can() -> None:
    for azimuth, names in (
        (
            0,
            (
                "head_roll",
                "shoulder_tilt",
                "lateral_trunk",
                "lateral_head",
                "fsr",
                "esr",
                "nsr",
                "head_height",
            ),
        ),
        (45, ("trunk_incl", "neck_incl", "head_roll", "shoulder_tilt", "head_height")),
        (90, ("trunk_incl", "neck_incl", "neck_flex", "head_pitch", "cva_proxy")),
    ):
        measurement = seen(Pose(), around(azimuth))
        for name in names:
            assert np.isfinite(measurement[name]).all(), (azimuth, name)
            assert measurement.reasons[ROW[name]].tolist() == [0]
