"""A camera that hangs for a minute, with every limit as it is shipped."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from loopback_camera import LoopbackCamera
from program import fresh_home
from real_service import Service, pictures

from posture_monitor.sensing.stream import SILENCE_S

pytestmark = [pytest.mark.slow, pytest.mark.data]

HANGING_S = 60.0


def test_a_camera_that_hangs_for_a_minute(tmp_path: Path, shared_data: Path) -> None:
    good, _ = pictures(shared_data)
    camera = LoopbackCamera(good)
    service = Service(fresh_home(tmp_path / "home"), camera.url, "[service]\ntray = false\n", hurried=False)
    try:
        service.begin()
        pid = service.pid
        began_s = time.time()
        camera.hanging = True
        told = service.until(lambda s: s["activity"] == "trouble", 30)
        assert told["state"] == "unknown"
        assert told["camera"]["trouble"] in ("hangs", "gone")
        # It is answered all the while, and tried again.
        while time.time() < began_s + HANGING_S:
            assert service.status()["activity"] in ("trouble", "opening"), service.status()
            time.sleep(2.0)
        camera.hanging = False
        ended_s = time.time()
        service.well(90)
        assert service.pid == pid
        # The last picture speaks until the next is due, and for no longer.
        assert service.claimed_s(began_s + SILENCE_S + 10.0, ended_s) == 0.0
        assert service.claimed_s(began_s, ended_s) < 20.0
        assert len(service.log()) <= 8, service.log()
    finally:
        service.end()
        camera.close()
