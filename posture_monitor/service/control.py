"""How other processes of this user talk to the running monitor.

One JSON object a line, each way, over a channel on this machine that only this
user can use (`local_socket`, or `local_pipe` on Windows)::

    {"v": 1, "do": "pause", "with": {"until_s": null}}
    {"v": 1, "ok": true, "result": {}}
    {"v": 1, "ok": false, "error": "one line"}

What is not of this form, or too long, is refused with one line and the
connection is closed; the monitor itself never sees it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from posture_monitor import paths
from posture_monitor.errors import UserError

if sys.platform == "win32":
    from posture_monitor.service.local_pipe import Connection, Listener, TooLongError, connect
else:
    from posture_monitor.service.local_socket import Connection, Listener, TooLongError, connect

log = logging.getLogger(__name__)

#: Version of the protocol.
VERSION: Final = 1
#: A request is at most this long, in bytes.
LONGEST_REQUEST: Final = 64 * 1024
#: An answer may hold a picture.
LONGEST_ANSWER: Final = 16 * 1024 * 1024
#: A request must arrive, and an answer be taken, within this time.
REQUEST_S: Final = 5.0
#: Who was lent the camera holds the connection, silent, at most for so long.
LENT_S: Final = 3600.0
#: So many may be connected at once.
CLIENTS: Final = 8

#: How a monitor begins its answer to a command that it does not know.
_UNKNOWN: Final = "there is no command"

Handle = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]


class NotRunning(UserError):  # noqa: N818 - a state of things, told to the user
    """No monitor is running."""

    def __init__(self) -> None:
        super().__init__("not running; `posture-monitor start` starts it")


class NoAnswer(UserError):  # noqa: N818
    """A monitor is there, but does not answer."""


class OtherVersion(UserError):  # noqa: N818
    """The monitor that runs speaks another version of the protocol than this program."""

    def __init__(self, running: object, asked: object) -> None:
        super().__init__(
            f"the running monitor speaks version {_short(running)} of the control protocol and was asked in "
            f"version {_short(asked)}; `posture-monitor restart` makes them the same"
        )


class Outdated(OtherVersion):
    """The monitor that runs speaks this version, but does not know a command that has come since."""

    def __init__(self) -> None:
        UserError.__init__(
            self,
            "the running monitor is from before an update of the program; "
            "`posture-monitor restart` brings it up to date",
        )


class _Malformed(Exception):  # noqa: N818
    """A request that is not of the protocol's form; its text is the answer."""


@dataclass(frozen=True)
class Argument:
    """One argument of a command: its types, and what it is where it is left out (``...``: it may not be)."""

    types: tuple[type, ...]
    default: Any = ...


_NUMBER: Final = (int, float)
#: What can be asked of the monitor, and with what.
COMMANDS: Final[Mapping[str, Mapping[str, Argument]]] = {
    "status": {},
    "stop": {},
    "pause": {"until_s": Argument((*_NUMBER, type(None)), None)},
    "resume": {},
    "lend": {},
    "return": {},
    "snooze": {"seconds": Argument(_NUMBER)},
    "preset": {"name": Argument((str,))},
    "profile": {"name": Argument((str,))},
    "reanchor": {},
    "recount": {},
    "look": {"picture": Argument((bool,), False)},
}


def ask(do: str, timeout_s: float = 2.0, **args: Any) -> dict[str, Any]:
    """Ask the running monitor to do something, and return its result, as `Channel.ask` does."""
    with Channel(timeout_s) as channel:
        return channel.ask(do, timeout_s, **args)


class Channel:
    """A connection to the running monitor; close it, or use it in ``with``.

    Parameters
    ----------
    timeout_s
        Seconds until it must be there.

    Raises
    ------
    NotRunning
        Nobody answers because nobody is there.
    NoAnswer
        The monitor does not answer in time.
    UserError
        It belongs to another user.
    """

    def __init__(self, timeout_s: float) -> None:
        try:
            self._end = connect(paths.control_socket(), timeout_s)
        except TimeoutError:
            raise _no_answer(timeout_s) from None
        except OSError:
            raise NotRunning from None
        if not self._end.same_user:
            self._end.close()
            raise UserError(f"{paths.control_socket()} belongs to another user; nothing was asked of it")

    def ask(self, do: str, timeout_s: float = 2.0, **args: Any) -> dict[str, Any]:
        """Ask the monitor to do something, and return its result.

        Parameters
        ----------
        do
            One of `COMMANDS`.
        timeout_s
            Seconds until an answer must be there.
        args
            The command's arguments.

        Raises
        ------
        NoAnswer
            The monitor does not answer in time.
        OtherVersion
            It speaks another version of the protocol, or does not know the command.
        UserError
            It refuses, and says why.
        """
        request = json.dumps({"v": VERSION, "do": do, "with": args}, allow_nan=False).encode()
        if len(request) > LONGEST_REQUEST:
            raise UserError(f"the request is longer than {LONGEST_REQUEST} bytes")
        until_s = time.monotonic() + timeout_s
        # Refused before it was read: the answer says why.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            try:
                self._end.write(request, until_s)
            except TimeoutError:
                raise _no_answer(timeout_s) from None
        try:
            answer = self._end.read(LONGEST_ANSWER, until_s)
        except TimeoutError:
            raise _no_answer(timeout_s) from None
        except (OSError, TooLongError):
            answer = None
        if answer is None:
            raise NoAnswer("the monitor ended without an answer; see `posture-monitor logs`")
        return _result(answer)

    def close(self) -> None:
        """Close it; a camera that was lent over it goes back."""
        self._end.close()

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _no_answer(timeout_s: float) -> NoAnswer:
    return NoAnswer(
        f"the monitor has not answered within {timeout_s:g} s; "
        "try again, or end it with `posture-monitor restart`"
    )


def _result(answer: bytes) -> dict[str, Any]:
    """Return what an answer holds."""
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise NoAnswer("the answer makes no sense; `posture-monitor restart` starts the monitor afresh")
    if told.get("v") != VERSION:
        raise OtherVersion(told.get("v"), VERSION)
    result = told.get("result")
    if told.get("ok") is not True or not isinstance(result, dict):
        why = " ".join(str(told.get("error") or "refused, without a reason").split())
        raise Outdated if why.startswith(_UNKNOWN) else UserError(why)
    return result


class Server:
    """Listens, in threads of its own, and hands what is asked to `handle`.

    Parameters
    ----------
    path
        Where to listen; a socket file that nobody listens at any more is
        replaced, so hold the `lock.Lock` when starting.
    handle
        Gets a command of `COMMANDS` and its checked arguments, and returns the
        result; runs in a thread of the server, several at once. It raises
        `UserError` to refuse.
    """

    def __init__(self, path: Path, handle: Handle) -> None:
        self._path = path
        self._handle = handle
        self._free = threading.Semaphore(CLIENTS)
        self._clients: dict[Connection, threading.Thread] = {}
        self._change = threading.Lock()
        self._closing = False
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._listen, name="control", daemon=True)

    def start(self) -> None:
        """Begin to listen.

        Raises
        ------
        UserError
            Another program listens there, or the folder cannot be used.
        """
        self._listener = Listener(self._path)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; answers under way are finished, within a second."""
        if self._listener is None or self._closing:
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
            if thread is not threading.current_thread():
                thread.join(max(0.0, until_s - time.monotonic()))

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _listen(self) -> None:
        assert self._listener is not None
        while not self._closing:
            try:
                client = self._listener.accept()
            except OSError as error:
                if not self._closing:
                    log.warning("control: %s", error.strerror or error)
                    time.sleep(0.2)  # no more files may be open: let some be closed
                continue
            if client is None:
                continue
            if self._closing:
                client.close()
            else:
                self._admit(client)

    def _admit(self, client: Connection) -> None:
        """Give who has come a thread, if there is room and it is the same user."""
        if not client.same_user:
            log.warning("control: another user was refused")
            self._turn_away(client, "this monitor belongs to another user")
        elif not self._free.acquire(blocking=False):
            self._turn_away(client, f"{CLIENTS} others are connected; try again in a moment")
        else:
            thread = threading.Thread(target=self._serve, args=(client,), name="control client", daemon=True)
            with self._change:
                self._clients[client] = thread
            try:
                thread.start()
            except RuntimeError:  # no more threads
                self._leave(client)

    def _turn_away(self, client: Connection, why: str) -> None:
        with client, contextlib.suppress(OSError):
            client.write(_refusal(why), time.monotonic() + 0.1)

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
                try:
                    patience_s = LENT_S if lent else REQUEST_S
                    request = client.read(LONGEST_REQUEST, time.monotonic() + patience_s)
                    if request is None:
                        return
                    do, args = _understood(request)
                    lent = do == "lend" or (lent and do != "return")
                    answer, more = self._answer(do, args), True
                except TooLongError:
                    answer, more = _refusal(f"a request may be {LONGEST_REQUEST} bytes long"), False
                except _Malformed as fault:
                    answer, more = _refusal(str(fault)), False
                client.write(answer, time.monotonic() + REQUEST_S)
                if not more:
                    return
        except OSError:  # it left, or was too slow
            return
        finally:
            self._leave(client)
            if lent and not self._closing:  # a calibration that ended by force gives nothing back itself
                self._answer("return", {})

    def _answer(self, do: str, args: Mapping[str, Any]) -> bytes:
        try:
            return _line({"v": VERSION, "ok": True, "result": dict(self._handle(do, args))})
        except UserError as error:
            return _refusal(str(error))
        except Exception:
            log.exception("control: %s went wrong", do)
            return _refusal("internal error; see `posture-monitor logs`")


def _understood(request: bytes) -> tuple[str, dict[str, Any]]:
    """Return the command and its arguments, all checked."""
    try:
        asked = json.loads(request.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Malformed("a request is one JSON object on a line") from None
    if not isinstance(asked, dict):
        raise _Malformed("a request is one JSON object on a line")
    version = asked.get("v")
    if isinstance(version, bool) or version != VERSION:
        raise _Malformed(str(OtherVersion(VERSION, version)))
    if not set(asked) <= {"v", "do", "with"}:
        raise _Malformed("a request holds v, do and with, and nothing else")
    do, args = asked.get("do"), asked.get("with", {})
    if not isinstance(do, str) or do not in COMMANDS:
        raise _Malformed(f"{_UNKNOWN} {_short(do)}")
    if not isinstance(args, dict):
        raise _Malformed("'with' is an object")
    known = COMMANDS[do]
    for name in args:
        if name not in known:
            raise _Malformed(f"{do} takes no {_short(name)}")
    checked = {}
    for name, argument in known.items():
        value = args.get(name, argument.default)
        if value is ... or not _fits(value, argument.types):
            raise _Malformed(f"{do}: {name} is missing or of the wrong kind")
        checked[name] = value
    return do, checked


def _fits(value: Any, types: tuple[type, ...]) -> bool:
    if isinstance(value, bool):  # an int too, to Python
        return bool in types
    if isinstance(value, int | float) and not abs(value) < 1e15:  # nor infinite, nor NaN
        return False
    return isinstance(value, types)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _short(value: object) -> str:
    """Return a value from outside as a few plain characters."""
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _refusal(why: str) -> bytes:
    return _line({"v": VERSION, "ok": False, "error": " ".join(why.split())})


def _line(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, allow_nan=False).encode()
