"""The tray icon's process, started and ended with the service; without a tray nothing is lost."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

from posture_monitor.children import python

log = logging.getLogger(__name__)


@contextlib.contextmanager
def tray_icon(*, wanted: bool) -> Iterator[subprocess.Popen[bytes] | None]:
    """Run ``posture-monitor tray`` until the end of the block, where the user wants it and it is possible."""
    process = _begun() if wanted and possible() else None
    try:
        yield process
    finally:
        # Ended by force it would leave its icon behind on Windows; it goes by itself when we have gone.
        if process is not None and sys.platform != "win32":
            process.terminate()
            try:
                process.wait(2.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _begun() -> subprocess.Popen[bytes] | None:
    try:
        return subprocess.Popen(
            python("-m", "posture_monitor", "tray"),
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError as error:
        log.warning("no tray icon: %s", error)
        return None


def possible() -> bool:
    """Return whether there is a screen, and the extra that draws on it."""
    screen = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    return screen and importlib.util.find_spec("PySide6") is not None
