"""The model's file: fetched by a real pip, checked, and never trusted blindly."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from real_model import real_model

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.sensing import model
from posture_monitor.sensing.model import NETWORKS, WHEEL, assemble, ensure_model, sidecar
from posture_monitor.sensing.pose import PoseEstimator


@pytest.fixture
def no_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Let pip see nothing but a folder of wheels, and return that folder."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return wheels


@pytest.fixture
def own(home: Path) -> Path:
    """Give the test's own data folder a finished model, and return the bundle."""
    bundle = paths.model_file()
    bundle.parent.mkdir(parents=True)
    shutil.copy(real_model(), bundle)
    shutil.copy(sidecar(real_model()), sidecar(bundle))
    return bundle


def forge_wheel(wheel: Path, networks: dict[str, bytes]) -> None:
    """Write a wheel that pip takes for the official one."""
    info = "mediapipe-0.10.21.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n")
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp312-cp312-manylinux_2_28_x86_64\n",
        )
        archive.writestr(f"{info}/RECORD", "")
        for name, content in networks.items():
            archive.writestr(name, content)


def test_the_bundle_is_stored_private_and_beside_its_hash() -> None:
    bundle = real_model()
    with zipfile.ZipFile(bundle) as archive:
        assert archive.namelist() == [network.member for network in NETWORKS]
        assert all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
        for network in NETWORKS:
            assert b"TFLITE_METADATA" in archive.read(network.member)
    assert sidecar(bundle).read_text().split()[0] == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert bundle.stat().st_mode & 0o777 == 0o600
    assert bundle.parent.stat().st_mode & 0o777 == 0o700
    assert not [path for path in bundle.parent.iterdir() if path.name.startswith(".")]


def written(stat: os.stat_result) -> tuple[int, ...]:
    """Return what tells of a file that it was not written anew; to be read is allowed."""
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_mode


def test_a_finished_model_needs_no_network(
    own: Path, no_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = own.stat()
    assert ensure_model() == own
    assert written(own.stat()) == written(before)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("harm", ["half", "one byte", "no sidecar", "other file"])
def test_a_damaged_model_is_noticed(
    own: Path, no_index: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(own.read_bytes())
    if harm == "half":
        own.write_bytes(content[: len(content) // 2])
    elif harm == "one byte":
        content[5_000_000] ^= 1
        own.write_bytes(content)
    elif harm == "no sidecar":
        sidecar(own).unlink()
    else:
        own.write_bytes(b"<html>not found</html>")
    with pytest.raises(UserError, match="could not be fetched"):
        ensure_model()
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert str(own) in told[0]
    assert told[0].endswith("fetching it again")


def test_no_network_is_one_line_with_two_ways_out(home: Path, no_index: Path) -> None:
    with pytest.raises(UserError) as told:
        ensure_model()
    assert "\n" not in str(told.value)
    assert "posture-monitor doctor" in str(told.value)
    assert "model.path" in str(told.value)
    assert not paths.model_file().exists()


@pytest.mark.slow
def test_a_refused_connection_is_called_so(
    home: Path, no_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple")
    with pytest.raises(UserError, match=r"\(pip: no connection\)"):
        ensure_model()


def test_a_forged_wheel_is_thrown_away(home: Path, no_index: Path) -> None:
    forge_wheel(no_index / WHEEL, {network.source: b"\0\0\0\0TFL3" for network in NETWORKS})
    with pytest.raises(UserError, match="is not the official file"):
        ensure_model()
    assert not paths.model_file().exists()


def test_each_network_in_the_wheel_is_checked(tmp_path: Path) -> None:
    forge_wheel(tmp_path / WHEEL, {network.source: b"\0\0\0\0TFL3" for network in NETWORKS})
    with pytest.raises(UserError, match=r"pose_detection\.tflite .*is not the official file"):
        assemble(tmp_path / WHEEL)
    forge_wheel(tmp_path / WHEEL, {})
    with pytest.raises(UserError, match="holds no"):
        assemble(tmp_path / WHEEL)


def test_a_python_without_pip_is_told_how_to_get_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    with pytest.raises(UserError, match="ensurepip"):
        ensure_model()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(UserError, match=f"{tmp_path}/file/home"):
        ensure_model()


def test_a_full_disk_leaves_no_litter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(model, "_fetch", lambda _scratch, _tell: Path("wheel"))
    monkeypatch.setattr(model, "assemble", lambda _wheel: b"bundle")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="the disk is full"):
        ensure_model()
    assert list(paths.model_file().parent.iterdir()) == []


def test_the_users_own_bundle_is_taken_as_it_is(tmp_path: Path) -> None:
    mine = tmp_path / "mine.task"
    shutil.copy(real_model(), mine)
    before = mine.stat()
    assert ensure_model(mine) == mine
    assert written(mine.stat()) == written(before)
    assert list(tmp_path.iterdir()) == [mine]


@pytest.mark.parametrize("harm", ["missing", "half", "one byte", "text", "folder", "empty zip", "no network"])
def test_a_bad_bundle_of_the_user_is_refused_and_left_alone(tmp_path: Path, harm: str) -> None:
    mine = tmp_path / "mine.task"
    content = bytearray(real_model().read_bytes())
    content[5_000_000] ^= 1
    if harm == "half":
        mine.write_bytes(content[: len(content) // 2])
    elif harm == "one byte":
        mine.write_bytes(content)
    elif harm == "text":
        mine.write_text("a text")
    elif harm == "folder":
        mine.mkdir()
    elif harm in ("empty zip", "no network"):
        with zipfile.ZipFile(mine, "w") as archive:
            for network in NETWORKS if harm == "no network" else ():
                archive.writestr(network.member, "a text")
    before = mine.read_bytes() if mine.is_file() else None
    with pytest.raises(UserError, match=r"^model\.path: .*mine\.task") as told:
        ensure_model(mine)
    assert "\n" not in str(told.value)
    assert (mine.read_bytes() if mine.is_file() else None) == before


@pytest.mark.slow
def test_two_processes_at_once_do_each_other_no_harm(home: Path) -> None:
    command = [sys.executable, "-c", "from posture_monitor.sensing.model import *; print(ensure_model())"]
    # A process that has loaded MediaPipe hands its children a dead proxy unless told otherwise.
    environment = dict(os.environ)
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    assert [process.communicate()[0].strip() for process in both] == [str(paths.model_file())] * 2
    assert paths.model_file().read_bytes() == real_model().read_bytes()
    with PoseEstimator(ensure_model(), stills=True) as estimator:
        assert estimator.detect(np.zeros((64, 64, 3), np.uint8)).shape == (0, 33, 4)
