"""Live moments for the preview, from the running monitor and from a source of its own."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import qt
import rig
from people import upright
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.errors import UserError
from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing.frame import Frame
from posture_monitor.service.control_server import Server
from posture_monitor.service.looking import Seen
from posture_monitor.service.preview import feeds
from posture_monitor.service.preview.feeds import Attached, Own, open_feed
from posture_monitor.service.preview.judging import Judging
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.profiles import load_profile
from posture_monitor.service.status import InUse, Status
from posture_monitor.windows.preview_window import Preview

WIDTH, HEIGHT = 640, 480


class Monitor:
    """Answers `look` as the monitor does."""

    def __init__(self) -> None:
        (landmarks,), _ = rig.render(rig.Body(), rig.Pose(), rig.Camera())
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
    save_profile(Profile("own", (upright(rig.Body(), rig.Camera()),)))
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


def test_without_a_look_at_its_profile_it_shows_all_else(
    attached: Attached, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_name: str) -> Profile:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(feeds, "load_profile", refused)
    (paths.profiles_dir() / "own.toml").touch()  # it is read again
    qt.wait_for(lambda: attached.latest.neutral is None)
    assert attached.latest.landmarks is not None


def test_a_wish_is_passed_on_and_its_answer_told(attached: Attached, monitor: Monitor) -> None:
    attached.reanchor()
    assert qt.wait_for(attached.note).startswith("Sit upright")
    monitor.status = replace(monitor.status, state="away")
    attached.reanchor()
    assert qt.wait_for(attached.note) == "Not done: nobody is seen at the moment."


@pytest.mark.usefixtures("home")
def test_a_neutral_that_cannot_be_kept_is_not_judged_by_either() -> None:
    path = save_profile(Profile("own", (upright(rig.Body(), rig.Camera()),)))
    profile, said = load_profile("own"), list[str]()
    path.write_text(path.read_text() + "# changed meanwhile\n")
    source: Any = SimpleNamespace(name="a source", identity="a source")
    judging = Judging(load_config(), profile, source, said.append)
    judging.anchor()
    (landmarks,), size = rig.render(rig.Body(), rig.Pose(), rig.Camera())
    for second in range(10):
        frame = Frame(float(second), float(second), int(size[0]), int(size[1]))
        judging.take(Seen(frame, landmarks.astype(np.float32), Reason.OK))
    assert said[-1].startswith("Neutral not set anew")
    assert judging.profile is profile


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
