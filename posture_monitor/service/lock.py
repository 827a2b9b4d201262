"""One monitor for each user, guaranteed by the operating system.

The lock is on an open file: it goes when the process goes, however it ends. What
is written in the file (who holds it, and how it was started) is information
only; nothing is decided by it while the lock is free.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from posture_monitor import paths
from posture_monitor.errors import UserError

#: Somebody who only looks holds the lock for an instant; it is tried again for this long.
_PATIENCE_S = 0.3
#: Where Windows locks a byte that nobody needs to read; LOCKFILE_FAIL_IMMEDIATELY, LOCKFILE_EXCLUSIVE_LOCK.
_FAR = 1 << 30
_AT_ONCE, _ALONE = 1, 2


@dataclass(frozen=True)
class Holder:
    """Who holds the lock.

    Attributes
    ----------
    pid
        Process id; 0 where it is not known (yet).
    arguments
        What it was started with, after the program's name.
    folder
        Where it was started: what relative paths in `arguments` start from.
    """

    pid: int = 0
    arguments: tuple[str, ...] = ()
    folder: str = ""


class AlreadyRunning(UserError):  # noqa: N818 - a state of things, told to the user
    """Another monitor of this user is running."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        who = f" (process {pid})" if pid else ""
        super().__init__(f"already running{who}; `posture-monitor stop` ends it")


class Lock:
    """Held by the one running monitor, from ``with Lock():`` to its end.

    Raises
    ------
    AlreadyRunning
        Another process holds it.
    UserError
        The file cannot be used.
    """

    def __init__(self) -> None:
        self._path = paths.lock_file()
        self._file = -1
        #: Whether the file says who holds it.
        self._said = False
        told = {"pid": os.getpid(), "arguments": sys.argv[1:], "folder": str(Path.cwd())}
        self._told = json.dumps(told).encode()

    def __enter__(self) -> Lock:
        self._hold()
        return self

    def renew(self) -> None:
        """Hold it anew where its file was deleted meanwhile: who asks for the monitor looks there.

        What there was no room to write in it is written once there is some.

        Raises
        ------
        AlreadyRunning
            Another process was quicker.
        UserError
            The file cannot be made at the moment.
        """
        if self._is_found(self._file):
            if not self._said:
                self._tell(self._told)
            return
        before = self._file
        try:
            self._hold()
        except AlreadyRunning:
            if not self._is_found(self._file):  # else it is back, and held by us
                raise
        else:
            os.close(before)

    def _hold(self) -> None:
        paths.make_private(self._path.parent)
        until_s = time.monotonic() + _PATIENCE_S
        while not self._take():
            if time.monotonic() > until_s:
                found = _read(self._path)
                raise AlreadyRunning(found.pid)
            time.sleep(0.02)
        self._tell(self._told)

    def __exit__(self, *exc: object) -> None:
        self._tell(b"-")
        os.close(self._file)

    def _tell(self, what: bytes) -> None:
        """Write over what the file says; never empty it keeps its room, which a full disk may not give again.

        Where there is none nothing is told, and the lock holds all the same.
        """
        try:
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, what)
            os.ftruncate(self._file, len(what))
            self._said = True
        except OSError:
            self._said = False
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)  # rather than who held it before

    def _take(self) -> bool:
        file = -1
        try:
            # Python opens files so that no program started from here inherits them.
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            taken = _grab(file, alone=True)
        except OSError as error:
            if file >= 0:
                os.close(file)
            raise UserError(
                f"cannot use the lock {self._path}: {error.strerror or error}; "
                "make it writable or set POSTURE_MONITOR_HOME to another folder"
            ) from error
        # The file may have been deleted in between: a lock on what nobody finds guards nothing.
        if taken and self._is_found(file):
            self._file = file
            return True
        os.close(file)
        return False

    def _is_found(self, file: int) -> bool:
        """Return whether an open file is the one that is found by its name."""
        # Windows deletes none that is open, and does not always give both the same numbers.
        if sys.platform == "win32":
            return True
        try:
            return os.path.samestat(os.fstat(file), self._path.stat())
        except OSError:
            return False


def holder() -> Holder | None:
    """Return who holds the lock; None where nobody does."""
    path = paths.lock_file()
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        return None if _grab(file, alone=False) else _read(path)
    finally:
        os.close(file)


def _read(path: Path) -> Holder:
    try:
        told = json.loads(path.read_bytes())
        return Holder(int(told["pid"]), tuple(map(str, told["arguments"])), str(told["folder"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Holder()


if sys.platform == "win32":
    import ctypes
    import msvcrt

    from posture_monitor.dll import dll

    class _Place(ctypes.Structure):
        """``OVERLAPPED``, of which `LockFileEx` reads where to begin."""

        _fields_ = (
            *(("internal", ctypes.c_size_t), ("internal_high", ctypes.c_size_t)),
            *(("offset", ctypes.c_uint32), ("offset_high", ctypes.c_uint32)),
            ("event", ctypes.c_void_p),
        )

    def _grab(file: int, *, alone: bool) -> bool:
        """Take the lock of an open file; those who only look do so together."""
        take = dll("kernel32").LockFileEx
        take.argtypes = (ctypes.c_void_p, *[ctypes.c_uint32] * 4, ctypes.c_void_p)
        how = _AT_ONCE | _ALONE if alone else _AT_ONCE
        place = _Place(offset=_FAR)
        return bool(take(msvcrt.get_osfhandle(file), how, 0, 1, 0, ctypes.byref(place)))

else:
    import fcntl

    def _grab(file: int, *, alone: bool) -> bool:
        """Take the lock of an open file; those who only look do so together."""
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
