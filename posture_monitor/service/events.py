"""What comes into the keeper's inbox, beside the eye's answers and what the system says of presence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerYet
from dataclasses import dataclass, field
from typing import Any

from posture_monitor.errors import UserError


@dataclass(frozen=True)
class CameraHeld:
    """Another program has opened the camera; or, `by` nobody, let go of it."""

    by: str


class PluggedIn:
    """The camera's device node is there again."""


class Stop:
    """Somebody wants the program to end."""


@dataclass(frozen=True)
class Command:
    """What somebody asked for over the control channel."""

    do: str
    args: Mapping[str, Any]
    _done: Future[dict[str, Any]] = field(default_factory=Future, init=False)

    def answer(self, within_s: float) -> dict[str, Any]:
        """Wait for what comes of it; raises what `carry_out` raised.

        Raises
        ------
        UserError
            The loop was busy with something else all the while, and will not carry it out any more.
        """
        try:
            return self._done.result(within_s)
        except NoAnswerYet:
            # Whoever asked is told that nothing came of it: then nothing is to come of it later.
            if self._done.cancel():
                raise UserError("the monitor is busy; try again in a moment") from None
            return self._done.result()  # it is being carried out

    def carry_out(self, how: Callable[[str, Mapping[str, Any]], dict[str, Any]]) -> None:
        """Carry it out, unless nobody waits for it any more."""
        if not self._done.set_running_or_notify_cancel():
            return
        try:
            result = how(self.do, self.args)
        except Exception as error:
            self._done.set_exception(error)
        else:
            self._done.set_result(result)
