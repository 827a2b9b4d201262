"""The pause and the snooze that a monitor leaves to the one that takes its place.

They go through its environment: when somebody wanted to be left alone is kept in no file.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from posture_monitor.service.status import Status

VARIABLE: Final = "POSTURE_MONITOR_HELD"


@dataclass(frozen=True)
class Held:
    """What the user has asked for and is not over; ends are POSIX seconds.

    Attributes
    ----------
    paused, until_s
        Whether it is paused, and until when; None until it is resumed.
    snoozed_until_s
        When reminders come again; None where they are not snoozed.
    """

    paused: bool = False
    until_s: float | None = None
    snoozed_until_s: float | None = None

    @classmethod
    def of(cls, told: Status) -> Held:
        """Return what holds by this status."""
        return cls(told.paused, told.until_s if told.paused else None, told.snoozed_until_s)

    def environment(self) -> dict[str, str]:
        """Return the variable in which `taken_over` finds it; none where nothing holds."""
        return {} if self == NOTHING else {VARIABLE: json.dumps(asdict(self))}


NOTHING: Final = Held()


def taken_over() -> Held:
    """Return what was left to this process; its own children do not get it."""
    return Held(**json.loads(os.environ.pop(VARIABLE, "{}")))
