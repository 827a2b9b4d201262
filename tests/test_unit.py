"""The service inside its systemd unit, shut in as on a user's machine, and what it must see from there."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from program import ROOT
from real_service import SETTINGS, sitting_table, spans
from user_manager import UserManager, user_manager
from waiting import wait_for

from posture_monitor.errors import UserError
from posture_monitor.service.autostart import Program
from posture_monitor.service.autostart.systemd import UNIT, Systemd
from posture_monitor.service.control import ask
from posture_monitor.service.resting import RESTLESS_S

pytestmark = pytest.mark.slow


@pytest.fixture
def folder() -> Iterator[Path]:
    """A home folder that the unit sees: /tmp is another one there."""
    if ROOT.is_relative_to("/tmp"):
        pytest.skip("the unit has a /tmp of its own, and would not find this checkout")
    with tempfile.TemporaryDirectory(dir=Path.home(), prefix=".posture-monitor-test-") as folder:
        yield Path(folder)


@pytest.fixture
def manager(folder: Path) -> Iterator[UserManager]:
    with user_manager(folder) as manager:
        yield manager


def status(home: Path) -> dict[str, Any]:
    try:
        with mock.patch.dict(os.environ, POSTURE_MONITOR_HOME=str(home)):
            return ask("status")
    except UserError:
        return {"activity": "", "state": ""}


def test_calls_and_a_logout_are_seen_from_within_the_unit(manager: UserManager, folder: Path) -> None:
    """Shut in, it cannot look into other programs; who has the camera it learns from the user's manager."""
    home, node = folder / "data", folder / "video0"
    home.mkdir()
    node.touch()
    # Nobody here shows notifications, and the bus would wait for who might.
    (home / "config.toml").write_text(SETTINGS.replace("[alert]", '[alert]\nchannel = "terminal"'))
    service = (sys.executable, str(ROOT / "tests" / "watched_service.py"), str(node), "run", "--detached")
    program = Program(
        (*service, "--source", str(sitting_table(folder, 60.0))),
        (home,),
        {"POSTURE_MONITOR_HOME": str(home), "PYTHONPATH": str(ROOT)},
        False,
    )
    (manager.units / UNIT).write_text(Systemd().texts(program)[0])
    manager.systemctl("daemon-reload")
    manager.systemctl("start", UNIT)
    told = wait_for(lambda: (told := status(home))["activity"] == "watching" and told, 20)

    process = Path(f"/proc/{told['pid']}")
    assert manager.systemctl("show", "--property=MainPID", "--value", UNIT) == str(told["pid"])
    for shut in ("user", "mnt"):
        assert os.readlink(process / "ns" / shut) != os.readlink(f"/proc/self/ns/{shut}"), "it is not shut in"
    rights = (process / "status").read_text()
    assert "NoNewPrivs:\t1" in rights
    assert "Seccomp:\t2" in rights
    assert Path("/tmp").stat().st_ino != (process / "root" / "tmp").stat().st_ino

    for _ in range(2):
        call = subprocess.Popen(["tail", "-f", node], stdout=subprocess.DEVNULL)
        called_s = time.monotonic()
        try:
            told = wait_for(lambda: (told := status(home))["activity"] == "busy" and told, 10)
            print(f"the call was seen after {time.monotonic() - called_s:.2f} s")
            assert told["why"].startswith("tail has the camera")
            assert told["camera"]["open"] is False
        finally:
            call.kill()
            call.wait()
        # The second is a program that tries over and over.
        wait_for(lambda: status(home)["activity"] == "watching", RESTLESS_S + 10)
    # At a logout the manager ends, and with it what it started.
    manager.run("systemctl", "--user", "exit")
    left_s = time.time()
    wait_for(lambda: not process.exists(), 10)
    log = (home / "logs" / "monitor.log").read_text().splitlines()
    assert log[-1].endswith("stopped")
    assert not any("cannot see who uses the camera" in line for line in log)
    assert max(span["end_s"] for span in spans(home)) >= left_s - 1.5
