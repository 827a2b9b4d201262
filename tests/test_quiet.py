"""Quiet hours, do-not-disturb, full screen; unknown is never taken for quiet."""

from __future__ import annotations

import datetime
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from buses import machine_with_buses
from desktop import desktop

from posture_monitor import day_span
from posture_monitor.telling import dnd
from posture_monitor.telling.dnd import linux, windows
from posture_monitor.telling.quiet import QuietGate

NOON = datetime.datetime(2026, 3, 2, 12, 0, 30)


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"2026-03-{text}")


def test_quiet_hours_over_midnight() -> None:
    night = day_span.parse("22:00-07:00")
    inside = {hour for hour in range(24) if datetime.time(hour) in night}
    assert inside == {22, 23, 0, 1, 2, 3, 4, 5, 6}
    lunch = day_span.parse("12:00-13:00")
    assert datetime.time(12, 59) in lunch
    assert datetime.time(13, 0) not in lunch


@pytest.mark.parametrize(
    "text", ["22-07", "22:00", "22:00-", "7:00-8:00", "07:00-07:00", "24:00-07:00", "evening", 22]
)
def test_quiet_hours_written_differently_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"write it like|the same time"):
        day_span.parse(text)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Have the desktop answer what stands here, and count how often it was asked."""
    told = {"disturb": True, "times": 0}

    def quiet() -> bool:
        told["times"] += 1
        return not told["disturb"]

    monkeypatch.setattr(dnd, "do_not_disturb", quiet)
    monkeypatch.setattr(dnd, "full_screen", lambda: False)
    return told


@pytest.mark.usefixtures("asked")
def test_the_gate_holds_back_and_gives_one_summary() -> None:
    gate = QuietGate()
    gate.configure([day_span.parse("22:00-07:00")], respect_dnd=True)
    assert not gate.look(0.0, at("02 21:59"))
    assert gate.look(1.0, at("02 22:00"))
    assert gate.reason == "quiet hours"
    gate.hold()
    gate.hold()
    assert gate.summary() is None
    assert not gate.look(2.0, at("03 07:00"))
    text = gate.summary()
    assert text is not None
    assert "2 posture reminders" in text.body
    assert gate.summary() is None


@pytest.mark.usefixtures("asked")
def test_a_call_is_quiet() -> None:
    gate = QuietGate()
    assert gate.look(0.0, NOON, in_call=True)
    assert gate.reason == "call"
    assert not gate.look(1.0, NOON)


def test_the_desktop_is_asked_now_and_then(asked: dict[str, Any]) -> None:
    gate = QuietGate()
    assert not gate.look(0.0, NOON)
    asked["disturb"] = False
    assert not gate.look(19.0, NOON)
    assert gate.look(20.0, NOON)
    assert gate.reason == "do not disturb"
    asked["disturb"] = True
    assert gate.look(39.0, NOON)
    assert not gate.look(40.0, NOON)
    assert asked["times"] == 3


def test_the_desktop_is_asked_seldom_while_nothing_is_to_be_said(asked: dict[str, Any]) -> None:
    gate = QuietGate()
    for now_s in range(0, 240, 6):
        gate.look(now_s, NOON, soon=False)
    assert asked["times"] == 2
    # What may be said now is not held against an answer of two minutes ago.
    asked["disturb"] = False
    assert gate.look(234, NOON)
    gate.hold()
    # And what was held back is told soon after the quiet.
    asked["disturb"] = True
    assert not gate.look(254, NOON, soon=False)
    assert gate.summary() is not None


def test_do_not_disturb_can_be_passed_over(asked: dict[str, Any]) -> None:
    gate = QuietGate()
    gate.configure((), respect_dnd=False)
    asked["disturb"] = False
    assert not gate.look(0.0, NOON)
    assert not asked["times"]


def test_a_desktop_that_cannot_be_asked_is_not_quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    for name in ("sway", "ubuntu:GNOME", "KDE"):
        monkeypatch.setenv("XDG_CURRENT_DESKTOP", name)
        assert not dnd.do_not_disturb()


def test_gnome_is_read_from_the_real_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if shutil.which("gsettings") is None:
        pytest.skip("gsettings is not installed")
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    monkeypatch.setenv("GSETTINGS_BACKEND", "keyfile")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    known = subprocess.run(["gsettings", "list-schemas"], capture_output=True, text=True, check=False).stdout
    if "org.gnome.desktop.notifications\n" not in known:
        pytest.skip("the GNOME settings schemas are not installed")
    assert not linux.quiet()
    command = ["gsettings", "set", "org.gnome.desktop.notifications", "show-banners", "false"]
    subprocess.run(command, check=True)
    assert linux.quiet()


def test_kde_is_quiet_until_the_time_in_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "KDE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    assert not linux.quiet()
    (tmp_path / "plasmanotifyrc").write_text("[DoNotDisturb]\nUntil=2999,3,2,13,0,0.000\n")
    assert linux.quiet()
    for over in ("2026,3,2,13,0,0.000", "soon", "inf,3,2,13,0,0", "2999", "1e99,3,2"):
        (tmp_path / "plasmanotifyrc").write_text(f"[DoNotDisturb]\nUntil={over}\n")
        assert not linux.quiet()


def test_kde_asks_its_notification_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "KDE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with machine_with_buses(tmp_path, monkeypatch) as machine:
        assert not linux.quiet()
        service, at = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
        machine.mock("session", service, service, at, service)
        assert not linux.quiet()
        for method, inhibited in (("Mock.AddProperty", False), ("Properties.Set", True)):
            told = service, "Inhibited", ("b", inhibited)
            machine.call(service, at, f"org.freedesktop.DBus.{method}", "ssv", *told, bus="session")
            assert linux.quiet() is inhibited


def test_a_macos_focus_is_read_from_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dnd.sys, "platform", "darwin")
    monkeypatch.setenv("HOME", str(tmp_path))
    record = tmp_path / "Library" / "DoNotDisturb" / "DB" / "Assertions.json"
    assert not dnd.do_not_disturb()
    record.parent.mkdir(parents=True)
    for stores, expected in (([{"storeAssertionRecords": [{"id": 1}]}], True), ([{}], False), ("?", False)):
        record.write_text(json.dumps({"data": stores}))
        assert dnd.do_not_disturb() is expected
    record.write_text("{")
    assert not dnd.do_not_disturb()


class Windows:
    """Its libraries, as far as they say whether to disturb."""

    def __init__(self, state: int, level: int, failed: int = 0) -> None:
        self._state, self._level, self._failed = state, level, failed

    def __call__(self, _name: str) -> Windows:
        return self

    def SHQueryUserNotificationState(self, state: Any) -> int:
        state._obj.value = self._state
        return self._failed

    def NtQueryWnfStateData(self, *asked: Any) -> int:
        asked[4]._obj.value = self._level
        return self._failed


def test_what_windows_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dnd.sys, "platform", "win32")
    assert not dnd.do_not_disturb(), "a system that has no such library"
    assert not dnd.full_screen()
    for state in range(1, 8):  # not there, busy, full screen, presentation, accepts, quiet time, an app
        monkeypatch.setattr(windows, "dll", Windows(state, 0))
        assert dnd.full_screen() is (state in (2, 3, 4))
    for level, expected in ((0, False), (1, True), (2, True)):
        monkeypatch.setattr(windows, "dll", Windows(5, level))
        assert dnd.do_not_disturb() is expected
    monkeypatch.setattr(windows, "dll", Windows(2, 1, failed=1))
    assert not dnd.full_screen()
    assert not dnd.do_not_disturb()


@pytest.mark.desktop
def test_dunst_paused_and_a_full_screen_window_on_a_real_desktop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("xprop") is None:
        pytest.skip("xprop is not installed")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with desktop(tmp_path) as desk:
        assert not dnd.do_not_disturb()
        desk.ctl("set-paused", "true")
        assert dnd.do_not_disturb()
        gate = QuietGate()
        assert gate.look(0.0, NOON)
        assert gate.reason == "do not disturb"

        assert not dnd.full_screen()  # no window manager, no active window
        root = subprocess.run(["xwininfo", "-root"], capture_output=True, text=True, check=True)
        window = next(word for word in root.stdout.split() if word.startswith("0x"))

        def give(name: str, kind: str, value: str) -> None:
            subprocess.run(["xprop", "-root", "-f", name, kind, "-set", name, value], check=True)

        give("_NET_ACTIVE_WINDOW", "32x", window)
        give("_NET_WM_STATE", "32a", "_NET_WM_STATE_MAXIMIZED_VERT")
        assert not dnd.full_screen()
        give("_NET_WM_STATE", "32a", "_NET_WM_STATE_FULLSCREEN")
        assert dnd.full_screen()
        desk.ctl("set-paused", "false")
        assert gate.look(30.0, NOON)
        assert gate.reason == "full screen"
