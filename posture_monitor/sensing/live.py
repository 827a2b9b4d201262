"""Live pictures, taken when they are wanted, of a device that may block, hang or go away."""

from __future__ import annotations

import abc
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from posture_monitor.sensing.frame import Frame, Source
from posture_monitor.sensing.mjpeg import Broken
from posture_monitor.sensing.patience import Errands, Hung, Left
from posture_monitor.sensing.trouble import BLACK_MEAN, SourceTrouble, Trouble

#: Cameras deliver black pictures while they wake up and find their exposure; so long they are passed over.
WARM_UP_S = 3.0
#: A camera has found its exposure when, over this time, the picture's mean changes by less than this share.
SETTLING_STEP_S = 0.15
SETTLED_CHANGE = 0.03
#: So many failed reads in a row, a tenth of a second apart, and the source is lost.
FAILED_READS = 5
#: For the device to close; longer, and it hangs.
CLOSE_S = 2.0


@dataclass(frozen=True)
class Shot:
    """A picture, when it was grabbed on the monotonic clock, and on that of the wall."""

    t_s: float
    wall_s: float
    image: npt.NDArray[np.uint8]


class Device(Protocol):
    """What gives pictures. All but `abort` is called from one thread, and may block or hang."""

    #: Called again and again between two reads where pictures pile up, or are spoilt, if nobody reads them.
    pastime: Callable[[], None] | None

    def read(self, due_s: float) -> Shot | None:
        """Return the first picture from `due_s` on that is not older than this call, or None if it failed."""
        ...

    def abort(self) -> None:
        """Let a read that waits for data come back; from any thread."""
        ...

    def release(self) -> None:
        """Close it."""
        ...


class Live(Source, abc.ABC):
    """Frames of a device, taken when they are wanted.

    Whatever touches the device is done on one thread: a driver that hangs cannot
    freeze the caller, whose wait for the picture ends after a while. Between two
    frames nothing is decoded, and, where the device bears it, nothing is read.
    """

    live = True
    #: Whether brightness is still finding its level when the device has just been opened.
    _settles = False
    #: Whether the device is opened by the caller, hang or not.
    _opens_here = False

    def __init__(self, *, min_interval_s: float, open_s: float, silence_s: float) -> None:
        self._min_interval_s = min_interval_s
        self._silence_s = silence_s
        self._open_s = open_s
        self._device: Device | None = None
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
        SourceTrouble
            If the source stops giving frames or is silent for too long, and after
            it was closed. Its `trouble` says why. The source is of no use then:
            close it, and open another.
        """
        try:
            return self._take(due_s)
        except Left:
            raise SourceTrouble(f"{self.name}: was closed", Trouble.GONE) from None

    def rest(self) -> None:
        """Close the device until the next `take`, which opens it again."""
        with contextlib.suppress(Hung, Left):
            self._errands.run(self._release, CLOSE_S)

    def frames(self) -> Iterator[Frame]:
        """Yield frames until the source is closed; `SourceTrouble` when it stops giving any."""
        due_s = 0.0
        with contextlib.suppress(Left):
            while True:
                frame = self._take(due_s)
                due_s = frame.t_s + (self._began or 0.0) + self._min_interval_s
                yield frame

    def close(self) -> None:
        """Stop and release the device. Safe to call twice.

        A device that hangs in its driver is released when it comes back.
        """
        self._closed.set()
        if (device := self._device) is not None:
            device.abort()
        self._errands.leave(self._release, CLOSE_S)

    def _take(self, due_s: float) -> Frame:
        """Return the first frame from `due_s` on; `Left` once closed."""
        self._sleep(due_s)
        if self._device is None:
            self._wake()
        shot = self._shot(due_s) if self._warm else self._warmed(due_s)
        if self._began is None:
            self._began = shot.t_s
        height, width = shot.image.shape[:2]
        return Frame(shot.t_s - self._began, shot.wall_s, width, height, shot.image)

    def _sleep(self, due_s: float) -> None:
        if self._closed.wait(max(due_s - time.monotonic(), 0.0)):
            raise Left

    def _shot(self, due_s: float) -> Shot:
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
        raise self._amiss(why)

    def _warmed(self, due_s: float) -> Shot:
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
            raise self._amiss(f"does not open within {self._open_s:.0f} s", Trouble.HANGS) from None
        self._warm = False

    def _amiss(self, why: str, trouble: Trouble | None = None) -> SourceTrouble:
        found, advice = self._diagnosis()
        return SourceTrouble(f"{self.name}: {why}; {advice}", trouble or found)

    # --- on the thread of the device

    def _open_now(self) -> None:
        self._device = self._open()
        self._errands.pastime = self._device.pastime

    def _read(self, due_s: float) -> Shot | None:
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
    def _open(self) -> Device:
        """Open the device; `SourceTrouble` if it does not."""

    @abc.abstractmethod
    def _diagnosis(self) -> tuple[Trouble, str]:
        """Return why frames do not come, or come no more, and what the user can do about it."""
