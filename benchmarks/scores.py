"""How well verdicts agree with labels: the figures of the accuracy table, from plain arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Bool = npt.NDArray[np.bool_]
Array = npt.NDArray[np.float64]

RESAMPLES = 1000


@dataclass(frozen=True)
class Score:
    """Agreement of one rule with one set; NaN where a class has no frame.

    Attributes
    ----------
    good, bad
        Numbers of frames.
    balanced
        Mean of the parts of good and of bad frames that were called right.
    f1
        Of calling frames bad.
    false_positive
        Part of the good frames called bad.
    auc
        Chance that a bad frame scores higher than a good one; ties count half.
    coverage
        Part of the frames that got a verdict at all.
    low, high
        95 % bootstrap interval of `balanced` over segments; NaN where a class has only one segment,
        which then says nothing about how far another day would lie.
    """

    good: int
    bad: int
    balanced: float
    f1: float
    false_positive: float
    auc: float
    coverage: float
    low: float
    high: float


def score(
    bad: Bool, called: Bool, index: Array, judged: Bool, segment: npt.NDArray[Any], seed: int = 0
) -> Score:
    """Score calls against labels.

    Parameters
    ----------
    bad
        ``(N,)`` the label.
    called
        ``(N,)`` called poor; a frame without a verdict counts as called good.
    index
        ``(N,)`` how bad the rule finds it; NaN ranks below everything.
    judged
        ``(N,)`` a verdict was given.
    segment
        ``(N,)`` frames of one segment (burst, contiguous run, body) are resampled together.
    """
    called = called & judged
    low, high = _interval(bad, called, segment, seed)
    hits = int((called & bad).sum())
    missed_or_false = int((called != bad).sum())
    return Score(
        good=int((~bad).sum()),
        bad=int(bad.sum()),
        balanced=balanced(bad, called),
        f1=2 * hits / (2 * hits + missed_or_false) if hits + missed_or_false else float("nan"),
        false_positive=_part(called, ~bad),
        auc=auc(bad, np.where(judged & np.isfinite(index), index, -np.inf)),
        coverage=float(judged.mean()) if len(judged) else float("nan"),
        low=low,
        high=high,
    )


def balanced(bad: Bool, called: Bool) -> float:
    """Return the balanced accuracy."""
    return (_part(called, bad) + _part(~called, ~bad)) / 2


def auc(bad: Bool, index: Array) -> float:
    """Return the area under the ROC curve, by ranks (Mann-Whitney)."""
    positive, negative = int(bad.sum()), int((~bad).sum())
    if not positive or not negative:
        return float("nan")
    _, inverse, counts = np.unique(index, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((rank[bad].sum() - positive * (positive + 1) / 2) / (positive * negative))


def _part(what: Bool, among: Bool) -> float:
    return float(what[among].mean()) if among.any() else float("nan")


def _interval(bad: Bool, called: Bool, segment: npt.NDArray[Any], seed: int) -> tuple[float, float]:
    names, which = np.unique(segment, return_inverse=True)
    counts = np.zeros((len(names), 4))
    for column, mask in enumerate((bad, bad & called, ~bad, ~bad & ~called)):
        counts[:, column] = np.bincount(which, weights=mask, minlength=len(names))
    if min((counts[:, 0] > 0).sum(), (counts[:, 2] > 0).sum()) < 2:
        return float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    draws = counts[rng.integers(0, len(names), (RESAMPLES, len(names)))].sum(axis=1)
    draws = draws[(draws[:, 0] > 0) & (draws[:, 2] > 0)]
    values = (draws[:, 1] / draws[:, 0] + draws[:, 3] / draws[:, 2]) / 2
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)
