"""What looking seldom costs in judgement: simulated days judged on every frame, and as the sampling looks.

Both see the same landmarks. One takes every frame (two a second); the other only those that the sampling
asks for, and repeats its last reading where nothing moved. Whether anything moved is told from the
landmarks themselves. Printed are the alerts of both, how much later each slouch reaches its state, and how
many looks and inferences an hour takes, by what the person was doing.

What differs is held against what no sampling can undo: the same days judged on every frame before a camera
whose landmarks err otherwise.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))

from natural_day import CALIBRATION_S, Episode, natural_day
from watched_day import Looks, Watched, notices, shipped, watch

from posture_monitor.config import Config
from posture_monitor.posture import sampling, session, steady
from posture_monitor.posture.reading import Verdict
from posture_monitor.posture.session import Session
from posture_monitor.service.keeper import pace_of
from posture_monitor.service.what_if import policy_of

#: Alerts this far apart are the same, and this far apart about the same slouch; and so much later a slouch
#: may reach its state.
SAME_ALERT_S, SHIFTED_ALERT_S = 15.0, 120.0
SAME_STATE_S = 10.0
#: What is motion, as `sensing.motion` finds it on real pictures: the head or the shoulders 4.5 pixels
#: elsewhere in a picture of 640, or 7 per cent larger.
MOVED, GROWN = 4.5 / 640, 0.07
#: Head and shoulders among the points of a day.
_PARTS = (slice(0, 3), slice(3, 5))
_STRAYING = (Verdict.MILD, Verdict.POOR)


def look(watched: Watched, config: Config, *, on_battery: bool = False) -> tuple[Looks, list[bool]]:
    """Go through a day and look only when the sampling says so.

    Returns
    -------
    Looks
        Those that were taken.
    list of bool
        For each, whether the model looked, too.
    """
    pace, t_s, moments = pace_of(config), watched.day.t_s, watched.moments
    points = watched.points
    window_s, plan = config.judge.window_s, sampling.Plan(config.camera.interval_s, False)
    looked, sitting = sampling.Sampling(), Session()
    at: list[int] = []
    states: list[Verdict] = []
    index: list[float] = []
    intervals_s: list[float] = []
    inferred: list[bool] = []
    aspect = float(watched.day.size[1] / watched.day.size[0])
    i, last, ahead_s = 0, 0, float(t_s[1] - t_s[0])
    while i < len(t_s):
        moved = not at or in_motion(points[last], points[i], aspect)
        if moved or not plan.may_skip:
            last = i
        sitting = session.step(sitting, steady.Policy(window_s, plan.wait_s), float(t_s[i]), moments[last])
        looked, after = sampling.step(looked, pace, float(t_s[i]), sitting.steady, moved, on_battery)
        at.append(i)
        states.append(sitting.state)
        index.append(sitting.steady.index)
        intervals_s.append(after.wait_s)
        inferred.append(last == i)
        plan = after
        i += max(1, math.ceil(plan.wait_s / ahead_s - 1e-6))
    return Looks(at, states, index, intervals_s), inferred


def in_motion(before: npt.NDArray[np.float32], now: npt.NDArray[np.float32], aspect: float) -> bool:
    """Tell motion from two sets of points ``(5, 2)`` of a picture of this height over its width."""
    there = np.isfinite(before[0, 0]), np.isfinite(now[0, 0])
    if there[0] != there[1]:
        return True
    if not there[0]:
        return False
    shape = np.array([1.0, aspect])
    way = [np.linalg.norm((now[part] - before[part]).mean(axis=0) * shape) for part in _PARTS]
    wide = [float(np.linalg.norm((spots[1] - spots[2]) * shape)) for spots in (before, now)]
    return bool(max(way) > MOVED or abs(math.log(max(wide[1], 1e-6) / max(wide[0], 1e-6))) > GROWN)


def compared(seed: int, hours: float, slouches: int, *, on_battery: bool = False) -> dict[str, Any]:
    """Return what one day gives either way."""
    config = shipped()
    brief = slouches
    day = natural_day(seed, hours, 2.0, slouches=slouches, brief_slouches=brief)
    watched = watch(day, config)
    looks, inferred = look(watched, config, on_battery=on_battery)
    at = np.array(looks.at)
    t_s, policy = day.t_s, policy_of(config.alert.policy)
    every = [n.alert.t_s for n in notices(watched, policy)]
    seldom = [n.alert.t_s for n in notices(watched, policy, looks=looks)]
    again = [n.alert.t_s for n in notices(watch(replace(day, draw=day.draw + 1), config), policy)]
    pairs, only_every, only_seldom = matched(every, seldom, SAME_ALERT_S)
    shifted, only_every, only_seldom = matched(only_every, only_seldom, SHIFTED_ALERT_S)
    reached: list[dict[str, Any]] = []
    for slouch in watched.slouches:
        during = slice(*np.searchsorted(t_s, (slouch.start_s, slouch.end_s)))
        wanted = (Verdict.POOR,) if Verdict.POOR in watched.states[during] else _STRAYING
        first = _reached(t_s, watched.states, slouch, wanted)
        then = _reached(t_s[at], looks.states, slouch, wanted)
        reached.append({"kind": slouch.kind, "every_s": first, "seldom_s": then})
    seconds: Counter[str] = Counter()
    step_s = float(t_s[1] - t_s[0])
    doing = np.where(day.present, watched.activity, "away")
    doing = np.where(watched.poor & day.present, "slouching", doing)
    for kind, count in zip(*np.unique(doing, return_counts=True), strict=True):
        seconds[str(kind)] = int(count) * step_s  # type: ignore[assignment]
    return {
        "seed": seed,
        "alerts_every": every,
        "alerts_seldom": seldom,
        "apart_s": [round(b - a, 1) for a, b in pairs],
        "shifted_s": [round(b - a, 1) for a, b in shifted],
        "only_every": only_every,
        "only_seldom": only_seldom,
        "alerts_again": again,
        "same_again": len(matched(every, again, SAME_ALERT_S)[0]),
        "slouches": reached,
        "seconds": dict(seconds),
        "looks": Counter(doing[at].tolist()),
        "inferences": Counter(doing[at[np.array(inferred)]].tolist()),
        "state_agrees": float(
            np.mean([a is b for a, b in zip(watched.states, _held(at, looks.states, len(t_s)), strict=True)])
        ),
    }


def matched(
    every: Sequence[float], seldom: Sequence[float], within_s: float
) -> tuple[list[tuple[float, float]], list[float], list[float]]:
    """Pair alerts this close to each other; return the pairs and what is left of either."""
    left, pairs, alone = list(seldom), [], []
    for at in every:
        nearest = min(left, key=lambda other: abs(other - at), default=math.inf)
        if abs(nearest - at) <= within_s:
            pairs.append((at, nearest))
            left.remove(nearest)
        else:
            alone.append(at)
    return pairs, alone, left


def _reached(
    t_s: npt.NDArray[np.float64], states: Sequence[Verdict], slouch: Episode, wanted: Sequence[Verdict]
) -> float | None:
    """Return how long after its start a slouch reaches one of these states; None if never."""
    first, last = np.searchsorted(t_s, (slouch.start_s, slouch.end_s))
    for i in range(int(first), int(last)):
        if states[i] in wanted:
            return float(t_s[i] - slouch.start_s)
    return None


def _held(at: npt.NDArray[np.int64], states: Sequence[Verdict], count: int) -> list[Verdict]:
    return [states[k] for k in np.searchsorted(at, np.arange(count), side="right") - 1]


def summary(days: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sum the days up."""
    seconds: Counter[str] = Counter()
    looks: Counter[str] = Counter()
    inferences: Counter[str] = Counter()
    for day in days:
        seconds.update(day["seconds"])
        looks.update(day["looks"])
        inferences.update(day["inferences"])
    slouches = [s for day in days for s in day["slouches"]]
    both = [s for s in slouches if s["every_s"] is not None and s["seldom_s"] is not None]
    later = [s["seldom_s"] - s["every_s"] for s in both]
    apart = [abs(a) for day in days for a in day["apart_s"]]
    shifted = [abs(a) for day in days for a in day["shifted_s"]]
    total_h = sum(seconds.values()) / 3600
    return {
        "days": len(days),
        "hours": round(total_h, 1),
        "alerts_every_frame": sum(len(day["alerts_every"]) for day in days),
        "alerts_sampled": sum(len(day["alerts_seldom"]) for day in days),
        "same_alerts": len(apart),
        "apart_most_s": max(apart, default=0.0),
        "shifted_alerts": len(shifted),
        "shifted_most_s": max(shifted, default=0.0),
        "only_every_frame": sum(len(day["only_every"]) for day in days),
        "only_sampled": sum(len(day["only_seldom"]) for day in days),
        "alerts_again": sum(len(day["alerts_again"]) for day in days),
        "same_again": sum(day["same_again"] for day in days),
        "slouches": len(slouches),
        "reached_by_both": len(both),
        "reached_by_every_frame_only": sum(
            s["seldom_s"] is None and s["every_s"] is not None for s in slouches
        ),
        "reached_by_sampled_only": sum(s["every_s"] is None and s["seldom_s"] is not None for s in slouches),
        "later_median_s": float(np.median(later)) if later else None,
        "later_most_s": max(later, default=None),
        "later_over_limit": sum(s > SAME_STATE_S for s in later),
        "state_agrees": round(float(np.mean([day["state_agrees"] for day in days])), 4),
        "looks_per_hour": round(sum(looks.values()) / total_h),
        "inferences_per_hour": round(sum(inferences.values()) / total_h),
        "by_activity": {
            kind: {
                "minutes": round(s / 60),
                "looks_per_hour": round(looks[kind] / s * 3600),
                "inferences_per_hour": round(inferences[kind] / s * 3600),
            }
            for kind, s in seconds.most_common()
        },
    }


def told(result: dict[str, Any]) -> str:
    """Return the summary as text."""
    lines = [
        f"{result['days']} simulated days, {result['hours']} hours; every frame (7200 an hour) against "
        f"{result['looks_per_hour']} looks and {result['inferences_per_hour']} inferences an hour",
        f"Reminders: {result['alerts_every_frame']} against {result['alerts_sampled']}; "
        f"{result['same_alerts']} the same, at most {result['apart_most_s']:.1f} s apart; "
        f"{result['shifted_alerts']} up to {result['shifted_most_s']:.1f} s apart, "
        f"{result['only_every_frame']} only by every frame, "
        f"{result['only_sampled']} only by sampling; target: none",
        f"Every frame again, the landmarks' noise drawn anew: {result['alerts_again']} reminders, "
        f"{result['same_again']} of them the same",
        f"Slouches that left good: {result['reached_by_both']} of {result['slouches']} either way, "
        f"{result['reached_by_every_frame_only']} by every frame only, "
        f"{result['reached_by_sampled_only']} by sampling only; later by {result['later_median_s']:.1f} s "
        f"(median), {result['later_most_s']:.1f} s (most); {result['later_over_limit']} by more than "
        f"{SAME_STATE_S:.0f} s, target: none",
        f"The state is the same in {result['state_agrees']:.1%} of the time",
        "",
        "| activity | minutes | looks an hour | inferences an hour |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {kind} | {a['minutes']} | {a['looks_per_hour']} | {a['inferences_per_hour']} |"
        for kind, a in result["by_activity"].items()
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison; return the status to leave with."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--days", type=int, default=6, help="half of them with slouches")
    parser.add_argument("--hours", type=float, default=8.0, help="of each day")
    parser.add_argument("--seed", type=int, default=900, help="of the first day")
    parser.add_argument("--battery", action="store_true", help="as on battery")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args(arguments)
    if given.days < 1 or not given.hours * 3600 > 4 * CALIBRATION_S:
        parser.error("--days and --hours must be enough for a day")
    long = max(1, round(given.hours / 2))
    days = [
        compared(given.seed + k, given.hours, long * (k % 2 == 0), on_battery=given.battery)
        for k in range(given.days)
    ]
    result = {**summary(days), "each": days} if given.json else summary(days)
    print(json.dumps(result, indent=2) if given.json else told(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
