"""When to keep quiet: quiet hours, a pause asked for, do-not-disturb, full screen, a call.

The rules are plain functions with the time handed in; `QuietGate` looks at the
desktop, and remembers what was held back so that one summary can be given after.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Final

from posture_monitor.day_span import DaySpan
from posture_monitor.errors import UserError
from posture_monitor.telling.words import Text, summary_text

#: The longest pause: beyond a week the program had better be switched off.
LONGEST: Final = datetime.timedelta(days=7)

#: "Until tomorrow" means until this time, the next morning after a night: whoever asks at 23:50 does not mean
#: ten minutes, and whoever asks at 00:30 does not mean a day and a quarter.
MORNING: Final = datetime.time(6, 0)
NIGHT: Final = datetime.timedelta(hours=4)

#: The desktop is asked at most this often (seconds): while something may soon be said, and otherwise.
#: It may take two programs each time: all day every 20 s, that is much beside what watching costs.
EVERY_S: Final = 20.0
IDLE_EVERY_S: Final = 120.0

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


class QuietGate:
    """Says whether to keep quiet now, why, and what to say afterwards.

    Attributes
    ----------
    reason
        Why it is quiet, as of the last look; ``""`` where it is not.
    """

    def __init__(self) -> None:
        self.configure((), respect_dnd=True)
        self._asked_s: float | None = None
        self._desktop = ""
        self._held = 0
        self.reason = ""

    def configure(self, hours: Iterable[DaySpan], *, respect_dnd: bool) -> None:
        """Keep quiet at these hours of each day; heed do-not-disturb and full-screen applications or not.

        What was held back until now is still told afterwards.
        """
        self._spans = tuple(hours)
        self._respect_dnd = respect_dnd

    def look(self, t_s: float, now: datetime.datetime, *, in_call: bool = False, soon: bool = True) -> bool:
        """Return whether to keep quiet now; `reason` then says why.

        Parameters
        ----------
        t_s
            Monotonic seconds.
        now
            Local time, for the quiet hours.
        in_call
            A call is under way.
        soon
            Something may be said before long.
        """
        if any(now.time() in span for span in self._spans):
            self.reason = "quiet hours"
        elif in_call:
            self.reason = "call"
        else:
            self.reason = self._ask(t_s, EVERY_S if soon or self._held else IDLE_EVERY_S)
        return bool(self.reason)

    def hold(self) -> None:
        """Note that an alert was held back."""
        self._held += 1

    def summary(self) -> Text | None:
        """Return, once, what to say about the alerts held back; None while quiet or if there were none."""
        if self.reason or not self._held:
            return None
        held, self._held = self._held, 0
        return summary_text(held)

    def _ask(self, t_s: float, every_s: float) -> str:
        if not self._respect_dnd:
            return ""
        if self._asked_s is None or not 0 <= t_s - self._asked_s < every_s:
            from posture_monitor.telling import dnd

            self._asked_s = t_s
            self._desktop = (
                "do not disturb" if dnd.do_not_disturb() else "full screen" if dnd.full_screen() else ""
            )
        return self._desktop
