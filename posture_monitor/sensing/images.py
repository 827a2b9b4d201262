"""A folder of pictures, each of which stands on its own."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.sensing.frame import Frame, Source
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.sources import IMAGE_SUFFIXES

log = logging.getLogger(__name__)

#: What file managers leave behind in folders of pictures.
_LITTER = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})


class ImageSource(Source):
    """The pictures of one folder, in natural order of their names, or one picture. Folders are left out.

    Parameters
    ----------
    path
        A folder that holds nothing but pictures, or one picture.
    started_at
        POSIX seconds given to every picture; None: when each file was last changed.

    Raises
    ------
    UserError
        If the folder holds no picture, or a file that is none.
    """

    stills = True

    def __init__(self, path: Path, *, started_at: float | None) -> None:
        self.name = str(path)
        self.identity = f"{'folder' if path.is_dir() else 'file'} {path.resolve().name}"
        self._paths = _pictures(path) if path.is_dir() else [path]
        self._started_at = started_at
        self.total = len(self._paths)

    def frames(self) -> Iterator[Frame]:
        """Yield one frame a picture, without a time; `UserError` names a picture that cannot be read."""
        for path in self._paths:
            image = read_image(path)
            height, width = image.shape[:2]
            wall_s = path.stat().st_mtime if self._started_at is None else self._started_at
            yield Frame(math.nan, wall_s, width, height, image, name=path.name)


def read_image(path: Path) -> npt.NDArray[np.uint8]:
    """Return a picture ``(height, width, 3)`` uint8 BGR, turned upright as its EXIF says.

    Raises
    ------
    UserError
        If the file cannot be read, is no picture, or breaks off.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if _breaks_off(data):
        raise UserError(f"{path}: the picture breaks off; the file is damaged or incomplete")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error:
        image = None
    if image is None:
        raise UserError(f"{path}: not a picture that can be read; the file is damaged or no picture")
    return np.asarray(image, dtype=np.uint8)


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts ``2.jpg`` before ``10.jpg``."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(1, int(part), part) if part.isdigit() and part.isascii() else (0, 0, part) for part in parts]


def _pictures(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
    except OSError as error:
        raise UserError(f"{folder}: cannot be listed: {error.strerror}") from error
    entries = [path for path in entries if not path.name.startswith(".")]
    folders = [path.name for path in entries if path.is_dir()]
    files = [path for path in entries if not path.is_dir() and path.name.lower() not in _LITTER]
    for path in files:
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            raise UserError(
                f"{path}: not a picture (JPEG, PNG, BMP, WebP or TIFF, by its name); "
                "a folder given as source must hold pictures only"
            )
    if not files:
        inside = f", only folders ({', '.join(folders[:3])}); name one of them" if folders else ""
        raise UserError(f"{folder}: no pictures in this folder{inside}")
    if folders:
        log.warning("%s: left out are the folders in it: %s", folder, ", ".join(folders))
    return files


def _breaks_off(data: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end: their decoders hand out such pictures half grey."""
    if data.startswith(b"\xff\xd8"):  # the end mark, not that of a thumbnail before the scan
        return data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda") or b"\xff\xd9" not in data
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-64:]
    return False
