"""The guided calibration's state machine, played in moments with a synthetic body before a camera."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from rig import SCENARIOS, Body, Camera, Pose, render

from posture_monitor.posture.landmarks import nobody
from posture_monitor.posture.metrics import Reason
from posture_monitor.posture.reading import View
from posture_monitor.sensing.frame import Frame
from posture_monitor.service.capture_quality import measurable, quality_of
from posture_monitor.service.framing import Kind
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


def amiss(guidance: Guidance) -> list[str]:
    return [note.text for note in guidance.notes if note.kind is Kind.AMISS]


def test_a_capture_begins_by_itself_and_ends_with_a_neutral_posture() -> None:
    player = Player(Guide(10.0))
    shown = list(player.play(17, Pose()))
    steps = [guidance.step for guidance in shown]
    order = [Step.LOOKING, Step.SETTLING, Step.CAPTURING, Step.DONE]
    assert [step for step, before in zip(steps, [None, *steps], strict=False) if step is not before] == order
    counting = [g.left_s for g in shown if g.step is Step.SETTLING]
    assert counting[0] == pytest.approx(SETTLE_S)
    assert counting == sorted(counting, reverse=True)
    progress = [g.progress for g in shown if g.step is Step.CAPTURING]
    assert progress == sorted(progress)
    assert sum(step is Step.CAPTURING for step in steps) == pytest.approx(10 * FPS, abs=2)
    done = shown[-1]
    assert done.neutral is not None
    assert done.neutral.view is View.FRONT
    assert done.neutral.frames == len(player.guide.kept)
    assert quality_of(done.neutral, player.guide.kept).word in ("Good", "Very good")
    can, cannot = measurable(done.neutral)
    assert "head sinking towards the shoulders" in can
    assert "trunk leaning forward or back" in cannot


def test_hidden_hips_are_named_and_are_no_obstacle() -> None:
    shown = Player(Guide()).last(2, Pose())
    assert amiss(shown) == []
    assert any("Hips hidden" in note.text and note.kind is Kind.FINE for note in shown.notes)


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


def test_a_blink_changes_nothing_and_leaving_starts_over_kindly() -> None:
    player = Player(Guide(20.0))
    assert player.last(8, Pose()).step is Step.CAPTURING
    assert player.last(GRACE_S - 0.3, None).step is Step.CAPTURING
    assert player.last(2, Pose()).step is Step.CAPTURING
    left = player.last(GRACE_S + 0.5, None)
    assert left.step is Step.LOOKING
    assert "No matter" in left.hint
    assert not player.guide.kept
    back = player.last(30, Pose())
    assert back.step is Step.DONE
    assert back.neutral is not None
    assert back.neutral.frames == pytest.approx(20 * FPS, abs=2)


def test_another_posture_in_the_middle_starts_over() -> None:
    player = Player(Guide(20.0))
    player.last(10, Pose())
    assert player.last(3, Pose(seat_x_m=0.25)).step is not Step.CAPTURING


def test_fidgeting_is_not_begun_with() -> None:
    player = Player(Guide())
    shown = [g for rise in (0.0, 0.05) * 12 for g in player.play(0.4, Pose(seat_y_m=rise))]
    assert {g.step for g in shown} <= {Step.LOOKING, Step.SETTLING}
    assert shown[-1].still < 0.4


def test_looking_down_is_captured_as_such() -> None:
    done = Player(Guide(6.0, Aim.DOWN)).last(12, SCENARIOS["look_down"])
    assert done.step is Step.DONE
    assert done.neutral is not None
    assert done.neutral.name == "down"


def test_a_recording_that_ends_early_gives_what_it_has_or_says_why_not() -> None:
    player = Player(Guide(25.0))
    player.last(15, Pose())
    assert player.guide.finish().step is Step.DONE
    early = Player(Guide(25.0))
    early.last(4.6, Pose())
    assert "Once more" in early.guide.finish().hint
