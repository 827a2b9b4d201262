"""A machine's message buses for tests, and the services that dbusmock puts on them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from desktop import BUS
from waiting import wait_for

from posture_monitor.dbus import Bus

#: dbusmock needs Debian's bindings, which are the system's Python's.
PYTHON = "/usr/bin/python3"

LOGIND = "org.freedesktop.login1"
MANAGER = "/org/freedesktop/login1"
SESSION = "/org/freedesktop/login1/session/c2"
UPOWER = "org.freedesktop.UPower"
SAVER = "org.gnome.ScreenSaver"


class Machine:
    """A bus each for system and session, and what is mocked on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def address(self, bus: str) -> str:
        return f"unix:path={self.folder}/{bus}"

    def start_bus(self, bus: str) -> None:
        (self.folder / bus).unlink(missing_ok=True)
        config = self.folder / f"{bus}.conf"
        config.write_text(BUS.replace("unix:tmpdir=/tmp", self.address(bus)))
        command = ["dbus-daemon", f"--config-file={config}", "--nofork"]
        self.running[bus] = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for((self.folder / bus).exists)

    def mock(self, bus: str, name: str, *arguments: str) -> None:
        environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address("system")}
        environment["DBUS_SESSION_BUS_ADDRESS"] = self.address("session")
        command = [PYTHON, "-m", "dbusmock", f"--{bus}", *arguments]
        self.running[name] = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        with contextlib.closing(Bus(self.address(bus))) as connection:
            wait_for(lambda: connection.has_owner(name))

    def logind(self, *, seat: str = "seat0") -> None:
        """Start logind with one session of this user."""
        self.mock("system", LOGIND, "--template", "logind")
        self.say(MANAGER, "AddSession", "ssusb", "c2", seat, os.getuid(), "ada", True)

    def saver(self) -> None:
        """Start the screen saver service of GNOME."""
        self.mock("session", SAVER, "--template", "gnome_screensaver")

    def say(self, path: str, member: str, signature: str, *values: object, name: str = LOGIND) -> None:
        self.call(name, path, f"org.freedesktop.DBus.Mock.{member}", signature, *values)

    def call(
        self, name: str, path: str, method: str, signature: str = "", *values: object, bus: str = "system"
    ) -> None:
        interface, member = method.rsplit(".", 1)
        with contextlib.closing(Bus(self.address(bus))) as connection:
            connection.call(name, path, interface, member, signature, *values)

    def put(self, key: str, on: bool, *, path: str = SESSION, interface: str = f"{LOGIND}.Session") -> None:
        """Set a property, and send word of it."""
        self.say(
            path, "UpdateProperties", "sa{sv}", interface, {key: ("b", on)}, name=interface_owner(interface)
        )

    def sleep(self, on: bool) -> None:
        """Send word that the machine goes to sleep, or has woken."""
        self.put("PreparingForSleep", on, path=MANAGER, interface=f"{LOGIND}.Manager")
        signal = (f"{LOGIND}.Manager", "PrepareForSleep", "b", [("b", on)])
        self.say(MANAGER, "EmitSignal", "sssav", *signal)

    def kill(self, name: str) -> None:
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for name in reversed(list(self.running)):
            self.kill(name)


def need_dbusmock() -> None:
    """Skip where there is none."""
    asked = [PYTHON, "-c", "import dbusmock"]
    if not Path(PYTHON).exists() or subprocess.run(asked, capture_output=True).returncode:
        pytest.skip("dbusmock is not installed (Debian: python3-dbusmock)")


def interface_owner(interface: str) -> str:
    return UPOWER if interface.startswith(UPOWER) else LOGIND


@contextlib.contextmanager
def machine_with_buses(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Give a machine with both buses, and nobody on them yet, until the end of the block."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed")
    need_dbusmock()
    machine = Machine(folder)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", machine.address("system"))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", machine.address("session"))
    try:
        machine.start_bus("system")
        machine.start_bus("session")
        yield machine
    finally:
        machine.stop()
