"""What a camera offers, as Video4Linux tells it, and what of that is asked for. Linux only."""

from __future__ import annotations

import fcntl
import os
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# From <linux/videodev2.h>, the same on every 64-bit machine: request, size of its structure.
_ENUM_FMT, _FMT_SIZE = 0xC0405602, 64
_ENUM_FRAMESIZES, _SIZES_SIZE = 0xC02C564A, 44
_ENUM_FRAMEINTERVALS, _INTERVALS_SIZE = 0xC034564B, 52
_CAPTURE = 1
_DISCRETE = 1
#: More than any camera lists; a driver that never stops listing is not listened to.
_MOST = 64

#: Uncompressed pictures up to so many bytes a second; more crowds out what shares the USB 2 bus (its cameras
#: get 24 million at best). 640 x 480 at 15 a second are 9.2 million.
_PLAIN_AT_MOST = 10_000_000


@dataclass(frozen=True)
class Mode:
    """A format, a size in pixels, and the rates at which it is to be had (pictures a second, rising)."""

    fourcc: str
    width: int
    height: int
    rates: tuple[float, ...]


def modes(node: str, width: int = 640, height: int = 480) -> list[Mode]:
    """Return what the camera at `node` offers; empty where it does not tell, or cannot be opened.

    Of a range of sizes the one nearest to `width` x `height` is given.
    """
    if sys.platform == "win32":
        return []
    try:
        device = os.open(node, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return []
    try:
        return [
            Mode(fourcc, wide, high, tuple(sorted(set(_rates(device, fourcc, wide, high)))))
            for fourcc in _formats(device)
            for wide, high in _sizes(device, fourcc, width, height)
        ]
    finally:
        os.close(device)


def choose(offered: Iterable[Mode], width: int, height: int, fps: float) -> tuple[Mode, float] | None:
    """Return the mode that costs least and does, and the rate to ask of it; None if nothing is known to.

    The smallest size that holds `width` x `height` (the largest, if none does),
    and of its rates the lowest from `fps` on: power, heat and USB traffic go with
    both, whether pictures are looked at or not, and a low rate lets a camera
    expose longer in a dim room. Uncompressed (YUYV) where the bus bears it, which
    spares the camera packing, us unpacking, and the picture both; else JPEG.
    """
    known = [mode for mode in offered if mode.fourcc in ("YUYV", "MJPG")]
    if not known:
        return None
    large = [mode for mode in known if mode.width >= width and mode.height >= height]
    area = (
        min(mode.width * mode.height for mode in large)
        if large
        else max(mode.width * mode.height for mode in known)
    )
    choices = [(mode, _rate(mode, fps)) for mode in large or known if mode.width * mode.height == area]

    def burden(choice: tuple[Mode, float]) -> tuple[bool, bool, float]:
        mode, rate = choice
        plain = mode.fourcc == "YUYV"
        return rate < fps, plain == (2 * area * rate > _PLAIN_AT_MOST), rate

    return min(choices, key=burden)


def _rate(mode: Mode, fps: float) -> float:
    # Rates are told as fractions: 9.99 is 10.
    enough = [rate for rate in mode.rates if rate >= fps * 0.99]
    return enough[0] if enough else (mode.rates[-1] if mode.rates else fps)


def _formats(device: int) -> Iterator[str]:
    for i in range(_MOST):
        data = bytearray(_FMT_SIZE)
        struct.pack_into("=II", data, 0, i, _CAPTURE)
        if not _told(device, _ENUM_FMT, data):
            return
        yield data[44:48].decode("latin-1")


def _sizes(device: int, fourcc: str, width: int, height: int) -> Iterator[tuple[int, int]]:
    for i in range(_MOST):
        data = bytearray(_SIZES_SIZE)
        struct.pack_into("=I4s", data, 0, i, fourcc.encode("latin-1"))
        if not _told(device, _ENUM_FRAMESIZES, data):
            return
        kind, *sides = struct.unpack_from("=7I", data, 8)
        if kind == _DISCRETE:
            yield sides[0], sides[1]
            continue
        yield _nearest(width, *sides[:3]), _nearest(height, *sides[3:])
        return


def _nearest(wanted: int, least: int, most: int, step: int) -> int:
    step = max(step, 1)
    return min(max(least + -(-(wanted - least) // step) * step, least), most)


def _rates(device: int, fourcc: str, width: int, height: int) -> Iterator[float]:
    for i in range(_MOST):
        data = bytearray(_INTERVALS_SIZE)
        struct.pack_into("=I4sII", data, 0, i, fourcc.encode("latin-1"), width, height)
        if not _told(device, _ENUM_FRAMEINTERVALS, data):
            return
        kind, *fractions = struct.unpack_from("=5I", data, 16)
        for over, under in zip(fractions[::2], fractions[1::2], strict=True):
            if over and under:
                yield under / over
            if kind == _DISCRETE:
                break
        if kind != _DISCRETE:  # from the shortest interval to the longest
            return


def _told(device: int, request: int, data: bytearray) -> bool:
    if sys.platform == "win32":
        return False
    try:
        fcntl.ioctl(device, request, data, True)
    except OSError:  # EINVAL ends a list; ENOTTY is no camera
        return False
    return True
