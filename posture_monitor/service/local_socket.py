"""A channel on this machine that only this user can use: a Unix socket.

A message is one line. `local_pipe` is the same for Windows.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import time
from pathlib import Path
from stat import S_ISVTX

from posture_monitor.errors import UserError
from posture_monitor.paths import make_private
from posture_monitor.service.protocol import Malformed

assert sys.platform != "win32"

#: What is read at once, in bytes.
_PIECE = 65536
#: A listener sees this often whether its socket's file is still there.
CHECK_EVERY_S = 30.0


class Connection:
    """One end of a channel between two processes."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._rest = b""

    @property
    def same_user(self) -> bool:
        """Whether the other end runs as this user; `OSError` where it has left and nobody tells any more."""
        return _peer_uid(self._end) in (os.getuid(), None)

    def read(self, most: int, until_s: float) -> bytes | None:
        """Return one message; None when the other end has finished.

        Parameters
        ----------
        most
            Longest message, in bytes.
        until_s
            Monotonic seconds at which it must be there as a whole.

        Raises
        ------
        Malformed
            The message is longer than `most`.
        TimeoutError
            It is not there in time.
        OSError
            The channel is broken.
        """
        got = self._rest
        while b"\n" not in got and len(got) <= most:
            self._wait_at_most(until_s)
            piece = self._end.recv(_PIECE)
            if not piece:
                # A message without its end is none: the other end was cut off while writing.
                return None
            got += piece
        message, _, self._rest = got.partition(b"\n")
        if len(message) > most:
            raise Malformed(f"a request may be {most} bytes long")
        return message

    def write(self, message: bytes, until_s: float) -> None:
        """Send one message; raises as `read` does."""
        self._wait_at_most(until_s)
        self._end.sendall(message + b"\n")

    def stop_reading(self) -> None:
        """End a `read` that waits; what is being written is finished."""
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _wait_at_most(self, until_s: float) -> None:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._end.settimeout(left_s)


class Listener:
    """The end that others come to.

    Raises
    ------
    UserError
        The folder belongs to somebody else, or another program listens there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._listen()

    def _listen(self) -> None:
        _guard(make_private(self._path.parent))
        _clear(self._path)
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            end.bind(os.fspath(self._path))
            self._path.chmod(0o600)
            end.listen(16)
            self._made = self._path.stat().st_ino
        except OSError as error:
            end.close()
            raise UserError(
                f"cannot listen at {self._path}: {error.strerror or error}; "
                "set POSTURE_MONITOR_HOME to a folder of your own"
            ) from error
        end.settimeout(CHECK_EVERY_S)
        self._end = end

    def accept(self) -> Connection | None:
        """Wait for somebody to come; return None now and then when nobody does."""
        try:
            return Connection(self._end.accept()[0])
        except TimeoutError:
            # What lies about for weeks may be tidied away; nobody would find us any more.
            if not self._path.exists():
                before = self._end
                with contextlib.suppress(UserError):
                    self._listen()
                    before.close()
            return None

    def close(self) -> None:
        """Close it, and remove the socket's file unless another has taken its place."""
        self._end.close()
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._made:
                self._path.unlink()


def connect(path: Path, timeout_s: float) -> Connection:
    """Return a connection to who listens at `path`; raises `OSError` where nobody does."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.settimeout(timeout_s)
        end.connect(os.fspath(path))
    except BaseException:
        end.close()
        raise
    return Connection(end)


def _guard(folder: Path) -> None:
    """See to it that nobody else can put anything into the folder."""
    found = folder.lstat()
    # To close /tmp, which is root's, would stop all others' programs.
    whose = "another user" if found.st_uid != os.getuid() else "everybody" if found.st_mode & S_ISVTX else ""
    if whose:
        raise UserError(
            f"the folder {folder} belongs to {whose}; set POSTURE_MONITOR_HOME to a folder of your own"
        )
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def _clear(path: Path) -> None:
    """Remove the socket that a killed monitor has left, but none at which somebody answers."""
    try:
        connect(path, 1.0).close()
    except FileNotFoundError:
        return
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    else:
        raise UserError(f"another program listens at {path}; `posture-monitor stop` ends it")


def _peer_uid(end: socket.socket) -> int | None:
    """Return the user id of the other end; None where the system does not tell (the folder guards it)."""
    if sys.platform == "linux":
        size = struct.calcsize("3i")
        return int(struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[1])
    if sys.platform == "darwin":
        # LOCAL_PEERCRED at level SOL_LOCAL (0): struct xucred begins with its version and the user id.
        return int(struct.unpack_from("II", end.getsockopt(0, 1, 76))[1])
    return None
