"""Notifications through plyer: Windows, macOS, and Linux with notify-send.

On Linux plyer calls ``notify-send`` without looking at its exit status, drops the
time to show it for, and cannot pass text that begins with ``-``. There, the same
command is called here, with all of that put right, and only after the desktop's
notification service has answered.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from posture_monitor.telling.channels import freedesktop
from posture_monitor.telling.notify import Action, ChannelError, Sent
from posture_monitor.telling.words import APP_NAME, Text

ICON: Final = Path(__file__).parent.parent / "icon.png"
_SHOWN_FOR_S: Final = 20
_PATIENCE_S: Final = 5.0


class Plyer:
    """No buttons; can be withdrawn on Linux only."""

    name = "plyer"

    def __init__(self, *, sound: bool = False) -> None:
        self._sound = sound
        self._numbers = itertools.count(1)

    def check(self) -> None:
        """Raise `ChannelError` unless something is there to show notifications."""
        if _linux():
            freedesktop.capabilities()
            if not shutil.which("notify-send"):
                raise ChannelError("notify-send is not installed (package libnotify-bin)")
            return
        try:
            import plyer

            _ = plyer.notification.notify
        except Exception as error:
            raise ChannelError(f"plyer does not work here ({error})") from error

    def send(self, text: Text, *, replace_id: str | None = None, buttons: Sequence[str] = ()) -> Sent:
        """Show it; see `notify.Channel.send`."""
        if _linux():
            return Sent(self._notify_send(text, _number(replace_id)), self.name)
        import plyer

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                plyer.notification.notify(
                    title=text.title, message=text.body, app_name=APP_NAME, timeout=_SHOWN_FOR_S
                )
        # plyer lets through whatever the platform's own library raises.
        except Exception as error:
            raise ChannelError(f"plyer could not show it ({error or type(error).__name__})") from error
        return Sent(f"plyer-x{next(self._numbers)}", self.name)

    def withdraw(self, sent_id: str) -> None:
        """Take it down, on Linux."""
        number = _number(sent_id)
        if number is None:
            return
        try:
            freedesktop.close(number)
        except ChannelError:
            # Gone already: the user closed it or the desktop's service went away.
            return

    def poll(self) -> list[Action]:
        """Return nothing: there are no buttons."""
        return []

    def close(self) -> None:
        """Do nothing."""

    def _notify_send(self, text: Text, replaces: int | None) -> str:
        able = freedesktop.capabilities()
        # Before version 0.8 it could neither replace, nor tell the number, nor take a yes or no as a hint.
        known = _run("--help").stdout
        wanted = {"--icon": str(ICON), "--app-name": APP_NAME, "--expire-time": str(_SHOWN_FOR_S * 1000)}
        if not self._sound and "boolean" in known:
            wanted["--hint"] = "boolean:suppress-sound:true"
        if replaces is not None:
            wanted["--replace-id"] = str(replaces)
        options = [f"{name}={value}" for name, value in wanted.items() if name in known]
        options += ["--print-id"] if "--print-id" in known else []
        # It reads backslash escapes in the body, such as \n.
        body = freedesktop.escape(text.body, able).replace("\\", "\\\\")
        done = _run(*options, "--", text.title, body)
        if done.returncode != 0:
            why = done.stderr.strip().splitlines() or ["it says nothing"]
            raise ChannelError(f"notify-send failed: {why[-1]}")
        number = done.stdout.strip()
        return f"plyer-{number}" if number.isdigit() else f"plyer-x{next(self._numbers)}"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["notify-send", *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE_S,
            check=False,
            # In the C locale it refuses every character beyond ASCII; in English its help can be read.
            env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en"},
        )
    except subprocess.TimeoutExpired as error:
        raise ChannelError("notify-send does not return") from error
    except OSError as error:
        raise ChannelError("notify-send is not installed (package libnotify-bin)") from error


def _linux() -> bool:
    return sys.platform.startswith("linux")


def _number(sent_id: str | None) -> int | None:
    """Return the desktop's own number of a notification sent here."""
    number = (sent_id or "").removeprefix("plyer-")
    return int(number) if number.isdigit() else None
