"""Body landmarks are kept where the user asked for it, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from desk import UPRIGHT, Desk

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.history.packing import unpack_landmarks
from posture_monitor.history.store import Store


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("wanted", [True, False])
def test_the_loop_keeps_landmarks_only_when_asked_to(tmp_path: Path, wanted: bool) -> None:
    (tmp_path / "own.toml").write_text("")
    with Store.open(paths.history_file(), keep_samples_days=36500, keep_landmarks=wanted) as store:
        desk = Desk(load_config(tmp_path / "own.toml"), store)
        desk.sit(UPRIGHT, 20)
        kept = [row["landmarks"] for row in desk.kept("samples")]
    assert kept
    if wanted:
        points = unpack_landmarks(kept[0])
        assert points.shape == (20, 33, 4)
        assert np.isfinite(points).all()
    else:
        assert kept == [None]
