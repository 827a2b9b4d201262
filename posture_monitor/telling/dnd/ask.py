"""Asks a command-line tool one quick question, for the readers in this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Final

#: The monitor loop waits for the answer, so a tool that hangs is given up soon.
PATIENCE_S: Final = 2.0


def ask(*command: str) -> str | None:
    """Return what the command prints; None if it is not installed, fails or hangs."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def desktop_is(*names: str) -> bool:
    """Say whether the session calls itself one of these desktops."""
    mine = os.environ.get("XDG_CURRENT_DESKTOP", "").lower().split(":")
    return any(name in mine for name in names)
