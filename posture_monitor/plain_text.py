"""Text from outside, such as a file's or a camera's name, made fit for a terminal."""

from __future__ import annotations

import re
from typing import Final

#: What steers a terminal, and what turns the order of letters round.
_STEERING: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Return text with a blank for each sign that would be obeyed and not shown."""
    return _STEERING.sub(" ", text)
