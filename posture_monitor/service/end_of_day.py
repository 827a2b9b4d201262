"""The end of the day: one line at a set time, and a button that opens the report."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from posture_monitor.history import days
from posture_monitor.history.records import NOT_SHOWN
from posture_monitor.history.store import Store
from posture_monitor.telling import words
from posture_monitor.telling.notify import Action
from posture_monitor.telling.words import Text

#: The button under the line; its label is in `words.BUTTONS`.
BUTTON = "report"


class EndOfDay:
    """Knows when the day is to be summed up, and which notification did it.

    Parameters
    ----------
    at
        Local time of day, ``17:30``; ``""`` never.
    """

    def __init__(self, at: str = "") -> None:
        self.tell_at(at)
        self._before: dt.datetime | None = None
        self._told: dt.date | None = None
        self._shown: dict[str, dt.date] = {}

    def tell_at(self, at: str) -> None:
        """Take another time; what was told, and can still be answered, stays."""
        self._at = dt.time.fromisoformat(at) if at else None

    def due(self, wall_s: float) -> dt.date | None:
        """Return the local day to be summed up now, if its time has come since the last call.

        A program begun after the time stays silent, and so does one that slept
        past midnight: that day is over. A clock set back tells no day twice, and
        one set forward by a journey east passes over none.

        Parameters
        ----------
        wall_s
            POSIX seconds.
        """
        # As the clock on the wall showed it then: in another place the same moment has another time.
        now = dt.datetime.fromtimestamp(wall_s)
        before, self._before = self._before, now
        if self._at is None or before is None or now.date() == self._told:
            return None
        if not before < dt.datetime.combine(now, self._at) <= now:
            return None
        self._told = now.date()
        return self._told

    def sent(self, sent_id: str, date: dt.date) -> None:
        """Remember the notification that sums up a day."""
        self._shown[sent_id] = date

    def asked(self, action: Action) -> dt.date | None:
        """Return the day whose report this action asks for, if it does."""
        return self._shown.get(action.sent_id) if action.name in (BUTTON, "clicked") else None


def line(history: Path, date: dt.date, now_s: float) -> Text:
    """Return the one line that sums up a day.

    Raises
    ------
    UserError
        The history cannot be read.
    """
    with Store.open(history, readonly=True) as store:
        day = days.day(store, date, now_s, shifts=False)
    alerts = sum(alert.kind in ("posture", "stand") and alert.channel != NOT_SHOWN for alert in day.alerts)
    return words.day_text(day.judged_s, day.seconds["poor"], day.present_s, alerts, enough=not day.withheld)
