"""False alerts per hour and slouches missed, on simulated days under the shipped alert policy.

Half of the days hold no slouch at all: whatever is said on them is false. The other half hold a sustained
slouch (10 to 25 minutes) for every two hours and as many brief ones (20 to 60 s). Beside the two figures
stands what a maintainer needs next: what people were doing when they were wrongly called poor, which signal
said so, and how each signal stands in natural sitting and in each kind of slouch.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))

from natural_day import CALIBRATION_S, SLOUCHES, natural_day
from watched_day import Notice, Watched, notices, shipped, watch

from posture_monitor.posture import dose
from posture_monitor.posture.judge import SIGNAL_NAMES
from posture_monitor.posture.metrics import NAMES
from posture_monitor.posture.nudge import Kind
from posture_monitor.posture.reading import Verdict
from posture_monitor.service.what_if import policy_of

DAY_H = 8.0
FPS = 2.0
#: Only every so many frames are kept for the percentiles of the signals.
_KEEP = 20


@dataclass
class Tally:
    """What was gathered over all days.

    Attributes
    ----------
    hours
        With somebody there, and no slouch going on.
    false
        One line of facts for each false notification.
    slouches
        One line of facts for each sustained slouch.
    seconds, poor_s, mild_s
        Natural sitting by activity.
    blame_s
        Seconds of natural sitting with a poor state, by activity and signal.
    signals, deviations
        Sampled ``(len(SIGNALS), n)`` and ``(len(METRICS), n)``, of natural sitting (``""``) and of each
        kind of slouch.
    """

    days: int = 0
    hours: float = 0.0
    natural_hours: float = 0.0
    present_s: float = 0.0
    judged_s: float = 0.0
    false: list[dict[str, Any]] = field(default_factory=list)
    slouches: list[dict[str, Any]] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)
    poor_s: Counter[str] = field(default_factory=Counter)
    mild_s: Counter[str] = field(default_factory=Counter)
    blame_s: Counter[tuple[str, str]] = field(default_factory=Counter)
    signals: dict[str, list[npt.NDArray[np.float64]]] = field(default_factory=dict)
    deviations: dict[str, list[npt.NDArray[np.float64]]] = field(default_factory=dict)


def days(first_seed: int, hours: float) -> Iterator[Watched]:
    """Yield at least so many hours of days without slouches, and as many with; every day another person."""
    config = shipped()
    length_h = min(DAY_H, hours)
    for k in range(math.ceil(hours / length_h)):
        yield watch(natural_day(first_seed + k, length_h, FPS), config)
        long = max(1, round(length_h / 2))
        # Kinds come in turn, so that short days are not all of one kind.
        day = natural_day(first_seed + 500 + k, length_h, FPS, slouches=long, brief_slouches=long)
        yield watch(day, config)


def gather(watched: Iterator[Watched]) -> Tally:
    """Run the alert policy over the days and count."""
    tally, policy = Tally(), policy_of(shipped().alert.policy)
    for day in watched:
        _add(tally, day, notices(day, policy))
    return tally


def _add(tally: Tally, watched: Watched, shown: Sequence[Notice]) -> None:
    step_s, present = watched.interval_s, watched.day.present
    natural = present & ~watched.poor & (watched.day.t_s >= CALIBRATION_S)
    tally.days += 1
    tally.hours += float(natural.sum()) * step_s / 3600
    tally.present_s += float(present.sum()) * step_s
    tally.judged_s += watched.judged * float(present.sum()) * step_s
    if not watched.slouches:
        tally.natural_hours += float(natural.sum()) * step_s / 3600

    signal = np.array([name or "several" for name in watched.drivers])
    state = np.array([str(s) for s in watched.states])
    poor, mild = state == Verdict.POOR.value, state == Verdict.MILD.value
    for kind in np.unique(watched.activity[natural]):
        here = natural & (watched.activity == kind)
        tally.seconds[str(kind)] += here.sum() * step_s
        tally.poor_s[str(kind)] += (here & poor).sum() * step_s
        tally.mild_s[str(kind)] += (here & mild).sum() * step_s
        for name, count in zip(*np.unique(signal[here & poor], return_counts=True), strict=True):
            tally.blame_s[(str(kind), str(name))] += count * step_s
    kept = np.flatnonzero(natural)[::_KEEP]
    _sample(tally, "", watched, kept)

    for notice in shown:
        if notice.slouch is None:
            tally.false.append(_facts(watched, notice, signal, poor | mild, step_s))
    for slouch in watched.sustained:
        part = slice(*np.searchsorted(watched.day.t_s, (slouch.start_s, slouch.end_s)))
        # From a quarter on it is fully there.
        _sample(
            tally,
            slouch.kind,
            watched,
            np.arange(part.start, part.stop)[(part.stop - part.start) // 4 :: _KEEP],
        )
        at = [n.alert.t_s for n in shown if n.slouch is slouch]
        index = watched.judgement.slouch_index[part]
        counts = Counter(state[part].tolist())
        tally.slouches.append(
            {
                "seed": watched.day.seed,
                "kind": slouch.kind,
                "start_h": round(slouch.start_s / 3600, 2),
                "minutes": round((slouch.end_s - slouch.start_s) / 60, 1),
                "alerted_after_s": round(at[0] - slouch.start_s) if at else None,
                "index": _rounded(float(np.nanmedian(index))) if np.isfinite(index).any() else None,
                "states": {k: round(v / len(index), 2) for k, v in counts.most_common()},
                "signal": Counter(signal[part].tolist()).most_common(1)[0][0],
            }
        )


def _sample(tally: Tally, kind: str, watched: Watched, index: npt.NDArray[np.intp]) -> None:
    tally.signals.setdefault(kind, []).append(watched.judgement.signals[:, index])
    tally.deviations.setdefault(kind, []).append(watched.judgement.deviations[:, index])


def _facts(
    watched: Watched,
    notice: Notice,
    signal: npt.NDArray[np.str_],
    straying: npt.NDArray[np.bool_],
    step_s: float,
) -> dict[str, Any]:
    """Return what led to a false alert: what was done and which signals spoke while the dose gathered."""
    lately_s = min(notice.alert.over_s, dose.TAU_S)
    gathered = slice(max(0, notice.i - round(lately_s / step_s)), notice.i + 1)
    spoke = straying[gathered]
    doing = Counter(watched.activity[gathered][spoke].tolist()).most_common(2)
    said = Counter(signal[gathered][spoke].tolist()).most_common(2)
    truth = watched.day.pose.take(slice(gathered.start, gathered.stop, 10))
    fields = {n: float(np.mean(v)) for n, v in truth.fields().items() if n != "arms"}
    scale = {n: 100.0 if n.endswith("_m") else 1.0 for n in fields}
    told = {n: round(v * scale[n], 1) for n, v in fields.items()}
    strong = {n: v for n, v in told.items() if abs(v) >= (1.0 if n.endswith("_m") else 3.0)}
    return {
        "seed": watched.day.seed,
        "at_h": round(notice.alert.t_s / 3600, 2),
        "asks_to_stand": notice.alert.kind is Kind.STAND,
        "gathered_s": round(notice.alert.poor_s),
        "activities": [k for k, _ in doing],
        "signals": [k for k, _ in said],
        "metric": notice.alert.cause.metric,
        "deviation": _rounded(notice.alert.cause.deviation),
        # degrees, and centimetres for lengths
        "pose": strong,
    }


def poisson_interval(count: int, part: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a Poisson mean after so many events (Garwood 1936)."""
    tail = (1 - part) / 2

    def at_most(k: int, mean: float) -> float:
        term = total = math.exp(-mean)
        for i in range(1, k + 1):
            term *= mean / i
            total += term
        return total

    def solve(k: int, wanted: float) -> float:
        low, high = 0.0, 10.0 + 3.0 * (k + 1)
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if at_most(k, middle) > wanted else (low, middle)
        return (low + high) / 2

    return (solve(count - 1, 1 - tail) if count else 0.0), solve(count, tail)


def summary(tally: Tally) -> dict[str, Any]:
    """Return everything as plain data."""
    low, high = poisson_interval(len(tally.false))
    hits: dict[str, Any] = {}
    for kind in SLOUCHES:
        mine = [s for s in tally.slouches if s["kind"] == kind]
        after = [s["alerted_after_s"] for s in mine if s["alerted_after_s"] is not None]
        hits[kind] = {
            "alerted": len(after),
            "of": len(mine),
            "median_after_s": float(np.median(after)) if after else None,
            # Else an alert may be chance: the dose was full already, and the slouch hardly seen.
            "called_poor": _rounded(float(np.mean([s["states"].get("poor", 0.0) for s in mine])))
            if mine
            else None,
            "median_index": _rounded(float(np.median([s["index"] for s in mine if s["index"] is not None])))
            if any(s["index"] is not None for s in mine)
            else None,
        }
    activities = {
        kind: {
            "minutes": round(seconds / 60),
            "poor": round(tally.poor_s[kind] / seconds, 3),
            "mild": round(tally.mild_s[kind] / seconds, 3),
            "signals": {
                name: round(s / 60, 1)
                for (k, name), s in sorted(tally.blame_s.items(), key=lambda item: -item[1])
                if k == kind and s > 0.1 * tally.poor_s[kind]
            },
        }
        for kind, seconds in sorted(tally.seconds.items(), key=lambda item: -item[1])
    }
    return {
        "days": tally.days,
        "natural_hours": round(tally.hours, 1),
        "hours_on_days_without_slouches": round(tally.natural_hours, 1),
        "coverage": round(tally.judged_s / max(tally.present_s, 1e-9), 4),
        "false_alerts": len(tally.false),
        "false_per_hour": round(len(tally.false) / tally.hours, 3),
        "interval_95": [round(low / tally.hours, 3), round(high / tally.hours, 3)],
        "false_by_signal": dict(Counter(f["signals"][0] for f in tally.false if f["signals"]).most_common()),
        "false_by_activity": dict(
            Counter(f["activities"][0] for f in tally.false if f["activities"]).most_common()
        ),
        "sustained": hits,
        "missed": [s for s in tally.slouches if s["alerted_after_s"] is None],
        "activities": activities,
        "signals": _levels(SIGNAL_NAMES, tally.signals, (50, 90, 95, 99)),
        "deviations": _levels(NAMES, tally.deviations, (5, 50, 95)),
        "false": tally.false,
    }


def _levels(
    names: Sequence[str], sampled: dict[str, list[npt.NDArray[np.float64]]], percentiles: tuple[int, ...]
) -> dict[str, Any]:
    """Return percentiles of natural sitting, and the median of each kind of slouch, row by row."""
    levels: dict[str, Any] = {}
    gathered = {kind: np.concatenate(parts, axis=1) for kind, parts in sampled.items()}
    for row, name in enumerate(names):
        level: dict[str, Any] = {}
        for kind, values in gathered.items():
            finite = values[row][np.isfinite(values[row])]
            # What is seen only now and then says nothing about the rest.
            if len(finite) < 0.05 * values.shape[1]:
                continue
            if kind:
                level[kind] = _rounded(float(np.median(finite)))
            else:
                at = np.percentile(finite, percentiles)
                level.update({f"p{p}": _rounded(float(v)) for p, v in zip(percentiles, at, strict=True)})
        if level:
            levels[name] = level
    return levels


def _rounded(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None


def told(result: dict[str, Any]) -> str:
    """Return the summary as text."""
    low, high = result["interval_95"]
    hits = result["sustained"]
    caught, total = (sum(h[key] for h in hits.values()) for key in ("alerted", "of"))
    lines = [
        f"{result['days']} simulated days, {result['natural_hours']} hours of natural sitting "
        f"({result['hours_on_days_without_slouches']} on days without any slouch); "
        f"coverage {result['coverage']:.1%}",
        f"False reminders: {result['false_alerts']}, {result['false_per_hour']:.2f} an hour "
        f"(95 % interval {low:.2f} to {high:.2f}); target at most 0.25",
        f"Sustained slouches with a reminder: {caught} of {total}; target all",
        "",
        "| slouch | reminded | after (median) | index of single pictures (median) | part of it called poor |",
        "|---|---|---|---|---|",
    ]
    for kind, hit in hits.items():
        after = f"{hit['median_after_s']:.0f} s" if hit["median_after_s"] is not None else "–"
        lines.append(
            f"| {kind} | {hit['alerted']} of {hit['of']} | {after} | {_cell(hit['median_index'])} "
            f"| {_cell(hit['called_poor'])} |"
        )
    lines += ["", "False reminders by leading signal: " + _list(result["false_by_signal"])]
    lines += ["False reminders by leading activity: " + _list(result["false_by_activity"])]
    lines += ["", "| natural activity | minutes | called poor | mild | minutes of poor by signal |"]
    lines += ["|---|---|---|---|---|"]
    for kind, activity in result["activities"].items():
        lines.append(
            f"| {kind} | {activity['minutes']} | {activity['poor']:.1%} | {activity['mild']:.1%} "
            f"| {_list(activity['signals'])} |"
        )
    lines += ["", "Signals on the scale of the index (0.5 mild, 1 poor): natural sitting, slouches (median)"]
    lines += _level_rows(result["signals"], ("p50", "p90", "p95", "p99"))
    lines += ["", "Deviations from neutral, in their own units: natural sitting, slouches (median)"]
    lines += _level_rows(result["deviations"], ("p5", "p50", "p95"))
    if result["missed"]:
        lines += ["", "Missed:"]
        lines += [
            f"  day {m['seed']} at {m['start_h']} h, {m['kind']}, {m['minutes']} min: index {m['index']}, "
            f"mostly {m['signal']}, states {m['states']}"
            for m in result["missed"]
        ]
    return "\n".join(lines)


def _level_rows(levels: dict[str, Any], percentiles: Sequence[str]) -> list[str]:
    columns = [*percentiles, *SLOUCHES]
    rows = ["| | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    return rows + [
        f"| {name} | " + " | ".join(_cell(level.get(column)) for column in columns) + " |"
        for name, level in levels.items()
    ]


def told_one_by_one(result: dict[str, Any]) -> str:
    """Return each false alert as a line: what was done, what spoke, and how the body sat (degrees, cm)."""
    return "\n".join(
        f"day {f['seed']} {f['at_h']:5.2f} h{' stand' if f['asks_to_stand'] else ''}: "
        f"{'+'.join(f['activities'])}; {'+'.join(f['signals'])}; {f['metric']} {f['deviation']}; "
        f"{f['gathered_s']} s; " + _list(f["pose"])
        for f in result["false"]
    )


def _cell(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _list(items: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in items.items()) or "none"
