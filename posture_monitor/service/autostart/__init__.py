"""Starting with the desktop: written where this system looks for it, and taken away without a trace.

One module for each way: a systemd user unit where systemd brings the desktop
up, an XDG autostart entry elsewhere on Linux, a launchd agent on macOS, a file
in the Startup folder on Windows. All of them run the same program as ``start``.
"""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from posture_monitor import paths
from posture_monitor.children import ELSEWHERE
from posture_monitor.errors import UserError
from posture_monitor.whole_file import replacing


@dataclass(frozen=True)
class Program:
    """What is to be started.

    Attributes
    ----------
    command
        The program and its arguments.
    folders
        What it writes: its data and its settings.
    environment
        What it has to be told beside that.
    network
        Whether its pictures come over the network.
    """

    command: tuple[str, ...]
    folders: tuple[Path, ...]
    environment: Mapping[str, str]
    network: bool


class Way(ABC):
    """One way to start with the desktop: by a file alone, unless it says otherwise."""

    name: str

    def works(self) -> bool:
        """Say whether it starts anything on this desktop, as far as that can be asked."""
        return True

    @abstractmethod
    def path(self) -> Path:
        """Return the file that does it."""

    @abstractmethod
    def texts(self, program: Program) -> tuple[str, ...]:
        """Return what may stand in that file, best first."""

    def takes(self, text: str) -> bool:
        """Say whether this system can do with one of these."""
        return True

    def switch_on(self) -> None:
        """Let the system know of the file, once it is written; `UserError` where it does not take it."""
        return

    def switch_off(self) -> None:
        """Let the system forget the file, before it is removed; what runs goes on until it is stopped."""
        return

    def switched_on(self) -> bool:
        """Say whether the system would start what the file says."""
        return self.path().exists()


@dataclass(frozen=True)
class State:
    """How the program starts with the desktop.

    Attributes
    ----------
    way
        Name of the way; empty where it does not.
    file
        What does it; None where nothing does.
    current
        Whether that file says what `enable` would write now.
    on
        Whether the system would start it.
    """

    way: str = ""
    file: Path | None = None
    current: bool = False
    on: bool = False

    @property
    def enabled(self) -> bool:
        """Whether this program, as it is now, starts with the desktop."""
        return self.on and self.current


def ways() -> tuple[Way, ...]:
    """Return the ways of this system, best first."""
    from posture_monitor.service.autostart import launchd, systemd, windows, xdg

    if sys.platform == "darwin":
        return (launchd.Launchd(),)
    if sys.platform == "win32":
        return (windows.Startup(),)
    return (systemd.Systemd(), xdg.Xdg())


def this_program() -> Program:
    """Return this very program, in its own environment and with its own folders."""
    from posture_monitor.config import load_config
    from posture_monitor.service.background import PROGRAM

    # At login it is started in the user's own folder, whose files are none of its modules.
    program, *arguments = PROGRAM
    command = (program, *ELSEWHERE, *arguments)
    folders = tuple(dict.fromkeys((paths.data_dir().absolute(), paths.config_file().parent.absolute())))
    return Program(command, folders, paths.home_environment(), "://" in load_config().camera.source)


def enable() -> State:
    """Start with the desktop from the next login on; a second time changes nothing.

    Raises
    ------
    UserError
        The file cannot be written, or the system does not take it.
    """
    chosen, *others = sorted(ways(), key=lambda way: not way.works())
    program = this_program()
    for folder in program.folders:
        paths.make_private(folder)
    texts = chosen.texts(program)
    _write(chosen.path(), next((text for text in texts if chosen.takes(text)), texts[-1]))
    chosen.switch_on()
    for other in others:  # not before: where this one cannot be had, the one that there was goes on
        _take_away(other)
    return status()


def disable() -> list[Path]:
    """Start with the desktop no more; return the files that were removed."""
    removed = [way.path() for way in ways() if _take_away(way)]
    if removed:
        # Folders that were made for the unit to write into, and stayed empty.
        for folder in (paths.config_file().parent, paths.data_dir()):
            _remove_empty(folder, 3)
    return removed


def status() -> State:
    """Return how the program starts with the desktop."""
    program = this_program()
    for way in ways():
        if os.path.exists(way.path()):
            return State(way.name, way.path(), _is_current(way, program), way.switched_on())
    return State()


def describe(state: State) -> str:
    """Return a state in one line."""
    if state.file is None:
        return "It does not start by itself; `posture-monitor autostart enable` changes that."
    where = f"{state.way}: {state.file}"
    if not state.current:
        renew = "`posture-monitor autostart enable` renews it"
        return f"Not written by this program as it is now ({where}); {renew}."
    if not state.on:
        return f"Switched off on this desktop ({where}); `posture-monitor autostart enable` switches it on."
    return f"It starts at each login ({where})."


def _is_current(way: Way, program: Program) -> bool:
    """Return whether the file of a way starts this program; else it is of another, or of an older one."""
    try:
        return way.path().read_bytes().decode() in way.texts(program)
    except (OSError, UnicodeDecodeError):
        return False


def _write(path: Path, text: str) -> None:
    """Write the file in one go, so that no half of it is ever read at a login."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, mode=0o644) as file:
            file.write(text.encode())
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}; make that folder writable, "
            "or start it yourself with `posture-monitor start`"
        ) from error


def _take_away(way: Way) -> bool:
    """Remove what a way has written; return whether there was anything."""
    path = way.path()
    if not os.path.lexists(path):
        return False
    way.switch_off()
    try:
        path.unlink()
    except OSError as error:
        raise UserError(
            f"cannot remove {path}: {error.strerror or error}; remove it yourself, then log in again"
        ) from error
    if sys.platform != "win32":  # where the Startup folder is the system's own
        _remove_empty(path.parent, 3)
    return True


def _remove_empty(folder: Path, levels: int) -> None:
    """Remove a folder that holds nothing, and up to so many in all; a home stays, empty or not."""
    for empty in (folder, *folder.parents)[:levels]:
        if empty == Path.home():
            return
        try:
            empty.rmdir()
        except OSError:
            return
