"""A system that tells nothing of its session: the user is always present."""

from __future__ import annotations

from collections.abc import Callable

from posture_monitor.service.presence import PRESENT, Away


class NoPresence:
    """Never away."""

    def start(self, on_change: Callable[[Away], None]) -> None:
        """Watch nothing."""

    def now(self) -> Away:
        """Return that the user is there."""
        return PRESENT

    def describe(self) -> str:
        """Return nothing: nothing is read."""
        return ""

    def close(self) -> None:
        """Hold nothing."""
