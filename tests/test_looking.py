"""Others in a stream are seen, with the real model on real clips."""

from __future__ import annotations

from pathlib import Path

import pytest
from real_model import real_model

from posture_monitor.posture.metrics import Reason
from posture_monitor.sensing.sources import open_source
from posture_monitor.service.calibration import CROWD_EVERY_S, Collected
from posture_monitor.service.looking import Looker


def collected(clip: Path, crowd_every_s: float | None) -> Collected:
    source = open_source(
        str(clip), started_at=None, realtime=False, width=640, height=480, min_interval_s=0.5
    )
    gathered = Collected()
    with Looker(source, real_model, crowd_every_s=crowd_every_s) as looker:
        for seen in looker.look():
            gathered.add(seen)
    return gathered


def test_nobody_is_calibrated_on_a_clip_of_two(shared_data: Path) -> None:
    clip = shared_data / "room" / "two_people_head_tilt.avi"
    with pytest.raises(ValueError, match="more than one person"):
        collected(clip, CROWD_EVERY_S).neutral(steady=False, least_frames=4)
    # Without the looks for others the stream's model knows of one alone.
    assert Reason.CROWD not in collected(clip, None).doubts


def test_one_person_is_nobody_else(shared_data: Path) -> None:
    alone = collected(shared_data / "room" / "one_person_still.avi", CROWD_EVERY_S)
    assert Reason.CROWD not in alone.doubts
    assert alone.neutral(steady=False, least_frames=4).frames >= 4


def test_what_was_found_holds_until_the_next_look(shared_data: Path) -> None:
    doubts = collected(shared_data / "room" / "two_people_head_tilt.avi", 3.0).doubts
    # Two seconds and a half into the clip the second person is seen; asked at 0 and 3 s.
    first = doubts.index(Reason.CROWD)
    assert doubts[:first] == [Reason.OK] * first
    assert set(doubts[first:]) == {Reason.CROWD}
