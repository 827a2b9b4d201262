"""The preview's window: what it draws and says of a moment, and what its keys do."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import program
import pytest
import qt
import rig
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from real_model import real_model

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.posture.metrics import Reason, measure
from posture_monitor.sensing import demo
from posture_monitor.service import glance, lock
from posture_monitor.service.preview.feeds import Feed, Own
from posture_monitor.service.preview.shot import Shot
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.status import Angle, Camera, Status
from posture_monitor.telling import language, words
from posture_monitor.windows import painter, preview_stage, style
from posture_monitor.windows.preview_window import Preview

WIDTH, HEIGHT = 640, 480


class Held(Feed):
    """Shows what it is given."""

    def __init__(self, shot: Shot) -> None:
        super().__init__("held")
        self.latest = shot
        self.anchored = 0

    def reanchor(self) -> None:
        self.anchored += 1

    def _gather(self) -> None:
        pass


GREEN = (30, 200, 40)


def held(state: str = "poor", **changes: Any) -> Held:
    (landmarks,), size = rig.render(rig.Body(), rig.Pose(), rig.Camera())
    status = Status(
        activity="watching",
        state=state,
        driver="ear_height",
        held_s=65,
        dose=0.4,
        view="front",
        confidence=0.9,
        angles=(Angle("ear_height", "head height", "cm", 15.1, -21.0), Angle("head_roll", "", "°", 4.0, 3.0)),
    )
    image = np.full((int(size[1]), int(size[0]), 3), GREEN[::-1], np.uint8)
    shot = Shot(1, status, width=int(size[0]), height=int(size[1]), landmarks=landmarks, image=image)
    return Held(replace(shot, **changes))


def large(feed: Held) -> Preview:
    """Return a window as large as on a usual screen; that of the tests is small."""
    window = Preview(feed)
    window.resize(1032, 554)
    return window


def part(pixmap: QPixmap, colour: QColor, near: int = 12) -> float:
    """Return the part of a picture that has a colour."""
    image = pixmap.toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1]
    return float((np.abs(pixels.astype(int) - np.array(colour.getRgb()[:3])).max(axis=2) <= near).mean())


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> None:
    qt.application()
    monkeypatch.setattr(style, "is_dark", lambda: False)


def test_body_and_verdict_are_drawn_in_the_states_colour(day: None) -> None:
    window = large(held("poor"))
    over_video = style.NIGHT.poor
    assert part(window.stage.grab(), over_video) > 0.005
    assert part(window.side.grab(), style.DAY.poor) > 0.004
    assert window.side._word.text() == "Poor"
    assert window.side._why.text() == "Head low over the shoulders: 21%"
    texts = [label.text() for label in window.side._cells[0]]
    assert texts == ["Head height", "15.1 cm", "−21%"]
    good = large(held("good"))
    assert part(good.stage.grab(), over_video) < 0.001
    assert part(good.stage.grab(), style.NIGHT.good) > 0.005


def test_without_video_no_picture_is_seen_and_none_is_asked_for(day: None) -> None:
    feed = held()
    window = large(feed)
    veiled = QColor(26, 175, 35)  # the picture under its thin veil
    assert part(window.stage.grab(), veiled, near=20) > 0.3
    QTest.keyClick(window, Qt.Key.Key_V)
    assert part(window.stage.grab(), veiled, near=40) < 0.01
    assert part(window.stage.grab(), style.DAY.poor, near=16) > 0.005
    assert feed.picture_wanted is False
    QTest.keyClick(window, Qt.Key.Key_V)
    assert feed.picture_wanted is True


def test_the_window_bears_the_icon_of_the_program(day: None) -> None:
    style.dress(qt.application())
    image = Preview(held()).windowIcon().pixmap(128).toImage()
    assert image.convertToFormat(QImage.Format.Format_ARGB32) == QImage(str(words.ICON)).convertToFormat(
        QImage.Format.Format_ARGB32
    )


def test_the_window_is_no_larger_than_the_screen(day: None) -> None:
    window = Preview(held())
    room = window.screen().availableSize()
    assert window.width() <= room.width()
    assert window.height() <= room.height()


@pytest.mark.parametrize(("height", "all_listed"), [(700, True), (330, False)])
def test_in_a_low_window_measures_are_left_out_not_squeezed(day: None, height: int, all_listed: bool) -> None:
    angles = [Angle(name, "", "°", 4.0, 3.0) for name in glance.LISTED if name != "head_height"]
    window = Preview(held(status=replace(held().latest.status, angles=tuple(angles))))
    window.setMinimumSize(1, 1)
    window.resize(700, height)
    window.show()
    qt.wait_for(lambda: window.side.height() == height - 4 * style.UNIT)
    shown = [cells[0] for cells in window.side._cells if cells[0].isVisible()]
    assert shown
    assert (len(shown) == len(window.side._cells)) is all_listed
    assert all(label.height() >= label.sizeHint().height() for label in shown)
    window.close()


def test_the_keys_can_be_read_in_the_smallest_window(day: None, monkeypatch: pytest.MonkeyPatch) -> None:
    window = Preview(held())
    window.resize(window.minimumSize())
    window.stage.resize(344, 408)
    QTest.keyClick(window, Qt.Key.Key_Question)
    scales: list[float] = []

    def watched(scale: float = 1.0, **how: bool) -> QFont:
        scales.append(scale)
        return style.font(scale, **how)

    monkeypatch.setattr(preview_stage, "font", watched)
    window.stage.grab()
    assert min(scales) >= 0.85


def test_in_the_smallest_window_nothing_is_cut_off(day: None) -> None:
    told = Status(activity="trouble", camera=Camera(trouble="hangs"))
    window = Preview(held(status=told, image=None, landmarks=None))
    window.resize(window.minimumSize())
    window.show()
    qt.wait_for(lambda: window.side._word.text() == "The camera does not answer")
    word = window.side._word
    assert word.height() >= word.heightForWidth(word.width()) > 1.5 * word.fontMetrics().height()
    window.close()


def test_m_mirrors(day: None) -> None:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[:, : WIDTH // 2] = 255
    window = Preview(held(image=image, landmarks=None))

    def left_is_bright() -> bool:
        picture = window.stage.grab().toImage()
        y = picture.height() // 2
        left, right = (picture.pixelColor(int(picture.width() * part), y).lightness() for part in (0.3, 0.7))
        return left > right

    assert not left_is_bright()
    QTest.keyClick(window, Qt.Key.Key_M)
    assert left_is_bright()


def test_keys_reanchor_save_help_and_close(day: None, home: Path) -> None:
    feed = held()
    window = Preview(feed)
    window.show()
    QTest.keyClick(window, Qt.Key.Key_R)
    assert feed.anchored == 1
    QTest.keyClick(window, Qt.Key.Key_S)
    (saved,) = (paths.data_dir() / "snapshots").iterdir()
    assert saved.name in window.stage._note
    assert str(saved.parent) in window.stage._note
    QTest.keyClick(window, Qt.Key.Key_Question)
    assert window.stage.help
    QTest.keyClick(window, Qt.Key.Key_Escape)  # closes the help first
    assert window.isVisible()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_a_figure_at_the_edge_of_the_picture_is_all_in_it(day: None) -> None:
    white = QColor("white")
    for corner in (QPointF(0, 0), QPointF(100, 60)):
        picture = QPixmap(100, 60)
        picture.fill(white)
        pen = QPainter(picture)
        pen.setClipRect(picture.rect())
        painter.draw_label(pen, corner, "4°", QColor("white"))
        pen.end()
        assert 0.0 < 1.0 - part(picture, white) < 0.5
        for edge in ((0, 0, 2, 60), (98, 0, 2, 60), (0, 0, 100, 2), (0, 58, 100, 2)):
            assert part(picture.copy(*edge), white) == 1.0


def test_away_leaves_no_body_in_the_picture(day: None) -> None:
    window = Preview(held("away"))
    assert window.stage.accessibleName().startswith("Nobody here")
    assert part(window.stage.grab(), style.NIGHT.poor) < 0.001
    assert window.side._cells[0][0].text() == ""


def test_large_letters_have_room(day: None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Large:
        SystemFont = style.QFontDatabase.SystemFont
        systemFont = staticmethod(lambda _which: QFont("DejaVu Sans", 15))

    monkeypatch.setattr(style, "QFontDatabase", Large)
    window = Preview(held("poor"))
    window.setMaximumSize(window.minimumSize())
    window.show()
    for label in window.side.findChildren(QLabel):
        if label.isVisible() and label.text():
            needed = label.heightForWidth(label.width()) if label.wordWrap() else label.sizeHint().height()
            assert label.height() >= needed - 1, label.text()
            assert label.wordWrap() or label.width() >= label.sizeHint().width() - 1, label.text()


def test_the_sidebar_speaks_one_language(day: None) -> None:
    language.use("de")
    try:
        window = Preview(held("poor"))
        told = [label.text() for label in window.side.findChildren(QLabel)]
    finally:
        language.use("en")
    assert not any(word in text for text in told for word in ("Minute", "Sekunde")), told


def test_without_a_screen_the_preview_says_so_and_the_tray_leaves(home: Path) -> None:
    code = (
        "import sys; from posture_monitor.cli import windows; windows.{}(sys.argv[1:], standalone_mode=False)"
    )
    environment = program.environment(home)
    environment.pop("QT_QPA_PLATFORM", None)

    def ran(name: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", code.format(name)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    told = "there is no screen here; `posture-monitor {}` tells the same in a terminal"
    assert ran("preview").stderr.strip().endswith(told.format("run"))
    with lock.Lock():  # as one that runs holds it
        assert ran("preview").stderr.strip().endswith(told.format("status --watch"))
    # The tray needs no settings, and none of what checks them in the memory that it takes all day.
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text("none = 1\n")
    code += "; assert 'pydantic' not in sys.modules"
    tray = ran("tray")
    assert (tray.returncode, tray.stderr.strip()) == (0, "No tray icon: there is no screen here.")


def test_a_tray_icon_without_a_monitor_says_how_to_start_one(home: Path) -> None:
    ended = program.program("tray", home=home, QT_QPA_PLATFORM="offscreen")
    assert ended.returncode == 2
    assert ended.stderr.strip() == "posture-monitor: not running; `posture-monitor start` starts it"


@pytest.mark.slow
def test_the_demo_is_judged_live(home: Path, monkeypatch: pytest.MonkeyPatch, day: None) -> None:
    """The real model on the real demo, through the thread, into the window."""
    folder = paths.model_file()
    folder.parent.mkdir(parents=True)
    for suffix in ("", ".sha256"):
        folder.with_name(folder.name + suffix).write_bytes(Path(f"{real_model()}{suffix}").read_bytes())
    # The poor part comes at once: the good one is what the neutral is made of.
    times = iter(np.arange(25.0, 48.0, 0.2))
    monkeypatch.setattr(demo, "picture", lambda _t_s, real=demo.picture: real(float(next(times))))
    monkeypatch.setattr(demo, "DEMO_SECONDS", 22.0)
    from posture_monitor.posture.capture import capture
    from posture_monitor.sensing.pose import PoseEstimator

    with PoseEstimator(real_model(), stills=True) as estimator:
        first = np.concatenate([estimator.detect(DEMO_PICTURE(t_s))[:1] for t_s in np.arange(0.0, 16.0)])
    measured = measure(first, np.array([640.0, 480.0]))
    save_profile(Profile("own", (capture(measured, [Reason.OK] * 16, steady=False),)))
    feed = Own(load_config(), "demo", "own")
    feed.start()
    window = Preview(feed)
    qt.wait_for(lambda: feed.latest.status.state == "poor", 25)
    window.look()
    shot = feed.latest
    assert shot.status.driver in ("ear_height", "head_height")
    assert shot.neutral is not None
    assert shot.judged_ms is not None
    assert 2 < shot.judged_ms < 2000
    assert part(window.stage.grab(), style.NIGHT.poor) > 0.005
    feed.reanchor()
    qt.wait_for(lambda: window.stage._note.startswith("Sit upright"))
    qt.wait_for(lambda: window.stage._note == "Neutral set anew: judged from the new place on.", 20)
    feed.close()


DEMO_PICTURE = demo.picture
