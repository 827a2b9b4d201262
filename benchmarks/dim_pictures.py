"""The labelled stills in worse light and other framings: what brightening and a careful look bring.

    python benchmarks/dim_pictures.py
    python benchmarks/dim_pictures.py --json

Each set of stills is darkened, letterboxed and cut in several ways, so that the model sees the same people
anew. Of each such copy half of the good pictures calibrate and the rest are tested, six times with other
halves. Compared is what the model sees in the picture as it is with what it sees where dark ones are
brightened (`sensing/brightening.py`), and where letterbox bars are left out and each is looked at twice as
well, as `analyze` does (`sensing/still.py`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from labelled_sets import data_folder
from real_model import real_model

from posture_monitor.posture.capture import capture
from posture_monitor.posture.judge import judge
from posture_monitor.posture.landmarks import nobody
from posture_monitor.posture.metrics import Reason, measure
from posture_monitor.posture.person import choose
from posture_monitor.posture.reading import VERDICTS, Verdict
from posture_monitor.sensing import pose, still
from posture_monitor.sensing.opencv import cv2

Picture = npt.NDArray[np.uint8]

SETS = {"bright": "low-isSlouching__high-notSlouching", "dim": "low-isSlouching__middle-notSlouching"}
#: Part of the light, and the standard deviation of the sensor's noise in it.
LIGHT = ((1.0, 0.0), (0.6, 2.0), (0.4, 3.0), (0.2, 4.0))
HALVES = 6
_POOR = VERDICTS.index(Verdict.POOR)


def darkened(picture: Picture, light: float, noise: float) -> Picture:
    """Return a picture taken in less light, with a sensor's noise."""
    grain = np.random.default_rng(5).normal(0, noise, picture.shape) if noise else 0.0
    return np.clip(picture * light + grain, 0, 255).astype(np.uint8)


def letterboxed(picture: Picture, high: float, wide: float) -> Picture:
    """Return a picture in the middle of a black one so many times as high and wide."""
    height, width = picture.shape[:2]
    out = np.zeros((round(height * high), round(width * wide), 3), np.uint8)
    top, left = (out.shape[0] - height) // 2, (out.shape[1] - width) // 2
    out[top : top + height, left : left + width] = picture
    return out


def enlarged(picture: Picture, width: int, height: int) -> Picture:
    """Return a picture in another size."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


FRAMINGS: dict[str, Callable[[Picture], Picture]] = {
    "as it is": lambda picture: picture,
    "bars at the sides": lambda picture: letterboxed(picture, 1.0, 16 / 9),
    "bars all around": lambda picture: letterboxed(picture, 2.0, 2.0),
    "cut": lambda picture: picture[:-8, 6:-2],
    "enlarged": lambda picture: enlarged(picture, 640, 640),
}

Looks = Callable[[pose.PoseEstimator, Picture], npt.NDArray[np.float32]]


def as_it_is(estimator: pose.PoseEstimator, picture: Picture) -> npt.NDArray[np.float32]:
    """Return who is in a picture that is not brightened."""
    with mock.patch.object(pose, "brightened", lambda image: image):
        return estimator.detect(picture)


WAYS: dict[str, Looks] = {
    "as it is": as_it_is,
    "brightened": lambda estimator, picture: estimator.detect(picture),
    "with care": still.detect,
}


def landmarks(estimator: pose.PoseEstimator, picture: Picture, look: Looks) -> npt.NDArray[np.float32]:
    """Return the one person's landmarks ``(33, 4)``."""
    people = look(estimator, picture)
    index = choose(people, np.array(picture.shape[1::-1])).index
    return nobody()[0] if index is None else people[index]


def scored(found: npt.NDArray[np.float32], bad: npt.NDArray[np.bool_], size: Any) -> tuple[float, float]:
    """Return which part of the bad and of the good pictures is called poor, over several halves."""
    rng, parts = np.random.default_rng(1), []
    for _ in range(HALVES):
        good = rng.permutation(np.flatnonzero(~bad))
        first, rest = np.split(good, [len(good) // 2])
        calibration = measure(found[first], size)
        try:
            neutral = capture(calibration, [Reason.OK] * len(first), least_frames=5, steady=False)
        except ValueError:
            parts.append((0.0, 0.0))  # nothing is called poor
            continue
        poor = [judge(neutral.measure(found[test], size), neutral).verdict == _POOR for test in (bad, rest)]
        parts.append((float(poor[0].mean()), float(poor[1].mean())))
    right, wrong = np.mean(parts, axis=0)
    return float(right), float(wrong)


def framed(
    estimator: pose.PoseEstimator, pictures: list[Picture], bad: npt.NDArray[np.bool_], look: Looks
) -> dict[str, float]:
    """Return how right the verdicts on these pictures are, the mean over all framings."""
    parts = []
    for framing in FRAMINGS.values():
        copies = [framing(picture) for picture in pictures]
        found = np.stack([landmarks(estimator, copy, look) for copy in copies])
        parts.append(scored(found, bad, np.array(copies[0].shape[1::-1], dtype=float)))
    right, wrong = np.mean(parts, axis=0)
    return {
        "bad called poor": float(right),
        "good called poor": float(wrong),
        "balanced accuracy": float((right + 1 - wrong) / 2),
    }


def table(data: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Return by set and light, and by way of looking, the mean over all framings."""
    rows: dict[str, dict[str, dict[str, float]]] = {}
    with pose.PoseEstimator(real_model(), stills=True) as estimator:
        for name, folder in SETS.items():
            files = {
                bad: sorted((data / "front" / folder / kind).iterdir())
                for bad, kind in ((False, "notSlouching"), (True, "isSlouching"))
            }
            bad = np.repeat([False, True], [len(files[False]), len(files[True])])
            pictures = [cv2.imread(str(file)) for kind in (False, True) for file in files[kind]]
            for light, noise in LIGHT:
                dim = [darkened(picture, light, noise) for picture in pictures]
                rows[f"{name}, light × {light:g}, noise {noise:g}"] = {
                    way: framed(estimator, dim, bad, look) for way, look in WAYS.items()
                }
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    as_json = parser.parse_args().json
    rows = table(data_folder())
    if as_json:
        print(json.dumps(rows))
        return
    print(f"Mean over {len(FRAMINGS)} framings: bad called poor / good called poor / balanced accuracy\n")
    print(f"| pictures | {' | '.join(WAYS)} |")
    print("|---" * (len(WAYS) + 1) + "|")
    for name, row in rows.items():
        cells = [
            f"{c['bad called poor']:.1%} / {c['good called poor']:.1%} / {c['balanced accuracy']:.3f}"
            for c in row.values()
        ]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
