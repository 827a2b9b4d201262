"""A still is looked at without its letterbox bars, and in both ways that a mirror allows."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from real_model import real_model

from posture_monitor.posture.landmarks import COUNT, LEFT_HIP, RIGHT_SHOULDER
from posture_monitor.sensing import demo, still
from posture_monitor.sensing.pose import PoseEstimator

Picture = npt.NDArray[np.uint8]
People = npt.NDArray[np.float32]

#: Points of the body that the demo's picture shows.
SEEN = slice(RIGHT_SHOULDER + 1)


@pytest.fixture(scope="module")
def estimator() -> Iterator[PoseEstimator]:
    with PoseEstimator(real_model(), stills=True) as estimator:
        yield estimator


@pytest.fixture(scope="module")
def picture() -> Picture:
    return demo.picture(5.0)


def boxed(picture: Picture, above: int, beside: int) -> Picture:
    return np.pad(picture, ((above, above), (beside, beside), *((0, 0),) * (picture.ndim - 2)))


def somebody(left: float = 0.5, size: float = 0.2) -> People:
    """Return one person ``(1, 33, 4)``, the points somewhere, their left on the picture's right."""
    rng = np.random.default_rng(0)
    person = np.concatenate([rng.uniform(-0.5, 0.5, (COUNT, 2)), np.ones((COUNT, 2))], axis=1)
    person[1::2, 0], person[2::2, 0] = np.abs(person[1::2, 0]), -np.abs(person[2::2, 0])
    person[:, :2] = person[:, :2] * size + [left, 0.5]
    return person[None].astype(np.float32)


@pytest.mark.parametrize(("above", "beside"), [(0, 0), (60, 0), (0, 80), (33, 21)])
def test_bars_are_measured(picture: Picture, above: int, beside: int) -> None:
    assert still.bars(boxed(picture, above, beside)) == (above, beside)
    assert still.bars(boxed(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), above, beside)) == (above, beside)


def test_bars_that_compression_has_blotted_are_bars(picture: Picture) -> None:
    _, packed = cv2.imencode(".jpg", boxed(picture, 64, 0), [cv2.IMWRITE_JPEG_QUALITY, 40])
    above, beside = still.bars(np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), dtype=np.uint8))
    assert 56 <= above <= 64
    assert beside == 0


def test_what_is_black_at_one_side_alone_is_no_bar(picture: Picture) -> None:
    assert still.bars(np.pad(picture, ((0, 90), (70, 0), (0, 0)))) == (0, 0)


def test_a_black_picture_is_looked_at_whole(estimator: PoseEstimator) -> None:
    black = np.zeros((480, 640, 3), np.uint8)
    assert still.bars(black) == (0, 0)
    assert still.detect(estimator, black).shape == (0, COUNT, 4)


def test_a_mirror_swaps_the_sides_and_nothing_else() -> None:
    people = somebody(left=0.3)
    there = still.mirrored(people)
    np.testing.assert_allclose(still.mirrored(there), people, atol=1e-6)
    np.testing.assert_allclose(there[0, LEFT_HIP, 0], 1 - people[0, LEFT_HIP + 1, 0], atol=1e-6)
    np.testing.assert_array_equal(there[0, LEFT_HIP, 1:], people[0, LEFT_HIP + 1, 1:])


def test_each_body_is_averaged_with_itself() -> None:
    one, other = somebody(left=0.25), somebody(left=0.75)
    moved = np.array([0.01, 0.02, 0, 0], dtype=np.float32)
    mean = still.averaged(np.concatenate([one, other]), np.concatenate([other + moved, one - moved]))
    np.testing.assert_allclose(mean, np.concatenate([one - moved / 2, other + moved / 2]), atol=1e-6)


@pytest.mark.parametrize(
    "again",
    [
        np.empty((0, COUNT, 4), np.float32),
        somebody(left=0.8),
        # Left and right taken for each other: the mean would be a body without width.
        somebody()[:, still._OTHER_SIDE],
    ],
)
def test_another_body_is_left_out(again: People) -> None:
    np.testing.assert_array_equal(still.averaged(somebody(), again), somebody())


def test_a_mirrored_still_shows_the_same_body(estimator: PoseEstimator, picture: Picture) -> None:
    as_it_is, there = still.detect(estimator, picture), still.detect(estimator, picture[:, ::-1])
    np.testing.assert_allclose(still.mirrored(there)[0, SEEN], as_it_is[0, SEEN], atol=1e-4)


def test_bars_change_nothing(estimator: PoseEstimator, picture: Picture) -> None:
    plain, there = still.detect(estimator, picture), still.detect(estimator, boxed(picture, 240, 0))
    there[..., 1] = (there[..., 1] - 0.25) * 2
    np.testing.assert_allclose(there[..., :2], plain[..., :2], atol=1e-5)
    np.testing.assert_array_equal(there[..., 2:], plain[..., 2:])
