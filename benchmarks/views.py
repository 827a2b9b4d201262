"""What each view can see: how far measured angles are from the true ones of synthetic bodies.

    python benchmarks/views.py

Ten bodies sit upright, which calibrates them, and then lean, carry the head forward, slump and tip; each
moment with the model's usual noise. Compared is the change of each angle from upright, as measured and as
it truly is, so that what is constant for a body does not count.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import rig

from posture_monitor.posture.baseline import deviation, neutral_of
from posture_monitor.posture.metrics import ROW, measure

ANGLES = ("trunk_incl", "neck_incl", "head_pitch", "head_roll", "shoulder_tilt")
AZIMUTHS_DEG = (0, 20, 40, 60, 75, 90)
#: At arm's length on the screen, and set back so that it sees shoulders and hips.
CAMERAS = {
    "at the screen, 0.75 m": rig.Camera(),
    "set back, 1.6 m": rig.Camera(height_m=0.45, distance_m=1.6),
}
BODIES, REPEATS, NOISE_PX = 10, 6, 1.0


def postures() -> rig.Pose:
    """Return postures that take each angle through the range met at desks."""
    lean, neck = np.linspace(-20, 25, 10), np.linspace(0, 0.06, 7)
    tip, slump = np.linspace(-15, 15, 7), np.linspace(0, 1, 5)
    parts = (
        rig.Pose(lean=lean),
        rig.Pose(neck_forward_m=neck, lean=8 * neck / 0.06),
        rig.Pose(head_roll=tip, side_lean=tip / 2),
        rig.Pose(head_pitch=np.linspace(-10, 25, 6)),
        rig.SCENARIOS["slump_deep"] * slump,
    )
    fields = [part.fields() for part in parts]
    return rig.Pose(**{name: np.concatenate([f[name] for f in fields]) for name in fields[0]})


def errors(camera: rig.Camera) -> dict[str, tuple[float, float]]:
    """Return of each angle the part of moments in which it was measured, and its error (degrees, RMS)."""
    rng = np.random.default_rng(11)
    poses = postures()
    off: dict[str, list[float]] = {name: [] for name in ANGLES}
    moments = 0
    for _ in range(BODIES):
        body = rig.Body.random(rng)
        upright = rig.Pose(lean=np.zeros(40))
        neutral = neutral_of(measure(*rig.render(body, upright, camera, rng, NOISE_PX)))
        true_before = rig.truth(body, rig.Pose())
        true = rig.truth(body, poses)
        for _ in range(REPEATS):
            measured = measure(
                *rig.render(body, poses, camera, rng, NOISE_PX), azimuth_deg=neutral.azimuth_deg
            )
            change = deviation(measured.values, neutral)
            moments += poses.n
            for name in ANGLES:
                error = change[ROW[name]] - (true[name] - true_before[name])
                off[name] += error[np.isfinite(error)].tolist()
    return {
        name: (len(found) / moments, float(np.sqrt(np.mean(np.square(found)))) if found else float("nan"))
        for name, found in off.items()
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    as_json = parser.parse_args().json
    table = {
        where: {azimuth: errors(replace(camera, azimuth_deg=azimuth)) for azimuth in AZIMUTHS_DEG}
        for where, camera in CAMERAS.items()
    }
    if as_json:
        print(json.dumps(table))
        return
    for where, rows in table.items():
        print(f"| camera {where}, from | {' | '.join(ANGLES)} |")
        print("|---" * (len(ANGLES) + 1) + "|")
        for azimuth, found in rows.items():
            cells = [
                f"{error:.1f}°" + (f" in {part:.0%}" if part < 0.95 else "") if part >= 0.05 else "not seen"
                for part, error in found.values()
            ]
            print(f"| {azimuth}° | {' | '.join(cells)} |")
        print()


if __name__ == "__main__":
    main()
