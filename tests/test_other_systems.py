"""Windows and macOS, as far as Linux can stand in for them."""

from __future__ import annotations

import ctypes
import locale
import math
import ntpath
import os
import re
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import Any
from unittest import mock

import psutil  # noqa: F401 - finds out what system this is when it is loaded
import pytest

from posture_monitor import hardening, paths, whole_file
from posture_monitor.cli import COMMANDS
from posture_monitor.errors import UserError
from posture_monitor.sensing import camera, demo, pose
from posture_monitor.service import (
    background,
    browser,
    clock,
    control,
    doctor,
    doctor_report,
    eye,
    local_pipe,
    logs,
    tray,
    usage,
)
from posture_monitor.service.autostart import windows as autostart
from posture_monitor.service.presence import Away, macos, windows
from posture_monitor.telling import dnd
from posture_monitor.telling.channels import desktop, plyer
from posture_monitor.telling.channels.plyer import Plyer, cut
from posture_monitor.telling.notify import ChannelError
from posture_monitor.telling.words import Text

#: What is for Linux or for both of them alone, and loaded there alone.
_THEIRS = {"dbus", "sensing.v4l2", "service.local_socket", "service.presence.linux"}
#: Imports all of the program where Python has nothing that Windows has not.
_AS_ON_WINDOWS = """
import importlib, os, pkgutil, signal, socket, subprocess, sys, time, types
import asyncio, concurrent.futures.thread, ctypes.util, getpass, importlib.metadata, logging.handlers, mmap
import multiprocessing.connection, select, sqlite3, tempfile, urllib.request, webbrowser, zipfile, zoneinfo
import click, cv2, matplotlib.figure, numpy, platformdirs, pydantic, tomlkit
import rich.console, rich.live, rich.progress
try:
    import PySide6.QtWidgets
except ImportError:
    theirs.add("windows")

gone = {"fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog", "posix", "jeepney", "dbus_fast"}
for name in [name for name in sys.modules if name.partition(".")[0] in gone]:
    del sys.modules[name]

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in gone:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Gone())
for module, names in {
    os: "getuid geteuid getgid fork setsid killpg sysconf mkfifo nice uname getloadavg fchmod chown waitpid "
        "sched_getaffinity memfd_create pread statvfs O_NONBLOCK O_CLOEXEC O_NOFOLLOW O_DIRECTORY WNOHANG",
    signal: "SIGKILL SIGHUP SIGQUIT SIGUSR1 SIGALRM SIGCHLD SIGPIPE alarm setitimer pthread_sigmask",
    time: "CLOCK_BOOTTIME CLOCK_MONOTONIC CLOCK_REALTIME clock_gettime tzset",
    socket: "AF_UNIX SO_PEERCRED socketpair",
}.items():
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
sys.platform = "win32"
subprocess.CREATE_NO_WINDOW, subprocess.CREATE_NEW_PROCESS_GROUP = 0x08000000, 0x200
sys.modules["msvcrt"] = types.ModuleType("msvcrt")

import posture_monitor
for found in pkgutil.walk_packages(posture_monitor.__path__, "posture_monitor."):
    short = found.name.partition(".")[2]
    if short not in theirs and short.partition(".")[0] not in theirs and not short.endswith("__main__"):
        importlib.import_module(found.name)
        print(short)

from posture_monitor.sensing.camera import OPEN_S, SILENCE_S
from posture_monitor.service.eye import FIRST_LIMIT_S, LOOK_LIMIT_S
from posture_monitor.history.timeline import YEARS
assert 1970 not in YEARS, "its first days have no local time there (python/cpython#81708)"
assert OPEN_S + SILENCE_S < LOOK_LIMIT_S < FIRST_LIMIT_S, "a camera that is slow to open is no eye that hangs"
"""


def run_python(code: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[bytes]:
    root = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(root), **settings},
        capture_output=True,
        timeout=120,
    )


def test_all_of_it_loads_where_python_has_what_windows_has() -> None:
    done = run_python(f"theirs = {_THEIRS!r}\n{_AS_ON_WINDOWS}")
    assert done.returncode == 0, done.stderr.decode()
    assert {f"cli.{module}" for module in COMMANDS.values()} <= set(done.stdout.decode().split())


@pytest.mark.parametrize(("platform", "told"), [("win32", "90° ●".encode()), ("linux", b"90\xb0 ?")])
def test_what_goes_into_a_pipe_is_utf_8_on_windows(platform: str, told: bytes) -> None:
    code = (
        "import click, sys; from posture_monitor import cli, hardening\n"
        "cli.cli = lambda **_: click.echo('90° ●', nl=False)\n"
        f"sys.platform = {platform!r}\nhardening.forbid_core_dumps = lambda: None\ncli.main()"
    )
    assert run_python(code, PYTHONIOENCODING="cp1252", PYTHONUTF8="0").stdout == told


def test_the_monitor_has_a_console_without_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any, all that it starts would open one."""
    monkeypatch.setattr(background.sys, "platform", "win32")
    monkeypatch.setattr(background.subprocess, "CREATE_NO_WINDOW", 0x08000000, raising=False)
    monkeypatch.setattr(background.subprocess, "CREATE_NEW_PROCESS_GROUP", 0x200, raising=False)
    assert background._flags() == 0x08000200


def test_a_tray_icon_is_left_to_go_by_itself_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tray, "possible", lambda: True)
    monkeypatch.setattr(tray, "python", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    with tray.tray_icon(wanted=True) as process:
        assert process is not None
        monkeypatch.setattr(tray.sys, "platform", "win32")
    try:
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_no_x_server_is_asked_where_that_would_start_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_command: str) -> str:
        raise AssertionError("asked")

    monkeypatch.setenv("DISPLAY", "/private/tmp/org.xquartz:0")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(dnd.linux, "ask", never)
    for platform in ("darwin", "win32"):
        monkeypatch.setattr(dnd.sys, "platform", platform)
        assert not dnd.full_screen()


def test_a_startup_folder_that_only_python_sees_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APPDATA", str(tmp_path / "Roaming"))

    def none_there(*_key: object) -> None:
        raise FileNotFoundError

    winreg = SimpleNamespace(HKEY_CURRENT_USER=None, KEY_SET_VALUE=2, OpenKey=none_there)
    monkeypatch.setitem(sys.modules, "winreg", winreg)  # type: ignore[arg-type]
    way = autostart.Startup()
    way.path().parent.mkdir(parents=True)
    way.path().touch()
    way.switch_on()
    assert way.switched_on()
    private = tmp_path / "Packages" / "PythonSoftwareFoundation.Python.3.12_q" / "LocalCache" / "Roaming"
    private.parent.mkdir(parents=True)
    (tmp_path / "Roaming").rename(private)
    (tmp_path / "Roaming").symlink_to(private)
    with pytest.raises(UserError, match="Microsoft Store"):
        way.switch_on()
    assert not way.switched_on()
    assert not way.path().exists(), "nothing is left that does nothing"


@pytest.mark.parametrize("units", [1, 8, 63, 255])
@pytest.mark.parametrize("text", ["", "short", "word " * 80, "🙂" * 200, "a" * 62 + "🙂b"])
def test_text_is_cut_to_what_windows_takes(text: str, units: int) -> None:
    shown = cut(text, units)
    assert len(shown.encode("utf-16-le")) / 2 <= units
    fits = len(text.encode("utf-16-le")) / 2 <= units
    assert shown == text if fits else shown.endswith("…") and text.startswith(shown[:-1])


def test_plyer_is_given_no_longer_text_than_windows_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Mapping[str, Any]] = []
    monkeypatch.setattr(plyer.sys, "platform", "win32")
    monkeypatch.setattr("plyer.notification.notify", lambda **told: shown.append(told), raising=False)
    Plyer().send(Text("title " * 20, "body " * 100))
    assert 50 < len(shown[0]["title"]) <= 63
    assert 240 < len(shown[0]["message"]) <= 255


def test_macos_shows_it_by_its_own_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "osascript"
    script.write_text('#!/bin/sh\nprintf "%s|" "$@" > "$0.said"\n[ "$4" != wrong ] || exit 1\n')
    script.chmod(0o755)
    monkeypatch.setattr(plyer.sys, "platform", "darwin")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    channel = Plyer()
    channel.check()
    channel.send(Text("Sit up", 'say "hello" & go'))
    option, _script, title, body = (tmp_path / "osascript.said").read_text().split("|")[:4]
    assert (option, title, body) == ("-e", "Sit up", 'say "hello" & go')
    with pytest.raises(ChannelError, match="osascript failed: it says nothing"):
        channel.send(Text("Sit up", "wrong"))


def test_a_camera_that_macos_refuses_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert eye._why(-6) == "status -6"
    monkeypatch.setattr(eye.sys, "platform", "darwin")
    assert "may not use the camera; run `posture-monitor restart`" in eye._why(-6), "the monitor runs already"


def test_a_camera_has_no_node_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera.sys, "platform", "win32")
    monkeypatch.delattr(os, "O_NONBLOCK")
    with pytest.raises(UserError, match="no camera there; cameras have numbers here: --source 0"):
        camera.CameraSource("/dev/video99")


def test_windows_reports_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor asks about one: what has crashed is to let go of the camera."""
    modes = [0x8000]
    kernel = SimpleNamespace(GetErrorMode=lambda: modes[-1], SetErrorMode=modes.append)
    monkeypatch.setattr(hardening.sys, "platform", "win32")
    monkeypatch.setattr("ctypes.windll", SimpleNamespace(kernel32=kernel), raising=False)
    hardening.forbid_core_dumps()
    assert modes[-1] == 0x8003


def test_a_desktop_that_refuses_at_once_is_no_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows does where its notifications are switched off by whoever looks after the machine."""
    desktop_notifier = pytest.importorskip("desktop_notifier")

    def refuse(**_how: object) -> None:
        raise OSError("Element not found.")

    monkeypatch.setattr(desktop_notifier, "DesktopNotifier", refuse)
    monkeypatch.setattr(desktop.sys, "platform", "win32")
    channel = desktop.Desktop()
    try:
        with pytest.raises(ChannelError, match="cannot be reached"):
            channel.check()
    finally:
        channel.close()


def test_notifications_whose_library_does_not_load_are_no_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a Windows without the Visual C++ libraries; else the monitor would not start."""
    pytest.importorskip("desktop_notifier")

    def fail() -> None:
        raise ImportError("DLL load failed while importing _winrt")

    monkeypatch.setattr("desktop_notifier.main.get_backend_class", fail)
    with pytest.raises(ChannelError, match=r"cannot be reached \(DLL load failed"):
        desktop.Desktop().check()


def test_a_reader_that_has_gone_is_no_fault_on_windows() -> None:
    code = (
        "import errno, sys; from posture_monitor import cli, hardening\n"
        "hardening.forbid_core_dumps = lambda: None\n"
        "def gone(_ctx): raise OSError(errno.EINVAL, 'Invalid argument')\n"
        "cli.cli.callback = lambda: gone(None); sys.platform = 'win32'; cli.main()"
    )
    done = run_python(code)
    assert (done.returncode, done.stderr) == (1, b"")
    elsewhere = "import os; os.dup2(os.open(os.devnull, os.O_WRONLY), 1)\n"
    assert b"Invalid argument" in run_python(elsewhere + code).stderr, "there it is a fault of the program"


def test_windows_is_told_to_look_at_the_time_zone_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its C library keeps that of the start, as the others do."""
    looked: list[str] = []
    library = SimpleNamespace(_tzset=lambda: looked.append("again"))
    monkeypatch.setattr(clock.sys, "platform", "win32")
    monkeypatch.setattr("ctypes.windll", SimpleNamespace(ucrtbase=library), raising=False)
    clock.follow_zone()
    assert looked == ["again"]


class OpenElsewhere:
    """Replaces files as Windows does one that somebody else has open, for so many tries."""

    def __init__(self, tries: int) -> None:
        self.tries = tries
        self._replace = os.replace

    def __call__(self, draft: str, target: Path) -> None:
        self.tries -= 1
        if self.tries >= 0:
            raise PermissionError(13, "Access is denied", draft, None, str(target))
        self._replace(draft, target)


def test_a_file_that_a_virus_scanner_has_open_is_written_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_file.os, "replace", OpenElsewhere(3))
    monkeypatch.setattr(whole_file.sys, "platform", "win32")
    with whole_file.replacing(tmp_path / "a") as file:
        file.write(b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


def test_one_that_stays_open_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path := tmp_path / "a").write_bytes(b"before")
    monkeypatch.setattr(whole_file.os, "replace", OpenElsewhere(1000))
    monkeypatch.setattr(whole_file, "PATIENCE_S", 0.1)
    monkeypatch.setattr(whole_file.sys, "platform", "win32")
    with pytest.raises(PermissionError) as refused, whole_file.replacing(path) as file:
        file.write(b"x")
    assert refused.value.filename == str(path)
    assert [(left.name, left.read_bytes()) for left in tmp_path.iterdir()] == [("a", b"before")]


class CoreFoundation:
    """What is asked of Apple's libraries, as ctypes gives it, and what is still to be released."""

    def __init__(self, session: dict[bytes, bool] | None) -> None:
        self.session, self.names = session, list[bytes]()
        self.opened, self.owned = 0, Counter[int]()
        for name, function in {
            "CGSessionCopyCurrentDictionary": self._copy,
            "CFStringCreateWithCString": self._create,
            "CFDictionaryGetValue": lambda _of, key: (
                200 if self.names[key - 100] in (session or ()) else None
            ),
            "CFBooleanGetValue": lambda _answer: int((session or {})[self.names[-1]]),
            "CFRelease": lambda what: self.owned.subtract([what]),
        }.items():
            setattr(self, name, mock.Mock(side_effect=function))

    def __call__(self, path: str) -> CoreFoundation:
        assert re.fullmatch(r"/System/Library/Frameworks/(\w+)\.framework/\1", path)
        self.opened += 1
        return self

    def _copy(self) -> int | None:
        self.owned.update([1] if self.session is not None else [])
        return None if self.session is None else 1

    def _create(self, _by: None, name: bytes, _code: int) -> int:
        self.names.append(name)
        self.owned.update([99 + len(self.names)])
        return 99 + len(self.names)


@pytest.mark.parametrize(
    ("session", "told"),
    [
        (None, None),
        ({}, (False, True)),
        ({b"CGSSessionScreenIsLocked": True, b"kCGSSessionOnConsoleKey": True}, (True, True)),
        ({b"kCGSSessionOnConsoleKey": False}, (False, False)),
    ],
)
def test_a_session_of_macos_is_read_and_given_back(
    monkeypatch: pytest.MonkeyPatch, session: dict[bytes, bool] | None, told: tuple[bool, bool] | None
) -> None:
    apple = CoreFoundation(session)
    monkeypatch.setattr(macos.ctypes, "CDLL", apple)
    macos._libraries.cache_clear()
    assert [macos._session() for _ in range(3)] == [told] * 3
    macos._libraries.cache_clear()
    assert apple.opened == 2, "once for each library, however often it is looked"
    assert not any(apple.owned.values())


class TerminalServices:
    """Windows' word on a session: memory that it hands out, and wants back."""

    def __init__(self, session: Mapping[int, bytes], *, desktop: int) -> None:
        self.session, self.desktop = session, desktop
        self.out: dict[int, Any] = {}
        self.wtsapi32 = self.user32 = self
        self.OpenInputDesktop = mock.Mock(side_effect=self._open)
        self.CloseDesktop = mock.Mock(side_effect=lambda handle: self.out.pop(handle) and 1)

    def WTSQuerySessionInformationW(
        self, server: None, session: ctypes.c_ulong, what: int, buffer: Any, length: Any
    ) -> int:
        assert (server, session.value) == (None, 0xFFFFFFFF)
        if what not in self.session:
            return 0
        memory = ctypes.create_string_buffer(self.session[what], len(self.session[what]))
        buffer._obj.value, length._obj.value = ctypes.addressof(memory), len(memory)
        self.out[ctypes.addressof(memory)] = memory
        return 1

    def WTSFreeMemory(self, buffer: ctypes.c_void_p) -> None:
        del self.out[buffer.value or 0]

    def _open(self, flags: int, inherit: bool, access: int) -> int | None:
        assert (flags, inherit, access) == (0, False, 0x0100)
        if self.desktop:
            self.out[self.desktop] = "a handle"
        return self.desktop or None


def wtsinfoex(session: int, state: int, flags: int) -> bytes:
    """Return the record as a C compiler for Windows lays it out: 232 bytes, flags at the 16th."""
    return struct.pack("<I4xIIi212x", 1, session, state, flags)


@pytest.mark.parametrize(
    ("told", "desktop", "away"),
    [
        ({8: b"\0\0\0\0", 25: wtsinfoex(1, 0, 1)}, 0x7FFF00000060, ""),
        ({8: b"\0\0\0\0", 25: wtsinfoex(1, 0, 0)}, 0x7FFF00000060, "locked"),
        ({8: b"\4\0\0\0", 25: wtsinfoex(2, 4, 0)}, 0, "session switched"),
        ({8: b"\0\0\0\0", 25: wtsinfoex(1, 0, -1)}, 0, "locked"),
        ({}, 0, "locked"),
    ],
)
def test_a_session_of_windows_is_read_and_given_back(
    monkeypatch: pytest.MonkeyPatch, told: dict[int, bytes], desktop: int, away: str
) -> None:
    services = TerminalServices(told, desktop=desktop)
    monkeypatch.setattr("ctypes.windll", services, raising=False)
    assert windows._read() == Away(away)  # type: ignore[arg-type]
    assert services.out == {}
    assert services.OpenInputDesktop.restype is ctypes.c_void_p, "a handle is wider than an int"


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_what_all_processes_cost_is_told_elsewhere_too(
    monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    code = "held = bytearray(99 << 20); sum(range(9_000_000)); print(flush=True); input()"
    command = [sys.executable, "-c", code]
    if platform == "win32":  # where the python of a virtual environment begins another one
        launcher = "import subprocess, sys; subprocess.run(sys.argv[1:])"
        command = [sys.executable, "-c", launcher, *command]
    monkeypatch.setattr(usage.sys, "platform", platform)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert 99 < usage.memory_mb([child.pid]) - usage.memory_mb() < 300
        assert usage.cpu_s([child.pid]) - usage.cpu_s() > 0.05
        child.communicate(b"\n")
    assert usage.cpu_s([child.pid]) - usage.cpu_s() < 0.05, "of one that has ended nothing more is told"


#: `LockFileEx` as documented, by what Linux has.
_LOCKS_AS_ON_WINDOWS = """
import ctypes, fcntl, os, sys, types

def take(handle, how, reserved, low, high, place):
    assert (reserved, low, high) == (0, 1, 0) and how & 1, "one byte, and nobody waits"
    assert (place._obj.offset, place._obj.offset_high) == (1 << 30, 0), "far from what is read"
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if how & 2 else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    return 1

class LockFileEx:
    __call__ = staticmethod(take)

sys.platform = "win32"
sys.modules["msvcrt"] = types.SimpleNamespace(get_osfhandle=lambda file: file)
ctypes.windll = types.SimpleNamespace(kernel32=types.SimpleNamespace(LockFileEx=LockFileEx()))
from posture_monitor.service import lock
with lock.Lock():
    assert lock.holder().pid == os.getpid()
with open(lock.paths.lock_file(), "r+b") as another:
    assert lock._grab(another.fileno(), alone=False)
    print(lock.holder())
"""


def test_two_who_look_at_once_do_not_take_each_other_for_the_monitor(tmp_path: Path) -> None:
    done = run_python(_LOCKS_AS_ON_WINDOWS, POSTURE_MONITOR_HOME=str(tmp_path / "home"))
    assert (done.stdout, done.stderr) == (b"None\n", b"")


@pytest.mark.parametrize(
    ("number", "told"), [(2, control.NotRunning), (121, control.NoAnswer), (231, control.NoAnswer)]
)
def test_a_monitor_that_lets_nobody_in_is_not_called_gone(
    home: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: type[UserError]
) -> None:
    def come(_address: str) -> None:
        refused = OSError(22, "as Windows says")
        refused.winerror = number  # type: ignore[attr-defined]
        raise refused

    monkeypatch.setattr(local_pipe.connection, "Client", come)
    monkeypatch.setattr(control, "connect", local_pipe.connect)
    with pytest.raises(told):
        control.ask("status")


def test_a_pipe_whose_other_end_has_gone_is_at_its_end() -> None:
    """Where Windows tells of it when it is asked whether there is anything to read."""
    end = mock.Mock()
    end.poll.side_effect = BrokenPipeError(32, "The pipe has been ended", None, 109)
    assert local_pipe.Connection(end).read(10, math.inf) is None
    end.poll.side_effect = lambda _s: False
    with pytest.raises(TimeoutError):
        local_pipe.Connection(end).read(10, 0.0)


def test_a_folder_however_it_is_written_has_one_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    windows_os = SimpleNamespace(name="nt", path=ntpath, fsencode=os.fsencode)
    monkeypatch.setattr(local_pipe, "os", windows_os)
    written = (r"C:\Users\Ada\home\control", "c:/users/ada/Home/control", r"C:\Users\Ada\x\..\home\control")
    names = {local_pipe.address(PureWindowsPath(path)) for path in written}  # type: ignore[arg-type]
    (name,) = names
    assert re.fullmatch(r"\\\\\.\\pipe\\posture-monitor-[0-9a-f]{16}", name)


def test_a_log_is_not_read_again_where_its_number_differs(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one file Windows may tell two: opened, and by its name."""
    path = paths.make_private(paths.log_file().parent) / "monitor.log"
    path.write_text("before\n")
    monkeypatch.setattr(logs.os.path, "samestat", lambda _one, _other: False)
    monkeypatch.setattr(logs.sys, "platform", "win32")
    monkeypatch.setattr(logs.time, "sleep", lambda _s: path.write_text("before\nafter\n"))
    lines = logs.follow()
    assert next(lines) == "after"
    lines.close()  # type: ignore[attr-defined]


def test_the_doctor_claims_no_more_than_windows_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a closed lid and of sleep it tells nothing."""
    monkeypatch.setattr("ctypes.windll", TerminalServices({}, desktop=1), raising=False)
    monkeypatch.setattr(doctor.sys, "platform", "win32")
    told = doctor.check_presence().text
    assert told == "session and lock (terminal services); an empty chair by the camera"


@pytest.mark.parametrize(
    "said",
    [
        r"Could not find module 'C:\x\libmediapipe.dll' (or one of its dependencies). Try using",
        "[WinError 193] %1 is not a valid Win32 application",
        "dlopen(/x/libmediapipe.dylib, 0x0006): tried: '/x/libmediapipe.dylib' (incompatible architecture)",
    ],
)
def test_a_library_that_does_not_load_is_no_fault_of_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    (model := tmp_path / "model.task").touch()
    mediapipe = mock.MagicMock()
    mediapipe.tasks.vision.PoseLandmarker.create_from_options.side_effect = OSError(said)
    monkeypatch.setattr(pose, "_mediapipe", lambda: mediapipe)
    with pytest.raises(UserError, match="MediaPipe cannot be loaded"):
        pose.PoseEstimator(model, stills=True)


@pytest.mark.parametrize(
    ("platform", "advice"),
    [("win32", "Visual C++ Redistributable"), ("darwin", "Apple silicon"), ("linux", "apt install")],
)
def test_each_system_gets_advice_of_its_own(platform: str, advice: str) -> None:
    code = (
        "import subprocess, sys; from posture_monitor import children; sys.platform = sys.argv[1]\n"
        "from posture_monitor.sensing.graphics import ADVICE; from posture_monitor.service import screen\n"
        "print(ADVICE); print(screen._LIBRARIES)"
    )
    told = run_python(code, platform).stdout.decode()
    assert advice in told
    assert ("Debian" in told) == (platform == "linux")


@pytest.mark.parametrize("text", [r"C:\Users\Ada L\x", r"'C:\\Users\\Ada L\\x'", r"c:\users\ada l\x"])
def test_a_home_folder_of_windows_gets_into_no_log_and_no_report(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HOME", r"C:\Users\Ada L")
    monkeypatch.setattr("getpass.getuser", lambda: "lovelace")
    for rule, instead in logs._rules():
        text = rule.sub(instead, text)
    assert text.strip("'").replace("\\\\", "\\") == r"~\x"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (r"cannot read 'C:\\Users\\Ada L\\x': no", r"cannot read '~\\x': no"),
        (r"D:\Users\Bob B\x.csv: no such file", r"D:\Users\<user>\x.csv: no such file"),
        (r"'d:\\users\\bob' is no file", r"'d:\\users\\<user>' is no file"),
    ],
)
def test_a_report_names_no_user_of_windows(monkeypatch: pytest.MonkeyPatch, text: str, told: str) -> None:
    monkeypatch.setenv("HOME", r"C:\Users\Ada L")
    assert doctor_report.scrub(text) == told


def test_a_page_in_a_folder_with_letters_beyond_ascii_is_opened_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    monkeypatch.setattr(browser, "_start", lambda *command: begun.extend(command))
    monkeypatch.setattr(browser.webbrowser, "get", lambda: None)
    monkeypatch.setattr(browser.sys, "platform", "win32")
    browser.show(tmp_path / "Jürgen" / "report.html")
    assert begun[-1] == str(tmp_path / "Jürgen" / "report.html")


def test_the_demo_is_made_in_a_folder_with_letters_beyond_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    """There OpenCV reads no picture by its name on Windows (opencv/opencv#4292)."""
    monkeypatch.setattr(demo.cv2, "imread", lambda *_: None)
    demo._layers.cache_clear()
    assert demo.picture(0.0).shape == (demo.HEIGHT, demo.WIDTH, 3)


@pytest.mark.parametrize(
    "name", ["Norwegian Bokmål_Norway.1252", "Turkish_Türkiye.1254", "German_Germany.1252"]
)
def test_letters_are_as_before_once_the_model_is_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    now = [name]

    def setlocale(_category: int, wanted: str | None = None) -> str:
        if wanted is not None and not wanted.isascii():
            raise locale.Error("unsupported locale setting")
        now[0] = now[0] if wanted is None else wanted or name
        return now[0]

    monkeypatch.setattr(pose.locale, "setlocale", setlocale)
    with pose._plain_letters():
        assert now == ["C"]
    assert now == [name]
