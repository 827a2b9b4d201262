"""Recordings: of the rig's body as landmark tables, which need no camera and no model, and of the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rig import Body, Camera, Pose, render

from posture_monitor.posture.landmarks import nobody
from posture_monitor.sensing import demo
from posture_monitor.sensing.landmark_table import LandmarkTable, write_table


def bodies(
    *parts: tuple[Pose | None, float], camera: Camera | None = None, fps: float = 5, **noise: float
) -> LandmarkTable:
    """Return somebody who sits so, and then so, each for some seconds; None is nobody.

    The noise is that of `rig.render`; half a pixel if nothing is said of it.
    """
    rng, camera = np.random.default_rng(5), camera or Camera()
    pieces = []
    for pose, seconds in parts:
        count = round(seconds * fps)
        if pose is None:
            pieces.append(nobody(count))
        else:
            pieces.append(render(Body(), pose * np.ones(count), camera, rng, **{"noise_px": 0.5, **noise})[0])
    landmarks = np.concatenate(pieces)
    sizes = np.tile([float(camera.width), float(camera.height)], (len(landmarks), 1))
    return LandmarkTable(np.arange(len(landmarks)) / fps, sizes, landmarks)


def recorded(file: Path, *parts: tuple[Pose | None, float], **how: Any) -> Path:
    """Write such a table, and return its file."""
    write_table(file, bodies(*parts, **how))
    return file


def filmed(file: Path, seconds: float, fps: float = 5) -> Path:
    """Write a clip of so much of the demo, which has somebody in it, and return its file."""
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), fps, (demo.WIDTH, demo.HEIGHT))
    for number in range(round(seconds * fps)):
        writer.write(demo.picture(number / fps))
    writer.release()
    return file
