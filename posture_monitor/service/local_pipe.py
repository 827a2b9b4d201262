"""A channel on this machine that only this user can use: a named pipe, for Windows.

It offers what `local_socket` does. The default security descriptor of a named
pipe lets its owner (and administrators) write and everybody else read at most:
who can only read can ask nothing. The first instance of a name is made
exclusively, so that nobody else can stand in for the monitor while it runs.
Only bytes are passed, never pickles.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from multiprocessing import connection
from pathlib import Path
from typing import Any

from posture_monitor.errors import UserError
from posture_monitor.service.protocol import Malformed

#: A reader looks this often whether it is to stop.
_LOOK_EVERY_S = 0.2
#: ERROR_SEM_TIMEOUT and ERROR_PIPE_BUSY: the pipe is there, and nobody takes who comes.
_BUSY = (121, 231)


class Connection:
    """One end of a channel between two processes."""

    #: The system lets nobody else ask.
    same_user = True

    def __init__(self, end: Any) -> None:
        self._end = end
        self._stopped = False

    def read(self, most: int, until_s: float) -> bytes | None:
        """Return one message, as `local_socket.Connection.read` does."""
        while not self._stopped:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            try:
                if self._end.poll(min(left_s, _LOOK_EVERY_S)):
                    return bytes(self._end.recv_bytes(most))
            except (EOFError, BrokenPipeError):
                return None
            except OSError as error:
                # A message that is too long is told apart from a broken pipe by its lack of a number.
                if error.errno is None:
                    raise Malformed(f"a request may be {most} bytes long") from error
                raise
        return None

    def write(self, message: bytes, until_s: float) -> None:
        """Send one message."""
        if time.monotonic() >= until_s:
            raise TimeoutError
        self._end.send_bytes(message)

    def stop_reading(self) -> None:
        """End a `read` that waits."""
        self._stopped = True

    def close(self) -> None:
        """Close this end."""
        self._end.close()


class Listener:
    """The end that others come to."""

    def __init__(self, path: Path) -> None:
        try:
            self._listener = connection.Listener(address(path))
        except OSError as error:
            raise UserError(
                f"another program listens at {address(path)}; `posture-monitor stop` ends it"
            ) from error

    def accept(self) -> Connection | None:
        """Wait for somebody to come."""
        return Connection(self._listener.accept())

    def close(self) -> None:
        """Close it."""
        with contextlib.suppress(OSError):
            self._listener.close()


def connect(path: Path, timeout_s: float) -> Connection:
    """Return a connection to who listens at `path`.

    Parameters
    ----------
    timeout_s
        Not heeded: who listens always has room for one more, and where it hangs Python waits for 20 s.

    Raises
    ------
    TimeoutError
        Somebody listens and lets nobody in.
    OSError
        Nobody listens.
    """
    try:
        return Connection(connection.Client(address(path)))
    except OSError as error:
        if getattr(error, "winerror", None) in _BUSY:
            raise TimeoutError from error
        raise


def address(path: Path) -> str:
    """Return the pipe's name, which stands for the path."""
    if os.name != "nt":
        return os.fspath(path)
    # Windows takes large and small letters for the same.
    folded = os.path.normcase(os.path.abspath(path))
    return rf"\\.\pipe\posture-monitor-{hashlib.sha256(os.fsencode(folded)).hexdigest()[:16]}"
