"""The demo: the same every time, and seen by the real model as what it says it is."""

from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from posture_monitor.errors import UserError
from posture_monitor.posture import landmarks as lm
from posture_monitor.sensing import demo
from posture_monitor.sensing.model import ensure_model
from posture_monitor.sensing.pose import PoseEstimator
from posture_monitor.sensing.sources import open_source


@pytest.fixture(scope="module")
def estimator() -> Iterator[PoseEstimator]:
    """Return the real model: the bundle POSTURE_MONITOR_MODEL names, else the program's own."""
    own = os.environ.get("POSTURE_MONITOR_MODEL")
    try:
        bundle = ensure_model(Path(own) if own else None)
    except UserError as error:
        pytest.skip(f"no pose model: {error}")
    with PoseEstimator(bundle, stills=True) as found:
        yield found


def seen(estimator: PoseEstimator, moments: list[float]) -> np.ndarray:
    """Return pixels ``(N, 33, 2)`` of the one person on each picture."""
    people = [estimator.detect(demo.picture(t_s)) for t_s in moments]
    assert [len(found) for found in people] == [1] * len(moments)
    found = np.concatenate(people)
    shoulders = [lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER]
    assert (found[:, [*range(11), *shoulders], 3] > 0.9).all()
    inside = (found[:, shoulders, :2] > 0.02) & (found[:, shoulders, :2] < 0.98)
    assert inside.all()
    return found[:, :, :2] * [demo.WIDTH, demo.HEIGHT]


def ratios(points: np.ndarray) -> tuple[float, float]:
    """Return the medians of eyes over shoulders in eye distances, and of eye distance over shoulders."""
    eyes, shoulders = points[:, [3, 6]], points[:, [11, 12]]
    eye = np.linalg.norm(eyes[:, 0] - eyes[:, 1], axis=1)
    wide = np.linalg.norm(shoulders[:, 0] - shoulders[:, 1], axis=1)
    drop = shoulders[:, :, 1].mean(axis=1) - eyes[:, :, 1].mean(axis=1)
    return float(np.median(drop / eye)), float(np.median(eye / wide))


def test_the_model_sees_a_slump(estimator: PoseEstimator) -> None:
    high, near = ratios(seen(estimator, [1.0, 5.0, 9.0, 13.0, 17.0]))
    low, nearer = ratios(seen(estimator, [25.0, 30.0, 35.0, 40.0, 46.0]))
    assert low / high <= 0.85
    assert nearer / near >= 1.08


def test_the_model_sees_that_it_is_undone(estimator: PoseEstimator) -> None:
    high, near = ratios(seen(estimator, [1.0, 9.0, 17.0]))
    again, near_again = ratios(seen(estimator, [52.0, 55.0, 70.0, 74.0]))
    assert again / high == pytest.approx(1, abs=0.06)
    assert near_again / near == pytest.approx(1, abs=0.06)


def test_the_model_sees_nobody_in_the_empty_room(estimator: PoseEstimator) -> None:
    assert [len(estimator.detect(demo.picture(t_s))) for t_s in (60.2, 62.0, 64.0, 66.8)] == [0] * 4


def test_phases_cover_every_state_in_order() -> None:
    phases = demo.PHASES
    assert [label for *_, label in phases] == ["good", "poor", "good", "away", "good"]
    assert phases[0][0] == 0
    assert phases[0][1] >= 15  # long enough to calibrate on
    assert phases[-1][1] == demo.DEMO_SECONDS
    assert all(start < end for start, end, _ in phases)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(phases))


@pytest.mark.slow
def test_it_plays_as_a_source_and_says_what_it_is() -> None:
    with open_source("demo", started_at=100.0) as source:
        frames = list(source.frames())
    assert source.name == "demo (made from one photograph)"
    assert (source.live, source.stills, source.total) == (False, False, len(frames))
    assert frames[-1].t_s == pytest.approx(demo.DEMO_SECONDS, abs=0.5)
    assert frames[-1].wall_s == pytest.approx(100 + frames[-1].t_s)
    assert all(f.image is not None and f.image.shape == (480, 640, 3) for f in frames)


def test_the_same_moment_is_the_same_picture_in_another_process() -> None:
    code = "import zlib; from posture_monitor.sensing.demo import picture; print(zlib.crc32(picture(33.4)))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout == here.stdout
    assert not np.array_equal(demo.picture(33.4), demo.picture(33.6))


@pytest.mark.slow
def test_nothing_moves_in_leaps() -> None:
    moments = np.arange(0, demo.DEMO_SECONDS, 0.2)
    small = [demo.picture(float(t_s))[::8, ::8].astype(float) for t_s in moments]
    jumps = [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(small)]
    walking = [58 <= t_s <= 60.2 or 66.8 <= t_s <= 69.2 for t_s in moments[1:]]
    assert max(j for j, walks in zip(jumps, walking, strict=True) if not walks) < 9
    assert min(jumps) > 0.5  # a sensor is never still


def test_matplotlib_itself_is_not_imported() -> None:
    code = "import sys; from posture_monitor.sensing.demo import picture; picture(0); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "posture_monitor.sensing.demo" in done.stdout.split()
    assert "matplotlib" not in done.stdout.split()


def test_without_the_portrait_there_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"portrait.*pip install"):
        open_source("demo")
