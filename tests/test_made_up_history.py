"""The history that benchmarks and tests make up: apart from real ones, and told as they are."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import made_up_history
from history_maker import LATER

from posture_monitor.history.days import day
from posture_monitor.history.store import Store


def test_a_command_makes_up_a_history(tmp_path: Path) -> None:
    command = [sys.executable, made_up_history.__file__, str(tmp_path), "--years", "0.01"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert f"POSTURE_MONITOR_HOME={tmp_path}" in made.stdout
    with Store.open(tmp_path / "history.sqlite3", readonly=True) as store:
        assert len(store.recordings()) >= 2
    again = subprocess.run(command, capture_output=True, text=True)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "already there" in again.stderr


def test_a_made_up_history_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "made_up.sqlite3"
    last = dt.date(2025, 5, 14)
    assert made_up_history.make(path, years=0.05, until=last) >= 13
    with Store.open(path, readonly=True) as store:
        told = day(store, last, LATER)
    assert told.judged_s > 4 * 3600
    assert told.coverage > 0.9
    assert "fsr" in told.angles
