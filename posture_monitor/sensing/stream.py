"""A stream from the network."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import numpy as np

from posture_monitor.sensing.captured import Captured
from posture_monitor.sensing.image_quality import cut_off
from posture_monitor.sensing.live import CLOSE_S, Device, Live, Shot
from posture_monitor.sensing.mjpeg import LARGEST_PICTURE, Broken, MjpegStream, Refused, Unsuited, size_of
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.sources import stream_identity, without_secrets
from posture_monitor.sensing.trouble import Trouble

#: No picture for so long, and the stream is lost; it may pause between key frames.
SILENCE_S = 10.0
_NO_STREAM = "no stream could be opened there"
#: A stream that breaks when it has not been read for longer was dropped for that.
_DROPPED_S = 1.0


class _Streamed:
    """A network camera read by our own reader."""

    pastime: Callable[[], None] | None = None

    def __init__(self, url: str) -> None:
        self._url = url
        self._stream = self._connect()
        self._read_s = time.monotonic()

    def read(self, due_s: float) -> Shot | None:
        """See `Device`."""
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
        if image is None or cut_off(image):
            return None
        return Shot(come_s, wall_s, np.asarray(image, dtype=np.uint8))

    def _connect(self) -> MjpegStream:
        # A read that is still waiting after the caller's own limit is to come back by itself.
        return MjpegStream(self._url, connect_s=SILENCE_S, silence_s=SILENCE_S + CLOSE_S)

    def abort(self) -> None:
        """See `Device`."""
        self._stream.abort()

    def release(self) -> None:
        """See `Device`."""
        self._stream.close()


class StreamSource(Live):
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
    SourceTrouble
        If nothing answers there, or the answer is no video.
    UserError
        If the address cannot be read.
    """

    def __init__(self, url: str, *, min_interval_s: float = 0.0) -> None:
        self.name = without_secrets(url)
        self._url = url
        self.identity = stream_identity(url)
        super().__init__(min_interval_s=min_interval_s, open_s=2 * SILENCE_S, silence_s=SILENCE_S)

    def _open(self) -> Device:
        why: Refused | None = None
        if urlsplit(self._url).scheme.lower() in ("http", "https") and not _behind_proxy(self._url):
            try:
                return _Streamed(self._url)
            except Unsuited as error:
                why = error  # video over HTTP, or a password that takes more than asking
            except Refused as error:
                raise self._amiss(f"{_NO_STREAM} ({error})", error.trouble) from error
        limit_ms = round(SILENCE_S * 1000)
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, limit_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, limit_ms]
        capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            capture.release()
            raise self._amiss(f"{_NO_STREAM} ({why})", why.trouble) if why else self._amiss(_NO_STREAM)
        return Captured(capture, restless=True)

    def _diagnosis(self) -> tuple[Trouble, str]:
        trouble = Trouble.HANGS if self._errands.hung else Trouble.GONE
        return trouble, "check the address, the user and password in it, and that the camera is on"


def _behind_proxy(url: str) -> bool:
    """Whether the user's environment wants a proxy asked; OpenCV's reader does that."""
    host = urlsplit(url).hostname or ""
    return bool(getproxies_environment().get("http")) and not proxy_bypass(host)
