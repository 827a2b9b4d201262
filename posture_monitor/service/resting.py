"""Why nothing is looked at for now, and how that is told."""

from __future__ import annotations

import datetime as dt
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from posture_monitor.day_span import DaySpan
from posture_monitor.posture import dose
from posture_monitor.posture.reading import Verdict
from posture_monitor.sensing.sight import Blind
from posture_monitor.service.presence import PRESENT, Away

if TYPE_CHECKING:
    from posture_monitor.config import Config


@dataclass(frozen=True)
class Resting:
    """Why nothing is looked at for now.

    Attributes
    ----------
    state
        ``paused``, ``busy``, ``away`` or ``unknown``, as the history keeps it.
    reason
        A few words.
    """

    state: str
    reason: str

    @property
    def activity(self) -> dose.Activity:
        """What it is to the dose: a pause and an absence drain it, what is not known leaves it."""
        if self.state == "paused":
            return dose.PAUSED
        return Verdict.AWAY if self.state == "away" else Verdict.UNKNOWN


_LENT = Resting("paused", "calibrating")
_ANOTHER = Resting("busy", "another program has the camera")
_FOLLOWS = {"unplugged": "no camera", "busy": "camera in use", "gone": "no camera", "hangs": "camera hangs"}


def unseeing(blind: Blind) -> Resting:
    """Return what a camera in trouble is to the day: another's call is *busy*, all else unknown."""
    state = "busy" if blind.trouble == "busy" else "unknown"
    return Resting(state, _FOLLOWS.get(blind.trouble, f"camera: {blind.trouble}"))


@dataclass(frozen=True)
class Pause:
    """A pause until `until_s` (POSIX seconds), which is `over_s` by a clock that nobody sets; or for good."""

    until_s: float | None
    over_s: float

    def is_over(self, now_s: float, wall_s: float) -> bool:
        """Say whether it is, by either clock: one set back meanwhile must not make a pause of a day."""
        return self.until_s is not None and (wall_s >= self.until_s or now_s >= self.over_s)


#: A camera that another program takes again within a minute, as one does that tries over and over, is looked
#: through once it was free for so long: each time costs a new process, and half a second of a core.
AGAIN_S: Final = 60.0
RESTLESS_S: Final = 10.0


@dataclass
class Holder:
    """Which other program has the camera, and from when on it counts as free again.

    Attributes
    ----------
    by
        The program; empty where none has it.
    """

    by: str = ""
    _free_at_s: float = math.inf
    _freed_at_s: float = -math.inf
    _restless: bool = False

    def heard(self, by: str, now_s: float) -> bool:
        """Take in that a program has it, or (``""``) none; say whether one has just taken it."""
        taken = bool(by) and not self.by
        if taken:
            self._restless = now_s - self._freed_at_s < AGAIN_S
        if by:
            self.by, self._free_at_s = by, math.inf
        else:
            self._free_at_s = now_s + (RESTLESS_S if self._restless else 0.0)
        return taken

    def has_freed(self, now_s: float) -> bool:
        """Say whether it counts as free from now on."""
        if not self.by or now_s < self._free_at_s:
            return False
        self.by, self._freed_at_s = "", now_s
        return True


@dataclass
class Closures:
    """What keeps the camera closed.

    Attributes
    ----------
    pause
        The user's.
    lent
        A calibration has the camera.
    away
        What the system says of the user's presence.
    holder
        Which other program has opened the camera.
    """

    pause: Pause | None = None
    lent: bool = False
    away: Away = PRESENT
    holder: Holder = field(default_factory=Holder)

    def resting(self, config: Config, wall_s: float) -> Resting | None:
        """Return why the camera is to be closed now, if it is."""
        if self.pause is not None:
            return Resting("paused", "paused")
        if self.lent:
            return _LENT
        if self.away:
            return Resting("away", self.away.reason)
        if not _within(config.service.hours, wall_s):
            return Resting("paused", "outside working hours")
        return _ANOTHER if self.holder.by and config.camera.calls == "yield" else None

    def told(self, resting: Resting) -> tuple[str, str, float | None]:
        """Return what is done now, one line about it, and when it ends (POSIX seconds) if that is known."""
        if resting == _LENT:
            return "paused", "calibrating has the camera; it comes back by itself", None
        if resting == _ANOTHER:
            return "busy", f"{self.holder.by} has the camera; it comes back by itself", None
        activity = resting.state
        if activity == "away":
            activity = "suspended" if resting.reason == "suspended" else "locked"
        return activity, f"{resting.reason}; the camera is off", self.pause.until_s if self.pause else None


def _within(hours: tuple[DaySpan, ...], wall_s: float) -> bool:
    """Say whether the local time lies in one of these spans of the day; where there are none, it does."""
    clock = time.localtime(wall_s)
    at = dt.time(clock.tm_hour, clock.tm_min, clock.tm_sec)
    return not hours or any(at in span for span in hours)
