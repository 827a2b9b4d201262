"""A recording taken in whole, and the neutral posture to judge it by: given, or learnt from its beginning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.capture import capture
from posture_monitor.posture.metrics import Reason, measure
from posture_monitor.sensing.landmark_table import TableSource
from posture_monitor.service.collected import Collected
from posture_monitor.service.looking import Looker

#: Fewest frames a recording's own beginning may be calibrated on.
LEAST_OWN_FRAMES = 5


@dataclass(frozen=True)
class Recorded:
    """What a source holds, from its first frame to its last.

    Attributes
    ----------
    landmarks, sizes, t_s
        ``(N, 33, 4)``, ``(N, 2)`` and ``(N,)``.
    neutral
        What was given, or learnt from the beginning.
    calibrated
        How many frames at the beginning were calibrated on.
    names, doubts
        Of the `N` frames; None where none has any.
    """

    landmarks: npt.NDArray[np.float32]
    sizes: npt.NDArray[np.float64]
    t_s: npt.NDArray[np.float64]
    neutral: Neutral
    calibrated: int = 0
    names: list[str] | None = None
    doubts: list[Reason] | None = None


@dataclass(frozen=True)
class Beginning:
    """How much of a recording is calibrated on: its first `seconds` or, without them, its first `frames`."""

    source: str
    seconds: float | None
    frames: int

    def holds(self, into_s: float, number: int) -> bool:
        """Say whether a frame is part of it, by its seconds into the recording and its number."""
        return into_s < self.seconds if self.seconds is not None else number < self.frames

    def learnt(self, learn: Callable[[], Neutral]) -> Neutral:
        """Return what `learn` does; its `ValueError` is told as a `UserError`."""
        try:
            return learn()
        except ValueError as error:
            first = f"{self.frames} frames" if self.seconds is None else f"{self.seconds:g} s"
            raise UserError(f"{self.source}: cannot calibrate on its first {first}: {error}") from error


def read(source: TableSource, known: Neutral | None, beginning: Beginning) -> Recorded:
    """Take in a landmark table; `UserError` where its beginning cannot be calibrated on."""
    table = source.table
    landmarks, sizes, t_s = table.landmarks, np.rint(table.size), table.t_s
    if known is not None:
        return Recorded(landmarks, sizes, t_s, known)
    n = beginning.frames
    if beginning.seconds is not None:
        n = int(np.searchsorted(t_s, t_s[0] + beginning.seconds))
    n = min(n, len(table))

    def learn() -> Neutral:
        measurement = measure(landmarks[:n], sizes[:n])
        return capture(measurement, [Reason.OK] * n, least_frames=LEAST_OWN_FRAMES, steady=False)

    return Recorded(landmarks, sizes, t_s, beginning.learnt(learn), n)


def watch(
    looker: Looker, known: Neutral | None, beginning: Beginning, advance: Callable[[], None]
) -> Recorded:
    """Look at one frame after the other, and call `advance` after each.

    Raises
    ------
    UserError
        There is no frame, or the beginning cannot be calibrated on.
    """
    everything, first = Collected(), Collected()
    names: list[str] = []
    found = known

    def learn() -> Neutral:
        # A recording cannot be asked to sit still: whoever moved gets wider limits instead.
        return first.neutral(least_frames=LEAST_OWN_FRAMES, steady=False)

    def whom() -> Neutral | None:
        return found

    for seen in looker.look(whom):
        everything.add(seen)
        if beginning.holds(seen.frame.t_s - everything.t_s[0], len(everything) - 1):
            first.add(seen)
        elif found is None:
            found = beginning.learnt(learn)
        names.append(seen.frame.name)
        advance()
    if not everything:
        raise UserError(f"{beginning.source}: there is no frame in it")
    return Recorded(
        np.stack(everything.landmarks),
        np.stack(everything.sizes),
        np.asarray(everything.t_s),
        found or beginning.learnt(learn),
        len(first),
        names,
        everything.doubts,
    )
