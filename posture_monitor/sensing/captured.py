"""A camera or stream read through OpenCV."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.sensing.image_quality import cut_off
from posture_monitor.sensing.live import Shot
from posture_monitor.sensing.mjpeg import Broken
from posture_monitor.sensing.opencv import cv2

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


class Captured:
    """A `live.Device` of OpenCV's.

    Parameters
    ----------
    capture
        An opened ``cv2.VideoCapture``.
    restless
        Pictures pile up, or are spoilt, where nobody reads them.
    stamped
        The driver tells when each picture was taken.
    """

    def __init__(self, capture: Any, *, restless: bool = False, stamped: bool = False) -> None:
        self._capture = capture
        self.pastime = self._skip if restless else None
        self._stamped = stamped

    def read(self, due_s: float) -> Shot | None:
        """See `Device`."""
        due_s = max(due_s, time.monotonic())
        for _ in range(_QUEUED + 1):  # after so many grabs, whatever they told, the queue was emptied
            asked_s = time.monotonic()
            if not self._capture.grab():
                return None
            grabbed_s, wall_s = time.monotonic(), time.time()
            if self.pastime or self._new(due_s, asked_s, grabbed_s):
                break
        ok, image = self._capture.retrieve()
        if not ok or image is None:
            return None
        image = _in_colour(image)
        return None if cut_off(image) else Shot(grabbed_s, wall_s, image)

    def _new(self, due_s: float, asked_s: float, grabbed_s: float) -> bool:
        """Whether the picture in hand was taken when it was due, and is not from the driver's queue."""
        taken_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self._stamped else 0.0
        if taken_s > 0 and 0 <= grabbed_s - taken_s < _STAMP_AGE_S:
            return bool(taken_s >= due_s - _ON_THE_WAY_S)
        # What was queued while nobody read is there at once; a new picture is waited for.
        return grabbed_s - asked_s >= _WAITED_S

    def _skip(self) -> None:
        """Read on, keep nothing."""
        if not self._capture.grab():
            time.sleep(0.1)

    def abort(self) -> None:
        """See `Device`. OpenCV knows no such thing; its reads come back by themselves, or not at all."""

    def release(self) -> None:
        """Close the device."""
        self._capture.release()


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
