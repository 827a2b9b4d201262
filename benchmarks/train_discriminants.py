"""Train the two discriminants of `posture.discriminants` on simulated days, and write their weights.

Every day is another person before another camera, sitting and slouching as `natural_day` has it; none of
them is among the days that `accuracy.py` scores. Natural sitting is told from slouches by Fisher's linear
discriminant. Measures of a real picture err in ways that the rig does not know, for minutes on end (hair,
glasses, clothes): variances are enlarged by such errors, so that no weight rests on a measure being exact.
They are enlarged as well by the way from sitting to looking down at keyboard or phone: it takes up a small
part of the day, and yet is what must not be taken for a slouch.

    python benchmarks/train_discriminants.py [--days 600] [--jobs 2]

It takes about five minutes and writes ``posture_monitor/posture/discriminant_weights.py``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))

from natural_day import CALIBRATION_S, SLOUCHES, natural_day
from watched_day import shipped

from posture_monitor.posture.capture import capture
from posture_monitor.posture.discriminants import FARTHEST_PLACE
from posture_monitor.posture.judge import Limits, judge
from posture_monitor.posture.metrics import METRICS, ROW, Change, Reason, measure
from posture_monitor.posture.reading import VERDICTS, Verdict

Array = npt.NDArray[np.float64]

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = ROOT / "posture_monitor" / "posture" / "discriminant_weights.py"
#: Days are numbered from here: far from those that are scored.
FIRST_SEED = 1_000_000
HOURS, FPS, SLOUCHES_A_DAY = 8.0, 0.25, 8

FORWARD = ("shoulder_width", "face_size", "head_nod", "ear_height", "head_height")
LOWERED = ("head_drop", "shoulder_drop", *FORWARD)
#: What the neutral posture tells of the place of the camera: distance and lens (sizes), height and tilt.
PLACE = ("shoulder_width", "face_size", "head_drop", "head_nod")
#: Lasting errors of a deviation on real pictures: the floors of the spread of a calibration, twice those
#: where hair or clothes hide what is measured. Shoulders are the worst ruler: the edge of the picture cuts
#: them off, a turned trunk narrows them.
LASTING = {"shoulder_width": 5.0, "face_size": 1.5, "head_nod": 3.0, "ear_height": 3.0, "head_height": 3.0}
LASTING |= {"head_drop": 0.02, "shoulder_drop": 0.02}
#: For *forward*, the size of the face errs by more: people slump nearer to the screen or further from it than
#: the rig does. Of labelled people some are a tenth larger when they do, some a quarter smaller.
FORWARD_LASTING = LASTING | {"face_size": 12.0}
#: Means over these seconds are told apart: about what the steady state and the slow mean let through.
FORWARD_S, LOWERED_S = 10.0, 120.0
#: Part of natural sitting in the variance within; the rest is that of slouches.
NATURAL_PART = 0.7
#: And what looking down adds to that of *forward*.
LOOKING_DOWN = 0.5
#: Activities in which people look down, and from when on their mean holds nothing else (seconds).
DOWN, INTO_DOWN_S = ("looking_down", "phone"), 15.0
#: One mean a minute is enough.
EVERY_S = 60.0
#: A mean still holds what was before: natural sitting counts this long after a slouch, a slouch this long
#: after it began.
AFTER_SLOUCH_S, INTO_SLOUCH_S = 1200.0, 400.0


class Day(NamedTuple):
    """What a day gives: means ``(n, metrics)``, kinds of slouch ``(n,)`` (-1 none), looking down, place."""

    forward: Array
    lowered: Array
    kind: npt.NDArray[np.int64]
    down: npt.NDArray[np.bool_]
    place: Array


class Discriminant(NamedTuple):
    """Weights ``(metrics, 1 + places)`` and the score of natural sitting that is taken off."""

    weights: Array
    middle: float


def lived(seed: int) -> Day:
    """Return one simulated day."""
    day = natural_day(seed, HOURS, FPS, slouches=SLOUCHES_A_DAY)
    landmarks, limits = day.landmarks, Limits(shipped().judge.scale)
    first = measure(landmarks[day.t_s < CALIBRATION_S], day.size)
    neutral = capture(first, [Reason.OK] * len(first))
    judged = judge(neutral.measure(landmarks, day.size), neutral, limits)
    unjudged = [VERDICTS.index(verdict) for verdict in (Verdict.UNKNOWN, Verdict.AWAY)]
    seen = ~np.isin(judged.verdict, unjudged)
    seen &= np.isfinite(judged.deviations[[ROW[name] for name in LOWERED]]).all(axis=0)
    kind = np.full(len(day.t_s), -1)
    since_s = np.full(len(day.t_s), np.inf)
    for episode in sorted((e for e in day.episodes if e.truth_poor), key=lambda e: e.start_s):
        within = (day.t_s >= episode.start_s) & (day.t_s <= episode.end_s)
        kind[within] = SLOUCHES.index(episode.kind)
        since_s[within] = day.t_s[within] - episode.start_s
        after = day.t_s > episode.end_s
        since_s[after] = day.t_s[after] - episode.end_s
    down = np.zeros(len(day.t_s), dtype=bool)
    for episode in day.episodes:
        if episode.kind in DOWN:
            down |= (day.t_s >= episode.start_s + INTO_DOWN_S) & (day.t_s <= episode.end_s)
    down &= kind < 0
    settled = since_s > np.where(kind < 0, AFTER_SLOUCH_S, INTO_SLOUCH_S)
    means = [
        _means(judged.deviations[[ROW[name] for name in names]], seen, time_s)
        for names, time_s in ((FORWARD, FORWARD_S), (LOWERED, LOWERED_S))
    ]
    picked = np.arange(round(5 * EVERY_S * FPS), len(day.t_s), round(EVERY_S * FPS))
    picked = picked[(seen & settled)[picked]]
    place = np.array([neutral[name] for name in PLACE])
    return Day(means[0][picked], means[1][picked], kind[picked], down[picked], place)


def _means(values: Array, seen: npt.NDArray[np.bool_], time_s: float) -> Array:
    """Return exponential means ``(N, metrics)`` of what was seen."""
    gain = 1.0 - np.exp(-1.0 / (FPS * time_s))
    mean, out = np.zeros(len(values)), np.empty(values.shape[::-1])
    for i, there in enumerate(seen):
        if there:
            mean = mean + gain * (values[:, i] - mean)
        out[i] = mean
    return out


def discriminant(
    means: Array, kind: npt.NDArray[np.int64], slouches: Sequence[str], errors: Array
) -> Discriminant:
    """Return Fisher's discriminant of some slouches against natural sitting, in its standard deviations.

    `errors` ``(K, K)`` are added to the variance within.
    """
    natural = means[kind < 0]
    slouching = means[np.isin(kind, [SLOUCHES.index(name) for name in slouches])]
    within = NATURAL_PART * np.cov(natural.T) + (1 - NATURAL_PART) * np.cov(slouching.T) + errors
    weights = np.linalg.solve(within, slouching.mean(axis=0) - natural.mean(axis=0))
    scores = natural @ weights
    by_place = (weights / scores.std()).reshape(-1, 1 + len(PLACE))
    return Discriminant(by_place, float(scores.mean() / scores.std()))


def trained(days: Sequence[Day]) -> tuple[Discriminant, Discriminant, Array, Array]:
    """Return *forward*, *lowered*, and middle and standard deviation of the places of cameras."""
    kind = np.concatenate([day.kind for day in days])
    down = np.concatenate([day.down for day in days])
    places = np.stack([day.place for day in days])
    usual, varies = places.mean(axis=0), places.std(axis=0)
    with_place = [
        np.concatenate([[1.0], np.clip((day.place - usual) / varies, -FARTHEST_PLACE, FARTHEST_PLACE)])
        for day in days
    ]

    def carried(means: Sequence[Array]) -> Array:
        """Return each measure, and it by each part of the place, that weights may follow the place."""
        rows = zip(means, with_place, strict=True)
        return np.concatenate([(mean[:, :, None] * place).reshape(len(mean), -1) for mean, place in rows])

    def errs(names: Sequence[str], lasting: Mapping[str, float]) -> Array:
        return np.diag(np.repeat([lasting[name] ** 2 for name in names], 1 + len(PLACE)))

    means = carried([day.forward for day in days])
    away = means[down] - means[kind < 0].mean(axis=0)
    errors = errs(FORWARD, FORWARD_LASTING) + LOOKING_DOWN * (away.T @ away) / len(away)
    forward = discriminant(means, kind, ("slump", "head_forward"), errors)
    means = carried([day.lowered for day in days])
    lowered = discriminant(means, kind, ("slide_down", "recline"), errs(LOWERED, LASTING))
    return forward, lowered, usual, varies


def module(forward: Discriminant, lowered: Discriminant, usual: Array, varies: Array) -> str:
    """Return the text of the module of weights."""
    units = {
        m.name: "shoulder width"
        if m.change is Change.SHOULDERS
        else "%"
        if m.change is Change.PERCENT
        else m.unit
        for m in METRICS
    }
    lines = [
        '"""Weights of `discriminants`. Written by `benchmarks/train_discriminants.py`; do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Final",
        "",
        "#: Of the camera's place, as the neutral posture tells it: the usual value, and how much it varies.",
        "PLACE: Final[dict[str, tuple[float, float]]] = {",
        *(f'    "{name}": ({a:.4g}, {b:.4g}),' for name, a, b in zip(PLACE, usual, varies, strict=True)),
        "}",
        "",
        "# What each unit of a deviation adds to a score before the usual camera, and how much more for each",
        "# standard deviation by which each part of the place differs; and the score of natural sitting,",
        "# which is taken off.",
    ]
    for name, measures, found in (("FORWARD", FORWARD, forward), ("LOWERED", LOWERED, lowered)):
        lines += [
            "",
            f"{name}: Final[dict[str, tuple[float, ...]]] = {{",
            *(
                f'    "{measure}": ({", ".join(f"{w:.4g}" for w in row)}),  # per {units[measure]}'
                for measure, row in zip(measures, found.weights, strict=True)
            ),
            "}",
            f"{name}_MIDDLE: Final = {found.middle:.4g}",
        ]
    lines.append("")
    return "\n".join(lines)


def main() -> None:
    """Train, and write the weights."""
    options = argparse.ArgumentParser(description="Train the discriminants of posture over minutes.")
    options.add_argument("--days", type=int, default=600)
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    with ProcessPoolExecutor(given.jobs) as pool:
        days = list(pool.map(lived, range(FIRST_SEED, FIRST_SEED + given.days), chunksize=10))
    WRITTEN.write_text(module(*trained(days)), encoding="utf-8")
    print(f"{WRITTEN.relative_to(ROOT)}: from {sum(len(day.kind) for day in days)} means of {len(days)} days")


if __name__ == "__main__":
    main()
