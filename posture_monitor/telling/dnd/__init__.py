"""Whether the desktop asks for quiet: its do-not-disturb, or an application that fills the screen.

One module for each system. What cannot be told is never taken for quiet.
"""

from __future__ import annotations

import sys

from posture_monitor.telling.dnd import linux, macos, windows


def do_not_disturb() -> bool:
    """Return whether the desktop is known to ask for quiet."""
    if sys.platform == "win32":
        return windows.quiet()
    if sys.platform == "darwin":
        return macos.quiet()
    return linux.quiet()


def full_screen() -> bool:
    """Return whether an application is known to fill the screen: a film, a game, a presentation."""
    if sys.platform == "win32":
        return windows.full_screen()
    # Where macOS has an X server, to ask it would start it.
    return sys.platform != "darwin" and linux.full_screen()
