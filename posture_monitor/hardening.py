"""What the process does without from its first moment on, because it sees pictures of somebody's home."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

from posture_monitor.dll import dll

#: SEM_FAILCRITICALERRORS and SEM_NOGPFAULTERRORBOX, for `SetErrorMode`.
_NO_REPORT: Final = 0x0001 | 0x0002


def forbid_core_dumps() -> None:
    """Let no crash write this process's memory, pictures included, to the disk; its children inherit it.

    Where a helper takes the dumps (systemd-coredump, apport), it keeps to the
    same limit. The process stays readable to its own user's tools
    (``PR_SET_DUMPABLE`` is left alone), so that `doctor`, another run and the
    system monitor can still name who holds the camera.

    Windows writes no core dumps, but reports of what crashes, which may hold
    memory as well and be sent to its maker; and it may ask the user first, while
    the process that has crashed keeps the camera.
    """
    if sys.platform == "win32":
        kernel = dll("kernel32")
        kernel.SetErrorMode(kernel.GetErrorMode() | _NO_REPORT)
        return
    import resource

    with contextlib.suppress(OSError, ValueError):  # lower already
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
