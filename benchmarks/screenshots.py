"""The README's screenshots: the real windows on the demo, as the program sees it, and a made-up day's page.

    python benchmarks/screenshots.py         # writes docs/preview-*.png, docs/tray.png and docs/report.png

Pixels are the demo's, landmarks the real model's, figures and verdicts the real judgement's, calibrated on
the demo's own upright beginning. Nothing is drawn for the screenshots: they are what the windows draw, and
what Chromium makes of the page that `report` writes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import made_up_history
import numpy as np
from PIL import Image
from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QWidget

from posture_monitor.config import Config, load_config
from posture_monitor.history.records import STATES
from posture_monitor.sensing import demo
from posture_monitor.service.collected import Collected
from posture_monitor.service.looking import Looker
from posture_monitor.service.preview.feeds import Feed
from posture_monitor.service.preview.judging import Judging
from posture_monitor.service.preview.shot import Shot
from posture_monitor.service.profile import Profile
from posture_monitor.windows import icons, painter, style
from posture_monitor.windows.preview_window import Preview

#: What it is calibrated on, and the moments shown, in seconds of the demo.
CALIBRATION_S = 18.0
GOOD_S, POOR_S = 16.0, 46.0
#: Of the preview's window, in the pixels of the file.
SIZE = 860, 425
#: The made-up day, and how much of its page is shown, in pixels: down to the end of its timeline.
DAY = dt.date(2026, 11, 26)
PAGE = 1040, 632
#: Colours of a file, few to make it small, and the one that is none.
COLOURS, CLEAR = 224, 255


class Held(Feed):
    """Shows one moment for ever."""

    def __init__(self, shot: Shot) -> None:
        super().__init__("demo")
        self.latest = shot

    def _gather(self) -> None:
        pass


def moments(config: Config) -> dict[float, Shot]:
    """Watch the demo as the preview does, and return the moments to show."""
    source = demo.DemoSource()
    first = Collected()
    out: dict[float, Shot] = {}
    judging = None
    with Looker(source, config.model.own) as looker:
        frames = looker.look()
        while len(out) < 2:
            began_s = time.monotonic()
            seen = next(frames)
            took_s = time.monotonic() - began_s
            t_s = seen.frame.t_s
            if t_s < CALIBRATION_S / 2:
                first.add(seen)
                continue
            if judging is None:
                judging = Judging(config, Profile("demo", (first.neutral(steady=False),)), source, print)
            shot = judging.take(seen)
            due = next(s for s in (GOOD_S, POOR_S) if s not in out)
            if t_s >= due:
                shot = replace(shot, number=1, rate=demo.DEMO_FPS, judged_ms=1000 * took_s)
                out[due] = replace(shot, image=_calm(t_s))
    return out


def _calm(t_s: float) -> np.ndarray:
    """Return the demo's picture, its sensor noise averaged out: a small file cannot afford it."""
    # Within some milliseconds the noise changes and nothing else does.
    return np.mean([demo.picture(t_s + k / 1000) for k in range(24)], axis=0).round().astype(np.uint8)


def window(shot: Shot, *, dark: bool, video: bool = True) -> tuple[QImage, QRect]:
    """Return the preview's window as it shows a moment, corners rounded, and where the picture is."""
    style.is_dark = lambda: dark
    style.dress(style.application())
    preview = Preview(Held(shot), video=video)
    preview.resize(*SIZE)
    image = _grabbed(preview)
    return image, preview.stage.geometry()


def _grabbed(widget: QWidget) -> QImage:
    widget.ensurePolished()
    out = QImage(widget.size(), QImage.Format.Format_ARGB32)
    out.fill(QColor(0, 0, 0, 0))
    pen = QPainter(out)
    pen.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen.setClipPath(painter.rounded(QRectF(widget.rect())))
    widget.render(pen, QPoint())
    pen.end()
    return out


def tray() -> QImage:
    """Return the tray's icons, on a light panel and on a dark one."""
    step, size = 96, 32
    out = QImage(step * len(STATES), 2 * 56 + 34, QImage.Format.Format_ARGB32)
    out.fill(QColor(0, 0, 0, 0))
    pen = QPainter(out)
    pen.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
    pen.setPen(QColor("#7d8894"))
    pen.setFont(style.font(0.92))
    for row, panel in enumerate(("#f1f1f1", "#262a30")):
        bar = QRectF(0, row * 56, out.width(), 48)
        pen.fillPath(painter.rounded(bar, 10), QColor(panel))
        for i, state in enumerate(STATES):
            pixmap = icons.icon(state).pixmap(size, size)
            pen.drawPixmap(round((i + 0.5) * step - size / 2), round(bar.center().y() - size / 2), pixmap)
    for i, state in enumerate(STATES):
        text = {"busy": "camera busy"}.get(state, state)
        pen.drawText(QRectF(i * step, 2 * 56, step, 30), Qt.AlignmentFlag.AlignCenter, text)
    pen.end()
    return out


def report(day: dt.date) -> QImage:
    """Return the top of the page that tells of a made-up day, as Chromium shows it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("no Chromium here to show the page of the report: apt-get install chromium")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made_up_history.make(folder / "history.sqlite3", years=0.1, until=day)
        page, shown = folder / "page.html", folder / "page.png"
        subprocess.run(
            [sys.executable, "-m", "posture_monitor", "report", str(day), "--format=html", "-o", str(page)],
            check=True, env={**os.environ, "POSTURE_MONITOR_HOME": name},
        )  # fmt: skip
        subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--hide-scrollbars",
             "--blink-settings=preferredColorScheme=1", "--window-size={},{}".format(*PAGE),
             f"--user-data-dir={folder / 'browser'}", f"--screenshot={shown}", page.as_uri()],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        return QImage(str(shown))


def save(image: QImage, path: Path, photo: QRect | None = None) -> None:
    """Write a picture in few colours, mixed in dots where there is a photograph, and one that is clear."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "whole.png"
        image.save(str(file))
        whole = Image.open(file).convert("RGBA")
    flat = Image.new("RGB", whole.size, "white")
    flat.paste(whole, mask=whole.getchannel("A"))
    palette = flat.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=3)
    few = np.array(flat.quantize(palette=palette, dither=Image.Dither.NONE))
    if photo is not None:
        part = np.s_[photo.top() : photo.bottom(), photo.left() : photo.right()]
        few[part] = np.array(flat.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG))[part]
    few[np.array(whole.getchannel("A")) < 128] = CLEAR
    out = Image.fromarray(few)
    colours = palette.getpalette() or []
    out.putpalette(colours + [0] * (768 - len(colours)))
    out.save(path, optimize=True, transparency=CLEAR)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """Write the screenshots."""
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=root / "docs", help="folder to write into")
    folder = parser.parse_args().output
    style.application()
    shots = moments(load_config(root / "config.toml"))
    for name, image, photo in (
        ("preview-good", *window(shots[GOOD_S], dark=False)),
        ("preview-poor", *window(shots[POOR_S], dark=True)),
        ("preview-no-video", window(shots[POOR_S], dark=False, video=False)[0], None),
        ("tray", tray(), None),
        ("report", report(DAY), None),
    ):
        save(image, folder / f"{name}.png", photo)


if __name__ == "__main__":
    main()
