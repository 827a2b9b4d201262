"""Notifications through plyer: Windows, macOS, and Linux with notify-send.

On Windows plyer shows nothing of a text that is longer than the system's, from a
thread whose error nobody hears: text is cut. On macOS it needs a package of its own,
and the system's script language does the same.

On Linux plyer calls ``notify-send`` without looking at its exit status, drops the
time to show it for, and cannot pass text that begins with ``-``. There, the same
command is called here, with all of that put right, and only after the desktop's
notification service has answered.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Sequence
from typing import Final

from posture_monitor.telling.channels import freedesktop
from posture_monitor.telling.notify import PATIENCE_S, SHOWN_FOR_S, Channel, ChannelError, Sent
from posture_monitor.telling.words import APP_NAME, ICON, Text

#: So many UTF-16 units Windows takes of a title and of a body (NOTIFYICONDATAW, without the closing zero).
_TITLE_UNITS: Final = 63
_BODY_UNITS: Final = 255
_SCRIPT: Final = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run"


class Plyer(Channel):
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
        if sys.platform == "darwin":
            if not shutil.which("osascript"):
                raise ChannelError("osascript is missing")
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
        if sys.platform == "darwin":
            done = _run("osascript", "-e", _SCRIPT, text.title, text.body)
            if done.returncode != 0:
                raise ChannelError(f"osascript failed: {_last_line(done.stderr)}")
            return Sent(f"plyer-x{next(self._numbers)}", self.name)
        import plyer

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                plyer.notification.notify(
                    title=cut(text.title, _TITLE_UNITS),
                    message=cut(text.body, _BODY_UNITS),
                    app_name=APP_NAME,
                    timeout=SHOWN_FOR_S,
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
        # Gone already, it may be: the user closed it or the desktop's service went away.
        with contextlib.suppress(ChannelError):
            freedesktop.close(number)

    def _notify_send(self, text: Text, replaces: int | None) -> str:
        able = freedesktop.capabilities()
        # Before version 0.8 it could neither replace, nor tell the number, nor take a yes or no as a hint.
        known = _run("notify-send", "--help").stdout
        wanted = {"--icon": str(ICON), "--app-name": APP_NAME, "--expire-time": str(SHOWN_FOR_S * 1000)}
        if not self._sound and "boolean" in known:
            wanted["--hint"] = "boolean:suppress-sound:true"
        if replaces is not None:
            wanted["--replace-id"] = str(replaces)
        options = [f"{name}={value}" for name, value in wanted.items() if name in known]
        options += ["--print-id"] if "--print-id" in known else []
        # It reads backslash escapes in the body, such as \n.
        body = freedesktop.escape(text.body, able).replace("\\", "\\\\")
        done = _run("notify-send", *options, "--", text.title, body)
        if done.returncode != 0:
            raise ChannelError(f"notify-send failed: {_last_line(done.stderr)}")
        number = done.stdout.strip()
        return f"plyer-{number}" if number.isdigit() else f"plyer-x{next(self._numbers)}"


def cut(text: str, units: int) -> str:
    """Return text that takes at most so many UTF-16 units, and ends in … where some is left out."""
    taken = list(itertools.accumulate(1 + (ord(letter) > 0xFFFF) for letter in text))
    if not taken or taken[-1] <= units:
        return text
    return text[: sum(end < units for end in taken)].rstrip() + "…"


def _last_line(said: str) -> str:
    return next(reversed(said.strip().splitlines()), "it says nothing")


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE_S,
            check=False,
            # In the C locale it refuses every character beyond ASCII; in English its help can be read.
            env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en"},
        )
    except subprocess.TimeoutExpired as error:
        raise ChannelError(f"{program} does not return") from error
    except OSError as error:
        raise ChannelError(f"{program} cannot be started ({error.strerror or error})") from error


def _linux() -> bool:
    return sys.platform.startswith("linux")


def _number(sent_id: str | None) -> int | None:
    """Return the desktop's own number of a notification sent here."""
    number = (sent_id or "").removeprefix("plyer-")
    return int(number) if number.isdigit() else None
