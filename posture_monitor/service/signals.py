"""Handling signals for a while."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def handled(names: tuple[str, ...], handler: Callable[..., Any]) -> Iterator[None]:
    """Let `handler` take the signals of these names, as far as this system has them, until the end.

    Python hands signals to the main thread alone: in another one nothing is changed.
    """
    main = threading.current_thread() is threading.main_thread()
    numbers = [getattr(signal, name) for name in names if main and hasattr(signal, name)]
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
