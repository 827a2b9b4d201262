"""How right this project is, and how right three other programs' rules are, on every labelled set there is.

    python benchmarks/accuracy.py            # both parts
    python benchmarks/accuracy.py --sets     # labelled people and the rig
    python benchmarks/accuracy.py --natural --hours 40

First part: every person is calibrated on their own good frames and tested on the rest. *Bad* means the
verdict is poor; a frame without a verdict counts as good, and how many got one stands beside every figure.
Second part: false alerts an hour and sustained slouches missed, on simulated working days with the shipped
alert policy (`natural_alerts`).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import natural_alerts
from labelled_sets import LEFT_OUT, Case, data_folder, default_cache, real_cases, rig_cases
from peer_rules import RULES, Call, Rule
from scores import Score, score
from watched_day import shipped

from posture_monitor.errors import UserError
from posture_monitor.posture.capture import capture
from posture_monitor.posture.judge import SIGNAL_NAMES, Limits, judge
from posture_monitor.posture.metrics import REASONS, measure
from posture_monitor.posture.reading import VERDICTS, Verdict

OURS = "this project"
MEAN_REAL, MEAN_RIG = "mean over real people", "mean over rig bodies"


@dataclass(frozen=True)
class Row:
    """One line of the table: a set (or a mean), a rule, and how it did."""

    set: str
    rule: str
    score: Score


@dataclass(frozen=True)
class Told:
    """What this project said about one set, beyond right and wrong.

    Attributes
    ----------
    unknown
        Reasons why frames got no verdict, and how many.
    signals
        Signals behind rightful and behind false calls.
    wrong
        Names of wrongly called frames, good ones first.
    not_calibrated
        Why a calibration failed, if one did.
    """

    unknown: dict[str, int]
    signals: dict[str, int]
    false_signals: dict[str, int]
    wrong_good: dict[str, int]
    wrong_bad: dict[str, int]
    not_calibrated: str


@dataclass(frozen=True)
class Judged:
    """A case with the calls of every rule on its tested frames."""

    case: Case
    test: np.ndarray[Any, np.dtype[np.intp]]
    calls: dict[str, Call]
    told: Told


def judged(case: Case) -> Judged:
    """Run this project and the peers' rules over one case, fold by fold."""
    gathered: dict[str, list[Call]] = defaultdict(list)
    tested, signals, reasons, failed = [], [], [], ""
    for calibration, test in case.folds:
        tested.append(test)
        ours, signal, reason, why = _ours(case, calibration, test)
        gathered[OURS].append(ours)
        signals.append(signal)
        reasons.append(reason)
        failed = failed or why
        for name, rule in RULES.items():
            gathered[name].append(_peer(rule, case, calibration, test))
    test = np.concatenate(tested)
    calls = {
        name: Call(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        for name, parts in gathered.items()
    }
    mine, bad, signal = calls[OURS], case.bad[test], np.concatenate(signals)
    names = np.array(case.names)[test] if case.names else np.array([f"frame {i}" for i in test])
    return Judged(
        case,
        test,
        calls,
        Told(
            unknown=_counts(np.concatenate(reasons)[~mine.judged]),
            signals=_counts(signal[mine.poor & bad]),
            false_signals=_counts(signal[mine.poor & ~bad]),
            wrong_good=_counts(names[mine.poor & ~bad]),
            wrong_bad=_counts(names[~mine.poor & bad]),
            not_calibrated=failed,
        ),
    )


def _ours(case: Case, calibration: Any, test: Any) -> tuple[Call, Any, Any, str]:
    config = shipped()
    n = len(test)
    try:
        first = measure(case.landmarks[calibration], case.size[calibration])
        doubts = [case.doubts[i] for i in calibration]
        # Some sets have three photographs to calibrate on, and none can be asked to sit still.
        neutral = capture(first, doubts, least_frames=min(5, len(calibration)), steady=False)
    except ValueError as error:
        nothing = np.zeros(n, dtype=bool)
        why = str(error)
        return Call(nothing, np.full(n, np.nan), nothing), np.full(n, ""), np.full(n, "not calibrated"), why
    measurement = neutral.measure(case.landmarks[test], case.size[test])
    limits = Limits(config.judge.scale, config.judge.min_confidence)
    judgement = judge(measurement, neutral, limits, [case.doubts[i] for i in test])
    verdict = np.array([str(v) for v in VERDICTS])[judgement.verdict]
    unjudged = np.isin(verdict, (Verdict.UNKNOWN.value, Verdict.AWAY.value))
    signal = np.array([*SIGNAL_NAMES, "several"])[judgement.signal]
    reason = np.array([r.value for r in REASONS])[judgement.reason]
    reason = np.where(verdict == Verdict.AWAY.value, "nobody seen", reason)
    return Call(verdict == Verdict.POOR.value, judgement.slouch_index, ~unjudged), signal, reason, ""


def _peer(rule: Rule, case: Case, calibration: Any, test: Any) -> Call:
    # The rule sees calibration frames first, then what is tested.
    both = np.concatenate((calibration, test))
    call = rule(case.landmarks[both], case.size[both], np.arange(len(calibration)))
    tested = slice(len(calibration), None)
    return Call(call.poor[tested], call.badness[tested], call.judged[tested])


def _counts(values: Any) -> dict[str, int]:
    return {str(k): int(v) for k, v in Counter(np.asarray(values).tolist()).most_common()}


def rows(cases: Sequence[Judged], seed: int = 0) -> list[Row]:
    """Return the table: each set by each rule, and the mean over people."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in cases:
        groups[one.case.group].append(one)
    table = []
    for group, members in groups.items():
        for rule in (OURS, *RULES):
            table.append(Row(group, rule, _pooled(members, rule, seed)))
    for title, among in (
        (MEAN_REAL, [c for c in cases if c.case.in_mean and not c.case.group.startswith("rig")]),
        (MEAN_RIG, [c for c in cases if c.case.group.startswith("rig")]),
    ):
        if among:
            table += [Row(title, rule, _mean(among, rule, seed)) for rule in (OURS, *RULES)]
    return table


def _pooled(members: Sequence[Judged], rule: str, seed: int) -> Score:
    calls = [one.calls[rule] for one in members]
    poor, index, said = (np.concatenate(column) for column in zip(*calls, strict=True))
    bad = np.concatenate([one.case.bad[one.test] for one in members])
    # Several bodies: a body is the unit; one person: a burst or run is.
    if len(members) > 1:
        segment = np.concatenate([np.full(len(one.test), k) for k, one in enumerate(members)])
    else:
        segment = members[0].case.segment[members[0].test]
    return score(bad, poor, index, said, segment, seed)


def _mean(cases: Sequence[Judged], rule: str, seed: int) -> Score:
    """Return the mean over people: each person's sets are averaged first. The interval resamples people."""
    people: dict[str, list[Score]] = defaultdict(list)
    for one in cases:
        key = f"{one.case.group}/{one.case.person}" if one.case.group.startswith("rig") else one.case.person
        people[key].append(_pooled([one], rule, seed))
    means = {
        field: np.array([_nanmean([getattr(s, field) for s in scores]) for scores in people.values()])
        for field in ("balanced", "f1", "false_positive", "auc", "coverage")
    }
    rng = np.random.default_rng(seed)
    known = means["balanced"][np.isfinite(means["balanced"])]
    draws = known[rng.integers(0, len(known), (1000, len(known)))].mean(axis=1)
    low, high = np.percentile(draws, (2.5, 97.5)) if len(known) > 1 else (math.nan, math.nan)
    return Score(
        good=sum(s.good for scores in people.values() for s in scores),
        bad=sum(s.bad for scores in people.values() for s in scores),
        **{field: _nanmean(values.tolist()) for field, values in means.items()},
        low=float(low),
        high=float(high),
    )


def _nanmean(values: Sequence[float]) -> float:
    known = [v for v in values if math.isfinite(v)]
    return sum(known) / len(known) if known else math.nan


# -- telling ---------------------------------------------------------------------


def table(lines: Iterable[Row]) -> str:
    """Return the table as Markdown."""
    out = [
        "| set | rule | good/bad | balanced accuracy | F1 | good called bad | AUC | coverage "
        "| 95 % interval of balanced accuracy |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    before = ""
    for row in lines:
        s = row.score
        name = row.set if row.set != before else ""
        before = row.set
        interval = f"{s.low:.2f} to {s.high:.2f}" if math.isfinite(s.low) else "too few segments"
        out.append(
            f"| {name} | {row.rule} | {s.good}/{s.bad} | {_number(s.balanced)} | {_number(s.f1)} "
            f"| {_percent(s.false_positive)} | {_number(s.auc)} | {_percent(s.coverage)} | {interval} |"
        )
    return "\n".join(out)


def details(cases: Sequence[Judged]) -> str:
    """Return, for each set, what this project got wrong, by which signal, and the set's own note."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in cases:
        groups[one.case.group].append(one)
    lines = []
    for group, members in groups.items():
        merged = {
            field: _listed(sum((Counter(getattr(m.told, field)) for m in members), Counter()))
            for field in ("unknown", "signals", "false_signals", "wrong_good", "wrong_bad")
        }
        lines.append(f"{group}: {members[0].case.note}".rstrip(": "))
        for field, title in (
            ("signals", "rightly poor by"),
            ("false_signals", "wrongly poor by"),
            ("wrong_good", "good called poor"),
            ("wrong_bad", "bad not called poor"),
            ("unknown", "no verdict"),
        ):
            if merged[field]:
                lines.append(f"    {title}: {merged[field]}")
        failures = {m.told.not_calibrated for m in members} - {""}
        lines += [f"    not calibrated: {why}" for why in sorted(failures)]
    return "\n".join(lines)


def _listed(counts: Counter[str], most: int = 12) -> str:
    told = ", ".join(f"{name} {count}" for name, count in counts.most_common(most))
    return told + (f" and {len(counts) - most} more" if len(counts) > most else "")


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %" if math.isfinite(value) else "–"


def _plain(value: Any) -> Any:
    """Return the value with NaN as None, so that the JSON is JSON."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return the status to leave with."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--sets", action="store_true", help="only the labelled sets and the rig")
    parser.add_argument("--natural", action="store_true", help="only the simulated working days")
    parser.add_argument("--rig", action="store_true", help="of the labelled sets, only the rig")
    parser.add_argument(
        "--hours", type=float, default=40.0, help="of days without slouches, and as many with"
    )
    parser.add_argument("--bodies", type=int, default=10, help="of the rig, before each kind of camera")
    parser.add_argument("--seed", type=int, default=200, help="of the rig and of the first day")
    parser.add_argument(
        "--cache", type=Path, default=default_cache(), help="where landmarks of pictures are kept"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="look at every picture anew, and keep nothing"
    )
    parser.add_argument("--every", action="store_true", help="also print every false alert on a line")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    given = parser.parse_args(arguments)
    if not given.hours > 0 or given.bodies < 1:
        parser.error("--hours and --bodies must be above 0")
    both = given.sets == given.natural
    result: dict[str, Any] = {}
    if both or given.sets or given.rig:
        try:
            real = [] if given.rig else real_cases(data_folder(), None if given.no_cache else given.cache)
            cases = [judged(case) for case in (*real, *rig_cases(given.seed, given.bodies))]
        except UserError as error:
            print(error, file=sys.stderr)
            return 2
        lines = rows(cases, given.seed)
        result["sets"] = [{"set": row.set, "rule": row.rule, **asdict(row.score)} for row in lines]
        result["details"] = [
            {"set": c.case.group, "person": c.case.person, "note": c.case.note, **asdict(c.told)}
            for c in cases
        ]
        if not given.json:
            print(table(lines), "", details(cases), sep="\n")
            print(f"\nScenarios of the rig left out as ambiguous: {', '.join(LEFT_OUT)}.")
    if both or given.natural:
        natural = natural_alerts.summary(natural_alerts.gather(natural_alerts.days(given.seed, given.hours)))
        result["natural"] = natural
        if not given.json:
            print("", natural_alerts.told(natural), sep="\n")
            if given.every:
                print("", natural_alerts.told_one_by_one(natural), sep="\n")
    if given.json:
        print(json.dumps(_plain(result), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
