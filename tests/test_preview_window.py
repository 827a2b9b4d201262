"""The preview: what it shows, from the running monitor, from a source of its own, and in its window."""

from __future__ import annotations

import base64
import json
import math
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import program
import pytest
import qt
import rig
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QImage, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from real_model import real_model

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import Neutral, neutral_of
from posture_monitor.posture.metrics import Reason, measure
from posture_monitor.sensing import demo
from posture_monitor.service import lock
from posture_monitor.service.control import Server
from posture_monitor.service.preview import feeds
from posture_monitor.service.preview.feeds import (
    Attached,
    Feed,
    Own,
    Shot,
    headline,
    open_feed,
    outline,
    snapshot_of,
)
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.status import Angle, Camera, InUse, Status
from posture_monitor.telling import language
from posture_monitor.windows import style
from posture_monitor.windows.preview_window import Preview

WIDTH, HEIGHT = 640, 480
FRONT, SIDE = rig.Camera(), rig.SIDE_CAMERA


def neutral(camera: rig.Camera = FRONT) -> Neutral:
    """Return a neutral as a real body before a camera gives it."""
    landmarks, size = body(camera)
    return neutral_of(measure(np.repeat(landmarks[None], 30, axis=0), size))


def body(camera: rig.Camera = FRONT) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    landmarks, size = rig.render(rig.Body(), rig.Pose(), camera)
    return landmarks[0], np.asarray(size, dtype=float).reshape(-1)[:2]


# -- moments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("camera", [FRONT, SIDE], ids=["front", "side"])
def test_the_outline_sits_as_the_neutral_does(camera: rig.Camera) -> None:
    known = neutral(camera)
    _, size = body(camera)
    points = outline(known, int(size[0]), int(size[1]))
    assert points is not None
    drawn = measure(points[None], size)
    for name in ("face_size", "shoulder_width", "head_drop", "shoulder_drop", "head_shift", "shoulder_shift"):
        assert drawn[name][0] == pytest.approx(known[name], rel=0.08, abs=0.02), name
    if camera is SIDE:
        assert drawn["trunk_incl"][0] == pytest.approx(known["trunk_incl"], abs=3)
    else:
        assert drawn["head_yaw"][0] == pytest.approx(known["head_yaw"], abs=6)


def test_a_neutral_without_a_place_has_no_outline() -> None:
    known = neutral()
    centre = known.centre.copy()
    centre[feeds.NAMES.index("head_drop")] = math.nan
    assert outline(replace(known, centre=centre), WIDTH, HEIGHT) is None


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.OK and r is not Reason.HIPS])
def test_each_reason_for_no_verdict_says_what_to_do(reason: Reason) -> None:
    title, text = headline(Shot(1, Status(activity="watching", state="unknown", reason=reason.value)), 0.0)
    assert title.casefold() == reason.value.casefold()
    assert text.endswith((".", "too.", "here."))


@pytest.mark.parametrize(
    ("shot", "told"),
    [
        (Shot(1, Status(activity="paused", state="paused")), ("Paused", "The camera is off.")),
        (
            Shot(1, Status(activity="watching", state="away")),
            ("Nobody here", "It goes on when you are back."),
        ),
        (
            Shot(1, Status(activity="trouble", why="plug it in", camera=Camera(trouble="unplugged"))),
            ("No camera", "plug it in"),
        ),
        (Shot(1, Status(activity="busy", why="zoom has it")), ("Camera in use", "zoom has it")),
        (Shot(1, Status(activity="locked", why="locked")), ("Resting", "locked")),
        (Shot(1, lost="No camera there."), ("No picture", "No camera there.")),
        (Shot(1, Status(activity="watching", state="poor")), ("", "")),
    ],
)
def test_what_stands_over_the_picture(shot: Shot, told: tuple[str, str]) -> None:
    assert headline(shot, time.time()) == told


def test_a_snapshot_holds_points_and_measures_and_no_picture(home: Path) -> None:
    landmarks, size = body()
    status = Status(
        activity="watching",
        state="poor",
        source="my camera",
        profile=InUse("my profile"),
        angles=(Angle("fsr", deviation=3.0),),
    )
    image = np.full((HEIGHT, WIDTH, 3), 7, np.uint8)
    shot = Shot(
        3, status, width=int(size[0]), height=int(size[1]), landmarks=landmarks, image=image, jpeg=b"JPEG"
    )
    path = feeds.save_snapshot(shot)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.is_relative_to(paths.data_dir())
    kept = json.loads(path.read_text(encoding="utf-8"))
    np.testing.assert_allclose(kept["landmarks"], landmarks, atol=1e-5)
    assert kept["metrics"]["face_size"] == pytest.approx(
        measure(landmarks[None], size)["face_size"][0], rel=1e-3
    )
    assert kept["judgement"]["state"] == "poor"
    assert kept["versions"]["posture-monitor"]
    assert "my camera" not in path.read_text()
    assert "my profile" not in path.read_text()
    assert len(path.read_text()) < 12_000


def test_a_snapshot_of_nobody_is_still_one() -> None:
    kept = snapshot_of(Shot(1, Status(activity="watching", state="away")))
    assert kept["landmarks"] is None
    json.dumps(kept, allow_nan=False)


# -- the running monitor -----------------------------------------------------------------------------


class Monitor:
    """Answers `look` as the monitor does."""

    def __init__(self) -> None:
        landmarks, _ = body()
        picture = cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), (200, 60, 20), np.uint8))[1].tobytes()
        self.status = Status(
            activity="watching", state="good", view="front", confidence=0.9, profile=InUse("own")
        )
        self.moment: dict[str, Any] = {
            "t_s": 1.0,
            "wall_s": 100.0,
            "width": WIDTH,
            "height": HEIGHT,
            "landmarks": landmarks.tolist(),
            "picture": base64.b64encode(picture).decode(),
            "look_s": 0.025,
        }
        self.asked: list[str] = []
        self.slow = threading.Event()
        self.slow.set()

    def handle(self, do: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(do)
        self.slow.wait(1.5)
        if do == "look":
            self.moment["wall_s"] += 0.2
            picture = self.moment["picture"] if args["picture"] else None
            return {**self.moment, "picture": picture, "status": self.status.to_json()}
        if do == "reanchor" and self.status.state == "away":
            raise UserError("nobody is seen at the moment")
        return {}


@pytest.fixture
def monitor(home: Path) -> Iterator[Monitor]:
    stand_in = Monitor()
    save_profile(Profile("own", (neutral(),)))
    paths.make_private(paths.control_socket().parent)
    with Server(paths.control_socket(), stand_in.handle):
        yield stand_in
        stand_in.slow.set()


@pytest.fixture
def attached(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Attached]:
    monkeypatch.setattr(feeds, "ASK_S", 0.02)
    monkeypatch.setattr(feeds, "AGAIN_S", 0.05)
    feed = Attached()
    feed.start()
    qt.wait_for(lambda: feed.latest.number > 1)
    yield feed
    feed.close()


def test_it_shows_what_the_running_monitor_sees(attached: Attached, monitor: Monitor) -> None:
    shot = attached.latest
    assert (shot.status.state, shot.width, shot.judged_ms, shot.lost) == ("good", WIDTH, 25.0, "")
    assert shot.landmarks is not None
    assert shot.neutral is not None
    assert shot.jpeg is not None
    assert shot.jpeg.startswith(b"\xff\xd8")
    attached.picture_wanted = False
    qt.wait_for(lambda: attached.latest.jpeg is None)
    monitor.status = replace(monitor.status, activity="paused", state="paused")
    qt.wait_for(lambda: attached.latest.status.activity == "paused")
    assert attached.latest.landmarks is None


def test_a_wish_is_passed_on_and_its_answer_told(attached: Attached, monitor: Monitor) -> None:
    attached.reanchor()
    assert qt.wait_for(attached.note).startswith("Sit upright")
    monitor.status = replace(monitor.status, state="away")
    attached.reanchor()
    assert qt.wait_for(attached.note) == "Not done: nobody is seen at the moment."


def test_the_window_never_waits_for_the_monitor(attached: Attached, monitor: Monitor) -> None:
    qt.application()
    window = Preview(attached)
    monitor.slow.clear()
    qt.wait_for(lambda: monitor.asked[-1] == "look")
    began_s = time.monotonic()
    for key in (Qt.Key.Key_R, Qt.Key.Key_V, Qt.Key.Key_M):
        QTest.keyClick(window, key)
    window.look()
    window.grab()
    assert time.monotonic() - began_s < 0.75
    monitor.slow.set()


def test_a_monitor_that_ends_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "AGAIN_S", 0.05)
    stand_in = Monitor()
    paths.make_private(paths.control_socket().parent)
    with Server(paths.control_socket(), stand_in.handle):
        feed = open_feed(load_config(), None, None)
        assert isinstance(feed, Attached)
        feed.start()
        qt.wait_for(lambda: feed.latest.landmarks is not None)
    qt.wait_for(lambda: feed.latest.lost)
    assert "has ended" in feed.latest.lost
    feed.close()


def test_a_named_source_is_opened_and_a_missing_camera_told(monitor: Monitor) -> None:
    feed = open_feed(load_config(), "/dev/video97", None)
    assert isinstance(feed, Own)
    feed.start()
    qt.wait_for(lambda: feed.latest.lost)
    assert "/dev/video97" in feed.latest.lost
    feed.close()


def test_without_a_monitor_the_source_of_the_settings_is_used(home: Path) -> None:
    feed = open_feed(load_config(), None, None)
    assert isinstance(feed, Own)
    assert feed.name == load_config().camera.source


def test_a_profile_that_is_not_there_is_told_before_any_window(home: Path) -> None:
    with pytest.raises(UserError, match="nobodys"):
        open_feed(load_config(), "demo", "nobodys")


# -- the window --------------------------------------------------------------------------------------


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
    landmarks, size = body()
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
    window = Preview(held("poor"))
    over_video = style.NIGHT.poor
    assert part(window.stage.grab(), over_video) > 0.005
    assert part(window.side.grab(), style.DAY.poor) > 0.004
    assert window.side._word.text() == "Poor"
    assert window.side._why.text() == "Head low over the shoulders: 21%"
    texts = [label.text() for label in window.side._cells[0]]
    assert texts == ["Head height", "15.1 cm", "−21%"]
    good = Preview(held("good"))
    assert part(good.stage.grab(), over_video) < 0.001
    assert part(good.stage.grab(), style.NIGHT.good) > 0.005


def test_without_video_no_picture_is_seen_and_none_is_asked_for(day: None) -> None:
    feed = held()
    window = Preview(feed)
    veiled = QColor(26, 175, 35)  # the picture under its thin veil
    assert part(window.stage.grab(), veiled, near=20) > 0.3
    QTest.keyClick(window, Qt.Key.Key_V)
    assert part(window.stage.grab(), veiled, near=40) < 0.01
    assert part(window.stage.grab(), style.DAY.poor) > 0.005
    assert feed.picture_wanted is False
    QTest.keyClick(window, Qt.Key.Key_V)
    assert feed.picture_wanted is True


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
    tray = ran("tray")
    assert (tray.returncode, tray.stderr.strip()) == (0, "No tray icon: there is no screen here.")


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
    qt.wait_for(lambda: window.stage._note == "Re-anchored: judged from the new place on.", 20)
    feed.close()


DEMO_PICTURE = demo.picture
