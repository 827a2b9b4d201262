"""Whether another program uses camera or microphone, on systems where cameras are shared.

Linux gives a camera to one program only, and there its device is watched
(`sensing.camera_users`). macOS and Windows let several programs have it at
once; what can be read there is whether a call may be under way, and then
notifications wait. Neither could be run where this was written: what is read
is documented by its maker, and everything unexpected counts as "not known".
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import PureWindowsPath
from typing import Any, Final

from posture_monitor.dll import dll

#: Where Windows notes which program has used what; a stop time of 0 means that it still does.
_CONSENT: Final = r"Software\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore"
_STARTED: Final = "LastUsedTimeStart"
_STOPPED: Final = "LastUsedTimeStop"
#: Its times are in tenths of a microsecond since 1601; so many seconds before 1970.
_PER_S: Final = 10_000_000
_BEFORE_S: Final = 11_644_473_600
#: How Windows names programs that came from no shop, by their path with # for the separators.
_UNPACKAGED: Final = "NonPackaged"


def by_others() -> bool | None:
    """Return whether another program uses camera or microphone; None where that cannot be read."""
    try:
        if sys.platform == "win32":
            import winreg

            image = _image()
            # Windows' monotonic clock began when the machine did.
            booted_s = time.time() - time.monotonic()
            return windows(winreg, image, os.path.realpath(image), since_s=booted_s)
        if sys.platform == "darwin":
            return _macos()
    except (OSError, AttributeError, ValueError):
        return None
    return None


def windows(registry: Any, *own: str, since_s: float = 0.0) -> bool:
    """Return it from the registry.

    Parameters
    ----------
    registry
        The module ``winreg``.
    own
        Paths of the interpreter that this program runs in, whose own use does not count.
    since_s
        When the machine was started, in POSIX seconds. What has begun before, and never ended, was
        running when it crashed: of that Windows notes no end for months.
    """
    mine = set().union(*map(_names_of, own))
    return any(
        name.lower() not in mine and stopped == 0 and started_s >= since_s
        for device in ("webcam", "microphone")
        for name, started_s, stopped in _uses(registry, rf"{_CONSENT}\{device}")
    )


def _image() -> str:
    """Return the path of the program that this process runs.

    That of `sys.executable` only starts it, in a virtual environment: Windows notes the one behind it.
    """
    path = ctypes.create_unicode_buffer(1 << 15)
    length = dll("kernel32").GetModuleFileNameW(None, path, len(path))
    return path.value if length else sys.executable


def _names_of(program: str) -> set[str]:
    """Return what Windows may note a program as, with a console or without one, in lower case."""
    path = PureWindowsPath(program.lower())
    paths = (path, path.with_name("python.exe"), path.with_name("pythonw.exe"))
    # One from the shop lies in a folder "Name_Version_Machine__Publisher" and is noted by its two ends.
    parts = path.parent.name.split("_")
    return {str(found).replace("\\", "#") for found in paths} | {f"{parts[0]}_{parts[-1]}"}


def _uses(registry: Any, path: str) -> Iterator[tuple[str, float, int]]:
    """Yield each program's name, when it last began (POSIX seconds), and when it stopped (0: it has not)."""
    for name in _names(registry, path):
        if name == _UNPACKAGED:
            yield from _uses(registry, rf"{path}\{name}")
            continue
        try:
            with registry.OpenKey(registry.HKEY_CURRENT_USER, rf"{path}\{name}") as key:
                started = int(registry.QueryValueEx(key, _STARTED)[0])
                yield name, started / _PER_S - _BEFORE_S, int(registry.QueryValueEx(key, _STOPPED)[0])
        except OSError:  # it has leave to use the device, and never did
            continue


def _names(registry: Any, path: str) -> list[str]:
    found: list[str] = []
    try:
        with registry.OpenKey(registry.HKEY_CURRENT_USER, path) as key:
            while True:
                found.append(registry.EnumKey(key, len(found)))
    except OSError:  # no more, or none at all
        return found


class _Address(ctypes.Structure):
    _fields_ = (("selector", ctypes.c_uint32), ("scope", ctypes.c_uint32), ("element", ctypes.c_uint32))


def _code(text: str) -> int:
    """Return the number that Apple writes as four letters."""
    return int.from_bytes(text.encode("ascii"), "big")


def _macos() -> bool | None:
    """Return whether the default microphone is running for any program, by Core Audio."""
    audio = _core_audio()
    if audio is None:
        return None
    device = _property(audio, 1, "dIn ")  # 1: the system; its default input device
    if not device:
        return None
    running = _property(audio, device, "gone")  # running somewhere
    return None if running is None else bool(running)


@functools.cache
def _core_audio() -> Any:
    """Return the library, or None; each time anew it would leave a class behind."""
    library = ctypes.util.find_library("CoreAudio")
    return None if library is None else ctypes.CDLL(library)


def _property(audio: Any, of: int, selector: str) -> int | None:
    address = _Address(_code(selector), _code("glob"), 0)
    value, size = ctypes.c_uint32(0), ctypes.c_uint32(4)
    status = audio.AudioObjectGetPropertyData(
        ctypes.c_uint32(of), ctypes.byref(address), 0, None, ctypes.byref(size), ctypes.byref(value)
    )
    return value.value if status == 0 else None
