"""Who else uses the camera: told by the kernel when somebody opens its device, so that calls come first.

Linux alone has device nodes that can be watched; elsewhere nobody is ever seen.
What belongs to other users of the machine, or hides from its own user, is not
seen either.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import re
import select
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from posture_monitor import outside

log = logging.getLogger(__name__)

_PROC = Path("/proc")

# From <sys/inotify.h>.
_OPEN, _CLOSE = 0x20, 0x18
_CREATE, _MOVED_TO, _DELETE, _MOVED_FROM = 0x100, 0x80, 0x200, 0x40
_NONBLOCK, _CLOEXEC = getattr(os, "O_NONBLOCK", 0), getattr(os, "O_CLOEXEC", 0)
_EVENT = struct.Struct("iIII")

#: Desktops look at every camera for a moment to list it; who closes it within this time is not using it.
SETTLE_S = 0.05
#: Where the kernel tells nothing, it is asked this often.
_ASK_S = 2.0


def holders(node: str, own: Collection[int] = ()) -> list[str]:
    """Return the names of other programs that hold the device node open, as far as this user may see them.

    Parameters
    ----------
    node
        Such as ``/dev/video0``; ``""`` is held by nobody.
    own
        Numbers of processes that do not count; this process never does.
    """
    if not node:
        return []
    there = os.path.realpath(node)
    found = _found_outside(there) if outside.shut_in() else _found(there)
    return sorted({_name(pid) for pid in found if pid != os.getpid() and pid not in own})


def _found(there: str) -> Iterator[int]:
    """Yield the processes that hold a file open, as far as this process may look into them."""
    for process in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # gone meanwhile, or somebody else's
            with os.scandir(process / "fd") as handles:
                holds = any(os.readlink(handle.path) == there for handle in handles)
            if holds:
                yield int(process.name)


def _found_outside(there: str) -> Iterator[int]:
    """Yield them from within our systemd unit, from where no other process can be looked into."""
    search = ["find", "/proc", "-mindepth", "3", "-maxdepth", "3", "-path", "/proc/[0-9]*/fd/*"]
    command = outside.command([*search, "-lname", there, "-printf", "%h\\n"], wait=True)
    try:
        # Its status tells only that some could not be read.
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_S * 2).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        log.warning("cannot see who uses the camera: %s", error)
        return
    for line in answer.splitlines():
        if found := re.fullmatch(r"/proc/(\d+)/fd", line.strip()):
            yield int(found[1])


def _name(pid: int) -> str:
    process = _PROC / str(pid)
    with contextlib.suppress(OSError):
        if name := (process / "comm").read_text(encoding="utf-8", errors="replace").strip():
            return name
    return f"process {pid}"


class CameraWatch:
    """Tells when another program opens the camera, and when none holds it any more.

    Parameters
    ----------
    node
        Such as ``/dev/video0``. It may be missing, and come and go.
    on_change
        Called on a thread of its own with True when another program holds the
        node open, with False when none does any more. Nobody holding it is not
        told at the start.
    own
        Returns the numbers of processes that do not count, such as the own eye.
    on_node
        Called with whether the node is there, when that changes.
    """

    def __init__(
        self,
        node: str,
        on_change: Callable[[bool], None],
        own: Callable[[], Collection[int]],
        *,
        on_node: Callable[[bool], None],
    ) -> None:
        self._node = node
        self._on_change, self._on_node, self._own = on_change, on_node, own
        self._held, self._there = False, False
        self._thread: threading.Thread | None = None
        self._wake: tuple[int, int] | None = None

    def start(self) -> None:
        """Begin to watch; what holds the node already is told at once."""
        if self._node and sys.platform.startswith("linux"):
            self._there = os.path.exists(self._node)
            self._wake = os.pipe()
            self._thread = threading.Thread(
                target=self._watch, args=(self._wake[0],), name="camera users", daemon=True
            )
            self._thread.start()

    def close(self) -> None:
        """End watching. Safe to call twice, and from `on_change`."""
        wake, self._wake = self._wake, None
        if wake is None or self._thread is None:
            return
        os.close(wake[1])
        if self._thread is not threading.current_thread():
            self._thread.join(timeout=2.0)

    def _watch(self, closed: int) -> None:
        try:
            with _Inotify() as kernel:
                mine = Path(self._node).name
                folder = kernel.add(str(Path(self._node).parent), _CREATE | _MOVED_TO | _DELETE | _MOVED_FROM)
                kernel.add(self._node, _OPEN | _CLOSE)
                seen = self._look()
                while not kernel.wait(None if folder >= 0 and seen else _ASK_S, closed):
                    # What else comes and goes in the folder is no matter of ours.
                    news = [watched != folder or name == mine for watched, _, name in kernel.events()]
                    if folder >= 0 and seen and not any(news):
                        continue
                    if select.select([closed], [], [], SETTLE_S)[0]:
                        break
                    kernel.events()
                    # A camera that was plugged in anew has another file under the old name.
                    kernel.add(self._node, _OPEN | _CLOSE)
                    seen = self._look()
        finally:
            os.close(closed)

    def _look(self) -> bool:
        """Tell what has changed; return whether it could be seen."""
        there = os.path.exists(self._node)
        try:
            held = there and bool(holders(self._node, self._own()))
        except OSError as error:  # as where no more files may be open: what was so is taken to be so still
            log.debug("cannot see who uses the camera: %s", error)
            return False
        if there != self._there:
            self._there = there
            self._call(self._on_node, there)
        if held != self._held:
            self._held = held
            self._call(self._on_change, held)
        return True

    def _call(self, told: Callable[[bool], None], value: bool) -> None:
        try:
            told(value)
        except Exception:  # the watch goes on whatever its listener does
            log.exception("could not pass on that the camera is %s", "in use" if value else "free")


class _Inotify:
    """The kernel's notices of what happens to files; where it gives none, a wait simply takes its time."""

    def __init__(self) -> None:
        self._fd = -1
        with contextlib.suppress(OSError, AttributeError):
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._fd = self._libc.inotify_init1(_NONBLOCK | _CLOEXEC)

    def __enter__(self) -> _Inotify:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def add(self, path: str, mask: int) -> int:
        """Watch a file or folder; return the watch's number, or a negative one where there is none."""
        if self._fd < 0:
            return -1
        return int(self._libc.inotify_add_watch(self._fd, os.fsencode(path), mask))

    def wait(self, limit_s: float | None, closed: int) -> bool:
        """Wait for notices; return whether the descriptor `closed` ended the wait."""
        reading = [fd for fd in (self._fd, closed) if fd >= 0]
        return closed in select.select(reading, [], [], limit_s)[0]

    def events(self) -> list[tuple[int, int, str]]:
        """Return what happened: number of the watch, what, and to which name in a watched folder."""
        found: list[tuple[int, int, str]] = []
        try:
            data = os.read(self._fd, 64 << 10) if self._fd >= 0 else b""
        except OSError:  # nothing happened
            return found
        at = 0
        while at + _EVENT.size <= len(data):
            watched, mask, _, length = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            found.append((watched, mask, os.fsdecode(data[at : at + length].rstrip(b"\0"))))
            at += length
        return found
