"""How this program starts Python once more, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import posture_monitor


def python(*arguments: str) -> list[str]:
    """Return a command that runs Python with these arguments.

    ``python -m`` would first look for modules in the folder that the user happens to be in, and so run
    a file there that is called like one of Python's own. It is told not to, from Python 3.11 on, which
    is the first that can be.
    """
    # In a copy of the source that is not installed the package itself lies there.
    its_own = str(Path(posture_monitor.__file__).parents[1])
    with contextlib.suppress(OSError):
        if sys.version_info >= (3, 11) and os.getcwd() != its_own:
            return [sys.executable, "-P", *arguments]
    return [sys.executable, *arguments]
