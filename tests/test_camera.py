"""Live sources: a camera faked where OpenCV meets the device, and a real MJPEG stream over loopback."""

from __future__ import annotations

import errno
import http.server
import itertools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from posture_monitor.errors import UserError
from posture_monitor.sensing import camera, captured, demo, live
from posture_monitor.sensing.camera import CameraInfo, CameraSource, list_cameras
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.sources import identity_of, open_source
from posture_monitor.sensing.trouble import SourceTrouble, Trouble


class FakeCapture:
    """A camera of 100 pictures a second and its driver's queue, behind `cv2.VideoCapture`.

    As in Video4Linux, four pictures are kept for a reader who is late, and those that come
    then are lost: what the reader finds first is old. Each picture carries its number.
    """

    RATE = 100.0
    QUEUED = 4

    def __init__(
        self, *, opens: bool = True, black: int = 0, lasts: int | None = None, hangs_after: int | None = None
    ) -> None:
        self.opens, self.black, self.lasts, self.hangs_after = opens, black, lasts, hangs_after
        self.stamped, self.lazy_s = True, 0.0
        self.grabbed = self.decoded = 0
        self.released = False
        self.asked: dict[int, float] = {}
        self.go_on = threading.Event()
        self._queue: list[int] = []
        self._began = time.monotonic()
        self._arrived = self._number = 0

    def isOpened(self) -> bool:
        return self.opens

    def set(self, key: int, value: float) -> bool:
        self.asked[key] = value
        return True

    def get(self, key: int) -> float:
        if key == cv2.CAP_PROP_POS_MSEC and self.stamped:
            return 1000 * (self._began + self._number / self.RATE)
        return self.asked.get(key, 0.0)

    def now(self) -> int:
        """Return the number of the picture that is taken now."""
        return int((time.monotonic() - self._began) * self.RATE)

    def grab(self) -> bool:
        assert not self.released
        if self.hangs_after is not None and self.grabbed >= self.hangs_after:
            self.go_on.wait(20)
        if self.lasts is not None and self.grabbed >= self.lasts:
            return False
        if self.lazy_s:
            time.sleep(self.lazy_s)
        now = self.now()
        free = self.QUEUED - len(self._queue)
        self._queue += range(self._arrived + 1, now + 1)[:free]
        self._arrived = max(self._arrived, now)
        if not self._queue:
            self._arrived += 1
            time.sleep(max(self._began + self._arrived / self.RATE - time.monotonic(), 0.0))
            self._queue.append(self._arrived)
        self._number = self._queue.pop(0)
        self.grabbed += 1
        return True

    def retrieve(self) -> tuple[bool, np.ndarray]:
        assert not self.released
        self.decoded += 1
        image = np.full((48, 64, 3), 0 if self._number <= self.black else 90, np.uint8)
        image[0, :2, 0] = divmod(self._number, 256)
        return True, image

    def release(self) -> None:
        self.released = True


def number(frame: Frame) -> int:
    """Return the number that the stand-in camera wrote into the picture."""
    assert frame.image is not None
    high, low = frame.image[0, :2, 0]
    return 256 * int(high) + int(low)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a kernel of its own that lists no camera; return its root."""
    (tmp_path / "sys").mkdir()
    monkeypatch.setattr(camera, "_SYS", tmp_path / "sys")
    return tmp_path


@pytest.fixture
def linux() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("device nodes are a Linux matter")


Plug = Callable[[FakeCapture], FakeCapture]


@pytest.fixture
def plug(kernel: Path, monkeypatch: pytest.MonkeyPatch) -> Plug:
    """Return what plugs in a camera whose device node opens."""

    def plugged(capture: FakeCapture) -> FakeCapture:
        monkeypatch.setattr(camera, "_check_node", lambda node: None)
        monkeypatch.setattr(camera, "_plugged", lambda node: True)
        monkeypatch.setattr(camera.cv2, "VideoCapture", lambda *_: capture)
        return capture

    return plugged


def add_camera(kernel: Path, number: int, name: str, index: int = 0, plug: str = "1-6:1.0") -> None:
    entry = kernel / "sys" / f"video{number}"
    entry.mkdir()
    (entry / "name").write_text(f"{name}\n")
    (entry / "index").write_text(f"{index}\n")
    bus = kernel / "bus" / plug
    bus.mkdir(parents=True, exist_ok=True)
    (entry / "device").symlink_to(bus)


def test_frames_are_live_and_carry_both_clocks(plug: Plug) -> None:
    capture = plug(FakeCapture())
    with open_source("0", width=800, height=600, min_interval_s=1 / 15) as source:
        frames = [frame for frame, _ in zip(source.frames(), range(5), strict=False)]
        now = time.time()
    assert (source.live, source.stills, source.total) == (True, False, None)
    assert frames[0].t_s == 0
    assert all(b.t_s > a.t_s for a, b in itertools.pairwise(frames))
    assert all(0 <= now - frame.wall_s < 1 for frame in frames)
    assert (frames[0].width, frames[0].height) == (64, 48)
    assert capture.asked[cv2.CAP_PROP_FRAME_WIDTH] == 800
    assert capture.asked[cv2.CAP_PROP_FPS] == pytest.approx(15)
    assert capture.released


def test_unwanted_frames_are_not_decoded(plug: Plug) -> None:
    capture = plug(FakeCapture())
    with open_source("0", min_interval_s=0.15) as source:
        times = [frame.t_s for frame, _ in zip(source.frames(), range(4), strict=False)]
    assert all(b - a >= 0.15 for a, b in itertools.pairwise(times))
    assert capture.decoded <= 6


def test_a_slow_reader_gets_the_newest_frame_and_nothing_is_read_meanwhile(plug: Plug) -> None:
    capture = plug(FakeCapture())
    with open_source("0") as source:
        frames = source.frames()
        next(frames)
        grabbed, decoded = capture.grabbed, capture.decoded
        time.sleep(0.5)
        assert capture.grabbed == grabbed
        asked = capture.now()
        frame = next(frames)
    assert number(frame) >= asked - 15  # was on its way
    assert capture.grabbed - grabbed <= FakeCapture.QUEUED + 1
    assert capture.decoded == decoded + 1


def test_on_a_busy_machine_the_cameras_own_stamps_tell_what_is_stale(plug: Plug) -> None:
    capture = plug(FakeCapture())
    with CameraSource("0") as source:
        source.take(0.0)
        time.sleep(0.4)
        capture.lazy_s = 0.012  # each grab seems to have waited
        asked = capture.now()
        assert number(source.take(0.0)) >= asked - 15


def test_without_stamps_the_queue_is_emptied_by_counting(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captured, "_WAITED_S", 10.0)  # no grab seems to have waited
    capture = plug(FakeCapture())
    capture.stamped = False
    with CameraSource("0") as source:
        source.take(0.0)
        time.sleep(0.3)
        asked = capture.now()
        assert number(source.take(0.0)) >= asked


def test_what_the_camera_offers_decides_what_is_asked_of_it(
    plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("cameras tell what they offer on Linux only")
    from posture_monitor.sensing import v4l2

    offered = [v4l2.Mode("YUYV", 800, 600, (5.0, 15.0, 30.0)), v4l2.Mode("MJPG", 800, 600, (15.0, 30.0))]
    monkeypatch.setattr(v4l2, "modes", lambda *_: offered)
    capture = plug(FakeCapture())
    with CameraSource("0") as source:
        assert source.identity == "camera 0 800x600"
    assert capture.asked[cv2.CAP_PROP_FPS] == 15  # at this size, uncompressed is too much
    assert capture.asked[cv2.CAP_PROP_FOURCC] == cv2.VideoWriter.fourcc(*"MJPG")


def test_a_frame_is_taken_when_it_is_due(plug: Plug) -> None:
    capture = plug(FakeCapture())
    with CameraSource("0") as source:
        first = source.take(0.0)
        due_s = time.monotonic() + 0.4
        frame = source.take(due_s)
        late_s = time.monotonic() - due_s
        assert 0 <= late_s < 0.3
        assert number(frame) >= capture.now() - 100 * (time.monotonic() - due_s) - 15
        assert frame.t_s - first.t_s > 0.39


def test_a_camera_at_rest_is_closed_and_opens_again(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    captures = [FakeCapture(), FakeCapture(black=30)]
    plug(captures[0])
    monkeypatch.setattr(
        camera.cv2, "VideoCapture", lambda *_: captures[[c.released for c in captures].count(True)]
    )
    with CameraSource("0") as source:
        first = source.take(0.0)
        source.rest()
        assert captures[0].released
        source.rest()
        again = source.take(0.0)
        assert number(again) > 30  # the black ones of waking up are passed over
        assert again.t_s > first.t_s
        assert not captures[1].released
    assert captures[1].released


def test_a_camera_that_is_gone_after_its_rest_is_lost(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    plug(FakeCapture())
    with CameraSource("0") as source:
        source.take(0.0)
        source.rest()
        monkeypatch.setattr(camera.cv2, "VideoCapture", lambda *_: FakeCapture(opens=False))
        with pytest.raises(SourceTrouble, match="does not open"):
            source.take(0.0)


def test_black_frames_of_a_waking_camera_are_passed_over(plug: Plug) -> None:
    plug(FakeCapture(black=20))
    with open_source("0") as source:
        frame = next(source.frames())
    assert frame.image is not None
    assert frame.image.mean() > 50


def test_a_camera_that_stays_black_is_handed_over_in_the_end(
    plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WARM_UP_S", 0.2)
    plug(FakeCapture(black=10_000))
    with open_source("0") as source:
        frame = next(source.frames())
    assert frame.image is not None
    assert frame.image[1:].max() == 0


class Odd(FakeCapture):
    """A camera whose pictures are of another kind than colour of 8 bits."""

    def __init__(self, picture: np.ndarray) -> None:
        super().__init__()
        self.picture = picture

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, self.picture


_GREY = (np.arange(48 * 64).reshape(48, 64) % 250).astype(np.uint8)


@pytest.mark.parametrize("picture", [_GREY, _GREY[..., None], np.dstack([_GREY] * 4)])
def test_a_grey_picture_is_one_in_colour(plug: Plug, picture: np.ndarray) -> None:
    plug(Odd(picture))
    with open_source("0") as source:
        frame = source.take(0.0)
    assert frame.image is not None
    assert np.array_equal(frame.image, np.dstack([_GREY] * 3))
    assert frame.image.flags.c_contiguous


@pytest.mark.parametrize(
    "picture",
    [_GREY.astype(np.uint16), _GREY.astype(np.float32), np.dstack([_GREY] * 2), _GREY[:0], _GREY[0]],
)
def test_a_picture_that_cannot_be_read_is_told(plug: Plug, picture: np.ndarray) -> None:
    plug(Odd(picture))
    with open_source("0") as source, pytest.raises(SourceTrouble, match="of a kind that cannot be read"):
        source.take(0.0)


def test_a_camera_that_stops_is_lost_not_ended(plug: Plug) -> None:
    capture = plug(FakeCapture(lasts=5))
    with open_source("0") as source, pytest.raises(SourceTrouble, match="stopped giving pictures"):
        for _ in source.frames():
            pass
    assert capture.released


def test_a_camera_that_hangs_does_not_freeze_the_program(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "SILENCE_S", 0.3)
    capture = plug(FakeCapture(hangs_after=3))
    source = open_source("0")
    frames = source.frames()
    began = time.monotonic()
    with pytest.raises(SourceTrouble, match="no picture for") as caught:
        for _ in frames:
            pass
    assert caught.value.trouble is Trouble.HANGS
    with pytest.raises(SourceTrouble, match="no picture for"):
        source.take(0.0)  # at once: it hangs still
    assert time.monotonic() - began < 2
    source.close()
    assert not capture.released  # in use by the thread that hangs
    capture.go_on.set()
    deadline = time.monotonic() + 5
    while not capture.released and time.monotonic() < deadline:
        time.sleep(0.01)
    assert capture.released


def test_a_camera_that_hangs_when_it_is_opened_is_not_waited_for(
    plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "darwin":
        pytest.skip("macOS opens cameras on the main thread only")
    capture = plug(FakeCapture())
    go_on = threading.Event()

    def hang(*_: Any) -> FakeCapture:
        go_on.wait(20)
        return capture

    monkeypatch.setattr(camera, "OPEN_S", 0.3)
    monkeypatch.setattr(camera.cv2, "VideoCapture", hang)
    began = time.monotonic()
    with pytest.raises(SourceTrouble, match="does not open within") as caught:
        CameraSource("0")
    assert time.monotonic() - began < 1.5
    assert caught.value.trouble is Trouble.HANGS
    go_on.set()
    deadline = time.monotonic() + 5
    while not capture.released and time.monotonic() < deadline:
        time.sleep(0.01)
    assert capture.released  # whatever came of it in the end is given back


@pytest.mark.slow
def test_why_a_camera_stopped_is_told_apart(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    for there, users, trouble in (
        (False, [], Trouble.UNPLUGGED),
        (True, ["zoom"], Trouble.BUSY),
        (True, [], Trouble.HANGS),
    ):
        plug(FakeCapture(lasts=2))
        with CameraSource("/dev/video0") as source, monkeypatch.context() as patch:
            patch.setattr(camera, "holders", lambda node, users=users: users)
            patch.setattr(camera, "_plugged", lambda node, there=there: there)
            with pytest.raises(SourceTrouble, match="stopped giving pictures") as caught:
                for _ in source.frames():
                    pass
        assert caught.value.trouble is trouble


def test_closing_from_another_thread_ends_the_frames(plug: Plug) -> None:
    capture = plug(FakeCapture())
    source = open_source("0", min_interval_s=30.0)
    frames = source.frames()
    next(frames)
    threading.Timer(0.1, source.close).start()
    began = time.monotonic()
    assert list(frames) == []
    assert time.monotonic() - began < 5
    source.close()
    assert capture.released
    assert list(source.frames()) == []


@pytest.mark.usefixtures("linux")
def test_identity_tells_cameras_apart(kernel: Path, plug: Plug) -> None:
    add_camera(kernel, 0, "HD Webcam C270", plug="1-6:1.0")
    add_camera(kernel, 1, "HD Webcam C270", index=1)
    add_camera(kernel, 10, "Laptop Camera", plug="1-8:1.0")
    plug(FakeCapture())
    with CameraSource("/dev/video0") as source:
        assert source.name == "/dev/video0"
        assert source.identity == "HD Webcam C270 (1-6:1.0) 640x480"
    assert list_cameras() == [
        CameraInfo(0, "/dev/video0", "HD Webcam C270"),
        CameraInfo(10, "/dev/video10", "Laptop Camera"),
    ]


@pytest.mark.usefixtures("linux")
def test_the_identity_is_known_without_opening_the_camera(
    kernel: Path, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    from posture_monitor.sensing import v4l2

    add_camera(kernel, 0, "HD Webcam C270", plug="1-6:1.0")
    assert identity_of("0", 640, 480) is None, "it tells no sizes"
    monkeypatch.setattr(v4l2, "modes", lambda *_: [v4l2.Mode("YUYV", 800, 600, (15.0,))])
    told = identity_of("0", 640, 480)
    assert identity_of("/dev/video0", 640, 480) == told
    plug(FakeCapture())
    with CameraSource("/dev/video0") as source:
        assert told == (source.identity, 800, 600)
    assert identity_of("http://me:secret@desk.lan/video", 640, 480) == ("stream http://desk.lan/video", 0, 0)
    assert identity_of("clip.mp4", 640, 480) is None


def test_without_a_kernel_that_tells_the_index_is_the_identity(plug: Plug) -> None:
    plug(FakeCapture())
    with CameraSource("3") as source:
        assert source.identity == "camera 3 640x480"


# --- why a camera cannot be used


@pytest.mark.usefixtures("linux")
def test_no_camera_says_what_there_is_instead(kernel: Path) -> None:
    with pytest.raises(UserError, match=r"no camera there; plug one in.*demo"):
        open_source("9876")
    add_camera(kernel, 2, "HD Webcam")
    with pytest.raises(UserError, match=r"no camera there; use one of: /dev/video2 \(HD Webcam\)"):
        open_source("/dev/video9876")


@pytest.mark.usefixtures("linux")
@pytest.mark.parametrize(
    ("number", "says", "trouble"),
    [
        (errno.EACCES, "group 'video'", Trouble.PERMISSION),
        (errno.EBUSY, "busy", Trouble.BUSY),
        (errno.ENODEV, "no camera there", Trouble.UNPLUGGED),
        (errno.EIO, "cannot be opened", Trouble.HANGS),
    ],
)
def test_reasons_the_device_node_gives_are_told_apart(
    kernel: Path, monkeypatch: pytest.MonkeyPatch, number: int, says: str, trouble: Trouble
) -> None:
    def refuse(*_: Any) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(camera.os, "open", refuse)
    with pytest.raises(SourceTrouble, match=says) as caught:
        open_source("0")
    assert caught.value.trouble is trouble


def test_a_camera_that_another_program_holds_names_it(
    kernel: Path, plug: Plug, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(FakeCapture(opens=False))
    monkeypatch.setattr(camera, "holders", lambda node: ["cheese", "zoom"])
    monkeypatch.setattr(camera, "_plugged", lambda node: True)
    with pytest.raises(SourceTrouble, match="cheese, zoom is using it") as caught:
        CameraSource("/dev/video0")
    assert caught.value.trouble is Trouble.BUSY


@pytest.mark.usefixtures("linux")
def test_a_node_that_is_no_camera_is_one_clear_line(
    kernel: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(camera, "_check_node", lambda node: None)
    with pytest.raises(UserError, match="does not open"):
        open_source("9876")
    assert capfd.readouterr().err == ""


# --- streams


class MjpegHandler(http.server.BaseHTTPRequestHandler):
    """A network camera: multipart JPEG from the demo, ten a second, for as many frames as the path says."""

    def do_GET(self) -> None:
        if self.path.startswith("/page"):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")
            return
        if "key=" in self.path and self.headers.get("Authorization") is None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.end_headers()
            return
        self.server.seen.append(self.headers.get("Authorization"))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for i in range(int(self.path.split("?")[0].strip("/"))):
                data = cv2.imencode(".jpg", demo.picture(i / 10))[1].tobytes()
                self.wfile.write(
                    b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(data)
                )
                self.wfile.write(data + b"\r\n")
                time.sleep(0.05)
        except OSError:
            pass  # the reader has seen enough

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def network_camera() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), MjpegHandler)
    server.daemon_threads = True
    server.seen = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_network_camera_is_watched_live(network_camera: http.server.ThreadingHTTPServer) -> None:
    port = network_camera.server_port
    with open_source(f"http://me:secret@127.0.0.1:{port}/500?key=secret", min_interval_s=0.1) as source:
        frames = [frame for frame, _ in zip(source.frames(), range(5), strict=False)]
    assert source.live
    assert source.name == f"http://127.0.0.1:{port}/500"
    assert "secret" not in source.identity
    assert network_camera.seen == ["Basic bWU6c2VjcmV0"]  # type: ignore[attr-defined]
    assert (frames[0].width, frames[0].height) == (640, 480)
    assert all(b.t_s - a.t_s >= 0.1 for a, b in itertools.pairwise(frames))
    assert frames[0].image is not None
    difference = np.abs(frames[0].image.astype(int) - demo.picture(0)).mean()
    assert difference < 12  # JPEG, and a few hundredths of a second of sway


def test_a_stream_that_ends_is_lost(network_camera: http.server.ThreadingHTTPServer) -> None:
    url = f"http://me:secret@127.0.0.1:{network_camera.server_port}/4"
    with open_source(url) as source, pytest.raises(SourceTrouble) as caught:
        for _ in source.frames():
            pass
    assert "secret" not in str(caught.value)


def test_nobody_there_and_no_video_there(
    network_camera: http.server.ThreadingHTTPServer, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError, match="no stream could be opened") as caught:
        open_source("http://me:secret@127.0.0.1:9/cam?key=secret")
    assert "secret" not in str(caught.value)
    with pytest.raises(UserError, match="no stream could be opened"):
        open_source(f"http://127.0.0.1:{network_camera.server_port}/page")
    assert capfd.readouterr().err == ""


def test_an_address_that_makes_no_sense() -> None:
    with pytest.raises(UserError, match="spelling"):
        open_source("http://[::1/cam")
