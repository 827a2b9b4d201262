"""The session on a real bus: locked, switched, asleep, lid, and the bus itself killed and back."""

from __future__ import annotations

import contextlib
import os
import plistlib
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from buses import LOGIND, MANAGER, SAVER, SESSION, UPOWER, Machine, machine_with_buses
from waiting import wait_for

from posture_monitor.service import presence
from posture_monitor.service.presence import PRESENT, Away, linux, macos, windows
from posture_monitor.service.presence.polling import Polling

if not sys.platform.startswith("linux"):
    pytest.skip("logind is Linux's", allow_module_level=True)

from posture_monitor.dbus import Bus, RefusedError
from posture_monitor.service.presence import lockers
from posture_monitor.service.presence.linux import LinuxPresence
from posture_monitor.service.presence.lockers import Lockers

pytestmark = pytest.mark.slow

#: From the signal to the answer; the camera has a second to close.
PROMPT_S = 0.5


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine with both buses, and nobody on them yet."""
    monkeypatch.setenv("XDG_SESSION_ID", "c2")
    # Whoever runs the tests may have a lid, or a locked screen.
    monkeypatch.setattr(Lockers, "running", lambda _self: False)
    with machine_with_buses(tmp_path, monkeypatch) as machine:
        yield machine


class Watch:
    """A presence being watched, and what it has said."""

    def __init__(self, watched: presence.Presence) -> None:
        self.watched = watched
        self.said: queue.Queue[Away] = queue.Queue()
        self.now = PRESENT
        watched.start(self.hear)

    def hear(self, away: Away) -> None:
        self.now = away
        self.said.put(away)

    def says(self, reason: str, seconds: float = PROMPT_S) -> None:
        try:
            assert self.said.get(timeout=seconds).reason == reason
        except queue.Empty:
            pytest.fail(f"not a word of {reason!r} within {seconds} s")

    def silent(self, seconds: float = 0.3) -> None:
        time.sleep(seconds)
        assert self.said.empty()


@contextlib.contextmanager
def watching(watched: presence.Presence | None = None) -> Iterator[Watch]:
    watch = Watch(watched or LinuxPresence())
    try:
        yield watch
    finally:
        began = time.monotonic()
        watch.watched.close()
        assert time.monotonic() - began < 0.4
        assert not [thread for thread in threading.enumerate() if thread.name == "presence"]


def test_a_session_locks_and_is_switched_away(machine: Machine) -> None:
    machine.logind()
    with watching() as watch:
        assert watch.now == PRESENT
        assert watch.watched.describe() == "logind (session c2 on seat0)"
        # The desktop locks and says so.
        machine.put("LockedHint", True)
        watch.says("locked")
        machine.put("LockedHint", False)
        watch.says("")
        # Somebody asks for the lock, and for its end.
        machine.call(LOGIND, SESSION, f"{LOGIND}.Session.Lock")
        watch.says("locked")
        machine.call(LOGIND, SESSION, f"{LOGIND}.Session.Unlock")
        watch.says("")
        # Another user, or a console, is shown.
        machine.put("Active", False)
        watch.says("session switched")
        machine.put("Active", True)
        watch.says("")


def test_sleep_comes_over_a_locked_screen_and_leaves_it_locked(machine: Machine) -> None:
    machine.logind()
    with watching() as watch:
        machine.put("LockedHint", True)
        watch.says("locked")
        machine.sleep(True)
        watch.says("suspended")
        machine.sleep(False)
        watch.says("locked")
        machine.put("LockedHint", False)
        watch.says("")


def test_a_closed_lid_is_away_unless_another_screen_is_in_use(machine: Machine) -> None:
    machine.logind()
    machine.mock("system", UPOWER, "--template", "upower")
    lid = {"path": "/org/freedesktop/UPower", "interface": UPOWER}
    with watching() as watch:
        assert "lid (UPower)" in watch.watched.describe()
        machine.put("LidIsClosed", True, **lid)
        watch.says("lid closed")
        machine.put("LidIsClosed", False, **lid)
        watch.says("")
        machine.say(MANAGER, "AddProperty", "ssv", f"{LOGIND}.Manager", "Docked", ("b", True))
        machine.put("LidIsClosed", True, **lid)
        watch.silent()


def test_a_lid_of_which_no_word_is_sent_is_looked_at(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.logind()
    machine.say(MANAGER, "AddProperty", "ssv", f"{LOGIND}.Manager", "LidClosed", ("b", False))
    monkeypatch.setattr(linux, "REREAD_S", linux.LID_S)  # as on a machine with a lid
    with watching() as watch:
        properties = "org.freedesktop.DBus.Properties.Set"
        machine.call(LOGIND, MANAGER, properties, "ssv", f"{LOGIND}.Manager", "LidClosed", ("b", True))
        watch.says("lid closed", 1.0)


def test_a_desktop_that_locks_without_logind(machine: Machine) -> None:
    machine.logind()
    machine.saver()
    saver = "/org/gnome/ScreenSaver"
    with watching() as watch:
        assert watch.watched.describe() == f"logind (session c2 on seat0), screen saver ({SAVER})"
        machine.call(SAVER, saver, f"{SAVER}.SetActive", "b", True, bus="session")
        watch.says("locked")
        machine.call(SAVER, saver, f"{SAVER}.SetActive", "b", False, bus="session")
        watch.says("")
        # A service that dies takes its word with it.
        machine.call(SAVER, saver, f"{SAVER}.SetActive", "b", True, bus="session")
        watch.says("locked")
        machine.kill(SAVER)
        watch.says("")


def test_one_that_starts_behind_a_locked_screen_knows_at_once(machine: Machine) -> None:
    machine.logind()
    machine.put("LockedHint", True)
    with watching() as watch:
        watch.says("locked", 0)


def test_a_service_without_a_session_of_its_own_finds_the_users(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_SESSION_ID")
    machine.logind()
    user = f"/org/freedesktop/login1/user/{os.getuid()}"
    display = (f"{LOGIND}.User", "Display", ("(so)", ("c2", SESSION)))
    # The template's own stumbles over a number.
    code = f'ret = "{user}"'
    machine.say(MANAGER, "AddMethod", "sssss", f"{LOGIND}.Manager", "GetUser", "u", "o", code)
    machine.call(LOGIND, user, "org.freedesktop.DBus.Properties.Set", "ssv", *display)
    with watching() as watch:
        assert watch.watched.describe() == "logind (session c2 on seat0)"
        machine.put("LockedHint", True)
        watch.says("locked")


def test_a_session_that_has_ended_is_shown_no_more(machine: Machine) -> None:
    machine.logind()
    with watching() as watch:
        machine.say(MANAGER, "RemoveObject", "s", SESSION)
        machine.say(
            MANAGER,
            "EmitSignal",
            "sssav",
            f"{LOGIND}.Manager",
            "SessionRemoved",
            "so",
            [("s", "c2"), ("o", SESSION)],
        )
        watch.says("session switched")
        machine.say(MANAGER, "AddSession", "ssusb", "c2", "seat0", os.getuid(), "ada", True)
        machine.say(
            MANAGER,
            "EmitSignal",
            "sssav",
            f"{LOGIND}.Manager",
            "SessionNew",
            "so",
            [("s", "c2"), ("o", SESSION)],
        )
        watch.says("")


def test_the_session_of_somebody_else_is_not_taken_for_ones_own(machine: Machine) -> None:
    machine.mock("system", LOGIND, "--template", "logind")
    machine.say(MANAGER, "AddSession", "ssusb", "c2", "seat0", os.getuid() + 1, "eve", True)
    with watching() as watch:
        assert watch.watched.describe() == ""
        machine.put("LockedHint", True)
        watch.silent()


def test_a_lost_bus_is_found_again_and_what_it_said_holds_meanwhile(machine: Machine) -> None:
    machine.logind()
    with watching() as watch:
        machine.put("LockedHint", True)
        watch.says("locked")
        machine.kill("system")
        machine.kill(LOGIND)
        watch.silent()
        assert watch.now == Away("locked")
        machine.start_bus("system")
        machine.logind()  # unlocked now
        # The mock has its name before it has its sessions, so another word may come first.
        wait_for(lambda: watch.now == PRESENT, 5)
        machine.put("LockedHint", True)
        wait_for(lambda: watch.now == Away("locked"), 4)


def test_a_restarted_logind_is_heard_again(machine: Machine) -> None:
    machine.logind()
    with watching() as watch:
        machine.kill(LOGIND)
        machine.logind()
        machine.put("LockedHint", True)
        # The mock has its name before it has its sessions, so another word may come first.
        wait_for(lambda: watch.now == Away("locked"), 4)


def test_a_bus_that_stays_away_leaves_the_user_present(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linux, "LOST_S", 0.6)
    machine.logind()
    with watching() as watch:
        machine.put("LockedHint", True)
        watch.says("locked")
        machine.kill("system")
        watch.says("", 3)


def test_a_lock_that_nobody_carries_out_is_dropped(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linux, "UNCONFIRMED_S", 0.4)
    monkeypatch.setattr(linux, "LOCKER_S", 0.1)
    machine.logind()
    with watching() as watch:
        machine.call(LOGIND, SESSION, f"{LOGIND}.Session.Lock")
        watch.says("locked")
        watch.says("", 1)


def test_a_locker_that_says_nothing_is_seen_among_the_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    # Under a name of its own: a monitor of another test would take a known one for its user's.
    locker = tmp_path / "lock-of-a-test"
    monkeypatch.setattr(lockers, "NAMES", frozenset({locker.name}))
    shutil.copy("/bin/sleep", locker)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with watching() as watch:
        assert watch.watched.describe() == ""
        with subprocess.Popen([locker, "60"]) as process:
            watch.says("locked", 1)
            watch.silent(1.0)
            process.kill()
        watch.says("", 1)


def test_where_no_locker_is_installed_one_is_seldom_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not lockers.installed()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    looked: list[float] = []
    monkeypatch.setattr(Lockers, "running", lambda _self: looked.append(time.monotonic()) or bool(looked[2:]))
    monkeypatch.setattr(linux, "UNLIKELY_LOCKER_S", 1.2)
    monkeypatch.setattr(linux, "LOCKER_S", 0.2)
    with watching() as watch:
        watch.says("locked", 4)
        wait_for(lambda: len(looked) >= 5)
    first, second, third, fourth, fifth = looked[:5]
    assert second - first > 1.0
    assert third - second > 1.0
    assert fourth - third < 0.8, "while it is locked, looks are frequent: the end is noticed soon"
    assert fifth - fourth < 0.8


def test_a_new_process_is_read_twice_since_it_is_born_with_another_name(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "comm").write_text("sh\n")
    lockers = Lockers(tmp_path)
    assert not lockers.running()
    (tmp_path / "7" / "comm").write_text("i3lock\n")
    assert lockers.running()
    shutil.rmtree(tmp_path / "7")
    assert not lockers.running()
    assert not Lockers(tmp_path / "nothing").running()


def test_a_hanging_bus_holds_up_neither_start_nor_close(machine: Machine) -> None:
    machine.running["system"].send_signal(19)  # stopped, not dead
    began = time.monotonic()
    watched = LinuxPresence()
    said: list[Away] = []
    watched.start(said.append)
    watched.close()
    assert time.monotonic() - began < 2.0
    assert not said
    machine.running["system"].send_signal(18)
    wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name == "presence"])


def test_watching_costs_no_descriptors(machine: Machine) -> None:
    machine.logind()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with watching():
            pass
    assert len(os.listdir("/proc/self/fd")) <= before


def test_nothing_to_read_means_present_and_describes_as_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(Lockers, "running", lambda _self: False)
    assert presence.describe() == ""
    closed = presence.open_presence()
    closed.close()
    closed.close()
    monkeypatch.setattr(sys, "platform", "plan9")
    assert presence.describe() == ""


def test_a_call_to_nobody_is_refused_and_the_bus_stays(machine: Machine) -> None:
    with contextlib.closing(Bus(machine.address("system"))) as bus:
        with pytest.raises(RefusedError):
            bus.call("org.nobody", "/", "org.nobody", "Hello")
        assert not bus.has_owner("org.nobody")


def test_a_session_without_word_of_its_own_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posture_monitor.service.presence.polling.EVERY_S", 0.02)
    answers: list[Callable[[], Away | None]] = [lambda: PRESENT]
    with watching(Polling(lambda: answers[-1](), "a test")) as watch:
        assert watch.watched.describe() == "a test"
        answers.append(lambda: Away("locked"))
        watch.says("locked")
        # What cannot be read is present.
        answers.append(lambda: Away("locked") if 1 / 0 else None)
        watch.says("")
        assert watch.watched.describe() == ""


@pytest.mark.parametrize(
    ("state", "flags", "desktop_opens", "reason"),
    [
        (0, 1, True, ""),
        (0, 0, True, "locked"),
        (4, 0, False, "session switched"),
        (0, 0xFFFFFFFF, False, "locked"),
        (0, None, True, ""),
        (None, None, False, "locked"),
    ],
)
def test_what_windows_says(state: int | None, flags: int | None, desktop_opens: bool, reason: str) -> None:
    assert windows.judge(state, flags, desktop_opens).reason == reason


@pytest.mark.parametrize(
    ("locked", "on_console", "lid", "reason"),
    [
        (False, True, {}, ""),
        (True, True, {}, "locked"),
        (True, False, {}, "session switched"),
        (False, True, {"AppleClamshellState": True, "AppleClamshellCausesSleep": True}, "lid closed"),
        (False, True, {"AppleClamshellState": True, "AppleClamshellCausesSleep": False}, ""),
    ],
)
def test_what_macos_says(locked: bool, on_console: bool, lid: dict[str, bool], reason: str) -> None:
    root = macos.parse_root(plistlib.dumps([{"IOObjectClass": "IOPMrootDomain", **lid}]).decode())
    assert macos.judge(locked, on_console, root).reason == reason
    assert macos.parse_root("no plist") == {}
