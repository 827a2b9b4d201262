"""Waiting for what comes in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest


def wait_for(what: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Return the first true answer of `what`; fail when there is none in time."""
    until = time.monotonic() + seconds
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > until:
            pytest.fail(f"nothing came of {what} within {seconds} s")
        time.sleep(0.02)
