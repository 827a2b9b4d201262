"""The neutral posture, drawn: it measures as the neutral does."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import rig
from people import upright

from posture_monitor.posture.metrics import NAMES, measure
from posture_monitor.service.preview.outline import outline


@pytest.mark.parametrize("camera", [rig.Camera(), rig.SIDE_CAMERA], ids=["front", "side"])
def test_the_outline_sits_as_the_neutral_does(camera: rig.Camera) -> None:
    known = upright(rig.Body(), camera)
    points = outline(known, camera.width, camera.height)
    assert points is not None
    drawn = measure(points[None], np.array([camera.width, camera.height]))
    for name in ("face_size", "shoulder_width", "head_drop", "shoulder_drop", "head_shift", "shoulder_shift"):
        assert drawn[name][0] == pytest.approx(known[name], rel=0.08, abs=0.02), name
    if camera is rig.SIDE_CAMERA:
        assert drawn["trunk_incl"][0] == pytest.approx(known["trunk_incl"], abs=3)
    else:
        assert drawn["head_yaw"][0] == pytest.approx(known["head_yaw"], abs=6)
        assert drawn["ear_height"][0] == pytest.approx(known["ear_height"], abs=0.1)


def test_a_neutral_without_a_place_has_no_outline() -> None:
    known = upright(rig.Body(), rig.Camera())
    centre = known.centre.copy()
    centre[NAMES.index("head_drop")] = math.nan
    assert outline(replace(known, centre=centre), 640, 480) is None
