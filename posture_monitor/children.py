"""How this program starts Python once more, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import posture_monitor

#: Has Python look for no module in the folder that it is started in; it can be told so from 3.11 on.
ELSEWHERE = ("-P",) if sys.version_info >= (3, 11) else ()

_HANDED_OVER: Final = "POSTURE_MONITOR_ARGUMENTS"


def python(*arguments: str) -> list[str]:
    """Return a command that runs Python with these arguments.

    ``python -m`` would first look for modules in the folder that the user happens to be in, and so run
    a file there that is called like one of Python's own. It is told not to (`ELSEWHERE`).
    """
    # In a copy of the source that is not installed the package itself lies there.
    its_own = str(Path(posture_monitor.__file__).parents[1])
    with contextlib.suppress(OSError):
        if os.getcwd() != its_own:
            return [sys.executable, *ELSEWHERE, *arguments]
    return [sys.executable, *arguments]


def handing_over(arguments: Sequence[str]) -> dict[str, str]:
    """Return an environment in which a child finds arguments that are not on its command line.

    A command line is for every user of the machine to read, and an address may hold a password.
    """
    return {**os.environ, _HANDED_OVER: json.dumps(arguments)}


def take_over() -> None:
    """Put what was handed over to this process behind its arguments; its own children do not get it."""
    sys.argv += json.loads(os.environ.pop(_HANDED_OVER, "[]"))
