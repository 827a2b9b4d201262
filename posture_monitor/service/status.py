"""What the monitor is doing right now, as it is told to other processes.

Plain data and nothing heavy: `status` answers at once, and so do tray and preview.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from posture_monitor.errors import UserError
from posture_monitor.history.records import ENOUGH_COVERAGE, ENOUGH_JUDGED_S

#: Version of this description; it grows when a field changes its meaning.
VERSION: Final = 1

#: What the monitor may be doing.
ACTIVITIES: Final = ("watching", "paused", "locked", "busy", "trouble", "starting", "suspended")

T = TypeVar("T")


@dataclass(frozen=True)
class Angle:
    """One measure now.

    Attributes
    ----------
    name, label, unit
        The metric, its plain name, and the unit of `value`.
    value, deviation
        Its value, and how far it is from neutral; None where unmeasured.
    deviation_unit
        The unit of `deviation`: that of `value`, ``%`` of neutral, or shoulder widths.
    """

    name: str = ""
    label: str = ""
    unit: str = ""
    value: float | None = None
    deviation: float | None = None
    deviation_unit: str = ""


@dataclass(frozen=True)
class Today:
    """The local day so far, in seconds; `coverage` is the share of presence judged, as it is told."""

    present_s: float = 0.0
    judged_s: float = 0.0
    good_s: float = 0.0
    mild_s: float = 0.0
    poor_s: float = 0.0
    unknown_s: float = 0.0
    away_s: float = 0.0
    paused_s: float = 0.0
    busy_s: float = 0.0
    alerts: int = 0
    sit_bout_s: float = 0.0
    coverage: float = 0.0

    @property
    def enough(self) -> bool:
        """Whether there is enough to tell shares of: the rules of the report."""
        return self.judged_s >= ENOUGH_JUDGED_S and self.coverage >= ENOUGH_COVERAGE


@dataclass(frozen=True)
class Camera:
    """The camera in use.

    Attributes
    ----------
    open
        Whether the device is open.
    trouble, detail
        A word (`sight.Blind.trouble`, or what is wrong with the picture) or ``""``, and a line about it.
    mode
        ``continuous`` or ``burst``.
    """

    name: str = ""
    identity: str = ""
    width: int = 0
    height: int = 0
    open: bool = False
    trouble: str = ""
    detail: str = ""
    mode: str = ""


@dataclass(frozen=True)
class InUse:
    """The profile judged against: its name, which of its neutrals, and whether it is only the starter."""

    name: str = ""
    neutral: str = ""
    starter: bool = False


@dataclass(frozen=True)
class Status:
    """All that is told about the monitor; times of day are POSIX seconds.

    Attributes
    ----------
    activity, why, until_s
        One of `ACTIVITIES`, one line about it, and when it ends if that is known.
    paused
        Whether the user has paused it; the camera may be closed for other reasons, too.
    state, reason, driver, held_s
        One of `records.STATES`, why it is unknown, the metric that drives it, and for
        how long it has held.
    dose, next_alert_s
        Share of the alert's threshold, and seconds until an alert if posture
        stays as it is; None where none is on its way.
    waits_for
        What a reminder waits for that would be due by the dose (`nudge.Wait`); ``""`` where none is due.
    quiet
        Why notifications are held back, ``""`` if they are not.
    interval_s
        Scheduled seconds between looks.
    looks, model_runs
        Pictures taken since the start, and how often the model was asked about one.
    cpu_percent, memory_mb
        Of all the monitor's processes; percent of one core.
    """

    version: int = VERSION
    pid: int = 0
    since_s: float = 0.0
    activity: str = "starting"
    why: str = ""
    until_s: float | None = None
    paused: bool = False
    state: str = "unknown"
    reason: str = ""
    driver: str = ""
    held_s: float = 0.0
    confidence: float | None = None
    view: str = ""
    angles: tuple[Angle, ...] = ()
    dose: float = 0.0
    next_alert_s: float | None = None
    waits_for: str = ""
    today: Today = field(default_factory=Today)
    camera: Camera = field(default_factory=Camera)
    profile: InUse = field(default_factory=InUse)
    preset: str = ""
    quiet: str = ""
    snoozed_until_s: float | None = None
    history_trouble: str = ""
    model_trouble: str = ""
    channel: str = ""
    interval_s: float = 0.0
    looks: int = 0
    model_runs: int = 0
    cpu_percent: float = 0.0
    memory_mb: float = 0.0
    source: str = ""
    language: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as plain dicts, lists and values; NaN and infinity as None."""
        plain = _plain(self)
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Status:
        """Return what `to_json` made; what is missing gets its default, what is unknown is passed over.

        Raises
        ------
        UserError
            It is not a status, or of another version.
        """
        if not isinstance(told, Mapping) or told.get("version") != VERSION:
            raise UserError(
                "the running monitor describes itself in another way; "
                "`posture-monitor restart` brings both to the same version"
            )
        parts = dict(told)
        parts["angles"] = tuple(_made(Angle, angle) for angle in _list(told.get("angles")))
        parts["today"] = _made(Today, told.get("today"))
        parts["camera"] = _made(Camera, told.get("camera"))
        parts["profile"] = _made(InUse, told.get("profile"))
        return _made(cls, parts)


#: By name here: where there are windows, Qt has the C library speak the desktop's language.
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def clock(posix_s: float, now_s: float) -> str:
    """Return a time of day as it is said now: ``14:00``, ``tomorrow 06:00``, ``Friday 06:00``."""
    then, today = time.localtime(posix_s), dt.date.fromtimestamp(now_s)
    told = time.strftime("%H:%M", then)
    if then[:3] == today.timetuple()[:3]:
        return told
    # By the calendar: a day on which the clock is changed has 23 or 25 hours.
    if then[:3] == (today + dt.timedelta(days=1)).timetuple()[:3]:
        return f"tomorrow {told}"
    return f"{_WEEKDAYS[then.tm_wday]} {told}"


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {part.name: _plain(getattr(value, part.name)) for part in dataclasses.fields(value)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):  # NumPy's floats are floats too
        return float(value) if math.isfinite(value) else None
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _made(kind: type[T], told: Any) -> T:
    """Return `kind` with those of its fields that are told; None only where a field may be None."""
    if not isinstance(told, Mapping):
        return kind()
    known = {}
    for part in dataclasses.fields(kind):  # type: ignore[arg-type]
        if part.name in told and not (told[part.name] is None and "None" not in str(part.type)):
            known[part.name] = told[part.name]
    return kind(**known)
