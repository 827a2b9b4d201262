"""Notifications with buttons, through the optional package desktop-notifier.

The package is asynchronous and wants its event loop to run for buttons to be
heard, so a thread of its own runs one; what the user does is put in a queue and
read by the monitor loop with `poll`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import ctypes
import functools
import logging
import os
import queue
import sys
import threading
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from posture_monitor.telling.channels import freedesktop
from posture_monitor.telling.notify import PATIENCE_S, SHOWN_FOR_S, Action, Channel, ChannelError, Sent
from posture_monitor.telling.words import APP_NAME, ICON, Text, button_text

_T = TypeVar("_T")


class Desktop(Channel):
    """Buttons, replacement and withdrawal."""

    name = "desktop"

    def __init__(self, *, sound: bool = False) -> None:
        self._sound = sound
        self._actions: queue.SimpleQueue[Action] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._notifier: Any = None
        self._able: frozenset[str] = frozenset()

    def check(self) -> None:
        """Raise `ChannelError` unless the package is there and the desktop answers."""
        self._open()

    def send(self, text: Text, *, replace_id: str | None = None, buttons: Sequence[str] = ()) -> Sent:
        """Show it; see `notify.Channel.send`."""
        self._open()
        if replace_id is not None:
            self.withdraw(replace_id)
            self._open()  # afresh where that failed
        sent_id = self._run(self._send(text, buttons))
        if sent_id is None:
            # The service may have been restarted: connect afresh next time.
            self._notifier = None
            raise ChannelError("the desktop did not take the notification")
        return Sent(sent_id, self.name)

    def withdraw(self, sent_id: str) -> None:
        """Take it down, if it is still there."""
        if self._notifier is None:
            return
        try:
            self._run(self._clear(sent_id))
        except ChannelError:
            self._notifier = None

    def poll(self) -> list[Action]:
        """Return what the user has done since the last call."""
        actions: list[Action] = []
        if sys.platform == "darwin" and self._notifier is not None:
            with contextlib.suppress(OSError, AttributeError, ValueError):
                _hear_macos()
        while not self._actions.empty():
            actions.append(self._actions.get())
        return actions

    def close(self) -> None:
        """Stop listening for buttons."""
        self._notifier = None
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    def _open(self) -> None:
        # The service is asked each time, since it can go away between two alerts.
        try:
            import desktop_notifier
            from desktop_notifier.main import get_backend_class
        except ImportError as error:
            raise ChannelError(
                "desktop-notifier is not installed (pip install 'posture-monitor[desktop]')"
            ) from error
        # It warns with a traceback of its own where sending fails; the channel says so in a line.
        logging.getLogger("desktop_notifier").addHandler(logging.NullHandler())
        try:
            backend = get_backend_class()
        # On Windows and macOS it loads native libraries, which may lack some of their own.
        except Exception as error:
            raise ChannelError(_unreached(error)) from error
        if backend.__name__.startswith("Dummy"):
            raise ChannelError("desktop-notifier cannot reach this desktop's notifications")
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, name="notifications", daemon=True).start()
        if sys.platform.startswith("linux"):
            self._able = freedesktop.capabilities()
            from posture_monitor import dbus

            # The package finds the bus by this alone.
            os.environ["DBUS_SESSION_BUS_ADDRESS"] = dbus.session_address() or ""
        if self._notifier is None:
            icon = desktop_notifier.Icon(path=ICON)
            try:
                notifier = desktop_notifier.DesktopNotifier(app_name=APP_NAME, app_icon=icon)
            # Windows and macOS are asked for their part already here, and may refuse.
            except Exception as error:
                raise ChannelError(_unreached(error)) from error
            notifier.on_button_pressed = lambda sent_id, button: self._actions.put(Action(sent_id, button))
            notifier.on_dismissed = lambda sent_id: self._actions.put(Action(sent_id, "dismissed"))
            notifier.on_clicked = lambda sent_id: self._actions.put(Action(sent_id, "clicked"))
            self._notifier = notifier

    async def _send(self, text: Text, buttons: Sequence[str]) -> str | None:
        """Return the id under which it is shown, None if it was not: the package itself only logs that."""
        import desktop_notifier

        dispatched = False

        def note() -> None:
            nonlocal dispatched
            dispatched = True

        sent_id: str = await self._notifier.send(
            title=text.title,
            message=freedesktop.escape(text.body, self._able),
            buttons=[desktop_notifier.Button(title=button_text(b), identifier=b) for b in buttons],
            sound=desktop_notifier.DEFAULT_SOUND if self._sound else None,
            on_dispatched=note,
            timeout=SHOWN_FOR_S,
        )
        return sent_id if dispatched else None

    async def _clear(self, sent_id: str) -> None:
        # The package has no public way to ask, and raises KeyError for one that is gone.
        with contextlib.suppress(KeyError):
            await self._notifier.clear(sent_id)

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do work on the loop of the notifications' thread, and wait for it."""
        if self._loop is None:
            work.close()
            raise ChannelError("the channel is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout=PATIENCE_S)
        except concurrent.futures.TimeoutError as error:
            future.cancel()
            raise ChannelError("the desktop's notification service does not answer") from error
        # Whatever the bus or the platform's library raises means the same: nothing was shown.
        except Exception as error:
            raise ChannelError(_unreached(error)) from error


def _unreached(error: Exception) -> str:
    return f"the desktop cannot be reached ({error or type(error).__name__})"


def _hear_macos() -> None:
    """Let macOS tell what was pressed, which it does from the run loop of the main thread alone."""
    core = _core_foundation()
    mode = ctypes.c_void_p.in_dll(core, "kCFRunLoopDefaultMode")
    core.CFRunLoopRunInMode(mode, 0.0, 0)


@functools.cache
def _core_foundation() -> ctypes.CDLL:
    """Return the library; each time anew it would leave a class behind."""
    core = ctypes.CDLL("/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation")
    core.CFRunLoopRunInMode.argtypes = [ctypes.c_void_p, ctypes.c_double, ctypes.c_ubyte]
    return core
