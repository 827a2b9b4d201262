"""A recorded video, played at its own clock."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from posture_monitor.errors import UserError
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.sources import Paced

log = logging.getLogger(__name__)

#: Taken where a file names no believable rate; what FFmpeg assumes of a raw stream as well.
FALLBACK_FPS = 25.0
#: A rate above this is a time base (1000, 90000) that a container gives out as its rate.
HIGHEST_FPS = 240.0
#: A gap between time stamps longer than this is taken for a damaged stamp, not for a pause.
LONGEST_GAP_S = 600.0


class VideoSource(Paced):
    """A video file: every frame once, timed by the file's own time stamps.

    A stamp that is missing, stands still or leaps is replaced by one frame's
    length. A file that breaks off early yields what it has, and a warning is logged.

    Parameters
    ----------
    path
        The file.
    started_at
        POSIX seconds of the first frame; None: so that the file ends now.
    realtime
        Pace frames by the real clock.
    min_interval_s
        Least time between two frames; those between are passed over.

    Raises
    ------
    UserError
        If the file is no video, or not a single frame of it can be decoded.
    """

    def __init__(
        self,
        path: Path,
        *,
        started_at: float | None,
        realtime: bool,
        min_interval_s: float,
    ) -> None:
        super().__init__(started_at=started_at, realtime=realtime)
        self.name = str(path)
        self.identity = f"file {path.name}"
        self._path = path
        self._min_interval_s = min_interval_s
        self._capture = self._open()
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        believable = math.isfinite(fps) and 0 < fps <= HIGHEST_FPS
        self._frame_s = 1 / (fps if believable else FALLBACK_FPS)
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        promised = int(count) if math.isfinite(count) and 0 < count < 1e9 else 0
        # Containers often know their duration only; the count made of it is as wrong as the rate.
        if promised and believable:
            self._duration_s = promised * self._frame_s
        else:
            promised, self._duration_s = self._read_through()
        self.total = min(promised, math.ceil(self._duration_s / max(min_interval_s, self._frame_s)))
        self._ends_now = started_at is None and not realtime
        self._start = self.start_s(self._duration_s)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in order of time; `UserError` if there is not even one."""
        due_s = end_s = 0.0
        seen = False
        for t_s in self._times():
            end_s = t_s + self._frame_s
            if t_s < due_s - 1e-6:
                continue
            ok, image = self._capture.retrieve()
            if not ok or image is None:
                continue
            seen = True
            due_s = t_s + self._min_interval_s
            self.pace(t_s)
            wall_s = self._start + t_s
            if self._ends_now:  # a file longer than it promised must not reach into the future
                wall_s = min(wall_s, time.time())
            height, width = image.shape[:2]
            yield Frame(t_s, wall_s, width, height, np.asarray(image, dtype=np.uint8))
        if not seen:
            raise UserError(
                f"{self._path}: not one picture of this video can be decoded; it is damaged or no video"
            )
        if end_s < 0.95 * self._duration_s - 0.5:
            log.warning(
                "%s: breaks off after %.0f s of %.0f s; the file is damaged or incomplete",
                self._path, end_s, self._duration_s,
            )  # fmt: skip

    def close(self) -> None:
        """Release the file."""
        self._capture.release()

    def _open(self) -> cv2.VideoCapture:
        if problem := _no_video(self._path):
            raise UserError(f"{self._path}: {problem}")
        # An absolute path: nothing in a file's name can pass for a protocol.
        capture = cv2.VideoCapture(str(self._path.absolute()), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise UserError(f"{self._path}: cannot be read as a video; it is damaged, incomplete or no video")
        return capture

    def _times(self) -> Iterator[float]:
        """Grab frame after frame and yield the time of each, beginning with 0, always growing."""
        first_s: float | None = None
        t_s = 0.0
        while self._capture.grab():
            stamp_s = round(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, 6)
            if first_s is None:
                first_s = stamp_s if math.isfinite(stamp_s) else 0.0
            elif 0 < (stamp_s - first_s) - t_s < LONGEST_GAP_S:
                t_s = stamp_s - first_s
            else:
                t_s += self._frame_s
                first_s = stamp_s - t_s if math.isfinite(stamp_s) else first_s
            yield t_s

    def _read_through(self) -> tuple[int, float]:
        """Count the frames of a file that does not say how many there are, and return it to its beginning."""
        log.info("%s: does not say how long it is; reading it through once", self._path)
        count, t_s = 0, 0.0
        for t_s in self._times():  # noqa: B007 (the last one is the duration)
            count += 1
        self._capture.release()
        self._capture = self._open()
        if count > 1:
            self._frame_s = t_s / (count - 1)
        return count, t_s + self._frame_s


def _no_video(path: Path) -> str:
    """Return why the file cannot be a video, or nothing.

    FFmpeg would play a text file as a terminal recording and follow a playlist
    to other files and hosts, so text is refused before it gets there.
    """
    try:
        if not path.is_file():
            return "not a regular file"
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not head:
        return "the file is empty"
    if all(byte >= 32 or byte in b"\t\n\r\f\x1b" for byte in head):
        return "this is text, not a video"
    return ""
