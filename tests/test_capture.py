"""A capture becomes a neutral posture, or is refused with the reason and what to do."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from rig import SIDE_CAMERA, Body, Camera, Pose, render

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.baseline import neutral_of
from posture_monitor.posture.capture import LEAST_FRAMES, capture
from posture_monitor.posture.metrics import Measurement, Reason, measure
from posture_monitor.posture.reading import View

N = 40


def sitting(pose: Pose | None = None, camera: Camera | None = None, empty: int = 0) -> Measurement:
    landmarks, size = render(
        Body(), pose or Pose(lean=np.zeros(N)), camera or Camera(), np.random.default_rng(2), 0.7
    )
    landmarks[:empty] = np.nan
    return measure(landmarks, size)


def clear(n: int = N) -> list[Reason]:
    return [Reason.OK] * n


def doubted(reason: Reason, part: float) -> list[Reason]:
    many = round(part * N)
    return [reason] * many + [Reason.OK] * (N - many)


def test_a_good_capture_is_the_neutral_of_its_frames() -> None:
    for camera, view in ((Camera(), View.FRONT), (SIDE_CAMERA, View.SIDE)):
        measurement = sitting(camera=camera)
        neutral = capture(measurement, clear(), name="standing")
        expected = neutral_of(measurement)
        np.testing.assert_array_equal(neutral.centre, expected.centre)
        np.testing.assert_array_equal(neutral.spread, expected.spread)
        assert neutral.view is view
        assert neutral.name == "standing"
        assert neutral.frames == N


def test_from_the_side_who_sits_still_is_not_said_to_move() -> None:
    """Shoulders one behind the other look as wide as a hand: too little to measure movement by."""
    swaying = Pose(seat_z_m=0.01 * np.sin(np.arange(N)), seat_y_m=0.005 * np.cos(np.arange(N)))
    assert capture(sitting(swaying, SIDE_CAMERA), clear()).view is View.SIDE


def test_without_any_picture_it_is_refused() -> None:
    nothing = measure(lm.nobody(0), np.array([640, 480]))
    with pytest.raises(ValueError, match="no picture"):
        capture(nothing, [])


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason.DARK, ("dark", "light")),
        (Reason.COVERED, ("covered", "shutter")),
        (Reason.BLURRED, ("blurred", "lens")),
        (Reason.CROWD, ("more than one person", "alone")),
    ],
)
def test_a_doubtful_picture_is_refused_with_advice(reason: Reason, words: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=words[0]) as refused:
        capture(sitting(), doubted(reason, 0.5))
    assert words[1] in str(refused.value)
    assert "\n" not in str(refused.value)
    assert capture(sitting(), doubted(reason, 0.1)).frames == N - round(0.1 * N)


def test_light_is_named_before_the_person_it_hides() -> None:
    with pytest.raises(ValueError, match="dark"):
        capture(sitting(empty=N), [Reason.DARK] * N)


def test_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="nobody was seen"):
        capture(sitting(empty=N), clear())


@pytest.mark.parametrize("empty", [N - 5, N // 2 + 5])
def test_too_few_frames_with_a_person_are_counted_out(empty: int) -> None:
    with pytest.raises(ValueError, match="longer") as refused:
        capture(sitting(empty=empty), clear())
    assert f"{N - empty} of {N}" in str(refused.value)


def test_a_short_capture_is_refused_and_may_be_allowed() -> None:
    measurement = sitting().take(slice(0, LEAST_FRAMES - 1))
    with pytest.raises(ValueError, match=f"^{LEAST_FRAMES - 1} frames .* {LEAST_FRAMES} are needed"):
        capture(measurement, clear(LEAST_FRAMES - 1))
    assert capture(measurement, clear(LEAST_FRAMES - 1), least_frames=5).frames == LEAST_FRAMES - 1


def test_a_person_who_leaves_for_a_moment_is_no_reason_to_refuse() -> None:
    assert capture(sitting(empty=N // 5), clear()).frames == N - N // 5


def test_shoulders_out_of_the_picture_are_refused_with_advice() -> None:
    landmarks, size = render(Body(), Pose(lean=np.zeros(N)), Camera(distance_m=0.4, height_m=0.95))
    with pytest.raises(ValueError, match="shoulders"):
        capture(measure(landmarks, size), clear())


@pytest.mark.parametrize(
    "pose",
    [
        Pose(seat_z_m=np.linspace(-0.15, 0.25, N)),
        Pose(thorax=np.tile([0.0, 45.0], N // 2)),
        Pose(seat_y_m=np.linspace(-0.12, 0.12, N)),
    ],
    ids=["rolling", "slumping and rising", "chair going up"],
)
def test_a_capture_full_of_movement_is_refused_unless_it_may_move(pose: Pose) -> None:
    with pytest.raises(ValueError, match="too much movement") as refused:
        capture(sitting(pose), clear())
    assert "sit still" in str(refused.value)
    assert re.search(r"varied by ([\d.]+ %, at most 9 %|[\d.]+ shoulder widths, at most)", str(refused.value))
    assert capture(sitting(pose), clear(), steady=False).frames == N


def test_breathing_looking_about_and_typing_are_not_movement() -> None:
    rng = np.random.default_rng(5)
    pose = Pose(
        lean=rng.normal(0, 1.0, N),
        head_yaw=rng.normal(0, 8.0, N),
        head_pitch=rng.normal(0, 4.0, N),
        head_roll=rng.normal(0, 2.0, N),
        seat_z_m=rng.normal(0, 0.008, N),
    )
    assert capture(sitting(pose), clear()).frames == N


def test_of_a_long_capture_more_frames_are_needed() -> None:
    with pytest.raises(ValueError, match=f"in only 15 of {N} frames, 24 are needed"):
        capture(sitting(empty=N - 15), clear())


@pytest.mark.parametrize("reason", [Reason.DARK, Reason.COVERED, Reason.BLURRED, Reason.CROWD])
def test_a_third_of_doubtful_pictures_is_too_many_and_a_quarter_is_not(reason: Reason) -> None:
    with pytest.raises(ValueError, match=r".+"):
        capture(sitting(), doubted(reason, 0.35))
    assert capture(sitting(), doubted(reason, 0.25)).frames == N - N // 4


def test_somebody_else_in_a_few_pictures_changes_nothing() -> None:
    own, other = sitting(), sitting(Pose(seat_z_m=np.full(N, 0.3), thorax=np.full(N, 30.0)))
    few = np.arange(N) < N // 4
    both = replace(own, values=np.where(few, other.values, own.values))
    neutral = capture(both, doubted(Reason.CROWD, 0.25))
    expected = neutral_of(own.take(~few))
    np.testing.assert_array_equal(neutral.centre, expected.centre)
    np.testing.assert_array_equal(neutral.spread, expected.spread)


def beside(part: float) -> tuple[Measurement, np.ndarray]:
    """Return a capture in which the model has shown somebody beside in part of the pictures, and in which."""
    room = Camera(distance_m=1.1, hfov_deg=80)
    own, other = sitting(camera=room), sitting(Pose(seat_x_m=np.full(N, 0.45)), room)
    theirs = np.arange(N) < round(part * N)
    return replace(own, values=np.where(theirs, other.values, own.values)), theirs


def test_of_two_people_that_the_model_shows_in_turn_none_is_calibrated() -> None:
    for part in (0.2, 0.45, 0.8):
        with pytest.raises(ValueError, match="calibrate alone"):
            capture(beside(part)[0], clear(), steady=False)


def test_somebody_who_was_shown_for_a_moment_is_left_out() -> None:
    both, theirs = beside(0.1)
    neutral, expected = capture(both, clear()), neutral_of(both.take(~theirs))
    np.testing.assert_array_equal(neutral.centre, expected.centre)
    np.testing.assert_array_equal(neutral.spread, expected.spread)


@pytest.mark.parametrize("low", [12, N - 12])
def test_whoever_slumped_for_a_third_of_a_capture_or_for_most_of_it_was_not_still(low: int) -> None:
    """The middle deviation alone sees neither: most frames are alike."""
    slumped = Pose(thorax=np.repeat([0.0, 45.0], [N - low, low]))
    with pytest.raises(ValueError, match="too much movement"):
        capture(sitting(slumped), clear())
