"""What can be wrong with a camera, told apart, so that it can be named and mended."""

from __future__ import annotations

import zlib
from enum import Enum

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError


class Trouble(str, Enum):
    """What is wrong with a live source; as text it is its value."""

    UNPLUGGED = "unplugged"
    BUSY = "busy"
    PERMISSION = "permission"
    HANGS = "hangs"
    GONE = "gone"
    BLACK = "black"
    COVERED = "covered"
    FROZEN = "frozen"

    __str__ = str.__str__


class SourceTrouble(UserError):  # noqa: N818 (named for what happened)
    """A live source that cannot be opened, or stopped giving frames: unplugged, in use elsewhere, cut off.

    Attributes
    ----------
    trouble
        What is wrong with it.
    """

    def __init__(self, message: str, trouble: Trouble) -> None:
        super().__init__(message)
        self.trouble = trouble


#: Mean grey below which a picture is black; the darkest room in which a person is found has 8
#: (see `image_quality`), and a camera behind a closed shutter gives 0 to 2.
BLACK_MEAN = 6.0
#: Mean below which a picture is too dark to say that nobody is there, unless something in it is well lit.
TOO_DARK_MEAN = 20.0
#: Standard deviation of grey below which a picture shows nothing but one tone; undisturbed real pictures
#: have 45 to 77. In the dark a faint picture is still a picture; a covered lens shows less than this.
COVERED_STD = 8.0
COVERED_STD_IN_THE_DARK = 4.0
#: Black or covered for less is a passing hand, or a camera that wakes up.
DARK_FOR_S = 2.0
#: Alike to the bit for longer is no live picture: every sensor has noise. Shorter is a camera that
#: repeats pictures, as network cameras do when their own source stutters.
FROZEN_FOR_S = 30.0


class PictureHealth:
    """Tells from its pictures whether a live camera really sees.

    It remembers the pictures of one camera; make a new one after a gap. None of
    what it finds ends a source: a lens is uncovered again.
    """

    def __init__(self) -> None:
        self._dark: Trouble | None = None
        self._dark_since_s = 0.0
        self._sum: int | None = None
        self._same_since_s = 0.0

    def feed(
        self, thumbnail: npt.NDArray[np.uint8], t_s: float, image: npt.NDArray[np.uint8]
    ) -> Trouble | None:
        """Return what is wrong with the picture, or None.

        Parameters
        ----------
        thumbnail
            Small grey copy, ``(height, width)``, values 0..255.
        t_s
            Seconds on a clock that does not jump.
        image
            The picture itself. Frozen means alike in every pixel of it; in those of the
            thumbnail a very still picture may be, of a camera that smooths away its noise.
        """
        dark = _darkness(thumbnail)
        if dark is not self._dark:
            self._dark, self._dark_since_s = dark, t_s
        total = zlib.crc32(np.ascontiguousarray(image).data)
        if total != self._sum:
            self._sum, self._same_since_s = total, t_s
        if dark is not None:
            return dark if t_s - self._dark_since_s >= DARK_FOR_S else None
        return Trouble.FROZEN if t_s - self._same_since_s > FROZEN_FOR_S else None


def _darkness(thumbnail: npt.NDArray[np.uint8]) -> Trouble | None:
    mean, contrast = float(thumbnail.mean()), float(thumbnail.std())
    if mean < BLACK_MEAN and contrast < COVERED_STD_IN_THE_DARK:
        return Trouble.BLACK
    if contrast < (COVERED_STD if mean >= TOO_DARK_MEAN else COVERED_STD_IN_THE_DARK):
        return Trouble.COVERED
    return None
