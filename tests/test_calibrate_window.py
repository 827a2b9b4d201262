"""The calibration's window before real frames: clips and a loopback camera, seen as its user would see it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import qt
from loopback_camera import LoopbackCamera, clip, jpegs
from program import environment, fresh_home
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from posture_monitor.config import load_config
from posture_monitor.service.calibration import Request
from posture_monitor.service.guided import Guided, Moment
from posture_monitor.service.guiding import Aim, Step
from posture_monitor.service.profiles import load_profile
from posture_monitor.windows import style
from posture_monitor.windows.calibrate_stage import sitter
from posture_monitor.windows.calibrate_window import CalibrateWindow

pytestmark = [pytest.mark.slow, pytest.mark.desktop, pytest.mark.data]

Open = Callable[..., CalibrateWindow]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(tmp_path / "home"))
    return fresh_home(tmp_path / "home")


@pytest.fixture
def opened(home: Path) -> Iterator[Open]:
    """Return what opens the window on a source; it is closed at the end."""
    windows: list[CalibrateWindow] = []

    def open_on(source: Path | str, seconds: float = 3.0) -> CalibrateWindow:
        qt.application()
        guided = Guided(load_config(), Request(str(source), seconds, "desk", realtime=True))
        windows.append(CalibrateWindow(guided))
        windows[-1].begin()
        return windows[-1]

    yield open_on
    for window in windows:
        window.close()
        assert not window._eyes.is_alive()


def moment(window: CalibrateWindow) -> Moment | None:
    return window._shown if isinstance(window._shown, Moment) else None


def reaches(window: CalibrateWindow, step: Step) -> Callable[[], bool]:
    return lambda: (now := moment(window)) is not None and now.guidance.step is step


def darkened(source: Path, target: Path, most: int = 60) -> Path:
    frames = [(frame * 0.06).astype(np.uint8) for frame in clip(source, most=most)]
    height, width = frames[0].shape[:2]
    video = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"MJPG"), 5.0, (width, height))
    for frame in frames:
        video.write(frame)
    video.release()
    return target


def colours(image: QImage) -> int:
    """Return how many colours a picture holds, of a small copy of it: one where nothing is drawn."""
    small = image.scaled(60, 40)
    return len({small.pixel(x, y) for x in range(60) for y in range(40)})


def fits(label: QLabel) -> bool:
    needed = label.heightForWidth(label.width()) if label.wordWrap() else label.sizeHint().height()
    return label.height() >= needed - 1


def test_it_captures_by_itself_shows_ghosts_and_keeps_only_what_is_kept(
    opened: Open, home: Path, shared_data: Path
) -> None:
    window = opened(shared_data / "front" / "front_bright.avi")
    file = home / "profiles" / "desk.toml"
    for step in (Step.SETTLING, Step.CAPTURING, Step.DONE):
        qt.wait_for(reaches(window, step), 30)
    qt.wait_for(lambda: "keep" in window.buttons)
    shown = moment(window)
    assert shown is not None
    assert shown.result is not None
    assert shown.result.ghosts[0].way == "Sinking down"
    assert window.stage.accessibleName().startswith(window.stage.say)
    assert window.notes.notes[0].text in window.notes.accessibleName()
    assert shown.live is not None
    assert colours(window.grab().toImage()) > 200
    # However small somebody makes it, nothing that is said is cut off.
    window.resize(600, 300)
    qt.wait_for(lambda: all(fits(label) for label in window.findChildren(QLabel) if label.isVisible()), 5)
    # On a low screen what is said scrolls, and what is to be pressed is there.
    window.setMinimumHeight(0)
    window.resize(670, 330)
    qt.wait_for(lambda: window.height() == 330)
    for button in window.buttons.values():
        bottom = button.mapTo(window, button.rect().bottomLeft()).y()
        assert bottom < window.height()
        assert button.height() >= button.sizeHint().height()
    assert not file.exists()
    window.buttons["keep"].click()
    assert window.kept == file
    assert load_profile("desk").neutral.frames == shown.result.learnt.neutral.frames
    window.buttons["slouch"].click()
    qt.wait_for(lambda: (now := moment(window)) is not None and now.aim is Aim.SLOUCH, 10)
    window.close()
    assert set(load_profile("desk").captures) == set()


def test_a_second_capture_kept_is_not_what_posture_is_judged_by(
    opened: Open, home: Path, shared_data: Path
) -> None:
    window = opened(shared_data / "front" / "front_bright.avi")

    def keep(step: Callable[[], bool]) -> None:
        qt.wait_for(step, 60)
        qt.wait_for(lambda: "keep" in window.buttons, 10)
        window.buttons["keep"].click()

    def said(text: str) -> bool:
        widgets = [window._card.itemAt(i).widget() for i in range(window._card.count())]
        return any(text in label.text() for label in widgets if isinstance(label, QLabel))

    def shown() -> bool:
        now = moment(window)
        return now is not None and now.aim is Aim.SLOUCH and now.result is not None

    keep(reaches(window, Step.DONE))
    assert said("judged against this from now on")
    window.buttons["slouch"].click()
    qt.wait_for(lambda: shown() and "keep" in window.buttons, 60)
    now = moment(window)
    assert now is not None
    assert now.result is not None
    for line in now.result.learnt.text.splitlines():
        assert said(line.strip()[1:]), "the window tells what the terminal does"
    keep(shown)
    assert said("beside your neutral")
    assert not said("from now on")
    assert "slouch" not in window.buttons
    assert "down" in window.buttons


def test_closing_half_way_leaves_the_old_profile_as_it_was(
    opened: Open, home: Path, shared_data: Path
) -> None:
    file = home / "profiles" / "desk.toml"
    file.parent.mkdir()
    file.write_text("what was there", encoding="utf-8")
    window = opened(shared_data / "front" / "front_dim.avi", 30.0)
    qt.wait_for(reaches(window, Step.CAPTURING), 30)
    window.buttons["close"].click()
    assert window.kept is None
    assert not window.isVisible()
    assert file.read_text(encoding="utf-8") == "what was there"


def test_too_dark_and_too_many_are_said(opened: Open, shared_data: Path, tmp_path: Path) -> None:
    dark = darkened(shared_data / "front" / "front_bright.avi", tmp_path / "dark.avi")
    window = opened(dark)
    qt.wait_for(lambda: "Too dark" in window.stage.say, 30)
    window.close()
    crowd = opened(shared_data / "room" / "two_people_head_tilt.avi")
    qt.wait_for(lambda: "calibrate alone" in crowd.stage.say, 30)


def test_without_a_camera_it_says_why_and_can_try_again(opened: Open) -> None:
    window = opened("77")
    qt.wait_for(lambda: window.stage.trouble)
    assert "no camera" in window.stage.trouble
    window.stage.trouble = ""
    window.buttons["look again"].click()
    qt.wait_for(lambda: window.stage.trouble)


def test_a_recording_that_ends_too_soon_can_be_tried_again(
    opened: Open, shared_data: Path, tmp_path: Path
) -> None:
    window = opened(darkened(shared_data / "front" / "front_bright.avi", tmp_path / "dark.avi", most=5))
    qt.wait_for(lambda: (now := moment(window)) is not None and now.over, 30)
    assert "is over before" in window.stage.say
    window.buttons["look again"].click()
    qt.wait_for(lambda: (now := moment(window)) is not None and not now.over, 30)


def test_a_stream_that_breaks_off_is_told_and_taken_up_again(opened: Open, shared_data: Path) -> None:
    with LoopbackCamera(jpegs(clip(shared_data / "room" / "one_person_still.avi")), fps=15) as camera:
        window = opened(camera.url)
        qt.wait_for(reaches(window, Step.SETTLING), 30)
        camera.unplug()
        qt.wait_for(lambda: window.stage.trouble, 60)
        camera.plug_in()
        window.buttons["look again"].click()
        qt.wait_for(reaches(window, Step.CAPTURING), 60)


def test_the_window_stays_fluent_while_the_model_works(opened: Open, shared_data: Path) -> None:
    window = opened(shared_data / "room" / "one_person_still.avi")
    qt.wait_for(lambda: (now := moment(window)) is not None and now.seen is not None, 30)
    gaps, last_s = [], time.monotonic()
    window._timer.timeout.connect(lambda: gaps.append(time.monotonic()))
    qt.wait_for(lambda: time.monotonic() - last_s > 3)
    between = np.diff(gaps)
    assert len(between) > 30
    assert np.median(between) < 0.06


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("stark", "least"), [(False, 4.5), (True, 7.0)])
def test_text_can_be_read_on_each_palette(
    monkeypatch: pytest.MonkeyPatch, dark: bool, stark: bool, least: float
) -> None:
    monkeypatch.setattr(style, "is_dark", lambda: dark)
    monkeypatch.setattr(style, "is_stark", lambda: stark)
    palette = style.palette()
    assert palette.dark is dark

    def light(colour: style.QColor) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.getRgbF()[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    def contrast(one: style.QColor, other: style.QColor) -> float:
        high, low = sorted((light(one), light(other)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    # WCAG 2.1: 4.5 for text (1.4.3), 7 where contrast is asked for (1.4.6); a button is no running text.
    for ink, ground in (
        (palette.ink, palette.card),
        (palette.muted, palette.card),
        (palette.muted, palette.paper),
    ):
        assert contrast(ink, ground) >= least
    assert contrast(palette.on_accent, palette.accent) >= 4.5


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Return])
def test_keys_press_the_button_that_has_the_focus(home: Path, key: Qt.Key) -> None:
    qt.application()
    window = CalibrateWindow(Guided(load_config(), Request("7", 3.0, "desk", realtime=True)))
    window._trouble_page()
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    window.buttons["close"].setFocus()
    QTest.keyClick(window.buttons["close"], key)
    assert not window.isVisible()


@pytest.mark.parametrize("key", [Qt.Key.Key_Space, Qt.Key.Key_Return])
def test_a_key_pressed_by_chance_ends_no_calibration(home: Path, key: Qt.Key) -> None:
    app = qt.application()
    window = CalibrateWindow(Guided(load_config(), Request("7", 3.0, "desk", realtime=True)))
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    focused = app.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, key)
    assert window.isVisible()
    window.close()


def test_the_outline_to_sit_in_lies_in_pictures_of_any_shape() -> None:
    for width, height in ((640, 480), (1280, 720), (224, 224)):
        head = sitter(width, height)[:11, :2]
        assert (head > 0.1).all()
        assert (head < 0.9).all()


def test_the_command_opens_it_and_ctrl_c_closes_it(home: Path, shared_data: Path, tmp_path: Path) -> None:
    for tool in ("Xvfb", "import"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1200x800x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as answer:
        display = f":{answer.readline().strip()}"
    source = shared_data / "front" / "front_bright.avi"
    arguments = ["calibrate", "--source", str(source), "--realtime", "--profile", "desk"]
    process = subprocess.Popen(
        [sys.executable, "-m", "posture_monitor", *arguments],
        env=environment(home, DISPLAY=display),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    picture = tmp_path / "screen.png"
    try:
        until = time.monotonic() + 40
        while time.monotonic() < until and process.poll() is None:
            subprocess.run(["import", "-display", display, "-window", "root", str(picture)], check=True)
            if colours(QImage(str(picture))) > 200:
                break
            time.sleep(0.5)
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        assert colours(QImage(str(picture))) > 200
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
        assert (process.returncode, said) == (130, "")
    finally:
        process.kill()
        process.communicate(timeout=20)
        server.terminate()
        server.wait(timeout=10)
