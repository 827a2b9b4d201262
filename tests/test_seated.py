"""Who sits in the calibrated seat is found though the model has found others, and nobody is made up."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from people import upright
from real_model import real_model
from rig import SIDE_CAMERA, Body

from posture_monitor.posture.baseline import Neutral, neutral_of
from posture_monitor.posture.landmarks import NOSE
from posture_monitor.posture.metrics import ROW, measure
from posture_monitor.sensing import demo, sources
from posture_monitor.sensing.eye_process import Eye
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.pose import PoseEstimator
from posture_monitor.sensing.seated import EMPTY_EVERY_S, SeatWatch, with_seated
from posture_monitor.sensing.sight import Place, Sight, Want

pytestmark = pytest.mark.data

Picture = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def estimator() -> Iterator[PoseEstimator]:
    with PoseEstimator(real_model(), stills=True) as estimator:
        yield estimator


@pytest.fixture(scope="module")
def both(shared_data: Path, estimator: PoseEstimator) -> tuple[Picture, npt.NDArray[np.float32]]:
    """Return a picture of two people, side by side, and the one whom the model finds in it."""
    frames = sources.open_source(str(shared_data / "room" / "two_people_head_tilt.avi")).frames()
    picture = next(frames).image
    assert picture is not None
    (found,) = estimator.detect(picture)
    assert found[NOSE, 0] > 0.5
    return picture, found


@pytest.fixture(scope="module")
def hers(both: tuple[Picture, Any], estimator: PoseEstimator) -> Neutral:
    """Return the neutral posture of the other one."""
    picture, _ = both
    height, width = picture.shape[:2]
    (alone,) = estimator.detect(picture[:, : width // 2])
    alone[:, 0] /= 2
    return neutral_of(measure(alone[None], np.array([width, height])))


def without_her(picture: Picture) -> Picture:
    """Return the picture of both with her seat empty."""
    half = picture.shape[1] // 2
    empty = picture.copy()
    empty[:, :half] = picture[:1, :half]
    return empty


def test_who_is_in_the_seat_is_found_beside_somebody_else(
    both: tuple[Picture, npt.NDArray[np.float32]], hers: Neutral, estimator: PoseEstimator
) -> None:
    picture, other = both
    people = with_seated(estimator, picture, other[None], hers)
    assert len(people) == 2
    np.testing.assert_array_equal(people[0], other)
    size = np.array([picture.shape[1], picture.shape[0]])
    assert measure(people, size)["head_shift"][1] == pytest.approx(hers["head_shift"], abs=0.02)
    assert measure(people, size)["face_size"][1] == pytest.approx(hers["face_size"], rel=0.05)


def test_in_an_empty_seat_nobody_is_found(
    both: tuple[Picture, npt.NDArray[np.float32]], hers: Neutral, estimator: PoseEstimator
) -> None:
    picture, other = both
    empty = without_her(picture)
    assert len(with_seated(estimator, empty, other[None], hers)) == 1


def test_whoever_sits_at_the_edge_of_the_seat_is_nobody_else(estimator: PoseEstimator) -> None:
    picture = demo.picture(5.0)
    people = estimator.detect(picture)
    own = neutral_of(measure(people, np.array([picture.shape[1], picture.shape[0]])))
    beside = own.centre.copy()
    beside[ROW["head_shift"]] -= 1.25 * own.shoulders
    assert len(with_seated(estimator, picture, people, dataclasses.replace(own, centre=beside))) == 1


class Unasked:
    """A model that is not to be asked."""

    def detect(self, _image: Picture) -> None:
        raise AssertionError


def test_the_seat_is_looked_at_only_where_one_is_known_and_nobody_is_in_it(
    both: tuple[Picture, npt.NDArray[np.float32]],
) -> None:
    picture, mine = both
    own = neutral_of(measure(mine[None], np.array([picture.shape[1], picture.shape[0]])))
    placeless = dataclasses.replace(own, centre=np.full_like(own.centre, np.nan))
    unasked: Any = Unasked()
    for neutral in (None, own, placeless, upright(Body(), SIDE_CAMERA)):
        assert with_seated(unasked, picture, mine[None], neutral) is not None
    nobody = mine[None][:0]
    assert with_seated(unasked, picture, nobody, own) is nobody


class Counted:
    """The real model, which counts how often it is asked."""

    def __init__(self, estimator: PoseEstimator) -> None:
        self.estimator, self.looks = estimator, 0

    def detect(self, image: Picture) -> npt.NDArray[np.float32]:
        self.looks += 1
        return self.estimator.detect(image)


def test_who_is_hidden_in_their_seat_is_found_each_time(
    both: tuple[Picture, npt.NDArray[np.float32]], hers: Neutral, estimator: PoseEstimator
) -> None:
    picture, other = both
    watch = SeatWatch()
    for number in range(12):
        people = watch.people(estimator, picture, hers, 6.0 * number)
        np.testing.assert_array_equal(people, with_seated(estimator, picture, other[None], hers))


def test_an_empty_seat_is_seldom_looked_at_again_and_one_just_left_at_each_look(
    both: tuple[Picture, npt.NDArray[np.float32]], hers: Neutral, estimator: PoseEstimator
) -> None:
    picture, _ = both
    empty = without_her(picture)
    counted: Any = Counted(estimator)
    watch = SeatWatch()
    for number in range(10):
        assert len(watch.people(counted, empty, hers, 6.0 * number)) == 1
    assert counted.looks == 10 + 60.0 / EMPTY_EVERY_S
    assert len(watch.people(counted, picture, hers, 60.0)) == 2  # who comes back
    counted.looks = 0
    for number in range(3):
        assert len(watch.people(counted, empty, hers, 66.0 + 6.0 * number)) == 1
        assert len(watch.people(counted, picture, hers, 69.0 + 6.0 * number)) == 2


class Camera:
    """A camera that shows one picture."""

    name = identity = "a camera"
    live = True

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    def take(self, _due_s: float) -> Frame:
        return Frame(0.0, time.time(), self.picture.shape[1], self.picture.shape[0], self.picture)

    def close(self) -> None:
        pass


def test_the_eye_looks_at_the_seat_it_is_told_of(
    both: tuple[Picture, Any], hers: Neutral, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "open_source", lambda *_args, **_kept: Camera(both[0]))
    eye = Eye(Place("0", 640, 480, model=real_model()))
    try:
        for neutral, count in ((None, 1), (hers, 2)):
            seen = eye.look(Want(neutral=neutral))
            assert isinstance(seen, Sight)
            assert seen.people is not None
            assert len(seen.people) == count
    finally:
        eye.close()
