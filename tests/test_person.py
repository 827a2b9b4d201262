"""Who is meant: the calibrated person by place and size, the others not."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
from people import upright
from rig import SCENARIOS, SIDE_CAMERA, Body, Camera, Pose, render

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.metrics import measure
from posture_monitor.posture.person import Choice, choose, in_seat

#: Wide and far enough for two people side by side.
CAMERA = Camera(distance_m=1.3, hfov_deg=80, height_m=0.65)
SIZE = np.array([640, 480])

Landmarks = npt.NDArray[np.float32]


def somebody(pose: Pose | None = None, body: Body | None = None) -> Landmarks:
    return render(body or Body(), pose or Pose(), CAMERA)[0]


def together(*people: Landmarks) -> Landmarks:
    return np.concatenate(people)


@pytest.fixture
def me() -> Neutral:
    return upright(Body(), CAMERA)


BESIDE = Pose(seat_x_m=0.6)
BEHIND = Pose(seat_x_m=0.45, seat_z_m=-1.2, seat_y_m=0.3)
NEARER = Pose(seat_x_m=-0.4, seat_z_m=0.5)


@pytest.mark.parametrize("name", ["upright", "slump_deep", "lean_back", "side_lean", "look_down"])
def test_who_slouches_or_leans_has_kept_the_seat(me: Neutral, name: str) -> None:
    assert in_seat(me.measure(somebody(SCENARIOS[name]), SIZE), me).all()


@pytest.mark.parametrize("other", [BESIDE, BEHIND], ids=["beside", "behind"])
def test_who_sits_beside_or_behind_has_not(me: Neutral, other: Pose) -> None:
    assert not in_seat(me.measure(somebody(other), SIZE), me).any()


def test_nobody_is_in_a_seat_whatever_is_known_of_its_place(me: Neutral) -> None:
    placeless = dataclasses.replace(me, centre=np.full_like(me.centre, np.nan))
    for neutral in (me, placeless, upright(Body(), SIDE_CAMERA)):
        assert in_seat(measure(together(lm.nobody(), somebody()), SIZE), neutral).tolist() == [False, True]


def test_nobody_and_one_person() -> None:
    assert choose(lm.nobody(0), SIZE) == Choice(None)
    assert choose(lm.nobody(2), SIZE) == Choice(None)
    assert choose(somebody(), SIZE) == Choice(0)


@pytest.mark.parametrize("other", [BESIDE, BEHIND, NEARER], ids=["beside", "behind", "nearer"])
@pytest.mark.parametrize("first", [True, False])
def test_the_calibrated_person_is_followed_by_place_and_size(me: Neutral, other: Pose, first: bool) -> None:
    mine, theirs = somebody(), somebody(other)
    people = together(mine, theirs) if first else together(theirs, mine)
    assert choose(people, SIZE, me) == Choice(0 if first else 1)


@pytest.mark.parametrize(
    "name", ["slump_deep", "head_forward_far", "lean_back", "chair_lower", "roll_nearer"]
)
def test_who_slouches_or_moves_the_chair_is_still_meant(me: Neutral, name: str) -> None:
    assert choose(together(somebody(BEHIND), somebody(SCENARIOS[name])), SIZE, me) == Choice(1)


def test_somebody_in_my_place_beside_me_is_a_crowd(me: Neutral) -> None:
    near = together(somebody(), somebody(Pose(seat_x_m=0.15)))
    assert choose(near, SIZE, me).crowd


def test_two_ghosts_on_the_furniture_are_no_crowd() -> None:
    """The model sees bodies of a few centimetres in an empty room."""
    far = Camera(distance_m=9.0, height_m=0.65)
    ghosts, size = render(Body(), Pose(seat_x_m=np.array([-0.8, 0.8])), far)
    assert choose(ghosts, size).crowd is False


@pytest.mark.parametrize("known", [True, False])
def test_one_person_seen_twice_is_one_person(me: Neutral, known: bool) -> None:
    twice = together(somebody(), somebody(Pose(seat_x_m=0.02, head_yaw=4)))
    assert choose(twice, SIZE, me if known else None).crowd is False


def test_one_person_seen_twice_from_the_side_is_one_person() -> None:
    """Shoulders one behind the other look as wide as a hand: nobody is as near to another as that."""
    points, size = render(Body(), Pose(seat_z_m=np.array([0.0, 0.06])), SIDE_CAMERA)
    for neutral in (None, upright(Body(), SIDE_CAMERA)):
        assert choose(points, size, neutral).crowd is False


def test_without_a_neutral_the_largest_is_meant_and_a_rival_is_a_crowd() -> None:
    assert choose(together(somebody(BEHIND), somebody()), SIZE) == Choice(1)
    both = choose(together(somebody(), somebody(BESIDE)), SIZE)
    assert both.index in (0, 1)
    assert both.crowd


def test_the_order_of_detection_does_not_matter(me: Neutral) -> None:
    rng = np.random.default_rng(1)
    people = [somebody(), somebody(BESIDE), somebody(BEHIND), somebody(NEARER)]
    for neutral in (me, None):
        picks = set()
        for _ in range(8):
            order = rng.permutation(4)
            choice = choose(together(*(people[i] for i in order)), SIZE, neutral)
            assert choice.index is not None
            picks.add((int(order[choice.index]), choice.crowd))
        assert len(picks) == 1, picks


def test_a_broken_detection_beside_me_is_nobody(me: Neutral) -> None:
    broken = somebody(BESIDE)
    broken[:, :11] = np.nan
    faceless = somebody(BESIDE)
    faceless[:, 0, 3] = 0.0
    for other in (broken, faceless, lm.nobody(1)):
        assert choose(together(other, somebody()), SIZE, me) == Choice(1)
    huge = somebody(BESIDE)
    huge[:, 3, :2] = 1e30
    assert choose(together(huge, somebody()), SIZE, me) == Choice(1)


def test_people_of_whom_no_face_is_seen_are_nobody(me: Neutral) -> None:
    hidden = together(somebody(), somebody(BESIDE))
    hidden[:, 0, 3] = 0.0
    assert choose(hidden, SIZE, me) == Choice(None)


def sized(factor: float, x: float) -> Landmarks:
    """Return somebody this much as large, about this far to the right in the picture."""
    points = somebody()
    points[:, :, :2] = (points[:, :, :2] - 0.5) * factor + (x, 0.5)
    return points


def test_without_a_neutral_only_who_is_nearly_as_large_is_a_rival() -> None:
    assert choose(together(somebody(), sized(0.65, 0.8)), SIZE) == Choice(0, crowd=True)
    assert choose(together(somebody(), sized(0.55, 0.8)), SIZE) == Choice(0)


def test_a_detection_without_a_point_is_nobody() -> None:
    assert choose(lm.nobody(1), SIZE) == Choice(None)


def test_whoever_fits_half_a_shoulder_width_worse_is_not_meant(me: Neutral) -> None:
    width = me["shoulder_width"]

    def moved(widths: float) -> Landmarks:
        points = somebody()
        points[:, :, 0] += widths * width * SIZE[1] / SIZE[0]
        return points

    assert choose(together(somebody(), moved(0.45)), SIZE, me) == Choice(0, crowd=True)
    assert choose(together(somebody(), moved(0.6)), SIZE, me) == Choice(0)


def test_one_person_seen_twice_without_shoulders_is_one_person(me: Neutral) -> None:
    """Somebody near the screen, of whom the picture shows the head alone."""
    twice = together(somebody(), somebody(Pose(seat_x_m=0.02, head_yaw=4)))
    twice[:, 11:, 3] = 0.0
    for neutral in (me, None):
        assert choose(twice, SIZE, neutral).crowd is False
