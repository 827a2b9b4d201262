"""A neutral posture to be set anew while the monitor runs: asked about, wished for, gathered for."""

from __future__ import annotations

from dataclasses import dataclass, field

from posture_monitor.service.collected import Collected
from posture_monitor.service.looking import Seen


@dataclass
class Wish:
    """A re-anchoring that somebody has asked for.

    Attributes
    ----------
    alert_id, sent_id
        The alert whose button it was, and the notification's id; None and ``""`` for a command.
    collected
        What was seen since.
    """

    alert_id: int | None = None
    sent_id: str = ""
    collected: Collected = field(default_factory=Collected)


@dataclass
class Reanchoring:
    """What is known of it between frames.

    Attributes
    ----------
    ask
        The user is to be asked whether camera or chair has moved, as soon as it is not quiet.
    question_id
        Id of the notification that asked.
    wish
        The re-anchoring under way.
    """

    ask: bool = False
    question_id: str = ""
    wish: Wish | None = None

    def gathered(self, seen: Seen) -> Wish | None:
        """Take in a frame; once there are enough the wish is over, and returned."""
        if (wish := self.wish) is None:
            return None
        wish.collected.add(seen)
        if not wish.collected.enough:
            return None
        self.wish = None
        return wish
