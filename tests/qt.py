"""Qt without a screen, for the tests of windows: one application for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

from PySide6.QtWidgets import QApplication


def application() -> QApplication:
    """Return the application, made at the first call, drawing into memory."""
    found = QApplication.instance()
    return found if isinstance(found, QApplication) else QApplication(["tests", "-platform", "offscreen"])


def wait_for(what: Callable[[], Any], seconds: float = 8.0) -> Any:
    """Let Qt do what is due until `what` is true, and return it; fail when it is not in time."""
    until_s = time.monotonic() + seconds
    while True:
        application().processEvents()
        if answer := what():
            return answer
        if time.monotonic() > until_s:
            pytest.fail(f"nothing came of {what} within {seconds} s")
        time.sleep(0.01)
