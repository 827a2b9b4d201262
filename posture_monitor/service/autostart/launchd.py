"""launchd: an agent of the user's own on macOS, started again when it falls over."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Final

from posture_monitor.service.autostart import Program

LABEL: Final = "posture-monitor"


class Launchd:
    """A file in ``~/Library/LaunchAgents``, which is read at each login; see `Way`."""

    name = "launchd agent"

    def works(self) -> bool:
        """Return that it does: macOS always reads these."""
        return True

    def path(self) -> Path:
        """See `Way.path`."""
        return Path.home() / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    def texts(self, program: Program) -> tuple[str, ...]:
        """See `Way.texts`."""
        agent = {
            "Label": LABEL,
            "ProgramArguments": list(program.command),
            "EnvironmentVariables": dict(program.environment),
            # In a session with a screen, once it is there.
            "LimitLoadToSessionType": "Aqua",
            "RunAtLoad": True,
            # Again after a fall, not after `stop`; launchd itself waits between two starts.
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 30,
            "ProcessType": "Background",
            "Umask": 0o077,
            "HardResourceLimits": {"Core": 0},
            "StandardOutPath": "/dev/null",
            "StandardErrorPath": "/dev/null",
        }
        return (plistlib.dumps(agent).decode(),)

    def takes(self, text: str) -> bool:
        """Say that it does."""
        return True

    def switch_on(self) -> None:
        """Do nothing: the file is read at the next login."""

    def switch_off(self) -> None:
        """Do nothing: what runs goes on until it is stopped."""

    def switched_on(self) -> bool:
        """Say whether the file is there."""
        return self.path().exists()
