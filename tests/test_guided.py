"""Around a guided calibration: the monitor lends its camera, the panel, and whether there is a screen."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rig
from program import fresh_home
from rich.console import Console
from rig import Body, Pose, render
from terminal import Terminal
from test_guiding import Player
from waiting import wait_for

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.errors import UserError
from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing.frame import Frame, Source
from posture_monitor.service import calibration, control_server, guided, lending, screen
from posture_monitor.service.calibration import Learnt, Request
from posture_monitor.service.capture_quality import Quality
from posture_monitor.service.control_server import Server
from posture_monitor.service.guided import Result
from posture_monitor.service.guided_drawn import panel, result_text
from posture_monitor.service.guiding import Aim, Guide, Step
from posture_monitor.service.lending import camera_lent
from posture_monitor.service.profiles import load_profile
from posture_monitor.service.status import Camera, InUse, Status


class Monitor:
    """A monitor that answers as the real one does, over the real channel, and notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.activity = "watching"
        self.closes_after = 0  #: times that its status still tells of an open camera

    def handle(self, do: str, _given: Mapping[str, Any]) -> Mapping[str, Any]:
        if do == "status":
            still_open = self.activity == "watching" or self.closes_after > 0
            self.closes_after -= 1
            now = Status(
                activity=self.activity,
                camera=Camera(open=still_open),
                profile=InUse(name="desk"),
            )
            return now.to_json()
        self.asked.append(do)
        if do == "lend":
            self.activity = "paused"
        elif do == "return":
            self.activity = "watching"
        return {}


@pytest.fixture
def monitor(home: Path) -> Iterator[Monitor]:
    running = Monitor()
    with Server(paths.control_socket(), running.handle):
        yield running


def test_a_running_monitor_lends_its_camera_and_gets_it_back(monitor: Monitor) -> None:
    with pytest.raises(UserError), camera_lent("/dev/video0"):  # noqa: PT012
        assert monitor.activity == "paused"
        raise UserError("also where the calibration fails")
    assert monitor.asked == ["lend", "return"]
    assert monitor.activity == "watching"


def test_a_camera_that_is_closing_is_waited_for_but_not_for_ever(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monitor.closes_after = 3
    with camera_lent("/dev/video0"):
        assert monitor.closes_after < 0
    monkeypatch.setattr(lending, "CLOSING_S", 0.3)
    monitor.closes_after = 10**6
    with camera_lent("/dev/video0"):
        assert monitor.activity == "paused"


def test_a_capture_from_another_camera_is_told_as_that_before_all_else() -> None:
    profile = load_profile("front")
    learnt = Learnt(profile, profile.neutral, "Calibrated.\nMore.", note="Note: another camera.")
    body = np.zeros((33, 4), dtype=np.float32)
    result = Result(learnt, Aim.ADD, Quality("Good", "you sat still"), ("the head",), (), "", body, ())
    assert result_text(result).splitlines() == [
        "Note: another camera.",
        "Good: you sat still.",
        "Calibrated.",
        "Measured from here: the head.",
    ]


def test_what_cannot_be_measured_is_told_with_the_reason() -> None:
    profile = load_profile("front")
    body = np.zeros((33, 4), dtype=np.float32)
    learnt = Learnt(profile, profile.neutral, "Calibrated.")
    good = Quality("Good", "you sat still")
    result = Result(learnt, None, good, ("the head",), ("the trunk",), "Hips are hidden.", body, ())
    assert result_text(result).endswith("\nNot from here: the trunk. Hips are hidden.")


def test_a_calibration_that_takes_long_keeps_the_camera(
    monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_server, "REQUEST_S", 0.1)
    with camera_lent("0"):
        time.sleep(0.5)  # who has not asked for anything else for so long is sent away
        assert monitor.asked == ["lend"]
    assert monitor.asked == ["lend", "return"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_calibration_that_ends_by_force_gives_the_camera_back_at_once(
    monitor: Monitor, how: signal.Signals
) -> None:
    lends = (
        "import time; from posture_monitor.service.lending import camera_lent\n"
        "with camera_lent('0'): print('lent', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", lends], stdout=subprocess.PIPE, text=True) as calibrating:
        assert calibrating.stdout is not None
        assert calibrating.stdout.readline() == "lent\n"
        assert monitor.activity == "paused"
        calibrating.send_signal(how)
    wait_for(lambda: monitor.activity == "watching")


@pytest.mark.usefixtures("home")
def test_a_model_that_is_not_to_be_had_leaves_no_camera_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Camera(Source):
        identity, stills = "a camera", False
        closed = False

        def close(self) -> None:
            self.closed = True

    camera = Camera()
    monkeypatch.setattr(calibration, "open_source", lambda *_args, **_kept: camera)
    (tmp_path / "config.toml").write_text('[model]\npath = "/none.task"\n')
    config = load_config(tmp_path / "config.toml")
    with pytest.raises(UserError, match=r"none\.task"):
        list(guided.Guided(config, Request("demo", 5.0, "desk")).moments())
    assert camera.closed


class Sitter(Source):
    """Half a minute of somebody who sits still."""

    identity, stills, live = "a camera", False, True

    def frames(self) -> Iterator[Frame]:
        held = Pose(lean=np.zeros(150))
        bodies, (width, height) = render(Body(), held, rig.Camera(), np.random.default_rng(3), noise_px=0.5)
        for number, body in enumerate(bodies):
            yield Frame(number / 5, number / 5, int(width), int(height), landmarks=body)


@pytest.fixture
def sitter(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever source is opened shows a `Sitter`."""
    monkeypatch.setattr(calibration, "open_source", lambda *_args, **_kept: Sitter())
    (tmp_path / "own.task").touch()
    monkeypatch.setattr(guided, "ensure_model", lambda _own: tmp_path / "own.task")


@pytest.mark.usefixtures("sitter")
def test_a_capture_too_poor_to_learn_from_is_told_and_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_poor(*_given: Any) -> Learnt:
        raise ValueError("it is too poor")

    monkeypatch.setattr(guided, "learn", too_poor)
    moments = list(guided.Guided(load_config(), Request("demo", 8.0, "desk")).moments())
    steps = [moment.guidance.step for moment in moments]
    again = steps.index(Step.LOOKING, steps.index(Step.CAPTURING))
    assert moments[again].guidance.hint == "Once more: it is too poor"
    assert Step.CAPTURING in steps[again:]
    assert moments[-1].over
    assert moments[-1].guidance.hint == "Once more: it is too poor"


@pytest.mark.usefixtures("sitter")
@pytest.mark.parametrize("fails", [False, True])
def test_a_capture_begun_while_the_one_before_is_being_made_has_a_result_of_its_own(
    monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    made, begun = [], []

    def again(*given: Any) -> Learnt:
        made.append(real(*given))
        if len(made) == 1:  # "Again", pressed by somebody who is quick
            asked.capture(None)
            begun.append(asked._capture)
            if fails:
                raise ValueError("it is too poor")
        return made[-1]

    real = guided.learn
    monkeypatch.setattr(guided, "learn", again)
    asked = guided.Guided(load_config(), Request("demo", 8.0, "desk"))
    last = list(asked.moments())[-1]
    assert len(made) == 2
    assert last.result is not None
    assert last.result.learnt is made[1]
    assert asked._capture is begun[0], "what becomes of the one before is no matter to it"


@pytest.mark.slow
def test_what_is_typed_during_a_capture_answers_no_question(home: Path) -> None:
    asking = Terminal(
        fresh_home(home), "calibrate", "--source", "demo", "--realtime", "--no-window", "--seconds", "3"
    )
    try:
        asking.wait_for("Learning", 60)
        os.write(asking.ours, b"n\n")
        asking.answer("Keep this? [Y/n]:", "y")
        asking.wait_for("Kept as")
        asking.wait_for("Ten seconds of your usual slouch")
        asking.interrupt()
        assert asking.end() == 130
    finally:
        asking.close()
    assert not load_profile("default").starter


def test_a_recording_needs_nobodys_camera(monitor: Monitor) -> None:
    with camera_lent("monday.mp4"):
        assert monitor.activity == "watching"
    assert monitor.asked == []


@pytest.mark.usefixtures("home")
def test_without_a_monitor_there_is_nobody_to_ask() -> None:
    with camera_lent("0"):
        pass


def test_the_panel_says_what_the_window_says() -> None:
    def shown(guidance: Any) -> str:
        console = Console(width=80, file=io.StringIO(), record=True)
        console.print(panel(guidance))
        return console.export_text()

    player = Player(Guide(10.0))
    dark = shown(player.last(1, Pose(), Reason.DARK))
    assert "! Too dark: turn to the window" in dark
    assert "Begins in" in shown(player.last(2, Pose()))
    capturing = shown(player.last(6, Pose()))
    assert "s left" in capturing
    assert "✓ Shoulders" in capturing
    assert "· Hips hidden, that is fine" in capturing


def test_no_screen_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    screen.why_no_window.cache_clear()
    try:
        assert screen.why_no_window() == screen.NO_SCREEN
    finally:
        screen.why_no_window.cache_clear()


def test_a_display_that_is_not_there_is_told_and_ends_nothing() -> None:
    pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
    code = "from posture_monitor.service.screen import why_no_window; print(why_no_window())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"DISPLAY": ":7654", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert "cannot be" in done.stdout, done.stdout + done.stderr
