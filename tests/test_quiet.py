"""Quiet hours, pauses, do-not-disturb, full screen; unknown is never taken for quiet."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from buses import machine_with_buses
from desktop import desktop
from hypothesis import given
from hypothesis import strategies as st

from posture_monitor import day_span
from posture_monitor.errors import UserError
from posture_monitor.telling import dnd, full_screen, quiet
from posture_monitor.telling.dnd import dunst, gnome, kde, macos, windows
from posture_monitor.telling.quiet import QuietGate

NOON = datetime.datetime(2026, 3, 2, 12, 0, 30)


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"2026-03-{text}")


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("15m", "02 12:15:30"),
        ("15 min", "02 12:15:30"),
        ("1h", "02 13:00:30"),
        ("1h30m", "02 13:30:30"),
        ("90s", "02 12:02:00"),
        ("until 14:00", "02 14:00"),
        ("Until  9:05", "03 09:05"),
        ("until 12:00", "03 12:00"),
        ("until tomorrow", "03 06:00"),
        ("tomorrow", "03 06:00"),
    ],
)
def test_a_pause_ends_when_it_says(text: str, ends: str) -> None:
    assert quiet.parse_until(text, NOON) == at(ends)


@pytest.mark.parametrize(
    ("now", "ends"),
    [("02 23:50", "03 06:00"), ("03 00:30", "03 06:00"), ("03 01:30", "03 06:00"), ("03 02:30", "04 06:00")],
)
def test_tomorrow_begins_after_a_night(now: str, ends: str) -> None:
    assert quiet.parse_until("until tomorrow", at(now)) == at(ends)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "m",
        "0m",
        "-5m",
        "1.5h",
        "until",
        "until 25:00",
        "until noon",
        "9999h",
        "169h",
        "14:60",
        "15m 1h",
    ],
)
def test_a_pause_written_differently_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError) as caught:
        quiet.parse_until(text, NOON)
    assert "\n" not in str(caught.value)
    assert repr(text.lower()) in str(caught.value) or repr(text) in str(caught.value)


@given(st.text(max_size=12), st.datetimes(datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1)))
def test_any_text_ends_in_the_future_or_is_refused(text: str, now: datetime.datetime) -> None:
    try:
        ends = quiet.parse_until(text, now)
    except UserError:
        return
    assert now < ends <= now + quiet.LONGEST


@pytest.mark.parametrize(
    ("now", "text", "minutes"),
    [
        ("2026-03-29 01:30+01:00", "2h", 120),
        ("2026-10-25 01:30+02:00", "2h", 120),
        ("2026-10-25 02:30+02:00", "15m", 15),
        ("2026-10-25 02:30+01:00", "15m", 15),
        ("2026-10-25 02:30+02:00", "until 02:15", 45),
        ("2026-10-25 02:30+01:00", "until 02:15", 24 * 60 - 15),
        ("2026-10-24 23:00+02:00", "until tomorrow", 8 * 60),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_a_pause_lasts_as_long_as_asked_where_the_clock_is_changed(now: str, text: str, minutes: int) -> None:
    began_s = datetime.datetime.fromisoformat(now).timestamp()
    ends = quiet.parse_until(text, datetime.datetime.fromtimestamp(began_s))
    assert ends.timestamp() - began_s == 60 * minutes


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


def test_the_gate_holds_back_and_gives_one_summary() -> None:
    gate = QuietGate([day_span.parse("22:00-07:00")], do_not_disturb=lambda: None, full_screen=lambda: None)
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


def test_a_call_is_quiet() -> None:
    gate = QuietGate(do_not_disturb=lambda: None, full_screen=lambda: None)
    assert gate.look(0.0, NOON, in_call=True)
    assert gate.reason == "call"
    assert not gate.look(1.0, NOON)


def test_the_desktop_is_asked_now_and_then_and_unknown_is_not_quiet() -> None:
    answers: list[bool | None] = [None, True, False]
    gate = QuietGate(do_not_disturb=lambda: answers.pop(0), full_screen=lambda: None, every_s=20.0)
    assert not gate.look(0.0, NOON)
    assert not gate.look(19.0, NOON)
    assert gate.look(20.0, NOON)
    assert gate.reason == "do not disturb"
    assert gate.look(39.0, NOON)
    assert not gate.look(40.0, NOON)
    assert answers == []


def test_the_desktop_is_asked_seldom_while_nothing_is_to_be_said() -> None:
    asked: list[float] = []
    answer = [False]

    def ask() -> bool:
        asked.append(now_s)
        return answer[0]

    gate = QuietGate(do_not_disturb=ask, full_screen=lambda: None, every_s=20.0, idle_every_s=120.0)
    for now_s in range(0, 240, 6):
        gate.look(now_s, NOON, soon=False)
    assert asked == [0, 120]
    # What may be said now is not held against an answer of two minutes ago.
    now_s, answer[0] = 234, True
    assert gate.look(now_s, NOON)
    gate.hold()
    # And what was held back is told soon after the quiet.
    now_s, answer[0] = 254, False
    assert not gate.look(now_s, NOON, soon=False)
    assert gate.summary() is not None


def test_do_not_disturb_can_be_passed_over() -> None:
    def never() -> bool:
        raise AssertionError("it must not be asked")

    gate = QuietGate(respect_dnd=False, do_not_disturb=never, full_screen=never)
    assert not gate.look(0.0, NOON)


def test_readers_of_other_desktops_know_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "sway")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    for reader in (gnome, kde, dunst):
        assert reader.quiet() is None
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")
    assert gnome.quiet() is None  # there is no gsettings to ask
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
    assert gnome.quiet() is False
    command = ["gsettings", "set", "org.gnome.desktop.notifications", "show-banners", "false"]
    subprocess.run(command, check=True)
    assert gnome.quiet() is True


def test_kde_is_quiet_until_the_time_in_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "KDE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    assert kde.quiet(NOON) is None
    (tmp_path / "plasmanotifyrc").write_text("[DoNotDisturb]\nUntil=2026,3,2,13,0,0.000\n")
    assert kde.quiet(NOON) is True
    assert kde.quiet(NOON + datetime.timedelta(hours=2)) is None
    for nonsense in ("soon", "inf,3,2,13,0,0", "2026", "1e99,3,2"):
        (tmp_path / "plasmanotifyrc").write_text(f"[DoNotDisturb]\nUntil={nonsense}\n")
        assert kde.quiet(NOON) is None


def test_kde_asks_its_notification_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CURRENT_DESKTOP", "KDE")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with machine_with_buses(tmp_path, monkeypatch) as machine:
        assert kde.quiet(NOON) is None
        service, at = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"
        machine.mock("session", service, service, at, service)
        assert kde.quiet(NOON) is None
        for method, inhibited in (("Mock.AddProperty", False), ("Properties.Set", True)):
            told = service, "Inhibited", ("b", inhibited)
            machine.call(service, at, f"org.freedesktop.DBus.{method}", "ssv", *told, bus="session")
            assert kde.quiet(NOON) is inhibited


def test_a_macos_focus_is_read_from_its_record(tmp_path: Path) -> None:
    record = tmp_path / "DoNotDisturb" / "DB" / "Assertions.json"
    assert macos.quiet(tmp_path) is None
    record.parent.mkdir(parents=True)
    for stores, expected in (([{"storeAssertionRecords": [{"id": 1}]}], True), ([{}], False), ("?", None)):
        record.write_text(json.dumps({"data": stores}))
        assert macos.quiet(tmp_path) is expected
    record.write_text("{")
    assert macos.quiet(tmp_path) is None


def test_windows_knows_nothing_elsewhere() -> None:
    if os.name == "nt":
        pytest.skip("this is Windows")
    assert windows.quiet() is None
    assert windows.full_screen() is None


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
    monkeypatch.setattr(windows.sys, "platform", "win32")
    for state in range(1, 8):  # not there, busy, full screen, presentation, accepts, quiet time, an app
        monkeypatch.setattr(windows, "dll", Windows(state, 0))
        assert windows.full_screen() is (state in (2, 3, 4))
    for level, expected in ((0, False), (1, True), (2, True)):
        monkeypatch.setattr(windows, "dll", Windows(5, level))
        assert windows.quiet() is expected
    monkeypatch.setattr(windows, "dll", Windows(2, 1, failed=1))
    assert windows.full_screen() is None
    assert windows.quiet() is None


@pytest.mark.desktop
def test_dunst_paused_and_a_full_screen_window_on_a_real_desktop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("xprop") is None:
        pytest.skip("xprop is not installed")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with desktop(tmp_path) as desk:
        assert dunst.quiet() is False
        desk.ctl("set-paused", "true")
        assert dunst.quiet() is True
        assert dnd.do_not_disturb()
        gate = QuietGate()
        assert gate.look(0.0, NOON)
        assert gate.reason == "do not disturb"

        assert full_screen.full_screen() is None  # no window manager, no active window
        root = subprocess.run(["xwininfo", "-root"], capture_output=True, text=True, check=True)
        window = next(word for word in root.stdout.split() if word.startswith("0x"))

        def give(name: str, kind: str, value: str) -> None:
            subprocess.run(["xprop", "-root", "-f", name, kind, "-set", name, value], check=True)

        give("_NET_ACTIVE_WINDOW", "32x", window)
        give("_NET_WM_STATE", "32a", "_NET_WM_STATE_MAXIMIZED_VERT")
        assert full_screen.full_screen() is False
        give("_NET_WM_STATE", "32a", "_NET_WM_STATE_FULLSCREEN")
        assert full_screen.full_screen() is True
        desk.ctl("set-paused", "false")
        assert gate.look(30.0, NOON)
        assert gate.reason == "full screen"
