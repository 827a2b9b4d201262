"""Other programs of this machine, asked one quick question."""

from __future__ import annotations

import subprocess
from typing import Final

#: Who asks waits for the answer, so a program that hangs is given up soon.
PATIENCE_S: Final = 2.0


def ask(*command: str, patience_s: float = PATIENCE_S) -> str | None:
    """Return what a command prints; None if it is not installed, fails or hangs.

    Parameters
    ----------
    command
        The program and its arguments.
    patience_s
        Seconds until it counts as hanging, and is ended.
    """
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=patience_s,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
