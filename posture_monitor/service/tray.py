"""The tray icon's process, started and ended with the service; without a tray nothing is lost."""

from __future__ import annotations

import importlib.util
import logging
import os
import subprocess
import sys

from posture_monitor.children import python

log = logging.getLogger(__name__)


class Tray:
    """Runs ``posture-monitor tray`` for as long as the ``with`` block lasts, where that is possible.

    Parameters
    ----------
    wanted
        Whether the user wants one.
    """

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Tray:
        if self._wanted and possible():
            try:
                self._process = subprocess.Popen(
                    python("-m", "posture_monitor", "tray"),
                    env=dict(os.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            except OSError as error:
                log.warning("no tray icon: %s", error)
        return self

    @property
    def pid(self) -> int | None:
        """Of the tray's process, while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def __exit__(self, *exc: object) -> None:
        process, self._process = self._process, None
        # Ended by force it would leave its icon behind on Windows; it goes by itself when we have gone.
        if process is None or process.poll() is not None or sys.platform == "win32":
            return
        process.terminate()
        try:
            process.wait(2.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def possible() -> bool:
    """Return whether there is a screen, and the extra that draws on it."""
    screen = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return screen and importlib.util.find_spec("PySide6") is not None
