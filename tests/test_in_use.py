"""Another program's use of camera and microphone, from a registry written as Windows writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from posture_monitor.service import in_use
from posture_monitor.service.in_use import windows

ROOT = r"Software\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore"
OWN = r"C:\Users\ada\venv\Scripts\python.exe"
MINE = OWN.replace("\\", "#")


class Registry:
    """Keys and the time at which each program stopped; as `winreg` gives them."""

    HKEY_CURRENT_USER = object()

    def __init__(self, keys: Mapping[str, int | None], started_s: float = 1_770_000_000.0) -> None:
        self.started = round((started_s + 11_644_473_600) * 1e7)
        self.keys = {rf"{ROOT}\{path}": stopped for path, stopped in keys.items()}

    @contextmanager
    def OpenKey(self, _root: object, path: str) -> Iterator[str]:
        if not any(key == path or key.startswith(path + "\\") for key in self.keys):
            raise FileNotFoundError(path)
        yield path

    def EnumKey(self, path: str, number: int) -> str:
        below = sorted({k[len(path) + 1 :].split("\\")[0] for k in self.keys if k.startswith(path + "\\")})
        if number >= len(below):
            raise OSError("no more data")
        return below[number]

    def QueryValueEx(self, path: str, name: str) -> tuple[int, int]:
        stopped = self.keys.get(path)
        if stopped is None:
            raise FileNotFoundError(name)
        return {"LastUsedTimeStart": self.started, "LastUsedTimeStop": stopped}[name], 11


@pytest.mark.parametrize(
    ("keys", "used"),
    [
        ({}, False),
        ({r"webcam\Teams": 133_000_000}, False),
        ({r"webcam\Teams": 0}, True),
        ({r"microphone\NonPackaged\C:#Program Files#Zoom#bin#Zoom.exe": 0}, True),
        ({r"microphone\NonPackaged\C:#Program Files#Zoom#bin#Zoom.exe": 133_000_000}, False),
        ({rf"webcam\NonPackaged\{MINE}": 0}, False),
        ({rf"webcam\NonPackaged\{MINE}": 0, r"microphone\Teams": 0}, True),
        ({rf"webcam\NonPackaged\{MINE.replace('python', 'PythonW')}": 0}, False),
        ({r"webcam\Camera": None}, False),
    ],
)
def test_a_program_that_has_not_stopped_is_in_a_call(keys: dict[str, int | None], used: bool) -> None:
    assert windows(Registry(keys), OWN) is used


def test_where_nothing_can_be_read_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in ("linux", "freebsd13", "win32", "darwin"):
        monkeypatch.setattr("sys.platform", platform)
        if platform == "win32":  # without a registry, as here
            monkeypatch.setitem(__import__("sys").modules, "winreg", Registry({}))
            monkeypatch.setattr(in_use, "_image", lambda: OWN)
            assert in_use.by_others() is False
        else:
            assert in_use.by_others() is None


def test_a_python_from_the_shop_knows_itself() -> None:
    """Its folder tells more than the name under which Windows notes it."""
    shop = r"C:\Program Files\WindowsApps\PythonSoftwareFoundation.Python.3.12_3.12.2800.0_x64__qbz5n2kfra8p0"
    noted = r"webcam\PythonSoftwareFoundation.Python.3.12_qbz5n2kfra8p0"
    assert windows(Registry({noted: 0}), rf"{shop}\python.exe") is False
    assert windows(Registry({noted: 0}), OWN) is True
    assert windows(Registry({noted: 0}), OWN, rf"{shop}\python3.12.exe") is False


@pytest.mark.parametrize(("started_s", "used"), [(1_770_000_000.0, True), (1_769_990_000.0, False)])
def test_what_was_running_when_the_machine_crashed_is_over(started_s: float, used: bool) -> None:
    crashed = Registry({r"microphone\NonPackaged\C:#Discord#Discord.exe": 0}, started_s)
    assert windows(crashed, OWN, since_s=1_769_999_000.0) is used
