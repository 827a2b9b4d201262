"""launchd: an agent of the user's own on macOS, started again when it falls over."""

from __future__ import annotations

import plistlib
from pathlib import Path
from typing import Final

from posture_monitor.service.autostart import Program, Way

LABEL: Final = "posture-monitor"


class Launchd(Way):
    """A file in ``~/Library/LaunchAgents``, which is read at each login; see `Way`."""

    name = "launchd agent"

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
