"""A parametric seated body and a pinhole camera: landmarks whose true angles are known.

The body stands in for real people where truth is needed: `truth` says what its
own angles are, `render` what a pose model would report from a camera. It is
made of what a tape measure gives (*typical adult* values of seated
anthropometry, rounded) and of the habits of the model seen on real pictures:
hips it cannot see are made up, points out of the picture lose their visibility
over a few per cent of the frame, far shoulders and hips stay almost fully
"visible" in a side view while far elbows do not.

World: metres; X to the person's left (the image's right in an unmirrored front
view), Y up, Z forward, from the person to the desk. The origin is the middle of
the hip joints of the upright body on its chair at home. Angles in degrees.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Number = float | int | npt.NDArray[Any]

#: Arm positions, the codes of `Pose.arms`.
TYPING, LAP, PHONE, CHIN, DRINKING, GESTURE = range(6)

# Trunk segments at size 1, hip joints to the middle of the shoulder joints:
# acromion about 0.60 m above the seat, hip joint about 0.08 m, the joint centre a little below the acromion.
_PELVIS_M, _LUMBAR_M, _THORAX_M = 0.10, 0.17, 0.22
# Absolute inclination of the segments when upright: sitting rolls the pelvis
# back a little even in good posture; the trunk line leans back about 3 degrees.
_UPRIGHT = (-10.0, -6.0, 2.0)
_NECK_FORWARD_M = 0.03
_HIP_HALF_M = 0.085
_UPPER_ARM_M, _FOREARM_M, _HAND_M = 0.28, 0.25, 0.08
_THIGH_M, _SHANK_M = 0.42, 0.41
#: Where the neck goes when the thorax flexes: half way, the eyes stay on the screen.
_NECK_FOLLOWS = 0.5
_DEPTH_MIN_M = 0.05
#: The model's relative depth is stretched against true proportions (shoulder z differences of 2 to 3
#: times the true ones on side photographs of seated people).
_Z_GAIN = 2.5

# Head points from the middle of the ears, metres at head size 1: (left, up, forward). Typical adult:
# bitragion breadth 145 mm; outer canthi 90 mm apart, 82 mm before the tragion and 20 mm above it; nose
# tip 122 mm before the tragion; mouth 49 mm wide. The model sets its inner-eye points at 0.47 and its eye
# centres at 0.73 of the outer distance.
_HEAD: dict[int, tuple[float, float, float]] = {
    0: (0.0, -0.010, 0.122),
    1: (0.021, 0.022, 0.094),
    2: (0.033, 0.022, 0.091),
    3: (0.045, 0.020, 0.082),
    4: (-0.021, 0.022, 0.094),
    5: (-0.033, 0.022, 0.091),
    6: (-0.045, 0.020, 0.082),
    7: (0.0725, 0.0, 0.0),
    8: (-0.0725, 0.0, 0.0),
    9: (0.0245, -0.050, 0.098),
    10: (-0.0245, -0.050, 0.098),
}
#: Nodding turns the head about the atlas, a little below and behind the ears.
_PIVOT = np.array([0.0, -0.02, -0.01])


@dataclass(frozen=True)
class Body:
    """Build of a person.

    Attributes
    ----------
    size
        Scale of trunk, arms and legs; 1 is a typical adult, 0.92 to 1.08 about the 5th to 95th percentile.
    shoulder_width_m
        Between the shoulder *joints* (not the deltoids), 0.32 to 0.41.
    neck_m
        Height of the ears above the shoulder joints when upright.
    head
        Scale of the head; varies little between adults.
    neck_share
        Part of every degree of looking down that the lower neck contributes, which
        carries the ears forward; the rest is a nod about the atlas. 0 is a pure nod.
    """

    size: float = 1.0
    shoulder_width_m: float = 0.36
    neck_m: float = 0.20
    head: float = 1.0
    neck_share: float = 0.2

    @classmethod
    def random(cls, rng: np.random.Generator) -> Body:
        """Return an adult drawn at random."""
        size = float(np.clip(rng.normal(1.0, 0.045), 0.9, 1.1))
        return cls(
            size=size,
            shoulder_width_m=float(np.clip(rng.normal(0.36, 0.016) * size, 0.32, 0.41)),
            neck_m=float(np.clip(rng.normal(0.20, 0.012) * size, 0.17, 0.23)),
            head=float(np.clip(rng.normal(1.0, 0.03), 0.93, 1.07)),
            neck_share=float(rng.uniform(0.1, 0.35)),
        )


@dataclass(frozen=True)
class Pose:
    """How the body sits, as changes from upright: each field a number or an array ``(N,)``.

    Poses add up field by field (`arms` of the right one wins unless it is
    typing) and scale with a number or an array of weights.

    Attributes
    ----------
    pelvis, lumbar, thorax
        Rotation of the pelvis and flexion of lumbar and thoracic spine, each
        against the segment below, forward positive. A slump is the pelvis back and the thorax forward.
    lean
        Whole trunk about the hips, forward positive.
    side_lean
        Whole trunk to the person's left.
    twist
        Shoulders turned to the person's left against the hips.
    neck_forward_m
        The head carried forward on the shoulders, sinking by 0.35 of it.
    head_pitch, head_yaw, head_roll
        Of the head against the *room*, since the eyes hold the screen whatever the trunk does: down,
        to the person's left, and left ear down are positive.
    shrug_m, protract_m
        Shoulders up; shoulders forward and (by 0.3 of it, each) inward.
    seat_x_m, seat_y_m, seat_z_m
        The chair: to the left, up, nearer to the desk.
    slide_m
        Hips forward on the seat.
    arms
        One of `TYPING`, `LAP`, `PHONE`, `CHIN`, `DRINKING`, `GESTURE`.
    """

    pelvis: Number = 0.0
    lumbar: Number = 0.0
    thorax: Number = 0.0
    lean: Number = 0.0
    side_lean: Number = 0.0
    twist: Number = 0.0
    neck_forward_m: Number = 0.0
    head_pitch: Number = 0.0
    head_yaw: Number = 0.0
    head_roll: Number = 0.0
    shrug_m: Number = 0.0
    protract_m: Number = 0.0
    seat_x_m: Number = 0.0
    seat_y_m: Number = 0.0
    seat_z_m: Number = 0.0
    slide_m: Number = 0.0
    arms: Number = TYPING

    def fields(self) -> dict[str, npt.NDArray[Any]]:
        """Return every field as an array, all broadcast to ``(N,)``."""
        names = [f.name for f in dataclasses.fields(self)]
        wide = np.broadcast_arrays(*(np.atleast_1d(getattr(self, name)) for name in names))
        return dict(zip(names, wide, strict=True))

    @property
    def n(self) -> int:
        """Number of moments this pose describes."""
        return len(self.fields()["lean"])

    def take(self, index: slice | npt.NDArray[Any]) -> Pose:
        """Return the moments picked by ``index``."""
        return Pose(**{name: value[index] for name, value in self.fields().items()})

    def __add__(self, other: Pose) -> Pose:
        a, b = self.fields(), other.fields()
        total: dict[str, Any] = {name: a[name] + b[name] for name in a}
        total["arms"] = np.where(b["arms"] != TYPING, b["arms"], a["arms"])
        return Pose(**total)

    def __mul__(self, weight: Number) -> Pose:
        scaled: dict[str, Any] = {name: value * np.asarray(weight) for name, value in self.fields().items()}
        scaled["arms"] = np.where(np.asarray(weight) != 0, self.fields()["arms"], TYPING)
        return Pose(**scaled)


#: Named changes from upright. "slump_*" are tuned so that the hip-to-shoulder line rises about 6 and 10
#: degrees and the neck 12 to 20, as in a pelvis and thorax that roll back and flex (computed).
SCENARIOS: dict[str, Pose] = {
    "upright": Pose(),
    "slump_moderate": Pose(pelvis=-12, lumbar=4, thorax=35),
    "slump_deep": Pose(pelvis=-17, lumbar=5, thorax=53, protract_m=0.01),
    "head_forward": Pose(neck_forward_m=0.03),
    "head_forward_far": Pose(neck_forward_m=0.06, thorax=6),
    "lean_forward": Pose(lean=20),
    "lean_back": Pose(lean=-15, thorax=4),
    "recline_deep": Pose(lean=-28, thorax=12, slide_m=0.05),
    "slid_down": Pose(pelvis=-32, lumbar=-1, thorax=26, slide_m=0.12),
    "side_lean": Pose(side_lean=12, head_roll=5),
    "head_tilt": Pose(head_roll=12),
    "look_down": Pose(head_pitch=20),
    "head_yaw": Pose(head_yaw=30),
    "second_monitor": Pose(head_yaw=35, twist=12),
    "torso_yaw": Pose(twist=30),
    "chair_lower": Pose(seat_y_m=-0.05),
    "chair_higher": Pose(seat_y_m=0.05),
    "roll_nearer": Pose(seat_z_m=0.10),
    "roll_away": Pose(seat_z_m=-0.10),
    "shrug": Pose(shrug_m=0.03),
    "gesture": Pose(arms=GESTURE),
    "drinking": Pose(head_pitch=-12, arms=DRINKING),
    "phone": Pose(head_pitch=28, neck_forward_m=0.01, protract_m=0.01, arms=PHONE),
    "chin_on_hand": Pose(lean=6, head_roll=5, arms=CHIN),
    "standing": Pose(seat_y_m=0.42, seat_z_m=-0.05, lean=3, pelvis=8, arms=LAP),
}


@dataclass(frozen=True)
class Desk:
    """A table top that hides what lies under it.

    Attributes
    ----------
    height_m
        Above the hip joints at home (elbow height while typing).
    edge_m, depth_m, half_width_m
        Near edge before the hips, depth from there on, and half the width.
    """

    height_m: float = 0.17
    edge_m: float = 0.25
    depth_m: float = 0.80
    half_width_m: float = 0.80


@dataclass(frozen=True)
class Camera:
    """A pinhole camera with one radial distortion coefficient.

    Numbers, or arrays ``(N,)`` for `azimuth_deg` to `roll_deg` where the camera moves.

    Attributes
    ----------
    azimuth_deg
        Around the vertical through the home hips: 0 in front, 90 at the
        person's left side, negative on the right.
    height_m
        Above the home hip joints; the eyes of a typical adult are at 0.70.
    distance_m
        Horizontally from that vertical; the eyes are about 0.1 m nearer.
    tilt_deg, pan_deg, roll_deg
        Turns of the camera: down, to its own right, and clockwise (the picture's content
        turns the other way); all 0 looks level at the vertical.
    hfov_deg
        Horizontal field of view.
    width, height
        Picture, in pixels.
    k1
        Radial distortion ``r_d = r (1 + k1 r^2)`` of normalised coordinates; negative is barrel.
    """

    azimuth_deg: Number = 0.0
    height_m: Number = 0.70
    distance_m: Number = 0.75
    tilt_deg: Number = 0.0
    pan_deg: Number = 0.0
    roll_deg: Number = 0.0
    hfov_deg: float = 66.0
    width: int = 640
    height: int = 480
    k1: float = 0.0

    @property
    def focal_px(self) -> float:
        """Focal length in pixels."""
        return self.width / 2 / float(np.tan(np.radians(self.hfov_deg / 2)))

    def take(self, index: slice | npt.NDArray[Any], n: int) -> Camera:
        """Return the camera at the moments picked by ``index`` out of ``n``."""
        moving: dict[str, Any] = {
            name: np.broadcast_to(value, (n,))[index]
            for name in ("azimuth_deg", "height_m", "distance_m", "tilt_deg", "pan_deg", "roll_deg")
            if np.ndim(value := getattr(self, name)) > 0
        }
        return dataclasses.replace(self, **moving)


#: A camera beside the desk that sees the whole seated body.
SIDE_CAMERA = Camera(azimuth_deg=90, height_m=0.35, distance_m=2.4, hfov_deg=60)


def lid(camera: Camera, degrees: Number, hinge_m: float = 0.22) -> Camera:
    """Return the camera after its laptop lid was opened further by ``degrees``: looking higher."""
    back = np.radians(degrees)
    return dataclasses.replace(
        camera,
        tilt_deg=camera.tilt_deg - np.asarray(degrees),
        distance_m=camera.distance_m + hinge_m * np.sin(back),
        height_m=camera.height_m - hinge_m * (1 - np.cos(back)),
    )


def eye_height_m(body: Body) -> float:
    """Return how high the eyes of the upright body are above its hip joints."""
    return float(skeleton(body, Pose())[0, 3, 1])


# -- the body -----------------------------------------------------------------


def _rotation(axis: int, degrees: npt.NDArray[Any]) -> Array:
    """Return rotations ``(N, 3, 3)`` about X, Y or Z, right-handed."""
    a = np.radians(np.atleast_1d(np.asarray(degrees, dtype=np.float64)))
    c, s = np.cos(a), np.sin(a)
    out = np.zeros((len(a), 3, 3))
    j, k = (axis + 1) % 3, (axis + 2) % 3
    out[:, axis, axis] = 1
    out[:, j, j] = c
    out[:, k, k] = c
    out[:, j, k] = -s
    out[:, k, j] = s
    return out


def _turn(rotation: Array, vector: Array | tuple[float, ...]) -> Array:
    """Apply ``(N, 3, 3)`` to ``(3,)`` or ``(N, 3)``, giving ``(N, 3)``."""
    wide = np.broadcast_to(np.asarray(vector, dtype=np.float64), (len(rotation), 3))
    return np.asarray(np.einsum("nij,nj->ni", rotation, wide))


def _at(x: float, y: float, z: float) -> Array:
    return np.array([x, y, z])


def _stack(x: Any, y: Any, z: Any, n: int) -> Array:
    return np.stack([np.broadcast_to(np.asarray(v, dtype=np.float64), (n,)) for v in (x, y, z)], axis=1)


def _frame(p: dict[str, npt.NDArray[Any]]) -> Array:
    """Return the orientation ``(N, 3, 3)`` of the shoulder girdle."""
    flexion = _UPRIGHT[2] + p["lean"] + p["pelvis"] + p["lumbar"] + p["thorax"]
    return _rotation(2, -p["side_lean"]) @ _rotation(0, flexion) @ _rotation(1, p["twist"])


def _head_frame(p: dict[str, npt.NDArray[Any]]) -> Array:
    """Return the orientation ``(N, 3, 3)`` of the head in the room."""
    return _rotation(1, p["head_yaw"]) @ _rotation(0, p["head_pitch"]) @ _rotation(2, -p["head_roll"])


def _arm(shoulder: Array, wrist: Array, side: int, body: Body) -> tuple[Array, Array]:
    """Return elbow and (reachable) wrist: two links, the elbow hanging down and a little out."""
    upper, fore = _UPPER_ARM_M * body.size, _FOREARM_M * body.size
    reach = wrist - shoulder
    length = np.linalg.norm(reach, axis=1, keepdims=True)
    along = reach / np.maximum(length, 1e-6)
    length = np.clip(length, abs(upper - fore) + 0.02, 0.985 * (upper + fore))
    a = (upper**2 - fore**2 + length**2) / (2 * length)
    pole = np.array([0.45 * side, -1.0, -0.25])
    out = pole - np.sum(along * pole, axis=1, keepdims=True) * along
    out /= np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-6)
    elbow = shoulder + a * along + np.sqrt(np.maximum(upper**2 - a**2, 0)) * out
    return elbow, shoulder + length * along


#: How much (metres) raising an arm lifts its shoulder joint, by arm position: (left, right).
_LIFT = np.array([(0, 0), (0, 0), (0.002, 0.005), (0, 0.012), (0, 0.015), (0.008, 0.010)])


def skeleton(body: Body, pose: Pose, desk: Desk | None = None) -> Array:
    """Return the 33 landmarks of the body in the room, ``(N, 33, 3)``, metres."""
    p = pose.fields()
    n = pose.n
    desk = desk or Desk()
    hip = _stack(p["seat_x_m"], p["seat_y_m"], p["seat_z_m"] + p["slide_m"], n)

    def segment(length: float, flexion: npt.NDArray[Any], side: npt.NDArray[Any]) -> Array:
        a, b = np.radians(flexion), np.radians(side)
        return length * _stack(np.cos(a) * np.sin(b), np.cos(a) * np.cos(b), np.sin(a), n)

    first = p["lean"] + p["pelvis"]
    second = first + p["lumbar"]
    third = second + p["thorax"]
    girdle = hip
    for length, upright, flexion in zip(
        (_PELVIS_M, _LUMBAR_M, _THORAX_M), _UPRIGHT, (first, second, third), strict=True
    ):
        girdle = girdle + segment(length * body.size, upright + flexion, p["side_lean"])

    chest = _frame(p)
    arms = p["arms"].astype(int)
    half = body.shoulder_width_m / 2
    shoulders = [
        girdle
        + _turn(
            chest,
            _stack(
                side * (half - 0.3 * p["protract_m"]), p["shrug_m"] + _LIFT[arms, column], p["protract_m"], n
            ),
        )
        for column, side in enumerate((1, -1))
    ]

    bend = _NECK_FOLLOWS * third + body.neck_share * p["head_pitch"]
    neck = (
        _rotation(2, -_NECK_FOLLOWS * p["side_lean"])
        @ _rotation(1, _NECK_FOLLOWS * p["twist"])
        @ _rotation(0, bend)
    )
    forward = _turn(_rotation(1, _NECK_FOLLOWS * p["twist"]), (0.0, 0.0, 1.0))
    carried = p["neck_forward_m"][:, None]
    ears = (
        girdle
        + _turn(neck, (0.0, body.neck_m, _NECK_FORWARD_M))
        + carried * forward
        + carried * np.array([0.0, -0.35, 0.0])
    )
    skull = _head_frame(p)

    out = np.empty((n, 33, 3))
    for index, place in _HEAD.items():
        out[:, index] = ears + body.head * (_PIVOT + _turn(skull, np.asarray(place) - _PIVOT))
    out[:, 11], out[:, 12] = shoulders

    # Hands rest on the desk, on the thighs, before the chest or at the face.
    mouth = (out[:, 9] + out[:, 10]) / 2
    jaw = ears + _turn(skull, (-0.02, -0.10, 0.07))
    chest_front = girdle + _at(0.0, -0.20, 0.26)
    for column, side in enumerate((1, -1)):
        on_desk = np.tile(_at(0.12 * side, desk.height_m + 0.03, desk.edge_m + 0.12), (n, 1))
        on_lap = hip + _at(0.09 * side, 0.07, 0.28)
        in_air = chest_front + _at(0.22 * side, 0.10 - 0.04 * side, 0.08)
        right_only = (jaw, mouth + _at(-0.03, -0.03, 0.08)) if side < 0 else (on_desk, on_desk)
        targets = np.stack([on_desk, on_lap, chest_front + _at(0.05 * side, 0.0, 0.0), *right_only, in_air])
        _place_arm(out, column, targets[arms, np.arange(n)], body)
        _place_leg(out, column, hip, body)
    return out


def _place_arm(out: Array, column: int, wrist: Array, body: Body) -> None:
    """Put elbow and hand into the skeleton, on the left (column 0) or right side, as near as they reach."""
    side = (1, -1)[column]
    elbow, wrist = _arm(out[:, 11 + column], wrist, side, body)
    pointing = wrist - elbow
    pointing /= np.maximum(np.linalg.norm(pointing, axis=1, keepdims=True), 1e-6)
    tip = wrist + _HAND_M * pointing
    out[:, 13 + column], out[:, 15 + column] = elbow, wrist
    out[:, 17 + column] = tip + _at(0.03 * side, 0.0, 0.0)
    out[:, 19 + column] = tip
    out[:, 21 + column] = wrist + 0.5 * _HAND_M * pointing - _at(0.03 * side, 0.0, 0.0)


def _place_leg(out: Array, column: int, hip: Array, body: Body) -> None:
    """Put hip, knee and foot into the skeleton, on the left (column 0) or right side."""
    side = (1, -1)[column]
    joint = hip + _at(_HIP_HALF_M * body.size * side, 0.0, 0.0)
    knee = joint + _at(0.05 * side, 0.02, _THIGH_M * body.size)
    ankle = knee + _at(0.0, -_SHANK_M * body.size, -0.03)
    out[:, 23 + column], out[:, 25 + column], out[:, 27 + column] = joint, knee, ankle
    out[:, 29 + column] = ankle + _at(0.0, -0.06, -0.05)
    out[:, 31 + column] = ankle + _at(0.0, -0.06, 0.15)


def truth(body: Body, pose: Pose) -> dict[str, Array]:
    """Return the body's own angles, degrees ``(N,)``, whatever camera looks.

    Sagittal angles are taken in the chair's Y-Z plane, frontal ones in its X-Y
    plane, as in ISO 11226 and EN 1005-4:

    - ``trunk_incl``: mid-hip to mid-shoulder against the vertical, forward positive.
    - ``neck_incl``: mid-shoulder to mid-ear against the vertical, forward positive.
    - ``neck_flex``: ``neck_incl - trunk_incl``.
    - ``head_pitch``: mid-ear to the middle of the outer eyes against the horizontal, *positive
      when the eyes are lower than the ears* (looking down). Level gaze is about -14.
    - ``head_roll``, ``shoulder_tilt``: line through ears or shoulders against
      the horizontal, positive when the person's left is lower: the sign of
      ``atan2(y_left - y_right, x_left - x_right)`` in an unmirrored picture.
    - ``lateral_trunk``: mid-hip to mid-shoulder against the vertical, positive to the person's left.
    - ``head_yaw``, ``torso_yaw``: turned to the person's left.
    """
    s = skeleton(body, pose)
    p = pose.fields()
    hip, shoulder, ear, eye = ((s[:, a] + s[:, a + b]) / 2 for a, b in ((23, 1), (11, 1), (7, 1), (3, 3)))

    def degrees(y: Array, x: Array) -> Array:
        return np.asarray(np.degrees(np.arctan2(y, x)), dtype=np.float64)

    trunk, neck, face = shoulder - hip, ear - shoulder, eye - ear
    trunk_incl = degrees(trunk[:, 2], trunk[:, 1])
    neck_incl = degrees(neck[:, 2], neck[:, 1])
    ears, shoulders = s[:, 7] - s[:, 8], s[:, 11] - s[:, 12]
    return {
        "trunk_incl": trunk_incl,
        "neck_incl": neck_incl,
        "neck_flex": neck_incl - trunk_incl,
        "head_pitch": degrees(-face[:, 1], face[:, 2]),
        "head_roll": degrees(-ears[:, 1], ears[:, 0]),
        "shoulder_tilt": degrees(-shoulders[:, 1], shoulders[:, 0]),
        "lateral_trunk": degrees(trunk[:, 0], trunk[:, 1]),
        "head_yaw": p["head_yaw"].astype(np.float64),
        "torso_yaw": p["twist"].astype(np.float64),
    }


# -- the camera ---------------------------------------------------------------


def camera_pose(camera: Camera) -> tuple[Array, Array]:
    """Return where the camera is, ``(M, 3)``, and its axes right, up, backward as rows, ``(M, 3, 3)``.

    ``M`` is 1 for a camera that stands still.
    """
    az, height, distance, tilt, pan, roll = np.broadcast_arrays(
        *(
            np.atleast_1d(np.asarray(v, dtype=np.float64))
            for v in (
                camera.azimuth_deg,
                camera.height_m,
                camera.distance_m,
                camera.tilt_deg,
                camera.pan_deg,
                camera.roll_deg,
            )
        )
    )
    a = np.radians(az)
    place = np.stack([distance * np.sin(a), height, distance * np.cos(a)], axis=1)
    axes = _rotation(1, az - pan) @ _rotation(0, -tilt) @ _rotation(2, -roll)
    return place, axes.transpose(0, 2, 1)


def project(camera: Camera, points: Array) -> tuple[Array, Array, Array]:
    """Return pixel ``x``, ``y`` (right, down) and depth in metres of points ``(N, K, 3)``; each ``(N, K)``.

    Points beside or behind the camera are held at a depth of 5 cm.
    """
    place, axes = camera_pose(camera)
    seen = np.einsum("nij,nkj->nki", np.broadcast_to(axes, (len(points), 3, 3)), points - place[:, None])
    depth = np.maximum(-seen[..., 2], _DEPTH_MIN_M)
    x, y = seen[..., 0] / depth, seen[..., 1] / depth
    if camera.k1:
        r2 = x * x + y * y
        # A barrel polynomial folds back where its slope is 0; beyond, hold the factor.
        if camera.k1 < 0:
            r2 = np.minimum(r2, 1 / (3 * -camera.k1))
        x, y = x * (1 + camera.k1 * r2), y * (1 + camera.k1 * r2)
    f = camera.focal_px
    return camera.width / 2 + f * x, camera.height / 2 - f * y, depth


def _hidden_by(desk: Desk, camera: Camera, points: Array) -> npt.NDArray[np.bool_]:
    """Return which points ``(N, K)`` the table top covers: the ray to the camera goes through it."""
    place, _ = camera_pose(camera)
    eye = place[:, None]
    above = eye[..., 1] - desk.height_m
    below = desk.height_m - points[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = below / (above + below)
        hit = points + part[..., None] * (eye - points)
    inside = (
        (np.abs(hit[..., 0]) < desk.half_width_m)
        & (hit[..., 2] > desk.edge_m)
        & (hit[..., 2] < desk.edge_m + desk.depth_m)
    )
    return np.asarray((above > 0) & (below > 0) & inside)


def _logistic(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -40, 40))))


_LEFT = np.array([1, 2, 3, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31])
_RIGHT = np.array([4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32])
_LIMBS = np.array([*range(13, 23), *range(25, 33)])


def _visibility(
    camera: Camera, pose: dict[str, npt.NDArray[Any]], points: Array, uv: Array, desk: Desk | None
) -> Array:
    """Return what the model would say of each point's visibility, ``(N, 33)``.

    Shapes follow what BlazePose full reports on real pictures: shoulders, ears and hips on the far side of a
    side view stay above 0.98, far elbows and wrists fall below 0.2; a hip 1 % below the frame still has
    about 0.9, an elbow 10 % below it about 0.2.
    """
    n = len(points)
    place, _ = camera_pose(camera)
    toward = place[:, None] - points
    toward /= np.linalg.norm(toward, axis=2, keepdims=True)
    turned = np.empty((n, 33))
    head_axis, trunk_axis = _head_frame(pose)[:, :, 0], _frame(pose)[:, :, 0]
    for members, side in ((_LEFT, 1.0), (_RIGHT, -1.0)):
        on_head = members < 11
        for group, axis in ((members[on_head], head_axis), (members[~on_head], trunk_axis)):
            turned[:, group] = side * np.einsum("nkj,nj->nk", toward[:, group], axis)
    turned[:, 0] = 1.0
    near = _logistic((turned + 0.75) / 0.1)
    seen = 0.985 + 0.014 * near
    seen[:, _LIMBS] = 0.08 + 0.90 * near[:, _LIMBS]
    outside = np.max(np.maximum(np.abs(uv - 0.5) - 0.5, 0.0), axis=2)
    seen = seen * _logistic((0.07 - outside) / 0.025) / _logistic(np.array(0.07 / 0.025))
    if desk is not None:
        seen = np.where(_hidden_by(desk, camera, points), 0.08 * seen, seen)
    return np.asarray(np.clip(seen, 0.0, 0.9999))


def _invent_hips(x: Array, y: Array, visibility: Array) -> None:
    """Replace hips nobody can see by what the model makes up: usual proportions under the shoulders."""
    across = np.stack([x[:, 11] - x[:, 12], y[:, 11] - y[:, 12]])
    width = np.hypot(across[0], across[1])
    middle = np.stack([x[:, 11] + x[:, 12], y[:, 11] + y[:, 12]]) / 2
    # Seen on webcam stills: 1.3 shoulder widths below, 0.68 as wide, half of the shoulders' tilt.
    down = middle + 1.3 * np.stack([-0.5 * across[1], width])
    for index, side in ((23, 1), (24, -1)):
        hidden = visibility[:, index] < 0.5
        x[hidden, index] = (down[0] + side * 0.34 * across[0])[hidden]
        y[hidden, index] = (down[1] + side * 0.17 * across[1])[hidden]


@dataclass(frozen=True)
class Wander:
    """Noise that changes slowly: knots at random, smoothly joined, standard deviation 1 at every moment."""

    knots: npt.NDArray[np.float32]
    period_s: float

    @classmethod
    def random(
        cls, rng: np.random.Generator, duration_s: float, period_s: float, shape: tuple[int, ...] = ()
    ) -> Wander:
        """Draw noise of ``shape`` for ``duration_s``, with a knot every ``period_s``."""
        count = int(np.ceil(max(duration_s, 0.0) / period_s)) + 2
        return cls(rng.standard_normal((count, *shape), dtype=np.float32), period_s)

    def at(self, t_s: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the noise at ``t_s (N,)``, as ``(N, *shape)``."""
        place = np.asarray(t_s, dtype=np.float64) / self.period_s
        first = np.clip(place.astype(int), 0, len(self.knots) - 2)
        part = np.clip(place - first, 0.0, 1.0)
        w = (part * part * (3 - 2 * part)).astype(np.float32)
        w = w.reshape((-1,) + (1,) * (self.knots.ndim - 1))
        # Mixing two independent knots would lose variance half way; scale it back.
        mixed = (1 - w) * self.knots[first] + w * self.knots[first + 1]
        return np.asarray(mixed / np.sqrt((1 - w) ** 2 + w**2), dtype=np.float32)


def render(
    body: Body,
    pose: Pose,
    camera: Camera,
    rng: np.random.Generator | None = None,
    noise_px: float = 0.0,
    *,
    wander_px: float = 0.0,
    wander: Wander | None = None,
    t_s: npt.NDArray[Any] | None = None,
    desk: Desk | None = Desk(),
    invent_hips: bool = True,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Return what a pose model would report of the body from this camera.

    Parameters
    ----------
    body, pose, camera
        ``N`` is the number of moments of ``pose``.
    rng
        Needed for noise.
    noise_px
        Standard deviation of white noise of every coordinate, pixels; four times as much where a point is
        invisible.
    wander_px, wander, t_s
        Standard deviation of slow noise, pixels; its source (shape ``(33, 2)``; drawn from ``rng`` with a
        knot every 5 s if not given) and the times ``(N,)`` at which to look (one a second if not given).
    desk
        Hides what is under it; ``None`` for no desk.
    invent_hips
        Replace hips of visibility under 0.5 by the model's guess; ``False`` gives exact geometry.

    Returns
    -------
    landmarks
        ``(N, 33, 4)`` float32: x right, y down, both 0..1 inside the picture; z relative depth from the
        mid-hip in units of the picture's width, nearer is negative; visibility.
    size
        ``(2,)``: width and height in pixels.
    """
    points = skeleton(body, pose, desk)
    x, y, depth = project(camera, points)
    size = np.array([camera.width, camera.height])
    uv = np.stack([x / size[0], y / size[1]], axis=2)
    visibility = _visibility(camera, pose.fields(), points, uv, desk)
    if invent_hips:
        _invent_hips(x, y, visibility)
    if noise_px or wander_px:
        if rng is None:
            raise ValueError("noise needs a random generator: pass rng")
        loud = 1 + 3 * (1 - visibility)
        shake = noise_px * rng.standard_normal((len(points), 33, 2), dtype=np.float32)
        if wander_px:
            when = np.arange(len(points), dtype=np.float64) if t_s is None else np.asarray(t_s)
            if wander is None:
                wander = Wander.random(rng, float(when[-1]) if len(when) else 0.0, 5.0, (33, 2))
            shake = shake + wander_px * wander.at(when)
        x = x + loud * shake[..., 0]
        y = y + loud * shake[..., 1]
    hip_depth = (depth[:, 23:24] + depth[:, 24:25]) / 2
    out = np.empty((len(points), 33, 4), dtype=np.float32)
    out[..., 0], out[..., 1] = x / size[0], y / size[1]
    out[..., 2] = _Z_GAIN * camera.focal_px / camera.width * (depth - hip_depth) / np.maximum(hip_depth, 0.1)
    out[..., 3] = visibility
    return out, size
