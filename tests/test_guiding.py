"""The guided calibration's state machine, played in moments with a synthetic body before a camera."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from people import upright
from rig import SIDE_CAMERA, Body, Camera, Pose, render

from posture_monitor.posture.landmarks import LEFT_HIP, nobody
from posture_monitor.posture.metrics import Reason, measure
from posture_monitor.posture.reading import View
from posture_monitor.sensing.frame import Frame
from posture_monitor.service.capture_quality import measurable, quality_of, why_not
from posture_monitor.service.collected import Collected
from posture_monitor.service.framing import Kind, notes_of
from posture_monitor.service.guiding import GRACE_S, SETTLE_S, Aim, Guidance, Guide, Step
from posture_monitor.service.looking import Seen

FPS = 5.0


class Player:
    """Plays bodies to a guide, frame after frame."""

    def __init__(self, guide: Guide, camera: Camera | None = None) -> None:
        self.guide, self.camera = guide, camera or Camera()
        self.t_s = 0.0
        self.rng = np.random.default_rng(3)

    def play(self, seconds: float, pose: Pose | None = None, doubt: Reason = Reason.OK) -> Iterator[Guidance]:
        """Show somebody for so long; no pose is an empty chair."""
        count = round(seconds * FPS)
        size: npt.NDArray[np.int64] = np.array([640, 480])
        bodies = np.repeat(nobody(), count, axis=0)
        if pose is not None:
            held = pose + Pose(lean=np.zeros(count))
            bodies, size = render(Body(), held, self.camera, self.rng, noise_px=0.5)
        for body in bodies:
            frame = Frame(self.t_s, self.t_s, int(size[0]), int(size[1]))
            yield self.guide.step(Seen(frame, body, doubt))
            self.t_s += 1 / FPS

    def last(self, seconds: float, pose: Pose | None = None, doubt: Reason = Reason.OK) -> Guidance:
        return list(self.play(seconds, pose, doubt))[-1]


MARKS = {Kind.SEEN: "✓", Kind.FINE: "·", Kind.AMISS: "!"}


def marked(guidance: Guidance) -> tuple[str, ...]:
    return tuple(f"{MARKS[note.kind]} {note.text}" for note in guidance.notes)


def test_a_capture_begins_by_itself_and_ends_with_a_neutral_posture() -> None:
    player = Player(Guide(10.0))
    shown = list(player.play(17, Pose()))
    steps = [guidance.step for guidance in shown]
    assert steps.index(Step.SETTLING) == 3, "so short a time tells nothing of stillness"
    order = [Step.LOOKING, Step.SETTLING, Step.CAPTURING, Step.DONE]
    assert [step for step, before in zip(steps, [None, *steps], strict=False) if step is not before] == order
    counting = [g.left_s for g in shown if g.step is Step.SETTLING]
    assert counting[0] == pytest.approx(SETTLE_S)
    assert counting == sorted(counting, reverse=True)
    capturing = [g for g in shown if g.step is Step.CAPTURING]
    assert [g.left_s for g in capturing] == pytest.approx([10 * (1 - g.progress) for g in capturing])
    assert [g.left_s for g in (capturing[0], capturing[-1])] == pytest.approx([10, 0], abs=1 / FPS + 0.01)
    assert all(0.7 < g.still <= 1 for g in capturing)
    assert sum(step is Step.CAPTURING for step in steps) == pytest.approx(10 * FPS, abs=2)
    neutral = player.guide.kept.neutral()
    assert neutral.view is View.FRONT
    assert neutral.frames == len(player.guide.kept)
    said = [(g.say, g.hint) for g in shown]
    assert list(dict.fromkeys(said)) == [
        ("Sit as you would like to sit, and look at the screen", ""),
        ("Sit as you would like to sit, and look at the screen", "It begins by itself"),
        ("Good. Keep that, and breathe", ""),
        ("Done", ""),
    ]
    can, cannot = measurable(neutral)
    assert "head sinking towards the shoulders" in can
    assert "trunk leaning forward or back" in cannot


SEEN = ("✓ Face", "✓ Shoulders")
HIDDEN, NO_TRUNK = "· Hips hidden, that is fine", "· Hips hidden: the trunk's angle cannot be measured"
FRONT, OBLIQUE, SIDE = (
    f"✓ Seen from {whence}" for whence in ("the front", "the front and a side", "the side")
)
LOW = "! Camera too low: lift the laptop, or tilt its lid back"
HIGH = "! Camera too high: tilt it down until your shoulders show"
BEHIND = "! Your back is to the camera: face the screen"
TURNED = "! Your face is turned away: face the screen"
TOO_FAR = "! You are far away: come nearer"
FAR = "· You are rather far away; nearer is measured more finely"
FROM_BELOW = "· The camera looks up at you; lifting the laptop helps"
FROM_ABOVE = "· The camera looks down on you; eye height is better"
NO_FACE = "! Your face is not seen clearly: face the screen"
NO_SHOULDERS = "! Your shoulders are out of the picture: move back a little"


@pytest.mark.parametrize(
    ("pose", "camera", "told"),
    [
        (Pose(), Camera(), (*SEEN, HIDDEN, FRONT)),
        (Pose(), Camera(azimuth_deg=45), (*SEEN, NO_TRUNK, OBLIQUE)),
        # A camera at the side stands further away, and that is as it should be.
        (Pose(), SIDE_CAMERA, (*SEEN, "✓ Hips", SIDE)),
        (Pose(), Camera(azimuth_deg=90), (*SEEN, NO_TRUNK, SIDE)),
        (Pose(), Camera(azimuth_deg=180), (BEHIND, *SEEN, HIDDEN, FRONT)),
        (Pose(), Camera(distance_m=1.6), (*SEEN, HIDDEN, FRONT)),
        (Pose(), Camera(distance_m=1.9), (FAR, *SEEN, HIDDEN, FRONT)),
        (Pose(), Camera(distance_m=2.9), (FAR, *SEEN, HIDDEN, FRONT)),
        (Pose(), Camera(distance_m=4.5), (TOO_FAR, *SEEN, "✓ Hips", FRONT)),
        (Pose(), Camera(height_m=0.5), (FROM_BELOW, *SEEN, HIDDEN, FRONT)),
        (Pose(), Camera(height_m=0.45), (FROM_BELOW, *SEEN, HIDDEN, FRONT)),
        (Pose(), Camera(height_m=0.42), (LOW, *SEEN, HIDDEN, FRONT)),
        (Pose(), Camera(height_m=0.3), (LOW, NO_FACE, "✓ Shoulders", HIDDEN)),
        (Pose(), Camera(height_m=1.25, tilt_deg=30), (FROM_ABOVE, *SEEN, HIDDEN, FRONT)),
        (Pose(), Camera(tilt_deg=-14), (HIGH, "✓ Face", HIDDEN)),
        (Pose(), Camera(distance_m=1.3, tilt_deg=12, pan_deg=-32), (NO_SHOULDERS, "✓ Face", HIDDEN)),
        (Pose(head_yaw=20), Camera(), (*SEEN, HIDDEN, FRONT)),
        (Pose(head_yaw=35), Camera(), (TURNED, *SEEN, HIDDEN, FRONT)),
        (Pose(head_yaw=-35), Camera(), (TURNED, *SEEN, HIDDEN, FRONT)),
    ],
)
def test_all_that_is_seen_and_what_is_not_is_named(pose: Pose, camera: Camera, told: tuple[str, ...]) -> None:
    assert marked(Player(Guide(), camera).last(1, pose)) == told


def test_whoever_is_to_look_down_need_not_face_the_screen() -> None:
    shown = Player(Guide(aim=Aim.DOWN)).last(1, Pose(head_pitch=40))
    assert marked(shown) == (*SEEN, HIDDEN, FRONT)
    assert marked(Player(Guide()).last(1, Pose(head_pitch=40)))[0] == FROM_ABOVE
    assert marked(Player(Guide(aim=Aim.DOWN)).last(1, Pose(head_yaw=35))) == (*SEEN, HIDDEN, FRONT)


@pytest.mark.parametrize(("camera", "told"), [(SIDE_CAMERA, "✓ Hips"), (Camera(distance_m=4.5), HIDDEN)])
@pytest.mark.parametrize("lost", [(0, 0.99), (1, 1.01), (3, 0.4)])
def test_from_the_side_one_hip_will_do(camera: Camera, told: str, lost: tuple[int, float]) -> None:
    (body,), size = render(Body(), Pose(), camera)
    body[LEFT_HIP, lost[0]] = lost[1]
    seen = Seen(Frame(0.0, 0.0, int(size[0]), int(size[1])), body, Reason.OK)
    notes = notes_of(seen, measure(body[None], size), looks_down=False)
    assert told in [f"{MARKS[note.kind]} {note.text}" for note in notes]


@pytest.mark.parametrize(
    ("doubt", "said"),
    [
        (Reason.DARK, "Too dark: turn to the window"),
        (Reason.COVERED, "open its shutter"),
        (Reason.BLURRED, "wipe the lens"),
        (Reason.CROWD, "calibrate alone"),
    ],
)
def test_what_is_wrong_with_the_picture_is_said_first(doubt: Reason, said: str) -> None:
    shown = Player(Guide()).last(8, Pose(), doubt)
    assert shown.step is Step.LOOKING
    assert said in shown.say


@pytest.mark.parametrize(
    ("pose", "camera", "said"),
    [
        (None, Camera(), "Nobody"),
        (Pose(), dataclasses.replace(Camera(), distance_m=4.5), "come nearer"),
        (Pose(), dataclasses.replace(Camera(), tilt_deg=26), "Camera too low"),
        (Pose(), dataclasses.replace(Camera(), tilt_deg=-14), "Camera too high"),
        (Pose(head_yaw=48), Camera(), "face the screen"),
    ],
)
def test_where_the_user_sits_amiss_is_said(pose: Pose | None, camera: Camera, said: str) -> None:
    shown = Player(Guide(), camera).last(8, pose)
    assert shown.step is Step.LOOKING
    assert said in shown.say, shown
    assert shown.hint == "Sit as you would like to sit, and look at the screen"


def test_a_blink_changes_nothing_and_leaving_starts_over_kindly() -> None:
    player = Player(Guide(20.0))
    assert player.last(8, Pose()).step is Step.CAPTURING
    blink = player.last(GRACE_S - 0.3, None)
    assert blink.step is Step.CAPTURING
    assert blink.say.startswith("Nobody is in the picture")
    assert next(player.play(0.2, Pose())).still > 0.5, "what came before it still counts"
    assert player.last(2, Pose()).step is Step.CAPTURING
    left = player.last(GRACE_S + 0.5, None)
    assert left.step is Step.LOOKING
    assert "No matter" in left.hint
    assert not player.guide.kept
    assert player.last(30, Pose()).step is Step.DONE
    assert len(player.guide.kept) == pytest.approx(20 * FPS, abs=2)


def test_no_capture_begins_in_a_blink() -> None:
    player = Player(Guide())
    player.last(0.4 + SETTLE_S, Pose())
    blink = player.last(0.8, None)
    assert (blink.step, blink.left_s) == (Step.SETTLING, 0)
    assert next(player.play(0.2, Pose())).step is Step.CAPTURING


@pytest.mark.parametrize(
    ("pose", "doubt", "goes_on"),
    [
        (Pose(seat_x_m=0.2), Reason.OK, False),
        (Pose(seat_y_m=-0.2), Reason.OK, False),
        (Pose(seat_x_m=0.13), Reason.OK, True),
        (Pose(head_yaw=20), Reason.OK, True),
        (Pose(), Reason.DARK, False),
        (Pose(), Reason.CROWD, False),
    ],
)
def test_another_posture_or_a_spoilt_picture_in_the_middle_starts_over(
    pose: Pose, doubt: Reason, goes_on: bool
) -> None:
    player = Player(Guide(20.0))
    player.last(10, Pose())
    assert (player.last(3, pose, doubt).step is Step.CAPTURING) is goes_on


def test_whoever_moves_about_is_told_to_sit_still() -> None:
    player = Player(Guide(20.0))
    player.last(10, Pose())
    moved = [g for pose in (Pose(seat_z_m=0.15), Pose()) * 2 for g in player.play(0.4, pose)]
    assert {g.say for g in moved if g.step is Step.CAPTURING} == {"Sit still"}
    assert player.guide.step(Seen(Frame(player.t_s, 0.0, 640, 480), nobody()[0], Reason.OK)).still == 0


@pytest.mark.parametrize(
    ("other", "begins"),
    [
        (Pose(seat_y_m=0.05), False),
        (Pose(seat_z_m=0.05), False),
        (Pose(seat_x_m=0.2), False),
        (Pose(seat_x_m=0.05), True),
        (Pose(head_yaw=20), True),
        (Pose(head_pitch=8), True),
    ],
)
def test_fidgeting_is_not_begun_with_but_a_glance_aside_is(other: Pose, begins: bool) -> None:
    player = Player(Guide())
    shown = [g for pose in (Pose(), other) * 12 for g in player.play(0.4, pose)]
    assert (shown[-1].step is Step.CAPTURING) is begins
    assert all(0 <= g.still <= 1 for g in shown)


def test_looking_down_is_captured_as_such_however_the_head_moves() -> None:
    player = Player(Guide(6.0, Aim.DOWN))
    nods = (Pose(head_pitch=15), Pose(head_pitch=35, seat_z_m=0.1)) * 12
    done = [g for pose in nods for g in player.play(0.6, pose)][-1]
    assert done.step is Step.DONE


def test_a_recording_that_ends_early_gives_what_it_has() -> None:
    player = Player(Guide(25.0))
    player.last(15, Pose())
    assert player.guide.finish().step is Step.DONE
    assert len(player.guide.kept) > 10 * FPS


def test_a_capture_that_is_too_poor_starts_over_and_why_stands_until_the_next() -> None:
    player = Player(Guide(5.0))
    assert player.last(9, Pose()).step is Step.DONE
    again = player.guide.again("it was too dark")
    assert (again.step, again.hint) == (Step.LOOKING, "Once more: it was too dark")
    assert not player.guide.kept
    assert {g.hint for g in player.play(1, None)} == {"Once more: it was too dark"}
    assert player.last(6, Pose()).step is Step.CAPTURING
    assert "No matter" in player.last(2, None).hint


@pytest.mark.parametrize(
    ("pose", "camera", "doubted", "word", "why"),
    [
        (Pose(), Camera(), 0, "Very good", "steady and clearly seen"),
        (Pose(), Camera(), 10, "Good", "steady and clearly seen"),
        (Pose(), Camera(), 20, "Usable", "face and shoulders were not always seen clearly"),
        (Pose(), Camera(distance_m=1.7), 0, "Good", "steady and clearly seen"),
        (Pose(), Camera(distance_m=2.9), 0, "Usable", "you are far from the camera, so"),
        (Pose(), dataclasses.replace(SIDE_CAMERA, distance_m=2.9), 0, "Very good", "steady and clearly seen"),
        (Pose(seat_y_m=np.linspace(-0.06, 0.06, 50)), Camera(), 0, "Usable", "you moved a little, so"),
    ],
)
def test_how_good_a_capture_is_goes_by_the_worst_of_it(
    pose: Pose, camera: Camera, doubted: int, word: str, why: str
) -> None:
    bodies, (width, height) = render(
        Body(), pose + Pose(lean=np.zeros(50)), camera, np.random.default_rng(5), noise_px=0.2
    )
    frames = Collected()
    for number, body in enumerate(bodies):
        at = Frame(number / FPS, 0.0, int(width), int(height))
        frames.add(Seen(at, body, Reason.CROWD if number < doubted else Reason.OK))
    neutral = frames.neutral(steady=False) if doubted < 15 else upright(Body(), camera)
    quality = quality_of(neutral, frames)
    assert quality.word == word
    assert quality.why.startswith(why)


@pytest.mark.parametrize(
    ("camera", "why"),
    [
        (Camera(), "That takes a camera at your side that sees shoulders and hips."),
        (Camera(azimuth_deg=30), "That takes a camera that sees your hips as well."),
        # A face turned so far has no sides to compare.
        (dataclasses.replace(SIDE_CAMERA, azimuth_deg=60), "That takes a camera in front of you."),
        (SIDE_CAMERA, "That takes a camera in front of you."),
    ],
)
def test_what_would_help_to_measure_the_rest_is_told(camera: Camera, why: str) -> None:
    neutral = upright(Body(), camera)
    assert measurable(neutral)[1], "there is a rest"
    assert why_not(neutral) == why
