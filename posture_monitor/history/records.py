"""What the history hands out: spans of states and alerts; and the words it knows."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: What a span can be. The first four mean that somebody was there.
STATES = ("good", "mild", "poor", "unknown", "away", "paused", "busy")

#: What a diary entry may name as its trigger, and what it may have felt like.
TRIGGERS = ("overexertion", "lifting", "bending", "twisting", "posture", "stress", "other")
SYMPTOMS = ("sharp", "aching", "stiffness", "radiating", "tingling", "numbness", "weakness")

#: Under this share of judged in present time nothing is concluded (our own choice).
ENOUGH_COVERAGE = 0.60

#: Nor from less judged time than this (our own choice: below it one change of posture decides).
ENOUGH_JUDGED_S = 600.0

#: Hours and days with less judged time are not set against others: one slouch decides their share (our own
#: choice).
COMPARABLE_S = 1800.0

#: Hours and days whose shares of poor posture lie nearer together than this are not set against each other
#: (our own choice).
APART = 0.05

#: The channel of an alert that could not be shown.
NOT_SHOWN = "none"

#: How a reason is told where its own words, as they are kept, are hard to understand.
_PLAINLY = {"not the calibrated person's place": "not where you calibrated"}


def told_reason(reason: str) -> str:
    """Return the reason of a state as people are told it."""
    return _PLAINLY.get(reason, reason)


@dataclass(frozen=True)
class Span:
    """One state, from when to when.

    Attributes
    ----------
    start_s, end_s
        POSIX seconds (UTC).
    utc_offset_s
        Local time minus UTC at that time.
    state, reason
        One of `STATES`; the reason where there is one.
    live, run, seq
        Which recording says so; later ones have the greater numbers.
    """

    start_s: float
    end_s: float
    utc_offset_s: int
    state: str
    reason: str = ""
    live: bool = True
    run: int = 0
    seq: int = 0

    @property
    def length_s(self) -> float:
        """Duration in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Alert:
    """One notification and what followed.

    Attributes
    ----------
    wall_s
        POSIX seconds (UTC).
    kind
        ``posture``, ``stand``, ``break``, ``motionless``, ...
    driver, deviation
        The metric that drove it and its deviation from neutral, in its own unit; NaN if none did.
    held_s
        How long it had been so; NaN where that does not apply.
    channel
        How it was shown; `NOT_SHOWN` if it could not be.
    outcome, outcome_s
        ``corrected``, ``dismissed``, ``snoozed``, ``wrong``, ``ignored`` or ``""`` (not known),
        and when (POSIX seconds, NaN if not known).
    """

    wall_s: float
    utc_offset_s: int
    kind: str
    driver: str = ""
    deviation: float = math.nan
    held_s: float = math.nan
    channel: str = ""
    title: str = ""
    body: str = ""
    outcome: str = ""
    outcome_s: float = math.nan
    live: bool = True
    run: int = 0
    seq: int = 0
