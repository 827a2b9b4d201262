"""Real processes: started, killed, started again, two at once; and what the commands say of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import fresh_home, loaded
from waiting import wait_for

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.service import background, lock, status_text
from posture_monitor.service.control import NotRunning, ask
from posture_monitor.service.status import Status

pytestmark = pytest.mark.usefixtures("home")

STAND_IN = (sys.executable, str(Path(__file__).with_name("stand_in_keeper.py")), "run", "--detached")


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[None]:
    monkeypatch.setattr(background, "PROGRAM", STAND_IN)
    yield
    running = lock.holder()
    if running is not None and running.pid:
        os.kill(running.pid, signal.SIGKILL)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that starts the stand-in where it would start the monitor."""
    code = (
        "import sys; from posture_monitor.service import background; from posture_monitor.cli import main\n"
        f"background.PROGRAM = {STAND_IN!r}; main()"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60
    )


def test_started_once_asked_stopped() -> None:
    started = background.start()
    assert started.new
    assert ask("status")["pid"] == started.pid
    assert os.getsid(started.pid) == started.pid != os.getsid(0)
    assert background.start() == background.Started(started.pid, False)
    # Nothing of who started it is held on to.
    for end in range(3):
        assert os.readlink(f"/proc/{started.pid}/fd/{end}") == "/dev/null"
    assert background.stop() == started.pid
    assert lock.holder() is None
    assert not paths.control_socket().exists()
    assert background.stop() is None


def test_it_is_found_where_the_home_is_named_from_the_folder_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs in a folder of its own, from which the same name leads elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSTURE_MONITOR_HOME", "here")
    started = background.start()
    assert ask("status")["pid"] == started.pid
    assert (tmp_path / "here" / "monitor.lock").exists()
    assert background.stop() == started.pid


def test_killed_hard_it_starts_again_over_what_it_left() -> None:
    first = background.start().pid
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: lock.holder() is None)
    assert paths.control_socket().exists()
    assert str(first) in paths.lock_file().read_text()
    again = background.start()
    assert again.new
    assert again.pid != first
    assert ask("status")["pid"] == again.pid


def test_two_started_at_once_one_wins_and_both_are_content() -> None:
    code = (
        "from posture_monitor.service import background\n"
        f"background.PROGRAM = {STAND_IN!r}; s = background.start(); print(s.pid, s.new)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    told = [process.communicate(timeout=30)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0, 0]
    assert len({pid for pid, _ in told}) == 1
    assert sorted(new for _, new in told) == ["False", "False", "True"]
    found = lock.holder()
    assert found is not None
    assert told[0][0] == str(found.pid)


def test_one_that_ends_at_once_says_why() -> None:
    with pytest.raises(UserError, match=r"^--source 'http://bad' is no camera$"):
        background.start(source="http://bad")
    assert lock.holder() is None


def test_a_recording_that_is_not_there_is_refused_and_what_runs_goes_on(tmp_path: Path) -> None:
    for nowhere in (str(tmp_path / "nothing"), "nothing.mp4", "ftp://desk.lan/video"):
        with pytest.raises(UserError, match=r"no such file or folder|cannot be ftp"):
            background.start(source=nowhere)
    assert lock.holder() is None
    running = background.start(source="http://camera.lan/not-there-yet").pid
    with pytest.raises(UserError, match="no such file"):
        background.restart(source=str(tmp_path / "nothing"))
    assert ask("status")["pid"] == running


def test_ctrl_c_while_it_starts_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_do: str) -> dict[str, object]:
        if lock.holder() is None:
            raise NotRunning
        raise KeyboardInterrupt

    monkeypatch.setattr(background, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        background.start(source="http://desk")
    wait_for(lambda: lock.holder() is None)


def test_it_is_found_right_after_its_folder_was_deleted(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its channel is in the folder of the session, and not beside the history."""
    session = tmp_path_factory.mktemp("s")  # a socket's path must not be long
    monkeypatch.delenv("POSTURE_MONITOR_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
    pid = background.start(source="http://desk").pid
    shutil.rmtree(paths.data_dir())
    assert background.start() == background.Started(pid, False)
    shutil.rmtree(paths.data_dir())
    assert background.stop() == pid
    assert lock.holder() is None


@pytest.mark.slow
def test_one_that_does_not_go_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "STOP_S", 0.3)
    monkeypatch.setattr(background, "TERM_S", 0.3)
    pid = background.start(source="http://deaf").pid
    assert background.stop() == pid
    assert lock.holder() is None


def test_launchd_is_asked_to_forget_its_agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (launchctl := tmp_path / "launchctl").write_text('#!/bin/sh\necho "$@" >> "$0.asked"\nexit 3\n')
    launchctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for platform in ("linux", "darwin"):
        monkeypatch.setattr(background.sys, "platform", platform)
        background._part_from_launchd()
    asked = Path(f"{launchctl}.asked").read_text()
    assert asked == f"bootout gui/{os.getuid()}/posture-monitor\n"


@pytest.mark.slow
def test_launchd_forgets_only_what_is_to_be_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would start that again; what goes by itself it leaves be, and finds at the next login."""
    held: list[lock.Holder | None] = []
    monkeypatch.setattr(background, "_part_from_launchd", lambda: held.append(lock.holder()))
    pid = background.start().pid
    assert background.stop() == pid
    assert held == []
    monkeypatch.setattr(background, "STOP_S", 0.3)
    monkeypatch.setattr(background, "TERM_S", 0.3)
    pid = background.start(source="http://deaf").pid
    assert background.stop() == pid
    assert [holder and holder.pid for holder in held] == [pid], "it was still there"


def test_only_who_holds_the_lock_is_ended(home: Path) -> None:
    """A number in the file of a lock that is free is nobody's."""
    home.mkdir()
    other = subprocess.Popen(["sleep", "30"])
    paths.lock_file().write_text(json.dumps({"pid": other.pid, "arguments": [], "folder": "/"}))
    try:
        assert background.stop() is None
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_restarted_it_watches_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").touch()
    first = background.start("mine.toml", "http://127.0.0.1:9/video", "side").pid
    arguments = lock.holder()
    again = background.restart()
    assert again.pid != first
    found = lock.holder()
    assert found is not None
    assert arguments is not None
    assert set(found.arguments) == set(arguments.arguments)
    wanted = {"--source=http://127.0.0.1:9/video", "--profile=side", f"--config={tmp_path}/mine.toml"}
    assert set(found.arguments) == {"run", "--detached", *wanted}
    background.restart(source="3")
    found = lock.holder()
    assert found is not None
    assert set(found.arguments) >= {"--source=3", "--profile=side"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_password_is_on_no_command_line() -> None:
    url = "http://me:secret@desk.lan/video?key=secret"
    for start in (lambda: background.start(source=url), background.restart):
        pid = start().pid
        assert ask("status")["source"] == url
        shown = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert b"--detached" in shown
        assert b"secret" not in shown


SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$0.log"
case "$*" in
  *is-enabled*) ;;
  *show*) cat "$0.pid" ;;
  *unset-environment*) rm "$0.env" ;;
  *set-environment*) echo "$3" > "$0.env" ;;
  *start*) env "$(cat "$0.env" 2>/dev/null || echo A=)" {start} >/dev/null 2>&1 & echo $! > "$0.pid" ;;
  *stop*) kill "$(cat "$0.pid")" ;;
esac
"""


@pytest.fixture
def unit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Have a unit start it, and return the folder of a stand-in for systemctl.

    It does what systemd would, and keeps there a log and the number of the process.
    """
    asked = tmp_path / "bin" / "systemctl"
    asked.parent.mkdir()
    asked.write_text(SYSTEMCTL.format(start=shlex.join(STAND_IN)))
    asked.chmod(0o755)
    monkeypatch.setenv("PATH", f"{asked.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(background, "_unit_starts_it", lambda: True)
    return asked.parent


def test_a_unit_that_starts_it_is_used_and_asked_to_stop_it(unit: Path) -> None:
    started = background.start()
    assert started.new
    assert (unit / "systemctl.pid").read_text().strip() == str(started.pid)
    again = background.restart()
    assert again.pid != started.pid
    assert background.stop() == again.pid
    verbs = [line.split()[1] for line in (unit / "systemctl.log").read_text().splitlines()]
    assert verbs == ["start", "show", "show", "stop", "start", "show", "stop"]
    # One that is not the unit's is none of systemd's business.
    plain = background.start(source="5")
    assert background.stop() == plain.pid
    verbs = [line.split()[1] for line in (unit / "systemctl.log").read_text().splitlines()]
    assert verbs[7:] == ["show"]


def test_what_could_not_start_does_not_end_what_runs(home: Path) -> None:
    pid = background.start().pid
    (home / "config.toml").write_text("[camera]\nsource = 3\n")
    with pytest.raises(UserError, match=r"config\.toml: camera\.source = 3"):
        background.restart()
    (home / "config.toml").write_text('[profile]\nname = "office"\n')
    with pytest.raises(UserError, match="there is no profile 'office'"):
        background.restart()
    assert ask("status")["pid"] == pid


def test_restarted_a_pause_and_a_snooze_go_on() -> None:
    background.start()
    for until_s in (None, time.time() + 600):
        ask("pause", until_s=until_s)
        ask("snooze", seconds=900)
        before = now()
        background.restart(source="3")
        again = now()
        assert again.pid != before.pid
        assert (again.paused, again.until_s) == (True, until_s)
        assert again.snoozed_until_s == before.snoozed_until_s
        assert "HELD" not in paths.lock_file().read_text()
    background.stop()
    background.start()
    assert (now().paused, now().snoozed_until_s) == (False, None), "that is a fresh start"


def test_a_unit_started_again_stays_paused(unit: Path) -> None:
    first = background.start()
    ask("pause")
    again = background.restart()
    assert again.pid != first.pid
    assert (unit / "systemctl.pid").read_text().strip() == str(again.pid)
    assert now().paused
    assert not (unit / "systemctl.env").exists(), "no later start is to find it"


def test_options_are_kept_however_they_were_written() -> None:
    typed = ["-v", "run", "--source", "2", "--detached", "--profile=a=b", "--config", "x.toml", "--realtime"]
    assert list(background._chosen(typed)) == [
        ("--source", "2"),
        ("--profile", "a=b"),
        ("--config", "x.toml"),
    ]


def test_only_paths_are_made_absolute(tmp_path: Path) -> None:
    for name in ("0", "demo", "office", "clip.mp4"):
        (tmp_path / name).touch()
    options = "--source=0 --source=demo --source=clip.mp4 --profile=office --profile=o.toml "
    options += "--source=/dev/video0 --config=c"
    assert background._absolute(background._chosen(options.split()), tmp_path) == [
        "--source=0",
        "--source=demo",
        f"--source={tmp_path}/clip.mp4",
        "--profile=office",
        f"--profile={tmp_path}/o.toml",
        "--source=/dev/video0",
        f"--config={tmp_path}/c",
    ]


@pytest.mark.slow
def test_the_commands_from_start_to_stop() -> None:
    assert (command("status").returncode, command("status").stdout) == (
        3,
        "not running; `posture-monitor start` starts it\n",
    )
    for name in ("pause", "resume", "snooze"):
        refused = command(name)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == "posture-monitor: not running; `posture-monitor start` starts it\n"
    ended = command("stop")
    assert (ended.returncode, ended.stdout) == (0, "It is not running.\n")

    started = command("start", "--source", "7")
    assert started.returncode == 0
    assert re.fullmatch(
        r"Started \(process \d+\); `posture-monitor status` shows how it goes\.\n", started.stdout
    )
    assert re.fullmatch(r"It is running already \(process \d+\)\.\n", command("start").stdout)

    shown = command("status")
    assert shown.returncode == 0
    assert shown.stdout.startswith("● good\n")
    told = json.loads(command("status", "--json").stdout)
    assert (told["activity"], told["source"]) == ("watching", "7")

    assert command("pause").stdout == "Paused until you resume; the camera is off.\n"
    assert command("status").stdout.startswith("‖ paused\n")
    paused = command("pause", "until", "tomorrow").stdout
    until = r"(tomorrow )?06:00"  # in the small hours the next morning is today's
    assert re.fullmatch(rf"Paused until {until}; the camera is off\.\n", paused)
    assert re.match(rf"‖ paused until {until}\n", command("status").stdout)
    assert command("resume").stdout == "Resumed.\n"
    assert re.fullmatch(
        r"No reminders until (tomorrow )?\d\d:\d\d; measuring goes on\.\n", command("snooze").stdout
    )
    assert "snoozed until" in command("status").stdout
    wrong = command("pause", "soon")
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("posture-monitor: 'soon' is not a length of time")

    again = command("restart")
    assert re.fullmatch(r"Started afresh \(process \d+\)\.\n", again.stdout)
    assert json.loads(command("status", "--json").stdout)["source"] == "7"
    assert len(command("logs").stdout.splitlines()) == 2
    assert len(command("logs", "--lines", "1").stdout.splitlines()) == 1
    assert re.fullmatch(r"Stopped \(process \d+\)\.\n", command("stop").stdout)
    assert json.loads(command("status", "--json").stdout) == {"version": 1, "activity": "stopped"}


def test_a_start_that_fails_is_one_line_and_status_2() -> None:
    failed = command("start", "--source", "http://bad")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr == "posture-monitor: --source 'http://bad' is no camera\n"


@pytest.mark.slow
def test_watching_into_a_pipe_tells_changes_only() -> None:
    background.start()
    with subprocess.Popen(
        [sys.executable, "-m", "posture_monitor", "status", "--watch"], stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        assert re.fullmatch(r"\d\d:\d\d:\d\d  ● good\n", watching.stdout.readline())
        ask("pause")
        assert re.fullmatch(r"\d\d:\d\d:\d\d  ‖ paused\n", watching.stdout.readline())
        background.stop()
        assert "not running" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        try:
            assert watching.wait(5) == 130
        finally:
            watching.kill()


@pytest.mark.slow
def test_the_status_is_told_without_anything_heavy(home: Path) -> None:
    background.start()
    heavy = ("cv2", "mediapipe", "numpy", "pydantic", "matplotlib", "sqlite3")
    assert loaded("status", home=home, of=heavy) == set()


@pytest.mark.slow
def test_the_real_monitor_lives_pauses_dies_and_lives_again(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    fresh_home(home)
    monkeypatch.setattr(background, "PROGRAM", (sys.executable, "-m", "posture_monitor", "run", "--detached"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    first = background.start(source="demo")
    assert first.new
    wait_for(lambda: now().activity == "watching" and now().state == "good", 60)
    assert now().camera.open
    assert now().angles

    assert now().pid == first.pid
    with pytest.raises(lock.AlreadyRunning, match=f"process {first.pid}"), lock.Lock():
        pass

    ask("pause", 8.0)
    wait_for(lambda: not now().camera.open)
    assert now().activity == "paused"
    assert "the camera is off" in status_text.plain(now(), time.time())
    ask("resume", 8.0)
    wait_for(lambda: now().camera.open, 60)

    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: lock.holder() is None)
    again = background.start(source="demo")
    assert again.new
    restarted = background.restart()
    assert restarted.pid not in (first.pid, again.pid)
    assert now().source == "demo"
    until_s = time.time() + 600
    ask("pause", 8.0, until_s=until_s)
    ask("snooze", 8.0, seconds=900)
    restarted = background.restart()
    told = now()
    assert (told.activity, told.until_s, told.looks) == ("paused", until_s, 0)
    assert told.snoozed_until_s == pytest.approx(time.time() + 900, abs=30)
    ask("resume", 8.0)
    log = paths.log_file().read_text()
    assert "camera closed" not in log.rpartition("started (process")[2], "it was opened although paused"
    assert background.stop() == restarted.pid
    log = paths.log_file().read_text()
    assert "Traceback" not in log
    for private in (str(Path.home()) + "/", "default"):
        assert private not in log


def now() -> Status:
    return Status.from_json(ask("status"))
