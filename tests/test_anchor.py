"""Re-anchoring follows the camera and never the slouch."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from people import upright
from rig import SCENARIOS, SIDE_CAMERA, Body, Camera, Pose, render

from posture_monitor.posture.anchor import reanchored
from posture_monitor.posture.baseline import Neutral, deviation
from posture_monitor.posture.discriminants import scores
from posture_monitor.posture.judge import judge
from posture_monitor.posture.landmarks import nobody
from posture_monitor.posture.metrics import ROW, Measurement, Reason, measure
from posture_monitor.posture.reading import View
from posture_monitor.posture.sustained import FORWARD_LIMIT

CAMERA = Camera()
BODY = Body()
MOVED = {
    "lid": dataclasses.replace(CAMERA, tilt_deg=8.0),
    "lid back": dataclasses.replace(CAMERA, tilt_deg=-8.0),
    "lower camera": dataclasses.replace(CAMERA, height_m=CAMERA.height_m - 0.1),
    "higher camera": dataclasses.replace(CAMERA, height_m=CAMERA.height_m + 0.05),
    "nearer": dataclasses.replace(CAMERA, distance_m=0.6),
    "farther": dataclasses.replace(CAMERA, distance_m=0.9),
    "rolled": dataclasses.replace(CAMERA, roll_deg=8.0),
}
SLOUCHES = ("slump_moderate", "slump_deep", "head_forward", "head_forward_far")


def frames(pose: Pose, camera: Camera, count: int = 16) -> Measurement:
    points, size = render(
        BODY, pose + Pose(lean=np.zeros(count)), camera, np.random.default_rng(3), noise_px=0.5
    )
    return measure(points, size)


def index(pose: Pose, camera: Camera, neutral: Neutral) -> float:
    return float(np.median(judge(frames(pose, camera), neutral).slouch_index))


@pytest.fixture(scope="module")
def neutral() -> Neutral:
    return upright(BODY, CAMERA)


@pytest.mark.parametrize("camera", MOVED.values(), ids=list(MOVED))
def test_upright_before_a_moved_camera_is_neutral_again(neutral: Neutral, camera: Camera) -> None:
    moved = reanchored(neutral, frames(Pose(), camera))
    assert index(Pose(), camera, moved) < 0.5
    off = deviation(frames(Pose(), camera).values, moved)
    for name in ("head_drop", "shoulder_drop", "head_shift", "shoulder_shift"):
        assert abs(np.median(off[ROW[name]])) < 0.03
    assert abs(np.median(off[ROW["distance"]])) < 1.5


def test_a_camera_moved_to_one_side_is_an_oblique_one(neutral: Neutral) -> None:
    """What places are measured by hangs on it."""
    beside = dataclasses.replace(CAMERA, azimuth_deg=45.0)
    moved = reanchored(neutral, frames(Pose(), beside))
    assert moved.view is View.OBLIQUE
    assert abs(moved.shoulders / neutral.shoulders - 1) < 0.15


@pytest.mark.parametrize("camera", MOVED.values(), ids=list(MOVED))
@pytest.mark.parametrize("slouch", SLOUCHES)
def test_a_slouch_before_a_moved_camera_is_seen_as_before(
    neutral: Neutral, camera: Camera, slouch: str
) -> None:
    moved = reanchored(neutral, frames(Pose(), camera))
    assert index(SCENARIOS[slouch], camera, moved) >= 1.0


@pytest.mark.parametrize("slouch", SLOUCHES)
def test_re_anchoring_in_a_slouch_leaves_it_a_slouch(neutral: Neutral, slouch: str) -> None:
    moved = neutral
    for _ in range(5):
        moved = reanchored(moved, frames(SCENARIOS[slouch], CAMERA), calibrated=neutral)
    for name in ("head_height", "ear_height", "esr", "fsr"):
        assert moved[name] == neutral[name]
    assert index(SCENARIOS[slouch], CAMERA, moved) >= 1.0


def test_a_slouch_that_creeps_in_is_not_absorbed_step_by_step(neutral: Neutral) -> None:
    deep = SCENARIOS["head_forward_far"]
    moved = neutral
    for part in np.linspace(0, 1, 21):
        pose = Pose(*(part * np.asarray(getattr(deep, f.name)) for f in dataclasses.fields(deep)))
        pose = dataclasses.replace(pose, arms=0)
        moved = reanchored(moved, frames(pose, CAMERA), calibrated=neutral)
    lost = 100 * (1 - moved["ear_height"] / neutral["ear_height"])
    assert 0 <= lost < 6.1
    assert index(deep, CAMERA, moved) >= 1.0


def test_sitting_up_after_re_anchoring_in_a_slump_does_not_look_forward() -> None:
    """A slump is seen from higher up: that nod goes with it, and must not stay behind as the camera's."""
    camera = dataclasses.replace(CAMERA, height_m=CAMERA.height_m + 0.1, tilt_deg=8.0)
    moved = reanchored(upright(BODY, camera), frames(SCENARIOS["slump_deep"], camera))
    forward, _ = scores(deviation(frames(Pose(), camera).values, moved), moved)
    assert np.median(forward) < FORWARD_LIMIT / 2


def test_only_what_head_and_shoulders_turn_alike_is_a_rolled_camera(neutral: Neutral) -> None:
    rolled = reanchored(neutral, frames(Pose(), MOVED["rolled"]))
    assert abs(rolled["head_roll"] - neutral["head_roll"]) == pytest.approx(8, abs=1)
    tilted = reanchored(neutral, frames(SCENARIOS["head_tilt"], CAMERA))
    assert tilted["head_roll"] == pytest.approx(neutral["head_roll"], abs=1)
    assert index(SCENARIOS["head_tilt"], CAMERA, tilted) >= 1.0


def test_the_side_keeps_its_angles() -> None:
    neutral = upright(BODY, SIDE_CAMERA)
    moved = reanchored(neutral, frames(Pose(lean=25), SIDE_CAMERA))
    assert moved["trunk_incl"] == neutral["trunk_incl"]
    assert index(Pose(lean=25), SIDE_CAMERA, moved) >= 1.0


def test_nobody_a_moving_person_the_dark_and_another_view_are_refused(neutral: Neutral) -> None:
    with pytest.raises(ValueError, match="nobody was seen"):
        reanchored(neutral, measure(np.repeat(nobody(), 8, axis=0), np.array([640, 480])))
    rising = Pose(lean=np.linspace(-25, 40, 16))
    points, size = render(BODY, rising, CAMERA)
    with pytest.raises(ValueError, match="too much movement"):
        reanchored(neutral, measure(points, size))
    still = frames(Pose(), CAMERA)
    with pytest.raises(ValueError, match="too dark"):
        reanchored(neutral, still, [Reason.DARK] * len(still))
    with pytest.raises(ValueError, match="calibrate anew"):
        reanchored(neutral, frames(Pose(), SIDE_CAMERA))


def test_where_nothing_was_moved_nothing_changes(neutral: Neutral) -> None:
    moved = reanchored(neutral, frames(Pose(), CAMERA))
    off = deviation(moved.centre[:, None], neutral)[:, 0]
    for name in ("head_height", "ear_height", "head_rise", "esr", "nsr", "fsr", "distance", "face_size"):
        assert abs(off[ROW[name]]) < 1.0, name
    for name in ("head_roll", "shoulder_tilt", "head_drop", "shoulder_drop"):
        assert abs(off[ROW[name]]) < 0.5, name


@pytest.mark.parametrize("roll_deg", [8.0, -8.0])
def test_of_a_rolled_camera_and_a_tilted_head_only_the_camera_is_followed(roll_deg: float) -> None:
    """Also where the camera had not stood level before."""
    neutral = upright(BODY, dataclasses.replace(CAMERA, roll_deg=5.0))
    camera = dataclasses.replace(CAMERA, roll_deg=5.0 + roll_deg)
    straight = reanchored(neutral, frames(Pose(), camera))
    turned = straight["head_roll"] - neutral["head_roll"]
    assert abs(turned) == pytest.approx(8.0, abs=0.5)
    tilted = reanchored(neutral, frames(Pose(head_roll=float(np.copysign(12.0, turned))), camera))
    for name in ("head_roll", "shoulder_tilt"):
        assert tilted[name] - neutral[name] == pytest.approx(turned, abs=1.0)


def test_head_and_shoulders_that_tip_against_each_other_are_no_rolled_camera(neutral: Neutral) -> None:
    for head, side in ((12.0, 8.0), (-12.0, -8.0), (12.0, -8.0), (-12.0, 8.0)):
        seen = np.median(frames(Pose(head_roll=head, side_lean=side), CAMERA).values, axis=1)
        turned = [seen[ROW[name]] - neutral[name] for name in ("head_roll", "shoulder_tilt")]
        if turned[0] * turned[1] < 0:
            moved = reanchored(neutral, frames(Pose(head_roll=head, side_lean=side), CAMERA))
            assert moved["head_roll"] == neutral["head_roll"]
            assert moved["shoulder_tilt"] == neutral["shoulder_tilt"]
            return
    raise AssertionError("no pose of these tips them against each other")


def test_from_the_side_no_roll_is_made_up() -> None:
    neutral = upright(BODY, SIDE_CAMERA)
    moved = reanchored(neutral, frames(Pose(), SIDE_CAMERA))
    for name in ("head_roll", "shoulder_tilt"):
        np.testing.assert_array_equal(moved[name], neutral[name])


def test_from_where_the_camera_looks_is_followed(neutral: Neutral) -> None:
    moved = reanchored(neutral, frames(Pose(), dataclasses.replace(CAMERA, azimuth_deg=12)))
    seen = float(np.median(frames(Pose(), dataclasses.replace(CAMERA, azimuth_deg=12)).azimuth))
    assert moved.azimuth_deg == pytest.approx(seen)
    assert moved.azimuth_deg != pytest.approx(neutral.azimuth_deg, abs=2)


def test_four_frames_with_a_person_are_enough(neutral: Neutral) -> None:
    assert reanchored(neutral, frames(Pose(), CAMERA, 4)).frames == neutral.frames
    with pytest.raises(ValueError, match="4 are needed"):
        reanchored(neutral, frames(Pose(), CAMERA, 3))
