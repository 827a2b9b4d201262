"""Posture judged over minutes: what a day at the desk calls for, before a camera that stays where it is.

A single frame is judged finely against a capture of some seconds (`judge`).
A day is another matter. People who sit well still wander: self-chosen
comfortable posture varied by about 9° of the head and 10° of the trunk over
five repeats (doi 10.3390/healthcare9121685), several times the scatter of a
capture. And two slouches hardly show from the front in a single frame: sliding
down the chair and reclining move the head down the picture and little else,
as a lowered chair does. So here

* slumping and a head carried forward are told from natural sitting by all
  measures together (`discriminants`), as are sliding down and reclining, which
  count when they *last*, by a running mean;
* who has raised or rolled the chair may slide down to where the score says little. So it is compared
  with that of the minutes before as well: a *rise* alone counts as mild, since a chair that was lowered
  rises, too;
* where a person's own sitting lies, and how much it varies, is *learnt* from
  the minutes in which they sat well, within bounds that no learning passes;
* everything else is as `judge` has it, with a little more room.

The limits were set on simulated working days and are scored on others
(`benchmarks/accuracy.py --natural`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np

from posture_monitor.posture import discriminants
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.judge import SIGNAL_NAMES, SIGNALS, Judgement, Limits
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.metrics import ROW
from posture_monitor.posture.reading import LONGEST_SPOKEN_S

#: Limits of both scores (standard deviations of natural sitting; see `discriminants`).
FORWARD_LIMIT: Final = 3.0
LOWERED_LIMIT: Final = 2.9
#: Limit of the rise of *lowered* over its own mean of the minutes before, and their time constant: short, so
#: that people who wander and chairs that are moved are followed; three minutes' sliding still stands out.
RISE_LIMIT: Final = 1.4
RECENT_S: Final = 300.0
#: A slouch is followed at this part of the pace: it is to stand out for long, a lowered chair not for ever.
SLOUCH_PACE: Final = 0.5
#: The most that a rise alone makes of the index: half way from mild to poor.
RISE_INDEX: Final = 0.75
#: Time constant (seconds) of *lowered*, and the largest score that a reading brings into its mean.
SLOW_S: Final = 40.0
#: And of its forgetting while nothing is judged: slower, so that a hand before the face hides no slouch.
FORGOTTEN_S: Final = 120.0
MOST_SCORE: Final = 8.0
#: How far learning may move the middle of a person's scores, and what it may make of their scatter.
MIDDLE_MOST: Final = 1.0
SCATTER_LEAST, SCATTER_MOST = 0.9, 1.15
#: Minutes that count as much as what is usual, and minutes that are remembered.
LEARN_USUAL, LEARN_MINUTES = 60, 300
#: A minute further out than this (times the limit) is a slouch, and teaches nothing.
LEARN_BELOW: Final = 1.0
#: A minute with fewer judged seconds than this is added to the next one.
LEAST_MINUTE_S: Final = 30.0
#: How much more room the instantaneous signals get.
ROOM: Final = {"too near": 1.3}
ROOM_ELSE: Final = 1.25
#: Mild begins at this slouch index.
MILD_INDEX: Final = 0.5
#: That is this part of the limit, and signals are combined by this norm:
#: closer to the limit, and closer to the largest alone, than for a single frame.
MILD_PART: Final = 0.9
NORM: Final = 8.0

#: Signals of `judge` that the score *forward* stands for, and those that are taken over as they are.
_FORWARD: Final = [SIGNAL_NAMES.index(name) for name in ("head sinking", "face forward")]
_TAKEN: Final = [i for i in range(len(SIGNALS)) if i not in _FORWARD]
_ROOMS: Final = np.array([[ROOM.get(SIGNAL_NAMES[i], ROOM_ELSE)] for i in _TAKEN])
#: What may drive a sustained judgement, in the order of the rows of `cues`.
SUSTAINED_NAMES: Final = ("forward", "lowered", *(SIGNAL_NAMES[i] for i in _TAKEN))
#: How *lowered* is called instead where it is mild by a rise alone: against the minutes before, not neutral.
RISE_NAME: Final = "lower than before"
_DRIVERS: Final = ("ear_height", "head_drop", *(SIGNALS[i].driver for i in _TAKEN))
#: Of the plain data that `Sustained.to_learnt` returns.
LEARNT_VERSION: Final = 2


class Habit(NamedTuple):
    """How a person sits while sitting well, in one score, from so many minutes.

    Attributes
    ----------
    minutes
        How many minutes it rests on; from `LEARN_MINUTES` on the oldest fade.
    mean, square
        Mean of the minutes, and mean of their squares.
    """

    minutes: int = 0
    mean: float = 0.0
    square: float = 1.0

    @property
    def middle(self) -> float:
        """Where this person's scores lie; what is usual, 0, until enough is known."""
        known = self.minutes / (self.minutes + LEARN_USUAL)
        return min(max(known * self.mean, -MIDDLE_MOST), MIDDLE_MOST)

    @property
    def scatter(self) -> float:
        """How much they vary, on the same scale: 1 is usual."""
        known = self.minutes / (self.minutes + LEARN_USUAL)
        variance = known * max(self.square - self.mean**2, 0.0) + (1.0 - known)
        return min(max(math.sqrt(variance), SCATTER_LEAST), SCATTER_MOST)

    def ratio(self, score: float, limit: float) -> float:
        """Return how far a score has gone, as a part of the limit for this person."""
        return (score - self.middle) / (limit * self.scatter)

    def after(self, score: float) -> Habit:
        """Return what is known after one more minute."""
        minutes = min(self.minutes + 1, LEARN_MINUTES)
        return Habit(
            minutes,
            self.mean + (score - self.mean) / minutes,
            self.square + (score**2 - self.square) / minutes,
        )


#: Of whom nothing is known.
USUAL: Final = Habit()


@dataclass(frozen=True)
class Sustained:
    """What is remembered, and the judgement now.

    Attributes
    ----------
    index
        Sustained slouch index: 0.5 where mild and 1 where poor begins; NaN if not judged.
    name, driver
        The strongest signal and the metric that stands for it; ``""`` below a quarter.
    lowered, recent
        Slow mean of the score, and its mean over the minutes before.
    forward_habit, lowered_habit
        What was learnt of this person.
    latest
        Both scores of the latest reading; None if it was not judged.
    """

    index: float = math.nan
    name: str = ""
    driver: str = ""
    t_s: float = math.nan
    lowered: float = 0.0
    recent: float = 0.0
    minute_s: float = 0.0
    minute_forward: float = 0.0
    minute_lowered: float = 0.0
    forward_habit: Habit = USUAL
    lowered_habit: Habit = USUAL
    latest: tuple[float, float] | None = None

    def to_learnt(self) -> dict[str, Any]:
        """Return what was learnt of this person, to be kept until the next sitting, as plain data."""
        return {
            "version": LEARNT_VERSION,
            "forward": [round(value, 4) for value in self.forward_habit],
            "lowered": [round(value, 4) for value in self.lowered_habit],
        }

    @classmethod
    def from_learnt(cls, learnt: Mapping[str, Any]) -> Sustained:
        """Return a fresh state that knows what was learnt before.

        Middle and scatter are worked out anew, within the bounds of learning,
        whatever is kept: nothing kept can pass them.

        Parameters
        ----------
        learnt
            As `to_learnt` gave it, for the same neutral posture.

        Raises
        ------
        ValueError
            It is not that; the message says what is wrong.
        """
        if learnt.get("version") != LEARNT_VERSION:
            raise ValueError(f"version is {learnt.get('version')!r}, not {LEARNT_VERSION}")
        forward, lowered = _habit(learnt, "forward"), _habit(learnt, "lowered")
        return cls(forward_habit=forward, lowered_habit=lowered, recent=lowered.middle)


def _habit(learnt: Mapping[str, Any], key: str) -> Habit:
    """Return the habit under a key; `ValueError` if it is none."""
    values = learnt.get(key)
    if (
        not isinstance(values, list | tuple)
        or len(values) != len(Habit._fields)
        or not all(isinstance(value, int | float) and abs(value) < math.inf for value in values)
    ):
        raise ValueError(f"{key} is not {len(Habit._fields)} numbers")
    minutes, mean, square = values
    # A minute that taught was below the widest limit: no mean of such minutes is above it.
    most = LEARN_BELOW * SCATTER_MOST * FORWARD_LIMIT + MIDDLE_MOST
    # Bounded before it becomes a float: an integer may be too large for one.
    mean, square = min(max(mean, -most), most), min(max(square, 0.0), most**2)
    return Habit(min(max(int(minutes), 0), LEARN_MINUTES), float(mean), float(square))


def cues(judgement: Judgement, neutral: Neutral, limits: Limits | None = None) -> Array:
    """Return what `step` needs of ``N`` frames, ``(len(SUSTAINED_NAMES), N)``.

    Parameters
    ----------
    judgement
        From `judge.judge`.
    neutral
        Against which it was judged.
    limits
        The user's tolerance; that of the scores goes by their drivers, ``ear_height`` and ``head_drop``.

    Returns
    -------
    ndarray
        First two rows the scores of `discriminants`, or what stands in for them in
        the same unit, the rest ratios to the instantaneous limits. Never NaN: what
        is not measured says nothing.
    """
    scale = limits.scale if limits else {}
    forward, lowered = discriminants.scores(judgement.deviations, neutral)
    # A starter profile knows too little for a score: there the signals that it stands for speak themselves.
    instead = np.nan_to_num(judgement.ratios[_FORWARD]).max(axis=0) * FORWARD_LIMIT / ROOM_ELSE
    forward = np.where(np.isnan(forward), instead, forward)
    forward, lowered = np.clip(np.nan_to_num([forward, lowered]), -MOST_SCORE, MOST_SCORE)
    # Where trunk and neck angles can be measured, they say it better.
    blind = np.isnan(judgement.deviations[ROW["trunk_incl"]])
    scores = [
        np.where(blind, score / scale.get(driver, 1.0), 0.0)
        for score, driver in zip((forward, lowered), _DRIVERS, strict=False)
    ]
    others = np.maximum(np.nan_to_num(judgement.ratios[_TAKEN]), 0.0) / _ROOMS
    return np.vstack([*scores, others])


def step(state: Sustained, t_s: float, cue: tuple[float, ...] | None, interval_s: float) -> Sustained:
    """Take in one reading.

    Parameters
    ----------
    t_s
        Monotonic seconds.
    cue
        One column of `cues`; None where the frame was not judged: then nothing is learnt,
        and how somebody sat in the minutes before soon says nothing: who comes back sits down anew.
    interval_s
        Scheduled seconds between this reading and the one before it; at most twice that counts
        as lying between them, and never over 20 s. The two speak for half of it each.
    """
    since_s = t_s - state.t_s if math.isfinite(state.t_s) else interval_s
    spoken_s = min(max(since_s, 0.0), 2 * interval_s, LONGEST_SPOKEN_S)
    if cue is None:
        forgot = _forgot(state, max(since_s, 0.0))
        return replace(forgot, index=math.nan, name="", driver="", t_s=t_s, latest=None)
    state = _forgot(state, max(since_s - spoken_s, 0.0))
    now = (cue[0], cue[1])
    forward, lowering = ((a + b) / 2 for a, b in zip(state.latest or now, now, strict=True))
    lowered = _followed(state.lowered, lowering, spoken_s / SLOW_S)
    pace = SLOUCH_PACE if state.index >= MILD_INDEX else 1.0
    recent = _followed(state.recent, lowering, pace * spoken_s / RECENT_S)
    low = state.lowered_habit.ratio(lowered, LOWERED_LIMIT)
    # The mean lags: who has risen less than half as far by now has sat up.
    rise = min(lowered - recent, 2 * (cue[1] - recent)) / RISE_LIMIT
    ratios = (state.forward_habit.ratio(cue[0], FORWARD_LIMIT), low, *cue[2:])
    total = sum(ratio**NORM for ratio in ratios if ratio > 0) ** (1 / NORM)
    ratios = (ratios[0], max(low, rise), *cue[2:])
    strongest = max(range(len(ratios)), key=ratios.__getitem__)
    told = ratios[strongest] > 0.25
    by_neutral, by_rise = _index(total), min(_index(rise), RISE_INDEX)
    alone = strongest == 1 and by_neutral < MILD_INDEX <= by_rise
    name = RISE_NAME if alone else SUSTAINED_NAMES[strongest]
    after = replace(
        state,
        index=max(by_neutral, by_rise),
        name=name if told else "",
        driver=_DRIVERS[strongest] if told else "",
        t_s=t_s,
        lowered=lowered,
        recent=recent,
        minute_s=state.minute_s + spoken_s,
        minute_forward=state.minute_forward + forward * spoken_s,
        minute_lowered=state.minute_lowered + lowering * spoken_s,
        latest=now,
    )
    # Minutes of the clock, so that they are the same however often one looks.
    if t_s // 60.0 != state.t_s // 60.0 and after.minute_s >= LEAST_MINUTE_S:
        return _learnt(after)
    return after


def _forgot(state: Sustained, unjudged_s: float) -> Sustained:
    """Return what is left after some seconds of which nothing is known."""
    if not unjudged_s:
        return state
    usual = state.lowered_habit.middle
    return replace(
        state,
        lowered=_followed(state.lowered, usual, unjudged_s / FORGOTTEN_S),
        recent=_followed(state.recent, usual, unjudged_s / SLOW_S),
    )


def _followed(mean: float, value: float, part: float) -> float:
    """Return an exponential mean after a value that held for this part of its time constant."""
    return mean + (1.0 - math.exp(-part)) * (value - mean)


def _index(ratio: float) -> float:
    """Return a ratio to the limit on the scale of the slouch index."""
    if ratio < MILD_PART:
        return MILD_INDEX * ratio / MILD_PART
    return MILD_INDEX + (1.0 - MILD_INDEX) * (ratio - MILD_PART) / (1.0 - MILD_PART)


def _learnt(state: Sustained) -> Sustained:
    """Return what is known after one more minute; a slouch teaches nothing."""
    forward, lowered = state.minute_forward / state.minute_s, state.minute_lowered / state.minute_s
    state = replace(state, minute_s=0.0, minute_forward=0.0, minute_lowered=0.0)
    slouching = (
        state.forward_habit.ratio(forward, FORWARD_LIMIT) >= LEARN_BELOW
        or state.lowered_habit.ratio(lowered, LOWERED_LIMIT) >= LEARN_BELOW
    )
    if slouching:
        return state
    return replace(
        state,
        forward_habit=state.forward_habit.after(forward),
        lowered_habit=state.lowered_habit.after(lowered),
    )
