"""How fast frames are measured and judged, one at a time, many at once, and a whole day of them.

python benchmarks/kernel.py                       # the kernel, and plain Python beside it
python benchmarks/kernel.py --table               # `analyze` on a landmark table of 8 hours at 15 a second
python benchmarks/kernel.py --video clip.mp4      # what part of `analyze` on a video is the model's
python benchmarks/kernel.py --json

The kernel runs on one core; `analyze` takes what there is, and the best of
three runs counts. Limits: 60 µs for one frame (median), 1 000 000 frames a
second for 100 000 at once, 5 s for the table, 90 % of a video inside the model.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import numpy as np
import numpy.typing as npt
from plain_kernel import Plain, judge_frame
from rig import Body, Camera, Pose, render

from posture_monitor.posture.baseline import Neutral, neutral_of
from posture_monitor.posture.judge import Judgement, Limits, judge
from posture_monitor.posture.metrics import NAMES, REASONS, Measurement, Reason, measure
from posture_monitor.posture.reading import VERDICTS
from posture_monitor.sensing.landmark_table import COLUMNS, LandmarkTable, write_table
from posture_monitor.throughput import keep_memory

MANY = 100_000
#: Rows of the table: eight hours at fifteen frames a second.
DAY = 8 * 3600 * 15
SIZE = np.array([640.0, 480.0])
LIMITS = Limits()


def frames(n: int, camera: Camera, seed: int = 1) -> npt.NDArray[np.float32]:
    """Return landmarks ``(n, 33, 4)`` of somebody who sits in many ways; every fiftieth shows nobody."""
    rng = np.random.default_rng(seed)
    k = min(n, 5000)
    pose = Pose(
        lean=rng.uniform(-15, 20, k),
        thorax=rng.uniform(0, 35, k),
        side_lean=rng.uniform(-10, 10, k),
        head_yaw=rng.uniform(-30, 30, k),
        head_pitch=rng.uniform(-10, 25, k),
        head_roll=rng.uniform(-12, 12, k),
    )
    landmarks, _ = render(Body(), pose, camera, rng, 1.0)
    landmarks[::50] = np.nan
    return np.tile(landmarks, (-(-n // k), 1, 1))[:n]


def neutral(camera: Camera) -> Neutral:
    """Return the neutral posture before a camera."""
    landmarks, size = render(Body(), Pose(lean=np.zeros(5)), camera)
    return neutral_of(measure(landmarks, size))


def judged(landmarks: npt.NDArray[np.float32], at: Neutral) -> tuple[Measurement, Judgement]:
    """Return frames measured and judged as live use does it."""
    measurement = at.measure(landmarks, SIZE)
    return measurement, judge(measurement, at, LIMITS, [Reason.OK] if len(landmarks) == 1 else None)


def disagreement(found: tuple[Measurement, Judgement], plain: list[Plain]) -> float:
    """Return the largest relative difference to plain Python; infinite where a verdict or reason differs."""
    measurement, judgement = found
    values = np.array([[frame.values[name] for frame in plain] for name in NAMES])
    changes = np.array([[frame.deviations[name] for frame in plain] for name in NAMES])
    index = np.array([frame.slouch_index for frame in plain])
    worst = 0.0
    for ours, theirs in (
        (measurement.values, values),
        (judgement.deviations, changes),
        (judgement.slouch_index, index),
    ):
        if (np.isnan(ours) != np.isnan(theirs)).any():
            return float("inf")
        # What should be nothing is compared with what is something.
        apart = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-3)
        worst = max(worst, float(np.nanmax(apart, initial=0.0)))
    same = [VERDICTS[code] for code in judgement.verdict] == [frame.verdict for frame in plain]
    same &= [REASONS[code] for code in judgement.reason] == [frame.reason for frame in plain]
    return worst if same else float("inf")


def kernel(camera: Camera, repeats: int) -> dict[str, float]:
    """Return the figures of the kernel before one camera."""
    at, landmarks = neutral(camera), frames(MANY, camera)
    one_s = []
    for i in range(repeats):
        single = landmarks[i % 5000][None]
        began = time.perf_counter()
        judged(single, at)
        one_s.append(time.perf_counter() - began)
    many_s = []
    for _ in range(5):
        began = time.perf_counter()
        found = judged(landmarks, at)
        many_s.append(time.perf_counter() - began)
    few = landmarks[:5000].tolist()
    began = time.perf_counter()
    plain = [judge_frame(frame, 640.0, 480.0, at, LIMITS) for frame in few]
    plain_s = (time.perf_counter() - began) / len(few)
    part = judged(landmarks[:5000], at)
    return {
        "one_us": float(np.median(one_s)) * 1e6,
        "many_per_s": MANY / min(many_s),
        "plain_us": plain_s * 1e6,
        "one_ratio": plain_s / float(np.median(one_s)),
        "many_ratio": plain_s * MANY / min(many_s),
        "disagreement": disagreement(part, plain),
        "same_bits": float(same_bits(found, landmarks, at)),
    }


def same_bits(found: tuple[Measurement, Judgement], landmarks: npt.NDArray[np.float32], at: Neutral) -> bool:
    """Return whether single frames out of many give the same bits as all at once."""
    for i in range(0, len(landmarks), 331):
        for whole, one in zip(found, judged(landmarks[i : i + 1], at), strict=True):
            for name, value in vars(one).items():
                if not np.array_equal(value[..., 0], getattr(whole, name)[..., i], equal_nan=name != "seen"):
                    return False
    return True


def run(*arguments: str) -> tuple[float, float]:
    """Return wall and CPU seconds of a posture-monitor command."""
    before = os.times()
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stderr=subprocess.DEVNULL)
    wall_s = time.perf_counter() - began
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return wall_s, spent


def day() -> LandmarkTable:
    """Return somebody's day before the camera, the first minute of it sitting well."""
    landmarks = frames(DAY, Camera(), seed=2)
    landmarks[:900] = render(Body(), Pose(lean=np.zeros(900)), Camera(), np.random.default_rng(3), 0.7)[0]
    # A model's depth is never nothing to the sixteenth place, as the rig's is.
    landmarks[..., 2] += np.random.default_rng(4).normal(0, 0.02, landmarks.shape[:2])
    return LandmarkTable(np.arange(DAY) / 15, np.tile(SIZE, (DAY, 1)), landmarks)


def write_long(path: Path, table: LandmarkTable) -> None:
    """Write a table as most scripts would: with 0.10000000149011612 for what is 0.1 as a single number."""
    with path.open("w") as file:
        file.write(",".join(COLUMNS) + "\n")
        for t_s, row in zip(table.t_s.tolist(), table.landmarks.reshape(-1, 132), strict=True):
            cells = ("" if value != value else repr(value) for value in row.tolist())
            file.write(f"{t_s!r},640,480,{','.join(cells)}\n")


def tables(repeats: int) -> dict[str, dict[str, float]]:
    """Return how long `analyze` takes on a day's landmark table, and how many times what the kernel does."""
    table, at = day(), neutral(Camera())
    kernel_s = []
    for _ in range(repeats):
        began = time.process_time()
        judged(table.landmarks, at)
        kernel_s.append(time.process_time() - began)
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, suffix, write in (
            ("NPZ", ".npz", write_table),
            ("CSV", ".csv", write_table),
            ("CSV, long", ".csv", write_long),
        ):
            path, output = Path(folder, f"day{suffix}"), Path(folder, "out.csv")
            write(path, table)
            command = ("-m", "posture_monitor", "analyze", str(path), "--calibrate-first", "60s")
            runs = [run(*command, "-o", str(output)) for _ in range(repeats)]
            wall_s, cpu_s = (min(seconds) for seconds in zip(*runs, strict=True))
            figures[name] = {
                "rows": DAY,
                "megabytes": path.stat().st_size / 1e6,
                "wall_s": wall_s,
                "cpu_s": cpu_s,
                "kernels": cpu_s / min(kernel_s),
            }
    return figures


_VIDEO = textwrap.dedent("""
    import json, sys, time
    from pathlib import Path
    from rich.console import Console
    from posture_monitor.config import load_config
    from posture_monitor.sensing import pose
    from posture_monitor.service import analysis
    inside = {"frames": 0, "s": 0.0, "from": None}
    detect = pose.PoseEstimator.detect
    def timed(*arguments):
        began = time.perf_counter()
        inside["from"] = inside["from"] or began
        found = detect(*arguments)
        inside["s"] += time.perf_counter() - began
        inside["frames"] += 1
        return found
    pose.PoseEstimator.detect = timed
    began = time.perf_counter()
    analysis.analyze(
        load_config(None), source=sys.argv[1], profile=None, calibrate_first_s=3.0, calibrate_frames=None,
        output=Path(sys.argv[2]), landmarks=None, console=Console(stderr=True),
    )
    ended = time.perf_counter()
    running_s = ended - inside["from"]
    print(json.dumps({
        "frames": inside["frames"], "wall_s": ended - began, "start_s": ended - began - running_s,
        "inside": inside["s"] / (ended - began), "inside_running": inside["s"] / running_s,
    }))
""")


def video(clip: Path) -> dict[str, float]:
    """Return what part of `analyze` on a clip is spent inside the model."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", _VIDEO, str(clip), str(Path(folder, "out.csv"))],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5000, help="single frames that are timed")
    parser.add_argument("--table", action="store_true", help="time `analyze` on a day's table as well")
    parser.add_argument("--video", type=Path, help="say what part of `analyze` on this clip is the model's")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    keep_memory()  # as `analyze` does

    figures: dict[str, Any] = {
        "kernel": {
            name: kernel(camera, options.repeats)
            for name, camera in (
                ("front", Camera()),
                ("oblique", Camera(azimuth_deg=45, distance_m=1.5)),
                ("side", Camera(azimuth_deg=90, height_m=0.35, distance_m=2.4, hfov_deg=60)),
            )
        }
    }
    if options.table:
        figures["table"] = tables(3)
    if options.video:
        figures["video"] = video(options.video)
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    print("view      one frame   100 000 at once      plain Python   faster by     differs   same bits")
    for name, row in figures["kernel"].items():
        print(
            f"{name:8s} {row['one_us']:7.1f} µs {row['many_per_s'] / 1e6:10.2f} million/s"
            f" {row['plain_us']:12.1f} µs {row['one_ratio']:5.1f} / {row['many_ratio']:3.0f}"
            f" {row['disagreement']:11.1e} {'yes' if row['same_bits'] else 'NO':>9s}"
        )
    for name, row in figures.get("table", {}).items():
        print(
            f"analyze, {name} of {row['rows']:.0f} rows ({row['megabytes']:.0f} MB): {row['wall_s']:.1f} s, "
            f"{row['cpu_s']:.1f} s CPU, {row['kernels']:.0f} times the kernel's"
        )
    if row := figures.get("video"):
        print(
            f"analyze, video of {row['frames']:.0f} frames: {row['wall_s']:.1f} s, "
            f"{100 * row['inside']:.0f} % of it inside the model, "
            f"{100 * row['inside_running']:.0f} % after the {row['start_s']:.1f} s of starting up"
        )


if __name__ == "__main__":
    main()
