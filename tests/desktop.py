"""A real desktop for tests: an X display, a session bus, and dunst showing notifications on it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from waiting import wait_for

NEEDED = ("Xvfb", "dbus-run-session", "dunst", "dunstctl")

#: A session bus that starts nothing by itself, so that a missing daemon stays missing.
BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

DUNSTRC = """[global]
    monitor = 0
    width = 420
    height = 300
    origin = top-right
    offset = 20x20
    font = DejaVu Sans 11
    markup = full
    format = "<b>%s</b>\\n%b"
    min_icon_size = 48
    max_icon_size = 48
    icon_position = left
    frame_width = 1
    frame_color = "#1f6f5c"
    corner_radius = 8
    dmenu = '{chooser}'
    stack_duplicates = no
    show_indicators = yes
    history_length = 50
    idle_threshold = 0

[urgency_normal]
    background = "#ffffff"
    foreground = "#202020"
    timeout = 60
"""


@dataclass
class Desktop:
    """What the test can see and press."""

    folder: Path
    daemon: subprocess.Popen[bytes] | None = None

    def start_dunst(self) -> None:
        command = ["dunst", "-config", str(self.folder / "dunstrc")]
        self.daemon = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers)

    def stop_dunst(self) -> None:
        if self.daemon is not None:
            _stop(self.daemon)
            self.daemon = None

    def _answers(self) -> bool:
        try:
            self.ctl("count", "displayed")
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False
        return True

    def ctl(self, *arguments: str) -> str:
        done = subprocess.run(
            ["dunstctl", *arguments], capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout

    def displayed(self) -> int:
        return int(self.ctl("count", "displayed"))

    def history(self) -> list[dict[str, Any]]:
        """Return what dunst has shown and closed, newest first, fields as plain values."""
        entries = json.loads(self.ctl("history"))["data"][0]
        return [{key: field["data"] for key, field in entry.items()} for entry in entries]

    def shown(self) -> list[dict[str, Any]]:
        """Close everything on the screen and return the history."""
        self.ctl("close-all")
        wait_for(lambda: self.displayed() == 0)
        return self.history()

    def press(self, label: str) -> None:
        """Press the button of this label on the newest notification."""
        (self.folder / "wanted").write_text(label, encoding="utf-8")
        self.ctl("context")

    def click(self) -> None:
        """Click the newest notification itself."""
        self.ctl("action", "0")

    def screenshot(self, path: Path) -> None:
        subprocess.run(["import", "-window", "root", str(path)], check=True, timeout=30)


@contextlib.contextmanager
def desktop(folder: Path, *, dunst: bool = True) -> Iterator[Desktop]:
    """Give a desktop of its own, as the surrounding environment, until the end of the block.

    Parameters
    ----------
    folder
        For its settings.
    dunst
        Start the notification daemon; without it there is a bus on which nobody answers.
    """
    for tool in NEEDED:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    (folder / "bus.conf").write_text(BUS)
    chooser = folder / "choose"
    chooser.write_text(f"#!/bin/sh\nexec grep -F -m 1 -- \"$(cat '{folder}/wanted')\"\n")
    chooser.chmod(0o755)
    (folder / "dunstrc").write_text(DUNSTRC.format(chooser=chooser))
    with contextlib.ExitStack() as stack:
        display = virtual_display(stack)
        environment = {**os.environ, "DISPLAY": display, "HOME": str(folder)}
        environment.pop("DBUS_SESSION_BUS_ADDRESS", None)
        command = ["dbus-run-session", "--config-file", str(folder / "bus.conf"), "--", "sh", "-c"]
        # It lives until its standard input is closed, and the bus with it.
        command.append("echo $DBUS_SESSION_BUS_ADDRESS; exec cat")
        bus = stack.enter_context(
            subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        )
        assert bus.stdout is not None
        address = bus.stdout.readline().strip()
        patch = {"DISPLAY": display, "DBUS_SESSION_BUS_ADDRESS": address}
        stack.enter_context(mock.patch.dict(os.environ, patch))
        desk = Desktop(folder)
        if dunst:
            desk.start_dunst()
        stack.callback(desk.stop_dunst)
        yield desk


def virtual_display(stack: contextlib.ExitStack) -> str:
    """Start an X server that draws into memory, until the stack is left; return its name."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x600x24", "-nolisten", "tcp"]
    server = stack.enter_context(subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL))
    stack.callback(_stop, server)
    os.close(write)
    with os.fdopen(read) as answer:
        return f":{answer.readline().strip()}"


def _stop(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
