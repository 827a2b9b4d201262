"""A span of the day, as the settings hold it: ``22:00-07:00``."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

#: A time of day, as it is written.
CLOCK: Final = r"(?:[01]\d|2[0-3]):[0-5]\d"


@dataclass(frozen=True)
class DaySpan:
    """A daily time from `start` up to `end`; over midnight where `end` is earlier."""

    start: dt.time
    end: dt.time

    def __contains__(self, moment: dt.time) -> bool:
        if self.start <= self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


def parse(text: object) -> DaySpan:
    """Return the span that ``22:00-07:00`` stands for; `ValueError` says how to write one."""
    found = re.fullmatch(f"({CLOCK})-({CLOCK})", text) if isinstance(text, str) else None
    if found is None:
        raise ValueError('write it like "22:00-07:00"')
    if found[1] == found[2]:
        raise ValueError("it begins and ends at the same time")
    return DaySpan(dt.time.fromisoformat(found[1]), dt.time.fromisoformat(found[2]))
