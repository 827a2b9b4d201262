"""The core's own loop over a sitting: judged frames in, a steady state out.

It strings together what needs memory: the place in the picture (`place`), the
judgement over minutes (`sustained`) and the steady state (`steady`). Live use,
replays and benchmarks all step through here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from posture_monitor.posture import discriminants, jitter, place, steady, sustained
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.jitter import Jitter
from posture_monitor.posture.judge import Judgement, Limits
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.metrics import REASONS, ROW, Reason
from posture_monitor.posture.place import Place, Spot
from posture_monitor.posture.reading import VERDICTS, Verdict
from posture_monitor.posture.steady import Steady
from posture_monitor.posture.sustained import Sustained

_SPOT_ROWS = [
    ROW[name] for name in ("head_shift", "head_drop", "shoulder_shift", "shoulder_drop", "face_size")
]
#: A camera's or chair's shift is taken back when, by a mean over minutes, head and shoulders are higher
#: again by this part of it. Whoever slouches goes the other way; but who slid down at once and sat up
#: slowly looks like a shift that lasted, and every later slouch would be measured from down there.
_BACK = 0.6
#: But by no less than this (of the score *lowered*): so much higher nobody seems by natural sitting alone.
_SITTING = 2.0
#: A shift upwards is taken back when, by that mean and at this moment, they are where they were calibrated,
#: give or take this part of it: there nobody slouches.
_AT_NEUTRAL = 0.25
#: Where it may be somebody else who is seen: how far they are from the one before is no tremble.
_SOMEBODY_ELSE = (Reason.STRANGER, Reason.CROWD)
_UNJUDGED = (Verdict.UNKNOWN, Verdict.AWAY)


@dataclass(frozen=True)
class Moment:
    """One judged frame, as `step` takes it.

    Attributes
    ----------
    verdict, reason
        As judged on its own.
    cue
        Column of `sustained.cues`.
    spot
        Deviation of head and shoulders from their neutral place, and of face size.
    per_drop
        What a shoulder width by which head and shoulders are lower adds to the score *lowered*.
    """

    verdict: Verdict
    reason: Reason
    cue: tuple[float, ...]
    spot: tuple[float, ...]
    per_drop: float = 0.0


@dataclass(frozen=True)
class Session:
    """Everything the core remembers of a sitting.

    Attributes
    ----------
    steady
        The state now, and since when.
    sustained
        The judgement over minutes, and what was learnt.
    place
        Shifts of camera or chair.
    jitter
        How much the landmarks tremble.
    """

    steady: Steady = field(default_factory=Steady)
    sustained: Sustained = field(default_factory=Sustained)
    place: Place = field(default_factory=Place)
    jitter: Jitter = field(default_factory=Jitter)

    @property
    def state(self) -> Verdict:
        """Good, mild, poor, unknown or away."""
        return self.steady.state


def moments(judgement: Judgement, neutral: Neutral, limits: Limits | None = None) -> list[Moment]:
    """Return ``N`` frames as `step` takes them, judged against `neutral` with the user's `limits`."""
    cue: Array = sustained.cues(judgement, neutral, limits)
    per_drop = discriminants.per_drop(neutral)
    # From the side the trunk's own lean moves head and shoulders alike: there, places tell nothing.
    spots: Array = np.where(
        np.isnan(judgement.deviations[ROW["trunk_incl"]]), judgement.deviations[_SPOT_ROWS], np.nan
    )
    return [
        Moment(VERDICTS[verdict], REASONS[reason], tuple(column), tuple(spot), per_drop)
        for verdict, reason, column, spot in zip(
            judgement.verdict.tolist(),
            judgement.reason.tolist(),
            cue.T.tolist(),
            spots.T.tolist(),
            strict=True,
        )
    ]


def step(session: Session, policy: steady.Policy, t_s: float, moment: Moment) -> Session:
    """Take in one frame.

    Parameters
    ----------
    policy
        Its `interval_s` is the scheduled time between this frame and the one before it.
    t_s
        Monotonic seconds.
    """
    verdict, reason = moment.verdict, moment.reason
    where, cue = session.place, None
    if verdict not in _UNJUDGED:
        where = place.step(where, Spot(t_s, *moment.spot), policy.interval_s)
        if where.unsettled:
            verdict, reason = Verdict.UNKNOWN, Reason.MOVED
        else:
            forward, lowered, *rest = moment.cue
            cue = (forward, lowered - where.offset_y * moment.per_drop, *rest)
    minutes = sustained.step(session.sustained, t_s, cue, policy.interval_s)
    if session.place.arriving is not None and where.offset_y != session.place.offset_y:
        # Where somebody has sat down is known by now: what was compared before was the place.
        usual = minutes.lowered_habit.middle
        minutes = replace(minutes, lowered=usual, recent=usual, latest=None)
    shifted = where.offset_y * moment.per_drop
    if _returned(shifted, minutes):
        # What was higher is no longer a rise; but what seems lower has been good all the while.
        recent = minutes.recent if shifted > 0 else minutes.lowered
        minutes = replace(minutes, lowered=minutes.lowered + shifted, recent=recent + shifted, latest=None)
        where = replace(where, offset_y=0.0)
    state = steady.step(
        session.steady,
        policy,
        t_s,
        verdict,
        minutes.index,
        reason.value,
        minutes.driver,
    )
    trembling = session.jitter
    if moment.reason not in _SOMEBODY_ELSE:
        trembling = jitter.step(trembling, t_s, moment.spot[0], moment.spot[1])
    return Session(state, minutes, where, trembling)


def _returned(shifted: float, minutes: Sustained) -> bool:
    """Return whether who had been shifted by so much (of the score *lowered*) is back from there."""
    if shifted > 0:
        return -minutes.lowered > max(_BACK * shifted, _SITTING)
    if shifted == 0 or minutes.latest is None:
        return False
    near = _AT_NEUTRAL * -shifted
    return abs(minutes.lowered + shifted) < near and abs(minutes.latest[1] + shifted) < near


def replay(frames: Iterable[Moment], t_s: Iterable[float], policy: steady.Policy) -> list[Session]:
    """Step through judged frames, each at its time, and return the session after each."""
    session, out = Session(), []
    for at, moment in zip(t_s, frames, strict=True):
        session = step(session, policy, at, moment)
        out.append(session)
    return out
