"""The running monitor's end of the control channel."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from posture_monitor.errors import UserError
from posture_monitor.service.protocol import LONGEST_REQUEST, Malformed, accepted, refusal, understood

if sys.platform == "win32":
    from posture_monitor.service.local_pipe import Connection, Listener, connect
else:
    from posture_monitor.service.local_socket import Connection, Listener, connect

log = logging.getLogger(__name__)

#: A request must arrive, and an answer be taken, within this time.
REQUEST_S: Final = 5.0
#: Who was lent the camera holds the connection, silent, at most for so long.
LENT_S: Final = 3600.0
#: So many may be connected at once.
CLIENTS: Final = 8

Handle = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


class Server:
    """Listens, in threads of its own, and hands what is asked to `handle`; close it, or use it in ``with``.

    Parameters
    ----------
    path
        Where to listen; a socket file that nobody listens at any more is
        replaced, so hold the `lock.Lock` when starting.
    handle
        Gets a command of `COMMANDS` and its checked arguments, and returns the
        result; runs in a thread of the server, several at once. It raises
        `UserError` to refuse.

    Raises
    ------
    UserError
        Another program listens there, or the folder cannot be used.
    """

    def __init__(self, path: Path, handle: Handle) -> None:
        self._path = path
        self._handle = handle
        self._free = threading.Semaphore(CLIENTS)
        self._clients: dict[Connection, threading.Thread] = {}
        self._change = threading.Lock()
        self._closing = False
        self._listener = Listener(path)
        self._thread = threading.Thread(target=self._listen, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; answers under way are finished, within a second. Not for a thread of its own."""
        if self._closing:
            return
        self._closing = True
        # The thread waits for somebody to come; there is no portable way to wake it but to come.
        with contextlib.suppress(OSError):
            connect(self._path, 1.0).close()
        self._thread.join(2.0)
        self._listener.close()
        with self._change:
            clients = dict(self._clients)
        for client in clients:
            client.stop_reading()
        until_s = time.monotonic() + 1.0
        for thread in clients.values():
            thread.join(max(0.0, until_s - time.monotonic()))

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _listen(self) -> None:
        trouble = ""
        while not self._closing:
            try:
                client = self._listener.accept()
            except OSError as error:
                if not self._closing:
                    if str(error) != trouble:
                        trouble = str(error)
                        log.warning("control: %s", error.strerror or error)
                    time.sleep(0.2)  # no more files may be open: let some be closed
                continue
            trouble = ""
            if client is None:
                continue
            if self._closing:
                client.close()
            else:
                self._admit(client)

    def _admit(self, client: Connection) -> None:
        """Give who has come a thread, if there is room and it is the same user."""
        try:
            same_user = client.same_user
        except OSError:  # it has left already, and macOS no longer tells who it was
            client.close()
            return
        if not same_user:
            log.warning("control: another user was refused")
            _turn_away(client, "this monitor belongs to another user")
        elif not self._free.acquire(blocking=False):
            _turn_away(client, f"{CLIENTS} others are connected; try again in a moment")
        else:
            thread = threading.Thread(target=self._serve, args=(client,), name="control client", daemon=True)
            with self._change:
                self._clients[client] = thread
            try:
                thread.start()
            except RuntimeError:  # no more threads
                self._leave(client)

    def _leave(self, client: Connection) -> None:
        client.close()
        with self._change:
            self._clients.pop(client, None)
        self._free.release()

    def _serve(self, client: Connection) -> None:
        """Answer one client's requests until it leaves, is too slow or makes no sense."""
        lent = False
        try:
            while True:
                patience_s = LENT_S if lent else REQUEST_S
                request = client.read(LONGEST_REQUEST, time.monotonic() + patience_s)
                if request is None:
                    return
                do, args = understood(request)
                lent = do == "lend" or (lent and do != "return")
                client.write(self._answer(do, args), time.monotonic() + REQUEST_S)
        except Malformed as fault:
            _turn_away(client, str(fault), REQUEST_S)
        except OSError:  # it left, or was too slow
            pass
        finally:
            self._leave(client)
            if lent and not self._closing:  # a calibration that ended by force gives nothing back itself
                self._answer("return", {})

    def _answer(self, do: str, args: Mapping[str, Any]) -> bytes:
        try:
            return accepted(self._handle(do, args))
        except UserError as error:
            return refusal(str(error))
        except Exception:
            log.exception("control: %s went wrong", do)
            return refusal("internal error; see `posture-monitor logs`")


def _turn_away(client: Connection, why: str, within_s: float = 0.1) -> None:
    """Say why, and hang up."""
    with contextlib.closing(client), contextlib.suppress(OSError):
        client.write(refusal(why), time.monotonic() + within_s)
