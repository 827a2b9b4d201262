"""The doctor finds what is amiss, says what to do, and never falls over."""

from __future__ import annotations

import os
import re
import shutil
from importlib import metadata
from pathlib import Path

import pytest
from real_model import real_model

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.sensing import camera
from posture_monitor.sensing.camera import CameraInfo
from posture_monitor.sensing.model import sidecar
from posture_monitor.service import doctor
from posture_monitor.service.doctor import Check


def plug_in(monkeypatch: pytest.MonkeyPatch, *cameras: CameraInfo) -> None:
    monkeypatch.setattr(camera, "list_cameras", lambda: list(cameras))
    monkeypatch.setattr(doctor.sys, "platform", "linux")


def test_a_working_machine_passes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.model_file().parent.mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    shutil.copy(real_model(), paths.model_file())
    shutil.copy(sidecar(real_model()), sidecar(paths.model_file()))
    monkeypatch.setattr(doctor, "check_profile", lambda _name: Check("profile", True, "default"))
    checks = doctor.run_checks(
        model_path=None, source="demo", profile="default", notify=False, channel="terminal"
    )
    assert [check for check in checks if check.failed] == []
    assert len(checks) == 7


def test_one_broken_check_stops_no_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> Check:
        raise ZeroDivisionError("oops")

    def refused(*_args: object, **_more: object) -> Check:
        raise UserError("no such thing; get one")

    def bare(*_args: object, **_more: object) -> Check:
        raise UserError("no such thing")

    for name in ("check_python", "check_packages", "check_data_folder", "check_notifications"):
        monkeypatch.setattr(doctor, name, broken)
    for name in ("check_model", "check_source"):
        monkeypatch.setattr(doctor, name, refused)
    monkeypatch.setattr(doctor, "check_profile", bare)
    checks = doctor.run_checks(model_path=None, source="0", profile="p", notify=True, channel="auto")
    by_name = {check.name: check for check in checks}
    assert len(by_name) == 7
    assert "ZeroDivisionError: oops" in by_name["python"].text
    assert (by_name["model"].text, by_name["model"].advice) == ("no such thing", "get one")
    assert by_name["camera"].failed
    assert by_name["profile"].advice
    # Without a notification the alert is printed.
    assert not by_name["notifications"].failed


def test_every_failing_line_says_what_to_do(home: Path) -> None:
    checks = doctor.run_checks(
        model_path=Path("/nowhere.task"),
        source="/nowhere",
        profile="../nowhere",
        notify=False,
        channel="auto",
    )
    failed = [check for check in checks if check.failed]
    assert {"model", "source"} <= {check.name for check in failed}
    assert all(check.advice for check in failed)
    lines = doctor.render(checks).splitlines()
    assert len(lines) == len(checks)
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines]
    assert sum(line.startswith("✗") for line in plain) == len(failed)
    assert any("/nowhere.task: no such file" in line and "→" in line for line in plain)


def test_a_bracket_in_a_name_is_no_markup() -> None:
    assert "[red]cam[/red] :smile:" in doctor.render([Check("camera", True, "[red]cam[/red] :smile:")])


@pytest.mark.parametrize(
    ("versions", "ok", "says"),
    [
        ({}, True, "mediapipe 1.2.3"),
        ({"opencv-contrib-python": "5.1.0.95"}, None, "opencv-contrib-python==5.0.0.93"),
        ({"opencv-contrib-python": None}, True, "opencv-python 5.0.0.93"),
        ({"mediapipe": "0.10.21"}, False, "'mediapipe>=1.2,<2'"),
        ({"mediapipe": "2.0.0"}, False, "'mediapipe>=1.2,<2'"),
        ({"plyer": None}, False, "missing: plyer"),
    ],
)
def test_package_versions(
    monkeypatch: pytest.MonkeyPatch, versions: dict[str, str | None], ok: bool | None, says: str
) -> None:
    installed = {
        "mediapipe": "1.2.3",
        "numpy": "2.4.6",
        "opencv-python": "5.0.0.93",
        "opencv-contrib-python": "5.0.0.93",
        "plyer": "2.1.0",
        **versions,
    }

    def version(name: str) -> str:
        if not (found := installed.get(name)):
            raise metadata.PackageNotFoundError(name)
        return found

    monkeypatch.setattr(metadata, "version", version)
    check = doctor.check_packages()
    assert check.ok is ok
    assert says in check.text + check.advice


def test_the_data_folder_is_made_private(home: Path) -> None:
    assert doctor.check_data_folder().ok is True
    assert home.stat().st_mode & 0o777 == 0o700
    assert list(home.iterdir()) == []
    home.chmod(0o755)
    check = doctor.check_data_folder()
    assert check.ok is None
    assert check.advice == f"run `chmod 700 {home}`"


def test_a_data_folder_that_cannot_be_written_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match="POSTURE_MONITOR_HOME"):
        doctor.check_data_folder()


def test_a_full_disk_fails(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    check = doctor.check_data_folder()
    assert check.failed
    assert "No space left" in check.text


def test_no_camera_fails_and_points_to_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch)
    check = doctor.check_source("0")
    assert check.failed
    assert "posture-monitor demo" in check.advice


def test_a_camera_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "video2").touch()
    plug_in(monkeypatch, CameraInfo(2, str(tmp_path / "video2"), "Integrated Camera"))
    assert doctor.check_source("2").ok is True
    assert doctor.check_source("/dev/video2").ok is True
    other = doctor.check_source("0")
    assert other.failed
    assert "Integrated Camera" in other.text
    assert "camera.source to 2" in other.advice


def test_a_camera_one_may_not_open_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "video0"
    node.touch()
    plug_in(monkeypatch, CameraInfo(0, str(node), "Integrated Camera"))
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)  # root may open anything
    check = doctor.check_source("0")
    assert check.failed
    assert "video" in check.advice
    node.unlink()
    assert "missing" in doctor.check_source("0").text


def test_other_sources_need_no_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch)
    assert doctor.check_source("demo").ok is True
    assert doctor.check_source(str(tmp_path)).ok is True
    assert doctor.check_source(str(tmp_path / "nothing.avi")).failed
    stream = doctor.check_source("rtsp://me:secret@camera.lan/live")
    assert stream.ok is True
    assert "secret" not in stream.text
