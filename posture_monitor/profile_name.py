"""What a profile may be called: its file has the same name, and may be taken to any system."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
#: Windows keeps these for devices, whatever follows after a dot.
_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def objection(text: str) -> str:
    """Return what a name of a profile has to be that `text` is not; ``""`` where it can name one."""
    # A leading dot or dash would hide the file, or look like an option.
    if not _NAME.fullmatch(text):
        return "use letters, digits, - _ . (at most 64, first a letter or digit)"
    if text.endswith("."):
        return "use a name that does not end in a dot, which Windows leaves out"
    if _DEVICE.fullmatch(text):
        return "use a name that Windows does not keep for a device"
    return ""


def is_path(text: str) -> bool:
    """Return whether a profile is meant by the path of its ``.toml`` file, and not by its name."""
    return text.endswith(".toml") and "\0" not in text
