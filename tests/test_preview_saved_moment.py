"""A moment saved for a bug report: what it holds, and what it must not."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import pytest
import rig

from posture_monitor import paths
from posture_monitor.posture.metrics import measure
from posture_monitor.service.preview.saved_moment import save_snapshot, snapshot_of
from posture_monitor.service.preview.shot import Shot
from posture_monitor.service.status import Angle, InUse, Status


def test_a_snapshot_holds_points_and_measures_and_no_picture(home: Path) -> None:
    (landmarks,), size = rig.render(rig.Body(), rig.Pose(), rig.Camera())
    status = Status(
        activity="watching",
        state="poor",
        source="my camera",
        profile=InUse("my profile"),
        angles=(Angle("fsr", deviation=3.0),),
    )
    image = np.full((480, 640, 3), 7, np.uint8)
    shot = Shot(
        3, status, width=int(size[0]), height=int(size[1]), landmarks=landmarks, image=image, jpeg=b"JPEG"
    )
    path = save_snapshot(shot)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.is_relative_to(paths.data_dir())
    kept = json.loads(path.read_text(encoding="utf-8"))
    np.testing.assert_allclose(kept["landmarks"], landmarks, atol=1e-5)
    assert kept["metrics"]["face_size"] == pytest.approx(
        measure(landmarks[None], size)["face_size"][0], rel=1e-3
    )
    assert kept["judgement"]["state"] == "poor"
    assert kept["versions"]["posture-monitor"]
    assert "my camera" not in path.read_text()
    assert "my profile" not in path.read_text()
    assert len(path.read_text()) < 12_000


def test_a_snapshot_of_nobody_is_still_one() -> None:
    kept = snapshot_of(Shot(1, Status(activity="watching", state="away")))
    assert kept["landmarks"] is None
    json.dumps(kept, allow_nan=False)
