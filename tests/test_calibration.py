"""``calibrate`` on the command line: a profile is made, added to and re-anchored, from landmark tables."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import recording_maker
from people import upright
from rig import SCENARIOS, Body, Camera, Pose, render
from typed import done, refused

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.posture.metrics import ROW, Reason
from posture_monitor.posture.separation import Separation, Stretch
from posture_monitor.sensing.frame import Frame
from posture_monitor.service.calibration import Request, learn
from posture_monitor.service.calibration_text import told, told_place, told_separation
from posture_monitor.service.collected import Collected
from posture_monitor.service.guiding import Aim
from posture_monitor.service.looking import Seen
from posture_monitor.service.profile import Profile
from posture_monitor.service.profiles import load_profile

Recorded = Callable[..., Path]


@pytest.fixture
def recorded(home: Path, tmp_path: Path) -> Recorded:
    """Return what records somebody for half a minute, two frames a second, and returns the table's path."""

    def record(pose: Pose | None, camera: Camera | None = None, seconds: float = 30) -> Path:
        file = tmp_path / f"{len(list(tmp_path.glob('*.npz')))}.npz"
        return recording_maker.recorded(
            file, (pose, seconds), camera=camera, fps=2, noise_px=0.6, wander_px=0.6
        )

    return record


def calibrate(table: Path, *options: str) -> str:
    return done("calibrate", "--source", table, "--profile", "me", *options)


def why_not(table: Path, *options: str) -> str:
    """Return the line with which it is refused."""
    return refused("calibrate", "--source", table, "--profile", "me", *options)


@pytest.fixture
def mine(recorded: Recorded) -> None:
    lines = calibrate(recorded(Pose())).splitlines()
    assert lines[0] == "Calibrated 'me' on 50 pictures, seen from the front."
    assert lines[-1] == f"Kept as {paths.profiles_dir() / 'me.toml'}"


def test_an_angle_of_nearly_nothing_has_no_minus() -> None:
    neutral = upright(Body(), Camera())
    neutral.centre[[ROW["head_roll"], ROW["shoulder_tilt"]]] = -0.2, -3.4
    assert "head tilt +0°, shoulder tilt −3°" in told(Profile("me", (neutral,)))


@pytest.mark.usefixtures("mine")
def test_a_slouch_is_captured_and_what_tells_it_from_neutral(recorded: Recorded) -> None:
    said = calibrate(recorded(SCENARIOS["slump_moderate"]), "--slouch")
    assert "Your slouch counts as poor in 50 of 50 pictures." in said
    assert re.search(r"all together: [1-9]\d\d%", said)
    assert re.search(r"head sinking: \d{3}%; \d+\.\d times what you move while sitting well", said)
    assert "Your slouch will be noticed." in said
    for jargon in ("slouch index", "scatter", "limit"):
        assert jargon not in said
    assert set(load_profile("me").captures) == {"slouch"}
    assert "also captured: slouch" in done("profiles", "show", "me")


APART = Separation(
    0.604,
    3,
    50,
    (Stretch("head sinking", 1.2, 2.04), Stretch("face forward", 0.504, 1), Stretch("a", 0.3, math.nan)),
)
HOW_FAR = "How far it goes from your neutral posture (0%) to where poor begins (100%):"
SLOUCH = [
    "Your slouch counts as poor in 3 of 50 pictures.",
    HOW_FAR,
    "  all together: 60%",
    "  head sinking: 120%; 2.0 times what you move while sitting well",
    "  face forward: 50%; 1.0 times what you move while sitting well",
    "  a: 30%",
]
DOWN = [
    "Looking down counts as poor in 3 of 50 pictures.",
    *SLOUCH[1:4],
    "  face forward: 50%, 50% to spare; 1.0 times what you move while sitting well",
    "  a: 30%, 70% to spare",
]


@pytest.mark.parametrize(
    ("aim", "index", "told"),
    [
        (
            Aim.SLOUCH,
            0.604,
            [*SLOUCH, "Your slouch will hardly be noticed: place the camera higher or more to the "],
        ),
        (Aim.DOWN, 0.604, [*DOWN, "Looking down is not taken for a slouch: 40% is to spare."]),
        (Aim.SLOUCH, 1.0, ["Your slouch will be noticed."]),
        (
            Aim.DOWN,
            1.0,
            ["Looking down will be taken for a slouch if it lasts: place the camera nearer to eye "],
        ),
    ],
)
def test_how_a_second_capture_is_told_from_neutral(aim: Aim, index: float, told: list[str]) -> None:
    lines = told_separation(aim, replace(APART, index=index)).splitlines()[-len(told) :]
    assert lines[:-1] == told[:-1]
    assert lines[-1].startswith(told[-1])


@pytest.mark.parametrize(("aim", "what"), [(Aim.SLOUCH, "Your slouch"), (Aim.DOWN, "Looking down")])
def test_a_capture_of_which_no_picture_can_be_judged_says_so(aim: Aim, what: str) -> None:
    told = told_separation(aim, Separation(math.nan, 0, 0, ()))
    assert told == f"{what} cannot be judged from here: no picture of it could be."


@pytest.mark.usefixtures("mine")
def test_only_a_look_down_may_move_the_head(recorded: Recorded) -> None:
    moving = recorded(Pose(head_pitch=np.tile([10.0, 40.0], 30), seat_y_m=np.linspace(-0.1, 0.1, 60)))
    calibrate(moving, "--down")
    assert "too much movement" in why_not(moving, "--slouch")


@pytest.mark.usefixtures("mine")
def test_a_slouch_that_does_not_show_is_told_as_such(recorded: Recorded) -> None:
    said = calibrate(recorded(Pose(lean=1)), "--slouch")
    assert "poor in 0 of 50 pictures" in said
    assert "Your slouch will hardly be noticed: place the camera higher" in said


@pytest.mark.usefixtures("mine")
def test_looking_down_says_how_much_there_is_to_spare(recorded: Recorded) -> None:
    before = load_profile("me")
    said = calibrate(recorded(SCENARIOS["look_down"]), "--down")
    gone = int(re.search(r"all together: (\d+)%", said)[1])  # type: ignore[index]
    spare = int(re.search(r"not taken for a slouch: (\d+)% ", said)[1])  # type: ignore[index]
    assert spare == pytest.approx(100 - gone, abs=1)
    # Of each measure that goes anywhere as well.
    halfway = calibrate(recorded(SCENARIOS["slump_moderate"]), "--down")
    one, left = re.search(r"face forward: (\d+)%, (\d+)% to spare; \d", halfway).groups()  # type: ignore[union-attr]
    assert int(one) + int(left) == pytest.approx(100, abs=1)
    assert "will be taken for a slouch if it lasts" in halfway
    # Neutral is as it was: a second capture is looked at, it moves nothing.
    np.testing.assert_allclose(load_profile("me").neutral.centre, before.neutral.centre, rtol=1e-4)


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize("aim", [("--reanchor",), ("--slouch",), ("--down",), ("--add", "standing")])
def test_a_capture_from_another_source_says_so_and_one_of_another_shape_is_refused(
    recorded: Recorded, aim: tuple[str, ...]
) -> None:
    made_with = load_profile("me").camera
    other = recorded(Pose())
    assert f"Note: profile 'me' was made with {made_with}, this is table {other.name}" in " ".join(
        calibrate(other, *aim).split()
    )
    before = (paths.profiles_dir() / "me.toml").read_bytes()
    line = why_not(recorded(Pose(), Camera(width=1280, height=720)), *aim)
    assert "640×480, this one is 1280×720" in line
    assert (paths.profiles_dir() / "me.toml").read_bytes() == before


@pytest.mark.usefixtures("mine")
def test_a_stream_that_was_set_to_another_shape_is_refused() -> None:
    known = replace(load_profile("me"), camera="stream http://desk.lan/video")
    assert told_place(known, known.camera, 2 * known.width, 2 * known.height) == ""
    for unknown in (replace(known, camera=""), replace(known, width=0), replace(known, height=0)):
        assert told_place(unknown, known.camera, 1280, 720) == ""
    with pytest.raises(ValueError, match="640×480, this one is 1280×720"):
        told_place(known, known.camera, 1280, 720)


def test_a_capture_from_the_same_source_needs_no_note(recorded: Recorded) -> None:
    table = recorded(Pose())
    calibrate(table)
    assert "Note" not in calibrate(table, "--down")


@pytest.mark.usefixtures("mine")
def test_re_anchoring_follows_the_camera_and_not_the_slouch(recorded: Recorded) -> None:
    before = load_profile("me").neutral
    moved = dataclasses.replace(Camera(), tilt_deg=8.0)
    said = calibrate(recorded(SCENARIOS["slump_moderate"], moved), "--reanchor")
    assert "Neutral set anew in 'me' (sitting)" in said
    after = load_profile("me")
    assert after.neutral["head_drop"] != pytest.approx(before["head_drop"], rel=0.05)
    assert after.neutral["ear_height"] == pytest.approx(before["ear_height"], rel=1e-3)
    np.testing.assert_allclose(after.as_calibrated(0).centre, before.centre, rtol=1e-4)


@pytest.mark.usefixtures("mine")
def test_re_anchoring_takes_eight_seconds_unless_told_otherwise(recorded: Recorded) -> None:
    late = recorded(Pose(), dataclasses.replace(Camera(), tilt_deg=8.0), seconds=9)
    calibrate(late, "--reanchor")
    rising = recorded(Pose(lean=np.linspace(-25, 40, 24)), seconds=12)
    assert "too much movement" in why_not(rising, "--reanchor", "--seconds", "12")


@pytest.mark.usefixtures("mine")
def test_a_second_posture_is_added_and_replaced_by_its_name(recorded: Recorded) -> None:
    for drop_m in (-0.1, -0.15):
        said = calibrate(recorded(Pose(seat_y_m=-drop_m)), "--add", "standing")
        assert "Neutral postures of 'me': sitting, standing." in said
    assert [neutral.name for neutral in load_profile("me").neutrals] == ["sitting", "standing"]
    assert "'me' begins anew, without standing: " in calibrate(recorded(Pose()))
    assert "begins anew" not in calibrate(recorded(Pose()))


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize("aim", [("--reanchor",), ("--slouch",), ("--down",), ("--add", "standing"), ()])
def test_an_empty_chair_leaves_the_profile_as_it_was(recorded: Recorded, aim: tuple[str, ...]) -> None:
    before = (paths.profiles_dir() / "me.toml").read_bytes()
    assert "nobody was seen" in why_not(recorded(None), *aim)
    assert (paths.profiles_dir() / "me.toml").read_bytes() == before


def test_what_needs_a_profile_says_so(recorded: Recorded) -> None:
    table = recorded(Pose())
    assert "there is no profile 'me'" in why_not(table, "--slouch")
    assert "not your own" in refused("calibrate", "--source", table, "--profile", "default", "--reanchor")
    assert "two captures" in why_not(table, "--slouch", "--down")
    assert "--add 'a/b' cannot name a posture" in why_not(table, "--add", "a/b")
    assert "--add '' cannot name a posture" in why_not(table, "--add", "")


def test_a_chair_mostly_empty_and_too_much_movement_make_no_profile(home: Path, tmp_path: Path) -> None:
    rare = recording_maker.recorded(tmp_path / "rare.npz", (Pose(), 6), (None, 20))
    assert "somebody was seen in only 30 of 125 frames" in why_not(rare)
    sway = Pose(lean=12 * np.sin(np.arange(150) / 4), seat_z_m=0.1 * np.sin(np.arange(150) / 9))
    moving = recording_maker.recorded(tmp_path / "moving.npz", (sway, 30))
    assert "too much movement" in why_not(moving)
    assert not (home / "profiles" / "me.toml").exists()


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("camera", "live", "belongs", "note"),
    [
        ("camera in the other port", True, "camera in the other port", "Profile 'me' was made with"),
        ("camera in the other port", False, "camera in one port", "Note: profile 'me' was made with"),
        ("camera in one port", True, "camera in one port", ""),
    ],
)
def test_a_profile_re_anchored_at_a_camera_belongs_to_it_from_now_on(
    camera: str, live: bool, belongs: str, note: str
) -> None:
    known = replace(load_profile("me"), camera="camera in one port", width=640, height=480)
    points, size = render(Body(), Pose(lean=np.zeros(40)), Camera(), np.random.default_rng(2), noise_px=0.6)
    collected = Collected()
    for second, landmarks in enumerate(points.astype(np.float32)):
        at = Frame(float(second), float(second), int(size[0]), int(size[1]))
        collected.add(Seen(at, landmarks, Reason.OK))
    made = learn(load_config(), Request("0", 8.0, "me", Aim.REANCHOR), collected, known, camera, live)
    assert made.profile.camera == belongs
    assert made.note.startswith(note)
    assert bool(made.note) == bool(note)
    assert not note or "camera in one port" in made.note
