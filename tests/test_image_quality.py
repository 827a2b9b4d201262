"""Light and focus, on real frames and on what is done to them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing import demo
from posture_monitor.sensing.image_quality import (
    LEAST_MEAN,
    cut_off,
    quality,
    thumbnail,
    without_bars,
)
from posture_monitor.sensing.images import read_image


def as_image(values: np.ndarray) -> np.ndarray:
    return np.clip(values, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def frame() -> np.ndarray:
    return demo.picture(5.0)


def test_a_good_picture_is_good(frame: np.ndarray) -> None:
    found = quality(frame)
    assert found.reason == ""
    assert found.mean == pytest.approx(frame.mean(), abs=15)
    assert found.contrast > 40


@pytest.mark.parametrize("away", [63.0, 65.0])
def test_an_empty_room_is_no_covered_lens(away: float) -> None:
    assert quality(demo.picture(away)).reason == ""


def test_darkness_a_hand_and_a_lost_focus_are_told_apart(frame: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 3, frame.shape)
    assert quality(as_image(frame * 0.12 + noise)).reason == "too dark"
    assert quality(as_image(8 + noise)).reason == "covered"
    assert quality(as_image(70 + noise)).reason == "covered"  # a finger lit from behind
    assert quality(np.zeros_like(frame)).reason == "covered"
    assert quality(as_image(cv2.GaussianBlur(frame, (0, 0), 16))).reason == "blurred"


def test_in_the_dark_somebody_is_judged_and_an_empty_seat_is_not_known(frame: np.ndarray) -> None:
    noise = np.random.default_rng(0).normal(0, 3, frame.shape)
    dusk, night = (quality(as_image(frame * light + noise)) for light in (0.12, 0.075))
    assert dusk.reason == night.reason == "too dark"
    assert night.mean < LEAST_MEAN < dusk.mean
    assert dusk.doubt(somebody=True) is Reason.OK
    assert dusk.doubt(somebody=False) is Reason.DARK
    assert night.doubt(somebody=True) is Reason.DARK
    assert quality(np.zeros_like(frame)).doubt(somebody=True) is Reason.COVERED


def test_a_face_lit_by_the_screen_alone_is_enough(frame: np.ndarray) -> None:
    dark = frame * 0.08
    dark[100:260, 240:400] = frame[100:260, 240:400] * 0.7
    assert quality(as_image(dark)).reason == ""


@pytest.mark.parametrize("bars", [(80, 80, 0, 0), (0, 0, 150, 150), (0, 90, 0, 0)])
def test_letterbox_bars_are_left_out(frame: np.ndarray, bars: tuple[int, int, int, int]) -> None:
    dim = as_image(frame * 0.35)
    boxed = cv2.copyMakeBorder(dim, *bars, cv2.BORDER_CONSTANT, value=(2, 2, 2))
    plain, found = quality(dim), quality(boxed)
    assert found.reason == ""
    assert found.mean == pytest.approx(plain.mean, rel=0.06)
    assert found.contrast == pytest.approx(plain.contrast, rel=0.06)


def test_all_black_has_no_bars() -> None:
    assert without_bars(np.zeros((90, 160), np.uint8)).shape == (90, 160)


def test_the_size_of_the_picture_hardly_matters(frame: np.ndarray) -> None:
    large = quality(np.asarray(cv2.resize(frame, None, fx=2, fy=2)))
    assert large.mean == pytest.approx(quality(frame).mean, rel=0.02)
    assert large.reason == ""
    assert thumbnail(frame).shape == (120, 160)
    assert thumbnail(frame[:100, :90]).shape == (100, 90)


@pytest.mark.data
def test_every_real_front_and_side_picture_is_good_enough(shared_data: Path) -> None:
    paths = sorted(shared_data.glob("front/*/*/*.jpg")) + sorted(shared_data.glob("side/*/*/*.jpg"))
    assert len(paths) > 80
    assert {path.name: quality(read_image(path)).reason for path in paths} == {
        path.name: "" for path in paths
    }


@pytest.mark.data
def test_dim_letterboxed_real_pictures_are_good_enough(shared_data: Path) -> None:
    for path in sorted(shared_data.glob("front/*middle*/*/*.jpg"))[::6]:
        boxed = cv2.copyMakeBorder(as_image(read_image(path) * 0.6), 60, 60, 0, 0, cv2.BORDER_CONSTANT)
        assert quality(boxed).reason == ""


@pytest.mark.parametrize("part", [0.1, 1 / 3, 1 / 2, 0.8])
def test_a_picture_of_which_the_rest_is_missing(frame: np.ndarray, part: float) -> None:
    jpeg = cv2.imencode(".jpg", frame)[1].tobytes()
    cut = jpeg[: round(len(jpeg) * part)] + b"\xff\xd9"
    assert cut_off(cv2.imdecode(np.frombuffer(cut, np.uint8), cv2.IMREAD_COLOR))
    assert not cut_off(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))


def test_bars_a_covered_lens_and_glare_are_no_missing_part(frame: np.ndarray) -> None:
    assert not cut_off(cv2.copyMakeBorder(frame, 0, 200, 0, 0, cv2.BORDER_CONSTANT, value=(2, 2, 2)))
    assert not cut_off(np.full_like(frame, 60))
    bright = frame.copy()
    bright[-200:] = 255
    assert not cut_off(bright)


@pytest.mark.data
def test_no_real_picture_is_taken_for_one_of_which_a_part_is_missing(shared_data: Path) -> None:
    pictures = [path for path in shared_data.rglob("*") if path.suffix in (".jpg", ".png")]
    assert len(pictures) > 20
    assert [path.name for path in pictures if cut_off(read_image(path))] == []
