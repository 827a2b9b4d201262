"""Starting what is the user's, and not ours, from within the unit that shuts the monitor in.

The systemd unit of `autostart` may not make code at run time, write into the
home folder or look into other programs. A browser could not live like that, so
it is started beside the unit, by the user's own manager.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from typing import Final

#: Set in the unit alone.
MARK: Final = "POSTURE_MONITOR_UNIT"


def shut_in() -> bool:
    """Say whether this process runs in our unit, and there is a way to start things beside it."""
    return bool(os.environ.get(MARK)) and shutil.which("systemd-run") is not None


def command(wanted: Sequence[str], *, wait: bool = False) -> list[str]:
    """Return a command that starts another one as if it were the user's own; unchanged outside of the unit.

    Parameters
    ----------
    wanted
        The command and its arguments.
    wait
        Hand on its output, and end when it ends.
    """
    if not shut_in():
        return list(wanted)
    how = ["--pipe", "--wait"] if wait else []
    return ["systemd-run", "--user", "--quiet", "--collect", *how, "--", *wanted]
