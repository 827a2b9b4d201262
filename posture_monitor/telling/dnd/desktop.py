"""Which desktop this is, for the readers in this folder."""

from __future__ import annotations

import os


def desktop_is(*names: str) -> bool:
    """Say whether the session calls itself one of these desktops."""
    mine = os.environ.get("XDG_CURRENT_DESKTOP", "").lower().split(":")
    return any(name in mine for name in names)
