"""Pages in the user's browser, opened in processes of their own."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import webbrowser
from pathlib import Path

from posture_monitor import outside
from posture_monitor.children import python
from posture_monitor.errors import UserError


def open_report(date: dt.date) -> None:
    """Make the page of a day and open it, in a process of its own: the camera is not kept waiting.

    Raises
    ------
    UserError
        No process can be started.
    """
    _start(*python("-m", "posture_monitor", "report", date.isoformat(), "--open"))


def show(page: Path) -> None:
    """Open a page in the user's browser.

    Raises
    ------
    UserError
        There is no browser, or no process can be started.
    """
    try:
        webbrowser.get()
    except webbrowser.Error:
        raise UserError(f"found no browser to open {page} with; open it by hand") from None
    page = page.resolve()
    # Windows takes the letters beyond ASCII in an address of a file for others, and finds none.
    address = str(page) if sys.platform == "win32" else page.as_uri()
    _start(*python("-m", "webbrowser", address))


def _start(*command: str) -> None:
    # With the user's own settings of the network: see `sensing.pose` on what a child would inherit.
    try:
        subprocess.Popen(
            outside.command(command),
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise UserError(f"the page cannot be opened: {error.strerror or error}") from error
