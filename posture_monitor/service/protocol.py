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

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from posture_monitor.errors import UserError

#: Version of the protocol.
VERSION: Final = 1
#: A request is at most this long, in bytes.
LONGEST_REQUEST: Final = 64 * 1024
#: An answer may hold a picture.
LONGEST_ANSWER: Final = 16 * 1024 * 1024
#: How a monitor begins its answer to a command that it does not know.
UNKNOWN: Final = "there is no command"


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


class Malformed(Exception):  # noqa: N818
    """A message that is not of the protocol's form; its text is the answer to a request."""


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


def understood(request: bytes) -> tuple[str, dict[str, Any]]:
    """Return the command and its arguments, all checked."""
    try:
        asked = json.loads(request.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed("a request is one JSON object on a line") from None
    if not isinstance(asked, dict):
        raise Malformed("a request is one JSON object on a line")
    version = asked.get("v")
    if isinstance(version, bool) or version != VERSION:
        raise Malformed(str(OtherVersion(VERSION, version)))
    if not set(asked) <= {"v", "do", "with"}:
        raise Malformed("a request holds v, do and with, and nothing else")
    do, args = asked.get("do"), asked.get("with", {})
    if not isinstance(do, str) or do not in COMMANDS:
        raise Malformed(f"{UNKNOWN} {_short(do)}")
    if not isinstance(args, dict):
        raise Malformed("'with' is an object")
    known = COMMANDS[do]
    for name in args:
        if name not in known:
            raise Malformed(f"{do} takes no {_short(name)}")
    checked = {}
    for name, argument in known.items():
        value = args.get(name, argument.default)
        if value is ... or not _fits(value, argument.types):
            raise Malformed(f"{do}: {name} is missing or of the wrong kind")
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


def accepted(result: Mapping[str, Any]) -> bytes:
    """Return what is sent where a command was carried out."""
    return _line({"v": VERSION, "ok": True, "result": dict(result)})


def refusal(why: str) -> bytes:
    """Return what is sent where it was not."""
    return _line({"v": VERSION, "ok": False, "error": " ".join(why.split())})


def _line(answer: Mapping[str, Any]) -> bytes:
    return json.dumps(answer, allow_nan=False).encode()
