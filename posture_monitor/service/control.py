"""How other processes of this user ask the running monitor (`protocol`)."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import Any

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.service.protocol import (
    LONGEST_ANSWER,
    LONGEST_REQUEST,
    UNKNOWN,
    VERSION,
    Malformed,
    OtherVersion,
    Outdated,
)

if sys.platform == "win32":
    from posture_monitor.service.local_pipe import connect
else:
    from posture_monitor.service.local_socket import connect


class NotRunning(UserError):  # noqa: N818 - a state of things, told to the user
    """No monitor is running."""

    def __init__(self) -> None:
        super().__init__("not running; `posture-monitor start` starts it")


class NoAnswer(UserError):  # noqa: N818
    """A monitor is there, but does not answer."""


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
            same_user = self._end.same_user
        except TimeoutError:
            raise _no_answer(timeout_s) from None
        except OSError:
            raise NotRunning from None
        if not same_user:
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
        except (OSError, Malformed):
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
        raise Outdated if why.startswith(UNKNOWN) else UserError(why)
    return result
