"""Live pictures: a camera of this machine, or a stream from the network."""

from __future__ import annotations

import abc
import contextlib
import errno
import os
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import numpy as np
import numpy.typing as npt

from posture_monitor.plain_text import plain
from posture_monitor.sensing.camera_users import holders
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.image_quality import cut_off
from posture_monitor.sensing.mjpeg import LARGEST_PICTURE, Broken, MjpegStream, Refused, Unsuited, size_of
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.patience import Errands, Hung, Left
from posture_monitor.sensing.sources import Closing, silence_opencv, stream_identity, without_secrets
from posture_monitor.sensing.trouble import BLACK_MEAN, SourceLost, SourceShut, Trouble

if TYPE_CHECKING:
    from posture_monitor.sensing.v4l2 import Mode

#: Cameras deliver black pictures while they wake up and find their exposure; so long they are passed over.
WARM_UP_S = 3.0
#: A camera has found its exposure when, over this time, the picture's mean changes by less than this share.
SETTLING_STEP_S = 0.15
SETTLED_CHANGE = 0.03
#: Pictures a second asked of a camera of which nothing else is wanted: a look is then at most a tenth of a
#: second late, exposure settles soon, and nobody sits faster than that.
WATCHING_FPS = 10.0
#: A driver that has not opened the camera by then does not open it at all. Windows' Media Foundation takes
#: 4 to 20 s for some that work (opencv/opencv#26495, #17687).
OPEN_S = 25.0 if sys.platform == "win32" else 10.0
#: No picture for so long, and the source is lost; network streams may pause between key frames.
SILENCE_S = 5.0
STREAM_SILENCE_S = 10.0
#: So many failed reads in a row, a tenth of a second apart, and the source is lost.
FAILED_READS = 5

#: A stream that breaks when it has not been read for longer was dropped for that.
_DROPPED_S = 1.0
#: For the device to close; longer, and it hangs.
_CLOSE_S = 2.0
#: Pictures that a driver keeps for a reader who does not come: OpenCV asks Video4Linux for at most 4.
_QUEUED = 4
#: A grab that took longer has waited for the camera; from the queue it takes some microseconds, or what a
#: busy machine makes of them.
_WAITED_S = 0.008
#: Video4Linux stamps pictures by the monotonic clock, at their beginning; one begun so long before it was
#: due was still on its way then: a picture's time at 10 a second, and half. Stamps of another age than any
#: queue has are of another clock.
_ON_THE_WAY_S = 0.15
_STAMP_AGE_S = 3600.0

_SYS = Path("/sys/class/video4linux")
#: Where the user gives programs leave to use cameras; those without it are told no more than that none opens.
_LEAVE = {
    "darwin": "allow it in System Settings, Privacy & Security, Camera; or ",
    "win32": "let desktop apps use it in Settings, Privacy & security, Camera; or ",
}.get(sys.platform, "")


@dataclass(frozen=True)
class _Shot:
    """A picture, when it was grabbed on the monotonic clock, and on that of the wall."""

    t_s: float
    wall_s: float
    image: npt.NDArray[np.uint8]


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


def identity_of(index: int, width: int, height: int) -> tuple[str, int, int] | None:
    """Return what `CameraSource` would tell of a camera, without switching it on.

    Parameters
    ----------
    index
        The camera's number.
    width, height
        The picture size that would be asked of it, in pixels.

    Returns
    -------
    :
        `Source.identity`, width and height in pixels; None where it cannot be told.
    """
    if not sys.platform.startswith("linux"):
        return None
    chosen = _choose(f"/dev/video{index}", width, height, WATCHING_FPS)
    if chosen is None:
        return None
    mode, _ = chosen
    return _identity(index, mode.width, mode.height), mode.width, mode.height


class _Device(Protocol):
    """What gives pictures. All but `abort` is called from one thread, and may block or hang."""

    #: Pictures pile up, or are spoilt, where nobody reads them; `skip` is called between two reads.
    restless: bool

    def read(self, due_s: float) -> _Shot | None:
        """Return the first picture from `due_s` on that is not older than this call, or None if it failed."""
        ...

    def skip(self) -> None:
        """Read on, keep nothing."""
        ...

    def abort(self) -> None:
        """Let a read that waits for data come back; from any thread."""
        ...

    def release(self) -> None: ...


class _Live(Closing, abc.ABC):
    """Frames of a device, taken when they are wanted.

    Whatever touches the device is done on one thread: a driver that hangs cannot
    freeze the caller, whose wait for the picture ends after a while. Between two
    frames nothing is decoded, and, where the device bears it, nothing is read.
    """

    name: str
    identity: str
    stills = False
    live = True
    total: int | None = None
    #: Whether brightness is still finding its level when the device has just been opened.
    _settles = False
    #: Whether the device is opened by the caller, hang or not.
    _opens_here = False

    def __init__(self, *, min_interval_s: float, open_s: float, silence_s: float) -> None:
        self._min_interval_s = min_interval_s
        self._silence_s = silence_s
        self._open_s = open_s
        self._device: _Device | None = None
        self._began: float | None = None
        self._warm = False
        self._closed = threading.Event()
        self._errands = Errands(f"camera {self.name}")
        try:
            self._wake()
        except BaseException:
            self.close()
            raise

    def take(self, due_s: float) -> Frame:
        """Return the first frame taken at `due_s` or later; sleeps until then.

        Parameters
        ----------
        due_s
            On the clock of `time.monotonic`; what has passed already is now.

        Raises
        ------
        SourceLost
            If the source stops giving frames or is silent for too long, and after
            it was closed. Its `trouble` says why. The source is of no use then:
            close it, and open another.
        """
        frame = self._take(due_s)
        if frame is None:
            raise SourceLost(f"{self.name}: was closed", Trouble.GONE)
        return frame

    def rest(self) -> None:
        """Close the device until the next `take`, which opens it again."""
        with contextlib.suppress(Hung, Left):
            self._errands.run(self._release, _CLOSE_S)

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the source is closed; `SourceLost` when it stops giving any."""
        due_s = 0.0
        while (frame := self._take(due_s)) is not None:
            due_s = frame.t_s + (self._began or 0.0) + self._min_interval_s
            yield frame

    def close(self) -> None:
        """Stop and release the device. Safe to call twice.

        A device that hangs in its driver is released when it comes back.
        """
        self._closed.set()
        if (device := self._device) is not None:
            device.abort()
        self._errands.leave(self._release, _CLOSE_S)

    def _take(self, due_s: float) -> Frame | None:
        """Return the first frame from `due_s` on; None once closed."""
        try:
            self._sleep(due_s)
            if self._device is None:
                self._wake()
            shot = self._warmed(due_s) if not self._warm else self._shot(due_s)
        except Left:
            return None
        except SourceShut as error:
            raise SourceLost(str(error), error.trouble) from error
        if self._began is None:
            self._began = shot.t_s
        height, width = shot.image.shape[:2]
        return Frame(shot.t_s - self._began, shot.wall_s, width, height, shot.image)

    def _sleep(self, due_s: float) -> None:
        if self._closed.wait(max(due_s - time.monotonic(), 0.0)):
            raise Left

    def _shot(self, due_s: float) -> _Shot:
        self._sleep(due_s)
        why, shot = "stopped giving pictures", None
        try:
            shot = self._errands.run(lambda: self._read(due_s), self._silence_s)
        except Hung:
            why = f"no picture for {self._silence_s:.0f} s"
        except Broken as error:
            why += f" ({error})"
        if shot is not None:
            return shot
        if self._closed.is_set():  # which is why
            raise Left
        raise SourceLost(f"{self.name}: {why}; {self._mend()}", self._trouble())

    def _warmed(self, due_s: float) -> _Shot:
        """Return the first picture after the device has woken up: not black, and its brightness settled."""
        until_s = time.monotonic() + WARM_UP_S
        level: float | None = None
        while True:
            shot = self._shot(due_s)
            before, level = level, float(shot.image.mean())
            settled = not self._settles or (
                before is not None and abs(level - before) <= SETTLED_CHANGE * max(level, 50.0)
            )
            if shot.t_s >= until_s or (level >= BLACK_MEAN and settled):
                self._warm = True
                return shot
            due_s = max(due_s, shot.t_s + SETTLING_STEP_S)

    def _wake(self) -> None:
        try:
            if self._opens_here:
                self._open_now()
            else:
                self._errands.run(self._open_now, self._open_s)
        except Hung:
            raise SourceShut(
                f"{self.name}: does not open within {self._open_s:.0f} s; {self._mend()}", Trouble.HANGS
            ) from None
        self._warm = False

    # --- on the thread of the device

    def _open_now(self) -> None:
        self._device = self._open()
        self._errands.pastime = self._device.skip if self._device.restless else None

    def _read(self, due_s: float) -> _Shot | None:
        for _ in range(FAILED_READS):
            if self._device is None or self._closed.is_set():
                return None
            shot = self._device.read(due_s)
            if shot is not None:
                return shot
            self._closed.wait(0.1)
        return None

    def _release(self) -> None:
        device, self._device = self._device, None
        self._errands.pastime = None
        if device is not None:
            device.release()

    @abc.abstractmethod
    def _open(self) -> _Device:
        """Open the device; `SourceShut` if it does not."""

    @abc.abstractmethod
    def _trouble(self) -> Trouble:
        """Return why frames stopped coming."""

    @abc.abstractmethod
    def _mend(self) -> str:
        """Return what the user can do about it."""


def _whole(image: Any) -> bool:
    return image is not None and not cut_off(image)


def _in_colour(image: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return a picture as ``(height, width, 3)`` BGR: cameras that see in the dark may give grey ones.

    Raises
    ------
    Broken
        If it is of another kind, such as one of 16 bits, of which none is told to be white.
    """
    if image.dtype == np.uint8 and image.size:
        if image.ndim == 2 or image.shape[2:] == (1,):
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
        if image.ndim == 3 and image.shape[2] >= 3:
            return np.ascontiguousarray(image[..., :3])
    raise Broken("those it gives are of a kind that cannot be read")


class _Captured:
    """A device read through OpenCV."""

    def __init__(self, capture: Any, *, restless: bool = False, stamped: bool = False) -> None:
        self._capture = capture
        self.restless = restless
        self._stamped = stamped

    def read(self, due_s: float) -> _Shot | None:
        """See `_Device`."""
        due_s = max(due_s, time.monotonic())
        for _ in range(_QUEUED + 1):  # after so many grabs, whatever they told, the queue was emptied
            asked_s = time.monotonic()
            if not self._capture.grab():
                return None
            grabbed_s, wall_s = time.monotonic(), time.time()
            if self.restless or self._new(due_s, asked_s, grabbed_s):
                break
        ok, image = self._capture.retrieve()
        if not ok or image is None:
            return None
        image = _in_colour(image)
        return _Shot(grabbed_s, wall_s, image) if _whole(image) else None

    def _new(self, due_s: float, asked_s: float, grabbed_s: float) -> bool:
        """Whether the picture in hand was taken when it was due, and is not from the driver's queue."""
        taken_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self._stamped else 0.0
        if taken_s > 0 and 0 <= grabbed_s - taken_s < _STAMP_AGE_S:
            return bool(taken_s >= due_s - _ON_THE_WAY_S)
        # What was queued while nobody read is there at once; a new picture is waited for.
        return grabbed_s - asked_s >= _WAITED_S

    def skip(self) -> None:
        """See `_Device`."""
        if not self._capture.grab():
            time.sleep(0.1)

    def abort(self) -> None:
        """OpenCV knows no such thing; its reads come back by themselves, or not at all."""

    def release(self) -> None:
        """Close the device."""
        self._capture.release()


class _Streamed:
    """A network camera read by our own reader."""

    restless = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._stream = self._connect()
        self._read_s = time.monotonic()

    def read(self, due_s: float) -> _Shot | None:
        """See `_Device`."""
        idle_s = time.monotonic() - self._read_s
        try:
            come_s, jpeg = self._stream.newest(due_s)
        except Broken:
            if idle_s < _DROPPED_S:
                raise
            # A camera may drop who does not read for a while; that is no loss yet.
            self._stream.close()
            try:
                self._stream = self._connect()
            except Refused as error:
                raise Broken(str(error)) from error
            come_s, jpeg = self._stream.newest(due_s)
        self._read_s = time.monotonic()
        wall_s = time.time() - (self._read_s - come_s)
        width, height = size_of(jpeg)
        if not 0 < width * height <= LARGEST_PICTURE:
            return None
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        return _Shot(come_s, wall_s, np.asarray(image, dtype=np.uint8)) if _whole(image) else None

    def _connect(self) -> MjpegStream:
        # A read that is still waiting after the caller's own limit is to come back by itself.
        return MjpegStream(self._url, connect_s=STREAM_SILENCE_S, silence_s=STREAM_SILENCE_S + _CLOSE_S)

    def skip(self) -> None:
        """See `_Device`; there is no need."""

    def abort(self) -> None:
        """See `_Device`."""
        self._stream.abort()

    def release(self) -> None:
        """See `_Device`."""
        self._stream.close()


class CameraSource(_Live):
    """A camera of this machine.

    Parameters
    ----------
    spec
        ``0``, ``1``, … or ``/dev/video0``.
    width, height
        At least wanted, in pixels. Where the camera tells what it offers, the
        smallest size that holds this is asked of it; what it gives may differ.
    min_interval_s
        Least time between two frames. `WATCHING_FPS` are asked for, or as many as this takes.

    Raises
    ------
    SourceShut
        If there is no such camera, it may not be used, another program uses it, or it does not open.
    """

    _settles = True
    _opens_here = sys.platform == "darwin"  # which asks the user for permission on the main thread only

    def __init__(
        self,
        spec: str,
        *,
        width: int = 640,
        height: int = 480,
        min_interval_s: float = 0.0,
    ) -> None:
        silence_opencv()
        self._index = int(spec.removeprefix("/dev/video"))
        linux = sys.platform.startswith("linux")
        self._node = f"/dev/video{self._index}" if linux or spec.startswith("/") else ""
        self.name = self._node or f"camera {self._index}"
        fps = max(WATCHING_FPS, 1 / min_interval_s) if min_interval_s > 0 else None
        self._asked = (width, height, fps)
        super().__init__(min_interval_s=min_interval_s, open_s=OPEN_S, silence_s=SILENCE_S)

    def _open(self) -> _Device:
        if self._node:
            _check_node(self._node)
        capture = cv2.VideoCapture(self._index, cv2.CAP_V4L2 if self._node else cv2.CAP_ANY)
        if not capture.isOpened():
            capture.release()
            trouble = self._trouble()
            raise SourceShut(f"{self.name}: the camera does not open; {self._mend()}", trouble)
        width, height, fps = self._asked
        if self._node and (chosen := _choose(self._node, width, height, fps or WATCHING_FPS)):
            mode, fps = chosen
            width, height = mode.width, mode.height
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*mode.fourcc))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        if fps is not None:
            capture.set(cv2.CAP_PROP_FPS, fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        got = [round(capture.get(p) or 0) for p in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
        self.identity = _identity(self._index, *(got if all(got) else (width, height)))
        return _Captured(capture, stamped=bool(self._node))

    def _trouble(self) -> Trouble:
        if self._node and not _plugged(self._node):
            return Trouble.UNPLUGGED
        return Trouble.BUSY if holders(self._node) else Trouble.HANGS

    def _mend(self) -> str:
        if users := holders(self._node):
            return f"{', '.join(users)} is using it; close that program"
        if self._node and not _plugged(self._node):
            return "it was unplugged; plug it in again"
        others = "it may be used by another program; close that, or unplug the camera and plug it in again"
        return _LEAVE + others


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
    SourceShut
        If nothing answers there, or the answer is no video.
    UserError
        If the address cannot be read.
    """

    def __init__(self, url: str, *, min_interval_s: float = 0.0) -> None:
        silence_opencv()
        self.name = without_secrets(url)
        self._url = url
        self.identity = stream_identity(url)
        super().__init__(
            min_interval_s=min_interval_s, open_s=2 * STREAM_SILENCE_S, silence_s=STREAM_SILENCE_S
        )

    def _open(self) -> _Device:
        why: Refused | None = None
        if urlsplit(self._url).scheme.lower() in ("http", "https") and not _behind_proxy(self._url):
            try:
                return _Streamed(self._url)
            except Unsuited as error:
                why = error  # video over HTTP, or a password that takes more than asking
            except Refused as error:
                raise self._shut(error) from error
        limit_ms = round(STREAM_SILENCE_S * 1000)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit_ms]
        capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            capture.release()
            raise self._shut(why)
        return _Captured(capture, restless=True)

    def _shut(self, why: Refused | None) -> SourceShut:
        told, trouble = (f" ({why})", why.trouble) if why else ("", Trouble.GONE)
        return SourceShut(f"{self.name}: no stream could be opened there{told}; {self._mend()}", trouble)

    def _trouble(self) -> Trouble:
        return Trouble.HANGS if self._errands.hung else Trouble.GONE

    def _mend(self) -> str:
        return "check the address, the user and password in it, and that the camera is on"


def _choose(node: str, width: int, height: int, fps: float) -> tuple[Mode, float] | None:
    from posture_monitor.sensing import v4l2  # there is none but on Linux

    return v4l2.choose(v4l2.modes(node, width, height), width, height, fps)


def _behind_proxy(url: str) -> bool:
    """Whether the user's environment wants a proxy asked; OpenCV's reader does that."""
    host = urlsplit(url).hostname or ""
    return bool(getproxies_environment().get("http")) and not proxy_bypass(host)


def _plugged(node: str) -> bool:
    return Path(node).exists()


def _check_node(node: str) -> None:
    """Raise `SourceShut` where the device node says by itself why the camera cannot be used."""
    try:
        # On Windows there is neither; that name is asked for there by who has read it somewhere.
        os.close(os.open(node, os.O_RDWR | getattr(os, "O_NONBLOCK", 0)))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
            others = ", ".join(f"{camera.node} ({camera.name})" for camera in list_cameras())
            do = f"use one of: {others}" if others else "plug one in, or try it without one: --source demo"
            if not sys.platform.startswith("linux"):
                do = "cameras have numbers here: --source 0"
            raise SourceShut(f"{node}: no camera there; {do}", Trouble.UNPLUGGED) from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise SourceShut(
                f"{node}: permission denied; add yourself to the group 'video' "
                "(sudo usermod -aG video $USER) and log in again",
                Trouble.PERMISSION,
            ) from error
        if error.errno == errno.EBUSY:
            raise SourceShut(
                f"{node}: the camera is busy; {', '.join(holders(node)) or 'another program'} is using it",
                Trouble.BUSY,
            ) from error
        raise SourceShut(f"{node}: the camera cannot be opened: {error.strerror}", Trouble.HANGS) from error


def _identity(index: int, width: int, height: int) -> str:
    return f"{_model(index) or f'camera {index}'} {width}x{height}"


def _model(index: int) -> str:
    """Return the camera's name and where it is plugged in, as far as the kernel tells."""
    entry = _SYS / f"video{index}"
    name = _line(entry / "name")
    plug = (entry / "device").resolve().name if (entry / "device").exists() else ""
    return f"{name} ({plug})" if name and plug else name


def _line(path: Path) -> str:
    try:
        return plain(path.read_text(encoding="utf-8", errors="replace").strip())
    except OSError:
        return ""
