"""Patience with limits: work that may hang is done on a thread, and not waited for for ever."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

_T = TypeVar("_T")


class Hung(Exception):  # noqa: N818 (named for what happened)
    """An errand did not come back in time; its thread is left alone, and no other errand is taken."""


class Left(Exception):  # noqa: N818 (named for what happened)
    """The thread was told to go, from elsewhere, while its errand was waited for."""


class Errands:
    """One thread that does one errand after another, always the same thread.

    Parameters
    ----------
    name
        Of the thread.

    Attributes
    ----------
    pastime
        Done again and again between errands; None where there is nothing to do meanwhile.
    hung
        An errand did not come back in time.
    """

    def __init__(self, name: str) -> None:
        self.pastime: Callable[[], None] | None = None
        self.hung = False
        self._left = False
        self._errands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        # A daemon: a driver that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, errand: Callable[[], _T], limit_s: float) -> _T:
        """Return what `errand` returns, or raise what it raises.

        Raises
        ------
        Hung
            If it takes longer than `limit_s`, and at once ever after.
        Left
            If `leave` is called meanwhile, or has been.
        """
        if self._left:
            raise Left
        if self.hung:
            raise Hung

        def answer() -> None:
            try:
                self._answers.put((errand(), None))
            except BaseException as error:
                self._answers.put((None, error))

        self._errands.put(answer)
        try:
            result, error = self._answers.get(timeout=limit_s)
        except queue.Empty:
            self.hung = True
            raise Hung from None
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def leave(self, last: Callable[[], None], limit_s: float) -> None:
        """Do `last` when the errand in hand is over, then end; wait for that at most `limit_s`."""
        if not self._left:
            self._left = True
            self._errands.put(last)
            self._errands.put(None)
            self._answers.put((None, Left()))
        if not self.hung:
            self._thread.join(limit_s)

    def _work(self) -> None:
        while True:
            try:
                errand = self._errands.get(block=self.pastime is None)
            except queue.Empty:
                if self.pastime is not None:
                    self.pastime()
                continue
            if errand is None:
                return
            errand()
