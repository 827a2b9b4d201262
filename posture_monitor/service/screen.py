"""Is there a desktop to open a window on? Asked of another process, since Qt ends the one it fails in."""

from __future__ import annotations

import functools
import importlib.util
import os
import subprocess
import sys
from typing import Final

from posture_monitor.children import python

#: Qt aborts the process where a library of its platform or the display is missing.
_PROBE: Final = (
    "from PySide6.QtWidgets import QApplication; app = QApplication([]); "
    "raise SystemExit(0 if app.primaryScreen() else 3)"
)
_PROBE_S: Final = 20.0
#: Nothing is amiss then: windows are not to be had over ssh or in a container.
NO_SCREEN: Final = "there is no screen here"
#: What Qt itself needs; of these there must be no stand-in in this process.
_QT_NEEDS: Final = {"libEGL.so.1", "libGL.so.1", "libglib-2.0.so.0", "libgthread-2.0.so.0", "libxcb.so.1"}
#: How Linux, Qt on it, Windows and macOS tell of a library that is not there.
_MISSING: Final = ("cannot open shared object", "is needed", "DLL load failed", "dlopen(")
_LIBRARIES = (
    "on Debian or Ubuntu run `sudo apt install libegl1 libgl1 libfontconfig1 libdbus-1-3 libxkbcommon-x11-0 "
    "libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 "
    "libxcb-shape0 libxcb-xkb1`"
)
if not sys.platform.startswith("linux"):
    _LIBRARIES = f"run `{sys.executable} -m pip install --force-reinstall PySide6-Essentials`"


@functools.cache
def why_no_window() -> str:
    """Return in one line why no window can be opened; ``""`` where one can.

    Call it before anything imports OpenCV or MediaPipe: Qt must find the real
    libraries and not the stand-ins of `sensing.graphics`.
    """
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY")
        or os.environ.get("WAYLAND_DISPLAY")
        or os.environ.get("QT_QPA_PLATFORM") == "offscreen"
    ):
        return NO_SCREEN
    if importlib.util.find_spec("PySide6") is None:
        return "a window needs PySide6: pip install 'posture-monitor[gui]'"
    if "cv2" in sys.modules:
        from posture_monitor.sensing.graphics import provide_graphics

        if _QT_NEEDS.intersection(provide_graphics()):
            return f"this desktop lacks libraries that a window needs; {_LIBRARIES}"
    try:
        probe = subprocess.run(
            python("-c", _PROBE),
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"a window cannot be opened ({error})"
    if probe.returncode == 0:
        return ""
    lines = [line for line in probe.stderr.splitlines() if line.strip()]
    if any("could not connect to display" in line for line in lines):
        return "the screen cannot be reached"
    missing = next((line for line in lines if any(words in line for words in _MISSING)), "")
    told = missing.rpartition("ImportError: ")[2].partition(": cannot open")[0].strip()
    return f"a window cannot be opened ({told or 'Qt does not start'}); {_LIBRARIES}"
