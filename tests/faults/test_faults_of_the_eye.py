"""The camera fails, or the pose model."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from control_groups import memory_group
from loopback_camera import jpegs
from program import fresh_home
from real_service import JUDGED, Bench, Service

from posture_monitor.sensing.opencv import cv2

pytestmark = [pytest.mark.slow]


def nothing_is_claimed(
    bench: Bench, *states: str, claims: tuple[str, ...] = JUDGED, seconds: float = 0.8
) -> None:
    """Leave what is amiss for a while, then mend it: it is told as one of these states, and none is kept."""
    began_s = time.time()
    time.sleep(seconds)
    assert not states or bench.service.status()["state"] in states
    ended_s = time.time()
    bench.mend()
    assert bench.service.claimed_s(began_s, ended_s, claims) == 0.0


def test_unplugged_and_plugged_in(watched: Bench) -> None:
    watched.camera.unplug()
    told = watched.service.until(lambda s: s["activity"] == "trouble")
    assert told["camera"]["trouble"] in ("gone", "unplugged")
    assert "\n" not in told["why"]
    nothing_is_claimed(watched, "unknown")


def test_a_camera_that_hangs(watched: Bench) -> None:
    watched.camera.hanging = True
    told = watched.service.until(lambda s: s["activity"] == "trouble")
    assert told["camera"]["trouble"] in ("hangs", "gone")
    nothing_is_claimed(watched, "unknown")  # tried again meanwhile


@pytest.mark.parametrize("trouble", ["black", "covered", "frozen"])
def test_a_picture_that_shows_nothing(watched: Bench, trouble: str) -> None:
    grey = np.full((640, 640, 3), {"black": 0, "covered": 60, "frozen": 0}[trouble], dtype=np.uint8)
    watched.camera.show(watched.slouch[:1] if trouble == "frozen" else jpegs([grey]))
    told = watched.service.until(lambda s: s["activity"] == "trouble")
    assert told["camera"]["trouble"] == trouble
    nothing_is_claimed(watched, "unknown")


def _passed_over(watched: Bench, broken: list[bytes]) -> None:
    watched.camera.show(broken)
    nothing_is_claimed(watched, claims=("poor", "mild"), seconds=1.2)


def test_half_pictures_are_passed_over(watched: Bench) -> None:
    _passed_over(watched, [picture[: len(picture) // 2] for picture in watched.slouch])


def test_pictures_whose_lower_half_is_missing(watched: Bench) -> None:
    """Cut off and closed again, such a picture can be decoded; what is missing is of one tone then."""
    _passed_over(watched, [picture[: len(picture) // 3] + b"\xff\xd9" for picture in watched.good])


def test_pictures_of_another_size_each(watched: Bench) -> None:
    service = watched.service
    whole = cv2.imdecode(np.frombuffer(watched.good[0], np.uint8), cv2.IMREAD_COLOR)
    sizes = ((160, 120), (1280, 720), (31, 700), (640, 640), (2, 2))
    rng = np.random.default_rng(4)
    noisy = [cv2.resize(whole, size) + rng.integers(0, 3, (size[1], size[0], 3)) for size in sizes]
    looks = service.status()["looks"]
    watched.camera.show(jpegs([np.clip(picture, 0, 255).astype(np.uint8) for picture in noisy]))
    service.until(lambda s: s["looks"] >= looks + 4 or s["activity"] == "trouble")
    time.sleep(1.0)
    watched.mend()


@pytest.mark.parametrize("fault", ["raises", "memory", "no memory", "crashes"])
def test_a_pose_model_that_fails(watched: Bench, fault: str) -> None:
    watched.service.put("eye", fault)
    told = watched.service.until(lambda s: s["activity"] == "trouble")
    assert told["camera"]["trouble"] == "failed"
    assert "\n" not in told["why"]
    assert told["state"] == "unknown"
    assert told["reason"] == "camera: failed"
    nothing_is_claimed(watched)


@pytest.mark.parametrize("nonsense", ["nan", "outside", "swapped"])
def test_a_pose_model_that_talks_nonsense(watched: Bench, nonsense: str) -> None:
    watched.service.put("eye", nonsense)
    watched.service.until(lambda s: s["state"] != "good")
    nothing_is_claimed(watched, "unknown", "away")


def test_the_eye_killed(watched: Bench) -> None:
    service = watched.service
    before = service.eye
    os.kill(before, signal.SIGKILL)
    service.until(lambda s: s["activity"] == "trouble")
    service.well()
    assert service.eye not in (0, before)


def test_memory_that_runs_out(watched: Bench) -> None:
    """The kernel itself kills the eye, and each that follows it, until there is memory again."""
    service, lines, began_s = watched.service, len(watched.service.log()), time.time()
    assert Path(f"/proc/{service.eye}/oom_score_adj").read_text() == "500\n"
    looks = service.status()["looks"]
    service.until(lambda s: s["looks"] >= looks + 3)
    with memory_group(48 << 20) as memory:
        memory.take(service.pid)
        short_s = time.time()
        os.kill(service.eye, signal.SIGKILL)  # the next one is born into the group
        told = service.until(lambda s: s["activity"] == "trouble" and memory.kills >= 3, 30)
        assert told["camera"]["trouble"] == "failed"
        assert "memory may have run out" in told["why"]
        assert "\n" not in told["why"]
        assert told["state"] == "unknown"
        assert told["reason"] == "camera: failed"
        assert service.claimed_s(short_s + 1.5, time.time()) == 0.0
        memory.free()
        service.well()
        assert len([line for line in service.log()[lines:] if "no picture" in line]) == 1
    assert service.claimed_s(began_s, short_s) >= short_s - began_s - 0.7, "what was seen before is lost"


def test_an_eye_that_stands_still(watched: Bench) -> None:
    """As in a driver that does not return: it is ended, and another begun."""
    service = watched.service
    before = service.eye
    os.kill(before, signal.SIGSTOP)
    told = service.until(lambda s: s["activity"] == "trouble", 10)
    assert told["camera"]["trouble"] == "hangs"
    service.well()
    assert service.eye != before


@pytest.mark.parametrize("fault", ["deleted", "truncated"])
def test_the_model_file_broken_while_running(watched: Bench, fault: str) -> None:
    service = watched.service
    model = service.home / "models" / "pose_landmarker_full.task"
    whole = model.read_bytes()
    if fault == "deleted":
        model.unlink()
    else:
        os.truncate(model, 100_000)
    time.sleep(0.5)
    assert service.status()["activity"] == "watching", "what is in memory goes on"
    lines = len(service.log())
    service.ask("pause", until_s=None)
    service.ask("resume")
    told = service.until(lambda s: s["activity"] == "trouble", 30)
    assert told["camera"]["trouble"] == "no model"
    assert told["why"]
    assert "\n" not in told["why"]
    time.sleep(0.7)
    said = [line for line in service.log()[lines:] if "no model" in line]
    assert len(said) == 1, said
    (model.parent / "whole").write_bytes(whole)
    os.replace(model.parent / "whole", model)
    service.well(30)


@pytest.mark.parametrize("fault", ["missing", "truncated"])
def test_started_without_a_whole_model(bench: Bench, tmp_path: Path, fault: str) -> None:
    service = Service(fresh_home(tmp_path / "home"), bench.camera.url)
    bench.camera.show(bench.good)
    model = service.home / "models" / "pose_landmarker_full.task"
    whole = model.read_bytes()
    model.write_bytes(whole[:100_000])
    if fault == "missing":
        model.unlink()
    try:
        service.begin(well=False)
        told = service.until(lambda s: s["activity"] == "trouble", 40)
        assert told["camera"]["trouble"] == "no model"
        assert told["why"]
        assert "\n" not in told["why"]
        model.write_bytes(whole)
        service.well(30)
        assert len([line for line in service.log() if "no model" in line]) == 1
    finally:
        service.end()
