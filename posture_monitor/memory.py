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
import mmap
import sys
from pathlib import Path

_LOAD, _DYNAMIC = 1, 2  # kinds of segments
_WRITABLE = 2
_TEXTREL, _FLAGS, _FLAG_TEXTREL = 22, 30, 4  # in the dynamic section
_DONTNEED = 4  # the same on every processor; the mmap module names it on Linux alone


class _Segment(ctypes.Structure):
    """Elf64_Phdr, in elf.h."""

    _fields_ = (
        ("kind", ctypes.c_uint32),
        ("rights", ctypes.c_uint32),
        ("place", ctypes.c_uint64),
        ("address", ctypes.c_uint64),
        ("physical", ctypes.c_uint64),
        ("in_file", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("alignment", ctypes.c_uint64),
    )


class _Library(ctypes.Structure):
    """The beginning of struct dl_phdr_info, in link.h."""

    _fields_ = (
        ("base", ctypes.c_uint64),
        ("name", ctypes.c_char_p),
        ("segments", ctypes.POINTER(_Segment)),
        ("count", ctypes.c_uint16),
    )


_Visit = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Library), ctypes.c_size_t, ctypes.c_void_p)


def give_back(*files: Path) -> None:
    """Let go of what has been read of the libraries, and of these files; does nothing where it cannot.

    Parameters
    ----------
    files
        That libraries have mapped to read them, and keep mapped.
    """
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return
    # Where no code may be made at run time, an old libffi cannot be called back: MemoryError.
    with contextlib.suppress(OSError, AttributeError, ValueError, MemoryError):
        # Not CDLL, which lets other threads in: one may wait for the loader, and we for that one.
        library = ctypes.PyDLL(None)
        library.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        with contextlib.suppress(AttributeError):  # glibc's own
            library.malloc_trim(0)

        def visit(found: ctypes._Pointer[_Library], _size: int, _data: object) -> int:
            loaded = found.contents
            segments = loaded.segments[: loaded.count]
            if not any(_changes_text(loaded.base, segment) for segment in segments):
                for segment in segments:
                    if segment.kind == _LOAD and not segment.rights & _WRITABLE:
                        _let_go(library, loaded.base + segment.address, segment.size)
            return 0

        # While it tells of them, the loader neither loads a library nor unloads one.
        library.dl_iterate_phdr(_Visit(visit), None)
        _let_go_of_files(library, {str(file.resolve()) for file in files})


def _changes_text(base: int, segment: _Segment) -> bool:
    """Whether the loader has written into what it maps for reading: such pages are not in the file."""
    if segment.kind != _DYNAMIC:
        return False
    entries = (ctypes.c_uint64 * (segment.size // 8)).from_address(base + segment.address)
    tags = dict(zip(entries[::2], entries[1::2], strict=False))
    return _TEXTREL in tags or bool(tags.get(_FLAGS, 0) & _FLAG_TEXTREL)


def _let_go_of_files(library: ctypes.PyDLL, files: set[str]) -> None:
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights, *_, path = line.split(maxsplit=5)
        if path in files and rights.startswith("r--"):
            start, end = (int(address, 16) for address in span.split("-"))
            _let_go(library, start, end - start)


def _let_go(library: ctypes.PyDLL, address: int, size: int) -> None:
    start = address - address % mmap.PAGESIZE
    library.madvise(start, address + size - start, _DONTNEED)
