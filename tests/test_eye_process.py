"""The eye: the model is loaded while the camera wakes up, and whatever goes wrong is told in an answer."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import matplotlib
import numpy as np
import pytest
from real_model import real_model

from posture_monitor.children import python
from posture_monitor.errors import UserError
from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing import image_quality, pose, sources
from posture_monitor.sensing.eye_process import Eye, receive, send
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.sight import Blind, Place, Sight, Want
from posture_monitor.service import eye as service_eye
from posture_monitor.service.eye import EyeKeeper, Looked

PORTRAIT = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


class Waking:
    """A camera whose first picture comes when `awake` is set, or not at all."""

    name, identity, live = "camera", "a camera", True

    def __init__(self, awake: threading.Event, limit_s: float) -> None:
        self.awake, self.limit_s, self.light = awake, limit_s, 1.0

    def take(self, _due_s: float) -> Frame:
        if not self.awake.wait(self.limit_s):
            raise UserError("no picture")
        picture = np.asarray(cv2.imread(str(PORTRAIT)) * self.light, np.uint8)
        return Frame(0.0, time.time(), picture.shape[1], picture.shape[0], picture)

    def close(self) -> None:
        pass


def eye(monkeypatch: pytest.MonkeyPatch, camera: Waking, bundle: Path) -> contextlib.closing[Eye]:
    monkeypatch.setattr(sources, "open_source", lambda *_args, **_kept: camera)
    return contextlib.closing(Eye(Place("0", 640, 480, model=bundle)))


def test_the_model_is_loaded_while_the_camera_wakes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, real = threading.Event(), pose.PoseEstimator

    def load(path: Path, *, stills: bool) -> pose.PoseEstimator:
        estimator = real(path, stills=stills)
        loaded.set()
        return estimator

    monkeypatch.setattr(pose, "PoseEstimator", load)
    # This camera gives nothing before the model is there: were it loaded after, none would ever come.
    with eye(monkeypatch, Waking(loaded, 30.0), real_model()) as watching:
        for _ in range(2):
            answer = watching.look(Want())
            assert isinstance(answer, Sight)
            assert answer.people is not None
            assert len(answer.people) == 1


def test_a_look_leaves_nothing_for_python_to_come_for(monkeypatch: pytest.MonkeyPatch) -> None:
    awake = threading.Event()
    awake.set()
    gc.disable()  # which by itself may come at any moment
    try:
        with eye(monkeypatch, Waking(awake, 1.0), real_model()) as watching:
            for _ in range(3):
                watching.look(Want())
                watching.settle()
            assert gc.get_freeze_count() > 10_000, "what loading left is not gone through each time"
            assert gc.collect() == 0
    finally:
        gc.unfreeze()
        gc.enable()


def test_a_picture_in_which_nothing_moves_is_not_looked_into_until_there_is_light(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    awake = threading.Event()
    awake.set()
    camera = Waking(awake, 1.0)
    looked_into: list[str] = []
    real = image_quality.quality

    def quality(image: np.ndarray) -> image_quality.Quality:
        looked_into.append(real(image).reason)
        return real(image)

    monkeypatch.setattr(image_quality, "quality", quality)
    with eye(monkeypatch, camera, real_model()) as watching:

        def look() -> tuple[Reason, bool]:
            seen = watching.look(Want(may_skip=True))
            assert isinstance(seen, Sight)
            return seen.doubt, seen.people is not None

        watching.look(Want())
        assert [look() for _ in range(3)] == [(Reason.OK, False)] * 3
        assert looked_into == [""]
        camera.light = 0.15
        watching.look(Want())
        assert look() == (Reason.DARK, False)
        camera.light = 0.5  # all cells alike, and so no movement
        assert look() == (Reason.OK, True)
        assert look() == (Reason.OK, False)
        assert looked_into == ["", "too dark", "too dark", ""]


def test_a_model_that_cannot_be_loaded_is_told_once_there_is_a_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    awake = threading.Event()
    with eye(monkeypatch, Waking(awake, 0.2), tmp_path / "none.task") as watching:
        answer = watching.look(Want())
        assert answer == Blind("failed", "no picture")
        awake.set()
        answer = watching.look(Want())
    assert isinstance(answer, Blind)
    assert answer.trouble == "no model"
    assert "none.task: no such file" in answer.detail


def test_an_eye_that_cannot_be_started_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kept: object) -> None:
        raise OSError(errno.EAGAIN, "too many processes")

    heard: queue.SimpleQueue[Looked] = queue.SimpleQueue()
    watching = EyeKeeper(heard.put)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    watching.look(Place("demo", 640, 480), Want())
    answer = watching.believe(heard.get_nowait())
    assert isinstance(answer, Blind)
    assert answer.detail == "the camera process cannot be started: too many processes"
    assert watching.limit_s is None, "it is waited for no longer"


UPDATED = "the program was updated while it ran; `posture-monitor restart` goes on with the new one"


def changed(message: object, name: str) -> object:
    """Return a message as a version has it that knows one more field."""
    object.__setattr__(message, name, 0.0)
    return message


@pytest.mark.parametrize(
    "asked",
    [
        [changed(Place("demo", 640, 480), "started_at"), Want()],
        [Place("demo", 640, 480), changed(Want(), "gone")],
    ],
    ids=["its place", "its want"],
)
def test_an_eye_begun_by_a_monitor_of_another_version_says_so(asked: list[object]) -> None:
    with subprocess.Popen(
        python("-m", "posture_monitor.sensing.eye_process"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        for message in asked:
            send(process.stdin, message)
        assert receive(process.stdout) == Blind("failed", UPDATED)
        assert process.wait(10.0) == 0


@pytest.mark.parametrize(
    "change",
    ["eye.changed(answer, 'camera')", "sight.Gone = sight.Blind; sight.Blind.__qualname__ = 'Gone'"],
    ids=["another field", "another message"],
)
def test_an_eye_of_another_version_than_the_monitor_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    newer = f"""
import sys, time
import test_eye_process as eye
from posture_monitor.sensing import sight
answer = sight.Blind("failed", "no")
{change}
eye.send(sys.stdout.buffer, answer)
time.sleep(600.0)  # it lives on until it is ended
"""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(service_eye, "python", lambda *_arguments: [sys.executable, "-c", newer])
    heard: queue.SimpleQueue[Looked] = queue.SimpleQueue()
    watching = EyeKeeper(heard.put)
    try:
        watching.look(Place("demo", 640, 480), Want())
        assert watching.believe(heard.get(timeout=30.0)) == Blind("failed", UPDATED)
    finally:
        watching.end()


def test_an_eye_that_nobody_can_listen_to_is_told_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be room for one more process, and for no thread that hears it."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    heard: queue.SimpleQueue[Looked] = queue.SimpleQueue()
    watching = EyeKeeper(heard.put)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    watching.look(Place("demo", 640, 480), Want())
    answer = watching.believe(heard.get_nowait())
    assert isinstance(answer, Blind)
    assert answer.trouble == "failed"
    assert answer.detail == "the camera process cannot be started: can't start new thread"
    pid = watching.pid
    assert pid is not None
    watching.end()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_its_number_can_be_asked_for_while_it_is_being_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whoever watches the camera for calls asks on a thread of its own, which must not end by it.
    process = SimpleNamespace(pid=4711)
    ending = iter([process, None])
    monkeypatch.setattr(EyeKeeper, "_process", property(lambda _self: next(ending)), raising=False)
    assert EyeKeeper.pid.fget(object.__new__(EyeKeeper)) == 4711  # type: ignore[attr-defined]
