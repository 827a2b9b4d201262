"""Working days of one person, on each of which much is a little different: chair, camera, clothes, tiredness.

`natural_day` makes single days. Here the same person comes back day after day. Nothing of what changes is
posture, but for the tiredness: the chair is set a little higher, the laptop opened a little further or
nudged in mid-day, a jumper hides where shoulders end, hair and glasses shift the points of the face, and
some stand for an hour. By and by everybody sinks a little, and sits up after a break.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import rig
from model_eye import Eye
from natural_day import CALIBRATION_S, NaturalDay, natural_day, random_camera
from rig import SCENARIOS, Body, Camera, Pose

Array = npt.NDArray[np.float64]

#: What may change, in the order in which it is told.
CHANGES = ("seat", "camera", "nudge", "clothes", "tiredness", "standing")
#: How somebody sat while calibrating: as they should, or part of the way into (or out of) their slouch.
CALIBRATED = {"well": 0.0, "slouched": 0.3, "stretched": -0.3}
#: Their slouch, of which tiredness is a part as well.
SLOUCH = SCENARIOS["slump_moderate"] * 1.4
#: A neck this much further forward than calibrated, by a mean over these seconds, is no natural sitting any
#: more: there `judge` has the mild limit of the neck.
SUNK_DEG, SUNK_S = 10.0, 600.0
#: Tiredness: the part of the slouch that somebody sinks to who never gets up, and its time constants.
_SUNK_MOST, _SINKS_S, _RECOVERS_S = (0.2, 0.7), 2.5 * 3600.0, 300.0
_STANDS_S = (1800.0, 3600.0)
#: By then somebody sits as they do all day: only who calibrates sits down with care.
_SETTLED_S = CALIBRATION_S + 120.0


@dataclass(frozen=True)
class Person:
    """Who they are, and how much changes for them.

    Attributes
    ----------
    stands
        Has a desk that rises, and the camera with it.
    restarts
        Shuts the computer down at night; else it sleeps.
    """

    seed: int
    body: Body
    camera: Camera
    eye: Eye
    laptop: bool
    stands: bool
    restarts: bool
    sunk_most: float

    @classmethod
    def random(cls, seed: int) -> Person:
        rng = np.random.default_rng([seed, 2])
        body = Body.random(rng)
        camera = random_camera(rng, body)
        laptop = bool(np.mean(camera.height_m) < rig.eye_height_m(body) - 0.1)
        stands, restarts = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
        sunk_most = float(rng.uniform(*_SUNK_MOST))
        return cls(seed, body, camera, Eye.random(rng), laptop, stands, restarts, sunk_most)


@dataclass(frozen=True)
class ChangedDay:
    """A day, and what was seen of it.

    Attributes
    ----------
    day
        As it went.
    sunk
        ``(N,)`` bool: the neck is further forward than natural sitting has it, by tiredness.
    face
        ``(11, 2)``: by how much hair and glasses shift the points of the face, parts of the picture.
    """

    day: NaturalDay
    sunk: npt.NDArray[np.bool_]
    face: npt.NDArray[np.float32]

    def seen(self, *, sitting_up: bool = False, more: Pose | None = None) -> npt.NDArray[np.float32]:
        """Return the landmarks ``(N, 33, 4)``: as it went, without slouch and tiredness, or with `more`."""
        pose = self.day.pose + self.day.slouch * -1 if sitting_up else self.day.pose
        landmarks = replace(self.day, pose=pose if more is None else pose + more).landmarks
        landmarks[:, :11, :2] += self.face
        return landmarks


def calibration(person: Person, calibrated: str, *, standing: bool = False) -> ChangedDay:
    """Return the minute in which somebody calibrates."""
    day = natural_day(person.seed, 0.02, 2.0, person.body, person.camera, person.eye)
    pose, camera = day.pose + SLOUCH * CALIBRATED[calibrated], person.camera
    if standing:
        pose += SCENARIOS["standing"]
        camera = replace(camera, height_m=camera.height_m + float(np.mean(SCENARIOS["standing"].seat_y_m)))
    day = _part(replace(day, pose=pose, camera=camera), day.t_s < CALIBRATION_S)
    return ChangedDay(day, np.zeros(len(day.t_s), dtype=bool), np.zeros((11, 2), dtype=np.float32))


def days(
    person: Person, calibrated: str, count: int, hours: float, changes: tuple[str, ...]
) -> Iterator[ChangedDay]:
    """Yield the days of a month; every second one has slouches of all kinds, and brief ones."""
    upright = _neck(calibration(person, calibrated).day).mean()
    for number in range(count):
        rng = np.random.default_rng([person.seed, 3, number])
        camera, seat_x = person.camera, 0.0
        # The first day is the one that was calibrated on.
        if "seat" in changes and number:
            height, seat_x, nearer = np.clip(rng.normal(0, (0.015, 0.04, 0.05)), -0.1, (0.04, 0.1, 0.08))
            camera = replace(camera, height_m=camera.height_m - height, distance_m=camera.distance_m - nearer)
        if "camera" in changes and number:
            camera = _set_anew(rng, camera, person.laptop)
        body = person.body
        if "clothes" in changes:
            body = replace(body, shoulder_width_m=body.shoulder_width_m * float(1 + rng.normal(0, 0.025)))
        slouches = 4 * (number % 2)
        seed = person.seed * 1000 + number
        day = natural_day(
            seed, hours, 1.0, body, camera, person.eye, slouches=slouches, brief_slouches=slouches
        )
        day = _part(day, day.t_s >= _SETTLED_S)
        t_s, scale = day.t_s, day.size[0] / 640
        pose = day.pose + Pose(seat_x_m=seat_x)
        noise_px, face = day.noise_px, np.zeros((11, 2))
        if "clothes" in changes:
            pose += Pose(shrug_m=float(rng.normal(0, 0.004)))
            noise_px *= float(rng.uniform(1.0, 1.6))
            face = rng.normal(0, 0.7 * scale, (11, 2)) / day.size
        slouch = day.slouch
        if "tiredness" in changes:
            tired = SLOUCH * (person.sunk_most * _tired(day.present))
            pose, slouch = pose + tired, slouch + tired
        if "nudge" in changes and rng.random() < 0.2:
            turn = (
                np.clip(t_s - rng.uniform(0.1, 0.9) * t_s[-1], 0, 1) * rng.choice([-1, 1]) * rng.uniform(3, 8)
            )
            camera = rig.lid(camera, turn)
        if "standing" in changes and person.stands:
            pose, camera = _stood(rng, day, pose, camera)
        day = replace(day, pose=pose, slouch=slouch, camera=camera, noise_px=noise_px)
        forward = _smooth(_neck(day) - upright, SUNK_S)
        yield ChangedDay(day, forward > SUNK_DEG, face.astype(np.float32))


def _part(day: NaturalDay, kept: npt.NDArray[np.bool_]) -> NaturalDay:
    return replace(
        day,
        t_s=day.t_s[kept],
        pose=day.pose.take(kept),
        present=day.present[kept],
        slouch=day.slouch.take(kept),
    )


def _set_anew(rng: np.random.Generator, camera: Camera, laptop: bool) -> Camera:
    """Return the camera as it stands another day: a laptop is opened and put down, a monitor hardly moved."""
    if not laptop:
        return rig.lid(camera, float(rng.normal(0, 0.7)), hinge_m=0.0)
    camera = rig.lid(camera, float(np.clip(rng.normal(0, 2.5), -6, 6)))
    return replace(
        camera,
        azimuth_deg=camera.azimuth_deg + float(rng.normal(0, 2)),
        pan_deg=camera.pan_deg + float(rng.normal(0, 1.5)),
        distance_m=camera.distance_m + float(rng.normal(0, 0.02)),
    )


def _tired(present: npt.NDArray[np.bool_]) -> Array:
    """Return how far tiredness has come ``(N,)``, 0 to 1: it grows at the desk and goes in a break."""
    out, level = np.zeros(len(present)), 0.0
    sinks, recovers = 1 / _SINKS_S, 1 / _RECOVERS_S
    for i, there in enumerate(present.tolist()):
        level += (1 - level) * sinks if there else -level * recovers
        out[i] = level
    return out


def _stood(rng: np.random.Generator, day: NaturalDay, pose: Pose, camera: Camera) -> tuple[Pose, Camera]:
    """Let somebody stand for a while without a slouch; the desk rises with them, and its camera."""
    t_s, long_s = day.t_s, rng.uniform(*_STANDS_S)
    height_m = float(np.mean(SCENARIOS["standing"].seat_y_m))
    for start_s in rng.uniform(600, t_s[-1] - long_s - 600, 50):
        end_s = start_s + long_s
        if any(start_s - 300 < e.end_s and end_s + 300 > e.start_s for e in day.episodes if e.truth_poor):
            continue
        stands = np.clip(np.minimum(t_s - start_s, end_s - t_s) / 3, 0, 1)
        raised = np.clip(np.minimum(t_s - start_s, end_s - t_s) / 15, 0, 1) * (height_m + rng.normal(0, 0.02))
        return pose + SCENARIOS["standing"] * stands, replace(camera, height_m=camera.height_m + raised)
    return pose, camera


def _neck(day: NaturalDay) -> Array:
    return day.truth()["neck_incl"]


def _smooth(value: Array, over_s: float) -> Array:
    """Return the mean of the seconds before, one value a second; moments without a value are passed over."""
    known = np.isfinite(value)
    total, count = np.cumsum(np.where(known, value, 0.0)), np.cumsum(known)
    before = np.maximum(np.arange(len(value)) - round(over_s), 0)
    return np.asarray((total - total[before]) / np.maximum(count - count[before], 1))
