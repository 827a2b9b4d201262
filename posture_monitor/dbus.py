"""D-Bus: connections to a message bus, calls with a deadline, and the signals that came meanwhile."""

# The package carries no types.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import contextlib
import os
import socket
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from jeepney import DBusAddress, HeaderFields, MatchRule, Message, MessageFlag, MessageType, new_method_call
from jeepney.bus import get_connectable_addresses
from jeepney.io.blocking import DBusConnection, prep_socket

#: A bus answers within a millisecond or two; one that takes this long is as good as gone.
PATIENCE_S: Final = 1.0

_DAEMON: Final = "org.freedesktop.DBus"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"


class RefusedError(Exception):
    """The other side answered with an error; the connection is fine."""


@dataclass(frozen=True)
class Signal:
    """A signal as it came: where from, what, and its values."""

    path: str
    interface: str
    member: str
    body: tuple[Any, ...]


def system_address() -> str:
    """Return the address of the system's bus."""
    return os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or "unix:path=/run/dbus/system_bus_socket"


def session_address() -> str | None:
    """Return the address of this user's bus; None where there is none."""
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return f"unix:path={runtime}/bus" if runtime else None


class _Connection(DBusConnection):  # type: ignore[misc]
    """One whose calls have a deadline, the greeting of the bus too: the package's own would wait for ever."""

    def __init__(self, end: socket.socket, patience_s: float) -> None:
        self._patience_s = patience_s
        try:
            super().__init__(end)
        except Exception:
            self.close()
            raise

    def send_and_get_reply(self, message: Message, *, timeout: float | None = None) -> Message:
        return super().send_and_get_reply(message, timeout=self._patience_s if timeout is None else timeout)


class Bus:
    """A connection, used by one thread.

    Anything but `RefusedError` that comes out of its methods means that the bus is gone.

    Parameters
    ----------
    address
        Of the bus.
    patience_s
        Seconds until an answer must be there.
    """

    def __init__(self, address: str, patience_s: float = PATIENCE_S) -> None:
        end = prep_socket(next(get_connectable_addresses(address)), timeout=patience_s)
        self._connection = _Connection(end, patience_s)
        self._signals: deque[Message] = deque()
        self._connection.filter(MatchRule(type="signal"), queue=self._signals)

    def fileno(self) -> int:
        """Return the socket to wait on for signals."""
        descriptor: int = self._connection.sock.fileno()
        return descriptor

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def call(
        self,
        name: str,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        *values: object,
        start: bool = False,
    ) -> tuple[Any, ...]:
        """Call a method, and return what it returns; without `start` no service is started for it.

        Raises
        ------
        RefusedError
            It answered with an error, or nobody has that name.
        """
        message = new_method_call(DBusAddress(path, name, interface), member, signature or None, values)
        if not start:
            message.header.flags = MessageFlag.no_auto_start
        answer = self._connection.send_and_get_reply(message)
        if answer.header.message_type is MessageType.error:
            raise RefusedError(answer.header.fields.get(HeaderFields.error_name, "an error"))
        return tuple(answer.body)

    def properties(self, name: str, path: str, interface: str) -> dict[str, Any]:
        """Return all properties of an object; see `call`."""
        (found,) = self.call(name, path, _PROPERTIES, "GetAll", "s", interface)
        return plain(found)

    def has_owner(self, name: str) -> bool:
        """Say whether somebody has this name now."""
        return bool(self.call(_DAEMON, "/org/freedesktop/DBus", _DAEMON, "NameHasOwner", "s", name)[0])

    def listen(self, rule: str) -> None:
        """Ask for the signals that match a rule."""
        self.call(_DAEMON, "/org/freedesktop/DBus", _DAEMON, "AddMatch", "s", rule)

    def signals(self) -> list[Signal]:
        """Return what has come since the last call. Never blocks."""
        with contextlib.suppress(TimeoutError):
            while True:
                self._connection.recv_messages(timeout=0)
        found = [_signal(message) for message in self._signals]
        self._signals.clear()
        return found


def _signal(message: Message) -> Signal:
    path, interface, member = (
        message.header.fields.get(field, "")
        for field in (HeaderFields.path, HeaderFields.interface, HeaderFields.member)
    )
    return Signal(path, interface, member, tuple(message.body))


def plain(found: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """Return properties without the type that each value comes with."""
    return {name: value for name, (_type, value) in found.items()}


def ask_session(
    name: str,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    *values: object,
    start: bool = False,
    patience_s: float = PATIENCE_S,
) -> tuple[Any, ...]:
    """Call one method on this user's bus, and return what it returns; see `Bus`.

    Raises
    ------
    RefusedError
        As `Bus.call` does.
    TimeoutError
        There is no answer in time.
    ConnectionError
        There is no bus.
    """
    try:
        with contextlib.closing(Bus(session_address() or "", patience_s)) as bus:
            return bus.call(name, path, interface, member, signature, *values, start=start)
    except (RefusedError, TimeoutError):
        raise
    except Exception as error:
        raise ConnectionError("there is no session bus") from error
