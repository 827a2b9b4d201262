"""Sitting bouts, standing bouts and stillness: when to suggest a change.

Prompted changes of posture and active breaks are the best supported measure at
a desk: over six months 9 % and 7 % had new low back pain against 33 % without
(doi 10.5271/sjweh.3949). Prompts to stop sitting in general did nothing, so every
suggestion here comes with one move to make (`telling.stretches`).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from posture_monitor.posture.dose import PAUSED, Activity, passed_s, spoken_s
from posture_monitor.posture.reading import Verdict

#: How long a change must last to count as a shift of posture: a static hold is
#: one of more than 4 s (INSST NTP 847).
SHIFT_HOLD_S: Final = 4.0

#: What counts as a shift, per metric, in the unit of its deviation: 5° for
#: angles, and what 5° of trunk lean do to the rest: with the head 75 cm and the
#: shoulders 50 cm over the hips, the head moves by 6.5 cm, which is a sixth of a
#: shoulder width, or 11 % of the distance to a camera 60 cm away.
SHIFTS: Final[Mapping[str, float]] = {
    "trunk_incl": 5.0,
    "neck_incl": 5.0,
    "head_roll": 5.0,
    "shoulder_tilt": 5.0,
    "lateral_trunk": 5.0,
    "lateral_head": 5.0,
    "distance": 11.0,
    "head_shift": 0.17,
    "shoulder_shift": 0.11,
}

#: Seconds of absence that end a bout.
ABSENCE_S: Final = 60.0
#: So do these seconds with the camera closed: what came of them is not known.
UNWATCHED_S: Final = 1800.0
#: A suggestion counts as taken when the person leaves (or shifts, where moving was asked) within
#: these seconds; the absence that ends a bout comes on top.
TAKEN_WITHIN_S: Final = 300.0

#: Moving is not suggested when standing up is about to be, in these seconds: two at once are one too many.
APART_S: Final = 300.0


@dataclass(frozen=True)
class Policy:
    """When to suggest what.

    Attributes
    ----------
    bout_s
        Seconds of sitting (or standing) in one go until a change is suggested,
        and again after each further such time. 45 min comes a little before the 50 to
        60 min in which HSE's guidance asks for 5 to 10 min of break.
    motionless_s
        Seconds of good posture without a shift until moving is suggested; 20 min
        is the spacing of short breaks that served comfort best (McLean 2001,
        doi 10.1016/s0003-6870(00)00071-5).
    """

    bout_s: float
    motionless_s: float


class Wish(str, enum.Enum):
    """What is suggested."""

    STAND = "stand"
    SIT = "sit"
    MOVE = "move"

    __str__ = str.__str__


@dataclass(frozen=True)
class Suggestion:
    """Suggest a change.

    Attributes
    ----------
    id
        Counts up from 1 within one state; also says which move is next.
    lasted_s
        Seconds of the bout, or of stillness.
    """

    id: int
    wish: Wish
    t_s: float
    lasted_s: float


@dataclass(frozen=True)
class Taken:
    """The person got up, sat down or moved, soon after this suggestion."""

    suggestion_id: int
    after_s: float


Effect: TypeAlias = Suggestion | Taken
Effects: TypeAlias = tuple[Effect, ...]


@dataclass(frozen=True)
class Breaks:
    """Everything remembered between readings.

    Attributes
    ----------
    t_s, activity, interval_s
        The latest reading: when (NaN before the first), what, and the scheduled seconds to the next one.
    standing
        This bout is one of standing.
    bout_s, absent_s, unwatched_s
        Seconds present in this bout, of the absence under way, and of the pause under way.
    next_bout_s
        The bout length at which the next suggestion is due.
    still_s, since
        Seconds without a shift, and the deviations that stillness is measured from.
    moving_s
        Seconds for which something has been away from `since`.
    asked, asked_for_s
        The suggestion not yet answered, and the seconds since it.
    """

    t_s: float = math.nan
    activity: Activity = Verdict.UNKNOWN
    interval_s: float = 0.0
    standing: bool = False
    bout_s: float = 0.0
    absent_s: float = 0.0
    unwatched_s: float = 0.0
    next_bout_s: float = 0.0
    still_s: float = 0.0
    since: Mapping[str, float] = field(default_factory=dict)
    moving_s: float = 0.0
    asked: Suggestion | None = None
    asked_for_s: float = 0.0
    next_id: int = 1


def present(activity: Activity) -> bool:
    """Say whether somebody was judged to be there. Unknown and paused say nothing either way."""
    return activity in (Verdict.GOOD, Verdict.MILD, Verdict.POOR)


def step(
    state: Breaks,
    policy: Policy,
    t_s: float,
    activity: Activity,
    interval_s: float,
    deviations: Mapping[str, float] | None = None,
    standing: bool = False,
    quiet: bool = False,
) -> tuple[Breaks, Effects]:
    """Take in one reading; return the new state and what is to be done.

    Parameters
    ----------
    t_s
        Monotonic seconds. A reading without a finite time is passed over.
    activity
        The smoothed verdict, or ``"paused"``.
    interval_s
        Scheduled seconds until the next reading.
    deviations
        Deviation from neutral per metric; NaN or left out where it was not
        measured. Metrics not in `SHIFTS` are passed over.
    standing
        The profile in force is a standing one.
    quiet
        Suggestions wait until it is no longer quiet.

    Notes
    -----
    Time for which no reading speaks (suspend, locked screen) is an absence;
    unknown and paused are neither presence nor absence, but a bout does not go on over half
    an hour of a pause: who pauses in the evening has not been sitting until the morning.
    """
    if not math.isfinite(t_s):
        return state, ()
    held_s = spoken_s(state.t_s, t_s, state.interval_s)
    silent_s = passed_s(state.t_s, t_s) - held_s
    before = state.activity
    effects: list[Effect] = []
    there_s = held_s if present(before) else 0.0
    away_s = silent_s + (held_s if before is Verdict.AWAY else 0.0)
    # Who is not seen for a while may sit there all the same; with the camera closed nobody knows.
    unwatched_s = state.unwatched_s + held_s + silent_s if before == PAUSED else 0.0
    state = replace(
        state,
        t_s=t_s,
        activity=activity,
        interval_s=max(0.0, interval_s) if math.isfinite(interval_s) else 0.0,
        bout_s=state.bout_s + there_s,
        absent_s=state.absent_s + away_s if there_s == 0.0 else silent_s,
        unwatched_s=unwatched_s,
        still_s=state.still_s + there_s,
        asked_for_s=state.asked_for_s + held_s + silent_s,
    )
    over = state.absent_s >= ABSENCE_S or unwatched_s >= UNWATCHED_S
    if over or (present(activity) and standing != state.standing):
        state, effects = _ended(state, standing)
    if present(activity):
        state, taken = _watched(state, deviations or {}, held_s)
        effects += taken
        if not quiet:
            state, suggested = _suggested(state, policy)
            effects += suggested
    return state, tuple(effects)


def wait_s(state: Breaks, policy: Policy) -> float:
    """Return the seconds of presence until a suggestion comes at the earliest; 0 where one is due."""
    bout_s = _due_s(state, policy) - state.bout_s
    still_s = policy.motionless_s - state.still_s if state.since else math.inf
    return max(0.0, min(bout_s, still_s))


def _ended(state: Breaks, standing: bool) -> tuple[Breaks, list[Effect]]:
    """Close the bout, if there was one, and begin afresh."""
    fresh = Breaks(
        t_s=state.t_s,
        activity=state.activity,
        interval_s=state.interval_s,
        standing=standing,
        absent_s=state.absent_s,
        unwatched_s=state.unwatched_s,
        next_id=state.next_id,
    )
    return fresh, _taken(state)


def _taken(state: Breaks) -> list[Effect]:
    if state.asked is None or state.asked_for_s > TAKEN_WITHIN_S + ABSENCE_S:
        return []
    return [Taken(state.asked.id, state.asked_for_s)]


def _watched(state: Breaks, deviations: Mapping[str, float], held_s: float) -> tuple[Breaks, list[Effect]]:
    """Notice a shift of posture: something over its limit for more than `SHIFT_HOLD_S`."""
    now = {name: d for name, d in deviations.items() if name in SHIFTS and math.isfinite(d)}
    since = {**now, **state.since}
    far = any(abs(d - since[name]) > SHIFTS[name] for name, d in now.items())
    moving_s = state.moving_s + held_s if far and state.moving_s > 0 else (1e-9 if far else 0.0)
    if moving_s <= SHIFT_HOLD_S:
        return replace(state, since=since, moving_s=moving_s), []
    taken: list[Effect] = []
    if state.asked is not None and state.asked.wish is Wish.MOVE:
        taken = _taken(state)
        state = replace(state, asked=None)
    return replace(state, since=now, moving_s=0.0, still_s=0.0), taken


def _due_s(state: Breaks, policy: Policy) -> float:
    """Return how long a bout may last before something is suggested."""
    return state.next_bout_s or policy.bout_s


def _suggested(state: Breaks, policy: Policy) -> tuple[Breaks, list[Effect]]:
    if state.bout_s >= _due_s(state, policy):
        wish, lasted_s = (Wish.SIT if state.standing else Wish.STAND), state.bout_s
        state = replace(state, next_bout_s=state.bout_s + policy.bout_s)
    elif _due_s(state, policy) - state.bout_s < APART_S:
        return state, []  # it asks for movement as well
    elif state.activity is Verdict.GOOD and state.still_s >= policy.motionless_s and state.since:
        wish, lasted_s = Wish.MOVE, state.still_s
    else:
        return state, []
    suggestion = Suggestion(state.next_id, wish, state.t_s, lasted_s)
    # Either suggestion asks for movement, so stillness is counted anew from here.
    state = replace(
        state, asked=suggestion, asked_for_s=0.0, next_id=state.next_id + 1, still_s=0.0, moving_s=0.0
    )
    return state, [suggestion]
