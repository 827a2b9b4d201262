"""What *mild* and *poor* look like for one neutral posture: bodies bent until the judge says so.

The captured body is moved along one way in which posture goes, a little at a
time, and judged by the very limits that will be in force. Where the slouch index
reaches 0.5 and 1 is where mild and poor begin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.judge import Limits, judge
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.reading import View

Body = npt.NDArray[np.float32]

#: Landmarks of the head, with the shoulders, and with the arms as well.
_HEAD, _BUST, _UPPER = slice(0, 11), slice(0, 13), slice(0, 23)
_EARS, _SHOULDERS = [lm.LEFT_EAR, lm.RIGHT_EAR], [lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER]
_HIPS = [lm.LEFT_HIP, lm.RIGHT_HIP]
#: Bodies a way is tried in, from neutral to the furthest.
_TRIED: Final = 121


@dataclass(frozen=True)
class Ghosts:
    """One way in which posture goes, from neutral to poor.

    Attributes
    ----------
    way
        In plain words.
    mild, poor
        ``(33, 4)`` where each begins.
    """

    way: str
    mild: Body
    poor: Body


def ghosts(
    body: Body,
    size: npt.NDArray[Any],
    neutral: Neutral,
    limits: Limits | None = None,
    *,
    slouch: Body | None = None,
) -> tuple[Ghosts, ...]:
    """Return the ways in which this posture can go poor, as the judge will see them.

    Parameters
    ----------
    body
        ``(33, 4)``, the captured posture.
    size
        ``(2,)`` width and height of the picture in pixels.
    neutral
        Learnt from that capture.
    limits
        Those in force.
    slouch
        ``(33, 4)`` the user's own slouch, if it was captured: then their own way comes first.

    Returns
    -------
    tuple of Ghosts
        Those that do reach poor; a way that cannot be seen from this view is left out.
    """
    ways: list[tuple[str, float, Callable[[Array, float], Array]]] = []
    pixels = body[:, :2].astype(np.float64) * size
    if slouch is not None:
        there = slouch[:, :2].astype(np.float64) * size
        ways.append(("Your slouch", 2.0, lambda points, amount: points + amount * (there - points)))
    ways += _SIDE if neutral.view is View.SIDE else _FRONT
    found = []
    for name, furthest, bend in ways:
        amounts = np.linspace(0.0, furthest, _TRIED)
        bodies = np.repeat(body[None], _TRIED, axis=0)
        bodies[:, :, :2] = np.stack([bend(pixels, amount) for amount in amounts]) / size
        judged = judge(neutral.measure(bodies, np.asarray(size)), neutral, limits)
        index = np.nan_to_num(judged.slouch_index)
        mild, poor = (_first(index >= level) for level in (0.5, 1.0))
        if mild is not None and poor is not None and mild > 0:
            found.append(Ghosts(name, bodies[mild], bodies[poor]))
    return tuple(found)


def _first(reached: npt.NDArray[np.bool_]) -> int | None:
    return int(reached.argmax()) if reached.any() else None


def _middle(points: Array, pair: list[int]) -> Array:
    return np.asarray(points[pair].mean(axis=0))


def _width(points: Array) -> float:
    """Return a length to measure by, in pixels: of shoulders or, from the side, of the trunk's upper half."""
    shoulders = float(np.hypot(*(points[lm.LEFT_SHOULDER] - points[lm.RIGHT_SHOULDER])))
    head = float(np.hypot(*(_middle(points, _EARS) - _middle(points, _SHOULDERS))))
    return max(shoulders, 1.2 * head)


def _sink(points: Array, amount: float) -> Array:
    """Sink the head by so many shoulder widths, and shoulders and arms by a third of it."""
    out: Array = points.copy()
    fall = amount * _width(points)
    out[_HEAD, 1] += fall
    out[11:23, 1] += fall / 3
    return out


def _near(points: Array, amount: float) -> Array:
    """Come nearer: everything grows about the chest by this part."""
    centre = _middle(points, _SHOULDERS)
    return np.asarray(centre + (points - centre) * (1 + amount))


def _turned(points: Array, about: Array, degrees: float) -> Array:
    """Turn points about another, clockwise on the screen."""
    a = np.radians(degrees)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return np.asarray(about + (points - about) @ turn.T)


def _aside(points: Array, amount: float) -> Array:
    """Lean to the side by this many degrees, about a point below the chest."""
    chest = _middle(points, _SHOULDERS)
    chest[1] += _width(points)
    out: Array = points.copy()
    out[_UPPER] = _turned(points[_UPPER], chest, amount)
    return out


def _forward(points: Array) -> float:
    """Return which way the body looks on the screen: 1 to the right, -1 to the left."""
    return 1.0 if points[lm.NOSE, 0] >= _middle(points, _EARS)[0] else -1.0


def _lean(points: Array, amount: float) -> Array:
    """Lean forward at the hips by this many degrees; the arms stay."""
    out: Array = points.copy()
    out[_BUST] = _turned(points[_BUST], _middle(points, _HIPS), amount * _forward(points))
    return out


def _recline(points: Array, amount: float) -> Array:
    return _lean(points, -amount)


def _crane(points: Array, amount: float) -> Array:
    """Carry the head forward: about the shoulders by this many degrees, its face level all the while."""
    ears = _middle(points, _EARS)
    out: Array = points.copy()
    out[_HEAD] += _turned(ears, _middle(points, _SHOULDERS), amount * _forward(points)) - ears
    return out


_FRONT: Final = (
    ("Sinking down", 0.6, _sink),
    ("Too near", 0.8, _near),
    ("Leaning aside", 40.0, _aside),
)
_SIDE: Final = (
    ("Leaning forward", 60.0, _lean),
    ("Head carried forward", 60.0, _crane),
    ("Leaning back", 50.0, _recline),
)
