"""The clock is set, summer time comes and goes, the machine sleeps."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from injected import WRITTEN_S
from program import done
from real_service import Bench, Service, sitting_table, spans
from waiting import wait_for

pytestmark = [pytest.mark.slow]


@pytest.mark.parametrize("days", [-1, 7])
def test_a_clock_that_is_set(watched: Bench, days: int) -> None:
    """Nothing is claimed of the time in between, today's sums stay right, and a pause still ends."""
    service = watched.service
    set_s = time.time()
    judged_s = service.claimed_s(0.0, set_s)
    service.put("clock", str(days * 86400))
    time.sleep(1.5)
    told = service.well()
    assert told["today"]["judged_s"] < 30, "of that day nothing else is known"
    if days > 0:
        service.ask("pause", until_s=time.time() + days * 86400 + 1.5)
    service.put("clock", "")
    back_s = time.time()
    # What was known of today is not forgotten.
    told = service.until(lambda s: s["today"]["judged_s"] >= judged_s - 5.0, 8)
    service.well()
    assert told["today"]["judged_s"] <= judged_s + time.time() - set_s + 5.0
    time.sleep(WRITTEN_S + 0.5)
    for from_s, to_s in ((back_s + 5.0, math.inf), (0.0, set_s - 600.0)):
        claimed_s = service.claimed_s(from_s, to_s)
        assert claimed_s <= 20.0, f"{claimed_s:.0f} s claimed of days that were not"


#: The two changes of 2026 in Berlin, as POSIX seconds: at 02:00 it is 03:00, and at 03:00 it is 02:00.
BERLIN = {"2026-03-29": (1_774_746_000, 23), "2026-10-25": (1_792_890_000, 25)}


def test_both_changes_of_summer_time(tmp_path: Path, own: Path) -> None:
    """Slouching on over the change, nothing is lost or counted twice, and the days have 23 and 25 hours."""
    home = shutil.copytree(own, tmp_path / "home")
    service = Service(home, str(sitting_table(tmp_path, 60.0, good_s=0.0, poor_s=1.0)))
    service.timezone = "Europe/Berlin"
    try:
        service.begin(well=False)
        service.until(lambda s: s.get("state") == "poor", 40)
        for change_s, _ in BERLIN.values():
            service.ask("pause", until_s=None)
            service.put("clock", str(change_s - 3.5 - time.time()))
            service.ask("resume")  # what is played begins anew, and as of now
            wait_for(lambda s=change_s: service.claimed_s(s - 1.0, s + 1.0, ("poor",)) > 1.99, 12)
        told = service.until(lambda s: s["state"] == "poor")
        service.ask("stop")
        assert service.process is not None
        assert service.process.wait(10) == 0
    finally:
        service.end()
    for date, (change_s, hours) in BERLIN.items():
        day = json.loads(done("report", date, "--format", "json", home=home, TZ="Europe/Berlin"))
        assert day["recorded_s"] + day["not_recorded_s"] == 3600.0 * hours
        here = [
            span
            for span in spans(home)
            if abs(span["start_s"] - change_s) < 3600 and span["end_s"] > span["start_s"]
        ]
        assert {span["state"] for span in here} == {"poor"}
        assert len({span["utc_offset_s"] for span in here}) == 2
        seen_s = max(span["end_s"] for span in here) - min(span["start_s"] for span in here)
        assert day["seconds"]["poor"] == pytest.approx(seen_s, abs=0.01), "lost, or counted twice"
        assert sum(part["seconds"]["poor"] for part in day["hours"]) == pytest.approx(seen_s, abs=0.01)
    # What `status` counted along the second of them.
    assert told["today"]["poor_s"] == pytest.approx(seen_s, abs=2.0)


def test_a_machine_that_sleeps_for_eight_hours_mid_slouch(watched: Bench) -> None:
    service = watched.service
    watched.camera.show(watched.slouch)
    before = service.until(lambda s: s["state"] == "poor" and s["today"]["sit_bout_s"] > 5.0)
    asleep_s = time.time()
    for pid in (service.eye, service.pid):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(0.5)
    for word in ("clock", "slept"):
        service.put(word, str(8 * 3600))
    awake_s = time.time() + 8 * 3600
    for pid in (service.pid, service.eye):
        os.kill(pid, signal.SIGCONT)
    told = service.until(lambda s: s["looks"] >= before["looks"] + 3)
    assert told["today"]["alerts"] == before["today"]["alerts"]
    assert told["today"]["sit_bout_s"] < min(5.0, before["today"]["sit_bout_s"]), "asleep is not sitting"
    assert told["today"]["poor_s"] < before["today"]["poor_s"] + 60.0
    time.sleep(WRITTEN_S + 0.5)
    assert service.claimed_s(asleep_s + 1.5, awake_s - 1.0) == 0.0
