"""Giving memory back that only starting has needed.

To load OpenCV and MediaPipe takes some 95 MB of their files into a process, page
by page: what sets them up, names them to the loader, and builds the model. A look
touches 7 MB of that again, and 25 with what the system maps around them. The rest
stays with the process until the system runs short, and is counted as its own.

So once all is loaded the process lets go of the files' unchanged pages, as the
system would. They lie in its file cache, which it may take from now on without
asking; the few that are used again are back at the next look. Nothing is written
out, and no page that holds a value is touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import mmap
import struct
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from posture_monitor.sensing import elf


def give_back(*files: Path) -> None:
    """Let go of what has been read of the libraries, and of these files; does nothing where it cannot.

    Parameters
    ----------
    files
        That libraries have mapped to read them, and keep mapped.
    """
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return
    with contextlib.suppress(OSError, AttributeError):
        library = _library()
        for address, size in _unchanged({str(file.resolve()) for file in files}):
            library.madvise(address, size, mmap.MADV_DONTNEED)
    give_back_freed()


def settle() -> None:
    """Let Python pass over all that is there now whenever it looks for what is of no use any more.

    What loading has left stays to the end. Going through all of it takes some
    30 ms, and so Python seldom does; without it, what has come since is gone
    through in no time.
    """
    gc.collect()
    gc.freeze()


def give_back_freed() -> None:
    """Give back whole pages of memory that was freed; does nothing where the C library knows no such thing.

    What is freed lies between what is not, and the next pieces that are asked for seldom fit
    there, so that a process keeps a little more from hour to hour. The pages are there again when
    they are needed.
    """
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            _library().malloc_trim(0)  # glibc's own


@cache
def _library() -> ctypes.CDLL:
    """Return the C library; each time anew it would leave classes behind that Python seldom collects."""
    library = ctypes.CDLL(None)
    library.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return library


def _unchanged(files: set[str]) -> Iterator[tuple[int, int]]:
    """Yield address and size of what is the same in this process's memory as in the file it came from."""
    mapped: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, place, _, _, *name = line.split(maxsplit=5)
        if name and name[0].startswith("/") and "w" not in rights:
            start, end = (int(address, 16) for address in span.split("-"))
            mapped[name[0]].append((start, end, int(place, 16)))
    for file, spans in mapped.items():
        if file in files:
            yield from ((start, end - start) for start, end, _ in spans)
        else:
            # Rights alone do not tell: the loader takes the right to write from what it has filled in.
            with contextlib.suppress(OSError, struct.error):
                yield from _of_library(spans, elf.unwritten(Path(file)))


def _of_library(
    spans: list[tuple[int, int, int]], segments: list[tuple[int, int, int]]
) -> Iterator[tuple[int, int]]:
    """Yield address and size of a library's segments, as far as they lie in these spans.

    The address says which segment it is, and that nobody ever writes there, even
    while the library is still being loaded. Its place in the file does not: where
    two segments meet, the same page of the file is mapped for both.
    """
    start_of_file = next((start for start, _, at in spans if at == 0), None)
    if start_of_file is None or not segments or segments[0][0] != 0:
        return
    loaded_at = start_of_file - segments[0][1]
    for place, address, length in segments:
        before = address % mmap.PAGESIZE
        first, last = loaded_at + address - before, loaded_at + address + length
        for start, end, at in spans:
            if start <= first and last <= end and at + first - start == place - before:
                yield first, last - first
