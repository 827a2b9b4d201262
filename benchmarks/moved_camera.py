"""What becomes of single pictures when the camera no longer stands where it stood while calibrating.

    python benchmarks/moved_camera.py
    python benchmarks/moved_camera.py --json

Synthetic bodies before webcams of all kinds are calibrated on twenty good pictures. Then the camera moves,
aimed so that the person stays in the picture, and they sit well, look down, or slump. A service notices that
its camera moved (`posture/place.py`); pictures judged one by one have nothing else to go by than themselves.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from natural_day import random_camera
from rig import SCENARIOS, Body, Camera, Pose, render

from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.capture import capture
from posture_monitor.posture.judge import judge
from posture_monitor.posture.metrics import Reason, measure
from posture_monitor.posture.reading import VERDICTS, Verdict

BODIES, CALIBRATION, PICTURES, NOISE_PX = 100, 20, 10, 1.0
_POOR = VERDICTS.index(Verdict.POOR)

Move = Callable[[Camera], Camera]


def raised(metres: float) -> Move:
    """Return the move to a place so much higher, looking down at the same point."""

    def move(camera: Camera) -> Camera:
        tilt_deg = camera.tilt_deg + math.degrees(math.atan(metres / camera.distance_m))
        return replace(camera, height_m=camera.height_m + metres, tilt_deg=tilt_deg)

    return move


def turned(degrees: float) -> Move:
    """Return the move around the person, to either side."""
    return lambda camera: replace(camera, azimuth_deg=camera.azimuth_deg + degrees)


def at_distance(times: float) -> Move:
    """Return the move to so many times the distance."""
    return lambda camera: replace(camera, distance_m=camera.distance_m * times)


def both(first: Move, second: Move) -> Move:
    """Return one move after the other."""
    return lambda camera: second(first(camera))


MOVES: dict[str, Move] = {
    "as calibrated": raised(0.0),
    "15 cm higher": raised(0.15),
    "30 cm higher": raised(0.30),
    "15 cm lower": raised(-0.15),
    "30 cm lower": raised(-0.30),
    "20° to the left": turned(20.0),
    "20° to the right": turned(-20.0),
    "35° to the left": turned(35.0),
    "15 cm higher, 20° to the left": both(raised(0.15), turned(20.0)),
    "30 cm lower, 20° to the right": both(raised(-0.30), turned(-20.0)),
    "a fifth nearer": at_distance(0.8),
    "a third farther": at_distance(1.33),
}
POSTURES = {"good": "upright", "looking down": "look_down", "slumped": "slump_deep"}


#: Of natural sitting, degrees.
SCATTER = {
    "lean": 1.5,
    "thorax": 1.5,
    "side_lean": 1.2,
    "head_yaw": 5.0,
    "head_pitch": 3.0,
    "head_roll": 1.5,
}


def sitting(posture: str, n: int, rng: np.random.Generator) -> Pose:
    """Return `n` pictures' worth of a posture, with the scatter of natural sitting."""
    fields = SCENARIOS[posture].fields()
    return Pose(
        **{
            name: np.asarray(value) + (rng.normal(0.0, SCATTER[name], n) if name in SCATTER else np.zeros(n))
            for name, value in fields.items()
        }
    )


def calibrated(body: Body, camera: Camera, rng: np.random.Generator) -> Neutral:
    """Return the neutral posture of a body before a camera."""
    landmarks, size = render(body, sitting("upright", CALIBRATION, rng), camera, rng, NOISE_PX)
    return capture(measure(landmarks, size), [Reason.OK] * CALIBRATION, least_frames=5, steady=False)


def poor_parts(seed: int) -> dict[str, dict[str, float]]:
    """Return by move and posture which part of the pictures is called poor."""
    rng = np.random.default_rng(seed)
    counts = {move: dict.fromkeys(POSTURES, 0) for move in MOVES}
    for _ in range(BODIES):
        body = Body.random(rng)
        camera = random_camera(rng, body)
        neutral = calibrated(body, camera, rng)
        for name, move in MOVES.items():
            for posture, scenario in POSTURES.items():
                pose = sitting(scenario, PICTURES, rng)
                landmarks, size = render(body, pose, move(camera), rng, NOISE_PX)
                found = judge(neutral.measure(landmarks, size), neutral)
                counts[name][posture] += int((found.verdict == _POOR).sum())
    total = BODIES * PICTURES
    return {name: {posture: n / total for posture, n in row.items()} for name, row in counts.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    arguments = parser.parse_args()
    table = poor_parts(arguments.seed)
    if arguments.json:
        print(json.dumps(table))
        return
    print(f"{BODIES} synthetic bodies, {BODIES * PICTURES} pictures of each: part called poor\n")
    print(f"| the camera | {' | '.join(POSTURES)} |")
    print("|---" * (len(POSTURES) + 1) + "|")
    for name, row in table.items():
        print(f"| {name} | {' | '.join(f'{part:.1%}' for part in row.values())} |")


if __name__ == "__main__":
    main()
