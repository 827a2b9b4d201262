"""Settings become garbage, it is started twice, told to end, or left without a desktop."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from desktop import desktop
from real_service import Bench, Service, sitting_table, spans
from waiting import wait_for

from posture_monitor.history.records import NOT_SHOWN

pytestmark = [pytest.mark.slow]


@pytest.mark.parametrize(
    "garbage",
    [
        b"[alert\npreset = ",
        b"\xff\xfe\x00garbage",
        b'[alert]\npreset = "harsh"\n',
        b"a = " + b"[" * 3000,
    ],
    ids=["cut off", "bytes", "unknown value", "nested"],
)
def test_settings_that_become_garbage(watched: Bench, garbage: bytes) -> None:
    service, file = watched.service, watched.service.config
    lines = len(service.log())
    try:
        file.write_bytes(garbage)
        told = service.until(lambda s: "config.toml" in s["why"])
        assert told["activity"] == "watching"
        assert told["preset"] == "balanced"
        assert "\n" not in told["why"]
        time.sleep(0.7)
        assert len([line for line in service.log()[lines:] if "settings stay" in line]) == 1
    finally:
        file.write_text(service.settings)
    service.until(lambda s: not s["why"])


def test_a_second_start_is_refused_and_harms_nothing(watched: Bench) -> None:
    service = watched.service
    ended = subprocess.run(
        [sys.executable, "-m", "posture_monitor", "run", "--detached", "--source", service.source],
        env=service.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2
    assert f"already running (process {service.pid})" in ended.stderr
    assert ended.stderr.count("\n") == 1
    service.well()


@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP"])
def test_told_to_end(simple: Service, how: str) -> None:
    """As at a logout: it ends by itself, all it saw is kept, and nothing is left behind."""
    simple.begin()
    time.sleep(0.6)
    told_s = time.time()
    os.kill(simple.pid, getattr(signal, how))
    assert simple.process is not None
    assert simple.process.wait(10) == 0
    assert time.time() - told_s < 5.0
    assert max(span["end_s"] for span in spans(simple.home)) >= told_s - 1.5
    assert not (simple.home / "control").exists()
    assert simple.log()[-1].endswith("stopped")


@pytest.mark.desktop
def test_a_notification_daemon_that_dies_and_a_bus_that_goes(tmp_path: Path, own: Path) -> None:
    home, desk = shutil.copytree(own, tmp_path / "home"), tmp_path / "desk"
    desk.mkdir()
    service = Service(home, str(sitting_table(tmp_path, 90.0, good_s=3.0, poor_s=4.0)))
    service.put("hold", "1.5")
    service.desktop = True

    def alerts() -> list[tuple[str, str]]:
        with contextlib.suppress(sqlite3.Error), sqlite3.connect(home / "history.sqlite3") as db:
            return db.execute("SELECT kind, channel FROM alerts ORDER BY wall_s").fetchall()
        return []

    try:
        with desktop(desk) as screen:
            service.begin()
            screen.stop_dunst()
            wait_for(lambda: len(alerts()) == 1, 25)
            kind, channel = alerts()[0]
            assert kind == "posture"
            assert channel == NOT_SHOWN, "nobody reads what it would print"
            screen.start_dunst()
            wait_for(lambda: len(alerts()) == 2, 25)
            assert alerts()[1] == ("posture", "desktop")
            assert screen.displayed() >= 1
        looks = service.status()["looks"]  # now there is no bus any more
        service.until(lambda s: s["looks"] > looks + 2 and len(alerts()) == 3, 25)
        assert alerts()[2][0] == "posture"
        assert alerts()[2][1] == NOT_SHOWN
        assert not any("Traceback" in line for line in service.log())
    finally:
        service.end()
