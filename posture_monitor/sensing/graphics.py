"""Stand-ins for desktop libraries that this program's wheels link to and never call.

MediaPipe's library can compute on a graphics card, OpenCV's can open windows and
film the screen, so theirs ask the loader for OpenGL, GLib and X, and a server or
container without a desktop has none of these. The program uses neither: it
computes on the CPU and opens no OpenCV window, so that not one of those functions
is called (``tests/test_graphics.py`` lets each of them kill the process). The
loader wants them to exist all the same, or nothing starts.

So where one of these libraries is missing, a stand-in is made: a shared object
of a few kilobytes with the library's name (SONAME) and the functions asked for,
each of which returns 0. It lives in memory only, in this process only. The loader
takes a library that is already loaded under a wanted name instead of looking for
a file. A library that is there is always used.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.util
import itertools
import logging
import mmap
import os
import platform
import re
import struct
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

log = logging.getLogger(__name__)

#: What may be missing, and how the names of its functions begin.
LIBRARIES = {
    "libEGL.so.1": rb"egl[A-Z]",
    "libGLESv2.so.2": rb"gl[A-Z]",
    "libGL.so.1": rb"gl[A-Z]",
    "libglib-2.0.so.0": rb"g_",
    "libgthread-2.0.so.0": rb"g_thread_",
    "libxcb.so.1": rb"xcb_",
}
#: Debian and Ubuntu packages that bring them all (libxcb comes with libgl1).
ADVICE = "on Debian or Ubuntu run `sudo apt install libegl1 libgles2 libgl1 libglib2.0-0`"

# ELF's number of the processor, and its code for "return 0".
_MACHINES = {
    "x86_64": (62, bytes.fromhex("31c0 c3")),  # xor eax, eax; ret
    "aarch64": (183, bytes.fromhex("000080d2 c0035fd6")),  # mov x0, 0; ret
}
_PAGE = 0x10000  # the largest page either processor has
_DYNSYM = 11
_SECTION, _SYMBOL = "<IIQQQQII", "<IBBHQQ"


@functools.cache
def provide_graphics() -> tuple[str, ...]:
    """Load a stand-in for each desktop library that this system lacks.

    Call it before OpenCV or MediaPipe is imported. Where it cannot help, it says
    so in the log and leaves the failing to that import.

    Returns
    -------
    tuple of str
        The libraries that are stand-ins in this process; empty on most desktops.
    """
    machine = platform.machine()
    if not sys.platform.startswith("linux") or machine not in _MACHINES or sys.maxsize < 2**32:
        return ()
    missing = [name for name in LIBRARIES if not _loads(name)]
    if not missing:
        return ()
    try:
        wanted = set(itertools.chain.from_iterable(map(_undefined, _libraries_of_wheels())))
        # All files stay open until all are loaded: the loader knows each by its
        # path, and a number used again would be taken for the library before.
        with contextlib.ExitStack() as files:
            for name in missing:
                functions = sorted(symbol for symbol in wanted if re.match(LIBRARIES[name], symbol))
                _load(stand_in(name, functions, machine), name, files)
    except (OSError, AttributeError, ValueError, struct.error) as error:
        log.warning("no stand-in could be made for %s: %s", ", ".join(missing), error)
        return ()
    log.debug("stand-ins are loaded for %s", ", ".join(missing))
    return tuple(missing)


def stand_in(soname: str, functions: Iterable[bytes], machine: str) -> bytes:
    """Return a shared object in which every function returns 0.

    Parameters
    ----------
    soname
        The library's name for the loader, such as ``libEGL.so.1``.
    functions
        The names it is to export.
    machine
        The processor, as `platform.machine` has it: ``x86_64`` or ``aarch64``.

    Notes
    -----
    The smallest thing glibc's loader takes, by the System V ABI (ELF-64, chapters
    4 and 5): no section headers; one hash bucket, whose chain runs through all the
    symbols, so that no hash need be computed; one piece of code for all. The dynamic
    section has a writable segment to itself, as older loaders write into it, and
    PT_GNU_STACK says that the stack need not be executable, without which newer
    ones refuse.
    """
    number, code = _MACHINES[machine]
    names = [soname.encode(), *functions]
    strings = b"\0" + b"".join(name + b"\0" for name in names)
    starts = list(itertools.accumulate((len(name) + 1 for name in names), initial=1))[:-1]
    count = len(names)  # of symbols: the first of all is the empty one, as ELF wants it

    code_at = 64 + 4 * 56  # behind the headers
    symbols_at = code_at + 16
    hash_at = symbols_at + 24 * count
    strings_at = hash_at + 4 * (3 + count)
    strings = strings.ljust(-(-(strings_at + len(strings)) // 8) * 8 - strings_at, b"\0")
    dynamic_at = strings_at + len(strings)

    function = 0x12, 0, 1, code_at, len(code)  # global, a function, in "section" 1, here
    symbols = bytes(24) + b"".join(struct.pack(_SYMBOL, start, *function) for start in starts[1:])
    chain = [*range(2, count), 0][: count - 1]
    table = struct.pack(f"<{3 + count}I", 1, count, 1 if chain else 0, 0, *chain)
    tags = {14: starts[0], 4: hash_at, 5: strings_at, 6: symbols_at, 10: len(strings), 11: 24, 0: 0}
    dynamic = b"".join(struct.pack("<QQ", *tag) for tag in tags.items())

    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = identity + struct.pack("<HHIQQQIHHHHHH", 3, number, 1, 0, 64, 0, 0, 64, 56, 4, 0, 0, 0)
    in_memory = dynamic_at + _PAGE  # a page of its own, and the same place in it as in the file

    def segment(kind: int, flags: int, at: int, to: int, size: int, alignment: int) -> bytes:
        return struct.pack("<IIQQQQQQ", kind, flags, at, to, to, size, size, alignment)

    segments = (
        segment(1, 5, 0, 0, dynamic_at, _PAGE)  # load, read and execute
        + segment(1, 6, dynamic_at, in_memory, len(dynamic), _PAGE)  # load, read and write
        + segment(2, 6, dynamic_at, in_memory, len(dynamic), 8)  # dynamic
        + segment(0x6474E551, 6, 0, 0, 0, 16)  # the stack: read and write
    )
    return header + segments + code.ljust(16, b"\0") + symbols + table + strings + dynamic


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _load(library: bytes, name: str, files: contextlib.ExitStack) -> None:
    # Not os.memfd_create: a Python built for older systems has none, while
    # every glibc that MediaPipe runs on does.
    descriptor = ctypes.CDLL(None, use_errno=True).memfd_create(name.encode(), 1)  # 1: closed in children
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "no file in memory")
    file = files.enter_context(os.fdopen(descriptor, "wb", buffering=0))
    file.write(library)
    ctypes.CDLL(f"/proc/self/fd/{descriptor}")


def _libraries_of_wheels() -> Iterator[Path]:
    """Yield the shared objects of MediaPipe and OpenCV that may want a desktop's."""
    for package, patterns in {
        "mediapipe": ["tasks/c/*.so"],
        "cv2": ["*.so", "../opencv*.libs/*.so*"],
    }.items():
        spec = importlib.util.find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            for pattern in patterns:
                yield from Path(folder).glob(pattern)


def _undefined(path: Path) -> Iterator[bytes]:
    """Yield the names that a 64-bit shared object wants from others."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        (table,) = struct.unpack_from("<Q", data, 40)
        size, count = struct.unpack_from("<HH", data, 58)
        sections = [struct.unpack_from(_SECTION, data, table + i * size) for i in range(count)]
        for _, kind, _, _, offset, length, link, _ in sections:
            if kind != _DYNSYM:
                continue
            strings = sections[link][4]
            for start, _, _, section, _, _ in struct.iter_unpack(_SYMBOL, data[offset : offset + length]):
                if section == 0:
                    yield data[strings + start : data.find(b"\0", strings + start)]
