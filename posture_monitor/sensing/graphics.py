"""Stand-ins for desktop libraries that this program's wheels link to and never call.

MediaPipe's library can compute on a graphics card, OpenCV's can open windows and
film the screen, so they ask the loader for OpenGL, GLib and X, and a server or
container has none of these. The program computes on the CPU and opens no window
of OpenCV's: not one of those functions is ever called (``tests/test_graphics.py``
lets each of them kill the process). The loader wants them all the same, or
nothing starts.

So where one of the libraries is missing, a stand-in is made: a shared object of a
few kilobytes with the library's name (SONAME) and the functions asked for, each of
which returns 0. It lives in the memory of this process alone. The loader takes a
library that is loaded already under a wanted name and looks for no file. One that
the system has is always used.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import logging
import os
import platform
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from posture_monitor.paths import installed
from posture_monitor.sensing import elf

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
#: Where no stand-in can be made: the packages that bring them all (libgl1 brings libxcb).
ADVICE = {
    "win32": "install Microsoft's Visual C++ Redistributable (x64), and on an N edition of Windows its Media "
    "Feature Pack",
    "darwin": "install it with a Python for Apple silicon (`uname -m` says arm64)",
}.get(sys.platform, "on Debian or Ubuntu run `sudo apt install libegl1 libgles2 libgl1 libglib2.0-0`")


@functools.cache
def provide_graphics() -> tuple[str, ...]:
    """Load a stand-in for each of the libraries that this system lacks.

    Call it before OpenCV or MediaPipe is imported. Where no stand-in can be made,
    that import fails as it would have without.

    Returns
    -------
    tuple of str
        The libraries that are stand-ins in this process; none on most desktops.
    """
    machine = platform.machine()
    if not sys.platform.startswith("linux") or machine not in elf.MACHINES:
        return ()
    missing = tuple(name for name in LIBRARIES if not _is_there(name))
    if not missing:
        return ()
    try:
        wanted = sorted(set(itertools.chain.from_iterable(map(elf.undefined, _libraries_of_wheels()))))
        # All stay open until all are loaded: the loader knows a file by its path,
        # and would take a descriptor's number used again for the one before.
        with contextlib.ExitStack() as files:
            for name in missing:
                functions = [symbol for symbol in wanted if re.match(LIBRARIES[name], symbol)]
                # Not os.memfd_create: a Python built for older systems has none.
                descriptor = ctypes.CDLL(None).memfd_create(name.encode(), 1)  # 1: not for children
                file = files.enter_context(os.fdopen(descriptor, "wb", buffering=0))
                file.write(elf.stand_in(name, functions, machine))
                ctypes.CDLL(f"/proc/self/fd/{descriptor}")
    except (OSError, AttributeError, ValueError, struct.error) as error:
        log.debug("no stand-ins for %s: %s", ", ".join(missing), error)
        return ()
    log.debug("stand-ins for %s", ", ".join(missing))
    return missing


def _is_there(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _libraries_of_wheels() -> Iterator[Path]:
    """Yield the shared objects of MediaPipe and OpenCV."""
    patterns = {"mediapipe": ["tasks/c/*.so"], "cv2": ["*.so", "../opencv*.libs/*.so*"]}
    for package, places in patterns.items():
        for folder, place in itertools.product(installed(package), places):
            yield from folder.glob(place)
