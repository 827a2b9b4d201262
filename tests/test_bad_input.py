"""Bad input, as it is typed: one clear line, status 2, no traceback, and nothing that was there is lost.

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
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import program
import pytest
from disks import fill, mounted
from recording_maker import recorded
from rig import SIDE_CAMERA, Pose
from typed import done, refused

FIDGETS = {"noise_px": 0.7, "wander_px": 0.7}


@pytest.fixture(scope="session")
def upright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("tables") / "upright.npz", (Pose(), 40), **FIDGETS)


@pytest.fixture(scope="session")
def calibrated(upright: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a profile calibrated from the front, called "me"."""
    home = tmp_path_factory.mktemp("calibrated")
    program.done("calibrate", "--source", upright, "--profile", "me", home=home)
    return home / "profiles"


@pytest.fixture
def profile(home: Path, calibrated: Path) -> Path:
    """Return the file of that profile, copied into this test's own data folder."""
    return Path(shutil.copytree(calibrated, home / "profiles")) / "me.toml"


# -- cameras ------------------------------------------------------------------


@pytest.mark.parametrize("command", ["calibrate", "run"])
def test_no_camera(home: Path, command: str) -> None:
    line = refused(command, "--source", "/dev/video63")
    assert "/dev/video63: no camera there" in line
    assert "--source demo" in line or "/dev/video" in line.split("there", 1)[1]


@pytest.mark.parametrize("command", ["calibrate", "run", "start", "restart"])
def test_an_empty_source_is_not_taken_for_the_default(home: Path, command: str) -> None:
    assert "--source '': it must not be empty" in refused(command, "--source", "")


@pytest.mark.parametrize("command", ["start", "restart"])
def test_a_recording_that_is_not_there_cannot_be_started(home: Path, command: str) -> None:
    line = refused(command, "--source", "/does/not/exist")
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
    assert refused("calibrate", "--source", "7").startswith(f"/dev/video7: {words}")


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
    assert "the camera does not open" in refused("calibrate", "--source", "7")


# -- recordings ---------------------------------------------------------------


def folder_of(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        cv2.imwrite(str(folder / name), np.random.default_rng(1).integers(0, 255, (90, 90, 3), np.uint8))
    return folder


def half(file: Path) -> Path:
    """Break a file off in its middle."""
    os.truncate(file, file.stat().st_size // 2)
    return file


def clip(file: Path) -> Path:
    video = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), 5, (160, 120))
    for level in range(20):
        video.write(np.full((120, 160, 3), 10 * level, np.uint8))
    video.release()
    return file


def text(file: Path, content: str = "not a film\n" * 100) -> Path:
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda at: at / "nowhere.mp4", "nowhere.mp4': no such file or folder"),
        (lambda at: half(clip(at / "half.mp4")), "half.mp4: .*incomplete"),
        (lambda at: text(at / "notes.mp4"), "not a video"),
        (lambda at: text(folder_of(at / "p", "0.png", "1.png") / "a.txt").parent, "p/a.txt: not a picture"),
        (lambda at: half(folder_of(at / "p", "1.jpg") / "1.jpg").parent, "p/1.jpg"),
        (lambda at: folder_of(at / "p"), "p: no pictures in this folder"),
        (
            lambda at: text(at / "t.csv", "t_s,width,height,x0,y0,z0,v0\n0,640,480,0.5,0.5,0,1\n"),
            "columns .*x1",
        ),
    ],
    ids=[
        "missing",
        "cut off",
        "text",
        "folder with a text in it",
        "picture cut off",
        "empty folder",
        "columns",
    ],
)
def test_a_source_that_is_no_good_is_told_and_the_table_of_an_earlier_day_stays(
    home: Path, tmp_path: Path, make: Callable[[Path], Path], says: str
) -> None:
    (folder := tmp_path / "f").mkdir()
    out, source = text(folder / "out.csv", "of an earlier day\n"), make(folder)
    before = sorted(folder.iterdir())
    neutral = ("--calibrate-frames", "5") if source.is_dir() else ("--calibrate-first", "18s")
    assert re.search(says, refused("analyze", source, *neutral, "-o", out))
    assert out.read_text() == "of an earlier day\n"
    assert sorted(folder.iterdir()) == before


# -- profiles -----------------------------------------------------------------


def test_a_profile_that_is_not_there(home: Path, upright: Path, tmp_path: Path) -> None:
    assert "nobody" in refused("analyze", upright, "--profile", "nobody", "-o", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("command", ["analyze", "run"])
def test_a_profile_of_another_view(profile: Path, tmp_path: Path, command: str) -> None:
    side = recorded(tmp_path / "side.npz", (Pose(), 40), camera=SIDE_CAMERA, **FIDGETS)
    before = profile.read_bytes()
    if command == "analyze":
        line = refused("analyze", side, "--profile", "me", "-o", tmp_path / "out.csv")
        assert not (tmp_path / "out.csv").exists()
    else:
        line = refused("run", "--source", side, "--profile", "me")
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
        line = refused(*command)
        assert "me.toml" in line
        assert words in line
    assert profile.read_text(encoding="utf-8") == text
    assert not (tmp_path / "out.csv").exists()


def test_a_calibration_that_fails_leaves_the_old_profile(profile: Path, tmp_path: Path) -> None:
    before = profile.read_bytes()
    refused("calibrate", "--source", recorded(tmp_path / "short.npz", (Pose(), 1)), "--profile", "me")
    assert profile.read_bytes() == before


# -- the data folder ----------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the data folder on a disk of one megabyte of its own."""
    with mounted(tmp_path / "disk", "1m") as disk:
        monkeypatch.setenv("POSTURE_MONITOR_HOME", str(disk / "home"))
        yield disk / "home"


def kept() -> tuple[object, ...]:
    """Return what the report of today rests on."""
    day = json.loads(done("report", "--format", "json"))
    assert day["recorded_s"] > 30
    return day["recorded_s"], day["spans"], day["alerts"]


def test_a_full_disk_is_told_and_keeps_what_was_there(small_disk: Path, upright: Path) -> None:
    done("calibrate", "--source", upright, "--profile", "me")
    done("run", "--source", upright, "--profile", "me")
    profile = small_disk / "profiles" / "me.toml"
    before = profile.read_bytes()
    day = kept()

    ballast = fill(small_disk.parent)
    assert str(small_disk) in refused("calibrate", "--source", upright, "--profile", "me")
    assert str(small_disk) in refused("run", "--source", upright, "--profile", "me")
    ballast.unlink()

    assert profile.read_bytes() == before
    assert kept() == day


@pytest.mark.slow
def test_a_disk_that_fills_while_watching_is_told_in_the_end(small_disk: Path, upright: Path) -> None:
    running = program.started("run", "--realtime", "--source", upright, home=small_disk)
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
    done("run", "--source", upright)
    kept()


@pytest.mark.slow
def test_a_read_only_disk_is_told_and_can_be_read(small_disk: Path, upright: Path) -> None:
    done("calibrate", "--source", upright, "--profile", "me")
    done("run", "--source", upright, "--profile", "me")
    day = kept()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk.parent)], check=True)

    assert str(small_disk) in refused("calibrate", "--source", upright, "--profile", "me")
    assert str(small_disk) in refused("run", "--source", upright, "--profile", "me")
    assert kept() == day


def test_a_data_folder_that_is_a_file(upright: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(tmp_path / "file" / "home"))
    line = refused("calibrate", "--source", upright, "--profile", "me")
    assert f"{tmp_path / 'file'} is no folder" in line


@pytest.mark.parametrize("command", ["status", "report", "profiles list", "config path"])
def test_a_data_folder_in_the_home_of_nobody(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("POSTURE_MONITOR_HOME", "~nobody-of-that-name/data")
    assert "there is no home folder ~nobody-of-that-name" in refused(*command.split())


@pytest.mark.parametrize(
    "command",
    [
        "run --source ~nobody-of-that-name/monday.mp4",
        "analyze ~nobody-of-that-name/monday.npz --profile front",
        "profiles show ~nobody-of-that-name/me.toml",
        "data export ~nobody-of-that-name/export",
        "start --profile ~nobody-of-that-name/me.toml",
    ],
)
def test_a_path_in_the_home_of_nobody(home: Path, command: str) -> None:
    assert "there is no home folder ~nobody-of-that-name" in refused(*command.split())


@pytest.mark.parametrize("command", ["report", "log list", "replay"])
def test_a_history_that_is_a_folder(home: Path, command: str) -> None:
    (home / "history.sqlite3").mkdir(parents=True)
    assert f"the history {home / 'history.sqlite3'} is a folder" in refused(*command.split())


@pytest.mark.parametrize("command", ["report", "log list", "replay"])
def test_a_history_that_leads_nowhere(home: Path, command: str) -> None:
    home.mkdir()
    (home / "history.sqlite3").symlink_to(home / "unplugged")
    assert f"{home / 'history.sqlite3'} is a link that leads nowhere" in refused(*command.split())


@pytest.mark.parametrize(
    "command", ["", "report", "profiles list", "status", "config show", "start", "data path"]
)
def test_a_home_that_is_no_folder(home: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    home.write_text("mine")
    assert f"{home} is no folder" in refused(*command.split())
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(home / "below" / "it"))
    assert f"{home} is no folder" in refused(*command.split())
    assert home.read_text() == "mine"
    home.unlink()
    home.symlink_to(home.parent / "unplugged")
    assert f"{home} is a link that leads nowhere" in refused(*command.split())


@pytest.mark.parametrize("file", ["config.toml", "profiles/default.toml"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(home: Path, file: str) -> None:
    (home / "profiles").mkdir(parents=True)
    os.mkfifo(home / file)
    # In a process of its own, which can be given up.
    command = ("config", "show") if file == "config.toml" else ("profiles", "show", "default")
    told = program.program(*command, home=home, under=("timeout", "20"))
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr == f"posture-monitor: {home / file} is no ordinary file; move it away\n"


def test_settings_that_lead_nowhere_are_not_taken_for_none(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").symlink_to(home / "unplugged")
    assert "config.toml is a link that leads nowhere" in refused("config", "show")


@pytest.mark.parametrize("output", ["out.csv", "landmarks.npz"])
def test_a_table_that_cannot_be_written(home: Path, upright: Path, tmp_path: Path, output: str) -> None:
    nowhere = tmp_path / "nowhere" / output
    where = ("-o", nowhere) if output == "out.csv" else ("-o", tmp_path / "out.csv", "--landmarks", nowhere)
    assert str(nowhere) in refused("analyze", upright, "--calibrate-first", "18s", *where)
