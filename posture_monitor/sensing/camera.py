"""Live pictures: a camera of this machine, or a stream from the network."""

from __future__ import annotations

import abc
import errno
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.sources import Closing, SourceLost, silence_opencv, without_secrets

#: Cameras deliver black pictures while they wake up and find their exposure; so long they are passed over.
WARM_UP_S = 3.0
#: A picture whose mean does not reach this is black; the darkest room in which a person is found has 8.
BLACK_MEAN = 6.0
#: No picture for so long, and the source is lost; network streams may pause between key frames.
SILENCE_S = 5.0
STREAM_SILENCE_S = 10.0
#: So many failed reads in a row, a tenth of a second apart, and the source is lost.
FAILED_READS = 5

_SYS = Path("/sys/class/video4linux")
_PROC = Path("/proc")


@dataclass(frozen=True)
class CameraInfo:
    """A camera of this machine, as the kernel lists it."""

    index: int
    node: str
    name: str


def list_cameras() -> list[CameraInfo]:
    """Return the cameras the kernel lists (Linux; elsewhere empty), without opening one.

    A camera often has a second node for metadata, which gives no pictures; it is left out.
    """
    found = []
    for entry in _SYS.glob("video*"):
        number = entry.name.removeprefix("video")
        if number.isdigit() and _line(entry / "index") in ("", "0"):
            found.append(CameraInfo(int(number), f"/dev/{entry.name}", _line(entry / "name") or entry.name))
    return sorted(found, key=lambda camera: camera.index)


class _Live(Closing, abc.ABC):
    """Frames of an open capture, always the newest.

    A thread grabs without pause, so that nothing stale queues up, and decodes
    only what is asked for. A device that hangs cannot freeze the program either:
    the wait for its picture ends after a while.
    """

    name: str
    identity: str
    stills = False
    live = True
    total: int | None = None

    def __init__(self, *, min_interval_s: float, silence_s: float) -> None:
        self._min_interval_s = min_interval_s
        self._silence_s = silence_s
        self._capture: Any = None
        self._changed = threading.Condition()
        self._wanted_from: float | None = None
        self._latest: tuple[float, float, npt.NDArray[np.uint8]] | None = None
        self._failed = False
        self._closed = False
        self._thread: threading.Thread | None = None

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the source is closed; `SourceLost` when it stops giving any."""
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._grab, name=f"grab {self.name}", daemon=True)
            self._thread.start()
        began: float | None = None
        due_s = 0.0
        warm_s = time.monotonic() + WARM_UP_S
        while True:
            taken = self._next(due_s)
            if taken is None:
                return
            grabbed_s, wall_s, image = taken
            if began is None:
                if grabbed_s < warm_s and image.mean() < BLACK_MEAN:
                    continue
                began = grabbed_s
            due_s = grabbed_s + self._min_interval_s
            height, width = image.shape[:2]
            yield Frame(grabbed_s - began, wall_s, width, height, image)

    def close(self) -> None:
        """Stop and release the device. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=2.0)
        if self._thread is not None and self._thread.is_alive():
            return  # hangs in the driver; it releases the device itself when it comes back
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _next(self, due_s: float) -> tuple[float, float, npt.NDArray[np.uint8]] | None:
        """Return the first picture grabbed from now on and not before `due_s`; None once closed."""
        with self._changed:
            self._latest = None
            self._wanted_from = due_s
            limit_s = max(due_s - time.monotonic(), 0.0) + self._silence_s
            heard = self._changed.wait_for(
                lambda: self._latest or self._failed or self._closed, timeout=limit_s
            )
            self._wanted_from = None
            if self._closed:
                return None
            if self._latest is None:
                raise SourceLost(
                    self._lost() if heard else f"{self.name}: no picture for {limit_s:.0f} s; {self._mend()}"
                )
            return self._latest

    def _grab(self) -> None:
        capture = self._capture
        failures = 0
        while not self._closed:
            image = None
            ok = capture.grab()
            grabbed_s, wall_s = time.monotonic(), time.time()
            wanted_from = self._wanted_from
            if ok and wanted_from is not None and grabbed_s >= wanted_from:
                ok, image = capture.retrieve()
                ok = ok and image is not None
            failures = 0 if ok else failures + 1
            with self._changed:
                if ok and image is not None:
                    self._wanted_from = None
                    self._latest = (grabbed_s, wall_s, np.asarray(image, dtype=np.uint8))
                self._failed = failures >= FAILED_READS
                self._changed.notify_all()
                if self._failed:
                    break
                if failures:
                    self._changed.wait_for(lambda: self._closed, timeout=0.1)
        if self._closed:
            capture.release()

    def _lost(self) -> str:
        return f"{self.name}: stopped giving pictures; {self._mend()}"

    @abc.abstractmethod
    def _mend(self) -> str:
        """Return what the user can do about it."""


class CameraSource(_Live):
    """A camera of this machine.

    Parameters
    ----------
    spec
        ``0``, ``1``, … or ``/dev/video0``.
    width, height, fps
        Asked of the camera, which may choose otherwise.
    min_interval_s
        Least time between two frames.

    Raises
    ------
    UserError
        If there is no such camera, it may not be used, another program uses it, or it does not open.
    """

    def __init__(
        self,
        spec: str,
        *,
        width: int = 640,
        height: int = 480,
        fps: float | None = None,
        min_interval_s: float = 0.0,
    ) -> None:
        super().__init__(min_interval_s=min_interval_s, silence_s=SILENCE_S)
        silence_opencv()
        index = int(spec.removeprefix("/dev/video"))
        linux = sys.platform.startswith("linux")
        self._node = f"/dev/video{index}" if linux or spec.startswith("/") else ""
        self.name = self._node or f"camera {index}"
        if self._node:
            _check_node(self._node)
        capture = cv2.VideoCapture(index, cv2.CAP_V4L2 if linux else cv2.CAP_ANY)
        if not capture.isOpened():
            capture.release()
            raise UserError(f"{self.name}: the camera does not open; {self._mend()}")
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        if fps is not None:
            capture.set(cv2.CAP_PROP_FPS, fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._capture = capture
        got = [round(capture.get(p) or 0) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
        size = f"{got[0]}x{got[1]}" if all(got) else f"{width}x{height}"
        self.identity = f"{_model(index) or f'camera {index}'} {size}"

    def _mend(self) -> str:
        if users := _users(self._node):
            return f"{users} is using it; close that program"
        if self._node and not Path(self._node).exists():
            return "it was unplugged; plug it in again"
        return "it may be used by another program; close that, or unplug the camera and plug it in again"


class StreamSource(_Live):
    """A stream from the network: MJPEG or video over HTTP, or RTSP.

    User, password and query of the address are used to connect and never shown or stored.

    Parameters
    ----------
    url
        ``http://``, ``https://`` or ``rtsp://`` address.
    min_interval_s
        Least time between two frames.

    Raises
    ------
    UserError
        If nothing answers there, or the answer is no video.
    """

    def __init__(self, url: str, *, min_interval_s: float = 0.0) -> None:
        super().__init__(min_interval_s=min_interval_s, silence_s=STREAM_SILENCE_S)
        silence_opencv()
        try:
            self.name = without_secrets(url)
        except ValueError as error:
            raise UserError("the address of the stream cannot be read; check its spelling") from error
        self.identity = f"stream {self.name}"
        limit_ms = round(STREAM_SILENCE_S * 1000)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit_ms]
        self._capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
        if not self._capture.isOpened():
            self.close()
            raise UserError(f"{self.name}: no stream could be opened there; {self._mend()}")

    def _mend(self) -> str:
        return "check the address, the user and password in it, and that the camera is on"


def _check_node(node: str) -> None:
    """Raise `UserError` where the device node says by itself why the camera cannot be used."""
    try:
        os.close(os.open(node, os.O_RDWR | os.O_NONBLOCK))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
            others = ", ".join(f"{camera.node} ({camera.name})" for camera in list_cameras())
            do = f"use one of: {others}" if others else "plug one in, or try it without one: --source demo"
            raise UserError(f"{node}: no camera there; {do}") from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise UserError(
                f"{node}: permission denied; add yourself to the group 'video' "
                "(sudo usermod -aG video $USER) and log in again"
            ) from error
        if error.errno == errno.EBUSY:
            raise UserError(
                f"{node}: the camera is busy; {_users(node) or 'another program'} is using it"
            ) from error
        raise UserError(f"{node}: the camera cannot be opened: {error.strerror}") from error


def _users(node: str) -> str:
    """Return the names of other programs that hold the node open, as far as this user may see them."""
    names = set()
    for process in _PROC.glob("[0-9]*") if node else ():
        if process.name == str(os.getpid()):
            continue
        try:
            if any(os.readlink(handle) == node for handle in (process / "fd").iterdir()):
                names.add(_line(process / "comm") or f"process {process.name}")
        except OSError:
            continue  # gone meanwhile, or somebody else's
    return ", ".join(sorted(names))


def _model(index: int) -> str:
    """Return the camera's name and where it is plugged in, as far as the kernel tells."""
    entry = _SYS / f"video{index}"
    name = _line(entry / "name")
    plug = (entry / "device").resolve().name if (entry / "device").exists() else ""
    return f"{name} ({plug})" if name and plug else name


def _line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
