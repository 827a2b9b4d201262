"""The service as a process of its own: what it watches, what can be done to it, and what it has kept."""

from __future__ import annotations

import contextlib
import csv
import math
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from injected import SITECUSTOMIZE
from loopback_camera import LoopbackCamera, clip, jpegs
from program import ROOT, environment, fresh_home, noon
from rig import SCENARIOS, Body, Camera, Pose, render

from posture_monitor.errors import UserError
from posture_monitor.sensing.landmark_table import LandmarkTable, write_table
from posture_monitor.sensing.opencv import cv2
from posture_monitor.service.control import ask

JUDGED = ("good", "mild", "poor")
#: A service in a hurry.
SETTINGS = """
[sampling]
settled_s = 0.5
deviating_s = 0.2
poor_s = 0.5
away_s = 0.5
unmoved_at_most_s = 1.0
[camera]
interval_s = 0.2
[judge]
window_s = 2.0
[alert]
poor_hold_s = 600.0
[service]
tray = false
"""


class Service:
    """The running service, and what can be done to it."""

    def __init__(self, home: Path, source: str, settings: str = SETTINGS, *, hurried: bool = True) -> None:
        self.home, self.source, self.settings, self.hurried = home, source, settings, hurried
        self.faults = home.parent / f"{home.name}-faults"
        self.config = home / "config.toml"
        self.faults.mkdir()
        (self.faults / "sitecustomize.py").write_text(SITECUSTOMIZE)
        self.process: subprocess.Popen[bytes] | None = None
        self.desktop = False
        # About noon, so that all of it lies in one day.
        self.timezone = noon()

    @property
    def environment(self) -> dict[str, str]:
        # An index that is not there: the model's file cannot be fetched.
        nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1"}
        injected = {
            "PYTHONPATH": f"{self.faults}:{ROOT / 'tests'}:{ROOT}",
            "POSTURE_MONITOR_FAULTS": str(self.faults),
        }
        ours = environment(self.home, desktop=self.desktop, TZ=self.timezone, **nowhere)
        return {**ours, **(injected if self.hurried else {})}

    def begin(self, well: bool = True) -> None:
        """Start it and wait until it watches."""
        self.config.write_text(self.settings)
        command = [sys.executable, "-m", "posture_monitor", "run", "--detached", "--source", self.source]
        with (self.home.parent / "errors").open("ab") as errors:
            self.process = subprocess.Popen(
                [*command, "--config", self.config],
                env=self.environment,
                stderr=errors,
            )
        if well:
            self.well(40)

    def ask(self, do: str, **args: Any) -> dict[str, Any]:
        with mock.patch.dict(os.environ, POSTURE_MONITOR_HOME=str(self.home)):
            return ask(do, timeout_s=5.0, **args)

    def status(self) -> dict[str, Any]:
        with contextlib.suppress(UserError):
            return self.ask("status")
        return {"activity": "", "camera": {}, "looks": -1}

    def until(self, what: Callable[[dict[str, Any]], Any], seconds: float = 15.0) -> dict[str, Any]:
        """Return the first status of which this is so."""
        end_s = time.monotonic() + seconds
        while not what(told := self.status()):
            assert self.lives, f"it ended: {self.log()[-5:]}"
            assert time.monotonic() < end_s, f"not within {seconds} s: {told}"
            time.sleep(0.05)
        return told

    def well(self, seconds: float = 15.0) -> dict[str, Any]:
        """Wait until posture is seen again."""
        return self.until(lambda s: s["activity"] == "watching" and s["state"] == "good", seconds)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def lives(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def eye(self) -> int:
        """The camera's process."""
        found = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return int(found[0]) if found else 0

    def put(self, name: str, word: str) -> None:
        """Say to the injected faults what is to be."""
        (self.faults / f"{name}.new").write_text(word)
        os.replace(self.faults / f"{name}.new", self.faults / name)

    def log(self) -> list[str]:
        return (self.home / "logs" / "monitor.log").read_text().splitlines()

    def claimed_s(self, from_s: float, to_s: float, states: tuple[str, ...] = JUDGED) -> float:
        """Return for how long the history claims these states within a stretch of time."""
        return math.fsum(
            max(0.0, min(span["end_s"], to_s) - max(span["start_s"], from_s))
            for span in spans(self.home)
            if span["state"] in states
        )

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Bench:
    """A service before a camera, shared by the tests and mended between them."""

    def __init__(self, folder: Path, good: list[bytes], slouch: list[bytes]) -> None:
        self.good, self.slouch = good, slouch
        self.camera = LoopbackCamera(good)
        self.service = Service(fresh_home(folder / "home"), self.camera.url)

    def mend(self) -> None:
        for word in ("eye", "clock"):
            self.service.put(word, "")
        self.camera.show(self.good)
        self.camera.hanging = False
        if self.camera._server is None:
            self.camera.plug_in()
        if not self.service.lives:
            self.service.begin()
        self.service.well()


def pictures(shared_data: Path) -> tuple[list[bytes], list[bytes]]:
    """Return a person sitting well, and the same one slouching and tilted, each with a sensor's noise."""
    path = shared_data / "front" / "front_bright.avi"
    with path.with_suffix(".csv").open() as file:
        labels = [row["label"] for row in csv.DictReader(file)]
    frames = [cv2.resize(picture, (640, 640)) for picture in clip(path)]
    rng = np.random.default_rng(2)

    def sitting(label: str, tilted_deg: float = 0.0) -> list[bytes]:
        turn = cv2.getRotationMatrix2D((320, 320), tilted_deg, 1.0)
        picture = frames[labels.index(label) + 3]
        picture = cv2.warpAffine(picture, turn, (640, 640), borderMode=cv2.BORDER_REPLICATE)
        noise = (rng.normal(0, 2, picture.shape) for _ in range(30))
        return jpegs([np.clip(picture + n, 0, 255).astype(np.uint8) for n in noise])

    # A starter profile has coarse limits: the slouch has to be a plain one.
    return sitting("good"), sitting("slouch", 6.0)


def sitting_table(folder: Path, seconds: float, *, good_s: float = 1.0, poor_s: float = 0.0) -> Path:
    """Return a recording of somebody sitting well and slumping by turns; it is played as if now."""
    path = folder / "sitting.csv"
    t_s = np.arange(0.0, seconds, 0.1)
    parts = []
    for pose in (Pose(), SCENARIOS["slump_deep"]):
        held = pose + Pose(lean=np.zeros(len(t_s)))
        parts.append(render(Body(), held, Camera(), np.random.default_rng(3), wander_px=0.5, t_s=t_s))
    size = parts[0][1]
    low = t_s % (good_s + poor_s) >= good_s
    points = np.where(low[:, None, None], parts[1][0], parts[0][0]).astype(np.float32)
    write_table(path, LandmarkTable(t_s, np.tile(size.astype(float), (len(t_s), 1)), points))
    return path


def open_files(pid: int) -> set[str]:
    """Return what a process has open, as the system names it."""
    found = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(os.readlink(handle))
    return found


def spans(home: Path) -> list[dict[str, Any]]:
    with contextlib.closing(sqlite3.connect(home / "history.sqlite3")) as database:
        database.row_factory = sqlite3.Row
        return [dict(row) for row in database.execute("SELECT * FROM spans ORDER BY start_s, seq")]
