"""Frames gathered for a neutral posture: the body they share, whose it is, and whether they are enough."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from people import upright
from rig import Body, Camera, Pose, render

from posture_monitor.posture.landmarks import nobody
from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing.frame import Frame
from posture_monitor.service.collected import Collected
from posture_monitor.service.looking import Seen
from posture_monitor.service.profile import Profile


def gathered(
    pose: Pose, count: int, *, step_s: float = 1.0, begins_s: float = 0.0, empty: int = 0
) -> Collected:
    """Return so many frames of somebody, of which the first are of an empty chair."""
    bodies, (width, height) = render(Body(), pose + Pose(lean=np.zeros(count)), Camera())
    bodies[:empty] = nobody()[0]
    frames = Collected()
    for number, body in enumerate(bodies.astype(np.float32)):
        at = Frame(begins_s + step_s * number, 0.0, int(width), int(height))
        frames.add(Seen(at, body, Reason.OK))
    return frames


def test_the_body_in_common_is_nobodys_empty_chair_and_nobodys_glance() -> None:
    glance = np.zeros(12)
    glance[8] = 0.3
    alike = gathered(Pose(seat_x_m=glance), 12, empty=5)
    np.testing.assert_allclose(alike.middle(), gathered(Pose(), 1).landmarks[0], atol=1e-6)
    assert alike.middle().shape == (33, 4)


@pytest.mark.parametrize(("pose", "which"), [(Pose(), 0), (Pose(seat_y_m=0.2), 1)])
def test_the_posture_that_is_nearest_is_meant_whoever_was_away_for_a_while(pose: Pose, which: int) -> None:
    sitting = upright(Body(), Camera())
    standing = replace(sitting, centre=gathered(Pose(seat_y_m=0.22), 12).neutral().centre, name="standing")
    assert gathered(pose, 12, empty=4).fitting(Profile("desk", (sitting, standing))) == which


def test_without_anybody_no_posture_is_meant() -> None:
    profile = Profile("desk", (upright(Body(), Camera()),))
    with pytest.raises(ValueError, match="nobody was seen; sit where"):
        gathered(Pose(), 12, empty=12).fitting(profile)
    with pytest.raises(ValueError, match="there was no picture at all"):
        Collected().fitting(profile)


@pytest.mark.parametrize("begins_s", [0.0, 5.0])
@pytest.mark.parametrize(
    ("count", "step_s", "enough"),
    [
        (20, 0.4, False),
        (21, 0.4, True),
        (7, 2.0, False),
        (8, 2.0, True),
        (7, math.nan, False),
        (8, math.nan, True),
    ],
)
def test_eight_frames_in_eight_seconds_are_enough_and_of_stills_eight(
    count: int, step_s: float, enough: bool, begins_s: float
) -> None:
    assert gathered(Pose(), count, step_s=step_s, begins_s=begins_s).enough is enough
