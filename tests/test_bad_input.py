"""Bad input, end to end: one clear line, status 2, no traceback, and nothing that was there is lost.

Bodies come from the rig as landmark tables, so that most of this needs no model.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from rig import SIDE_CAMERA, Body, Camera, Pose, render

from posture_monitor.cli import cli
from posture_monitor.sensing.landmark_table import LandmarkTable, write_table

ROOT = Path(__file__).resolve().parent.parent
FPS = 5


def program(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "posture_monitor", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
    )


def typed(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in this process: the same, but without a second in which libraries are loaded."""
    ended = CliRunner().invoke(cli, list(map(str, arguments)), prog_name="posture-monitor")
    return subprocess.CompletedProcess(arguments, ended.exit_code, ended.stdout, ended.stderr)


def one_line(ended: subprocess.CompletedProcess[str]) -> str:
    """Return the line that a failed command left, and hold it to what every such line must be."""
    assert "Traceback" not in ended.stdout + ended.stderr
    assert ended.returncode == 2, ended.stdout + ended.stderr
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("posture-monitor: ")
    return lines[0].removeprefix("posture-monitor: ")


def sitting(file: Path, seconds: float = 40, camera: Camera | None = None) -> Path:
    """Write somebody who sits upright and fidgets a little, as a landmark table."""
    count = int(seconds * FPS)
    pose = Pose(lean=np.zeros(count))
    landmarks, size = render(
        Body(), pose, camera or Camera(), np.random.default_rng(1), noise_px=0.7, wander_px=0.7
    )
    write_table(
        file, LandmarkTable(np.arange(count) / FPS, np.tile(size, (count, 1)).astype(float), landmarks)
    )
    return file


@pytest.fixture(scope="session")
def upright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sitting(tmp_path_factory.mktemp("tables") / "upright.npz")


@pytest.fixture(scope="session")
def calibrated(upright: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a profile calibrated from the front, called "me"."""
    home = tmp_path_factory.mktemp("calibrated")
    ended = program("calibrate", "--source", upright, "--profile", "me", POSTURE_MONITOR_HOME=str(home))
    assert ended.returncode == 0, ended.stderr
    return home / "profiles"


@pytest.fixture
def profile(home: Path, calibrated: Path) -> Path:
    """Return the file of that profile, copied into this test's own data folder."""
    return Path(shutil.copytree(calibrated, home / "profiles")) / "me.toml"


def clip(file: Path, seconds: int = 4) -> Path:
    video = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (160, 120))
    rng = np.random.default_rng(1)
    for _ in range(seconds * FPS):
        video.write(rng.integers(0, 255, (120, 160, 3), dtype=np.uint8))
    video.release()
    return file


# -- cameras ------------------------------------------------------------------


@pytest.mark.parametrize("command", ["calibrate", "run"])
def test_no_camera(home: Path, command: str) -> None:
    line = one_line(program(command, "--source", "/dev/video63"))
    assert "/dev/video63: no camera there" in line
    assert "--source demo" in line or "/dev/video" in line.split("there", 1)[1]


@pytest.mark.parametrize("command", ["start", "restart"])
def test_a_recording_that_is_not_there_cannot_be_started(home: Path, command: str) -> None:
    line = one_line(program(command, "--source", "/does/not/exist"))
    assert "source '/does/not/exist': no such file or folder" in line


@pytest.fixture
def camera_opens(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], int]], None]:
    """Let opening the device node of a camera that is not there, number 7, do as told."""
    really = os.open

    def tell(answer: Callable[[], int]) -> None:
        def open_node(path: Any, *rest: Any, **named: Any) -> int:
            return answer() if path == "/dev/video7" else really(path, *rest, **named)

        monkeypatch.setattr(os, "open", open_node)

    return tell


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EBUSY, "the camera is busy"), (errno.EACCES, "permission denied; add yourself")],
)
def test_a_camera_in_use_or_forbidden(
    home: Path, camera_opens: Callable[[Callable[[], int]], None], number: int, words: str
) -> None:
    def refuse() -> int:
        raise OSError(number, os.strerror(number))

    camera_opens(refuse)
    line = one_line(typed("calibrate", "--source", "7"))
    assert line.startswith(f"/dev/video7: {words}")


def test_a_camera_that_opencv_cannot_open(
    home: Path, camera_opens: Callable[[Callable[[], int]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shut:
        def __init__(self, *_: Any) -> None: ...

        def isOpened(self) -> bool:  # OpenCV's name
            return False

        def release(self) -> None: ...

    camera_opens(lambda: os.dup(2))
    monkeypatch.setattr(cv2, "VideoCapture", Shut)
    line = one_line(typed("calibrate", "--source", "7"))
    assert "the camera does not open" in line


# -- recordings ---------------------------------------------------------------


def analyzed(source: Path, folder: Path, *neutral: str) -> str:
    """Analyse a source that is no good; the table of an earlier day must stay. Return the line."""
    out = folder / "out.csv"
    out.write_text("of an earlier day\n")
    line = one_line(program("analyze", source, *(neutral or ("--calibrate-first", "18s")), "-o", out))
    assert out.read_text() == "of an earlier day\n"
    assert not [left for left in folder.iterdir() if left.name.startswith((".out", "out.csv."))]
    return line


def test_a_missing_video(home: Path, tmp_path: Path) -> None:
    assert "nowhere.mp4': no such file or folder" in analyzed(tmp_path / "nowhere.mp4", tmp_path)


def test_a_truncated_video(home: Path, tmp_path: Path) -> None:
    whole = clip(tmp_path / "whole.mp4").read_bytes()
    half = tmp_path / "half.mp4"
    half.write_bytes(whole[: len(whole) // 2])
    line = analyzed(half, tmp_path)
    assert line.startswith(f"{half}: ")
    assert "incomplete" in line


def test_a_text_file_that_calls_itself_a_video(home: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a film\n" * 100)
    assert "not a video" in analyzed(text, tmp_path)


def test_an_image_folder_with_a_text_file_in_it(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((60, 80, 3), 90, np.uint8))
    (folder / "notes.txt").write_text("remember the milk")
    line = analyzed(folder, tmp_path)
    assert line.startswith(f"{folder / 'notes.txt'}: not a picture")


def test_a_picture_that_breaks_off(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(1)
    cv2.imwrite(str(folder / "1.jpg"), rng.integers(0, 255, (120, 160, 3), dtype=np.uint8))
    whole = (folder / "1.jpg").read_bytes()
    (folder / "1.jpg").write_bytes(whole[: len(whole) // 2])
    assert str(folder / "1.jpg") in analyzed(folder, tmp_path, "--calibrate-frames", "5")


def test_an_empty_folder(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    assert analyzed(folder, tmp_path) == f"{folder}: no pictures in this folder"


def test_a_landmark_table_with_missing_columns(home: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("t_s,width,height,x0,y0,z0,v0\n0,640,480,0.5,0.5,0,1\n")
    line = analyzed(table, tmp_path)
    assert line.startswith(f"{table}: ")
    assert "x1" in line
    assert "column" in line


# -- profiles -----------------------------------------------------------------


def test_a_profile_that_is_not_there(home: Path, upright: Path, tmp_path: Path) -> None:
    line = one_line(program("analyze", upright, "--profile", "nobody", "-o", tmp_path / "out.csv"))
    assert "nobody" in line
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("command", ["analyze", "run"])
def test_a_profile_of_another_view(profile: Path, tmp_path: Path, command: str) -> None:
    side = sitting(tmp_path / "side.npz", camera=SIDE_CAMERA)
    before = profile.read_bytes()
    if command == "analyze":
        line = one_line(program("analyze", side, "--profile", "me", "-o", tmp_path / "out.csv"))
        assert not (tmp_path / "out.csv").exists()
    else:
        line = one_line(program("run", "--source", side, "--profile", "me"))
    assert "front" in line
    assert "side" in line
    assert profile.read_bytes() == before


def spoilt(profile: Path, old: str, new: str) -> str:
    text = profile.read_text(encoding="utf-8")
    changed, times = re.subn(old, new, text, count=1, flags=re.MULTILINE)
    assert times == 1, f"{old!r} is not in the profile:\n{text}"
    profile.write_text(changed, encoding="utf-8")
    return changed


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (r"= -?\d+\.\d+", "= nan", "nan"),
        (r"= -?\d+\.\d+", '= "much"', "much"),
        (r"^schema\w* = \d+", "schema = 99", "99"),
        (r'^view = "\w+"', 'view = "above"', "above"),
        (r"^view = .*\n", "", "view"),
        (r"\A", "= broken\n", "TOML"),
    ],
)
def test_a_profile_with_nan_or_a_broken_schema(
    profile: Path, upright: Path, tmp_path: Path, old: str, new: str, words: str
) -> None:
    text = spoilt(profile, old, new)
    for command in (
        ("analyze", upright, "--profile", "me", "-o", tmp_path / "out.csv"),
        ("run", "--source", upright, "--profile", str(profile)),
        ("profiles", "show", "me"),
    ):
        line = one_line(typed(*command))
        assert "me.toml" in line
        assert words in line
    assert profile.read_text(encoding="utf-8") == text
    assert not (tmp_path / "out.csv").exists()


def test_a_calibration_that_fails_leaves_the_old_profile(profile: Path, tmp_path: Path) -> None:
    before = profile.read_bytes()
    short = sitting(tmp_path / "short.npz", seconds=1)
    one_line(program("calibrate", "--source", short, "--profile", "me"))
    assert profile.read_bytes() == before


# -- the data folder ----------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the data folder on a disk of one megabyte of its own."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(disk)], capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("mounting a small disk needs root")
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(disk / "home"))
    try:
        yield disk / "home"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    return ballast


def kept() -> tuple[object, ...]:
    """Return what the report of today rests on."""
    reported = program("report", "--format", "json")
    assert reported.returncode == 0, reported.stderr
    day = json.loads(reported.stdout)
    assert day["recorded_s"] > 30
    return day["recorded_s"], day["spans"], day["alerts"]


def test_a_full_disk_is_told_and_keeps_what_was_there(small_disk: Path, upright: Path) -> None:
    assert program("calibrate", "--source", upright, "--profile", "me").returncode == 0
    assert program("run", "--source", upright, "--profile", "me").returncode == 0
    profile = small_disk / "profiles" / "me.toml"
    before = profile.read_bytes()
    day = kept()

    ballast = fill(small_disk.parent)
    assert str(small_disk) in one_line(program("calibrate", "--source", upright, "--profile", "me"))
    assert str(small_disk) in one_line(program("run", "--source", upright, "--profile", "me"))
    ballast.unlink()

    assert profile.read_bytes() == before
    assert kept() == day


@pytest.mark.slow
def test_a_disk_that_fills_while_watching_is_told_in_the_end(small_disk: Path, upright: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "posture_monitor", "run", "--realtime", "--source", str(upright)],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    while not re.match(r"\d\d:\d\d:\d\d ", running.stdout.readline()):
        assert running.poll() is None
    ballast = fill(small_disk.parent)
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 2
    assert "Traceback" not in errors
    line = errors.splitlines()[-1]
    assert line.startswith("posture-monitor: not all that was seen could be kept: no room left")
    assert str(small_disk) in line
    ballast.unlink()
    assert program("run", "--source", upright).returncode == 0
    kept()


@pytest.mark.slow
def test_a_read_only_disk_is_told_and_can_be_read(small_disk: Path, upright: Path) -> None:
    assert program("calibrate", "--source", upright, "--profile", "me").returncode == 0
    assert program("run", "--source", upright, "--profile", "me").returncode == 0
    day = kept()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk.parent)], check=True)

    assert str(small_disk) in one_line(program("calibrate", "--source", upright, "--profile", "me"))
    assert str(small_disk) in one_line(program("run", "--source", upright, "--profile", "me"))
    assert kept() == day


def test_a_data_folder_that_is_a_file(upright: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(tmp_path / "file" / "home"))
    assert "home" in one_line(program("calibrate", "--source", upright, "--profile", "me"))


@pytest.mark.parametrize("output", ["out.csv", "landmarks.npz"])
def test_a_table_that_cannot_be_written(home: Path, upright: Path, tmp_path: Path, output: str) -> None:
    nowhere = tmp_path / "nowhere" / output
    where = ("-o", nowhere) if output == "out.csv" else ("-o", tmp_path / "out.csv", "--landmarks", nowhere)
    assert str(nowhere) in one_line(program("analyze", upright, "--calibrate-first", "18s", *where))
