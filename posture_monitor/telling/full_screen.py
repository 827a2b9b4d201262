"""Whether an application fills the screen: a film, a game, a presentation."""

from __future__ import annotations

import os
import re
import sys

from posture_monitor.programs import ask
from posture_monitor.telling.dnd import windows


def full_screen() -> bool | None:
    """Return whether the active window fills the screen; None where that cannot be told.

    On X11 the window manager says so (``_NET_WM_STATE_FULLSCREEN``). Wayland
    tells nobody but its own compositor.
    """
    if sys.platform == "win32":
        return windows.full_screen()
    # Where macOS has an X server, to ask it would start it.
    if sys.platform == "darwin" or not os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return None
    active = re.search(r"0x[0-9a-f]+", ask("xprop", "-root", "32x", " $0", "_NET_ACTIVE_WINDOW") or "")
    if active is None or int(active.group(), 16) == 0:
        return None
    state = ask("xprop", "-id", active.group(), "_NET_WM_STATE")
    return None if state is None else "_NET_WM_STATE_FULLSCREEN" in state
