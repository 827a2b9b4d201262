"""The doctor finds what is amiss, says what to do, and never falls over."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import types
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner
from desktop import desktop
from real_model import real_model

from posture_monitor import paths
from posture_monitor.cli import cli
from posture_monitor.config import Config, load_config
from posture_monitor.errors import UserError
from posture_monitor.sensing import camera, camera_users, v4l2
from posture_monitor.sensing.camera import CameraInfo
from posture_monitor.sensing.model import sidecar
from posture_monitor.service import autostart, doctor, doctor_report, lock, power, presence
from posture_monitor.service.connections import Connection, Run, connections, family, parse, watch
from posture_monitor.service.doctor import Check
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.profiles import load_profile


def plug_in(monkeypatch: pytest.MonkeyPatch, *cameras: CameraInfo) -> None:
    monkeypatch.setattr(camera, "list_cameras", lambda: list(cameras))
    monkeypatch.setattr(doctor.sys, "platform", "linux")


def settings(home: Path, text: str = "") -> Config:
    """Return the settings that a file with this text makes."""
    file = home.parent / "settings.toml"
    file.write_text(text)
    return load_config(file)


def test_a_working_machine_passes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.model_file().parent.mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    shutil.copy(real_model(), paths.model_file())
    shutil.copy(sidecar(real_model()), sidecar(paths.model_file()))
    monkeypatch.setattr(doctor, "check_profile", lambda *_: Check(True, "default"))
    checks = doctor.run_checks(settings(home, '[alert]\nchannel = "terminal"'), "demo", "default")
    assert [check for check in checks if check.failed] == []
    assert [check.name for check in checks] == [
        *("python", "packages", "data folder", "model", "source", "light", "profile", "notifications"),
        *("presence", "power", "autostart", "offline"),
    ]


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
    checks = doctor.run_checks(settings(home), "0", "p", notify=True)
    by_name = {check.name: check for check in checks}
    assert len(by_name) == len(checks)
    assert "ZeroDivisionError: oops" in by_name["python"].text
    assert (by_name["model"].text, by_name["model"].advice) == ("no such thing", "get one")
    assert by_name["camera"].failed
    assert not {"camera modes", "camera users"} & set(by_name), "of a camera that is not there"
    assert by_name["profile"].advice
    # Without a notification the alert is printed.
    assert not by_name["notifications"].failed


def test_every_failing_line_says_what_to_do(home: Path) -> None:
    checks = doctor.run_checks(settings(home, '[model]\npath = "/nowhere.task"'), "/nowhere", "../nowhere")
    failed = [check for check in checks if check.failed]
    assert {"model", "source"} <= {check.name for check in failed}
    assert all(check.advice for check in failed)
    plain = [line.plain for line in doctor.lines(checks)]
    assert len(plain) == len(checks)
    assert sum(line.startswith("✗") for line in plain) == len(failed)
    assert any("/nowhere.task: no such file" in line and "→" in line for line in plain)


def test_what_was_not_examined_has_a_sign_of_its_own(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "on_battery", lambda: None)
    monkeypatch.setattr(autostart, "status", autostart.State)
    source = "http://desk.lan/video"
    config = settings(home, '[model]\npath = "/nowhere.task"\n[alert]\nchannel = "terminal"')
    checks = doctor.run_checks(config, source, "front")
    neutral = {"source", "light", "notifications", "power", "autostart", "offline"}
    assert {check.name for check in checks if check.neutral} == neutral
    plain = [line.plain for line in doctor.lines(checks)]
    assert {line.split()[1] for line in plain if line.startswith("–")} == neutral
    doctor_report.write(checks, tmp_path / "out.txt")
    written = (tmp_path / "out.txt").read_text().splitlines()
    assert {line.split()[1].rstrip(":") for line in written if line.startswith("-   ")} == neutral


def test_a_narrow_terminal_shows_what_is_told_beside_its_name() -> None:
    check = Check(False, "none was found", "try `posture-monitor demo`", name="camera")
    assert [line.plain for line in doctor.lines([check], 32)] == [
        "✗ camera  none was found → try",
        "          `posture-monitor demo`",
    ]


def test_a_bracket_in_a_name_is_no_markup() -> None:
    (line,) = doctor.lines([Check(True, "[red]cam[/red] :smile:", name="camera")])
    assert line.plain == "✓ camera  [red]cam[/red] :smile:"


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
    with pytest.raises(UserError, match="no such file"):
        doctor.check_source(str(tmp_path / "nothing.avi"))
    with pytest.raises(UserError, match="cannot be ftp"):  # as watching it would say
        doctor.check_source("ftp://desk.lan/a.mp4")
    stream = doctor.check_source("rtsp://me:secret@camera.lan/live")
    assert stream.ok is True
    assert "secret" not in stream.text


# ------------------------------------------------------------------ the profile


def own(name: str, camera: str) -> None:
    """Keep a profile of the user's own, made with this camera."""
    neutral, made = load_profile("front").neutral, "2026-03-02T09:00:00+00:00"
    save_profile(Profile(name, (neutral,), camera, 640, 480, made))


@pytest.fixture
def webcam(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.sys, "platform", "linux")
    monkeypatch.setattr(camera, "_model", lambda _index: "HD Webcam (1-6)")
    monkeypatch.setattr(v4l2, "modes", lambda *_: [v4l2.Mode("YUYV", 640, 480, (30.0,))])


@pytest.mark.usefixtures("webcam")
def test_the_profile_told_is_the_one_that_the_monitor_would_take_with_this_camera() -> None:
    own("default", "HD Webcam (1-6) 640x480")
    check = doctor.check_profile("default", "0", (640, 480))
    assert check.ok is True
    assert check.text.startswith("default, your own")

    own("default", "another 640x480")
    check = doctor.check_profile("default", "0", (640, 480))
    assert check.ok is None
    assert "front, a starter: default was made with another camera" in check.text
    assert "calibrate" in check.advice

    own("office", "HD Webcam (1-6) 640x480")
    check = doctor.check_profile("default", "0", (640, 480))
    assert check.ok is True
    assert check.text.startswith("office, your own")
    assert "instead of default" in check.text


@pytest.mark.usefixtures("webcam")
def test_a_profile_that_is_asked_for_by_name_is_told_as_it_is() -> None:
    own("default", "another 640x480")
    assert doctor.check_profile("default", "0").ok is True


@pytest.mark.usefixtures("home")
def test_a_stream_chooses_the_profile_as_a_camera_does() -> None:
    own("default", "another 640x480")
    assert doctor.check_profile("default", "http://desk.lan/video", (640, 480)).ok is None
    own("default", "stream http://desk.lan/video")
    assert doctor.check_profile("default", "http://me:secret@desk.lan/video", (640, 480)).ok is True


# ------------------------------------------------------------------ what the service needs


def test_a_camera_tells_what_it_offers(monkeypatch: pytest.MonkeyPatch) -> None:
    offered = [
        v4l2.Mode("YUYV", 640, 480, (15.0, 30.0)),
        v4l2.Mode("MJPG", 640, 480, (30.0,)),
        v4l2.Mode("MJPG", 1280, 720, (30.0,)),
    ]
    monkeypatch.setattr(v4l2, "modes", lambda _node: offered)
    check = doctor.check_modes("/dev/video0")
    assert check.ok is True
    assert check.text == "2 sizes, 640x480 to 1280x720, as YUYV, MJPG"
    monkeypatch.setattr(v4l2, "modes", lambda _node: [])
    assert doctor.check_modes("/dev/video0").ok is None


def test_who_holds_the_camera_is_named(tmp_path: Path, home: Path) -> None:
    node = tmp_path / "video0"
    node.touch()
    assert doctor.check_users(str(node)).ok is True
    with subprocess.Popen(["sleep", "60"], stdin=node.open()) as process:
        check = doctor.check_users(str(node))
        process.kill()
    assert check.ok is None
    assert "held by sleep" in check.text


def test_the_own_monitor_does_not_count(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "video0"
    node.touch()
    # The eye is a child of the monitor.
    command = ["sh", "-c", f"sleep 60 <'{node}' & wait"]
    with subprocess.Popen(command, start_new_session=True) as monitor:
        while len(members := family(monitor.pid)) < 2 or not camera_users.holders(str(node)):
            assert monitor.poll() is None
        monkeypatch.setattr(lock, "holder", lambda: types.SimpleNamespace(pid=monitor.pid))
        assert doctor.check_users(str(node)).ok is True
        for member in members:
            os.kill(member, 9)


def test_the_camera_is_left_alone_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_args: object, **_more: object) -> None:
        raise AssertionError("the camera was opened")

    monkeypatch.setattr("posture_monitor.sensing.sources.open_source", opened)
    assert "--look" in doctor.check_light("0", look=False).text


def test_light_is_looked_at(tmp_path: Path) -> None:
    import numpy as np

    from posture_monitor.sensing.opencv import cv2

    shades = np.tile(np.linspace(0.3, 1.7, 320)[None, :, None], (240, 1, 3))
    shades[::8] *= 0.5  # something to be sharp on
    for name, level, ok, says in (
        ("bright", 130, True, "enough"),
        ("dim", 40, None, "dim"),
        ("dark", 12, None, "covered"),
    ):
        picture = tmp_path / f"{name}.png"
        cv2.imwrite(str(picture), np.clip(level * shades, 0, 255).astype(np.uint8))
        check = doctor.check_light(str(picture), look=True)
        assert (check.ok, check.text.split(" (")[0]) == (ok, says)


def test_a_machine_that_tells_of_its_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "describe", lambda: "logind (session 2 on seat0)")
    check = doctor.check_presence()
    assert check.ok is True
    assert "logind" in check.text
    monkeypatch.setattr(presence, "describe", lambda: "")
    check = doctor.check_presence()
    assert check.ok is None
    assert "posture-monitor pause" in check.advice


@pytest.mark.parametrize(("told", "says"), [(True, "on battery"), (False, "on mains"), (None, "not told")])
def test_battery_or_mains(monkeypatch: pytest.MonkeyPatch, told: bool | None, says: str) -> None:
    monkeypatch.setattr(power, "on_battery", lambda: told)
    check = doctor.check_power()
    assert check.ok is True
    assert says in check.text


def test_an_autostart_of_an_older_program_is_worth_knowing(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {
        autostart.State(): True,
        autostart.State("a way", Path("/x"), current=True, on=True): True,
        autostart.State("a way", Path("/x"), current=False, on=True): None,
        autostart.State("a way", Path("/x"), current=True, on=False): None,
    }
    for state, ok in states.items():
        monkeypatch.setattr(autostart, "status", lambda state=state: state)
        check = doctor.check_autostart()
        assert check.ok is ok
        assert ("autostart enable" in check.advice) is (ok is None)


@pytest.mark.slow
@pytest.mark.desktop
def test_buttons_are_told_where_the_desktop_has_them(tmp_path: Path, home: Path) -> None:
    with desktop(tmp_path):
        check = doctor.check_notifications("desktop", send=False)
    assert check.text.startswith("desktop, with buttons")


def test_a_terminal_is_told_to_be_no_channel_of_the_background(home: Path) -> None:
    check = doctor.check_notifications("terminal", send=False)
    assert check.text.startswith("terminal, where the background shows nothing")


# ------------------------------------------------------------------ offline


def test_tables_of_the_kernel_are_read_right() -> None:
    if sys.byteorder != "little":
        pytest.skip("these lines come from a machine that begins with the small end")
    tcp = (
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1F90 09090909:01BB 01 00000000:00000000 00:00000000 00000000  1000 0 4711 1 0\n"
        "   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 0 4712 1 0\n"
        "short\n"
    )
    assert parse("tcp", tcp) == [
        (4711, Connection("tcp", "9.9.9.9", 443)),
        (4712, Connection("tcp", "0.0.0.0", 0)),
    ]
    assert [found.outside for _, found in parse("tcp", tcp)] == [True, False]
    six = (
        "head\n 0: 00000000000000000000000001000000:1F90 B80D01200000000000000000"
        "01000000:0050 01 0:0 0:0 0 1000 0 7 1\n"
        " 1: 00000000000000000000000001000000:1F90 0000000000000000FFFF00000100007F"
        ":0050 01 0:0 0:0 0 1000 0 8 1\n"
    )
    found = [connection for _, connection in parse("tcp6", six)]
    assert str(found[0]) == "tcp to [2001:db8::1]:80"
    # The second is 127.0.0.1 in the clothes of IPv6.
    assert [one.outside for one in found] == [True, False]


CALLER = """
import os, socket, subprocess, sys, time
listener = socket.create_server(("127.0.0.1", 0))
if len(sys.argv) == 1:
    # The call is a child's.
    sys.exit(subprocess.run([sys.executable, __file__, str(listener.getsockname()[1])]).returncode)
caller = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
until_s = time.monotonic() + 20
while not os.path.exists(os.environ["SEEN"]) and time.monotonic() < until_s:
    time.sleep(0.02)
"""


@pytest.fixture(params=["Linux", "other systems"])
def either_way(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have connections listed as on each kind of system."""
    if request.param != "Linux":
        monkeypatch.setattr("posture_monitor.service.connections._PROC", tmp_path / "no /proc")


@pytest.mark.usefixtures("either_way")
def test_a_connection_of_a_child_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, seen = tmp_path / "caller.py", tmp_path / "seen"
    script.write_text(CALLER)

    def looked(pids: list[int]) -> set[Connection]:
        found = connections(pids)
        if any(one.port for one in found):
            seen.touch()  # the call may end
        return found

    monkeypatch.setattr("posture_monitor.service.connections.connections", looked)
    ran = watch([sys.executable, str(script)], {**os.environ, "SEEN": str(seen)}, 20)
    assert ran.status == 0
    calls = [found for found in ran.connections if found.port]
    assert [found.remote for found in calls] == ["127.0.0.1"]
    assert not calls[0].outside


@pytest.mark.usefixtures("either_way")
def test_a_connection_of_others_is_not_ours() -> None:
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        stack.enter_context(socket.create_connection(server.getsockname()))
        mine = {found.port for found in connections([os.getpid()])}
        assert server.getsockname()[1] in mine
        other = stack.enter_context(subprocess.Popen(["sleep", "60"]))
        assert connections([other.pid]) == set()
        other.kill()


def test_a_program_that_does_not_end_is_ended() -> None:
    ran = watch(["sleep", "60"], os.environ, 0.2)
    assert ran.status is None
    assert ran.seconds < 5
    assert ran.looks > 1


@pytest.mark.parametrize(
    ("ran", "ok", "says"),
    [
        (Run(0, (), 500, 10.0, ""), True, "no connection at all"),
        (Run(None, (Connection("tcp", "127.0.0.1", 9),), 500, 10.0, ""), True, "tcp to 127.0.0.1:9"),
        (Run(0, (Connection("tcp", "9.9.9.9", 443),), 500, 10.0, ""), None, "tcp to 9.9.9.9:443"),
        (Run(2, (), 5, 0.1, "posture-monitor: no such thing\n"), None, "no such thing"),
    ],
)
def test_what_was_seen_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch, ran: Run, ok: bool | None, says: str
) -> None:
    monkeypatch.setattr("posture_monitor.sensing.model.ensure_model", lambda _path: Path("/model.task"))
    monkeypatch.setattr("posture_monitor.service.connections.watch", lambda *_args: ran)
    check = doctor.check_offline(None, run=True)
    assert check.ok is ok
    assert says in check.text


@pytest.mark.slow
def test_a_real_run_makes_no_connection_to_the_outside(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OFFLINE_S", 6.0)
    check = doctor.check_offline(real_model(), run=True)
    assert check.ok is True, check.text
    assert "nothing leaves this machine" in check.text
    assert not paths.history_file().exists()


# ------------------------------------------------------------------ the report

USER, HOST, FULL = "marker.user", "markerhost", "Markera Nameson"


@pytest.fixture
def marked(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody with names that are easy to find again."""
    import pwd

    account = types.SimpleNamespace(pw_gecos=f"{FULL},,,", pw_name=USER)
    monkeypatch.setattr(getpass, "getuser", lambda: USER)
    monkeypatch.setattr(pwd, "getpwuid", lambda _uid: account)
    monkeypatch.setattr(socket, "gethostname", lambda: f"{HOST}.example.lan")
    house = tmp_path / USER
    house.mkdir()
    monkeypatch.setenv("HOME", str(house))
    return house


def test_the_report_names_nobody(marked: Path, tmp_path: Path) -> None:
    paths.make_private(paths.log_file().parent)
    paths.log_file().write_text(f"2026-11-24T10:00:00Z INFO x: {marked}/films/{FULL}.mp4 on {HOST}\n")
    file = tmp_path / "out.txt"
    checks = [
        Check(True, f"3.11.7 ({marked}/venv/bin/python) on Linux x86_64", name="python"),
        Check(True, f"/dev/video0 HD Cam: {USER.upper()} 200901010001 SN 8F3A2B1C9D.", name="camera"),
        Check(True, f"http://{HOST}.example.lan:8080/cam?token=abc (not tried)", name="source"),
        Check(True, "markera, your own, of 2026-11-20", name="profile"),
        Check(None, f"/home/somebody/x, 00:1a:2b:3c:4d:5e, 192.168.1.20, a.b@{HOST}.org", name="data folder"),
        Check(True, "opencv-python 5.0.0.93, mediapipe 1.2.3", name="packages"),
    ]
    doctor_report.write(checks, file, {"markera"})
    text = file.read_text()
    for secret in (
        *(USER, HOST, *FULL.split(), "markera", str(marked), str(tmp_path), "token", "somebody"),
        *("200901010001", "8F3A2B1C9D", "00:1a:2b", "192.168", "a.b@"),
    ):
        assert secret.lower() not in text.lower(), secret
    for kept in (
        "~/venv/bin/python",
        "3.11.7",
        "5.0.0.93",
        "HD Cam",
        "2026-11-20",
        "http://<address>",
        "note",
    ):
        assert kept in text, kept


def test_the_command_writes_it(marked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checks = [Check(True, f"3.11.7 ({marked}/venv)", name="python")]
    monkeypatch.setattr(doctor, "run_checks", lambda *_asked, **_chosen: checks)
    for given, file in ((["--report"], "posture-monitor-report.txt"), (["--report", "mine.txt"], "mine.txt")):
        result = CliRunner().invoke(cli, ["doctor", *given])
        assert result.exit_code == 0, result.output
        text = (tmp_path / file).read_text()
        assert "~/venv" in text
        assert USER not in text
    with pytest.raises(UserError, match="name another file"):
        doctor_report.write(checks, tmp_path)


@pytest.mark.slow
def test_the_whole_doctor_names_nobody(marked: Path, tmp_path: Path) -> None:
    file = tmp_path / "out.txt"
    result = CliRunner().invoke(cli, ["doctor", "--source", "demo", "--report", str(file)])
    assert result.exit_code in (0, 1), result.output
    text = file.read_text()
    assert "offline" in text
    for secret in (USER, HOST, str(tmp_path)):
        assert secret not in text
