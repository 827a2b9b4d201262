"""How drawn people sit: postures by kind, as rotations of the skeleton's bones.

Angles in degrees, forwards, to the person's left and anticlockwise seen from above positive; metres along the
axes of `drawn_body`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from drawn_body import Array, Body, X, Y, Z, turn

#: How far each kind goes from how the person sits anyway: evenly between two bounds. See `Posture`.
KINDS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "good": {},
    "typing": {"gaze": (0, 5), "elbow": (-10, 10), "reach": (-10, 10)},
    "glancing aside": {"yaw": (12, 25)},
    "second monitor": {"yaw": (28, 42)},
    "looking at the keyboard": {"gaze": (12, 35), "neck": (2, 10)},
    "neck forward, subtly": {"neck": (13, 19), "thorax": (3, 6)},
    "neck forward": {"neck": (20, 30), "thorax": (6, 12), "lumbar": (0, 6)},
    "slump": {"pelvis": (-12, -6), "lumbar": (18, 28), "thorax": (12, 20), "neck": (6, 16)},
    "recline": {"pelvis": (-22, -11), "neck": (2, 8), "y": (0.02, 0.02)},
    "slide": {
        **{"pelvis": (-34, -24), "lumbar": (4, 10), "thorax": (2, 8), "neck": (8, 16)},
        **{"y": (-0.16, -0.08), "z": (-0.02, -0.02)},
    },
    "leaning aside": {"side": (10, 17)},
    "tilted head": {"roll": (14, 24)},
    "near": {"pelvis": (6, 12), "lumbar": (2, 6), "thorax": (2, 6), "neck": (2, 8), "y": (-0.06, -0.02)},
    "half out": {"side": (16, 24), "x": (0.05, 0.2)},
}
#: Fields that go to either side.
_SIDEWAYS = ("yaw", "roll", "side", "x")


@dataclass(frozen=True)
class Posture:
    """One way to sit.

    Attributes
    ----------
    pelvis, lumbar, thorax, neck
        How far each is bent forwards, against what carries it.
    gaze
        How far the head is bent down, against the room.
    yaw, roll
        The head's turn and tilt, against the trunk.
    side, twist
        The trunk's lean to a side and turn.
    elbow, reach
        How far the elbows are bent, and the upper arms held forwards.
    shrug
        How far the collar bones are raised.
    x, y, z
        Shift of the seat.
    """

    pelvis: float = 0.0
    lumbar: float = 0.0
    thorax: float = 0.0
    neck: float = 0.0
    gaze: float = 0.0
    yaw: float = 0.0
    roll: float = 0.0
    side: float = 0.0
    twist: float = 0.0
    elbow: float = 0.0
    reach: float = 8.0
    shrug: float = 0.0
    x: float = 0.0
    y: float = 0.0
    z: float = 0.0

    @property
    def flexion(self) -> float:
        """Return how far the trunk is bent forwards where the neck begins."""
        return self.pelvis + self.lumbar + self.thorax

    def plus(self, changes: Mapping[str, float]) -> Posture:
        """Return this posture, changed by so much."""
        return replace(self, **{name: getattr(self, name) + by for name, by in changes.items()})


#: Standard deviations of taking up one and the same posture again.
_AGAIN = Posture(
    **{"pelvis": 0.7, "lumbar": 1.0, "thorax": 1.0, "neck": 1.2, "gaze": 2.0, "yaw": 3.0, "roll": 1.5},
    **{"side": 0.7, "twist": 1.0, "elbow": 3.0, "reach": 3.0, "shrug": 0.8},
    **{"x": 0.006, "y": 0.006, "z": 0.003},
)


def habit(rng: np.random.Generator) -> Posture:
    """Return how somebody sits well."""
    u = rng.uniform
    return Posture(
        pelvis=u(-6, 2), lumbar=u(2, 10), thorax=u(2, 10), neck=u(0, 10), gaze=u(-4, 8), elbow=u(35, 60)
    )


def taken(kind: str, at_home: Posture, rng: np.random.Generator) -> Posture:
    """Return a posture of this kind, of somebody who sits well like this."""
    changes = {field.name: rng.normal(0, getattr(_AGAIN, field.name)) for field in fields(Posture)}
    sign = rng.choice([-1, 1])
    for name, bounds in KINDS[kind].items():
        changes[name] += (sign if name in _SIDEWAYS else 1) * rng.uniform(*bounds)
    return at_home.plus(changes)


def posed(body: Body, p: Posture, at_home: Posture) -> tuple[Array, dict[str, Array]]:
    """Return vertices, ``(V, 3)``, and joints of a body that sits so on the origin."""
    # The head keeps looking at the screen, whatever carries it; the hands stay where they work.
    nod = p.gaze - p.flexion - p.neck
    bent = p.flexion - at_home.flexion
    yaw, roll = turn(Z, p.yaw * 0.2), turn(Y, p.roll * 0.25)
    turns = {
        "root": turn(X, p.pelvis) @ turn(Y, p.side * 0.55),
        "neck01": turn(X, p.neck * 0.6) @ yaw @ roll,
        "neck02": turn(X, p.neck * 0.4) @ yaw @ roll,
        "neck03": turn(X, nod * 0.4) @ yaw @ roll,
        "head": turn(X, nod * 0.6) @ yaw @ yaw @ turn(Y, p.roll * 0.25 - p.side * 0.3),
    }
    for bone in ("spine05", "spine04"):
        turns[bone] = turn(X, p.lumbar / 2) @ turn(Y, p.side * 0.15) @ turn(Z, p.twist * 0.3)
    for bone in ("spine03", "spine02", "spine01"):
        turns[bone] = turn(X, p.thorax / 3) @ turn(Y, p.side * 0.05) @ turn(Z, p.twist * 0.15)
    rounded = 0.6 * max(0.0, p.thorax - at_home.thorax)
    for side, sign in (("L", 1), ("R", -1)):
        turns[f"clavicle.{side}"] = turn(Z, -sign * rounded) @ turn(Y, -sign * p.shrug)
        # At rest the arms are half raised.
        turns[f"upperarm01.{side}"] = turn(X, -p.reach - bent) @ turn(Y, sign * 34)
        turns[f"lowerarm01.{side}"] = turn([-1, 0, -sign], p.elbow)
        turns[f"upperleg01.{side}"] = turn(X, -88 - p.pelvis)
        turns[f"lowerleg01.{side}"] = turn(X, 85)
    return body.posed(turns, np.array([p.x, p.y, p.z - body.joints["root"][2]]))
