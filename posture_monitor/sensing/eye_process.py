"""The eye: a process of its own that owns the camera and the pose model.

Why a process: what it holds is really gone when it ends. The memory of the
model is given back while the program is paused, the device is closed by the
operating system whatever a driver thinks, and a library that hangs or crashes
takes nothing with it. The monitor asks over a pipe, one look at a time; the eye
answers, and ends when the pipe does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import os
import pickle
import signal
import struct
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import numpy.typing as npt

from posture_monitor import memory
from posture_monitor.errors import UserError
from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing.frame import Frame, Source
from posture_monitor.sensing.sight import Blind, Place, Sight, Want
from posture_monitor.sensing.trouble import PictureHealth

if TYPE_CHECKING:
    from posture_monitor.sensing.pose import PoseEstimator
    from posture_monitor.sensing.seated import SeatWatch

#: Of a picture for the preview: it is looked at once and forgotten.
_JPEG_QUALITY = 80

_LENGTH = struct.Struct(">I")


def send(pipe: BinaryIO, message: object) -> None:
    """Write one message."""
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def receive(pipe: BinaryIO) -> Any:
    """Return the next message.

    Raises
    ------
    EOFError
        The other side has ended.
    UserError
        The other side is of another version: the program was updated under a running monitor, which
        goes on as it was, and begins each eye from the files as they are now.
    """
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    data = pipe.read(_LENGTH.unpack(head)[0])
    try:
        message = pickle.loads(data)
        alike = vars(message).keys() == {field.name for field in dataclasses.fields(message)}
    except (AttributeError, ImportError, TypeError, ValueError):  # made of what is not there on this side
        alike = False
    if not alike:
        raise UserError(
            "the program was updated while it ran; `posture-monitor restart` goes on with the new one"
        )
    return message


class Eye:
    """Takes pictures from one place and finds the people in them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._source: Source | None = None
        self._played: Iterator[Frame] | None = None
        self._estimator: PoseEstimator | None = None
        self._loading: Future[tuple[PoseEstimator, Path]] | None = None
        self._to_give_back: Path | None = None
        #: What the model looked at last, and what stood in its way.
        self._seen: npt.NDArray[np.uint8] | None = None
        self._light, self._doubt = "", Reason.OK
        self._looked = False
        self._health = PictureHealth()
        self._seat: SeatWatch | None = None
        self._warning = ""

    def look(self, want: Want) -> Sight | Blind:
        """Take a picture now and say who is in it."""
        try:
            frame, source = self._take()
        except UserError as error:
            self._close()
            return Blind(str(getattr(error, "trouble", "") or "failed"), str(error))
        if frame is None:
            return Blind("ended", "the recording is over")
        if want.close_after and hasattr(source, "rest"):
            source.rest()
        try:
            return self._sight(frame, source, want)
        except UserError as error:
            return Blind("no model", str(error))

    def _take(self) -> tuple[Frame | None, Source]:
        from posture_monitor.sensing.sources import open_source

        if self._source is None:
            place = self.place
            self._source = open_source(
                place.source,
                realtime=True,
                width=place.width,
                height=place.height,
                min_interval_s=place.min_interval_s,
            )
        source: Any = self._source
        if hasattr(source, "take"):
            self._prepare()  # while the camera wakes up and finds its exposure
            return source.take(time.monotonic()), source
        if self._played is None:
            self._played = source.frames()
        # A recording waits for nobody: what has passed since the last look was not seen.
        due_s = time.time()
        for frame in self._played:
            if frame.wall_s >= due_s:
                return frame, source
        return None, source

    def _sight(self, frame: Frame, source: Source, want: Want) -> Sight:
        people, moved, trouble, look_s, picture = frame.landmarks, True, "", 0.0, None
        self._looked = False
        if people is not None:
            people = people[None]
        else:
            from posture_monitor.sensing import motion
            from posture_monitor.sensing.image_quality import quality
            from posture_monitor.sensing.seated import SeatWatch

            assert frame.image is not None  # a frame is a picture or a row of a table
            small = motion.thumbnail(frame.image)
            amiss = self._health.feed(small, time.monotonic(), frame.image) if source.live else None
            trouble = str(amiss or "")
            moved = self._seen is None or motion.moved(self._seen, small)
            look = moved or not want.may_skip
            # A good picture in which nothing moves stays one. More light is no movement, but shows more.
            if look or self._light:
                light = quality(frame.image)
                self._looked = look or light.reason != self._light
                if self._looked:
                    began_s = time.perf_counter()
                    self._seat = self._seat or SeatWatch()
                    people = self._seat.people(self._model(), frame.image, want.neutral, time.monotonic())
                    look_s = time.perf_counter() - began_s
                    self._seen, self._light = small, light.reason
                    self._doubt = light.doubt(somebody=len(people) > 0)
            picture = _jpeg(frame.image) if want.picture else None
        return Sight(
            frame.wall_s,
            frame.width,
            frame.height,
            people,
            moved,
            self._doubt,
            trouble,
            source.name,
            source.identity,
            look_s,
            picture,
            self._warning,
        )

    def _model(self) -> PoseEstimator:
        if self._estimator is None:
            from posture_monitor.sensing import uploads

            self._estimator, self._to_give_back = self._prepare().result()
            self._warning = uploads.trouble()
        return self._estimator

    def _prepare(self) -> Future[tuple[PoseEstimator, Path]]:
        """Begin to load the model, if that has not begun yet."""
        if self._loading is None:
            self._loading = Future()
            threading.Thread(target=self._load, args=(self._loading,), name="model", daemon=True).start()
        return self._loading

    def _load(self, loading: Future[tuple[PoseEstimator, Path]]) -> None:
        try:
            from posture_monitor.sensing.model import ensure_model
            from posture_monitor.sensing.pose import PoseEstimator

            file = ensure_model(self.place.model)
            # Looks lie seconds apart, too far for the model's following of one person; each
            # picture on its own also shows whether somebody else is there.
            loading.set_result((PoseEstimator(file, stills=True), file))
        except BaseException as error:  # it is raised where the model is wanted
            loading.set_exception(error)

    def settle(self) -> None:
        """Give back what the look leaves behind; once, after the first, what only loading has needed."""
        if self._to_give_back is not None:
            memory.settle()
            memory.give_back(self._to_give_back)
            self._to_give_back = None
        elif self._looked:
            # MediaPipe leaves a pair of objects that hold each other with each picture, and Python by itself
            # would come for them after half an hour. A look that spares it leaves nothing.
            gc.collect()
            memory.give_back_freed()

    def _close(self) -> None:
        source, self._source, self._played = self._source, None, None
        self._health = PictureHealth()
        if source is not None:
            source.close()

    def close(self) -> None:
        """Release camera and model."""
        self._close()
        if self._estimator is not None:
            self._estimator.close()


def _jpeg(image: npt.NDArray[np.uint8]) -> bytes:
    from posture_monitor.sensing.opencv import cv2

    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return bytes(data)


def _end_with_parent() -> None:
    """Let the kernel end this process when the monitor is killed, even in the middle of a hanging read."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main() -> None:
    """Answer until the pipe ends."""
    # Ctrl-C in a terminal reaches the whole group; the monitor ends us when it is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _end_with_parent()
    # Whatever a library prints to standard output must not end up between the answers.
    told = os.dup(1)
    os.dup2(2, 1)
    with (
        contextlib.suppress(EOFError, BrokenPipeError),
        os.fdopen(told, "wb") as answers,
        os.fdopen(os.dup(0), "rb") as asked,
    ):
        try:
            _answer(asked, answers)
        except UserError as error:
            send(answers, Blind("failed", str(error)))


def _answer(asked: BinaryIO, answers: BinaryIO) -> None:
    with contextlib.closing(Eye(receive(asked))) as eye:
        while True:
            want: Want = receive(asked)
            try:
                answer: Sight | Blind = eye.look(want)
            except Exception as error:  # of whatever library: the monitor begins another eye
                why = " ".join(str(error).split()) or type(error).__name__
                answer = Blind("failed", f"the picture could not be looked at: {why}")
            send(answers, answer)
            eye.settle()


if __name__ == "__main__":
    main()
