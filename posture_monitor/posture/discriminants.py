"""Two linear discriminants: how much like a slouch, and unlike natural sitting, a posture is.

A fixed limit on one measure cannot tell a slouch from the way people wander
while they sit well: both move the head by centimetres. All measures together
can, each weighted by how much it tells (Fisher 1936, doi
10.1111/j.1469-1809.1936.tb02137.x). There are two of them:

* *forward*: slumping, and the head carried forward. Rests on sizes, heights and
  the nod of the head, not on places in the picture, and tells at once;
* *lowered*: sliding down the chair, and reclining. Seen from the front these
  move the head down the picture and little else. One moment tells little; it
  has to last.

What a movement looks like depends on where the camera stands: so the weights
follow what the neutral posture tells of that. A score is 0 in the middle of
natural sitting and 1 one standard deviation from it, towards the slouch. The
weights come from `benchmarks/train_discriminants.py`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np

from posture_monitor.posture import discriminant_weights as trained
from posture_monitor.posture.arithmetic import total
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.metrics import ROW

#: No place of a camera is taken to be further from the usual than this (standard deviations):
#: weights are not carried beyond what they were trained on.
FARTHEST_PLACE: Final = 2.5

_ROWS = [ROW[name] for name in trained.LOWERED]
_HEAD_DROP, _SHOULDER_DROP = (list(trained.LOWERED).index(name) for name in ("head_drop", "shoulder_drop"))
_NOT_PLACES = [row for row in range(len(_ROWS)) if row not in (_HEAD_DROP, _SHOULDER_DROP)]
_PLACE_ROWS = [ROW[name] for name in trained.PLACE]
_USUAL, _VARIES = np.array(list(trained.PLACE.values())).T
# Both on the same measures; those that *forward* does not rest on weigh nothing in it.
_NOTHING = (0.0,) * (1 + len(trained.PLACE))
_WEIGHTS = np.array(
    [
        [trained.FORWARD.get(name, _NOTHING) for name in trained.LOWERED],
        list(trained.LOWERED.values()),
    ]
)
_MIDDLES = np.array([trained.FORWARD_MIDDLE, trained.LOWERED_MIDDLE])


def scores(deviations: Array, neutral: Neutral) -> Array:
    """Return both scores of ``N`` frames, ``(2, N)``: forward, lowered.

    Parameters
    ----------
    deviations
        ``(len(METRICS), N)``, as `baseline.deviation` gives them.
    neutral
        From which they deviate.

    Returns
    -------
    ndarray
        In standard deviations of natural sitting. *Forward* is NaN unless face
        and shoulders are measured. *Lowered* is NaN only where no face is seen:
        shoulders that have sunk out of the picture are held to be as much lower
        as the head, and what else needs them says nothing.
    """
    change = deviations[_ROWS]
    forward, lowered = _weights(neutral)
    head, shoulders = change[_HEAD_DROP], change[_SHOULDER_DROP]
    rest = change[_NOT_PLACES]
    forward_score = _weighed(forward[_NOT_PLACES], rest)
    places = lowered[_HEAD_DROP] * head + lowered[_SHOULDER_DROP] * np.where(
        np.isnan(shoulders), head, shoulders
    )
    lowered_score = _weighed(lowered[_NOT_PLACES], np.nan_to_num(rest)) + places
    out: Array = np.stack([forward_score, lowered_score]) - _MIDDLES[:, None]
    return out


def _weighed(weights: Array, rows: Array) -> Array:
    """Return the weighted sum of ``(K, N)`` rows, ``(N,)``; not by BLAS, which rounds one frame otherwise."""
    summed: Array = total(weights[:, None] * rows)
    return summed


def per_drop(neutral: Neutral) -> float:
    """Return by how much *lowered* grows for each shoulder width that head and shoulders are lower."""
    _, lowered = _weights(neutral)
    return float(lowered[_HEAD_DROP] + lowered[_SHOULDER_DROP])


@lru_cache(maxsize=16)
def _weights(neutral: Neutral) -> Array:
    """Return the weights ``(2, measures)`` of both as the camera of this neutral posture sees it."""
    place = (neutral.centre[_PLACE_ROWS] - _USUAL) / _VARIES
    # A neutral that was never captured knows no place: then the usual one.
    place = np.clip(np.nan_to_num(place), -FARTHEST_PLACE, FARTHEST_PLACE)
    weights: Array = _WEIGHTS @ np.concatenate([[1.0], place])
    return weights
