"""``analyze`` as it is typed, on landmark tables: one row a frame, judged by what it was calibrated on."""

from __future__ import annotations

import contextlib
import csv
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from program import ROOT, environment, program, rows, runs
from recording_maker import bodies, recorded
from rig import SCENARIOS, Pose
from typed import done

from posture_monitor.posture.metrics import NAMES
from posture_monitor.sensing.landmark_table import LandmarkTable, write_table

SLUMPED = SCENARIOS["slump_deep"]

pytestmark = pytest.mark.usefixtures("home")


def analyzed(table: Path, *options: str | Path) -> list[dict[str, str]]:
    out = table.with_name("out.csv")
    done("analyze", table, *(options or ("--calibrate-first", "18s")), "-o", out)
    return rows(out)


def test_one_row_a_frame_with_the_columns_of_the_manual(tmp_path: Path) -> None:
    found = analyzed(recorded(tmp_path / "table.npz", (Pose(), 20), (SLUMPED, 10), (None, 10)))
    assert [float(row["t_s"]) for row in found] == pytest.approx([i / 5 for i in range(200)])
    expected = ["t_s", "present", "view", "confidence", "calibration", "slouch_index", "verdict", "state"]
    assert {*expected, *NAMES, *(f"d_{name}" for name in NAMES)} <= set(found[0])
    assert [row["calibration"] for row in found] == ["calibration"] * 90 + [""] * 110
    assert {(row["verdict"], row["present"]) for row in found[100:150]} == {("poor", "1")}
    assert {(row["verdict"], row["present"]) for row in found[150:]} == {("away", "0")}
    assert {row["d_head_height"] for row in found[150:]} == {""}
    states = [state for state, *_ in runs(found, "state") if state not in ("unknown", "mild")]
    assert states == ["good", "poor", "away"]


def test_the_verdict_is_the_frames_own_and_the_state_is_smoothed(tmp_path: Path) -> None:
    found = analyzed(recorded(tmp_path / "table.npz", (Pose(), 30), (SLUMPED, 0.2), (Pose(), 30)))
    assert [i for i, row in enumerate(found) if row["verdict"] == "poor"] == [150]
    assert {row["state"] for row in found[5:]} == {"good"}


def test_the_settings_rule_the_smoothing_and_the_limits(tmp_path: Path) -> None:
    table = recorded(tmp_path / "table.npz", (Pose(), 30), (SCENARIOS["slump_moderate"], 12))

    def poor_since_s(settings: str) -> float | None:
        (tmp_path / "mine.toml").write_text(settings)
        found = analyzed(table, "--calibrate-first", "18s", "--config", tmp_path / "mine.toml")
        return next((first for state, first, _ in runs(found, "state") if state == "poor"), None)

    assert poor_since_s("") == pytest.approx(34.5, abs=1)
    assert poor_since_s("[judge]\nwindow_s = 2\n") == pytest.approx(31, abs=0.8)
    assert poor_since_s("[judge.scale]\nhead_height = 3.0\nfsr = 3.0\ndistance = 3.0\n") is None


def test_a_table_in_plain_csv_is_a_source(tmp_path: Path) -> None:
    table = bodies((Pose(), 20), (None, 2), (SLUMPED, 3))
    with (tmp_path / "table.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["t_s", "width", "height", *(f"{axis}{i}" for i in range(33) for axis in "xyzv")])
        for t_s, size, points in zip(table.t_s, table.size, table.landmarks, strict=True):
            writer.writerow([t_s, *size, *points.ravel()])
    verdicts = [row["verdict"] for row in analyzed(tmp_path / "table.csv")]
    assert verdicts == ["good"] * 100 + ["away"] * 10 + ["poor"] * 15


def test_a_table_without_times_is_judged_row_by_row(tmp_path: Path) -> None:
    """Stills: the row's neighbours do not matter, and there is nothing to smooth."""
    table = bodies((Pose(), 4), (SLUMPED, 1), (Pose(), 1), (None, 1), (SLUMPED, 1))
    timeless = np.full(len(table), np.nan)
    order = np.concatenate([np.arange(20), 20 + np.random.default_rng(3).permutation(len(table) - 20)])

    def judged(index: np.ndarray) -> list[dict[str, str]]:
        file = tmp_path / "table.npz"
        write_table(file, LandmarkTable(timeless, table.size[index], table.landmarks[index]))
        return analyzed(file, "--calibrate-frames", "20")

    straight, shuffled = judged(np.arange(len(table))), judged(order)
    assert {row["t_s"] for row in straight} == {""}
    assert all(row["state"] == row["verdict"] for row in straight + shuffled)
    assert {"good", "poor", "away"} == {row["verdict"] for row in straight}
    for place, origin in enumerate(order):
        assert {**shuffled[place], "frame": ""} == {**straight[origin], "frame": ""}


def test_a_progress_bar_is_shown_on_a_terminal_and_nowhere_else(home: Path, tmp_path: Path) -> None:
    table = recorded(tmp_path / "table.npz", (Pose(), 30))
    words = ("analyze", table, "--calibrate-first", "18s", "-o", tmp_path / "out.csv")
    ended = program(*words, home=home)
    assert "Looking" not in ended.stdout + ended.stderr
    ours, theirs = pty.openpty()
    command, settings = [sys.executable, "-m", "posture_monitor", *words], environment(home, TERM="xterm")
    with subprocess.Popen(command, cwd=ROOT, env=settings, stderr=theirs) as running:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # the terminal is gone with its last writer
            while piece := os.read(ours, 4096):
                shown += piece
    os.close(ours)
    assert running.returncode == 0
    assert b"Looking" in shown
    assert b"150/150" in shown
