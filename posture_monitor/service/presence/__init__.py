"""Whether the user can be before the screen at all: not while it is locked, asleep or shut.

One module for each system. None of them asks the camera: this is what closes
it. What cannot be read counts as present, so that a desktop that tells nothing
loses nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

#: Why the user is away; empty while they may be there.
Reason: TypeAlias = Literal["", "locked", "session switched", "suspended", "lid closed"]


@dataclass(frozen=True)
class Away:
    """What the system says of the user's presence.

    Attributes
    ----------
    reason
        ``locked`` (or its screen saver is on), ``session switched`` (another
        user or console is shown), ``suspended``, ``lid closed`` (and no other
        screen in use), or empty: nothing speaks against the user being there.
    """

    reason: Reason = ""

    def __bool__(self) -> bool:
        return bool(self.reason)


PRESENT = Away()


class Presence(Protocol):
    """Watches the session until it is closed."""

    def start(self, on_change: Callable[[Away], None]) -> None:
        """Begin to watch; return when the session is known, or after a second at most.

        Parameters
        ----------
        on_change
            Called with each new `Away`, also with the first if the user is
            away already; never waits and never raises.
        """

    def describe(self) -> str:
        """Return in one line what is read, and where from; empty where nothing can be."""

    def close(self) -> None:
        """Stop watching, within half a second. Safe to call twice, or before `start`."""


def open_presence() -> Presence:
    """Return what watches this system's session. Never raises."""
    if sys.platform.startswith("linux"):
        from posture_monitor.service.presence.linux import LinuxPresence

        return LinuxPresence()
    if sys.platform == "darwin":
        from posture_monitor.service.presence.macos import macos_presence

        return macos_presence()
    if sys.platform == "win32":
        from posture_monitor.service.presence.windows import windows_presence

        return windows_presence()
    from posture_monitor.service.presence.polling import Polling

    return Polling(lambda: None, "")


def describe() -> str:
    """Return in one line what tells of lock, session, sleep and lid here; empty where nothing does."""
    presence = open_presence()
    presence.start(lambda _away: None)
    try:
        return presence.describe()
    finally:
        presence.close()
