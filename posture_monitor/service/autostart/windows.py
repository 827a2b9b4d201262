"""Windows: a small command file in the Startup folder, run at each login."""

from __future__ import annotations

import contextlib
import os
from importlib import import_module
from pathlib import Path, PureWindowsPath
from typing import Final

from posture_monitor.errors import UserError
from posture_monitor.service.autostart import Program, Way

#: Where the Task Manager and the Settings note of each of these files whether the user wants it started.
_SWITCHES: Final = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\StartupFolder"


class Startup(Way):
    """A file in the Startup folder; see `Way`."""

    name = "Startup folder"

    def path(self) -> Path:
        """See `Way.path`."""
        roaming = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
        startup = roaming / "Microsoft" / "Windows" / "Start Menu" / "Programs" / "Startup"
        return startup / "posture-monitor.cmd"

    def texts(self, program: Program) -> tuple[str, ...]:
        """See `Way.texts`."""
        python, *arguments = program.command
        # The python that opens no window.
        windowless = PureWindowsPath(python).with_name("pythonw.exe")
        lines = [
            "@echo off",
            "rem Starts posture-monitor; `posture-monitor autostart disable` removes this file.",
            "chcp 65001 >nul",
            *(f'set "{name}={_plain(value)}"' for name, value in program.environment.items()),
            " ".join(['start "" /min', *(f'"{_plain(part)}"' for part in (str(windowless), *arguments))]),
        ]
        return ("".join(f"{line}\r\n" for line in lines),)

    def switch_on(self) -> None:
        """Let Windows start the file, and see whether it is where it seems to be.

        Raises
        ------
        UserError
            It is not.
        """
        if self._hidden():
            self.path().unlink()  # there it would start nothing, and be called switched off for ever
            raise UserError(
                "Windows keeps the Startup folder from a Python out of the Microsoft Store; "
                "install Python from python.org, and posture-monitor with it"
            )
        self.switch_off()  # a file of which nothing is noted is started

    def switch_off(self) -> None:
        """Let Windows forget what was noted of the file, which alone does it."""
        registry = import_module("winreg")
        with (
            contextlib.suppress(OSError),
            registry.OpenKey(registry.HKEY_CURRENT_USER, _SWITCHES, 0, registry.KEY_SET_VALUE) as key,
        ):
            registry.DeleteValue(key, self.path().name)

    def switched_on(self) -> bool:
        """Say whether Windows would start it."""
        return self.path().exists() and not self._hidden() and not self._noted_off()

    def _hidden(self) -> bool:
        """Whether it lies where a Python from the Microsoft Store writes instead; Windows does not look."""
        return "localcache" in (part.lower() for part in self.path().resolve().parts)

    def _noted_off(self) -> bool:
        """Whether the user has switched it off: the first byte of the note is odd then."""
        registry = import_module("winreg")
        with contextlib.suppress(OSError), registry.OpenKey(registry.HKEY_CURRENT_USER, _SWITCHES) as key:
            return bool(registry.QueryValueEx(key, self.path().name)[0][0] & 1)
        return False


def _plain(text: str) -> str:
    """Return text for within quotes; a path holds no quotes here, but may hold a percent sign."""
    return text.replace("%", "%%")
