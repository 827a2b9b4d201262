"""The desktop's own do-not-disturb, one module for each desktop.

Each reader returns ``None`` where it is not its desktop or cannot tell; that is
never taken for quiet.
"""

from __future__ import annotations

from posture_monitor.telling.dnd import dunst, gnome, kde, macos, windows


def do_not_disturb() -> bool:
    """Say whether any desktop is known to ask for quiet."""
    return any(reader.quiet() is True for reader in (gnome, kde, dunst, macos, windows))
