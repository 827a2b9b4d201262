"""When to keep quiet: quiet hours, do-not-disturb, full screen, a call; and what to say afterwards."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import Final

from posture_monitor.day_span import DaySpan
from posture_monitor.telling.words import Text, summary_text

#: The desktop is asked at most this often (seconds): while something may soon be said, and otherwise.
#: It may take two programs each time: all day every 20 s, that is much beside what watching costs.
EVERY_S: Final = 20.0
IDLE_EVERY_S: Final = 120.0


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
