"""Windows' own libraries, by name."""

from __future__ import annotations

from typing import Any


def dll(name: str) -> Any:
    """Return a library of Windows, such as ``kernel32``; on other systems there is none (AttributeError)."""
    import ctypes

    return getattr(getattr(ctypes, "windll"), name)  # noqa: B009 - there is no such name elsewhere
