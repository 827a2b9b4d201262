"""The README's picture: two moments of the demo as the program sees them.

    python benchmarks/picture.py             # writes docs/demo.png

Pixels are the demo's, landmarks the real model's, figures and verdicts the real judgement's, calibrated on
the demo's own upright beginning. Only the drawing is made for the picture.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.capture import capture
from posture_monitor.posture.judge import Judgement, judge
from posture_monitor.posture.metrics import ROW, Reason, measure
from posture_monitor.posture.reading import VERDICTS, Verdict
from posture_monitor.sensing import demo
from posture_monitor.sensing.model import ensure_model
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.pose import PoseEstimator

#: What it is calibrated on, and the two moments shown, in seconds of the demo.
CALIBRATION_S = np.arange(0.0, 18.0, 0.5)
MOMENTS_S = 10.0, 37.0

#: Drawn at twice the size and reduced in the end, so that every edge is smooth.
OVER = 2
SIZE = 640, 480
GAP, RADIUS = 20, 20
#: Colours of the file, and the one that is none.
COLOURS, CLEAR = 208, 255

WHITE = (255, 255, 255)
DARK = (22, 28, 36)
TONE = {Verdict.GOOD: (86, 180, 233), Verdict.POOR: (255, 127, 80)}  # as in the windows at night
MARK = {Verdict.GOOD: "●", Verdict.POOR: "▼"}


@dataclass(frozen=True)
class Shown:
    """One moment: its picture, where head and shoulders are (pixels), and what was judged."""

    picture: Image.Image
    points: np.ndarray[Any, Any]
    verdict: Verdict
    height_cm: float
    sunk_percent: float


def seen(estimator: PoseEstimator, times_s: Sequence[float]) -> np.ndarray[Any, Any]:
    """Return the landmarks ``(N, 33, 4)`` of the one person on each picture."""
    return np.concatenate([estimator.detect(demo.picture(t_s))[:1] for t_s in times_s])


def moments() -> list[Shown]:
    """Calibrate on the demo's beginning and judge the two moments."""
    size = np.array([demo.WIDTH, demo.HEIGHT], dtype=float)
    with PoseEstimator(ensure_model(), stills=True) as estimator:
        first = measure(seen(estimator, CALIBRATION_S.tolist()), size)
        neutral: Neutral = capture(first, [Reason.OK] * len(first), steady=False)
        landmarks = seen(estimator, MOMENTS_S)
    measurement = measure(landmarks, size, azimuth_deg=neutral.azimuth_deg)
    judgement: Judgement = judge(measurement, neutral)
    sunk = -judgement.deviations[ROW["ear_height"]]
    return [
        Shown(
            picture=_picture(t_s),
            points=landmarks[i, :, :2] * SIZE,
            verdict=VERDICTS[judgement.verdict[i]],
            height_cm=float(measurement["ear_height"][i]),
            sunk_percent=float(sunk[i]),
        )
        for i, t_s in enumerate(MOMENTS_S)
    ]


def _picture(t_s: float) -> Image.Image:
    """Return the demo's picture, larger, its sensor noise averaged out: a small file cannot afford it."""
    # Within some milliseconds the noise changes and nothing else does.
    calm = np.mean([demo.picture(t_s + k / 1000) for k in range(24)], axis=0).round().astype(np.uint8)
    rgb = cv2.cvtColor(calm, cv2.COLOR_BGR2RGB)
    return Image.fromarray(rgb).resize(_over(SIZE), Image.Resampling.LANCZOS)


def _over(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] * OVER, size[1] * OVER


def _font(points: float, bold: bool = False) -> ImageFont.FreeTypeFont:
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, round(points * OVER))


def card(shown: Shown, neutral: Shown) -> Image.Image:
    """Return one moment with skeleton, measure and caption, its corners round."""
    size = _over(SIZE)
    tone = TONE[shown.verdict]
    # A soft shadow under light lines keeps them readable on cloth and wall alike.
    lines = Image.new("RGBA", size, (*tone, 0))
    pen = ImageDraw.Draw(lines)
    if shown is not neutral:
        _figure(pen, neutral.points, (*WHITE, 120), width=2.0, dots=False)
    _figure(pen, shown.points, (*tone, 255), width=3.5, dots=True)
    _measure(pen, shown)
    shadow = Image.new("RGBA", size, (*DARK, 0))
    shadow.putalpha(lines.getchannel("A").filter(ImageFilter.GaussianBlur(4 * OVER)).point(lambda a: a * 0.8))
    out = Image.alpha_composite(shown.picture.convert("RGBA"), shadow)
    out = Image.alpha_composite(out, lines)
    out = Image.alpha_composite(out, _chip(shown, tone))
    corners = Image.new("L", size, 0)
    ImageDraw.Draw(corners).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), RADIUS * OVER, fill=255)
    out.putalpha(corners)
    return out.resize(SIZE, Image.Resampling.LANCZOS)


def _middles(points: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return the middles of ears and shoulders, between which the height is measured."""
    ears = points[[lm.LEFT_EAR, lm.RIGHT_EAR]].mean(axis=0)
    shoulders = points[[lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER]].mean(axis=0)
    return ears, shoulders


def _figure(
    pen: ImageDraw.ImageDraw, points: np.ndarray[Any, Any], ink: tuple[int, ...], *, width: float, dots: bool
) -> None:
    head, middle = _middles(points)
    left, right = points[lm.LEFT_SHOULDER], points[lm.RIGHT_SHOULDER]
    ears = points[[lm.LEFT_EAR, lm.LEFT_EYE_OUTER, lm.NOSE, lm.RIGHT_EYE_OUTER, lm.RIGHT_EAR]]
    for path in ([left, right], [middle, head], list(ears)):
        flat = [tuple(OVER * point) for point in path]
        pen.line(flat, fill=ink, width=round(width * OVER), joint="curve")
    if dots:
        for x, y in (left, right, middle, *ears, points[lm.MOUTH_LEFT], points[lm.MOUTH_RIGHT]):
            _dot(pen, x, y, 5.0, ink)
            _dot(pen, x, y, 2.2, (*WHITE, 255))


def _dot(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, ink: tuple[int, ...]) -> None:
    pen.ellipse(
        [OVER * (x - radius), OVER * (y - radius), OVER * (x + radius), OVER * (y + radius)], fill=ink
    )


def _measure(pen: ImageDraw.ImageDraw, shown: Shown) -> None:
    """Draw the height of the ears over the shoulders as a dimension line beside the person."""
    head, shoulders = _middles(shown.points)
    x = 0.835 * SIZE[0]
    ink = (*WHITE, 235)
    for y in (head[1], shoulders[1]):
        pen.line([OVER * (x - 9), OVER * y, OVER * (x + 9), OVER * y], fill=ink, width=2 * OVER)
    pen.line([OVER * x, OVER * head[1], OVER * x, OVER * shoulders[1]], fill=ink, width=2 * OVER)
    at = (OVER * (x + 14), OVER * (head[1] + shoulders[1]) / 2)
    pen.text(at, f"{shown.height_cm:.1f} cm", font=_font(16, bold=True), fill=(*WHITE, 255), anchor="lm")


def _chip(shown: Shown, tone: tuple[int, ...]) -> Image.Image:
    """Return the caption: a mark in the verdict's colour and shape, and the verdict in words."""
    layer = Image.new("RGBA", _over(SIZE), (*DARK, 0))
    pen = ImageDraw.Draw(layer)
    text = str(shown.verdict.value)
    if shown.verdict is Verdict.POOR:
        text += f": head {shown.sunk_percent:.0f} % lower over the shoulders"
    font, mark = _font(19), _font(19, bold=True)
    symbol = MARK[shown.verdict]
    x, y, high = 24 * OVER, (SIZE[1] - 62) * OVER, 40 * OVER
    wide = pen.textlength(symbol, font=mark) + pen.textlength(text, font=font) + 42 * OVER
    pen.rounded_rectangle((x, y, x + wide, y + high), high / 2, fill=(*DARK, 215))
    middle = y + high / 2
    pen.text((x + 16 * OVER, middle), symbol, font=mark, fill=(*tone, 255), anchor="lm")
    start = x + 26 * OVER + pen.textlength(symbol, font=mark)
    pen.text((start, middle), text, font=font, fill=(*WHITE, 255), anchor="lm")
    return layer


def compose(shown: Sequence[Shown]) -> Image.Image:
    """Return the cards side by side on nothing, so that a light and a dark page both suit."""
    wide = len(shown) * SIZE[0] + (len(shown) - 1) * GAP
    out = Image.new("RGBA", (wide, SIZE[1]), (0, 0, 0, 0))
    for i, one in enumerate(shown):
        out.paste(card(one, shown[0]), (i * (SIZE[0] + GAP), 0))
    return _reduced(out)


def _reduced(picture: Image.Image) -> Image.Image:
    """Return the picture in few colours, dithered, and one that is clear."""
    flat = picture.convert("RGB")
    palette = flat.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=1)
    few = np.array(flat.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG))
    few[np.array(picture.getchannel("A")) < 128] = CLEAR
    out = Image.fromarray(few)
    colours = palette.getpalette() or []
    out.putpalette(colours + [0] * (768 - len(colours)))
    out.info["transparency"] = CLEAR
    return out


def main() -> None:
    """Write the picture."""
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=root / "docs" / "demo.png")
    given = parser.parse_args()
    compose(moments()).save(given.output, optimize=True)
    print(f"{given.output}: {given.output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
