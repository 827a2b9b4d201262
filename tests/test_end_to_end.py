"""The main job through the command line: calibrate, run, report, analyse, stop, and start again."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typed
from loopback_camera import LoopbackCamera, jpegs
from program import done, fresh_home, noon, program, rows, started
from recording_maker import recorded
from rig import SIDE_CAMERA, Pose
from waiting import wait_for

from posture_monitor.posture.metrics import NAMES
from posture_monitor.sensing import demo
from posture_monitor.service.profile_file import read_profile

MORNING = "2026-03-02T09:00:00Z"


@pytest.fixture(scope="module")
def modelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with the model in it, shared by tests that leave nothing else there."""
    return fresh_home(tmp_path_factory.mktemp("modelled") / "home")


def reported(home: Path, day: str = "today", *, TZ: str = "UTC") -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done("report", day, "--format", "json", home=home, TZ=TZ))
    return told


# -- a morning, from the camera's clip to the report ---------------------------------


class Morning:
    """``calibrate``, then ``run``, on the labelled clip of somebody who slouches twice."""

    def __init__(self, clip: Path, home: Path, settings: Path) -> None:
        self.clip, self.home = clip, home
        settings.write_text("[alert]\npoor_hold_s = 8\n")
        self.settings = settings
        self.calibrated = done(
            "calibrate", "--source", clip, "--seconds", "18s", "--profile", "me", home=home
        )
        self.printed = self.run()
        self.day = self.report()

    def run(self) -> str:
        at = ("--started-at", MORNING, "--config", self.settings)
        return done("run", "--source", self.clip, "--profile", "me", *at, home=self.home)

    def report(self) -> dict[str, Any]:
        return reported(self.home, "2026-03-02")


@pytest.fixture(scope="module")
def morning(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Morning:
    folder = tmp_path_factory.mktemp("morning")
    return Morning(
        shared_data / "front" / "front_bright.avi", fresh_home(folder / "home"), folder / "config.toml"
    )


@pytest.mark.slow
@pytest.mark.data
def test_the_day_is_what_the_labels_say(morning: Morning) -> None:
    seconds = morning.day["seconds"]
    assert seconds["good"] + seconds["mild"] == pytest.approx(40, abs=6)
    assert seconds["poor"] == pytest.approx(25, abs=6)
    assert seconds["away"] == seconds["unknown"] == 0
    assert morning.day["recorded_s"] == pytest.approx(65, abs=1)
    assert morning.day["coverage"] == pytest.approx(1, abs=0.02)
    assert morning.day["longest_poor_s"] == pytest.approx(20, abs=3)
    assert morning.day["longest_poor"]["start"].startswith("2026-03-02T09:00:2")
    assert morning.day["angles"]["head_height"]["median"] < 0
    assert morning.day["angles"]["trunk_incl"] is None, "no trunk angle can be had from the front"


@pytest.mark.slow
@pytest.mark.data
def test_the_long_slouch_is_alerted_and_the_short_one_is_not(morning: Morning) -> None:
    (alert,) = morning.day["alerts"]
    assert alert["driver"] == "face_size"  # he slides down and back: the face gets smaller
    assert alert["deviation"] < -5
    assert alert["held_s"] == pytest.approx(8, abs=1.5)
    assert alert["time"].startswith("2026-03-02T09:00:3")
    assert alert["followed"] == "corrected"
    assert alert["title"] in morning.printed


@pytest.mark.slow
@pytest.mark.data
def test_the_profile_is_for_people_to_read(morning: Morning) -> None:
    file = morning.home / "profiles" / "me.toml"
    text = file.read_text(encoding="utf-8")
    assert "schema = 1" in text
    assert "cm" in re.findall(r"^head_height = .*# (.*)$", text, re.MULTILINE)[0]
    profile = read_profile(file)
    assert (profile.width, profile.height) == (224, 224)
    assert "front_bright.avi" in profile.camera
    assert profile.neutral.frames == 90
    assert "trunk_incl" not in profile.neutral.measurable
    assert "Not measurable from here: trunk inclination" in morning.calibrated


@pytest.mark.slow
@pytest.mark.data
def test_a_second_replay_of_the_same_hour_does_not_double_the_day(morning: Morning) -> None:
    morning.run()
    again = morning.report()
    assert again == morning.day


def test_a_recording_without_a_start_ends_now_and_lies_in_the_past(tmp_path: Path) -> None:
    table = recorded(tmp_path / "table.npz", (Pose(), 40))
    home, zone = tmp_path / "home", noon()
    done("run", "--source", table, home=home, TZ=zone)
    day = reported(home, TZ=zone)
    assert 0 <= time.time() - kept_until(day) < 30
    assert day["recorded_s"] == pytest.approx(40, abs=1)


@pytest.mark.usefixtures("home")
def test_trunk_and_neck_angles_of_the_side_view_reach_the_report(tmp_path: Path) -> None:
    upright = recorded(tmp_path / "upright.npz", (Pose(), 30), camera=SIDE_CAMERA)
    leaning = recorded(tmp_path / "leaning.npz", (Pose(), 60), (Pose(lean=25), 180), camera=SIDE_CAMERA)
    typed.done("calibrate", "--source", upright, "--profile", "beside")
    typed.done("run", "--source", leaning, "--profile", "beside", "--started-at", "2026-03-02T09:00")
    day = json.loads(typed.done("report", "2026-03-02", "--format", "json"))
    assert day["angles"]["trunk_incl"]["median"] == pytest.approx(25, abs=3)
    assert day["angles"]["neck_incl"] is not None
    assert [alert["driver"] for alert in day["alerts"]][:1] == ["trunk_incl"]
    assert re.search(r"trunk inclination +\+2[2-8]°", typed.done("report", "2026-03-02"))


# -- calibrating -------------------------------------------------------------------


def refused(home: Path, source: Path) -> str:
    ended = program("calibrate", "--source", source, "--profile", "me", home=home)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert not (home / "profiles" / "me.toml").exists()
    line: str = ended.stderr.splitlines()[-1]
    return line


@pytest.mark.slow
@pytest.mark.data
def test_calibrating_in_the_dark_or_in_company_is_refused(
    shared_data: Path, modelled: Path, tmp_path: Path
) -> None:
    dark, company = tmp_path / "dark", tmp_path / "company"
    for folder, clip, first, light in (
        (dark, shared_data / "front" / "front_dim.avi", 0, 0.12),
        # The model finds the second of the two only in the last third.
        (company, shared_data / "room" / "two_people_head_tilt.avi", 34, 1.0),
    ):
        folder.mkdir()
        capture = cv2.VideoCapture(str(clip))
        for number in range(first + 20):
            read, picture = capture.read()
            assert read
            if number >= first:
                cv2.imwrite(str(folder / f"{number}.png"), (picture * light).astype(np.uint8))
        capture.release()
    assert "too dark" in refused(modelled, dark)
    assert "more than one person" in refused(modelled, company)


def test_a_starter_stands_in_until_there_is_a_profile(home: Path, tmp_path: Path) -> None:
    table = recorded(tmp_path / "table.npz", (Pose(), 30))
    listed = typed.done("profiles", "list")
    for starter in ("front", "oblique", "side"):
        assert re.search(rf"^{starter} +starter", listed, re.MULTILINE)
        assert f"{starter} (starter" in typed.done("profiles", "show", starter)
    assert "starter limits (make them your own" in typed.done("run", "--source", table)
    typed.done("calibrate", "--source", table)
    assert (home / "profiles" / "default.toml").stat().st_mode & 0o077 == 0
    assert "against profile 'default'" in typed.done("run", "--source", table)


# -- a network camera -----------------------------------------------------------------


def wait_for_the_first_state(running: subprocess.Popen[str]) -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if re.match(r"\d\d:\d\d:\d\d ", line):
            return
    pytest.fail(running.communicate()[1])


def kept_until(day: dict[str, Any]) -> float:
    """Return when the last span of a day ends, in POSIX seconds."""
    return datetime.fromisoformat(day["spans"][-1]["end"]).timestamp()


@pytest.fixture(scope="module")
def network_camera() -> Iterator[str]:
    """Return the address, on this machine, of a camera that shows the demo."""
    with LoopbackCamera(jpegs([demo.picture(step / 10) for step in range(100)]), fps=10) as camera:
        yield camera.url.replace("://", "://me:secret@")


@pytest.mark.slow
def test_a_network_camera_is_watched_until_ctrl_c(network_camera: str, tmp_path: Path) -> None:
    home, zone = fresh_home(tmp_path / "home"), noon()
    running = started("run", "--source", network_camera, home=home, TZ=zone)
    wait_for_the_first_state(running)
    time.sleep(8)
    asked_s = time.time()
    running.send_signal(signal.SIGINT)
    printed, errors = running.communicate(timeout=30)
    assert running.returncode == 0
    assert time.time() - asked_s < 2
    assert "secret" not in printed + errors
    day = reported(home, TZ=zone)
    assert day["recorded_s"] >= 3
    # A camera is looked at every six seconds while all is settled; the last look counts.
    assert kept_until(day) == pytest.approx(asked_s, abs=7.5)
    assert day["seconds"]["away"] == 0


@pytest.mark.slow
def test_a_network_camera_is_calibrated_on_and_known_again(network_camera: str, tmp_path: Path) -> None:
    home = fresh_home(tmp_path / "home")
    printed = done("calibrate", "--source", network_camera, "--seconds", "8", "--profile", "me", home=home)
    assert "Sit as you would like to sit" in printed
    profile = read_profile(home / "profiles" / "me.toml")
    assert profile.neutral.frames > 12
    assert "127.0.0.1" in profile.camera
    assert "secret" not in (home / "profiles" / "me.toml").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_camera_that_is_lost_is_told_and_what_it_saw_is_kept(tmp_path: Path) -> None:
    home, zone = fresh_home(tmp_path / "home"), noon()
    with LoopbackCamera(jpegs([np.full((120, 160, 3), 90, np.uint8)])) as camera:
        url = camera.url.replace("http://", "http://me:secret@")
        running = started("run", "--source", url, home=home, TZ=zone)
        try:
            wait_for(lambda: camera.clients, 30)
            time.sleep(8.0)
            camera.unplug()
            time.sleep(4.0)
            camera.plug_in()
            wait_for(lambda: camera.clients, 15)
        finally:
            running.send_signal(signal.SIGINT)
            told, errors = running.communicate(timeout=30)
    assert running.returncode == 0, errors
    assert "no camera" in told
    assert "Traceback" not in errors
    assert "secret" not in told + errors
    assert reported(home, TZ=zone)["recorded_s"] >= 3


# -- analyze --------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.data
def test_the_landmarks_written_give_the_same_verdicts(
    shared_data: Path, modelled: Path, tmp_path: Path
) -> None:
    def analyzed(source: Path, *options: str | Path) -> list[dict[str, str]]:
        out = tmp_path / "out.csv"
        done("analyze", source, "--calibrate-first", "3s", "-o", out, *options, home=modelled)
        return rows(out)

    first, second = tmp_path / "landmarks.npz", tmp_path / "landmarks.csv"
    seen = analyzed(shared_data / "room" / "one_person_still.avi", "--landmarks", first)
    assert len(seen) == 62
    for again in (analyzed(first, "--landmarks", second), analyzed(second)):
        for one, other in zip(seen, again, strict=True):
            for column in ("t_s", "present", "view", "verdict", "state", "signal", "driver", "calibration"):
                assert one[column] == other[column]
            for column in ("slouch_index", *NAMES):
                assert bool(one[column]) == bool(other[column])
                if one[column]:
                    assert float(one[column]) == pytest.approx(float(other[column]), abs=2e-3)


@pytest.mark.slow
@pytest.mark.data
def test_on_a_recording_that_begins_in_company_nobody_is_calibrated(
    shared_data: Path, modelled: Path, tmp_path: Path
) -> None:
    clip, table = shared_data / "room" / "three_people_approach.avi", tmp_path / "out.csv"
    ended = program("analyze", clip, "--calibrate-first", "3s", "-o", table, home=modelled)
    assert ended.returncode == 2
    assert "more than one person" in ended.stderr.splitlines()[-1]
    assert not table.exists()


def stills(shared_data: Path) -> list[Path]:
    """Return 15 stills of somebody upright and 10 of him slouching."""
    folder = shared_data / "front" / "low-isSlouching__high-notSlouching"
    return [
        *sorted((folder / "notSlouching").glob("*.jpg"))[:15],
        *sorted((folder / "isSlouching").glob("*.jpg"))[:10],
    ]


@pytest.mark.slow
@pytest.mark.data
def test_stills_are_judged_each_on_its_own_by_the_first_of_them(
    shared_data: Path, modelled: Path, tmp_path: Path
) -> None:
    photos, rng = stills(shared_data), np.random.default_rng(11)
    shuffled = [*rng.permutation(15).tolist(), *(15 + rng.permutation(10)).tolist()]
    told: list[dict[str, dict[str, str]]] = []
    for name, order in (("straight", range(25)), ("shuffled", shuffled)):
        (tmp_path / name).mkdir()
        for rank, number in enumerate(order):
            shutil.copy(photos[number], tmp_path / name / f"{rank:03d}.jpg")
        out = tmp_path / f"{name}.csv"
        done("analyze", tmp_path / name, "--calibrate-frames", "15", "-o", out, home=modelled)
        found = rows(out)
        assert [row["calibration"] for row in found] == ["calibration"] * 15 + [""] * 10
        assert all(row["t_s"] == "" and row["state"] == row["verdict"] for row in found)
        told.append({n: {**row, "frame": "", "name": ""} for n, row in zip(order, found, strict=True)})
    assert told[0] == told[1]
    verdicts = [told[0][number]["verdict"] for number in range(25)]
    assert "poor" not in verdicts[:15]
    assert verdicts[15:].count("poor") >= 9
