"""The snapshot of a moment for a bug report: landmarks and what was made of them, and no picture."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import os
import platform
import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from posture_monitor import __version__, paths
from posture_monitor.errors import UserError
from posture_monitor.posture.metrics import METRICS, NAMES, measure
from posture_monitor.service.preview.shot import Shot

#: Version of the snapshot's form.
SNAPSHOT: Final = 1

#: How the name of a saved one begins; local date and time follow.
_NAME: Final = "moment-"


def snapshot_of(shot: Shot) -> dict[str, Any]:
    """Return a moment for a bug report: landmarks, measures, verdict and versions; no picture, no names."""
    landmarks, measures = None, {}
    if shot.landmarks is not None:
        landmarks = [[_round(v, 5) for v in point] for point in shot.landmarks.tolist()]
        measured = measure(shot.landmarks[None], np.array([shot.width, shot.height], dtype=np.float64))
        measures = {name: _round(v, 4) for name, v in zip(NAMES, measured.values[:, 0].tolist(), strict=True)}
    status = shot.status
    return {
        "snapshot": SNAPSHOT,
        "taken": dt.datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions(),
        "picture": {"width": shot.width, "height": shot.height},
        "landmarks": landmarks,
        "metrics": measures,
        "deviations": {angle.name: _round(angle.deviation, 4) for angle in status.angles},
        "units": {metric.name: metric.unit for metric in METRICS},
        "judgement": {
            "activity": status.activity,
            "state": status.state,
            "reason": status.reason,
            "driver": status.driver,
            "confidence": _round(status.confidence, 3),
            "view": status.view,
            "dose": _round(status.dose, 3),
            "starter": status.profile.starter,
            "preset": status.preset,
        },
        "judged_ms": _round(shot.judged_ms, 1),
        "frames_a_second": _round(shot.rate, 2),
    }


def save_snapshot(shot: Shot) -> Path:
    """Write the snapshot of a moment to a file that only this user may read, and return its path."""
    folder = paths.make_private(paths.snapshots_dir())
    path = folder / f"{_NAME}{time.strftime('%Y%m%d-%H%M%S')}.json"
    text = json.dumps(snapshot_of(shot), indent=1, allow_nan=False)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; make room") from error
    return path


def saved(before: dt.date | None = None) -> list[Path]:
    """Return the moments that were saved before a local day; None is all of them."""
    files = paths.snapshots_dir().glob(f"{_NAME}*.json")
    return [file for file in files if before is None or file.stem < f"{_NAME}{before:%Y%m%d}"]


def versions() -> dict[str, str]:
    """Return the versions of what judged: program, Python, system, pose library."""
    from importlib import metadata

    found = {"posture-monitor": __version__, "python": platform.python_version(), "system": platform.system()}
    for name in ("mediapipe", "opencv-python", "numpy", "PySide6-Essentials"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _round(value: float | None, digits: int) -> float | None:
    return round(float(value), digits) if value is not None and math.isfinite(value) else None
