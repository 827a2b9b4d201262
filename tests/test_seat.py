"""The neutral in force is chosen on arrival and on getting up, and a slouch never changes it."""

from __future__ import annotations

import dataclasses
import math

import pytest
from people import upright
from rig import SCENARIOS, Body, Camera, Pose, render

from posture_monitor.posture.metrics import measure
from posture_monitor.posture.seat import Look, Seat, step

WIDE = Camera(distance_m=1.1, hfov_deg=75)
UP = 0.3
LOW = upright(Body(), WIDE)
HIGH = dataclasses.replace(
    upright(Body(), dataclasses.replace(WIDE, height_m=WIDE.height_m - UP)), name="standing"
)
#: A second chair, as much lower as a deep slouch is.
LOWER = dataclasses.replace(
    upright(Body(), dataclasses.replace(WIDE, height_m=WIDE.height_m + 0.15)), name="low chair"
)


def look(pose: Pose, t_s: float) -> Look:
    points, size = render(Body(), pose, WIDE)
    seen = measure(points, size)
    return Look(t_s, *(float(seen[name][0]) for name in ("face_size", "head_shift", "head_drop")))


def sit(seat: Seat, pose: Pose | None, from_s: float, seconds: float, interval_s: float = 0.5) -> Seat:
    there = look(pose, 0.0) if pose is not None else Look(0.0, math.nan, math.nan, math.nan)
    for i in range(round(seconds / interval_s)):
        seat = step(seat, (LOW, HIGH, LOWER), there._replace(t_s=from_s + i * interval_s))
    return seat


SITTING, STANDING = Pose(), Pose(seat_y_m=UP)


@pytest.mark.parametrize("interval_s", [0.1, 0.5, 2.0])
def test_it_is_chosen_on_arrival_and_after_a_minute_away(interval_s: float) -> None:
    seat = sit(Seat(), STANDING, 0, 10, interval_s)
    assert seat.index == 1
    assert sit(Seat(), SITTING, 0, 10, interval_s).index == 0
    low = Pose(seat_y_m=-0.15)
    assert sit(sit(seat, None, 10, 50, interval_s), STANDING, 60, 10, interval_s).index == 1
    assert sit(sit(seat, None, 10, 70, interval_s), low, 80, 10, interval_s).index == 2


def test_getting_up_and_sitting_down_change_it_once_they_last() -> None:
    seat = sit(Seat(), SITTING, 0, 30)
    assert sit(seat, STANDING, 30, 3).index == 0
    up = sit(seat, STANDING, 30, 10)
    assert up.index == 1
    assert sit(up, SITTING, 40, 10).index == 0


@pytest.mark.parametrize("slouch", ["slump_moderate", "slump_deep", "slid_down", "recline_deep", "lean_back"])
def test_a_slouch_never_changes_it(slouch: str) -> None:
    seat = sit(Seat(), SITTING, 0, 30)
    assert sit(seat, SCENARIOS[slouch], 30, 600).index == 0
    # Nor when it is interrupted for less than a minute.
    assert sit(sit(seat, None, 30, 40), SCENARIOS[slouch], 70, 600).index == 0


def test_whoever_comes_back_to_another_chair_is_measured_by_that_one() -> None:
    """The chair is lower by less than getting up takes; only that they were away tells it from a slouch."""
    low = Pose(seat_y_m=-0.15)
    seat = sit(Seat(), SITTING, 0, 30)
    assert sit(sit(seat, None, 30, 50), low, 80, 10).index == 0
    assert sit(sit(seat, None, 30, 70), low, 100, 10).index == 2


def test_who_takes_the_seat_beside_is_measured_by_that_one_and_back_again() -> None:
    """Without having been away, and as high as before."""
    there = Pose(seat_x_m=0.5)
    seats = (LOW, upright(Body(), dataclasses.replace(WIDE, pan_deg=-24.0)))
    seat = Seat()
    for begin_s, pose, index in ((0, SITTING, 0), (10, there, 1), (20, SITTING, 0)):
        for t_s in range(begin_s, begin_s + 10):
            seat = step(seat, seats, look(pose, t_s))
        assert seat.index == index


def test_whoever_stands_in_none_of_the_seats_changes_nothing() -> None:
    """A colleague who comes to talk, as high as the user is when standing, and hides them."""
    seat = sit(Seat(), SITTING, 0, 30)
    assert sit(seat, Pose(seat_x_m=0.65, seat_y_m=UP), 30, 10).index == 0


def test_five_seconds_are_enough_to_choose() -> None:
    assert sit(Seat(), STANDING, 0, 5).index == 1
    assert sit(sit(Seat(), SITTING, 0, 30), STANDING, 30, 5).index == 1


def test_a_look_in_which_something_was_not_measured_is_passed_over() -> None:
    seat = sit(Seat(), SITTING, 0, 30)
    for missing in ("face_size", "head_shift", "head_drop"):
        assert step(seat, (LOW, HIGH, LOWER), look(STANDING, 40)._replace(**{missing: math.nan})) == seat
