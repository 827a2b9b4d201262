"""Dark pictures are brightened, and nothing else is; the model then sees more in them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from real_model import real_model

from posture_monitor.sensing import demo, pose
from posture_monitor.sensing.brightening import BRIGHT, brightened
from posture_monitor.sensing.pose import PoseEstimator

Picture = npt.NDArray[np.uint8]


def brightest(picture: Picture) -> float:
    return float(np.percentile(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 95))


def dimmed(picture: Picture, light: float) -> Picture:
    return (picture * light).astype(np.uint8)


@pytest.fixture(scope="module")
def picture() -> Picture:
    picture = demo.picture(5.0)
    assert brightest(picture) > BRIGHT
    return picture


@pytest.mark.parametrize("grey", [100, 160])
def test_a_picture_that_is_not_dark_stays_as_it_is(grey: int) -> None:
    picture = np.full((480, 640, 3), grey, np.uint8)
    assert brightened(picture) is picture


@pytest.mark.parametrize("light", [0.28, 0.2, 0.12])
def test_a_dark_picture_becomes_about_as_bright_as_others(picture: Picture, light: float) -> None:
    assert brightest(brightened(dimmed(picture, light))) == pytest.approx(BRIGHT, abs=8)


def test_noise_is_not_brought_out() -> None:
    dim = np.full((480, 640, 3), 30.0)
    noisy = (dim + np.random.default_rng(0).normal(0, 4, dim.shape)).astype(np.uint8)
    out = brightened(noisy)
    assert out.mean() > 3 * noisy.mean()
    assert out.std() / out.mean() < 0.6 * noisy.std() / noisy.mean()


def test_noise_is_smoothed_away_however_many_pixels_it_has(picture: Picture) -> None:
    dark = dimmed(picture, 0.14)
    half = cv2.resize(dark, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    grain = np.random.default_rng(0).normal(0, 5, half.shape)
    noisy = np.clip(half + grain, 0, 255).astype(np.uint8)

    def noise(picture: Picture, clean: Picture) -> float:
        return float((brightened(picture).astype(float) - brightened(clean)).std())

    def enlarged(picture: Picture) -> Picture:
        return np.asarray(cv2.resize(picture, None, fx=2, fy=2), dtype=np.uint8)

    assert noise(enlarged(noisy), enlarged(half)) < 1.1 * noise(noisy, half)


def test_a_large_dark_picture_is_brought_down_in_its_own_shape(picture: Picture) -> None:
    large = np.asarray(cv2.resize(dimmed(picture, 0.2), (1920, 1080)), dtype=np.uint8)
    height, width = brightened(large).shape[:2]
    assert height < 1080
    assert width / height == pytest.approx(16 / 9, abs=0.01)


def test_letterbox_bars_do_not_make_a_picture_dark(picture: Picture) -> None:
    boxed = np.zeros((960, 1280, 3), np.uint8)
    boxed[240:720, 320:960] = picture
    assert brightened(boxed) is boxed


def test_darkness_stays_dark() -> None:
    noise = np.random.default_rng(0).integers(0, 6, (480, 640, 3), dtype=np.uint8)
    assert brightened(noise).mean() < 25


def test_the_model_sees_more_in_a_dark_and_noisy_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    used = [3, 6, 7, 8, 11, 12]
    pictures = [demo.picture(t_s) for t_s in (5.0, 16.0, 30.0, 46.0)]
    dark = [np.clip(p * 0.14 + rng.normal(0, 5, p.shape), 0, 255).astype(np.uint8) for p in pictures]
    with PoseEstimator(real_model(), stills=True) as estimator:
        bright = [estimator.detect(picture)[0] for picture in pictures]

        def errors() -> list[float]:
            """Return how far eyes, ears and shoulders are off, in eye distances; 1 where nobody is found."""
            found = [estimator.detect(picture) for picture in dark]
            return [
                float(np.linalg.norm(people[0, used, :2] - sure[used, :2], axis=1).mean())
                / float(np.linalg.norm(sure[3, :2] - sure[6, :2]))
                if len(people)
                else 1.0
                for people, sure in zip(found, bright, strict=True)
            ]

        helped = errors()
        monkeypatch.setattr(pose, "brightened", lambda image: image)
        alone = errors()
    assert max(helped) < 0.15
    assert np.mean(helped) < 0.5 * np.mean(alone), (helped, alone)
