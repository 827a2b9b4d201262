"""Reminders and suggestions: shown, kept in the history, and found again when they are answered."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from posture_monitor.history.records import NOT_SHOWN
from posture_monitor.history.store import REMEMBERED, Store
from posture_monitor.history.timeline import utc_offset_s
from posture_monitor.posture import breaks, nudge
from posture_monitor.telling import words
from posture_monitor.telling.notify import ALERT_BUTTONS, ChannelError, Notifier, Sent
from posture_monitor.telling.stretches import pick

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shown:
    """An alert on the screen.

    Attributes
    ----------
    alert_id
        Its number in `nudge`.
    number
        Its number in the history.
    sent_id
        Its id on the channel.
    metric
        What drove it.
    """

    alert_id: int
    number: int
    sent_id: str
    metric: str


class Reminders:
    """Carries the effects of dose and breaks out of the house.

    Attributes
    ----------
    count
        How many reminders and suggestions there were.
    """

    def __init__(self, notifier: Notifier, store: Store) -> None:
        self.count = 0
        self._notifier, self._store = notifier, store
        self._shown: dict[int, Shown] = {}
        #: The latest suggestion's number in the history, and how it ends where it is taken.
        self._suggested: dict[int, tuple[int, str]] = {}

    def send(self, text: words.Text, replace_id: str | None = None, buttons: tuple[str, ...] = ()) -> Sent:
        """Show a notification, and return what became of it."""
        try:
            return self._notifier.send(text, replace_id=replace_id, buttons=buttons)
        except ChannelError as error:
            log.warning("a notification was not shown: %s", error)
            return Sent("", NOT_SHOWN)

    def answered(self, sent_id: str) -> Shown | None:
        """Return the alert with this id on the channel."""
        return next((shown for shown in self._shown.values() if shown.sent_id == sent_id), None)

    def alert(self, alert: nudge.Alert, wall_s: float, *, standing: bool) -> None:
        """Show an alert."""
        text = words.alert_text(alert, standing=standing)
        replaced = self._shown.get(alert.replaces) if alert.replaces is not None else None
        sent = self.send(text, replaced.sent_id if replaced else None, ALERT_BUTTONS)
        number = self._keep(text, alert.kind.value, sent, alert.poor_s, wall_s, alert.cause)
        self._shown[alert.id] = Shown(alert.id, number, sent.id, alert.cause.metric)
        if len(self._shown) > REMEMBERED:
            del self._shown[next(iter(self._shown))]

    def withdraw(self, alert_id: int) -> None:
        """Take an alert off the screen."""
        if (shown := self._shown.get(alert_id)) is not None:
            self._notifier.withdraw(shown.sent_id)

    def outcome(self, outcome: nudge.Outcome, wall_s: float) -> None:
        """Keep what followed an alert."""
        if (shown := self._shown.get(outcome.alert_id)) is not None:
            self._store.outcome(shown.number, outcome.response.value, wall_s)

    def suggest(self, suggestion: breaks.Suggestion, wall_s: float) -> None:
        """Suggest a break."""
        # Nobody kneels down in an office; and whoever is to sit down or walk has enough to do.
        move = None if suggestion.wish is breaks.Wish.SIT else pick(suggestion.id, standing_only=True)
        text = words.break_text(suggestion, move)
        sent = self.send(text, buttons=("snooze",))
        number = self._keep(text, f"break-{suggestion.wish}", sent, suggestion.lasted_s, wall_s)
        outcome = "left" if suggestion.wish is breaks.Wish.STAND else "better"
        self._suggested = {suggestion.id: (number, outcome)}

    def taken(self, taken: breaks.Taken, wall_s: float) -> None:
        """Keep that a suggestion was taken."""
        if taken.suggestion_id in self._suggested:
            self._store.outcome(*self._suggested[taken.suggestion_id], wall_s)

    def _keep(
        self,
        text: words.Text,
        kind: str,
        sent: Sent,
        held_s: float,
        wall_s: float,
        cause: nudge.Cause = nudge.NO_CAUSE,
    ) -> int:
        """Return the number under which the history keeps it."""
        self.count += 1
        return self._store.alert(
            wall_s,
            utc_offset_s(wall_s),
            kind,
            driver=cause.metric,
            deviation=cause.deviation,
            held_s=held_s,
            channel=sent.channel,
            title=text.title,
            body=text.body,
        )
