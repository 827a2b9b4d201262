"""How much poor posture has gathered lately: a leaky integrator that trips when there was too much of it.

    dD/dt = (s - D) / tau,   s = 1 poor, 0 good, away or paused, between the two mild

The time constant is that of creep in a flexed spine, 9.4 min (McGill & Brown
1992, doi 10.1016/0268-0033(92)90007-Q): what a slouch does builds up and fades
at that pace, and so does the dose. Feedback on gathered exposure shortens poor
posture more than feedback on a crossed line, with fewer cues (5.5 s against
20.4 s of poor posture, 4.6 against 10.4 cues; scapps.org/jems 3859).

Mild posture counts half on average: by how far it lies from good to poor. So a posture that
lingers at a limit gathers much the same dose on either side of it, and alerts hang
less on how often one looks (`benchmarks/sampling.py`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from posture_monitor.errors import UserError
from posture_monitor.posture.reading import LONGEST_SPOKEN_S, Verdict

#: Time constant of gathering and draining, in seconds: that of creep in full flexion (McGill & Brown 1992).
TAU_S: Final = 9.4 * 60

#: An episode of poor posture is forgotten once the dose has drained to this share of the threshold.
FORGOTTEN: Final = 0.1

#: Thousands of small exact steps end this close, relatively, to one large one.
ROUNDING: Final = 1e-9

PAUSED: Final = "paused"

#: What one moment was: a (smoothed) verdict, or that the user paused the program.
Activity: TypeAlias = Verdict | Literal["paused"]

#: How strongly each activity pulls the dose, as far as no more is known of it; None leaves it where it is.
STRENGTH: Final[dict[Activity, float | None]] = {
    Verdict.POOR: 1.0,
    Verdict.MILD: 0.5,
    Verdict.GOOD: 0.0,
    Verdict.AWAY: 0.0,
    PAUSED: 0.0,
    Verdict.UNKNOWN: None,
}

#: Of the slouch index: where mild posture begins to count, and where it counts as poor does.
COUNTS_FROM, COUNTS_FULLY = 0.5, 1.0


def strength(activity: Activity, index: float = math.nan) -> float | None:
    """Return how strongly a moment pulls the dose, 0..1; None leaves it where it is.

    Parameters
    ----------
    index
        The slouch index behind a mild or poor activity (0.5 where mild and 1 where poor
        begins); NaN if it is not known, then mild counts half.
    """
    if not strays(activity) or not math.isfinite(index):
        return STRENGTH[activity]
    return min(max((index - COUNTS_FROM) / (COUNTS_FULLY - COUNTS_FROM), 0.0), 1.0)


def strays(activity: Activity) -> bool:
    """Say whether this is posture away from neutral, poor or mild."""
    return activity in (Verdict.POOR, Verdict.MILD)


def recovers(activity: Activity) -> bool:
    """Say whether a stretch of poor posture ends here. Unknown ends nothing."""
    return STRENGTH[activity] == 0.0


@dataclass(frozen=True)
class Policy:
    """When the dose trips.

    Attributes
    ----------
    poor_hold_s
        Seconds of unbroken *poor*, from rest, until it trips; a little more where the index has
        fallen below 1 and only hysteresis keeps it poor.
    """

    poor_hold_s: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.poor_hold_s) and self.poor_hold_s > 0):
            raise UserError(f"alert.poor_hold_s is {self.poor_hold_s!r}: give a number of seconds above 0")

    @property
    def threshold(self) -> float:
        """Dose at which it trips, 0..1: what `poor_hold_s` of unbroken *poor* gathers from rest."""
        return -math.expm1(-self.poor_hold_s / TAU_S)


@dataclass(frozen=True)
class Dose:
    """What has gathered so far.

    Attributes
    ----------
    level
        The dose, from 0 to the policy's threshold. It goes no higher, so that
        an hour of slouching does not outweigh the minutes of good sitting after it.
    t_s, activity, index, interval_s
        The latest reading: when (NaN before the first), what, the slouch index behind it, and the
        scheduled seconds to the next one.
    poor_s, over_s
        Seconds of poor or mild posture in this episode, and the seconds the
        episode has lasted, as far as readings spoke for them.
    tripped
        The dose reached the threshold and posture has not recovered since.
    """

    level: float = 0.0
    t_s: float = math.nan
    activity: Activity = Verdict.UNKNOWN
    index: float = math.nan
    interval_s: float = 0.0
    poor_s: float = 0.0
    over_s: float = 0.0
    tripped: bool = False

    @property
    def strength(self) -> float | None:
        """How strongly the latest reading pulls; None if not at all."""
        return strength(self.activity, self.index)

    def fraction(self, policy: Policy) -> float:
        """Return the dose as a share of the threshold, 0..1."""
        return min(1.0, self.level / policy.threshold)


def passed_s(since_s: float, t_s: float) -> float:
    """Return the seconds since a moment; 0 where it is NaN, or later."""
    return t_s - since_s if t_s > since_s else 0.0


def spoken_s(since_s: float, t_s: float, interval_s: float) -> float:
    """Return for how many seconds a reading speaks.

    A reading speaks until the next one, at most twice the scheduled sampling
    interval and never over 20 s. So suspend, a locked screen, a stalled camera
    and a clock put forward or back say nothing about posture.

    Parameters
    ----------
    since_s, t_s
        When the reading was taken (NaN: there was none), and when the next one came, in seconds.
    interval_s
        The scheduled sampling interval at the time of the reading.
    """
    return min(passed_s(since_s, t_s), 2 * interval_s, LONGEST_SPOKEN_S)


def step(
    state: Dose,
    policy: Policy,
    t_s: float,
    activity: Activity,
    interval_s: float,
    index: float = math.nan,
) -> Dose:
    """Take in one reading.

    The update is the exact solution of the equation for a held strength, so the
    dose does not depend on how often readings come.

    Parameters
    ----------
    t_s
        Monotonic seconds. A reading without a finite time is passed over.
    activity
        What this reading says; it holds until the next one.
    interval_s
        Scheduled seconds until the next reading.
    index
        The slouch index behind the activity, as `strength` takes it.
    """
    if not math.isfinite(t_s):
        return state
    held_s = spoken_s(state.t_s, t_s, state.interval_s)
    level, poor_s, over_s = state.level, state.poor_s, state.over_s
    pull = state.strength
    if pull is not None:
        level = pull + (level - pull) * math.exp(-held_s / TAU_S)
        level = min(level, policy.threshold)
    if strays(state.activity):
        poor_s += held_s
    if poor_s > 0:
        over_s += held_s
    if not strays(state.activity) and level < FORGOTTEN * policy.threshold:
        poor_s = over_s = 0.0

    full = strays(activity) and level >= policy.threshold * (1 - ROUNDING)
    return Dose(
        level=level,
        t_s=t_s,
        activity=activity,
        index=index,
        interval_s=interval_s if math.isfinite(interval_s) and interval_s > 0 else 0.0,
        poor_s=poor_s,
        over_s=over_s,
        tripped=full or (state.tripped and not recovers(activity)),
    )
