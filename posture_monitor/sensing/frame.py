"""A moment as the outside world hands it over, and what everything that yields such moments has in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

_Self = TypeVar("_Self", bound="Source")


@dataclass(frozen=True)
class Frame:
    """One picture, or one row of a landmark table.

    Attributes
    ----------
    t_s
        Monotonic seconds since the source began; NaN for a still.
    wall_s
        POSIX seconds (UTC) at which the frame was taken.
    width, height
        Of the picture, in pixels.
    image
        ``(height, width, 3)`` uint8, BGR; ``None`` for a row of a landmark table.
    landmarks
        ``(33, 4)`` float32 where the source already knows them, else ``None``.
    """

    t_s: float
    wall_s: float
    width: int
    height: int
    image: npt.NDArray[np.uint8] | None = None
    landmarks: npt.NDArray[np.float32] | None = None
    name: str = ""


class Source:
    """Yields frames in order of time. Close it, or use it in ``with``.

    Attributes
    ----------
    name
        What the user called it.
    identity
        Stable text that tells this camera or file from others; kept in profiles.
    stills
        Each frame is a picture on its own (an image folder, a table without time).
    live
        Frames come at the pace of the real clock and without end.
    total
        Number of frames where known, for a progress bar.
    """

    name: str
    identity: str
    stills = False
    live = False
    total: int | None = None

    def frames(self) -> Iterator[Frame]:
        """Yield frames; raise `UserError` where the source breaks in a way the user can mend."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the device or file. Safe to call twice."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
