"""Posture judged over minutes: what a day at the desk calls for, before a camera that stays where it is.

A single frame is judged finely against a capture of half a minute (`judge`).
A day is another matter. People who sit well still wander: self-chosen
comfortable posture varied by about 9° of the head and 10° of the trunk over
five repeats (doi 10.3390/healthcare9121685), several times the scatter of a
capture. And two slouches hardly show from the front in a single frame: sliding
down the chair and reclining move the head down the picture and little else,
as a lowered chair does. So here

* the limit for a sinking head starts in between and is *learnt* from the
  minutes in which the person sat well, within bounds that no learning passes;
* a lowered head counts when it *lasts*, by a mean over four minutes, since a
  camera that stands still lets places in the picture be compared;
* everything else is as `judge` has it, with a little more room.

The limits were set on two dozen simulated working days and are scored on others
(`benchmarks/accuracy.py --natural`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from posture_monitor.posture.judge import SIGNAL_NAMES, SIGNALS, Judgement
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.metrics import ROW

#: A nod carries the ears down by this much (percent of their height, a degree),
#: and the head down the picture by this much (shoulder widths, a degree).
NOD_SINKS: Final = 0.15
NOD_DROPS: Final = 0.005
#: Limit of the ears' sinking (percent): at the start, and the bounds of learning.
SINK_START, SINK_LEAST, SINK_MOST = 13.0, 11.0, 19.0
#: The limit learnt is this many times this quantile of the good minutes' means.
LEARN_GAIN, LEARN_QUANTILE = 1.5, 0.98
#: Minutes until what was learnt counts in full, and minutes that are remembered.
LEARN_RAMP, LEARN_MINUTES = 20, 300
#: A minute further out than this (times the limit) is a slouch, and teaches nothing.
LEARN_BELOW: Final = 1.6
#: A minute with fewer judged seconds than this is added to the next one.
LEAST_MINUTE_S: Final = 30.0
#: Time constant (seconds) and limits (shoulder widths) of a lowered head: head
#: and shoulders both lower; or the head lower while the face does not grow.
SLOW_S: Final = 240.0
SUNK_LIMIT, FALLEN_LIMIT = 0.20, 0.25
#: How much more room the instantaneous signals get.
ROOM: Final = {"too near": 1.3}
ROOM_ELSE: Final = 1.25
#: Mild begins at this part of the limit, and signals are combined by this norm:
#: closer to the limit, and closer to the largest alone, than for a single frame.
MILD_PART: Final = 0.9
NORM: Final = 8.0

#: Signals of `judge` that are taken over as they are.
_TAKEN: Final = tuple(
    i for i, name in enumerate(SIGNAL_NAMES) if name not in ("head sinking", "face forward", "head low")
)
#: What may drive a sustained judgement, in the order of the rows of `cues`.
SUSTAINED_NAMES: Final = (
    "head sinking",
    "sunk in the seat",
    "fallen back",
    *(SIGNAL_NAMES[i] for i in _TAKEN),
)
_DRIVERS: Final = ("ear_height", "head_drop", "head_drop", *(SIGNALS[i].driver for i in _TAKEN))
_MOST_SPOKEN_S: Final = 20.0
#: Of the plain data that `Sustained.to_learnt` returns.
LEARNT_VERSION: Final = 1


@dataclass(frozen=True)
class Sustained:
    """What is remembered, and the judgement now.

    Attributes
    ----------
    index
        Sustained slouch index: 0.5 where mild and 1 where poor begins; NaN if not judged.
    name, driver
        The strongest signal and the metric that stands for it; ``""`` below a quarter.
    limit
        Limit of the ears' sinking (percent) as learnt so far.
    latest
        The first three cues of the latest reading; None if it was not judged.
    """

    index: float = math.nan
    name: str = ""
    driver: str = ""
    limit: float = SINK_START
    t_s: float = math.nan
    sunk: float = 0.0
    fallen: float = 0.0
    minute_s: float = 0.0
    minute_sum: float = 0.0
    minutes: tuple[float, ...] = ()
    latest: tuple[float, float, float] | None = None

    def to_learnt(self) -> dict[str, Any]:
        """Return what was learnt of this person, to be kept until the next sitting, as plain data."""
        return {"version": LEARNT_VERSION, "minutes": [round(mean, 3) for mean in self.minutes]}

    @classmethod
    def from_learnt(cls, learnt: Mapping[str, Any]) -> Sustained:
        """Return a fresh state that knows what was learnt before.

        The limit is worked out anew from the minutes, within the bounds of
        learning, whatever they hold: nothing kept can pass them.

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
        minutes = learnt.get("minutes")
        if not isinstance(minutes, list | tuple) or not all(
            isinstance(mean, int | float) and math.isfinite(mean) for mean in minutes
        ):
            raise ValueError("minutes is not a list of numbers")
        # A limit that grew minute by minute may have let in more than the start would: no minute is
        # worth more than the widest limit lets in.
        kept = tuple(float(mean) for mean in minutes if mean < LEARN_BELOW * SINK_MOST)[-LEARN_MINUTES:]
        return cls(limit=_limit(kept), minutes=kept)


def cues(judgement: Judgement, scale: float = 1.0) -> Array:
    """Return what `step` needs of ``N`` frames, ``(len(SUSTAINED_NAMES), N)``.

    Parameters
    ----------
    judgement
        From `judge.judge`.
    scale
        The user's tolerance of a sinking head (driver ``ear_height``).

    Returns
    -------
    ndarray
        First row the ears' sinking (percent), second and third how far head
        and shoulders are down the picture (shoulder widths), the rest ratios to
        the instantaneous limits. Never NaN: what is not measured says nothing.
    """
    change = judgement.deviations

    def of(name: str) -> Array:
        return np.asarray(np.nan_to_num(change[ROW[name]]))

    nod = np.maximum(of("head_nod"), 0.0)
    ears = (-of("ear_height") - NOD_SINKS * nod) / scale
    drop = of("head_drop") - NOD_DROPS * nod
    sunk = np.minimum(drop, 1.25 * of("shoulder_drop"))
    fallen = drop - of("fsr") / 100
    # Where trunk and neck angles can be measured, they say it better.
    blind = np.isnan(change[ROW["trunk_incl"]])
    ears = np.where(np.isfinite(judgement.signals[0]), ears, 0.0)
    rows = [ears, np.where(blind, sunk, 0.0), np.where(blind, fallen, 0.0)]
    for i in _TAKEN:
        room = ROOM.get(SIGNAL_NAMES[i], ROOM_ELSE)
        rows.append(np.maximum(np.nan_to_num(judgement.ratios[i]), 0.0) / room)
    return np.stack(rows)


def step(state: Sustained, t_s: float, cue: tuple[float, ...] | None, interval_s: float) -> Sustained:
    """Take in one reading.

    Parameters
    ----------
    t_s
        Monotonic seconds.
    cue
        One column of `cues`; None where the frame was not judged: then nothing
        is learnt and nothing forgotten.
    interval_s
        Scheduled seconds between this reading and the one before it; at most twice that counts
        as lying between them, and never over 20 s. The two speak for half of it each.
    """
    since_s = t_s - state.t_s if math.isfinite(state.t_s) else interval_s
    spoken_s = min(max(since_s, 0.0), 2 * interval_s, _MOST_SPOKEN_S)
    if cue is None:
        return Sustained(
            math.nan, "", "", state.limit, t_s, state.sunk, state.fallen,
            state.minute_s, state.minute_sum, state.minutes,
        )  # fmt: skip
    now = (cue[0], cue[1], cue[2])
    ears, sinking, falling = ((a + b) / 2 for a, b in zip(state.latest or now, now, strict=True))
    gain = 1.0 - math.exp(-spoken_s / SLOW_S)
    sunk = state.sunk + gain * (sinking - state.sunk)
    fallen = state.fallen + gain * (falling - state.fallen)
    ratios = (cue[0] / state.limit, sunk / SUNK_LIMIT, fallen / FALLEN_LIMIT, *cue[3:])
    total = sum(ratio**NORM for ratio in ratios if ratio > 0) ** (1 / NORM)
    strongest = max(range(len(ratios)), key=ratios.__getitem__)
    told = ratios[strongest] > 0.25
    limit, minutes = state.limit, state.minutes
    minute_s, minute_sum = state.minute_s + spoken_s, state.minute_sum + ears * spoken_s
    # Minutes of the clock, so that they are the same however often one looks.
    if t_s // 60.0 != state.t_s // 60.0 and minute_s >= LEAST_MINUTE_S:
        limit, minutes = _learnt(limit, minutes, minute_sum / minute_s)
        minute_s = minute_sum = 0.0
    return Sustained(
        _index(total),
        SUSTAINED_NAMES[strongest] if told else "",
        _DRIVERS[strongest] if told else "",
        limit, t_s, sunk, fallen, minute_s, minute_sum, minutes, now,
    )  # fmt: skip


def _index(ratio: float) -> float:
    """Return a ratio to the limit on the scale of the slouch index."""
    if ratio < MILD_PART:
        return 0.5 * ratio / MILD_PART
    return 0.5 + 0.5 * (ratio - MILD_PART) / (1.0 - MILD_PART)


def _learnt(limit: float, minutes: tuple[float, ...], mean: float) -> tuple[float, tuple[float, ...]]:
    """Return limit and minutes after one more minute; a slouch teaches nothing."""
    if mean >= LEARN_BELOW * limit:
        return limit, minutes
    minutes = (*minutes, mean)[-LEARN_MINUTES:]
    return _limit(minutes), minutes


def _limit(minutes: tuple[float, ...]) -> float:
    """Return the limit that these minutes teach."""
    if not minutes:
        return SINK_START
    ranked = sorted(minutes)
    usual = ranked[min(len(ranked) - 1, int(LEARN_QUANTILE * len(ranked)))]
    weight = min(1.0, len(minutes) / LEARN_RAMP)
    learnt = weight * LEARN_GAIN * usual + (1.0 - weight) * SINK_START
    return min(max(learnt, SINK_LEAST), SINK_MOST)
