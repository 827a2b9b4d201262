"""Turns a tripped dose into few, answered nudges: escalation, cooldown, and silence.

False and frequent alerts are why such programs get uninstalled: acceptance falls
by 30 % with each extra reminder (doi 10.1186/s12911-017-0430-8). So there is one
notification when the dose trips, one more ("stand up for two minutes") if nothing
changed after two minutes, and then an hour of silence. Every notification ends in
exactly one outcome, which is kept for the report.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from posture_monitor.posture import dose
from posture_monitor.posture.dose import Activity, Dose
from posture_monitor.posture.reading import Verdict

HOUR_S: Final = 3600.0
#: Seconds of unchanged posture after an alert until it suggests standing up, and of silence after that.
STAND_AFTER_S: Final = 120.0
SILENCE_S: Final = HOUR_S
#: An alert counts as corrected when posture recovers within these seconds.
CORRECTED_WITHIN_S: Final = 60.0
#: The cooldown grows by this factor for each ignored alert, up to this many seconds.
LENGTHENING: Final = 1.5
LONGEST_COOLDOWN_S: Final = 4 * HOUR_S


@dataclass(frozen=True)
class Policy:
    """When to speak, and when to hold back. The presets stand in ``config.toml``.

    Attributes
    ----------
    dose
        When the dose trips.
    cooldown_s
        Least seconds between two posture alerts, before any lengthening.
    max_per_hour
        Most notifications in any hour; 0 means none.
    """

    dose: dose.Policy
    cooldown_s: float
    max_per_hour: int


class Kind(str, enum.Enum):
    """What a notification asks for."""

    POSTURE = "posture"
    STAND = "stand"

    __str__ = str.__str__


class Response(str, enum.Enum):
    """How a notification ended."""

    CORRECTED = "corrected"  # posture recovered, or the person got up, within a minute
    LATE = "late"  # it recovered, but after that minute
    IGNORED = "ignored"
    DISMISSED = "dismissed"  # closed by hand, and nothing changed
    SNOOZED = "snoozed"
    WRONG = "wrong"
    REANCHORED = "reanchored"
    WITHDRAWN = "withdrawn"  # the program was paused before anything could be seen

    __str__ = str.__str__


@dataclass(frozen=True)
class Cause:
    """Which measure strayed, and how far.

    Attributes
    ----------
    metric
        Its name, ``""`` if none stood out.
    deviation
        From neutral, signed, as its metric expresses it (`metrics.Change`); NaN if unknown, or if it
        strayed from the minutes before.
    """

    metric: str = ""
    deviation: float = math.nan


NO_CAUSE: Final = Cause()


@dataclass(frozen=True)
class Alert:
    """Show a notification.

    Attributes
    ----------
    id
        Counts up from 1 within one state.
    t_s
        When, in the caller's seconds.
    cause
        The measure that strayed longest in this episode, and its mean deviation.
    poor_s, over_s
        Posture was poor or mild for `poor_s` of the last `over_s` seconds.
    replaces
        Id of the notification that this one takes the place of.
    """

    id: int
    kind: Kind
    t_s: float
    cause: Cause
    poor_s: float
    over_s: float
    replaces: int | None = None


@dataclass(frozen=True)
class Held:
    """This alert was due but held back because it is a quiet moment."""

    alert: Alert


@dataclass(frozen=True)
class Withdraw:
    """Take the notification down: it no longer applies."""

    alert_id: int


@dataclass(frozen=True)
class Outcome:
    """How the notification ended, and after how many watched seconds (NaN if long gone)."""

    alert_id: int
    response: Response
    after_s: float


Effect: TypeAlias = Alert | Held | Withdraw | Outcome
Effects: TypeAlias = tuple[Effect, ...]


@dataclass(frozen=True)
class Share:
    """How long, and how far, one measure strayed to one side: faded seconds and their weighted sum.

    The side is not known (None) where the deviation is not.
    """

    metric: str
    up: bool | None
    seconds: float = 0.0
    deviation: float = 0.0

    def faded(self, factor: float) -> Share:
        """Return it after fading by `factor`."""
        return replace(self, seconds=self.seconds * factor, deviation=self.deviation * factor)

    def grown(self, deviation: float, held_s: float) -> Share:
        """Return it with `held_s` more seconds of this deviation."""
        return replace(self, seconds=self.seconds + held_s, deviation=self.deviation + deviation * held_s)


@dataclass(frozen=True)
class Nudges:
    """Everything remembered between readings.

    Attributes
    ----------
    dose
        The dose.
    cause
        What the latest reading named as its driver.
    shares
        Which measures made the dose, each fading as the dose does.
    now_s
        A clock of its own that only ever runs forward, so that a clock put
        back does not lengthen a silence.
    showing, shown_at_s, shown_for_s, answered, dismissed
        The notification on the screen, when it came by `now_s`, the watched
        seconds since, whether its outcome is known, and whether it was closed
        by hand.
    shown_s
        When the notifications of the last hour came, by `now_s`.
    ignored
        Alerts ignored since the last one that was heeded.
    silent_until_s, snoozed_until_s
        By `now_s`.
    """

    dose: Dose = field(default_factory=Dose)
    cause: Cause = NO_CAUSE
    shares: tuple[Share, ...] = ()
    now_s: float = 0.0
    showing: Alert | None = None
    shown_at_s: float = 0.0
    shown_for_s: float = 0.0
    answered: bool = False
    dismissed: bool = False
    next_id: int = 1
    shown_s: tuple[float, ...] = ()
    ignored: int = 0
    silent_until_s: float = 0.0
    snoozed_until_s: float = 0.0


def step(
    state: Nudges,
    policy: Policy,
    t_s: float,
    activity: Activity,
    interval_s: float,
    cause: Cause = NO_CAUSE,
    quiet: bool = False,
    index: float = math.nan,
) -> tuple[Nudges, Effects]:
    """Take in one reading; return the new state and what is to be done.

    Parameters
    ----------
    t_s
        Monotonic seconds. A reading without a finite time is passed over.
    activity
        The smoothed verdict, or ``"paused"``.
    interval_s
        Scheduled seconds until the next reading.
    cause
        The driver of this reading and its deviation.
    quiet
        Nothing may be shown now (quiet hours, a call, full screen, do not disturb).
    index
        The slouch index behind the activity, as `dose.strength` takes it.
    """
    if not math.isfinite(t_s):
        return state, ()
    held_s = dose.spoken_s(state.dose.t_s, t_s, state.dose.interval_s)
    gathered = dose.step(state.dose, policy.dose, t_s, activity, interval_s, index)
    now_s = state.now_s + dose.passed_s(state.dose.t_s, t_s)
    recovered = state.dose.tripped and not gathered.tripped
    state = replace(
        state,
        dose=gathered,
        cause=cause,
        shares=_shares(state, held_s),
        now_s=now_s,
        shown_for_s=state.shown_for_s + (0.0 if state.dose.activity is Verdict.UNKNOWN else held_s),
        shown_s=tuple(s for s in state.shown_s if now_s - s < HOUR_S),
    )
    if recovered:
        return _recovered(state, paused=activity == dose.PAUSED)
    if state.showing is not None and not state.answered:
        return _waited(state, policy, activity, quiet)
    if gathered.tripped and dose.strays(activity):
        return _due(state, policy, quiet)
    return state, ()


def respond(state: Nudges, policy: Policy, alert_id: int, response: Response) -> tuple[Nudges, Effects]:
    """Take in what the user did with a notification.

    *Dismissed* only notes that it was closed: whoever closes it and then sits up
    has corrected. *Wrong* and *re-anchored* empty the dose, since what filled it
    did not hold. An old notification, answered late from the notification
    centre, gets its outcome all the same.
    """
    current = state.showing is not None and state.showing.id == alert_id
    if response is Response.DISMISSED:
        return (replace(state, dismissed=True) if current and not state.answered else state), ()
    outcome = Outcome(alert_id, response, state.shown_for_s if current else math.nan)
    if response in (Response.WRONG, Response.REANCHORED):
        # What shows of a later alert is still to be followed: its posture has not recovered.
        state = _emptied(state, state.showing is not None and not current)
    if not current:
        return state, (outcome,)
    return _closed(state), (outcome, Withdraw(alert_id))


def judged_anew(state: Nudges) -> Nudges:
    """Empty the dose: what filled it was measured from a neutral posture that no longer holds."""
    return replace(_emptied(state, state.showing is not None), cause=NO_CAUSE)


def _emptied(state: Nudges, followed: bool) -> Nudges:
    """Empty the dose; where a notification is still `followed`, its posture has not recovered by that."""
    tripped = state.dose.tripped and followed
    gathered = replace(state.dose, level=0.0, poor_s=0.0, over_s=0.0, tripped=tripped)
    return replace(state, dose=gathered, shares=())


def snooze(state: Nudges, t_s: float, seconds: float) -> tuple[Nudges, Effects]:
    """Show nothing for some seconds; 0 ends that. The dose goes on gathering and draining meanwhile."""
    ahead_s = dose.passed_s(state.dose.t_s, t_s) if math.isfinite(t_s) else 0.0
    until_s = state.now_s + ahead_s + seconds if seconds > 0 else state.now_s
    state = replace(state, snoozed_until_s=until_s)
    if state.showing is None or seconds <= 0:
        return state, ()
    shown, effects = state.showing, (Withdraw(state.showing.id),)
    if state.answered:
        return _closed(state), effects
    return _closed(state), (Outcome(shown.id, Response.SNOOZED, state.shown_for_s), *effects)


def snoozed_s(state: Nudges) -> float:
    """Return for how many more seconds it is snoozed."""
    return max(0.0, state.snoozed_until_s - state.now_s)


class Wait(str, enum.Enum):
    """What keeps an alert that is due from being shown, beside a quiet moment."""

    NOTHING = ""
    SHOWN = "shown"  # one is shown, and has not been answered yet
    SNOOZE = "snooze"
    COOLDOWN = "cooldown"
    LIMIT = "limit"  # as many as an hour may have were shown

    def __str__(self) -> str:
        return self.value


def wait(state: Nudges, policy: Policy) -> tuple[Wait, float]:
    """Return what the next alert waits for longest, and for how many seconds (may be infinite)."""
    if state.showing is not None and not state.answered:
        return Wait.SHOWN, math.inf
    most, shown = policy.max_per_hour, state.shown_s
    full_s = 0.0 if len(shown) < most else shown[-most] + HOUR_S - state.now_s if most else math.inf
    waits = {
        Wait.NOTHING: 0.0,
        Wait.SNOOZE: snoozed_s(state),
        Wait.COOLDOWN: state.silent_until_s - state.now_s,
        Wait.LIMIT: full_s,
    }
    longest = max(waits, key=waits.__getitem__)
    return longest, waits[longest]


def cooldown_s(policy: Policy, ignored: int) -> float:
    """Return the seconds between two alerts after so many ignored ones."""
    return min(policy.cooldown_s * LENGTHENING**ignored, LONGEST_COOLDOWN_S)


def _closed(state: Nudges) -> Nudges:
    return replace(state, showing=None, answered=False, dismissed=False)


def _shares(state: Nudges, held_s: float) -> tuple[Share, ...]:
    """Fade every share as the dose fades, and grow the one of the reading that spoke."""
    spoke = state.dose.activity
    shares = state.shares
    if state.dose.strength is not None:
        factor = math.exp(-held_s / dose.TAU_S)
        shares = tuple(s.faded(factor) for s in shares if s.seconds * factor > 1e-3)
    cause = state.cause
    if not (dose.strays(spoke) and cause.metric):
        return shares
    up = cause.deviation >= 0 if math.isfinite(cause.deviation) else None
    mine = next((s for s in shares if s.metric == cause.metric and s.up == up), Share(cause.metric, up))
    return (*(s for s in shares if s is not mine), mine.grown(cause.deviation, held_s))


def _main_cause(state: Nudges) -> Cause:
    """Return the measure that strayed longest, with its mean deviation."""
    most = max(state.shares, key=lambda share: share.seconds, default=None)
    if most is None or most.seconds <= 0:
        return state.cause
    return Cause(most.metric, most.deviation / most.seconds)


def _recovered(state: Nudges, paused: bool) -> tuple[Nudges, Effects]:
    shown = state.showing
    if shown is None:
        return state, ()
    withdraw = Withdraw(shown.id)
    if state.answered:
        return _closed(state), (withdraw,)
    if paused:
        response = Response.WITHDRAWN
    elif state.shown_for_s <= CORRECTED_WITHIN_S:
        response = Response.CORRECTED
        state = replace(state, ignored=0)
    else:
        response = Response.LATE
    return _closed(state), (Outcome(shown.id, response, state.shown_for_s), withdraw)


def _waited(state: Nudges, policy: Policy, activity: Activity, quiet: bool) -> tuple[Nudges, Effects]:
    """Let an unanswered notification grow old, and follow it up once."""
    shown = state.showing
    if shown is None or state.shown_for_s < STAND_AFTER_S or activity is Verdict.UNKNOWN:
        return state, ()
    response = Response.DISMISSED if state.dismissed else Response.IGNORED
    ignored = state.ignored + 1
    state = replace(
        state,
        answered=True,
        ignored=ignored,
        silent_until_s=max(state.silent_until_s, state.shown_at_s + cooldown_s(policy, ignored)),
    )
    outcome = Outcome(shown.id, response, state.shown_for_s)
    follow = shown.kind is Kind.POSTURE and activity is Verdict.POOR and response is Response.IGNORED
    if not follow or quiet or not _may_speak(state, policy):
        return state, (outcome,)
    state, alert = _show(state, Kind.STAND, replaces=shown.id)
    return replace(state, silent_until_s=state.now_s + SILENCE_S), (outcome, alert)


def _may_speak(state: Nudges, policy: Policy) -> bool:
    return state.now_s >= state.snoozed_until_s and len(state.shown_s) < policy.max_per_hour


def _due(state: Nudges, policy: Policy, quiet: bool) -> tuple[Nudges, Effects]:
    if state.now_s < state.silent_until_s or not _may_speak(state, policy):
        return state, ()
    silent_until_s = state.now_s + cooldown_s(policy, state.ignored)
    if quiet:
        held = Held(_alert(state, Kind.POSTURE, replaces=None))
        return replace(state, next_id=state.next_id + 1, silent_until_s=silent_until_s), (held,)
    old = state.showing
    state, alert = _show(state, Kind.POSTURE, replaces=old.id if old else None)
    return replace(state, silent_until_s=silent_until_s), (alert,)


def _alert(state: Nudges, kind: Kind, replaces: int | None) -> Alert:
    now = state.dose
    return Alert(state.next_id, kind, now.t_s, _main_cause(state), now.poor_s, now.over_s, replaces)


def _show(state: Nudges, kind: Kind, replaces: int | None) -> tuple[Nudges, Alert]:
    alert = _alert(state, kind, replaces)
    state = replace(
        state,
        showing=alert,
        shown_at_s=state.now_s,
        shown_for_s=0.0,
        answered=False,
        dismissed=False,
        next_id=state.next_id + 1,
        shown_s=(*state.shown_s, state.now_s),
    )
    return state, alert
