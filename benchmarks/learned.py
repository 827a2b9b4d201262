"""Would a small learned model judge better than the rules? Held out by person, on the same frames.

A logistic regression and a shallow boosted tree, both monotone (more sinking is never better), over the same
deviations from neutral that the rules use. Each is trained on everybody but the person it is tested on: the
other labelled people, the rig's bodies and simulated days; all people weigh the same. The model is worth
keeping only if it beats the rules on people it has not seen. Needs scikit-learn, which the program does not:

    pip install scikit-learn
    python benchmarks/learned.py
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))

from labelled_sets import Case, data_folder, default_cache, real_cases, rig_cases
from natural_day import CALIBRATION_S, natural_day
from scores import auc, balanced

from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.capture import capture
from posture_monitor.posture.judge import judge
from posture_monitor.posture.metrics import ROW, Measurement, Reason, measure
from posture_monitor.posture.reading import VERDICTS, Verdict

Array = npt.NDArray[np.float64]

#: What the models see: metric and how it is folded. Each is 0 at neutral and grows the worse way.
FEATURES: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    *((name, lambda d: np.maximum(-d, 0)) for name in ("head_height", "ear_height", "esr", "head_rise")),
    ("fsr", lambda d: np.maximum(d, 0)),
    ("face_size", lambda d: np.maximum(d, 0)),
    ("face_size", lambda d: np.maximum(-d, 0)),
    ("head_drop", lambda d: np.maximum(d, 0)),
    ("shoulder_drop", lambda d: np.maximum(d, 0)),
    *((name, np.abs) for name in ("head_roll", "shoulder_tilt", "lateral_head")),
    # Looking down and turning away excuse some of it: here more is never worse.
    ("head_nod", lambda d: np.maximum(d, 0)),
    ("head_yaw", np.abs),
)
_WORSE = np.array([1] * (len(FEATURES) - 2) + [-1, -1])


@dataclass(frozen=True)
class Person:
    """Tested frames of one person in one session: what the models see, the label, and what the rules say."""

    group: str
    name: str
    x: Array
    bad: npt.NDArray[np.bool_]
    rule: npt.NDArray[np.bool_]
    index: Array


def people(cache: Path | None, seed: int, bodies: int, days: int) -> Iterator[Person]:
    """Yield real people seen from the front, bodies of the rig, and simulated days."""
    for case in (*real_cases(data_folder(), cache), *rig_cases(seed, bodies)):
        if case.in_mean and "side" not in case.group:
            yield _of_case(case)
    for k in range(days):
        day = natural_day(seed + k, 8.0, 1.0, slouches=4)
        landmarks = day.landmarks
        neutral = _neutral(landmarks[day.t_s < CALIBRATION_S], day.size)
        later = np.flatnonzero(day.present & (day.t_s >= CALIBRATION_S))[::10]
        poor = np.zeros(len(day.t_s), dtype=bool)
        for episode in day.episodes:
            if episode.truth_poor:
                poor |= (day.t_s >= episode.start_s) & (day.t_s < episode.end_s)
        measurement = neutral.measure(landmarks[later], day.size)
        yield _person("simulated days", f"day {day.seed}", measurement, neutral, poor[later])


def _of_case(case: Case) -> Person:
    calibration, test = case.folds[0]
    neutral = _neutral(case.landmarks[calibration], case.size[calibration])
    measurement = neutral.measure(case.landmarks[test], case.size[test])
    rig = case.group.startswith("rig")
    name = f"{case.group}, {case.person}" if rig else case.person
    return _person("rig" if rig else case.group, name, measurement, neutral, case.bad[test])


def _neutral(landmarks: npt.NDArray[Any], size: npt.NDArray[Any]) -> Neutral:
    first = measure(landmarks, size)
    return capture(first, [Reason.OK] * len(first), least_frames=5, steady=False)


def _person(
    group: str, name: str, measurement: Measurement, neutral: Neutral, bad: npt.NDArray[np.bool_]
) -> Person:
    judgement = judge(measurement, neutral)
    rows = [fold(judgement.deviations[ROW[metric]]) for metric, fold in FEATURES]
    x = np.nan_to_num(np.stack(rows, axis=1))
    poor = judgement.verdict == VERDICTS.index(Verdict.POOR)
    return Person(group, name, x, bad, poor, np.nan_to_num(judgement.slouch_index, nan=-np.inf))


def _weights(train: Sequence[Person]) -> Array:
    """Return weights in which every person, and within each good and bad, weigh the same."""
    parts = []
    for person in train:
        share = np.where(person.bad, 0.5 / max(person.bad.sum(), 1), 0.5 / max((~person.bad).sum(), 1))
        parts.append(share)
    whole = np.concatenate(parts)
    return np.asarray(whole * len(whole) / whole.sum())


def _linear(x: Array, bad: npt.NDArray[np.bool_], weight: Array) -> Callable[[Array], Array]:
    """Fit a logistic regression; features that would pull the wrong way are dropped, so it is monotone."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    scale = x.std(axis=0) + 1e-9
    kept = np.ones(x.shape[1], dtype=bool)
    while True:
        model = LogisticRegression(C=1.0, max_iter=500).fit(x[:, kept] / scale[kept], bad, weight)
        right = model.coef_[0] * _WORSE[kept] >= 0
        if right.all():
            return lambda new: np.asarray(model.predict_proba(new[:, kept] / scale[kept])[:, 1])
        kept[np.flatnonzero(kept)[~right]] = False


def _tree(x: Array, bad: npt.NDArray[np.bool_], weight: Array) -> Callable[[Array], Array]:
    from sklearn.ensemble import HistGradientBoostingClassifier  # type: ignore[import-untyped]

    model = HistGradientBoostingClassifier(
        max_iter=60, max_depth=3, learning_rate=0.1, monotonic_cst=_WORSE, random_state=0
    ).fit(x, bad, weight)
    return lambda new: np.asarray(model.predict_proba(new)[:, 1])


MODELS = {"logistic": _linear, "tree": _tree}


def compared(everybody: Sequence[Person]) -> list[tuple[str, str, float, float, float]]:
    """Return rows of group, judge, balanced accuracy, part of good called bad and AUC; means over people."""
    figures: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for person in sorted({p.name for p in everybody}):
        mine = [p for p in everybody if p.name == person]
        train = [p for p in everybody if p.name != person]
        x, bad = np.concatenate([p.x for p in train]), np.concatenate([p.bad for p in train])
        fitted = {name: fit(x, bad, _weights(train)) for name, fit in MODELS.items()}
        for p in mine:
            said = {"rules": (p.rule, p.index)}
            for name, predict in fitted.items():
                chance = predict(p.x)
                said[name] = (chance >= 0.5, chance)
            for name, (poor, index) in said.items():
                row = (balanced(p.bad, poor), float(poor[~p.bad].mean()), auc(p.bad, index))
                figures.setdefault((p.group, name), []).append(row)
    return [(group, name, *np.mean(rows, axis=0).tolist()) for (group, name), rows in sorted(figures.items())]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the comparison; return the status to leave with."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=200)
    parser.add_argument("--bodies", type=int, default=6)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--cache", type=Path, default=default_cache())
    given = parser.parse_args(arguments)
    try:
        lines = compared(list(people(given.cache, given.seed, given.bodies, given.days)))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except ImportError:
        print("this comparison needs scikit-learn: pip install scikit-learn", file=sys.stderr)
        return 2
    print("| held-out person in | judge | balanced accuracy | good called bad | AUC |\n|---|---|---|---|---|")
    for group, name, right, false, area in lines:
        print(f"| {group} | {name} | {right:.3f} | {100 * false:.1f} % | {area:.3f} |")
    real = [line for line in lines if line[0] not in ("rig", "simulated days")]
    for name in ("rules", *MODELS):
        right, false, area = np.mean([line[2:] for line in real if line[1] == name], axis=0)
        print(f"| **mean of real sets** | {name} | {right:.3f} | {100 * false:.1f} % | {area:.3f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
