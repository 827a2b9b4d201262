"""Today so far, counted along: what `status` and the tray tell between two reports."""

from __future__ import annotations

import datetime as dt
import math

from posture_monitor.errors import UserError
from posture_monitor.history import days
from posture_monitor.history.records import STATES, Span
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import Totals
from posture_monitor.service.status import Today


class Tally(Totals):
    """Adds up the seconds of each state since local midnight.

    It begins with what the history holds of today and goes on by itself, so
    that telling it costs nothing.

    Parameters
    ----------
    store
        The history.
    wall_s
        Now, in POSIX seconds.
    """

    def __init__(self, store: Store, wall_s: float) -> None:
        self._store = store
        self._before: tuple[float, str, float] | None = None
        self.begin(wall_s)

    def begin(self, wall_s: float) -> None:
        """Take over what the history holds of today."""
        self._date = dt.date.fromtimestamp(wall_s)
        self.seconds: dict[str, float] = dict.fromkeys(STATES, 0.0)
        self.alerts = 0
        self._recall(wall_s)

    def _recall(self, wall_s: float) -> None:
        self._known = False
        self._ahead: tuple[Span, ...] = ()
        try:
            day = days.day(self._store, self._date, wall_s, shifts=False)
        except UserError:  # its trouble is told where the history is written, and passes
            return
        self._known = True
        self.seconds = {state: day.seconds[state] for state in STATES}
        self.alerts = len(day.alerts)
        # The clock was set back: these are told a second time, and then the later telling counts.
        self._ahead = tuple(span for span in day.spans if span.end_s > wall_s)

    def add(self, wall_s: float, state: str, longest_s: float) -> None:
        """Take in what is the case now; it holds until the next such call, for `longest_s` at most."""
        back = self._before is not None and wall_s < self._before[0]
        if back or dt.date.fromtimestamp(wall_s) != self._date:
            # Midnight has passed, or somebody has set the clock: what comes may have been told already.
            self.begin(wall_s)
        elif not self._known and not self._store.trouble:
            self._recall(wall_s)
        elif self._before is not None:
            since_s, before, most_s = self._before
            # Longer than a reading may speak, and nothing was measured in between.
            passed_s = wall_s - since_s
            if 0.0 <= passed_s <= most_s:
                self.seconds[before] += passed_s
                for span in self._ahead:
                    again_s = min(wall_s, span.end_s) - max(since_s, span.start_s)
                    self.seconds[span.state] -= max(0.0, again_s)
        self._before = (wall_s, state, longest_s)

    def today(self, sit_bout_s: float) -> Today:
        """Return it as `status` tells it."""
        return Today(
            present_s=self.present_s,
            judged_s=self.judged_s,
            alerts=self.alerts,
            sit_bout_s=sit_bout_s if math.isfinite(sit_bout_s) else 0.0,
            coverage=self.told_coverage if self.present_s else 0.0,
            **{f"{state}_s": self.seconds[state] for state in STATES},
        )
