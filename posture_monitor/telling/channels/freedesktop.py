"""The notification service of Linux desktops: is it there, what can it do, and how text is put to it.

A service that is not running but can be started by the bus is started by asking.
"""

from __future__ import annotations

import html
import sys
from typing import Any, Final

from posture_monitor.telling.notify import PATIENCE_S, ChannelError

SERVICE: Final = "org.freedesktop.Notifications"
OBJECT: Final = "/org/freedesktop/Notifications"


def capabilities() -> frozenset[str]:
    """Return what the running notification service can do.

    Raises
    ------
    ChannelError
        There is no session bus, or no service answers on it.
    """
    (able,) = _call("GetCapabilities")
    return frozenset(able)


def close(number: int) -> None:
    """Take down the notification of this number, if it is still there."""
    _call("CloseNotification", "u", number)


def told(key: str, interface: str = SERVICE) -> Any:
    """Return a property of the service that runs; None where there is none."""
    if not sys.platform.startswith("linux"):
        return None
    from posture_monitor import dbus

    properties = "org.freedesktop.DBus.Properties"
    try:
        ((_type, value),) = dbus.ask_session(SERVICE, OBJECT, properties, "Get", "ss", interface, key)
    except (OSError, dbus.RefusedError):
        return None
    return value


def escape(text: str, able: frozenset[str]) -> str:
    """Return body text so that a service which reads markup shows it as it is."""
    if "body-markup" not in able:
        return text
    return html.escape(text, quote=False)  # quotes are plain text outside of tags


def _call(method: str, signature: str = "", *values: object) -> tuple[Any, ...]:
    from posture_monitor import dbus  # there is none but on Linux

    try:
        return dbus.ask_session(
            SERVICE, OBJECT, SERVICE, method, signature, *values, start=True, patience_s=PATIENCE_S
        )
    except TimeoutError as error:
        raise ChannelError("the desktop's notification service does not answer") from error
    except ConnectionError as error:
        raise ChannelError("there is no desktop session bus here") from error
    except dbus.RefusedError as error:
        raise ChannelError("no notification service answers on the desktop session bus") from error
