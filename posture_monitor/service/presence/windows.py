"""Windows: what the terminal services say of this session, looked at twice a second.

``WTSQuerySessionInformation`` tells whether the session is shown and, in its
extended record, whether it is locked. Where it does not answer, an input
desktop that may not be opened is taken for the lock screen. Sleep needs no
reading: the program stands still during it and the camera is off.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

from posture_monitor.dll import dll
from posture_monitor.service.presence import PRESENT, Away
from posture_monitor.service.presence.polling import Polling

_CONNECT_STATE: Final = 8  # WTSConnectState
_SESSION_INFO_EX: Final = 25  # WTSSessionInfoEx
_CURRENT: Final = 0xFFFFFFFF  # WTS_CURRENT_SESSION
_ACTIVE: Final = 0  # WTSActive
_LOCKED: Final = 0  # WTS_SESSIONSTATE_LOCK; Windows 7 had it the other way round
_UNLOCKED: Final = 1
_SWITCH_DESKTOP: Final = 0x0100


def windows_presence() -> Polling:
    """Return what watches a session of Windows."""
    return Polling(_read, "session and lock (terminal services)")


def judge(state: int | None, flags: int | None, desktop_opens: bool) -> Away:
    """Return what the system's answers mean.

    Parameters
    ----------
    state
        ``WTSConnectState``; None where it is not told.
    flags
        ``SessionFlags`` of ``WTSINFOEX_LEVEL1``; None where it is not told.
    desktop_opens
        Whether the desktop that takes the input may be opened.
    """
    if state not in (None, _ACTIVE):
        return Away("session switched")
    locked = flags == _LOCKED if flags in (_LOCKED, _UNLOCKED) else not desktop_opens
    return Away("locked") if locked else PRESENT


def _read() -> Away | None:
    terminal, user = _library("wtsapi32"), _library("user32")
    state = _query(terminal, _CONNECT_STATE, 4)
    record = _query(terminal, _SESSION_INFO_EX, 20)
    # Level, then (aligned to 8, for the times in it) session number, state and flags.
    flags = None if record is None else int.from_bytes(record[16:20], "little")
    desktop = user.OpenInputDesktop(0, False, _SWITCH_DESKTOP)
    if desktop:
        user.CloseDesktop(desktop)
    number = None if state is None else int.from_bytes(state, "little")
    return judge(number, flags, bool(desktop))


def _query(terminal: Any, what: int, size: int) -> bytes | None:
    """Return the first bytes of an answer of the terminal services; None where there is none."""
    buffer, length = ctypes.c_void_p(), ctypes.c_ulong()
    asked = terminal.WTSQuerySessionInformationW(
        None, ctypes.c_ulong(_CURRENT), what, ctypes.byref(buffer), ctypes.byref(length)
    )
    if not asked or not buffer.value:
        return None
    try:
        return ctypes.string_at(buffer.value, size) if length.value >= size else None
    finally:
        terminal.WTSFreeMemory(buffer)


def _library(name: str) -> Any:
    library = dll(name)
    if name == "user32":
        # A handle is as wide as a pointer; the default is an int.
        library.OpenInputDesktop.restype = ctypes.c_void_p
        library.CloseDesktop.argtypes = [ctypes.c_void_p]
    return library
