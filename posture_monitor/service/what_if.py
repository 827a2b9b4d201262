"""What other settings would have made of a day: its kept readings through the same core once more.

A reading is kept with the judgement over minutes that alerts rest on, so the
steady state, the dose and the alert policy can be run again without a picture.
What the user would have done after an alert that never came is not known: the
posture is taken as it was.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from posture_monitor.config import Config, Policy
from posture_monitor.day_span import DaySpan
from posture_monitor.errors import UserError
from posture_monitor.history import days, records
from posture_monitor.history.days import Day
from posture_monitor.history.packing import Floats, Samples
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import Shown
from posture_monitor.posture import dose, nudge, steady
from posture_monitor.posture.reading import LONGEST_SPOKEN_S, VERDICTS, Verdict
from posture_monitor.posture.steady import Steady

#: What a rest is to the dose, by the state that the history keeps of it.
_RESTS: Final[dict[str, dose.Activity]] = {"paused": dose.PAUSED, "away": Verdict.AWAY}
#: In a rest the dose is followed this often, as the running monitor does.
_BEAT_S: Final = 4.0


class Rest(NamedTuple):
    """Time in which nothing was looked at, and what that was to the dose: it drains."""

    start_s: float
    end_s: float
    activity: dose.Activity


@dataclass(frozen=True)
class Stretch:
    """Readings of one recording, in order of time.

    Attributes
    ----------
    t_s
        ``(N,)`` POSIX seconds.
    verdicts, index
        ``N`` verdicts of the moment, and ``(N,)`` slouch indices over minutes; NaN where not judged.
    interval_s
        ``(N,)`` seconds that were scheduled from each to the next: those that passed, where something
        was looked at in time, else the usual ones.
    rests
        Pauses and absences in which nothing was looked at, in order of time.
    """

    t_s: Floats
    verdicts: tuple[Verdict, ...]
    index: Floats
    interval_s: Floats
    rests: tuple[Rest, ...] = ()


@dataclass(frozen=True)
class WhatIf:
    """A day under several alert policies.

    Attributes
    ----------
    alerts
        Policy name to the POSIX seconds at which it would have alerted.
    shown
        Posture alerts that were shown on the day.
    kept_s, watched_s
        Seconds at the desk of which readings are kept, and seconds at the desk in all.
    """

    alerts: Mapping[str, tuple[float, ...]]
    shown: int
    kept_s: float
    watched_s: float


def policy_of(numbers: Policy) -> nudge.Policy:
    """Return the alert policy of some settings."""
    return nudge.Policy(dose.Policy(numbers.poor_hold_s), numbers.cooldown_s, numbers.max_per_hour)


def states(stretch: Stretch, window_s: float) -> list[Steady]:
    """Return the steady state after each reading of a stretch."""
    state, told, waited_s = Steady(), [], stretch.interval_s[0]
    for t_s, verdict, index, interval_s in zip(
        stretch.t_s.tolist(),
        stretch.verdicts,
        stretch.index.tolist(),
        stretch.interval_s.tolist(),
        strict=True,
    ):
        state = steady.step(state, steady.Policy(window_s, waited_s), t_s, verdict, index)
        told.append(state)
        waited_s = interval_s
    return told


def alerts(
    stretch: Stretch, told: Sequence[Steady], policy: nudge.Policy, quiet: Sequence[DaySpan] = ()
) -> list[float]:
    """Return when a policy would have alerted (POSIX seconds), given the steady states and quiet hours."""
    state, shown, rests = nudge.Nudges(), [], list(stretch.rests)
    for t_s, interval_s, now in zip(stretch.t_s.tolist(), stretch.interval_s.tolist(), told, strict=True):
        while rests and rests[0].start_s < t_s:
            rest = rests.pop(0)
            for at_s in np.arange(rest.start_s, rest.end_s, _BEAT_S).tolist():
                state, _ = nudge.step(state, policy, at_s, rest.activity, _BEAT_S)
        hush = any(dt.datetime.fromtimestamp(t_s).time() in span for span in quiet)
        state, effects = nudge.step(state, policy, t_s, now.state, interval_s, quiet=hush, index=now.index)
        shown += [effect.t_s for effect in effects if isinstance(effect, nudge.Alert)]
    return shown


def what_if(store: Store, date: dt.date, config: Config, policies: Mapping[str, Policy]) -> WhatIf:
    """Run the kept readings of a local day once more, under each of several policies.

    Parameters
    ----------
    store
        The history.
    config
        Window of the steady state, quiet hours, and the usual sampling interval.
    policies
        Name to numbers.

    Raises
    ------
    UserError
        No reading of that day is kept.
    """
    day = days.day(store, date, shifts=False)
    stretches = kept(store, day.spans, config.camera.interval_s)
    if not stretches:
        raise UserError(_nothing(day, config.history.keep_samples_days))
    told = [states(stretch, config.judge.window_s) for stretch in stretches]
    found = {
        name: tuple(
            at_s
            for stretch, state in zip(stretches, told, strict=True)
            for at_s in alerts(stretch, state, policy_of(numbers), config.quiet.hours)
        )
        for name, numbers in policies.items()
    }
    shown = sum(alert.kind in (nudge.Kind.POSTURE.value, nudge.Kind.STAND.value) for alert in day.alerts)
    kept_s = sum(_present_s(stretch, state) for stretch, state in zip(stretches, told, strict=True))
    return WhatIf(found, shown, min(kept_s, day.present_s), day.present_s)


def kept(store: Store, spans: Sequence[records.Span], usual_s: float) -> list[Stretch]:
    """Return the kept readings of some spans, a stretch for each recording that tells of them.

    Parameters
    ----------
    spans
        In order of time, none overlapping another.
    usual_s
        Seconds between readings where there are too few to tell.
    """
    if not spans:
        return []
    shown, found = Shown(spans), []
    minutes: dict[int, list[Samples]] = {}
    for samples in store.samples(spans[0].start_s, spans[-1].end_s):
        minutes.setdefault(int(samples.wall_s[0] // 60), []).append(samples)
    at: list[tuple[float, Verdict, float]] = []
    run = -1
    for minute in minutes.values():
        for wall_s, verdict, index in _once(minute):
            # Readings are kept to the millisecond, spans to the end.
            span = shown.at(wall_s) or shown.at(wall_s - 0.001)
            if span is None:
                continue
            if at and span.run != run:
                found.append(_stretch(at, usual_s, spans))
                at = []
            run = span.run
            at.append((wall_s, verdict, index))
    return [*found, _stretch(at, usual_s, spans)] if at else found


def _once(recordings: Sequence[Samples]) -> list[tuple[float, Verdict, float]]:
    """Return the readings of one minute, each moment from the recording that counts last."""
    told: list[tuple[float, Verdict, float]] = []
    for samples in recordings:
        first_s, last_s = samples.wall_s.min(), samples.wall_s.max()
        told = [reading for reading in told if not first_s <= reading[0] <= last_s]
        verdicts = [VERDICTS[code] for code in samples.verdicts]
        told += zip(samples.wall_s.tolist(), verdicts, samples.slouch_index.tolist(), strict=True)
    return sorted(told, key=lambda reading: reading[0])


def _stretch(
    at: Sequence[tuple[float, Verdict, float]], usual_s: float, spans: Sequence[records.Span]
) -> Stretch:
    t_s = np.array([reading[0] for reading in at])
    # Looks come as they are wanted, six seconds apart or five a second. What comes later than a reading
    # may speak for, or after a gap in the record, was not waited for: the machine slept, the camera was
    # closed or gave no picture.
    steps_s = np.append(np.diff(t_s), np.inf)
    shown = Shown(spans)
    recorded = [shown.at(at_s) is not None for at_s in (t_s + steps_s / 2).tolist()]
    in_time = (steps_s > 0) & (steps_s <= LONGEST_SPOKEN_S) & recorded
    late_s = float(np.median(steps_s[in_time])) if in_time.any() else usual_s
    silences = [(t_s[i], t_s[i + 1]) for i in np.flatnonzero(~in_time[:-1]).tolist()]
    return Stretch(
        t_s,
        tuple(reading[1] for reading in at),
        np.array([reading[2] for reading in at]),
        np.where(in_time, steps_s, late_s),
        tuple(
            Rest(max(span.start_s, after_s + late_s), min(span.end_s, before_s), _RESTS[span.state])
            for after_s, before_s in silences
            for span in spans
            if span.state in _RESTS and span.end_s > after_s + late_s and span.start_s < before_s
        ),
    )


def _present_s(stretch: Stretch, told: Sequence[Steady]) -> float:
    """Return the seconds at the desk for which a stretch's readings speak."""
    spoken_s = np.minimum(np.diff(stretch.t_s, append=stretch.t_s[-1]), 2 * stretch.interval_s)
    return float(spoken_s[[now.state is not Verdict.AWAY for now in told]].sum())


def _nothing(day: Day, keep_days: int) -> str:
    if not day.spans:
        return f"nothing was recorded on {day.date}; there is nothing to run again"
    why = f"they are kept for {keep_days} days" if keep_days else "history.keep_samples_days = 0 keeps none"
    return f"the single readings of {day.date} are not there any more ({why}), so it cannot be run again"
