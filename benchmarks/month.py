"""A month of one person: calibrated once, then watched for twenty days on which much is a little different.

    python benchmarks/month.py
    python benchmarks/month.py --calibrated slouched --answers reanchor

The days come from `changing_days`. The service's own monitor looks at them as it does live: at its pace, with
its choice of neutral, what it learns and keeps overnight, its questions and its buttons. A reminder is false
if nobody was slouching, nor in the minute before, nor had sunk by tiredness (`changing_days.SUNK_DEG`).
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import math
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from changing_days import CALIBRATED, CHANGES, SLOUCH, ChangedDay, Person, calibration, days
from natural_day import SUSTAINED_S, Episode
from rich.console import Console
from sampling import in_motion
from watched_day import HEEDED_AFTER_S, POINTS, shipped, slouch_at

from posture_monitor import paths
from posture_monitor.history.store import Store
from posture_monitor.posture.metrics import Reason
from posture_monitor.posture.reading import Verdict
from posture_monitor.posture.sustained import FORWARD_LIMIT, LOWERED_LIMIT, Habit, Sustained
from posture_monitor.sensing.frame import Frame
from posture_monitor.service.collected import Collected
from posture_monitor.service.keeper import pace_of
from posture_monitor.service.looking import Seen
from posture_monitor.service.monitor import Monitor
from posture_monitor.service.profile import Profile
from posture_monitor.service.resting import Resting
from posture_monitor.telling.notify import ALERT_BUTTONS, Action, Notifier, Sent
from posture_monitor.telling.words import Text

WEEK = 5
#: Nine in the morning, UTC, of a Monday.
MORNING_S, DAY_S = 1772442000.0, 86400.0
#: Whoever heeds a reminder of tiredness sits up for this long.
RESTED_S = 900.0
#: Whoever presses a button does so after this long, and stays as they are for as long again.
PRESSES_S = 20.0
#: What somebody does about the question whether camera or chair were moved, and about a false reminder:
#: nothing; set neutral anew sitting well, or slouched; call the reminder wrong.
ANSWERS = ("nothing", "reanchor", "badly", "wrong")
_UNJUDGED = (Verdict.UNKNOWN, Verdict.AWAY)


@dataclass
class Screen:
    """A channel that shows nothing, and presses buttons when told to."""

    name: str = "screen"
    count: int = 0
    new: list[tuple[str, Sequence[str]]] = field(default_factory=list)
    pressed: list[Action] = field(default_factory=list)

    def check(self) -> None:
        pass

    def send(self, text: Text, *, replace_id: str | None = None, buttons: Sequence[str] = ()) -> Sent:
        self.count += 1
        self.new.append((str(self.count), buttons))
        return Sent(str(self.count), self.name)

    def withdraw(self, sent_id: str) -> None:
        pass

    def poll(self) -> list[Action]:
        pressed, self.pressed = self.pressed, []
        return pressed

    def close(self) -> None:
        pass

    def take(self) -> list[tuple[str, Sequence[str]]]:
        """Return what was shown since the last call: id and buttons."""
        new, self.new = self.new, []
        return new


@dataclass
class Day:
    """What came of a day. Seconds, and counts.

    Attributes
    ----------
    seconds
        By truth (``well``, ``sunk``, ``slouch``) and state.
    moved_s
        Unknown for a camera or chair that was moved.
    after_s
        Of sitting well, by state, after neutral was set anew that day.
    caught
        Kinds of the sustained slouches with a reminder; `held` are those of all.
    limits
        What was learnt: where *poor* begins in both scores, as a part of the usual limit.
    """

    seconds: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved_s: float = 0.0
    after_s: Counter[str] = field(default_factory=Counter)
    false: list[str] = field(default_factory=list)
    sunk: int = 0
    caught: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    asked: int = 0
    anchored: int = 0
    limits: tuple[float, float] = (1.0, 1.0)
    widened: float = 1.0


class Desk:
    """One person at their desk, watched for days."""

    def __init__(self, person: Person, calibrated: str, answers: str, store: Store, stands: bool) -> None:
        self.person, self.answers, self.store = person, answers, store
        self.config, self.screen, self.t_s = shipped(), Screen(), 0.0
        profile = Profile("me", (_captured(calibration(person, calibrated)).neutral(),))
        if stands:
            standing = _captured(calibration(person, calibrated, standing=True))
            profile = profile.adding(standing.neutral(name="standing"))
        self.monitor = self._started(profile, {})

    def _started(self, profile: Profile, known: dict[str, Sustained]) -> Monitor:
        monitor = Monitor(
            self.config,
            profile,
            self.store,
            Notifier([self.screen]),
            Console(file=io.StringIO()),
            self.config.camera.interval_s,
            pace=pace_of(self.config),
        )
        monitor.recall(known)
        monitor.begin("a camera")
        return monitor

    def sleep(self, until_s: float) -> None:
        """Let the night pass: the computer sleeps, or is shut down and begins with what was kept."""
        self.monitor.rest(self.t_s, MORNING_S + self.t_s, Resting("away", "suspended"), 4.0)
        self.t_s = until_s
        if self.person.restarts:
            kept = {
                name: Sustained.from_learnt(known.to_learnt())
                for name, known in self.monitor.learnt().items()
            }
            self.monitor = self._started(self.monitor.profile, kept)

    def work(self, changed: ChangedDay) -> Day:
        """Sit through a day, and return what came of it."""
        day, began_s, out = changed.day, self.t_s, Day()
        as_is, upright = changed.seen(), changed.seen(sitting_up=True)
        anchoring = upright if self.answers == "reanchor" else changed.seen(sitting_up=True, more=SLOUCH)
        slouches = [e for e in day.episodes if e.truth_poor]
        truth = np.where(changed.sunk, "sunk", "well")
        for e in slouches:
            truth[slice(*np.searchsorted(day.t_s, (e.start_s, e.end_s)))] = "slouch"
        width, height = (int(side) for side in day.size)
        sits_up_s = sat_up_s = presses_s = anchored_s = -math.inf
        to_press: Action | None = None
        caught: set[Episode] = set()
        landmarks, i = as_is[0], 0
        while i < len(day.t_s):
            at_s, monitor, before = float(day.t_s[i]), self.monitor, self.monitor.neutral
            heeds = sits_up_s <= at_s < sat_up_s
            shown = anchoring if at_s < anchored_s else upright if heeds else as_is
            moves = in_motion(landmarks[POINTS, :2], shown[i, POINTS, :2], height / width)
            if moves or not monitor.may_skip:
                landmarks = shown[i]
            if to_press is not None and at_s >= presses_s:
                self.screen.pressed.append(to_press)
                to_press, anchored_s = None, at_s + PRESSES_S
            self.t_s = began_s + at_s
            frame = Frame(self.t_s, MORNING_S + self.t_s, width, height)
            monitor.take(Seen(frame, landmarks, Reason.OK), moved=moves)
            held_s = monitor.interval_s
            if day.present[i]:
                what = "well" if heeds and truth[i] != "well" else str(truth[i])
                out.seconds[what, monitor.state.value] += held_s
                out.moved_s += held_s * (monitor.session.steady.reason == Reason.MOVED.value)
                if out.anchored and what == "well":
                    out.after_s[monitor.state.value] += held_s
            out.anchored += monitor.neutral is not before and monitor.neutral.name == before.name
            for sent_id, buttons in self.screen.take():
                slouch = slouch_at(slouches, at_s)
                if buttons == ("reanchor",):
                    out.asked += 1
                    wanted = "reanchor"
                elif buttons != ALERT_BUTTONS:
                    continue
                elif slouch is not None or changed.sunk[i]:
                    out.sunk += slouch is None
                    caught |= {slouch} - {None}
                    sits_up_s, sat_up_s = at_s + HEEDED_AFTER_S, at_s + RESTED_S
                    if slouch is not None:
                        sat_up_s = slouch.end_s
                    continue
                else:
                    out.false.append(monitor.session.sustained.name)
                    wanted = "wrong" if self.answers == "wrong" else "reanchor"
                if wanted == "wrong" or self.answers in ("reanchor", "badly"):
                    to_press, presses_s = Action(sent_id, wanted), at_s + PRESSES_S
            i += max(1, math.ceil(held_s - 1e-6))
        held = [e for e in slouches if e.end_s - e.start_s >= SUSTAINED_S]
        out.held = [e.kind for e in held]
        out.caught = [e.kind for e in held if e in caught]
        learnt = self.monitor.learnt()["sitting"]
        out.limits = (
            _limit(learnt.forward_habit, FORWARD_LIMIT),
            _limit(learnt.lowered_habit, LOWERED_LIMIT),
        )
        out.widened = max(self.monitor.profile.tuning.values(), default=1.0)
        return out


def _limit(habit: Habit, limit: float) -> float:
    """Return where *poor* begins for somebody, as a part of the usual limit."""
    return habit.middle / limit + habit.scatter


def _captured(changed: ChangedDay) -> Collected:
    collected, day = Collected(), changed.day
    for t_s, landmarks in zip(day.t_s.tolist(), changed.seen(), strict=True):
        collected.add(Seen(Frame(t_s, MORNING_S, *(int(side) for side in day.size)), landmarks, Reason.OK))
    return collected


def month(
    seed: int, calibrated: str, answers: str, changes: tuple[str, ...], count: int, hours: float
) -> list[Day]:
    """Return what came of each day of one person's month."""
    person = Person.random(seed)
    stands = person.stands and "standing" in changes
    with tempfile.TemporaryDirectory() as home:
        os.environ["POSTURE_MONITOR_HOME"] = home
        with Store.open(paths.history_file()) as store:
            desk, out = Desk(person, calibrated, answers, store, stands), []
            for number, day in enumerate(days(person, calibrated, count, hours, changes)):
                desk.sleep(number * DAY_S)
                out.append(desk.work(day))
    return out


def summary(whole: Sequence[Day]) -> dict[str, Any]:
    """Return the figures of some days as plain data."""
    seconds: Counter[tuple[str, str]] = sum((day.seconds for day in whole), Counter())
    after: Counter[str] = sum((day.after_s for day in whole), Counter())
    by_truth, by_state = Counter[str](), Counter[str]()
    for (what, state), value in seconds.items():
        by_truth[what] += value
        by_state[state] += value
    total = sum(seconds.values())
    unjudged = sum(by_state[state.value] for state in _UNJUDGED)
    held, caught = (
        Counter(kind for day in whole for kind in getattr(day, name)) for name in ("held", "caught")
    )
    false = [name for day in whole for name in day.false]
    well_h = by_truth["well"] / 3600
    return {
        "hours_well": round(well_h, 1),
        "hours_sunk": round(by_truth["sunk"] / 3600, 1),
        "false_per_hour": round(len(false) / max(well_h, 1e-9), 3),
        "false_by_signal": dict(Counter(false).most_common()),
        "well_called": {s: _part(seconds["well", s], by_truth["well"]) for s in ("mild", "poor")},
        "sunk_reminders": sum(day.sunk for day in whole),
        "caught": sum(caught.values()),
        "sustained": sum(held.values()),
        "missed": {kind: held[kind] - caught[kind] for kind in held if held[kind] > caught[kind]},
        "unknown_moved": _part(sum(day.moved_s for day in whole), total),
        "coverage": _part(total - unjudged, total),
        "asked": sum(day.asked for day in whole),
        "anchored": sum(day.anchored for day in whole),
        "well_after_called": {s: _part(after[s], sum(after.values())) for s in ("mild", "poor")},
        "limits": [round(float(np.mean([day.limits[k] for day in whole])), 2) for k in (0, 1)],
        "widened": round(max(day.widened for day in whole), 2),
    }


def _part(value: float, whole: float) -> float:
    return round(value / whole, 4) if whole else 0.0


def told(weeks: Iterable[tuple[str, dict[str, Any]]]) -> str:
    """Return the figures as a table."""
    lines = [
        "| days | hours sitting well | false reminders an hour | sitting well called poor (mild) "
        "| slouches with a reminder | moved: unknown | judged | asked / set anew "
        "| well after that, called poor (mild) | limits, as a part of the usual | reminders when sunk |",
        "|---" * 11 + "|",
    ]
    for name, week in weeks:
        well, after = week["well_called"], week["well_after_called"]
        lines.append(
            f"| {name} | {week['hours_well']:.0f} | {week['false_per_hour']:.2f} "
            f"| {well['poor']:.1%} ({well['mild']:.1%}) | {week['caught']} of {week['sustained']} "
            f"| {week['unknown_moved']:.2%} | {week['coverage']:.1%} | {week['asked']} / {week['anchored']} "
            f"| {after['poor']:.1%} ({after['mild']:.1%}) | {week['limits'][0]:.2f}, {week['limits'][1]:.2f} "
            f"| {week['sunk_reminders']} in {week['hours_sunk']:.0f} h |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=5000, help="of the first person")
    parser.add_argument("--persons", type=int, default=3)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--hours", type=float, default=7.0, help="of each day")
    parser.add_argument("--calibrated", choices=CALIBRATED, default="well")
    parser.add_argument(
        "--answers", choices=ANSWERS, default="nothing", help="to the question, and to what is false"
    )
    parser.add_argument(
        "--changes", nargs="*", choices=CHANGES, default=CHANGES, help="what differs between days"
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    given = parser.parse_args()
    if given.persons < 1 or given.days < 1 or given.hours < 4:
        parser.error("at least one person, one day and 4 hours are needed")
    one = functools.partial(
        month,
        calibrated=given.calibrated,
        answers=given.answers,
        changes=tuple(given.changes),
        count=given.days,
        hours=given.hours,
    )
    with ProcessPoolExecutor(min(given.persons, os.cpu_count() or 1)) as pool:
        months = list(pool.map(one, range(given.seed, given.seed + given.persons)))
    weeks = [
        (
            f"{start + 1} to {min(start + WEEK, given.days)}",
            [day for m in months for day in m[start : start + WEEK]],
        )
        for start in range(0, given.days, WEEK)
    ]
    figures = [(name, summary(part)) for name, part in (*weeks, ("all", [day for m in months for day in m]))]
    if given.json:
        print(json.dumps({"weeks": dict(figures), "persons": [summary(m) for m in months]}))
        return
    print(f"{given.persons} persons, calibrated {given.calibrated}; answers: {given.answers}\n")
    print(told(figures))
    whole = figures[-1][1]
    print(f"\nFalse reminders by signal: {whole['false_by_signal']}; missed: {whole['missed']}")
    print(f"False reminders an hour, by person: {[summary(m)['false_per_hour'] for m in months]}")


if __name__ == "__main__":
    main()
