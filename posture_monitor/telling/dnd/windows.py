"""Windows: Focus Assist, and the system's own word on whether to disturb."""

from __future__ import annotations

import ctypes
from typing import Final

from posture_monitor.dll import dll

#: ``WNF_SHEL_QUIETHOURS_ACTIVE_PROFILE_CHANGED``: 0 off, 1 priority only, 2 alarms only.
_FOCUS_ASSIST: Final = (0xA3BF1C75, 0x0D83063E)

#: ``SHQueryUserNotificationState``: a full-screen application, a full-screen game, a presentation.
_FULL_SCREEN: Final = (2, 3, 4)


def quiet() -> bool:
    """Return whether Focus Assist is known to be on; there is no documented way to ask."""
    name = (ctypes.c_ulong * 2)(*_FOCUS_ASSIST)
    stamp, level, size = ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(4)
    try:
        failed = dll("ntdll").NtQueryWnfStateData(
            name, None, None, ctypes.byref(stamp), ctypes.byref(level), ctypes.byref(size)
        )
    except (OSError, AttributeError):
        return False
    return not failed and level.value in (1, 2)


def full_screen() -> bool:
    """Return whether something is known to fill the screen."""
    state = ctypes.c_int(0)
    try:
        failed = dll("shell32").SHQueryUserNotificationState(ctypes.byref(state))
    except (OSError, AttributeError):
        return False
    return not failed and state.value in _FULL_SCREEN
