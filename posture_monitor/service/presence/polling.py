"""Watches a session by looking again and again, where the system sends no word of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from posture_monitor.service.presence import PRESENT, Away

log = logging.getLogger(__name__)

#: The camera is to close within a second of the lock.
EVERY_S = 0.5


class Polling:
    """Asks `read` twice a second from a thread of its own.

    Parameters
    ----------
    read
        Returns what is so now, or None where it cannot be told.
    told
        What is read and where from, for `describe`.
    """

    def __init__(self, read: Callable[[], Away | None], told: str) -> None:
        self._read = read
        self._told = told
        self._now = PRESENT
        self._works = True
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, on_change: Callable[[Away], None]) -> None:
        """See `Presence.start`."""
        self._look(on_change)
        self._thread = threading.Thread(target=self._run, args=(on_change,), name="presence", daemon=True)
        self._thread.start()

    def describe(self) -> str:
        """See `Presence.describe`."""
        return self._told if self._works else ""

    def close(self) -> None:
        """See `Presence.close`."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(timeout=0.5)

    def _run(self, on_change: Callable[[Away], None]) -> None:
        while not self._closed.wait(EVERY_S):
            self._look(on_change)

    def _look(self, on_change: Callable[[Away], None]) -> None:
        try:
            away = self._read()
        except Exception:
            log.debug("the session cannot be read", exc_info=True)
            away = None
        if away is None and self._works:
            log.info("this system does not tell whether its screen is locked: taken as unlocked")
        self._works = away is not None
        away = away or PRESENT
        if away != self._now:
            self._now = away
            on_change(away)
