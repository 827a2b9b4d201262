"""Natural working days made by the rig: what a desk worker's webcam would report, and what was true.

A person who sits well is not a statue. Self-chosen comfortable posture varies by about 10 degrees between
repeats (9.4 head, 10.2 trunk, the range of five repeats, so a standard deviation of about 4; doi
10.3390/healthcare9121685); people read, look at the keyboard, drink, phone, turn to a second monitor, talk
with their hands, lean back to think, move the chair and fetch coffee. All of that is acceptable and must not
be called a sustained slouch. What is poor, on request, are held slumps, a head carried far forward, sliding
down the chair and deep reclining.

Run as a script, it prints what a day holds: ``python benchmarks/natural_day.py --hours 8 --slouches 3``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import rig
from model_eye import Eye
from rig import SCENARIOS, Body, Camera, Pose, Wander

Array = npt.NDArray[np.float64]

#: The day begins with this much good posture, to calibrate on.
CALIBRATION_S = 60.0
#: Kinds of slouch; the sustained ones are held for at least `SUSTAINED_S`.
SLOUCHES = ("slump", "head_forward", "slide_down", "recline")
SUSTAINED_S = 600.0
_CHUNK = 4096

# Scatter of natural sitting about its mean: standard deviations, degrees and metres. Together they give
# about 3 degrees for the trunk line and for the neck line, 4 with the activities. Half of the variance drifts
# over minutes, half comes in shifts every few minutes; a little sway over seconds comes on top.
_SCATTER = {
    "lean": 2.5,
    "thorax": 2.8,
    "pelvis": 1.5,
    "side_lean": 1.8,
    "twist": 2.5,
    "neck_forward_m": 0.007,
    "head_pitch": 3.5,
    "head_yaw": 4.0,
    "head_roll": 2.0,
    "shrug_m": 0.004,
    "protract_m": 0.004,
    "seat_x_m": 0.010,
    "seat_z_m": 0.015,
}
_DRIFT_S, _SWAY_S = 420.0, 4.0
_SWAY = 0.12
#: Working posture settles a little below the one people put on for a calibration: about 2 degrees of trunk
#: and 3 of neck.
_SETTLED = Pose(lean=1.5, thorax=4.0, pelvis=-1.0, neck_forward_m=0.003, protract_m=0.004)


class Episode(NamedTuple):
    """A stretch of the day; `truth_poor` where a physiotherapist would call the posture poor."""

    start_s: float
    end_s: float
    kind: str
    truth_poor: bool


@dataclass(frozen=True)
class NaturalDay:
    """One simulated day.

    Attributes
    ----------
    t_s
        ``(N,)``, from 0, evenly spaced.
    pose
        The body at each of them: `rig.truth` gives its angles.
    present
        ``(N,)`` bool; false where the chair is empty.
    size
        ``(2,)``: width and height of the picture.
    episodes
        In order of their start; slouches overlap the activities that go on meanwhile. Poor posture
        comes in two lengths: *sustained* ones of `SUSTAINED_S` and more, and brief ones of under a minute.
    body, camera
        Who and from where; the camera's fields may be arrays ``(N,)`` where it was moved.
    noise_px, wander_px, seed
        Of the landmarks.
    slouch
        What of the pose is slouch: who sits up goes without it.
    eye
        How the pose model errs about this person.
    draw
        Of the landmarks' noise: another one is the same day before a camera that errs otherwise.
    """

    t_s: Array
    pose: Pose
    present: npt.NDArray[np.bool_]
    size: npt.NDArray[np.int64]
    episodes: list[Episode]
    body: Body
    camera: Camera
    noise_px: float
    wander_px: float
    seed: int
    slouch: Pose
    eye: Eye
    draw: int = 1

    @property
    def landmarks(self) -> npt.NDArray[np.float32]:
        """All landmarks ``(N, 33, 4)``: 38 MB for eight hours at two frames a second; NaN where nobody is."""
        return np.concatenate([landmarks for _, landmarks in self.chunks()])

    def chunks(self) -> Iterator[tuple[Array, npt.NDArray[np.float32]]]:
        """Yield ``t_s (n,)`` and ``landmarks (n, 33, 4)`` in order, a few thousand frames at a time."""
        n = len(self.t_s)
        rng = np.random.default_rng([self.seed, self.draw])
        duration_s = float(self.t_s[-1])
        # Points of one face err together: on a person sitting still all of the head wanders by
        # up to a pixel while distances within the face stay within half a per cent.
        own = Wander.random(rng, duration_s, 15.0, (33, 2))
        scale = np.full((33, 1), 1.0, dtype=np.float32)
        scale[:11] = 0.25
        shared = Wander.random(rng, duration_s, 15.0, (2,))
        for start in range(0, n, _CHUNK):
            part = slice(start, min(start + _CHUNK, n))
            t_s = self.t_s[part]
            landmarks, size = self.eye.render(
                self.body, self.pose.take(part), self.camera.take(part, n), rng, self.noise_px
            )
            slow = own.at(t_s) * scale
            slow[:, :11] += 0.9 * shared.at(t_s)[:, None]
            hidden = 1 + 3 * (1 - landmarks[..., 3:])
            landmarks[..., :2] += self.wander_px * hidden * slow / size.astype(np.float32)
            landmarks[~self.present[part]] = np.nan
            yield t_s, landmarks

    def truth(self) -> dict[str, Array]:
        """Return the body's own angles ``(N,)``, NaN where nobody is."""
        n = len(self.t_s)
        parts = [
            rig.truth(self.body, self.pose.take(slice(s, min(s + _CHUNK, n)))) for s in range(0, n, _CHUNK)
        ]
        whole = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
        for value in whole.values():
            value[~self.present] = np.nan
        return whole


# -- who sits where -------------------------------------------------------------


def random_camera(rng: np.random.Generator, body: Body) -> Camera:
    """Return a webcam of a usual desk: on a laptop (low, tilted up) or on a monitor's upper edge."""
    eyes_m = rig.eye_height_m(body)
    laptop = rng.random() < 0.5
    height_m = eyes_m + (rng.uniform(-0.28, -0.12) if laptop else rng.uniform(-0.06, 0.12))
    distance_m = rng.uniform(0.5, 0.8) if laptop else rng.uniform(0.55, 0.9)
    width, height = ((640, 480), (1280, 720))[int(rng.integers(2))]
    # The wider picture is not higher: 16:9 sensors are wide, 4:3 ones are cropped.
    hfov = rng.uniform(60, 70) if width == 640 else rng.uniform(66, 80)
    azimuth = rng.uniform(-25, 25) if rng.random() < 0.4 else rng.uniform(-8, 8)
    half = np.degrees(np.arctan(height / width * np.tan(np.radians(hfov / 2))))
    # People set a camera so that head and shoulders are in the picture, the shoulders in its lower third.
    to_eyes = np.degrees(np.arctan2(eyes_m - height_m, distance_m))
    shoulders_m = eyes_m - body.neck_m - 0.02
    to_shoulders = np.degrees(np.arctan2(shoulders_m - height_m, distance_m + 0.11))
    aim = max(to_shoulders + rng.uniform(0.55, 0.8) * half, to_eyes - 0.65 * half)
    return Camera(
        azimuth_deg=float(azimuth),
        height_m=float(height_m),
        # Eyes are 0.11 m before the axis the camera's distance is measured from.
        distance_m=float(distance_m + 0.11),
        tilt_deg=float(-aim),
        pan_deg=float(rng.normal(0, 2)),
        roll_deg=float(rng.normal(0, 0.7)),
        hfov_deg=float(hfov),
        width=width,
        height=height,
        k1=float(rng.uniform(-0.12, 0.0)),
    )


# -- how the day goes -----------------------------------------------------------


class _Timeline:
    """Pose channels over the day, to which events add themselves."""

    def __init__(self, total_s: float, fps: float) -> None:
        t_s = np.arange(round(total_s * fps)) / fps
        self.t_s, self.total_s = t_s, total_s
        self.channels = {
            name: np.zeros(len(t_s), dtype=np.int64 if name == "arms" else np.float64)
            for name in Pose().fields()
        }

    def add(self, pose: Pose, start_s: float, end_s: float, rise_s: float = 1.0, fall_s: float = 1.0) -> None:
        """Add a change from ``start_s`` on, fully there after ``rise_s``, gone at ``end_s``."""
        a, b = np.searchsorted(self.t_s, (start_s, end_s))
        if a >= b:
            return
        t = self.t_s[a:b]
        rise = np.clip((t - start_s) / max(rise_s, 1e-6), 0, 1)
        fall = np.clip((end_s - t) / max(fall_s, 1e-6), 0, 1)
        w = np.minimum(rise, fall)
        w = w * w * (3 - 2 * w)
        for name, value in pose.fields().items():
            if name == "arms":
                if value[0] != rig.TYPING:
                    self.channels[name][a:b] = value[0]
            elif value[0]:
                self.channels[name][a:b] += w * value[0]


def _shifts(rng: np.random.Generator, line: _Timeline, mean_s: float, count: int) -> Array:
    """Return ``(count, N)`` unit noise that holds for minutes, then moves within two seconds."""
    t_s, total = line.t_s, line.total_s
    times = np.cumsum(rng.exponential(mean_s, size=max(4, int(3 * total / mean_s) + 4)))
    times = np.concatenate([[0.0], times[times < total]])
    values = rng.standard_normal((count, len(times)))
    which = np.searchsorted(times, t_s, side="right") - 1
    part = np.clip((t_s - times[which]) / 2.0, 0, 1)
    part = part * part * (3 - 2 * part)
    before = values[:, np.maximum(which - 1, 0)]
    return np.asarray(before + part * (values[:, which] - before))


def _scatter(rng: np.random.Generator, line: _Timeline) -> None:
    t_s = line.t_s
    # Nobody is limp while being measured: scatter and settling grow from the end of the calibration.
    grow = np.clip((t_s - CALIBRATION_S) / 120.0, 0, 1)
    size = 0.25 + 0.75 * grow
    drift = Wander.random(rng, line.total_s, _DRIFT_S, (len(_SCATTER),)).at(t_s).T
    sway = Wander.random(rng, line.total_s, _SWAY_S, (len(_SCATTER),)).at(t_s).T
    shift = _shifts(rng, line, 300.0, len(_SCATTER))
    for k, (name, sd) in enumerate(_SCATTER.items()):
        # Beyond that people notice and correct themselves.
        slow = np.clip((drift[k] + shift[k]) / np.sqrt(2.0), -1.8, 1.8)
        line.channels[name] += sd * (size * slow + _SWAY * sway[k])
    for name, value in _SETTLED.fields().items():
        if name != "arms":
            line.channels[name] += grow * value[0]


def _glances(
    rng: np.random.Generator, line: _Timeline, start_s: float, end_s: float, touch_typist: bool
) -> None:
    """Look at the keys now and then while typing."""
    at = start_s
    while True:
        at += rng.exponential(45.0 if touch_typist else 14.0) + 3.0
        long_s = rng.uniform(0.8, 2.5) if touch_typist else rng.uniform(1.0, 5.0)
        if at + long_s > end_s:
            return
        line.add(Pose(head_pitch=rng.uniform(15, 28)), at, at + long_s, 0.4, 0.4)
        at += long_s


def _call(rng: np.random.Generator, line: _Timeline, start_s: float, end_s: float) -> None:
    """Lean back with the hands in the lap, and nod, look about and gesture now and then."""
    line.add(Pose(lean=rng.uniform(-6, 1), arms=rig.LAP), start_s, end_s, 3, 3)
    at = start_s + 4.0
    while at < end_s - 20:
        long_s = rng.uniform(2, 14)
        what = rng.random()
        if what < 0.5:
            gesture = Pose(lean=rng.uniform(-2, 5), head_roll=rng.normal(0, 3), twist=rng.normal(0, 6))
            line.add(gesture + SCENARIOS["gesture"], at, at + long_s, 0.6, 0.6)
        elif what < 0.75:
            nod = Pose(head_pitch=rng.uniform(5, 15), head_roll=rng.normal(0, 4))
            line.add(nod, at, at + min(long_s, 3.0), 0.5, 0.5)
        else:
            line.add(Pose(head_yaw=rng.normal(0, 15)), at, at + long_s, 0.6, 0.6)
        at += long_s + rng.exponential(8.0)


def _act(rng: np.random.Generator, line: _Timeline, kind: str, start_s: float, touch_typist: bool) -> float:
    """Put one activity on the timeline and return when it ends."""

    def span(low: float, high: float) -> float:
        return start_s + float(np.exp(rng.uniform(np.log(low), np.log(high))))

    side = 1 if rng.random() < 0.5 else -1
    if kind == "typing":
        end_s = span(30, 400)
        _glances(rng, line, start_s, end_s, touch_typist)
    elif kind == "reading":
        end_s = span(30, 400)
        arms = int(rng.choice([rig.TYPING, rig.LAP, rig.CHIN], p=[0.5, 0.3, 0.2]))
        lean = rng.uniform(3, 7) if arms == rig.CHIN else rng.uniform(-5, 4)
        roll = rng.uniform(2, 6) if arms == rig.CHIN else 0.0
        line.add(
            Pose(lean=lean, head_roll=-roll, head_pitch=rng.uniform(-3, 6), arms=arms), start_s, end_s, 2, 2
        )
    elif kind == "looking_down":
        end_s = span(4, 70)
        line.add(
            Pose(
                head_pitch=rng.uniform(20, 35),
                lean=rng.uniform(0, 4),
                thorax=rng.uniform(0, 6),
                head_yaw=side * rng.uniform(0, 18),
            ),
            start_s,
            end_s,
            0.8,
            0.8,
        )
    elif kind == "phone":
        end_s = span(8, 110)
        line.add(SCENARIOS["phone"] * rng.uniform(0.7, 1.15), start_s, end_s, 1.2, 1.0)
    elif kind == "drinking":
        end_s = start_s + rng.uniform(3, 9)
        line.add(SCENARIOS["drinking"] * rng.uniform(0.6, 1.5), start_s, end_s, 0.8, 0.8)
    elif kind == "second_monitor":
        end_s = span(15, 240)
        yaw, share = rng.uniform(20, 45), rng.uniform(0.1, 0.5)
        line.add(Pose(head_yaw=side * yaw, twist=side * yaw * share), start_s, end_s, 0.8, 0.8)
    elif kind == "call":
        end_s = span(240, 1500)
        _call(rng, line, start_s, end_s)
    elif kind == "stretching":
        end_s = start_s + rng.uniform(6, 16)
        line.add(
            Pose(lean=-12, head_pitch=-20, shrug_m=0.03, side_lean=side * rng.uniform(0, 10))
            + SCENARIOS["gesture"],
            start_s,
            end_s,
            1.5,
            1.5,
        )
    elif kind == "thinking":
        end_s = span(15, 115)
        line.add(
            Pose(lean=-rng.uniform(9, 18), head_pitch=rng.uniform(-10, 2), arms=rig.LAP), start_s, end_s, 2, 2
        )
    elif kind == "lean_in":
        # Small print, or a word with a neighbour's screen: near, but not for long.
        end_s = span(5, 55)
        line.add(
            Pose(lean=rng.uniform(6, 14), neck_forward_m=rng.uniform(0.0, 0.02)), start_s, end_s, 1.2, 1.0
        )
    elif kind == "armrest":
        end_s = span(30, 260)
        tilt = rng.uniform(4, 8)
        line.add(
            Pose(side_lean=side * tilt, head_roll=side * tilt * 0.3, arms=rig.LAP), start_s, end_s, 1.5, 1.5
        )
    else:
        raise ValueError(f"unknown activity {kind!r}")
    return end_s


# How often each activity is begun: a day of mostly typing and reading.
_ACTIVITIES = {
    "typing": 0.34,
    "reading": 0.22,
    "looking_down": 0.09,
    "phone": 0.06,
    "drinking": 0.06,
    "second_monitor": 0.08,
    "call": 0.012,
    "stretching": 0.02,
    "thinking": 0.05,
    "lean_in": 0.04,
    "armrest": 0.028,
}


def slouch_pose(rng: np.random.Generator, kind: str, eyes_m: float = 0.7) -> Pose:
    """Return a slouch of this kind, clearly past what is natural but of no fixed depth.

    Whoever sits with the eyes ``eyes_m`` from the screen, already near, moves the chair back a little: nobody
    slumps until the nose is on the glass.
    """
    back_m = max(0.0, 0.68 - eyes_m)
    if kind == "slump":
        depth = rng.uniform(1.2, 1.6)
        return SCENARIOS["slump_moderate"] * depth + Pose(protract_m=0.01, seat_z_m=-back_m)
    if kind == "head_forward":
        return Pose(
            neck_forward_m=rng.uniform(0.055, 0.075),
            thorax=rng.uniform(5, 12),
            protract_m=0.006,
            seat_z_m=-0.5 * back_m,
        )
    if kind == "slide_down":
        return SCENARIOS["slid_down"] * rng.uniform(0.9, 1.2)
    if kind == "recline":
        return SCENARIOS["recline_deep"] * rng.uniform(0.9, 1.15)
    raise ValueError(f"unknown slouch {kind!r}")


def _free_starts(rng: np.random.Generator, lengths: list[float], total_s: float) -> list[float | None]:
    """Return a start for each length so that none comes within five minutes of another; ``None`` if full."""
    gap = 300.0
    busy: list[tuple[float, float]] = []
    starts: list[float | None] = []
    for length in lengths:
        found = None
        for at in rng.uniform(CALIBRATION_S + gap, max(total_s - length - gap, CALIBRATION_S + gap), 400):
            if at + length + gap <= total_s and all(at + length + gap < a or at - gap > b for a, b in busy):
                found = float(at)
                busy.append((found, found + length))
                break
        starts.append(found)
    return starts


def _slouch(
    rng: np.random.Generator, line: _Timeline, sustained: int, brief: int, eyes_m: float
) -> list[Episode]:
    """Put slouches on the timeline, of the kinds in turn: sustained ones, then brief ones; return them."""
    lengths = [rng.uniform(SUSTAINED_S, 1500.0) for _ in range(sustained)]
    lengths += [rng.uniform(20.0, 60.0) for _ in range(brief)]
    rises = [
        (rng.uniform(60, 180) if k % len(SLOUCHES) == 2 else rng.uniform(10, 60)) if k < sustained else 3.0
        for k in range(len(lengths))
    ]
    starts = _free_starts(rng, [a + b for a, b in zip(lengths, rises, strict=True)], line.total_s)
    episodes = []
    for k, (start_s, length_s, rise_s) in enumerate(zip(starts, lengths, rises, strict=True)):
        if start_s is None:
            raise ValueError(f"{line.total_s / 3600:g} h are too short for {sustained} + {brief} slouches")
        kind = SLOUCHES[(k if k < sustained else k - sustained) % len(SLOUCHES)]
        end_s = start_s + rise_s + length_s
        line.add(slouch_pose(rng, kind, eyes_m), start_s, end_s, rise_s, 2.0)
        episodes.append(Episode(start_s, end_s, kind if k < sustained else f"brief_{kind}", True))
    return episodes


def _go_about(
    rng: np.random.Generator,
    line: _Timeline,
    present: npt.NDArray[np.bool_],
    slouching: list[tuple[float, float]],
    eyes_m: float,
    touch_typist: bool,
) -> list[Episode]:
    """Fill the day with activities, breaks and shifts of the chair, and return them; clears `present`."""

    def overlaps(start_s: float, end_s: float) -> bool:
        return any(start_s < b and end_s > a for a, b in slouching)

    # The chair: (height, sideways, nearer), changed now and then and held; never far from home, and never
    # so near that the eyes come within half a metre of the screen.
    chair = np.zeros(3)
    farthest = np.array([0.04, 0.08, 0.12])
    nearest = np.array([0.04, 0.08, np.clip(eyes_m - 0.52, 0.02, 0.12)])

    def move_chair(when_s: float, spread: float) -> None:
        nonlocal chair
        new = np.clip(chair * 0.5 + spread * rng.normal(0, (0.015, 0.03, 0.05)), -farthest, nearest)
        step = Pose(seat_y_m=new[0] - chair[0], seat_x_m=new[1] - chair[1], seat_z_m=new[2] - chair[2])
        line.add(step, when_s, line.total_s + 10.0, 2.0, 1.0)
        chair = new

    names, odds = list(_ACTIVITIES), np.array(list(_ACTIVITIES.values()))
    odds /= odds.sum()
    episodes = []
    at = CALIBRATION_S
    next_break = at + rng.uniform(2400, 5400)
    next_chair = at + rng.exponential(2400)
    while at < line.total_s:
        if at >= next_break and not overlaps(at, at + 1000):
            # Rise, go, come back: what happens on the way is seen for a few seconds each.
            away_s = rng.uniform(240, 900)
            line.add(SCENARIOS["standing"], at, at + 4.0, 2.0, 0.5)
            gone, back = at + 3.0, at + 3.0 + away_s
            present[(line.t_s >= gone) & (line.t_s < back)] = False
            line.add(SCENARIOS["standing"], back, back + 3.0, 0.01, 2.5)
            move_chair(gone + 1.0, 1.2)
            episodes.append(Episode(at, back + 3.0, "coffee", False))
            at = back + 3.0
            next_break = at + rng.uniform(2400, 5400)
        elif at >= next_chair and not overlaps(at, at + 10):
            move_chair(at, 1.0)
            episodes.append(Episode(at, at + 3.0, "chair_shift", False))
            at += 3.0
            next_chair = at + rng.exponential(2400)
        else:
            kind = str(rng.choice(names, p=odds))
            if kind in ("thinking", "stretching") and overlaps(at, at + 120):
                kind = "typing"  # both would undo the slouch that truth says is held
            end_s = _act(rng, line, kind, at, touch_typist)
            episodes.append(Episode(at, min(end_s, line.total_s), kind, False))
            at = end_s + rng.uniform(0.5, 4.0)
    return episodes


def natural_day(
    seed: int,
    hours: float = 8.0,
    fps: float = 2.0,
    body: Body | None = None,
    camera: Camera | None = None,
    eye: Eye | None = None,
    *,
    slouches: int = 0,
    brief_slouches: int = 0,
    lid_moves: int = 0,
) -> NaturalDay:
    """Return a working day.

    Parameters
    ----------
    seed
        Decides everything, also the person, the camera and how the model errs where not given.
    hours, fps
        Length of the day and frames a second.
    slouches
        Number of sustained slouches, of the kinds in turn; each held for 10 to 25 minutes.
    brief_slouches
        Number of slouches of 20 to 60 s.
    lid_moves
        Number of times the laptop's lid is moved by 3 to 8 degrees, for good.

    Raises
    ------
    ValueError
        If the day is too short for that many slouches.
    """
    rng = np.random.default_rng([seed, 0])
    body = body or Body.random(rng)
    camera = camera or random_camera(rng, body)
    eye = eye or Eye.random(np.random.default_rng([seed, 0, 1]))
    total_s = hours * 3600.0
    line = _Timeline(total_s, fps)
    t_s = line.t_s
    present = np.ones(len(t_s), dtype=bool)
    episodes = [Episode(0.0, CALIBRATION_S, "calibration", False)]
    touch_typist = bool(rng.random() < 0.5)
    eyes_m = float(np.mean(camera.distance_m)) - 0.11

    episodes += _slouch(rng, line, slouches, brief_slouches, eyes_m)
    slouching = [(e.start_s, e.end_s) for e in episodes if e.truth_poor]
    slouch = Pose(**{name: value.copy() for name, value in line.channels.items()})
    _scatter(rng, line)
    episodes += _go_about(rng, line, present, slouching, eyes_m, touch_typist)

    for _ in range(lid_moves):
        when = rng.uniform(0.1, 0.9) * total_s
        turn = np.clip(t_s - when, 0, 1) * rng.choice([-1, 1]) * rng.uniform(3, 8)
        camera = rig.lid(camera, turn)
        episodes.append(Episode(float(when), float(when) + 1.0, "lid_moved", False))

    # Noise follows the size of the picture: the model sees a crop of fixed size.
    scale = camera.width / 640
    return NaturalDay(
        t_s=t_s,
        pose=Pose(**line.channels),
        present=present,
        size=np.array([camera.width, camera.height]),
        episodes=sorted(episodes),
        body=body,
        camera=camera,
        noise_px=float(rng.uniform(0.3, 0.7) * scale),
        wander_px=float(rng.uniform(0.8, 1.6) * scale),
        seed=seed,
        slouch=slouch,
        eye=eye,
    )


def describe(day: NaturalDay) -> dict[str, Any]:
    """Return what a day holds: seconds by kind, and the truth's spread while sitting naturally."""
    truth = day.truth()
    good = day.present & (day.t_s > CALIBRATION_S + 120)
    for e in day.episodes:
        if e.truth_poor:
            good &= (day.t_s < e.start_s) | (day.t_s > e.end_s)
    first = day.t_s < CALIBRATION_S
    spent: dict[str, float] = {}
    for e in day.episodes:
        spent[e.kind] = spent.get(e.kind, 0.0) + e.end_s - e.start_s
    return {
        "frames": len(day.t_s),
        "present": float(day.present.mean()),
        "seconds": {k: round(v) for k, v in sorted(spent.items(), key=lambda item: -item[1])},
        "natural": {
            k: (
                float(np.nanmedian(truth[k][good]) - np.nanmedian(truth[k][first])),
                float(np.nanstd(truth[k][good])),
            )
            for k in ("trunk_incl", "neck_incl", "head_pitch", "head_roll", "lateral_trunk")
        },
    }


def main() -> None:
    """Print what some days hold."""
    options = argparse.ArgumentParser(description="Describe simulated working days.")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--hours", type=float, default=8.0)
    options.add_argument("--slouches", type=int, default=0)
    options.add_argument("--brief", type=int, default=0)
    given = options.parse_args()
    day = natural_day(given.seed, given.hours, slouches=given.slouches, brief_slouches=given.brief)
    told = describe(day)
    print(day.body)
    print(day.camera)
    print(f"{told['frames']} frames, someone there in {told['present']:.0%}")
    for kind, seconds in told["seconds"].items():
        print(f"  {kind:<16}{seconds / 60:7.1f} min")
    print("natural sitting against the calibration: median, standard deviation (degrees)")
    for name, (median, spread) in told["natural"].items():
        print(f"  {name:<16}{median:+7.1f}{spread:7.1f}")


if __name__ == "__main__":
    main()
