"""Whether something moved: real clips, real stills with noise, light and small movements added."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from posture_monitor.sensing.motion import moved, thumbnail

_ACROSS, _DOWN = 640, 480


def clip(path: Path, every_s: float, last_s: float = 60.0) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    step = max(1, round(capture.get(cv2.CAP_PROP_FPS) * every_s))
    small: list[np.ndarray] = []
    while len(small) * every_s <= last_s:
        for _ in range(step - 1):
            capture.grab()
        ok, image = capture.read()
        if not ok:
            break
        small.append(thumbnail(image))
    capture.release()
    return small


def steps(small: list[np.ndarray]) -> list[bool]:
    assert len(small) > 2
    return [moved(a, b) for a, b in itertools.pairwise(small)]


@pytest.fixture(scope="module")
def stills(shared_data: Path) -> list[np.ndarray]:
    paths = sorted((shared_data / "front").glob("*/*/*"))[::8]
    read = [
        cv2.resize(cv2.imread(str(path)), (_ACROSS, _DOWN), interpolation=cv2.INTER_CUBIC) for path in paths
    ]
    assert len(read) >= 8
    return read


@functools.cache
def grain(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((_DOWN, _ACROSS, 3), dtype=np.float32)


def noisy(image: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    return np.clip(image + np.float32(sigma) * grain(seed), 0, 255).astype(np.uint8)


def head_lower(image: np.ndarray, pixels: float) -> np.ndarray:
    """Return the picture with what is about the middle of its upper half moved down, the rest in place."""
    y, x = np.mgrid[:_DOWN, :_ACROSS].astype(np.float32)
    near = np.exp(-((((x - 320) / 90) ** 2 + ((y - 200) / 90) ** 2) ** 2)).astype(np.float32)
    return cv2.remap(image, x, y - pixels * near, cv2.INTER_LINEAR)


def test_a_thumbnail_is_small_and_grey_whatever_the_picture() -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[:240] = 200
    small = thumbnail(image)
    assert (small.shape, small.dtype) == ((24, 32), np.uint8)
    assert (small[:12] == 200).all()
    assert (small[12:] == 0).all()
    assert thumbnail(np.zeros((720, 1280, 3), np.uint8)).shape == (24, 32)


def test_empty_pictures() -> None:
    flat = np.full((24, 32), 7, np.uint8)
    assert not moved(flat, flat)
    assert not moved(flat, flat + np.uint8(30))  # darker or brighter in all cells is light


@pytest.mark.data
def test_noise_and_light_are_no_movement(stills: list[np.ndarray]) -> None:
    for image in stills:
        before = thumbnail(noisy(image, 5, seed=1))
        assert not moved(before, thumbnail(noisy(image, 30, seed=2)))
        for gain in (0.7, 0.9, 1.2):
            assert not moved(before, thumbnail(noisy(np.clip(image * gain, 0, 255), 5, seed=3)))


@pytest.mark.data
def test_half_a_centimetre_of_the_head_is_movement(stills: list[np.ndarray]) -> None:
    for image in stills:
        assert moved(thumbnail(noisy(image, 5, seed=1)), thumbnail(noisy(head_lower(image, 5), 5, seed=2)))


@pytest.mark.data
def test_in_the_dark_it_takes_a_little_more(stills: list[np.ndarray]) -> None:
    for image in stills:
        dim = image * 0.5
        assert not moved(thumbnail(noisy(dim, 5, seed=1)), thumbnail(noisy(dim, 5, seed=2)))
        assert moved(thumbnail(noisy(dim, 5, seed=1)), thumbnail(noisy(head_lower(dim, 8), 5, seed=2)))


@pytest.mark.data
@pytest.mark.parametrize("every_s", [0.5, 2.0])
def test_sitting_still_and_an_empty_room_are_no_movement(shared_data: Path, every_s: float) -> None:
    assert not any(steps(clip(shared_data / "room" / "one_person_still.avi", every_s)))
    assert not any(steps(clip(shared_data / "room" / "absent_and_back.mp4", every_s, last_s=5.0)))


@pytest.mark.data
@pytest.mark.parametrize("name", ["one_person_head_turn.avi", "gestures/eat.mkv", "gestures/yes.mkv"])
def test_heads_and_hands_that_move_are_movement(shared_data: Path, name: str) -> None:
    assert all(steps(clip(shared_data / "room" / name, 0.5)))
