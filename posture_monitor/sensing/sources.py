"""From what the user wrote after ``--source`` to something that yields frames."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Collection
from urllib.parse import urlsplit

from posture_monitor.errors import UserError
from posture_monitor.paths import expanded
from posture_monitor.sensing.frame import Source

SOURCES = (
    "a camera (0, /dev/video0), a video file, a folder of images, an http://, https:// or rtsp:// stream, "
    "a landmark table (.csv, .npz) or demo"
)
STREAM_SCHEMES = ("http", "https", "rtsp", "rtsps")
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".webp", ".tif", ".tiff"})
TABLE_SUFFIXES = frozenset({".csv", ".npz"})


def open_source(
    spec: str,
    *,
    started_at: float | None = None,
    realtime: bool = False,
    width: int = 640,
    height: int = 480,
    min_interval_s: float = 0.0,
    used: Collection[str] | None = None,
) -> Source:
    """Open what the user named.

    Parameters
    ----------
    spec
        ``0`` or ``/dev/video0``, a video file, a folder of images (or one
        image), an ``http(s)://`` or ``rtsp://`` stream, ``demo``, or a landmark
        table (``.csv``, ``.npz``). A file called ``demo`` is ``./demo``.
    started_at
        POSIX seconds of a recording's first frame. None: so that it ends now,
        or, with `realtime`, starts now. Live sources ignore it.
    realtime
        Play a recording at the pace of the real clock; else as fast as possible.
    width, height
        Picture size asked of a camera, in pixels.
    min_interval_s
        Least time between two frames; those between are passed over undecoded.
    used
        Of a landmark table, the landmark columns that are needed (`landmark_table.read_table`); None: all.

    Raises
    ------
    UserError
        If there is no such thing, or it cannot be opened or is not what it seems.
    """
    check(spec)
    if spec == "demo":
        from posture_monitor.sensing.demo import DemoSource

        return DemoSource(started_at=started_at, realtime=realtime)
    if camera_number(spec) is not None:
        from posture_monitor.sensing.camera import CameraSource

        return CameraSource(spec, width=width, height=height, min_interval_s=min_interval_s)
    if is_live(spec):
        from posture_monitor.sensing.stream import StreamSource

        return StreamSource(spec, min_interval_s=min_interval_s)
    path = expanded(spec)
    suffix = path.suffix.lower()
    if path.is_dir() or suffix in IMAGE_SUFFIXES:
        from posture_monitor.sensing.images import ImageSource

        return ImageSource(path, started_at=started_at)
    if suffix in TABLE_SUFFIXES:
        from posture_monitor.sensing.landmark_table import TableSource

        return TableSource(path, started_at=started_at, realtime=realtime, used=used)
    from posture_monitor.sensing.video import VideoSource

    return VideoSource(path, started_at=started_at, realtime=realtime, min_interval_s=min_interval_s)


def check(spec: str) -> None:
    """Refuse what can be no source, and a recording that is not there; nothing is opened.

    Raises
    ------
    UserError
        It is refused, and why. A camera or stream that is not there now may come.
    """
    if spec == "demo" or is_live(spec):
        if "://" in spec:
            without_secrets(spec)
        return
    if match := re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", spec):
        raise UserError(f"a source cannot be {match[0]}…; it is {SOURCES}")
    path = expanded(spec)
    try:
        found = path.exists()
    except (OSError, ValueError) as error:
        raise UserError(f"source {spec!r}: {error}") from error
    if not spec.strip() or not found:
        raise UserError(f"source {spec!r}: no such file or folder; a source is {SOURCES}")
    if not os.access(path, os.R_OK):
        raise UserError(f"{path}: permission denied; allow yourself to read it")


def camera_number(spec: str) -> int | None:
    """Return the number of a camera of this machine; None where the source is none."""
    found = re.fullmatch(r"(?:/dev/video)?(\d{1,4})", spec)
    return int(found[1]) if found else None


def is_live(spec: str) -> bool:
    """Return whether a source is a camera or a stream, which never ends, and not a recording."""
    scheme, is_url, _ = spec.partition("://")
    return camera_number(spec) is not None or (bool(is_url) and scheme.lower() in STREAM_SCHEMES)


def identity_of(spec: str, width: int, height: int) -> tuple[str, int, int] | None:
    """Return what a camera or stream will tell of itself, without opening it.

    Parameters
    ----------
    spec
        As for `open_source`.
    width, height
        The picture size that would be asked of a camera, in pixels.

    Returns
    -------
    :
        `Source.identity`, width and height in pixels, 0 where they are not known; None where nothing can
        be told, or the source is a recording.
    """
    number = camera_number(spec)
    if number is not None:
        from posture_monitor.sensing.camera import identity_of as of_camera

        return of_camera(number, width, height)
    return (stream_identity(spec), 0, 0) if is_live(spec) else None


def stream_identity(url: str) -> str:
    """Return the identity of a stream."""
    return f"stream {without_secrets(url)}"


def without_secrets(url: str) -> str:
    """Return the address of a stream without user, password and query, fit to be shown and stored.

    Raises
    ------
    UserError
        It cannot be read. With a password that holds a sign of the address's own, part of that would
        pass for host, port or path, and be shown.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # whose text holds what it stumbled over
        raise UserError(
            "the address of the stream cannot be read; check its spelling, and write / ? # in user or "
            "password as %2F %3F %23"
        ) from None
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme.lower()}://{host}{parts.path}"


class Paced(Source):
    """A recording that can be played at the pace of the real clock.

    Parameters
    ----------
    started_at
        POSIX seconds of its first frame; None: so that it ends now or, played
        at the pace of the real clock, starts now, as if it happened before our eyes.
    """

    def __init__(self, *, started_at: float | None, realtime: bool) -> None:
        self._started_at, self._realtime = started_at, realtime
        self._began: float | None = None

    def start_s(self, duration_s: float) -> float:
        """Return the POSIX seconds of the first frame of a recording so long."""
        if self._started_at is not None:
            return self._started_at
        return time.time() - (0.0 if self._realtime else duration_s)

    def pace(self, t_s: float) -> None:
        """Wait until the moment `t_s` has come; never drops a frame, never runs ahead."""
        if not self._realtime:
            return
        if self._began is None:
            self._began = time.monotonic() - t_s
        wait_s = self._began + t_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
