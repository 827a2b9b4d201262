"""The steady states of a whole recording at once: what `steady.step` gives from reading to reading.

A day of fifteen readings a second fills some 60 000 buckets, and with each one a
median has to be found; with arrays that takes a tenth of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.arithmetic import blocks
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.reading import LONGEST_SPOKEN_S, VERDICTS, Verdict
from posture_monitor.posture.steady import BUCKET_S, ROUNDING_S, Policy, graded

_UNKNOWN, _AWAY = VERDICTS.index(Verdict.UNKNOWN), VERDICTS.index(Verdict.AWAY)


def states(policy: Policy, t_s: Array, verdict: npt.NDArray[Any], index: Array) -> npt.NDArray[np.int8]:
    """Return the steady state after each of ``N`` readings, ``(N,)``, as codes into `VERDICTS`.

    Parameters
    ----------
    policy
        As `steady.step` takes it with every reading.
    t_s
        ``(N,)`` seconds, growing.
    verdict, index
        ``(N,)`` of the readings: codes into `VERDICTS`, and slouch index.
    """
    said, at_s, spoken_s, ended = _pieces(policy, t_s)
    judged = (verdict != _UNKNOWN) & (verdict != _AWAY) & np.isfinite(index)
    parts = np.stack((np.ones(len(t_s)), judged, verdict == _AWAY, np.where(judged, index, 0.0)))
    last = _buckets(spoken_s.tolist())
    if not len(last):
        return np.full(len(t_s), _UNKNOWN, dtype=np.int8)
    whole, judged_s, away_s, total = _sums(parts[:, said] * spoken_s, last)
    gone = away_s > whole / 2
    seen = (judged_s >= whole / 2) & ~gone
    mean = np.full(len(last), np.inf)
    mean[seen] = total[seen] / judged_s[seen]
    found = _followed(policy, at_s[last], whole, seen, gone, mean)
    return np.append(found, np.int8(_UNKNOWN))[np.searchsorted(last, ended, side="right") - 1]


def _pieces(policy: Policy, t_s: Array) -> tuple[npt.NDArray[np.intp], Array, Array, npt.NDArray[np.intp]]:
    """Return which reading speaks, until when and for how many seconds, piece by piece.

    Between two readings the former speaks first, the latter for the last half
    second, and only the latter where they lie no further apart. Last comes, for
    each reading, the last piece that is known by then.
    """
    n = len(t_s)
    gap = np.minimum(np.diff(t_s), min(2 * policy.interval_s, LONGEST_SPOKEN_S))
    own = np.minimum(gap, BUCKET_S)
    spoken = np.zeros((n, 2))
    spoken[0, 1] = min(policy.interval_s, BUCKET_S)
    spoken[1:, 0], spoken[1:, 1] = gap - own, own
    until = np.zeros((n, 2))
    until[1:, 0], until[:, 1] = t_s[:-1] + gap - own, t_s
    said = np.arange(n)[:, None] - np.arange(2)[::-1]
    there = np.ones((n, 2), dtype=bool)
    there[0, 0], there[1:, 0] = False, gap > own
    known = np.cumsum(there.sum(axis=1)) - 1
    return said[there], until[there], spoken[there], known


def _buckets(spoken_s: list[float]) -> npt.NDArray[np.intp]:
    """Return the piece that fills each bucket.

    Their seconds are added one after the other, as `steady.step` adds them: another order is
    rounded otherwise, and at a limit that shows. So it is in `_sums`.
    """
    last = []
    whole, full_s = 0.0, BUCKET_S * (1 - ROUNDING_S)
    for piece, seconds in enumerate(spoken_s):
        whole += seconds
        if whole >= full_s:
            last.append(piece)
            whole = 0.0
    return np.array(last, dtype=np.intp)


def _sums(parts: Array, last: npt.NDArray[np.intp]) -> Array:
    """Return the sums of ``(K, pieces)`` over each bucket's pieces, ``(K, buckets)``."""
    sums = np.zeros((len(parts), len(last)))
    bucket = np.arange(len(last))
    piece = np.append(0, last[:-1] + 1)
    while len(bucket):
        sums[:, bucket] += parts[:, piece]
        more = piece < last[bucket]
        bucket, piece = bucket[more], piece[more] + 1
    return sums


def _followed(
    policy: Policy,
    until_s: Array,
    seconds: Array,
    seen: npt.NDArray[np.bool_],
    gone: npt.NDArray[np.bool_],
    mean: Array,
) -> npt.NDArray[np.int8]:
    """Return the state after each bucket; `mean` is infinite where nothing was seen."""
    horizon = until_s - policy.window_s
    oldest = np.searchsorted(until_s, horizon, side="right")
    back = np.arange(int((np.arange(len(oldest)) - oldest).max()), -1, -1)
    codes = np.empty(len(until_s), dtype=np.int8)
    state, half_window_s = Verdict.UNKNOWN, policy.window_s / 2
    for block in blocks(len(until_s)):
        here = np.arange(block.start, block.stop)[:, None]
        which = here - back
        part = np.minimum(seconds[which], until_s[which] - horizon[block, None])
        part[which < oldest[block, None]] = 0.0
        total = part.cumsum(axis=1)[:, -1]
        looked = np.where(seen[which], part, 0.0)
        away = np.where(gone[which], part, 0.0).cumsum(axis=1)[:, -1] > total / 2 + ROUNDING_S
        unknown = looked.cumsum(axis=1)[:, -1] < total / 2 - ROUNDING_S
        # The time-weighted median: the first that half of the seconds lie before.
        order = np.argsort(np.where(looked > 0, mean[which], np.inf), axis=1, kind="stable")
        ranked = np.take_along_axis(looked, order, axis=1).cumsum(axis=1)
        middle = (ranked >= ranked[:, -1:] / 2 - ROUNDING_S).argmax(axis=1)
        median = mean[which[np.arange(len(which)), order[np.arange(len(which)), middle]]]
        for i, (is_away, is_unknown, level, total_s) in enumerate(
            zip(away.tolist(), unknown.tolist(), median.tolist(), total.tolist(), strict=True), block.start
        ):
            if is_away:
                state = Verdict.AWAY
            elif is_unknown:
                state = Verdict.UNKNOWN
            else:
                state = graded(level, state if total_s >= half_window_s else Verdict.GOOD)
            codes[i] = VERDICTS.index(state)
    return codes
