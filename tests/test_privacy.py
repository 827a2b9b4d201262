"""What a run leaves on the disk: the history, the profile, the model, and nothing of the pictures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from program import environment, fresh_home

from posture_monitor.sensing import demo

SECONDS, FPS = 8, 5
#: How files with pictures begin: JPEG, PNG, GIF, WebP, AVI, Matroska, and what follows the size in MP4.
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"\x1aE\xdf\xa3", b"ftyp")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few seconds of real pixels with somebody in them."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (demo.WIDTH, demo.HEIGHT))
    for i in range(SECONDS * FPS):
        writer.write(demo.picture(i / FPS))
    writer.release()
    return path


def test_a_run_writes_its_history_and_no_picture(clip: Path, tmp_path: Path) -> None:
    home, elsewhere = fresh_home(tmp_path / "home"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    # All places to which a program writes without being asked.
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"), str(elsewhere))
    for command in (("calibrate", "--seconds", "6"), ("run",)):
        ended = subprocess.run(
            [sys.executable, "-m", "posture_monitor", *command, "--source", clip],
            cwd=elsewhere,
            env=environment(home, **places),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "good" in ended.stdout, "nobody was seen, so there was nothing to keep"
    # Matplotlib makes its font cache at its first import.
    strays = [p for p in elsewhere.rglob("*") if p.is_file() and "matplotlib" not in str(p)]
    assert strays == []
    kept = [p for p in home.rglob("*") if p.is_file() and p.parent.name != "models"]
    assert {p.name.removesuffix("-wal").removesuffix("-shm") for p in kept} == {
        "history.sqlite3",
        "default.toml",
    }
    for path in kept:
        written = path.read_bytes()
        assert not any(magic in written for magic in PICTURES), path
    # One small picture would be larger than what these seconds leave behind.
    assert sum(p.stat().st_size for p in kept) < demo.WIDTH * demo.HEIGHT
