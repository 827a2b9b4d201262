"""A moment as the outside world hands it over, and the protocol of everything that yields such moments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt


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


class Source(Protocol):
    """Anything that yields frames in order of time.

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
    stills: bool
    live: bool
    total: int | None

    def frames(self) -> Iterator[Frame]:
        """Yield frames; raise `UserError` where the source breaks in a way the user can mend."""
        ...

    def close(self) -> None:
        """Release the device or file. Safe to call twice."""
        ...

    def __enter__(self) -> Source: ...

    def __exit__(self, *exc: Any) -> None: ...
