"""Today as it is counted along comes to what the history holds of it."""

from __future__ import annotations

import datetime as dt

import pytest
from history_maker import wall

from posture_monitor.history.days import day
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import utc_offset_s
from posture_monitor.service.tally import Tally

STEP_S = 5.0


def watch(store: Store, tally: Tally, start: str, seconds: float, state: str) -> float:
    """Watch one state from a local time of a day on; return the POSIX seconds of the end."""
    start_s = wall(f"2025-05-14 {start}")
    for step in range(int(seconds / STEP_S) + 1):
        wall_s = start_s + step * STEP_S
        store.heartbeat(wall_s, utc_offset_s(wall_s), state)
        tally.add(wall_s, state, 2 * STEP_S)
    return wall_s


@pytest.mark.parametrize("again", ["09:10", "08:50"])
def test_a_clock_set_back_counts_no_stretch_twice(store: Store, again: str) -> None:
    tally = Tally(store, wall("2025-05-14 09:00"))
    watch(store, tally, "09:00", 1200, "good")
    watch(store, tally, "09:20", 600, "mild")
    end_s = watch(store, tally, again, 1800, "poor")
    told = day(store, dt.date(2025, 5, 14), end_s)
    for state, seconds in told.seconds.items():
        assert tally.seconds[state] == pytest.approx(seconds, abs=2 * STEP_S), state


def test_too_little_to_judge_is_no_sixty_per_cent_in_the_status_either(store: Store) -> None:
    tally = Tally(store, wall("2025-05-14 09:00"))
    watch(store, tally, "09:00", 1190, "good")
    watch(store, tally, "09:19:50", 805, "unknown")
    today = tally.today(0.0)
    assert tally.coverage == pytest.approx(0.5965, abs=0.002)
    assert not today.enough
    assert f"{today.coverage:.0%}" == "59%"
