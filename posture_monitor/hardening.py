"""What the process does without from its first moment on, because it sees pictures of somebody's home."""

from __future__ import annotations

import contextlib


def forbid_core_dumps() -> None:
    """Let no crash write this process's memory, pictures included, to the disk; its children inherit it.

    Where a helper takes the dumps (systemd-coredump, apport), it keeps to the
    same limit. The process stays readable to its own user's tools
    (``PR_SET_DUMPABLE`` is left alone), so that `doctor`, another run and the
    system monitor can still name who holds the camera.
    """
    try:
        import resource
    except ImportError:  # Windows keeps no core dumps
        return
    with contextlib.suppress(OSError, ValueError):  # lower already
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
