"""A still, looked at with more care than a stream has time for.

Letterbox bars are left out: they hold nobody, and make the people small that
the pose model looks for. And it is looked at twice, as it is and as a mirror
shows it: the model errs a little in every picture, not alike in both, and the
mean scatters less. Both count most in the dark (``benchmarks/dim_pictures.py``).
Where nobody is found it is smoothed first: grain and strong compression hide
people. In a stream the looks that follow one another do as much.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.posture import landmarks as lm
from posture_monitor.sensing.brightening import smoothed
from posture_monitor.sensing.pose import PoseEstimator

Picture = npt.NDArray[Any]
People = npt.NDArray[np.float32]

#: The brightest that a letterbox bar is (0..255), but for a fiftieth of it that compression has blotted.
BLACK, BLOTTED = 8, 2
#: So many rows and columns, evenly spread, tell where the bars end.
_PROBES = 100
#: Each landmark's counterpart on the body's other side.
_OTHER_SIDE = (0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(i + 1 if i % 2 else i - 1 for i in range(11, lm.COUNT)))
#: Face and shoulders tell whether two looks found the same body; the rest is often guessed.
_BUST = slice(lm.RIGHT_SHOULDER + 1)
#: A body lies this near to itself, on average over these points, as a part of their extent. With left and
#: right taken for each other it lies more than twice as far.
SAME_BODY = 0.2


def detect(estimator: PoseEstimator, image: Picture) -> People:
    """Return the people ``(P, 33, 4)`` in a still, as `PoseEstimator.detect` does.

    Whom only the look at the still as it is has found is returned as found;
    whom only the mirror shows is left out.
    """
    top, left = bars(image)
    height, width = image.shape[:2]
    inside = image[top : height - top, left : width - left]
    part = np.array([1 - 2 * left / width, 1 - 2 * top / height], dtype=np.float32)
    people = estimator.detect(inside)
    if not len(people):
        inside = smoothed(inside)
        people = estimator.detect(inside)
    if len(people):
        people = averaged(people, mirrored(estimator.detect(inside[:, ::-1])))
    people[..., :2] = 0.5 + (people[..., :2] - 0.5) * part
    return people


def bars(image: Picture) -> tuple[int, int]:
    """Return how high letterbox bars above and below a picture are, and how wide those beside it, in pixels.

    A bar has its equal at the other side; what is black at one side alone may be a dark room. A picture
    that is black altogether has none.
    """
    height, width = image.shape[:2]
    rows = image[:, :: max(1, width // _PROBES)].reshape(height, -1)
    columns = image[:: max(1, height // _PROBES)].swapaxes(0, 1).reshape(width, -1)
    return _bar(rows), _bar(columns)


def _bar(lines: Picture) -> int:
    """Return how many lines are black at either end."""
    bright = np.flatnonzero(np.percentile(lines, 100 - BLOTTED, axis=1) > BLACK)
    return int(min(bright[0], len(lines) - 1 - bright[-1])) if len(bright) else 0


def mirrored(people: People) -> People:
    """Return people ``(P, 33, 4)`` of a mirror image as they are in the picture itself."""
    out: People = people[:, _OTHER_SIDE]
    out[..., 0] = 1 - out[..., 0]
    return out


def averaged(people: People, again: People) -> People:
    """Return people ``(P, 33, 4)``, each averaged with the same body among another look's ``(Q, 33, 4)``."""
    out: People = people.copy()
    for person, mean in zip(people, out, strict=True):
        apart = _apart(person, again)
        if len(again) and apart.min() < SAME_BODY:
            mean[:] = (person + again[apart.argmin()]) / 2
    return out


def others(person: People, people: People) -> People:
    """Return those of some people ``(P, 33, 4)`` that are another body than this one, ``(33, 4)``."""
    return people[_apart(person, people) >= SAME_BODY]


def _apart(person: People, people: People) -> npt.NDArray[Any]:
    """Return how far each of some people ``(P, 33, 4)`` lies from a body, ``(P,)`` parts of its extent."""
    extent = np.linalg.norm(np.ptp(person[_BUST, :2], axis=0))
    apart = np.linalg.norm(people[:, _BUST, :2] - person[_BUST, :2], axis=-1).mean(axis=-1)
    return np.asarray(apart / extent)
