"""One working day in a minute and a half, through the real process and everything around it.

A camera on loopback, a real bus with a mocked logind, a real notification
daemon, a lock, a call, an unplugged cable, a machine that sleeps, a kill -9 and
a restart. What the day must say is written down here before it runs.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from buses import Machine, need_dbusmock
from desktop import desktop
from loopback_camera import LoopbackCamera
from program import ROOT, done, environment, fresh_home, program
from real_service import JUDGED, open_files, pictures, spans
from waiting import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.data, pytest.mark.desktop]

#: A day in a hurry: looks every second, alerts after five, a state that follows in one.
SETTINGS = """
[sampling]
settled_s = 1.0
deviating_s = 0.5
poor_s = 1.0
away_s = 1.0
unmoved_at_most_s = 1.0
[judge]
window_s = 2.0
[alert]
poor_hold_s = 5.0
cooldown_s = 30.0
[breaks]
enabled = false
[service]
tray = false
"""

#: What happens, for how many seconds, and what the history must hold of it: state, and a reason if any.
SCRIPT = (
    ("sits well", 8.0, "good", ""),
    ("slumps, and is told", 14.0, "poor", ""),
    ("sits up", 8.0, "good", ""),
    ("locks the screen", 6.0, "away", "locked"),
    ("is back", 8.0, "good", ""),
    ("takes a call", 6.0, "busy", "another program has the camera"),
    ("hangs up", 8.0, "good", ""),
    ("unplugs the camera", 6.0, "unknown", "no camera"),
    ("plugs it in", 18.0, "good", ""),
    ("pauses", 6.0, "paused", "paused"),
    ("goes on", 8.0, "good", ""),
)
#: A change is in the day within so much: the state's window, a look, and the eye's start.
WITHIN_S = 6.0
#: A lost camera is tried again after 2, 4 and 8 s, and so on.
RETRY_S = 8.0


@dataclass
class Day:
    """What was done, when, and what must follow."""

    done: list[tuple[str, float, float, str, str]] = field(default_factory=list)

    def spend(self, what: str) -> None:
        name, seconds, state, reason = next(row for row in SCRIPT if row[0] == what)
        began = time.time()
        time.sleep(seconds)
        self.done.append((name, began, time.time(), state, reason))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    need_dbusmock()
    folder = tmp_path / "buses"
    folder.mkdir()
    machine = Machine(folder)
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", machine.address("system"))
    monkeypatch.setenv("XDG_SESSION_ID", "c2")
    try:
        machine.start_bus("system")
        machine.logind()
        yield machine
    finally:
        machine.stop()


def _within(span: dict[str, Any], from_s: float, to_s: float) -> float:
    return max(0.0, min(span["end_s"], to_s) - max(span["start_s"], from_s))


def test_a_working_day(tmp_path: Path, shared_data: Path, machine: Machine) -> None:
    home = fresh_home(tmp_path / "home")
    (home / "config.toml").write_text(SETTINGS)
    node = tmp_path / "video0"
    node.touch()
    good, slouch = pictures(shared_data)
    (tmp_path / "desk").mkdir()
    with desktop(tmp_path / "desk") as desk, LoopbackCamera(good) as camera:

        def status() -> dict[str, Any]:
            told: dict[str, Any] = json.loads(
                program("status", "--json", home=home).stdout or '{"activity": "beginning"}'
            )
            return told

        def begin() -> subprocess.Popen[bytes]:
            command = [sys.executable, str(ROOT / "tests" / "watched_service.py"), str(node)]
            errors = (tmp_path / "errors").open("ab")
            process = subprocess.Popen(
                [*command, "run", "--detached", "--source", camera.url],
                env=environment(home, desktop=True),
                stderr=errors,
            )
            wait_for(lambda: status()["activity"] == "watching", 20)
            return process

        done("calibrate", "--source", camera.url, "--seconds", "6", home=home)

        day = Day()
        process = begin()
        try:
            day.spend("sits well")
            assert status()["state"] == "good"
            camera.show(slouch)
            day.spend("slumps, and is told")
            told = status()
            assert told["state"] == "poor"
            assert told["today"]["alerts"] == 1
            assert desk.displayed() == 1
            camera.show(good)
            day.spend("sits up")
            assert desk.displayed() == 0, "the alert stays though posture is good again"

            machine.put("LockedHint", True)
            wait_for(lambda: camera.clients == 0, 1.0)
            day.spend("locks the screen")
            assert status()["activity"] == "locked"
            assert status()["camera"]["open"] is False
            machine.put("LockedHint", False)
            day.spend("is back")
            assert camera.clients == 1

            with node.open("rb"):
                wait_for(lambda: camera.clients == 0, 1.0)
                day.spend("takes a call")
                told = status()
                assert told["activity"] == "busy"
            day.spend("hangs up")
            assert camera.clients == 1

            camera.unplug()
            day.spend("unplugs the camera")
            assert status()["activity"] == "trouble"
            camera.plug_in()
            day.spend("plugs it in")
            assert status()["activity"] == "watching"

            done("pause", home=home)
            wait_for(lambda: camera.clients == 0, 1.0)
            assert str(node) not in open_files(process.pid)
            assert not Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().strip()
            day.spend("pauses")
            assert status()["memory_mb"] < 70
            done("resume", home=home)
            day.spend("goes on")

            # The machine sleeps for a while: everything stands still, and nothing is known of it.
            asleep_s = time.time()
            os.kill(process.pid, signal.SIGSTOP)
            time.sleep(6.0)
            os.kill(process.pid, signal.SIGCONT)
            awake_s = time.time()
            time.sleep(5.0)

            process.kill()
            process.wait()
            killed_s = time.time()
            wait_for(lambda: camera.clients == 0, 2.0)
            time.sleep(4.0)
            process = begin()
            again_s = time.time()
            time.sleep(6.0)
            done("stop", home=home)
            assert process.wait(10) == 0
        finally:
            if process.poll() is None:
                process.kill()
    assert (tmp_path / "errors").read_bytes() == b""
    held = spans(home)
    for name, began_s, ended_s, state, reason in day.done:
        told = [s for s in held if (s["state"], s["reason"]) == (state, reason)]
        told_s = sum(_within(span, began_s, ended_s) for span in told)
        late_s = WITHIN_S + (RETRY_S if name == "plugs it in" else 0.0)
        assert told_s >= max(2.0, ended_s - began_s - late_s), f"{name}: {told_s:.1f} s of {state}"
        if state in ("away", "busy", "paused", "unknown"):
            # A look may have been under way.
            claimed_s = sum(_within(s, began_s + 2.0, ended_s) for s in held if s["state"] in JUDGED)
            assert claimed_s == 0.0, f"{name}: {claimed_s:.1f} s counted as posture"
    # Of sleep, and of the time after the kill, nothing is claimed.
    for from_s, to_s, what in ((asleep_s, awake_s, "asleep"), (killed_s, again_s, "dead")):
        claimed_s = sum(_within(s, from_s, to_s) for s in held if s["state"] in JUDGED)
        assert claimed_s <= 3.0, f"{claimed_s:.1f} s of posture while {what}"
    # Not more than five seconds were lost to the kill.
    before_kill_s = max(s["end_s"] for s in held if s["start_s"] < killed_s and s["end_s"] <= killed_s + 1)
    assert before_kill_s >= killed_s - 5.0
    with sqlite3.connect(home / "history.sqlite3") as database:
        alerts = database.execute("SELECT kind, outcome FROM alerts").fetchall()
    assert alerts == [("posture", "corrected")] or alerts == [("posture", "late")], alerts
    report = done("report", home=home)
    for word in ("good", "poor", "away", "paused", "no camera"):
        assert word in report.lower()
    log = (home / "logs" / "monitor.log").read_text()
    assert str(Path.home()) not in log
