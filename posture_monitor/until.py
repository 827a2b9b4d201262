"""When a pause or snooze ends, as a user writes it."""

from __future__ import annotations

import datetime
import re
from typing import Final

from posture_monitor.errors import UserError

#: The longest pause: beyond a week the program had better be switched off.
LONGEST: Final = datetime.timedelta(days=7)

#: "Until tomorrow" means until this time, the next morning after a night: whoever asks at 23:50 does not mean
#: ten minutes, and whoever asks at 00:30 does not mean a day and a quarter.
MORNING: Final = datetime.time(6, 0)
NIGHT: Final = datetime.timedelta(hours=4)

_EXAMPLES: Final = "write it like 15m, 1h, 1h30m, 'until 14:00' or 'until tomorrow'"
_LENGTH: Final = re.compile(r"(?:(\d{1,4})\s*h)?\s*(?:(\d{1,5})\s*m(?:in)?)?\s*(?:(\d{1,6})\s*s)?")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def parse_length(text: str) -> datetime.timedelta:
    """Return the length of time that ``15m``, ``1h``, ``1h30m`` or ``90s`` stands for.

    Raises
    ------
    UserError
        It is written differently, is zero, or is longer than a week.
    """
    found = _LENGTH.fullmatch(text.strip().lower())
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    length = datetime.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        raise UserError(f"{text!r} is not a length of time: {_EXAMPLES}")
    if length > LONGEST:
        raise UserError(f"{text!r} is longer than a week: stop the program instead")
    return length


def parse_until(text: str, now: datetime.datetime) -> datetime.datetime:
    """Return when a pause or snooze ends.

    Parameters
    ----------
    text
        A length (``15m``, ``1h30m``), ``until 14:00`` (the next time the clock
        shows it) or ``until tomorrow`` (six in the morning, after a night).
    now
        Local time on this machine; the answer is of the same kind. A length is what passes, whatever the
        clock does meanwhile.

    Raises
    ------
    UserError
        It is written differently, or lies more than a week ahead.
    """
    plain = " ".join(text.lower().split())
    point = plain.removeprefix("until ")
    if point == "tomorrow":
        morning = _at(now, MORNING)
        return morning if morning >= now + NIGHT else _at(now + datetime.timedelta(days=1), MORNING)
    clock = _CLOCK.fullmatch(point)
    if clock is not None:
        end = _at(now, datetime.time(int(clock[1]), int(clock[2])))
        # In the hour that comes twice the clock shows a time again.
        for seen in (end.replace(fold=0), end.replace(fold=1)):
            if seen.timestamp() > now.timestamp():
                return seen
        return _at(now + datetime.timedelta(days=1), end.time())
    if point != plain:
        raise UserError(f"{text!r} is not a time: {_EXAMPLES}")
    return datetime.datetime.fromtimestamp(now.timestamp() + parse_length(plain).total_seconds())


def _at(day: datetime.datetime, time: datetime.time) -> datetime.datetime:
    return day.replace(hour=time.hour, minute=time.minute, second=0, microsecond=0, fold=0)
