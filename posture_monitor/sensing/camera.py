"""A camera of this machine."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from posture_monitor.plain_text import plain
from posture_monitor.sensing.camera_users import holders
from posture_monitor.sensing.captured import Captured
from posture_monitor.sensing.live import Device, Live
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.trouble import SourceTrouble, Trouble

if TYPE_CHECKING:
    from posture_monitor.sensing.v4l2 import Mode

#: Pictures a second asked of a camera of which nothing else is wanted: a look is then at most a tenth of a
#: second late, exposure settles soon, and nobody sits faster than that.
WATCHING_FPS = 10.0
#: A driver that has not opened the camera by then does not open it at all. Windows' Media Foundation takes
#: 4 to 20 s for some that work (opencv/opencv#26495, #17687).
OPEN_S = 25.0 if sys.platform == "win32" else 10.0
#: No picture for so long, and the camera is lost.
SILENCE_S = 5.0

_SYS = Path("/sys/class/video4linux")
#: Where the user gives programs leave to use cameras; those without it are told no more than that none opens.
_LEAVE = {
    "darwin": "allow it in System Settings, Privacy & Security, Camera; or ",
    "win32": "let desktop apps use it in Settings, Privacy & security, Camera; or ",
}.get(sys.platform, "")


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


class CameraSource(Live):
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
    SourceTrouble
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
        self._index = int(spec.removeprefix("/dev/video"))
        linux = sys.platform.startswith("linux")
        self._node = f"/dev/video{self._index}" if linux or spec.startswith("/") else ""
        self.name = self._node or f"camera {self._index}"
        fps = max(WATCHING_FPS, 1 / min_interval_s) if min_interval_s > 0 else None
        self._asked = (width, height, fps)
        super().__init__(min_interval_s=min_interval_s, open_s=OPEN_S, silence_s=SILENCE_S)

    def _open(self) -> Device:
        if self._node:
            _check_node(self._node)
        capture = cv2.VideoCapture(self._index, cv2.CAP_V4L2 if self._node else cv2.CAP_ANY)
        if not capture.isOpened():
            capture.release()
            raise self._amiss("the camera does not open")
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
        return Captured(capture, stamped=bool(self._node))

    def _diagnosis(self) -> tuple[Trouble, str]:
        if self._node and not _plugged(self._node):
            return Trouble.UNPLUGGED, "it was unplugged; plug it in again"
        if users := holders(self._node):
            return Trouble.BUSY, f"{', '.join(users)} is using it; close that program"
        others = "it may be used by another program; close that, or unplug the camera and plug it in again"
        return Trouble.HANGS, _LEAVE + others


def _choose(node: str, width: int, height: int, fps: float) -> tuple[Mode, float] | None:
    from posture_monitor.sensing import v4l2  # there is none but on Linux

    return v4l2.choose(v4l2.modes(node, width, height), width, height, fps)


def _plugged(node: str) -> bool:
    return Path(node).exists()


def _check_node(node: str) -> None:
    """Raise `SourceTrouble` where the device node says by itself why the camera cannot be used."""
    try:
        # On Windows there is neither; that name is asked for there by who has read it somewhere.
        os.close(os.open(node, os.O_RDWR | getattr(os, "O_NONBLOCK", 0)))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
            others = ", ".join(f"{camera.node} ({camera.name})" for camera in list_cameras())
            do = f"use one of: {others}" if others else "plug one in, or try it without one: --source demo"
            if not sys.platform.startswith("linux"):
                do = "cameras have numbers here: --source 0"
            why, trouble = f"no camera there; {do}", Trouble.UNPLUGGED
        elif error.errno in (errno.EACCES, errno.EPERM):
            why = (
                "permission denied; add yourself to the group 'video' (sudo usermod -aG video $USER) "
                "and log in again"
            )
            trouble = Trouble.PERMISSION
        elif error.errno == errno.EBUSY:
            users = ", ".join(holders(node)) or "another program"
            why, trouble = f"the camera is busy; {users} is using it", Trouble.BUSY
        else:
            why, trouble = f"the camera cannot be opened: {error.strerror}", Trouble.HANGS
        raise SourceTrouble(f"{node}: {why}", trouble) from error


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
