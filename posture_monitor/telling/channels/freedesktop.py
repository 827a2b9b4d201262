"""The notification service of Linux desktops: is it there, what can it do, and how text is put to it.

Asked over the session bus with whichever of the usual tools is installed. A
service that is not running but can be started by the bus is started by asking.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from posture_monitor.telling.notify import PATIENCE_S, ChannelError

SERVICE: Final = "org.freedesktop.Notifications"
OBJECT: Final = "/org/freedesktop/Notifications"

#: The tools that can call a method on the session bus, and how.
_TOOLS: Final[dict[str, tuple[str, ...]]] = {
    "gdbus": ("call", "--session", "--dest", SERVICE, "--object-path", OBJECT, "--method"),
    "busctl": ("--user", "call", SERVICE, OBJECT, SERVICE),
    "dbus-send": ("--session", "--print-reply", f"--dest={SERVICE}", OBJECT),
}


def capabilities() -> frozenset[str]:
    """Return what the running notification service can do.

    Raises
    ------
    ChannelError
        There is no session bus, no service answers on it, or no tool to ask with.
    """
    answer = _call("GetCapabilities")
    return frozenset(re.findall(r"['\"]([\w-]+)['\"]", answer))


def close(number: int) -> None:
    """Take down the notification of this number, if it is still there."""
    tool = _tool()
    argument = {"gdbus": (str(number),), "busctl": ("u", str(number)), "dbus-send": (f"uint32:{number}",)}[
        tool
    ]
    _call("CloseNotification", *argument)


def escape(text: str, able: frozenset[str]) -> str:
    """Return body text so that a service which reads markup shows it as it is."""
    if "body-markup" not in able:
        return text
    return html.escape(text, quote=False)  # quotes are plain text outside of tags


def _tool() -> str:
    for tool in _TOOLS:
        if shutil.which(tool):
            return tool
    raise ChannelError("there is no tool to ask the desktop with (gdbus, busctl or dbus-send)")


def _call(method: str, *arguments: str) -> str:
    if not os.environ.get("DBUS_SESSION_BUS_ADDRESS") and not _default_bus():
        raise ChannelError("there is no desktop session bus here")
    tool = _tool()
    target = method if tool == "busctl" else f"{SERVICE}.{method}"
    try:
        done = subprocess.run(
            [tool, *_TOOLS[tool], target, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ChannelError("the desktop's notification service does not answer") from error
    except OSError as error:
        raise ChannelError(f"{tool} cannot be run ({error.strerror or error})") from error
    if done.returncode != 0:
        raise ChannelError("no notification service answers on the desktop session bus")
    return done.stdout


def _default_bus() -> bool:
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    return folder != "" and (Path(folder) / "bus").exists()
