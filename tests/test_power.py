"""Mains or battery, as the kernel lists them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from posture_monitor.service import power


def plug(folder: Path, name: str, **said: str) -> None:
    (folder / name).mkdir()
    for key, value in said.items():
        (folder / name / key).write_text(f"{value}\n")


@pytest.mark.parametrize(
    ("online", "status", "on_battery"),
    [("1", "Charging", False), ("1", "Discharging", False), ("0", "Discharging", True), ("0", "Full", False)],
)
def test_a_laptop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, online: str, status: str, on_battery: bool
) -> None:
    monkeypatch.setattr(power, "_SUPPLIES", tmp_path)
    monkeypatch.setattr(power.sys, "platform", "linux")
    plug(tmp_path, "AC", type="Mains", online=online)
    plug(tmp_path, "BAT0", type="Battery", status=status)
    assert power.on_battery() is on_battery


def test_a_mouse_on_its_battery_is_no_laptop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power, "_SUPPLIES", tmp_path)
    monkeypatch.setattr(power.sys, "platform", "linux")
    plug(tmp_path, "hidpp_battery_0", type="Battery", scope="Device", status="Discharging")
    assert power.on_battery() is False
    plug(tmp_path, "BAT0", type="Battery", status="Discharging")
    plug(tmp_path, "pad", type="USB", scope="Device", online="1")
    assert power.on_battery() is True


def test_a_machine_that_lists_nothing_is_not_on_battery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(power, "_SUPPLIES", tmp_path / "none")
    monkeypatch.setattr(power.sys, "platform", "linux")
    assert power.on_battery() is False


@pytest.mark.parametrize("platform", ["darwin", "win32"])
@pytest.mark.parametrize(
    ("battery", "on_battery"),
    [
        (None, False),
        (SimpleNamespace(power_plugged=False), True),
        (SimpleNamespace(power_plugged=True), False),
        (SimpleNamespace(power_plugged=None), None),
    ],
)
def test_what_other_systems_say(
    monkeypatch: pytest.MonkeyPatch, platform: str, battery: object, on_battery: bool | None
) -> None:
    monkeypatch.setattr(power.sys, "platform", platform)
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery)
    assert power.on_battery() is on_battery


def test_what_cannot_be_told_is_not_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(power.sys, "platform", "plan9")
    monkeypatch.setitem(sys.modules, "psutil", None)  # there is none
    assert power.on_battery() is None
