"""Starting with the desktop: each system's own tools take what is written, and it goes without a trace."""

from __future__ import annotations

import contextlib
import os
import plistlib
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typed import done

import posture_monitor
from posture_monitor import outside
from posture_monitor.errors import UserError
from posture_monitor.service import autostart
from posture_monitor.service.autostart import Program, launchd, systemd, windows, xdg

#: Folders have names like these, and each of them means something to somebody's parser.
ODD = '/home/a b/100% "q" $HOME `x` \\n é;#\'~/venv/bin/python'

#: The issue's own measure of what a service may still do; 10 is everything.
EXPOSED_AT_MOST = 2.5


def program(python: str = "/opt/venv/bin/python", *, network: bool = False, home: str = "") -> Program:
    command = (python, "-m", "posture_monitor", "run", "--detached")
    environment = {"POSTURE_MONITOR_HOME": home} if home else {}
    folders = (Path(home) if home else Path("/home/ada/.local/share/posture-monitor"),)
    return Program(command, folders, environment, network)


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with nothing in the home folder, and no manager of services."""
    home = tmp_path / "the home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "POSTURE_MONITOR_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    return home


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
    }


def run(*arguments: str) -> str:
    return done("autostart", *arguments)


def needs(tool: str, package: str) -> str:
    if (found := shutil.which(tool)) is None:
        pytest.skip(f"{tool} is not installed (Debian: {package})")
    return found


# ------------------------------------------------------------------ XDG, and the commands


def test_switched_on_twice_and_off_it_leaves_nothing_behind(user: Path) -> None:
    assert "does not start by itself" in run("status")
    said = run("enable")
    assert "XDG autostart entry" in said
    once = tree(user)
    run("enable")
    assert tree(user) == once
    assert ".config/autostart/posture-monitor.desktop" in once
    assert run("status").startswith("It starts at each login (XDG")
    assert "Removed" in run("disable")
    assert tree(user) == {}
    assert "did not start by itself" in run("disable")


def test_what_the_user_keeps_there_stays(user: Path) -> None:
    (user / ".config" / "autostart").mkdir(parents=True)
    (user / ".config" / "autostart" / "other.desktop").write_text("[Desktop Entry]\n")
    data = user / ".local" / "share" / "posture-monitor"
    data.mkdir(parents=True)
    (data / "history.sqlite3").write_bytes(b"x")
    before = tree(user)
    run("enable")
    run("disable")
    assert tree(user) == before


def test_a_file_of_an_older_program_is_told_and_renewed(user: Path) -> None:
    run("enable")
    entry = user / ".config" / "autostart" / "posture-monitor.desktop"
    entry.write_text(entry.read_text().replace(sys.executable, "/old/python"))
    assert "Not written by this program as it is now" in run("status")
    run("enable")
    assert run("status").startswith("It starts at each login")


def test_one_switched_off_in_the_desktops_settings_is_told(user: Path) -> None:
    run("enable")
    entry = xdg.Xdg().path()
    assert xdg.Xdg().switched_on()
    entry.write_text(entry.read_text().replace("enabled=true", "enabled=false"))
    assert not xdg.Xdg().switched_on()
    assert not autostart.status().enabled


def test_a_folder_that_cannot_be_written_is_told_in_one_line(user: Path) -> None:
    (user / ".config").mkdir()
    (user / ".config" / "autostart").write_text("a file")
    with pytest.raises(UserError, match=r"cannot write .*autostart.*posture-monitor start"):
        autostart.enable()


def test_a_home_of_its_own_goes_along(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(user / "trial"))
    run("enable")
    line = next(line for line in xdg.Xdg().path().read_text().splitlines() if line.startswith("Exec="))
    assert f'env "POSTURE_MONITOR_HOME={user}/trial"' in line
    run("disable")
    assert tree(user) == {}


@pytest.mark.parametrize("python", ["/opt/venv/bin/python", ODD])
def test_the_desktop_entry_is_one(tmp_path: Path, python: str) -> None:
    tool = needs("desktop-file-validate", "desktop-file-utils")
    entry = tmp_path / "posture-monitor.desktop"
    (text,) = xdg.Xdg().texts(program(python, home="/a b"))
    entry.write_text(text)
    done = subprocess.run([tool, entry], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("argument", ["plain", "/a b/c", ODD, '"', "\\", "a%20b", "$(x)", "", "é"])
def test_what_the_entry_says_comes_out_as_it_went_in(argument: str) -> None:
    assert _read_exec(f"{xdg.quoted(argument)} -m") == [argument, "-m"]


def _read_exec(value: str) -> list[str]:
    """Read ``Exec=`` as the specification says: first the value's escapes, then quotes, then field codes."""
    value = value.replace("\\\\", "\\")
    words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', value)
    return [re.sub(r"\\(.)", r"\1", quoted or bare).replace("%%", "%") for quoted, bare in words]


def test_a_line_break_in_a_path_is_refused() -> None:
    with pytest.raises(UserError, match="plain path"):
        xdg.quoted("/a\nb")


# ------------------------------------------------------------------ systemd


def analyze(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> subprocess.CompletedProcess[str]:
    tool = needs("systemd-analyze", "systemd")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return subprocess.run([tool, "--user", *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    return tmp_path / systemd.UNIT


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("shut_in", [0, 1])
def test_systemd_takes_the_unit(
    unit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: bool, shut_in: int
) -> None:
    # What is to be run must be there for the tool to be content.
    python = tmp_path / (ODD.strip("/").replace("/", "_") if odd else "python")
    shutil.copy("/bin/true", python)
    unit.write_text(systemd.Systemd().texts(program(str(python), home=str(tmp_path)))[shut_in])
    unit.chmod(0o644)  # whatever is usual for whoever runs this
    done = analyze(tmp_path, monkeypatch, "verify", str(unit))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("network", [False, True])
def test_the_unit_may_do_little(
    unit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: bool
) -> None:
    unit.write_text(systemd.Systemd().texts(program(network=network))[0])
    done = analyze(tmp_path, monkeypatch, "security", "--offline=yes", str(unit))
    found = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    print(found[0])
    assert float(found[1]) <= EXPOSED_AT_MOST


def test_the_network_is_let_in_for_a_camera_that_is_there_alone() -> None:
    for text in systemd.Systemd().texts(program()):
        assert "\nRestrictAddressFamilies=AF_UNIX\n" in text
    for text in systemd.Systemd().texts(program(network=True)):
        assert "\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n" in text


def test_the_configured_camera_decides(user: Path) -> None:
    assert not autostart.this_program().network
    config = user / ".config" / "posture-monitor"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('[camera]\nsource = "http://camera.lan/stream"\n')
    assert autostart.this_program().network


@pytest.mark.parametrize("word", ["plain", "/a b", ODD, "%h", "a\nb", ""])
def test_a_word_of_the_unit_comes_out_as_it_went_in(word: str) -> None:
    # Quotes and escapes are the shell's, as far as they are used; the rest is undone here.
    inner = systemd.quoted(word)[1:-1]
    assert (
        re.sub(r"\\x([0-9a-f]{2})|\\(.)", lambda m: chr(int(m[1], 16)) if m[1] else m[2], inner).replace(
            "%%", "%"
        )
        == word
    )


class FakeManager:
    """What `systemctl --user` and `systemd-run` do to files and say; the rest is in the real unit's tests."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *, target: bool = True, namespaces: bool = True
    ) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.target, self.namespaces = target, namespaces
        monkeypatch.setattr(systemd, "ask", self.ask)

    def ask(self, *command: str, **_how: float) -> str | None:
        return "" if self.does(command) else None

    def does(self, command: tuple[str, ...]) -> bool:
        self.asked.append(command)
        path = systemd.Systemd().path()
        link = path.parent / f"{systemd.TARGET}.wants" / systemd.UNIT
        if "is-active" in command:
            return self.target
        if command[0] == "systemd-run":
            return self.namespaces
        if "enable" in command:
            link.parent.mkdir(exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(path)
        return True


def test_where_systemd_brings_the_desktop_up_it_is_taken(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("enable")  # before: as an XDG entry
    manager = FakeManager(monkeypatch)
    assert "systemd user unit" in run("enable")
    assert not xdg.Xdg().path().exists()
    once = tree(user)
    run("enable")
    assert tree(user) == once
    assert "PrivateUsers=yes" in systemd.Systemd().path().read_text()
    assert autostart.status().enabled
    run("disable")
    assert ("systemctl", "--user", "disable", systemd.UNIT) in manager.asked
    assert tree(user) == {}


def test_where_the_better_way_cannot_be_had_the_one_before_goes_on(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("enable")  # as an XDG entry
    FakeManager(monkeypatch)
    (user / ".config" / "systemd").write_text("a file")
    with pytest.raises(UserError, match=r"cannot write .*systemd"):
        autostart.enable()
    assert autostart.status().enabled


def test_where_user_namespaces_are_forbidden_the_unit_does_without(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeManager(monkeypatch, namespaces=False)
    run("enable")
    text = systemd.Systemd().path().read_text()
    assert "PrivateUsers" not in text
    assert "ProtectHome" not in text
    assert "MemoryDenyWriteExecute=yes" in text
    assert autostart.status().enabled


def test_a_manager_that_waits_for_no_desktop_is_not_taken(
    user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeManager(monkeypatch, target=False)
    assert "XDG autostart entry" in run("enable")


# ------------------------------------------------------------------ macOS and Windows


def test_the_launchd_agent(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autostart.sys, "platform", "darwin")
    (text,) = launchd.Launchd().texts(program(ODD, home="/a & b"))
    agent = plistlib.loads(text.encode())
    assert agent["Label"] == launchd.LABEL == launchd.Launchd().path().stem
    assert agent["ProgramArguments"][0] == ODD
    assert agent["ProgramArguments"][1:] == ["-m", "posture_monitor", "run", "--detached"]
    assert agent["EnvironmentVariables"] == {"POSTURE_MONITOR_HOME": "/a & b"}
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["RunAtLoad"] is True
    assert agent["ThrottleInterval"] >= 10  # launchd's own least
    assert agent["ProcessType"] == "Background"
    assert agent["LimitLoadToSessionType"] == "Aqua"
    # From launchd.plist(5): a misspelt key is passed over in silence.
    known = {"StandardOutPath", "StandardErrorPath", "Umask", "HardResourceLimits"}
    known |= {"Label", "ProgramArguments", "EnvironmentVariables", "KeepAlive", "RunAtLoad"}
    assert set(agent) <= known | {"ThrottleInterval", "ProcessType", "LimitLoadToSessionType"}


def test_the_startup_file_of_windows() -> None:
    python = r"C:\Users\A & B\100% venv\Scripts\python.exe"
    (text,) = windows.Startup().texts(program(python))
    lines = text.split("\r\n")
    assert lines[0] == "@echo off"
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")
    assert lines[-2] == (
        r'start "" /min "C:\Users\A & B\100%% venv\Scripts\pythonw.exe" '
        '"-m" "posture_monitor" "run" "--detached"'
    )


class Registry:
    """What the Task Manager notes of the files in the Startup folder, as `winreg` gives it."""

    HKEY_CURRENT_USER, KEY_SET_VALUE = object(), 2

    def __init__(self) -> None:
        self.notes: dict[str, bytes] = {}

    @contextlib.contextmanager
    def OpenKey(self, root: object, path: str, _reserved: int = 0, access: int = 0) -> Iterator[int]:
        assert root is self.HKEY_CURRENT_USER
        assert path.endswith(r"\Explorer\StartupApproved\StartupFolder")
        yield access

    def QueryValueEx(self, _key: int, name: str) -> tuple[bytes, int]:
        if name not in self.notes:
            raise FileNotFoundError(name)
        return self.notes[name], 3

    def DeleteValue(self, key: int, name: str) -> None:
        if key != self.KEY_SET_VALUE:
            raise PermissionError(name)
        if self.notes.pop(name, None) is None:
            raise FileNotFoundError(name)


@pytest.fixture
def registry(user: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Return the registry of this Windows, whose user is `user`."""
    found = Registry()
    autostart.this_program()  # what that needs is to be loaded for the system that this is
    monkeypatch.setattr(autostart.sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "winreg", found)  # type: ignore[arg-type]
    monkeypatch.setenv("APPDATA", str(user / "Roaming"))
    return found


def test_one_switched_off_in_the_task_manager_is_told(registry: Registry) -> None:
    assert autostart.enable().enabled
    registry.notes["posture-monitor.cmd"] = b"\x02" + bytes(11)
    assert autostart.status().enabled
    registry.notes["posture-monitor.cmd"] = b"\x03\0\0\0" + bytes(range(8))
    assert not autostart.status().enabled
    assert "Switched off" in autostart.describe(autostart.status())
    assert autostart.enable().enabled
    registry.notes["posture-monitor.cmd"] = b"\x03" + bytes(11)
    autostart.disable()
    assert registry.notes == {}


def test_the_startup_folder_stays(registry: Registry) -> None:
    """It is the system's own."""
    autostart.enable()
    folder = windows.Startup().path().parent
    autostart.disable()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_leave_nothing_behind_either(
    user: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    monkeypatch.setattr(autostart.sys, "platform", platform)
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(user / "trial"))
    (user / "Library").mkdir()
    (user / "Roaming" / "Microsoft").mkdir(parents=True)
    (user / "Roaming" / "Microsoft" / "x").touch()
    (user / "Library" / "x").touch()
    before = tree(user)
    autostart.enable()
    assert autostart.status().enabled
    autostart.enable()
    assert len(autostart.disable()) == 1
    assert {name for name in tree(user) if not name.startswith("Roaming")} == {
        name for name in before if not name.startswith("Roaming")
    }


# ------------------------------------------------------------------ beside the unit


def test_from_within_the_unit_things_are_started_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(outside.MARK, raising=False)
    assert outside.command(["firefox", "x"]) == ["firefox", "x"]
    monkeypatch.setenv(outside.MARK, "1")
    monkeypatch.setattr(outside.shutil, "which", lambda _name: "/usr/bin/systemd-run")
    assert shlex.join(outside.command(["firefox", "x"])) == (
        "systemd-run --user --quiet --collect -- firefox x"
    )
    assert {"--pipe", "--wait"} <= set(outside.command(["find"], wait=True))
    monkeypatch.setattr(outside.shutil, "which", lambda _name: None)
    assert outside.command(["firefox", "x"]) == ["firefox", "x"]


def test_the_unit_says_that_it_is_one() -> None:
    for text in systemd.Systemd().texts(program()):
        assert f'Environment="{outside.MARK}=1"' in text
        assert os.linesep not in text or os.linesep == "\n"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python cannot be told so before 3.11")
def test_no_file_of_the_home_folder_is_run_at_login(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    (home / "click.py").write_text("raise SystemExit('taken from the folder')")
    monkeypatch.setenv("PYTHONPATH", str(Path(posture_monitor.__file__).parents[1]))
    command = [*autostart.this_program().command, "--help"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
