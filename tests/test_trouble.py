"""Pictures of a camera that does not see: black, covered, frozen, told from those of one that does."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from posture_monitor.errors import UserError
from posture_monitor.sensing import demo
from posture_monitor.sensing.motion import thumbnail
from posture_monitor.sensing.trouble import PictureHealth, SourceTrouble, Trouble

_SCENE = np.asarray(cv2.resize(demo.picture(0.0), (160, 120), interpolation=cv2.INTER_AREA))


def seen(t_s: float, level: float = 1.0, sigma: float = 2.0) -> np.ndarray:
    """Return the demo's picture with fresh noise of a sensor in it."""
    noise = np.random.default_rng(round(t_s * 1000)).normal(0, sigma, _SCENE.shape)
    return np.clip(_SCENE * level + noise, 0, 255).astype(np.uint8)


def told(images: list[np.ndarray], every_s: float) -> list[Trouble | None]:
    health = PictureHealth()
    return [health.feed(thumbnail(image), i * every_s, image) for i, image in enumerate(images)]


def test_a_camera_that_sees_is_well() -> None:
    assert told([seen(t) for t in range(12)], 6.0) == [None] * 12
    assert told([seen(t, 0.15) for t in range(6)], 6.0) == [None] * 6  # a dim room is no fault of the camera


@pytest.mark.parametrize(
    ("level", "trouble"),
    [(0, Trouble.BLACK), (3, Trouble.BLACK), (60, Trouble.COVERED), (200, Trouble.COVERED)],
)
def test_nothing_but_one_tone_is_told_after_a_moment(level: int, trouble: Trouble) -> None:
    rng = np.random.default_rng(0)
    dark = [np.clip(rng.normal(level, 2, _SCENE.shape), 0, 255).astype(np.uint8) for _ in range(5)]
    assert told([seen(0), *dark, seen(6)], 1.0) == [None, None, None, trouble, trouble, trouble, None]


def test_a_passing_hand_is_no_trouble() -> None:
    hand = np.full(_SCENE.shape, 90, np.uint8)
    assert told([seen(0), hand, hand, seen(3)], 1.0) == [None] * 4


def test_a_black_picture_that_never_changes_is_black_not_frozen() -> None:
    assert told([np.zeros_like(_SCENE)] * 20, 6.0)[-1] is Trouble.BLACK


def test_the_same_picture_for_long_is_frozen_until_it_changes() -> None:
    stuck = seen(0)
    answers = told([*[stuck] * 8, seen(1)], 6.0)
    assert answers == [None] * 6 + [Trouble.FROZEN] * 2 + [None]  # more than 30 s


def test_a_still_scene_is_not_frozen_where_a_single_pixel_lives() -> None:
    images = [_SCENE.copy() for _ in range(10)]
    for i, image in enumerate(images):
        image[0, 0] = i
    assert told(images, 6.0) == [None] * 10


def test_troubles_read_as_words_and_are_for_the_user() -> None:
    assert f"{Trouble.UNPLUGGED}" == str(Trouble.UNPLUGGED) == "unplugged"
    error = SourceTrouble("it is gone", Trouble.GONE)
    assert isinstance(error, UserError)
    assert (str(error), error.trouble) == ("it is gone", Trouble.GONE)
