"""XDG autostart: a desktop entry, which nearly every desktop on Linux starts after logging in.

The desktop starts it once and does not watch over it.
"""

from __future__ import annotations

import re
from pathlib import Path

from platformdirs import user_config_path

from posture_monitor.errors import UserError
from posture_monitor.service.autostart import Program, Way


class Xdg(Way):
    """A file in ``~/.config/autostart``; see `Way`."""

    name = "XDG autostart entry"

    def path(self) -> Path:
        """See `Way.path`."""
        return user_config_path() / "autostart" / "posture-monitor.desktop"

    def texts(self, program: Program) -> tuple[str, ...]:
        """See `Way.texts`."""
        environment = [f"{name}={value}" for name, value in program.environment.items()]
        command = (*(["env", *environment] if environment else []), *program.command)
        # Some seconds after the desktop is up, so that logging in is not slowed down.
        text = f"""[Desktop Entry]
Type=Application
Version=1.0
Name=Posture monitor
Comment=Watches your sitting posture through your own webcam
Exec={" ".join(map(quoted, command))}
Terminal=false
NoDisplay=true
StartupNotify=false
X-GNOME-Autostart-enabled=true
X-GNOME-Autostart-Delay=10
"""
        return (text,)

    def switched_on(self) -> bool:
        """Say whether the file is not switched off in the desktop's own settings."""
        try:
            text = self.path().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return False
        return re.search(r"^(Hidden=true|X-GNOME-Autostart-enabled=false)\s*$", text, re.MULTILINE) is None


def quoted(argument: str) -> str:
    r"""Return an argument as it has to stand in ``Exec=``.

    Inside quotes the desktop entry specification wants ``" ` $ \`` escaped;
    a value of a key has its own escapes, so that each backslash is doubled
    again; and ``%`` begins a field code.

    Raises
    ------
    UserError
        It holds a line break, which no entry can.
    """
    if re.search(r"[\x00-\x1f\x7f]", argument):
        raise UserError(f"cannot write {argument!r} into an autostart entry; install it under a plain path")
    if re.fullmatch(r"[A-Za-z0-9_./:=@+,-]+", argument):
        return argument
    inner = re.sub(r'(["`$\\])', r"\\\1", argument).replace("\\", "\\\\").replace("%", "%%")
    return f'"{inner}"'
