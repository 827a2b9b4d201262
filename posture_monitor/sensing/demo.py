"""A webcam-like minute made out of one photograph, for whoever has no camera at hand.

The photograph is the public-domain portrait of Grace Hopper that matplotlib
ships as sample data. Head and body are cut out along hand-set outlines, moved
as two layers, and laid over a painted, out-of-focus office. The pixels go
through the same model and the same judgement as those of a camera. That makes
it a demonstration and a test of the machinery, and no evidence of accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.paths import installed
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.images import read_image
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.sources import Paced

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
_Layer = TypeVar("_Layer", Image, Floats)

DEMO_SECONDS = 75.0
DEMO_FPS = 5.0
WIDTH, HEIGHT = 640, 480

#: (start_s, end_s, label): what is on the picture. The gaps between are the ways from one to the next.
PHASES = (
    (0.0, 20.0, "good"),
    (24.0, 48.0, "poor"),
    (51.0, 58.0, "good"),
    (60.0, 67.0, "away"),
    (69.0, DEMO_SECONDS, "good"),
)

# Outlines in pixels of the 512 x 600 photograph. The body reaches up behind
# the jaw, so that the head may move without showing a gap at the neck.
_HEAD = (
    (219, 32), (212, 44), (196, 51), (182, 65), (175, 85), (160, 100), (151, 103), (148, 110),
    (148, 168), (154, 182), (154, 200), (160, 226), (163, 248), (163, 262), (173, 272), (186, 291),
    (198, 304), (212, 319), (236, 331), (266, 335), (298, 331), (320, 317), (333, 304), (345, 300),
    (358, 282), (360, 264), (366, 238), (372, 205), (372, 190), (367, 184), (370, 134), (368, 129),
    (368, 104), (364, 91), (351, 84), (343, 66), (334, 57), (315, 46), (301, 45), (288, 32),
    (278, 32), (264, 25), (242, 25),
)  # fmt: skip
_BODY = (
    (208, 250), (322, 250), (328, 312), (338, 323), (361, 341), (420, 366), (460, 377), (491, 394),
    (504, 431), (516, 480), (530, 560), (540, 700), (0, 700), (10, 600), (17, 550), (20, 526),
    (29, 459), (30, 432), (39, 408), (50, 389), (64, 379), (97, 364), (132, 355), (165, 345),
    (184, 334), (199, 320), (206, 306),
)  # fmt: skip
_CHIN = (266.0, 335.0)
_SHOULDERS = (266.0, 430.0)
_PAD = 100  # replicated border: the sleeves run off the photograph


def portrait_path() -> Path:
    """Return where matplotlib keeps the portrait, without importing matplotlib.

    Raises
    ------
    UserError
        If matplotlib or its sample data is not installed.
    """
    for folder in installed("matplotlib"):
        path = folder / "mpl-data" / "sample_data" / "grace_hopper.jpg"
        if path.is_file():
            return path
    raise UserError(
        "the demo needs the portrait that matplotlib ships (mpl-data/sample_data/grace_hopper.jpg); "
        "install it with: pip install --force-reinstall matplotlib"
    )


def picture(t_s: float) -> Image:
    """Return the demo's picture at a moment: ``(480, 640, 3)`` uint8 BGR, the same for the same `t_s`."""
    layers = _layers()
    slump, gone = _slump(t_s), _gone(t_s)

    def sway(period_s: float, phase: float = 0.0) -> float:
        return math.sin(2 * math.pi * t_s / period_s + phase)

    # Down and closer as a whole; the head, on top of that, sinks between the
    # shoulders and comes nearer to the lens than they do.
    body = _similarity(
        about=_SHOULDERS,
        to=(320 + 4 * sway(7.3) + 2 * sway(3.1, 1) + 640 * gone, 353 + 1.5 * sway(4.1) + 22 * slump),
        scale=0.80 * (1 + 0.07 * slump),
        degrees=0.5 * sway(9.7) + 9 * gone,
    )
    head = _similarity(
        about=_CHIN,
        to=(_CHIN[0] + 2 * sway(5.3, 2), _CHIN[1] + 1 + 1.2 * sway(3.7) + 58 * slump),
        scale=1 + 0.2 * slump,
        degrees=1.2 * sway(6.1, 1),
    )
    head = body @ head

    shade = _warp(layers.shade, body @ _shift(0, 12 + 58 * slump)) * (0.25 + 0.25 * slump)
    shaded = cv2.multiply(_warp(layers.photo, body), cv2.merge([1 - shade] * 3), dtype=cv2.CV_8U)
    out = _over(layers.office, shaded, _warp(layers.body, body))
    out = _over(out, _warp(layers.photo, head), _warp(layers.head, head))
    return _sensor(out, t_s)


def _slump(t_s: float) -> float:
    """Return how far down the sitter is, 0 upright to 1."""
    return _ease(t_s, 20, 24) - _ease(t_s, 48, 51)


def _gone(t_s: float) -> float:
    """Return how far out of the picture the sitter is, 0 in the middle to 1 out of sight."""
    return _ease(t_s, 58, 60) - _ease(t_s, 67, 69)


def _ease(t_s: float, start_s: float, end_s: float) -> float:
    x = min(max((t_s - start_s) / (end_s - start_s), 0.0), 1.0)
    return x * x * (3 - 2 * x)


@dataclass(frozen=True)
class _Layers:
    photo: Image  # (H, W, 3), padded
    body: Floats  # (H, W) opacity 0..1
    head: Floats
    shade: Floats  # soft shadow of the head on the body
    office: Image  # (480, 640, 3)
    noise: npt.NDArray[np.int16]  # larger than the picture; each moment takes another cut of it


@lru_cache(maxsize=1)
def _layers() -> _Layers:
    path = portrait_path()
    photo = read_image(path)
    if photo.shape[:2] != (600, 512):
        raise UserError(f"{path}: not the portrait the demo is made from; reinstall matplotlib")
    photo = cv2.copyMakeBorder(photo, _PAD, _PAD, _PAD, _PAD, cv2.BORDER_REPLICATE).astype(np.float32)
    # A webcam's paler colours instead of a studio's.
    grey = photo.mean(axis=2, keepdims=True)
    photo = np.clip(8 + 0.94 * (grey + 0.82 * (photo - grey)), 0, 255).astype(np.uint8)
    head = _cut(_HEAD, photo.shape[:2])
    return _Layers(
        photo=photo,
        body=_cut(_BODY, photo.shape[:2]),
        head=head,
        shade=cv2.GaussianBlur(head, (0, 0), 10),
        office=_office(),
        noise=np.random.default_rng(7).normal(0, 2.2, (HEIGHT + 64, WIDTH + 64, 3)).round().astype(np.int16),
    )


def _cut(outline: tuple[tuple[int, int], ...], shape: tuple[int, int]) -> Floats:
    """Return the opacity of what lies inside the outline, its edge drawn in a little and softened."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.array(outline, np.int32) + _PAD], 255, cv2.LINE_AA)
    blurred = cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), 1.6)
    return np.asarray(np.clip((blurred - 0.5) / 0.5, 0, 1), dtype=np.float32)


def _similarity(
    about: tuple[float, float], to: tuple[float, float], scale: float, degrees: float
) -> npt.NDArray[np.float64]:
    """Return the 3 x 3 matrix that turns and scales about one point and carries it to another."""
    c, s = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return np.asarray(_shift(*to) @ turn @ _shift(-about[0], -about[1]))


def _shift(dx: float, dy: float) -> npt.NDArray[np.float64]:
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1]], dtype=np.float64)


def _warp(layer: _Layer, matrix: npt.NDArray[np.float64]) -> _Layer:
    unpadded = (matrix @ _shift(-_PAD, -_PAD))[:2]
    border = cv2.BORDER_CONSTANT if layer.ndim == 2 else cv2.BORDER_REPLICATE
    warped = cv2.warpAffine(layer, unpadded, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(warped, dtype=layer.dtype)


def _over(below: Image, above: Image, opacity: Floats) -> Image:
    return np.asarray(cv2.blendLinear(above, below, opacity, 1 - opacity), dtype=np.uint8)


def _sensor(picture: Image, t_s: float) -> Image:
    """Add what a cheap sensor adds: a little noise and a slow drift of exposure."""
    noise = _layers().noise
    tick = round(t_s * 1000)
    y, x = (tick * 7919) % 64, (tick * 104729) % 61
    lit = cv2.convertScaleAbs(picture, alpha=1 + 0.01 * math.sin(2 * math.pi * t_s / 13))
    return np.asarray(cv2.add(lit, noise[y : y + HEIGHT, x : x + WIDTH], dtype=cv2.CV_8U), dtype=np.uint8)


def _office() -> Image:
    """Paint a room out of focus: a wall, a window with daylight, a shelf of books, a plant."""
    room = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    room[:] = (168, 184, 192)

    def box(x0: int, y0: int, x1: int, y1: int, colour: tuple[int, int, int]) -> None:
        cv2.rectangle(room, (x0, y0), (x1, y1), colour, -1)

    box(0, 400, WIDTH, HEIGHT, (128, 142, 150))  # sideboard along the wall
    box(0, 396, WIDTH, 402, (150, 164, 172))
    box(28, 40, 176, 300, (206, 214, 218))  # window
    for x in (38, 108):
        for y in (50, 178):
            box(x, y, x + 58, y + 112, (240, 232, 222))
    box(470, 120, 612, 128, (84, 108, 132))  # shelves
    box(470, 232, 612, 240, (84, 108, 132))
    rng = np.random.default_rng(3)
    tones = [(96, 92, 130), (128, 112, 78), (92, 124, 120), (146, 150, 160), (78, 96, 120), (120, 140, 100)]
    for floor in (120, 232):
        x = 478
        while x < 588:
            wide, tall = int(rng.integers(8, 17)), int(rng.integers(52, 84))
            box(x, floor - tall, x + wide, floor - 1, tones[int(rng.integers(len(tones)))])
            x += wide + 1
    for angle in range(-70, 71, 20):  # plant
        tip = (560 + int(62 * math.sin(math.radians(angle))), 372 - int(84 * math.cos(math.radians(angle))))
        cv2.line(room, (560, 378), tip, (74, 118, 86), 11, cv2.LINE_AA)
    box(538, 368, 584, 408, (108, 128, 158))

    room = np.asarray(cv2.GaussianBlur(room, (0, 0), 6.5), dtype=np.float32)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    daylight = 1.06 - 0.16 * x / WIDTH - 0.05 * y / HEIGHT
    vignette = 1 - 0.14 * (((x - WIDTH / 2) / WIDTH) ** 2 + ((y - HEIGHT / 2) / HEIGHT) ** 2) * 2
    return np.asarray(np.clip(room * (daylight * vignette)[..., None], 0, 255), dtype=np.uint8)


class DemoSource(Paced):
    """The demo as a source: 75 s at 5 frames a second, as fast as possible unless `realtime`.

    Parameters
    ----------
    started_at
        POSIX seconds of the first frame; None: so that the demo ends now.
    realtime
        Pace frames by the real clock.
    """

    name = "demo (made from one photograph)"
    identity = "demo"

    def __init__(self, *, started_at: float | None = None, realtime: bool = False) -> None:
        super().__init__(started_at=started_at, realtime=realtime)
        portrait_path()
        self.total = round(DEMO_SECONDS * DEMO_FPS)
        self._start = self.start_s(DEMO_SECONDS)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in order of time."""
        for i in range(self.total or 0):
            t_s = i / DEMO_FPS
            self.pace(t_s)
            yield Frame(t_s, self._start + t_s, WIDTH, HEIGHT, picture(t_s))
