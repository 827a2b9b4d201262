"""One person to draw, by chance: build, sex, age, skin, hair and clothes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from drawn_body import Array, Body, Template, build
from drawn_scene import Surface

#: Shapes of which a person may have some, each by a part.
_FEATURES = (
    *(
        f"nose/nose-{name}"
        for name in ("scale-vert-incr", "scale-horiz-incr", "scale-depth-incr", "hump-incr")
    ),
    *(f"head/head-{name}" for name in ("oval", "round", "square", "rectangular", "triangular", "fat-incr")),
    *(f"head/head-{name}" for name in ("scale-horiz-decr", "scale-vert-incr")),
    *(f"chin/chin-{name}" for name in ("width-incr", "height-incr", "prominent-incr", "jaw-drop-incr")),
    *(f"neck/neck-{name}" for name in ("scale-vert-incr", "scale-horiz-incr", "scale-vert-decr")),
    *(f"torso/torso-{name}" for name in ("scale-horiz-incr", "scale-horiz-decr", "vshape-incr")),
)
#: Linear light.
_SKIN = {"african": (0.12, 0.055, 0.03), "asian": (0.60, 0.37, 0.22), "caucasian": (0.62, 0.36, 0.25)}
_BLACK, _BROWN, _BLOND, _GREY = (
    (0.012, 0.008, 0.006),
    (0.05, 0.025, 0.012),
    (0.18, 0.1, 0.04),
    (0.25, 0.24, 0.23),
)
_IRIS = ((0.05, 0.02, 0.01), (0.02, 0.01, 0.005), (0.05, 0.12, 0.2), (0.06, 0.1, 0.05))


@dataclass(frozen=True)
class Person:
    """Whom to draw.

    Attributes
    ----------
    body
        Theirs.
    surfaces
        Skin, eyes, clothes and hair, all over the body's vertices.
    ears
        Indices of the outermost vertices of the left and the right ear.
    """

    body: Body
    surfaces: tuple[Surface, ...]
    ears: tuple[int, int]

    @classmethod
    def random(cls, template: Template, rng: np.random.Generator) -> Person:
        """Return somebody."""
        male = bool(rng.integers(2))
        ancestry = dict(zip(_SKIN, rng.dirichlet([0.6] * 3), strict=True))
        shapes = build(
            ancestry=ancestry,
            male=male,
            old=rng.uniform(0, 0.7),
            muscle=rng.uniform(0.3, 0.7),
            weight=rng.uniform(0.3, 0.8) if rng.random() < 0.8 else rng.uniform(0.7, 1.0),
            height=rng.uniform(0.25, 0.75),
        )
        shapes |= {name: rng.uniform(0.1, 0.8) for name in _FEATURES if rng.random() < 0.4}
        body = template.body(shapes)
        skin = rng.uniform(0.85, 1.1) * sum(part * np.array(_SKIN[kind]) for kind, part in ancestry.items())
        hair = np.array(_BLACK)
        if ancestry["caucasian"] > 0.5:
            hair = rng.choice([_BLACK, _BROWN, _BLOND, _GREY], p=[0.35, 0.35, 0.2, 0.1])
        surfaces = [_skin(body, skin, hair, male and rng.random() < 0.45, rng), _eyes(body, rng)]
        surfaces += _clothes(body, rng)
        if not (male and rng.random() < 0.1):
            surfaces.append(_hair(body, hair, rng))
        left, right = (_outermost_of_ear(body, side) for side in (1, -1))
        return cls(body, tuple(surfaces), (left, right))


def _between_the_eyes(body: Body) -> Array:
    middle: Array = (body.joints["eye.L"] + body.joints["eye.R"]) / 2
    return middle


def _outermost_of_ear(body: Body, side: int) -> int:
    """Return the vertex of the ear on this side (1: left) that lies farthest out."""
    x, y, z = (body.rest - _between_the_eyes(body)).T
    skin = np.isin(np.arange(len(x)), body.template.of_group("body"))
    of_ear = np.flatnonzero(skin & (abs(z + 0.015) < 0.035) & (abs(y - 0.09) < 0.03))
    return int(of_ear[np.argmax(side * x[of_ear])])


def _chosen(body: Body, group: str, least: Array) -> npt.NDArray[np.intp]:
    """Return the triangles of a group over whose corners `least`, ``(V,)``, is not negative on the whole."""
    triangles = body.template.triangles[body.template.group == group]
    chosen: npt.NDArray[np.intp] = triangles[least[triangles].mean(axis=1) >= 0]
    return chosen


def _painted(colour: Array, where: Array, with_colour: npt.ArrayLike) -> Array:
    """Return a colour with another over it, as thick as `where` says, ``(V,)`` from 0 to 1."""
    thick = np.clip(where, 0, 1)[:, None]
    painted: Array = (1 - thick) * colour + thick * np.asarray(with_colour)
    return painted


def _waves(points: Array, per_m: float, rng: np.random.Generator) -> Array:
    """Return a smooth random pattern over points, ``(N,)``, mostly from 0 to 1."""
    ways, phases = rng.normal(0, 2 * math.pi * per_m, (12, 3)), rng.uniform(0, 2 * math.pi, 12)
    waves: Array = 0.5 + np.sin(points @ ways.T + phases).mean(axis=1)
    return np.clip(waves, 0, 1)


def _skin(body: Body, skin: Array, hair: Array, beard: bool, rng: np.random.Generator) -> Surface:
    """Return the skin, with lips, brows and perhaps a beard painted on."""
    x, y, z = (body.rest - _between_the_eyes(body)).T
    front = y < 0.025
    mouth_z = (body.joints["oris01"][2] + body.joints["oris05"][2]) / 2
    lips = np.clip(2.5 * (1 - np.hypot(x / 0.026, (body.rest[:, 2] - mouth_z) / 0.011)), 0, 1) * front
    colour = _painted(np.tile(skin, (len(x), 1)), lips, skin * (0.85, 0.45, 0.45))
    brow_z = 0.022 + 0.004 * np.sin((abs(x) - 0.012) / 0.045 * math.pi)
    brows = np.clip(2 - abs(z - brow_z) / 0.00325, 0, 0.9) * (abs(abs(x) - 0.0325) < 0.0225) * front
    colour = _painted(colour, brows, hair)
    if beard:
        chin = (abs(z + 0.11) < 0.05) & (y < 0.075) & (body.template.share("head") > 0.3)
        colour = _painted(colour, chin * (1 - lips) * rng.uniform(0.3, 0.95), hair)
    return Surface(body.rest, _chosen(body, "body", np.ones(len(x))), colour, None, 0.25, 0.12, 60)


def _eyes(body: Body, rng: np.random.Generator) -> Surface:
    """Return the eyeballs with iris and pupil."""
    colour = np.tile([0.75, 0.72, 0.7], (len(body.rest), 1))
    iris = rng.choice(_IRIS, p=[0.4, 0.3, 0.15, 0.15])
    for side in "LR":
        x, y, z = (body.rest - body.joints[f"eye.{side}"]).T
        for radius, paint in ((0.0068, iris), (0.003, [0.003] * 3)):
            colour[(np.hypot(x, z) < radius) & (y < 0)] = paint
    balls = np.concatenate([_chosen(body, f"helper-{s}-eye", np.ones(len(colour))) for s in "lr"])
    return Surface(body.rest, balls, colour, None, 0.9, 0.0)


def _clothes(body: Body, rng: np.random.Generator) -> list[Surface]:
    """Return a shirt with long or short sleeves, and trousers."""
    share, count = body.template.share, len(body.rest)
    bare = ("wrist.L", "wrist.R") if rng.random() < 0.55 else ("upperarm02.L", "upperarm02.R")
    above_hips = body.rest[:, 2] - body.joints["root"][2]
    # Above the hips, below the neck and not on what the sleeves leave bare: margins that are 0 at the hem.
    shirt = np.minimum.reduce([above_hips + 0.05, 0.25 - share("neck02"), 0.5 - share(*bare)])
    thickness = 0.002 + 0.014 * _waves(body.rest, 7, rng)
    cloth = rng.uniform(0.02, 0.8, 3) if rng.random() < 0.6 else np.full(3, rng.uniform(0.02, 0.8))
    of_shirt, of_trousers = (np.tile(paint, (count, 1)) for paint in (cloth, rng.uniform(0.01, 0.2, 3)))
    grain, fineness = rng.uniform(0.1, 0.5), rng.uniform(30, 300)
    return [
        Surface(body.rest, _chosen(body, "helper-tights", shirt), of_shirt, thickness, 0.05, grain, fineness),
        Surface(
            body.rest, _chosen(body, "helper-tights", 0.02 - above_hips), of_trousers, thickness / 2, 0.05
        ),
    ]


def _hair(body: Body, colour: Array, rng: np.random.Generator) -> Surface:
    """Return short hair: the scalp, standing off, down to a line that falls towards the neck."""
    _, y, z = (body.rest - _between_the_eyes(body)).T
    hairline = rng.uniform(0.045, 0.065) - 1.25 * np.maximum(0, y - 0.055)
    scalp = np.minimum.reduce([z - hairline, z + 0.03, body.template.share("head") - 0.6])
    thickness = rng.uniform(0.012, 0.026) * (0.55 + 0.9 * _waves(body.rest, 30, rng))
    painted = np.tile(colour, (len(body.rest), 1))
    return Surface(body.rest, _chosen(body, "body", scalp), painted, thickness, 0.3, 0.8, 260)
