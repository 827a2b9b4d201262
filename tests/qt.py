"""Qt without a screen, for the tests of windows: one application for all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import waiting

pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)

from PySide6.QtWidgets import QApplication


def application() -> QApplication:
    """Return the application, made at the first call, drawing into memory."""
    found = QApplication.instance()
    return found if isinstance(found, QApplication) else QApplication(["tests", "-platform", "offscreen"])


def wait_for(what: Callable[[], Any], seconds: float = 8.0) -> Any:
    """Let Qt do what is due until `what` is true, and return it; fail when it is not in time."""

    def after_events() -> Any:
        application().processEvents()
        return what()

    return waiting.wait_for(after_events, seconds)
