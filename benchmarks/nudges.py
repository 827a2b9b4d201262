"""How often each preset speaks up, on simulated working weeks: ``python benchmarks/nudges.py``.

Days come from `natural_day`: hours of ordinary work with sustained slouches (10 min
and more) and brief ones in between. Each is calibrated on its own first minute,
judged as `run` does, and handed to the alert policy of every preset,
twice: with somebody who heeds alerts (sits up 20 s after one) and with somebody
who never does. An alert is false when nobody was slouching then, nor in the
minute before.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from natural_day import CALIBRATION_S, SUSTAINED_S, Episode, NaturalDay, natural_day
from watched_day import GRACE_S, HEEDED_AFTER_S, shipped, slouch_at

from posture_monitor.posture import nudge, session, steady
from posture_monitor.posture.baseline import neutral_of
from posture_monitor.posture.judge import judge
from posture_monitor.posture.metrics import measure
from posture_monitor.posture.nudge import Alert, Kind, Nudges, Policy
from posture_monitor.posture.reading import Verdict
from posture_monitor.service.what_if import policy_of
from posture_monitor.settings_file import PRESETS


@dataclass(frozen=True)
class Day:
    """A judged day: when, which steady state, and what was true.

    Attributes
    ----------
    t_s
        Seconds, evenly spaced.
    states, index
        One of each, and the slouch index behind it; NaN where there is none.
    slouches
        The stretches of truly poor posture.
    """

    t_s: list[float]
    states: list[Verdict]
    index: list[float]
    slouches: list[Episode]

    @property
    def interval_s(self) -> float:
        return self.t_s[1] - self.t_s[0]

    @property
    def present_h(self) -> float:
        there = sum(state is not Verdict.AWAY for state in self.states)
        return there * self.interval_s / 3600


@dataclass(frozen=True)
class Tally:
    """What one preset did over all days.

    Attributes
    ----------
    per_hour, false_per_hour
        Notifications, and false ones, for each hour of presence.
    stand_per_hour
        Of the notifications, those that ask to stand up.
    most_in_an_hour
        Within any 60 minutes.
    caught, sustained
        Slouches of 10 minutes and more with an alert, and how many there were.
    delay_s
        Median time from the start of such a slouch to its first alert; NaN if none was caught.
    """

    preset: str
    heeds: bool
    hours: float
    alerts: int
    per_hour: float
    false_per_hour: float
    stand_per_hour: float
    most_in_an_hour: int
    caught: int
    sustained: int
    delay_s: float


def judged(day: NaturalDay, window_s: float) -> Day:
    """Run a simulated day through metrics, judgement and the core's loop, as live use does."""
    neutral = None
    watched = session.Session()
    interval_s = float(day.t_s[1] - day.t_s[0])
    policy = steady.Policy(window_s, interval_s)
    times: list[float] = []
    states: list[Verdict] = []
    index: list[float] = []
    for t_s, landmarks in day.chunks():
        measurement = measure(landmarks, day.size)
        if neutral is None:
            neutral = neutral_of(measure(landmarks[t_s < CALIBRATION_S], day.size))
        judgement = judge(measurement, neutral)
        for t, moment in zip(t_s, session.moments(judgement, neutral), strict=True):
            watched = session.step(watched, policy, float(t), moment)
            times.append(float(t))
            states.append(watched.state)
            index.append(watched.steady.index)
    return Day(times, states, index, [episode for episode in day.episodes if episode.truth_poor])


def truthful(day: NaturalDay) -> Day:
    """Return the day as a judge who is always right would see it: the policy's own share of any error."""
    poor = np.zeros(len(day.t_s), dtype=bool)
    slouches = [episode for episode in day.episodes if episode.truth_poor]
    for slouch in slouches:
        poor |= (day.t_s >= slouch.start_s) & (day.t_s < slouch.end_s)
    states = [
        Verdict.AWAY if not there else Verdict.POOR if bad else Verdict.GOOD
        for there, bad in zip(day.present, poor, strict=True)
    ]
    return Day(day.t_s.tolist(), states, [math.nan] * len(states), slouches)


def week(first_seed: int, days: int, hours: float, fps: float) -> Iterator[Day]:
    """Yield judged days, each of another person at another desk, with four long and four brief slouches."""
    window_s = shipped().judge.window_s
    long = max(1, round(hours / 2))
    for seed in range(first_seed, first_seed + days):
        yield judged(natural_day(seed, hours, fps, slouches=long, brief_slouches=long), window_s)


def preset(name: str) -> Policy:
    """Return a preset as the shipped settings have it."""
    return policy_of(getattr(shipped().alert.presets, name))


def alerts(day: Day, policy: Policy, heeds: bool) -> list[Alert]:
    """Return the notifications of a day."""
    state, shown = Nudges(), []
    upright_from_s = upright_to_s = -1.0
    for t_s, activity, index in zip(day.t_s, day.states, day.index, strict=True):
        if upright_from_s <= t_s < upright_to_s:
            activity = Verdict.GOOD
        state, effects = nudge.step(state, policy, t_s, activity, day.interval_s, index=index)
        for effect in effects:
            if not isinstance(effect, Alert):
                continue
            shown.append(effect)
            slouch = slouch_at(day.slouches, t_s)
            if heeds and slouch is not None:
                upright_from_s, upright_to_s = t_s + HEEDED_AFTER_S, slouch.end_s + GRACE_S
    return shown


def tally(days: Sequence[Day], name: str, heeds: bool) -> Tally:
    """Count what a preset does on these days."""
    policy = preset(name)
    hours = sum(day.present_h for day in days)
    every, false, stand, most, caught, sustained = 0, 0, 0, 0, 0, 0
    delays: list[float] = []
    for day in days:
        shown = alerts(day, policy, heeds)
        at = np.array([alert.t_s for alert in shown])
        every += len(shown)
        stand += sum(alert.kind is Kind.STAND for alert in shown)
        false += sum(slouch_at(day.slouches, alert.t_s) is None for alert in shown)
        most = max([most, *(int(((at >= t) & (at < t + 3600)).sum()) for t in at)])
        for slouch in day.slouches:
            if slouch.end_s - slouch.start_s < SUSTAINED_S:
                continue
            sustained += 1
            during = at[(at >= slouch.start_s) & (at <= slouch.end_s)]
            caught += bool(len(during))
            delays += [float(during[0] - slouch.start_s)] if len(during) else []
    delay_s = float(np.median(delays)) if delays else float("nan")
    return Tally(
        preset=name,
        heeds=heeds,
        hours=hours,
        alerts=every,
        per_hour=every / hours,
        false_per_hour=false / hours,
        stand_per_hour=stand / hours,
        most_in_an_hour=most,
        caught=caught,
        sustained=sustained,
        delay_s=delay_s,
    )


def table(rows: Iterable[Tally]) -> str:
    """Return the table as Markdown."""
    lines = [
        "| preset | who | reminders/h | of them false/h | asks to stand/h | most in an hour "
        "| slouches ≥ 10 min with one | after (median) |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        who = "heeds them" if row.heeds else "ignores them"
        lines.append(
            f"| {row.preset} | {who} | {row.per_hour:.2f} | {row.false_per_hour:.2f} "
            f"| {row.stand_per_hour:.2f} | {row.most_in_an_hour} | {row.caught} of {row.sustained} "
            f"| {row.delay_s / 60:.1f} min |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--hours", type=float, default=8.0, help="length of a day")
    parser.add_argument("--fps", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=100, help="of the first day")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    days = list(week(options.seed, options.days, options.hours, options.fps))
    rows = [tally(days, name, heeds) for name in PRESETS for heeds in (True, False)]
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print(f"{options.days} simulated days, {rows[0].hours:.1f} hours of presence\n\n{table(rows)}")


if __name__ == "__main__":
    main()
