"""macOS: the window server's word on the session, and the lid, looked at twice a second.

``CGSessionCopyCurrentDictionary`` tells whether the screen is locked and
whether this session is on the console; the registry's power root whether the
lid (clamshell) is closed and sleep would follow. Both are read through ctypes,
so that no further package is needed. Sleep itself needs no reading: the program
stands still during it and the camera is off.
"""

from __future__ import annotations

import ctypes
import functools
import plistlib
from collections.abc import Mapping
from typing import Any, Final

from posture_monitor.programs import ask
from posture_monitor.service.presence import PRESENT, Away
from posture_monitor.service.presence.polling import Polling

_FRAMEWORKS: Final = "/System/Library/Frameworks/{0}.framework/{0}"
_UTF8: Final = 0x08000100
_POWER_ROOT: Final = ("/usr/sbin/ioreg", "-a", "-r", "-d", "1", "-c", "IOPMrootDomain")
#: Asking for the lid starts a process, and a closed lid puts the machine to sleep by itself: ask seldom.
_LID_EVERY: Final = 20


def macos_presence() -> Polling:
    """Return what watches a session of macOS."""
    return Polling(_Reader().read, "session and lock (window server), lid (power root)")


def judge(locked: bool, on_console: bool, root: Mapping[str, Any]) -> Away:
    """Return what the system's answers mean.

    Parameters
    ----------
    locked, on_console
        ``CGSSessionScreenIsLocked`` and ``kCGSSessionOnConsoleKey``.
    root
        Properties of ``IOPMrootDomain``; may be empty.
    """
    # With another screen in use a closed lid causes no sleep: that is a desk, not an absence.
    if root.get("AppleClamshellState") and root.get("AppleClamshellCausesSleep", True):
        return Away("lid closed")
    if not on_console:
        return Away("session switched")
    return Away("locked") if locked else PRESENT


def parse_root(text: str) -> dict[str, Any]:
    """Return the properties of the power root from ``ioreg -a``; empty where it says nothing."""
    try:
        found = plistlib.loads(text.encode())
    except Exception:  # of many kinds, and all mean the same
        return {}
    first = found[0] if isinstance(found, list) and found else found
    return first if isinstance(first, dict) else {}


class _Reader:
    """Reads the session each time, the lid now and then."""

    def __init__(self) -> None:
        self._count = 0
        self._root: dict[str, Any] = {}

    def read(self) -> Away | None:
        if self._count % _LID_EVERY == 0:
            self._root = parse_root(ask(*_POWER_ROOT) or "")
        self._count += 1
        session = _session()
        return None if session is None else judge(*session, self._root)


def _session() -> tuple[bool, bool] | None:
    """Return whether the screen is locked and the session on the console; None without a window server."""
    graphics, core = _libraries()
    found = graphics.CGSessionCopyCurrentDictionary()
    if not found:
        return None

    def value(name: bytes, otherwise: bool) -> bool:
        key = core.CFStringCreateWithCString(None, name, _UTF8)
        try:
            answer = core.CFDictionaryGetValue(found, key)
            return bool(core.CFBooleanGetValue(answer)) if answer else otherwise
        finally:
            core.CFRelease(key)

    try:
        return value(b"CGSSessionScreenIsLocked", False), value(b"kCGSSessionOnConsoleKey", True)
    finally:
        core.CFRelease(found)


@functools.cache
def _libraries() -> tuple[Any, Any]:
    """Return Core Graphics and Core Foundation; each time anew they would leave classes behind."""
    graphics = ctypes.CDLL(_FRAMEWORKS.format("CoreGraphics"))
    core = ctypes.CDLL(_FRAMEWORKS.format("CoreFoundation"))
    graphics.CGSessionCopyCurrentDictionary.restype = ctypes.c_void_p
    core.CFStringCreateWithCString.restype = ctypes.c_void_p
    core.CFStringCreateWithCString.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint32]
    core.CFDictionaryGetValue.restype = ctypes.c_void_p
    core.CFDictionaryGetValue.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    core.CFBooleanGetValue.argtypes = [ctypes.c_void_p]
    core.CFBooleanGetValue.restype = ctypes.c_ubyte
    core.CFRelease.argtypes = [ctypes.c_void_p]
    core.CFRelease.restype = None
    return graphics, core
