"""Whether camera or chair were moved, told from what a person does."""

from __future__ import annotations

import math

import pytest

from posture_monitor.posture import place
from posture_monitor.posture.place import Place, Spot


def play(
    way: list[tuple[float, float, float, float, float]], fps: float = 2.0
) -> tuple[Place, int, list[bool]]:
    """Hold each ``(until_s, head_y, shoulder_y, x, size)``; return place, number of asks, unsettled."""
    state, asks, unsettled, t_s = Place(), 0, [], 0.0
    for until_s, head_y, shoulder_y, x, size in way:
        while t_s < until_s:
            state = place.step(state, Spot(t_s, x, head_y, x, shoulder_y, size), 1 / fps)
            asks += state.ask
            unsettled.append(state.unsettled)
            t_s += 1 / fps
    return state, asks, unsettled


STILL = (60.0, 0.0, 0.0, 0.0, 0.0)
#: What of a place found lower on another day is taken out: its part of all variance.
PART = place.PLACE_VARIES**2 / (place.PLACE_VARIES**2 + place.SITTING_VARIES**2)


@pytest.mark.parametrize("fps", [1.0, 2.0, 15.0])
def test_a_moved_laptop_lid_is_taken_out_and_asked_about_once(fps: float) -> None:
    state, asks, unsettled = play([STILL, (180.0, 0.4, 0.4, 0.0, 2.0), (300.0, 0.8, 0.8, 0.0, 2.0)], fps)
    assert asks == 1
    assert state.offset_y == pytest.approx(0.8, abs=0.05)
    assert any(unsettled)
    assert not state.unsettled
    assert sum(unsettled) / fps <= 2 * (place.SETTLE_S + 2)


def test_seldom_readings_see_it_as_well_but_nobody_who_was_away() -> None:
    way = [STILL, (180.0, 0.4, 0.4, 0.0, 2.0)]
    assert play(way, 1 / 6)[1] == 1
    assert play(way, 1 / 12)[1] == 1
    seen = Place()
    for t_s in range(60):
        seen = place.step(seen, Spot(float(t_s), 0.0, 0.0, 0.0, 0.0, 0.0), 1.0)
    for t_s in range(75, 120):
        seen = place.step(seen, Spot(float(t_s), 0.0, 0.4, 0.0, 0.4, 0.0), 1.0)
        assert not seen.unsettled


def test_a_slouch_is_no_move_of_the_camera() -> None:
    """The head sinks more than the shoulders do, and the face grows."""
    state, asks, _ = play([STILL, (180.0, 0.4, 0.15, 0.0, 15.0)])
    assert (asks, state.offset_y) == (0, 0.0)


def test_sliding_down_slowly_is_no_move_either() -> None:
    way = [STILL] + [(60.0 + i, 0.3 * i / 90, 0.28 * i / 90, 0.0, -i / 20) for i in range(1, 91)]
    state, asks, _ = play([*way, (600.0, 0.3, 0.28, 0.0, -5.0)])
    assert (asks, state.offset_y) == (0, 0.0)


def test_sitting_up_again_is_no_move() -> None:
    way = [STILL] + [(60.0 + i, 0.4 * i / 90, 0.38 * i / 90, 0.0, 0.0) for i in range(1, 91)]
    state, asks, _ = play([*way, (400.0, 0.4, 0.38, 0.0, 0.0), (600.0, 0.02, 0.02, 0.0, 0.0)])
    assert (asks, state.offset_y) == (0, 0.0)


def test_a_reach_for_something_passes() -> None:
    state, asks, unsettled = play([STILL, (65.0, 0.4, 0.4, 0.0, 0.0), (120.0, 0.0, 0.0, 0.0, 0.0)])
    assert (asks, state.offset_y) == (0, 0.0)
    assert not unsettled[-1]


def test_sitting_down_after_an_absence_is_no_move() -> None:
    state, _, _ = play([STILL])
    for i in range(60):
        t_s = 400.0 + i / 2
        state = place.step(state, Spot(t_s, 0.0, min(0.5, i / 20), 0.0, min(0.5, i / 20), 0.0))
        assert not state.ask
    assert state.offset_y == 0.0


def test_what_was_not_measured_is_passed_over() -> None:
    state, _, _ = play([STILL])
    assert place.step(state, Spot(61.0, math.nan, 0.4, 0.0, 0.4, 0.0)) == state


def test_shoulders_that_stay_behind_tell_a_slouch_though_the_face_is_as_large() -> None:
    state, asks, unsettled = play([STILL, (180.0, 0.4, 0.15, 0.0, 0.0)])
    assert (asks, state.offset_y, any(unsettled)) == (0, 0.0, False)


@pytest.mark.parametrize(("percent", "asks"), [(7.0, 1), (-7.0, 1), (9.0, 0), (-9.0, 0)])
def test_whoever_comes_nearer_meanwhile_has_moved_themselves(percent: float, asks: int) -> None:
    assert play([STILL, (180.0, 0.27, 0.27, 0.0, percent)])[1] == asks


def test_sideways_it_takes_more_and_what_passes_was_no_move() -> None:
    moved, asks, _ = play([STILL, (180.0, 0.0, 0.0, 0.8, 0.0)])
    assert asks == 1
    assert moved.offset_y == pytest.approx(0.0, abs=0.05)
    assert play([STILL, (180.0, 0.0, 0.0, 0.5, 0.0)])[1] == 0
    assert play([STILL, (65.0, 0.0, 0.0, 0.8, 0.0), (120.0, 0.0, 0.0, 0.0, 0.0)])[1] == 0
    # Nor is it one where somebody sits to the side of the picture and only turns in the chair.
    state = Place()
    for t_s in range(120):
        turned = -0.8 if t_s >= 60 else 0.0
        state = place.step(state, Spot(float(t_s), 0.6 + turned, 0.0, 0.6, 0.0, 0.0), 1.0)
        assert not state.unsettled


def test_a_moved_lid_is_seen_of_whoever_sits_beside_and_nearer_than_calibrated() -> None:
    _, asks, _ = play([(60.0, 0.0, 0.0, 0.6, 12.0), (180.0, 0.4, 0.4, 0.6, 12.0)])
    assert asks == 1


def test_what_takes_longer_than_eight_seconds_is_no_move() -> None:
    state = Place()
    for t_s in range(90):
        lower = 0.03 * max(0, t_s - 60)
        state = place.step(state, Spot(float(t_s), 0.0, lower, 0.0, lower, 0.0), 1.0)
        assert not state.unsettled


@pytest.mark.parametrize(
    ("head", "shoulders", "size", "place_y"),
    [
        (0.2, 0.2, 2.0, 0.2 * PART),
        (-0.15, -0.15, -5.0, -0.15 * PART),
        (0.4, 0.1, 5.0, 0.1 * PART),  # a slump moves the head more
        (0.1, -0.1, 0.0, 0.0),
        (0.2, 0.2, -25.0, 0.0),  # leaning back
    ],
)
def test_another_day_begins_where_somebody_sits_down(
    head: float, shoulders: float, size: float, place_y: float
) -> None:
    state, _, _ = play([(120.0, head, shoulders, 0.0, size)])
    assert state.offset_y == pytest.approx(place_y, abs=1e-6)


def test_who_gets_up_again_while_arriving_arrives_once_more() -> None:
    state = Place()
    for stay in range(20):  # seen for twenty seconds each minute
        for s in range(20):
            state = place.step(state, Spot(60.0 * stay + s, 0.0, 0.4, 0.0, 0.4, 0.0), 1.0)
        assert state.arriving is not None
        assert len(state.arriving) <= 20
    for s in range(60):
        state = place.step(state, Spot(1200.0 + s, 0.0, 0.1, 0.0, 0.1, 0.0), 1.0)
    assert state.offset_y == pytest.approx(0.1 * PART), "what was before is over"


def test_a_night_is_another_day_and_an_hour_is_none() -> None:
    state, asks, _ = play([STILL, (180.0, 0.4, 0.4, 0.0, 2.0)])
    assert asks == 1
    for away_s, place_y in ((3600.0, state.offset_y), (14 * 3600.0, -0.1 * PART)):
        after = state
        for t_s in range(60):
            spot = Spot(180.0 + away_s + t_s, 0.0, -0.1, 0.0, -0.1, 0.0)
            after = place.step(after, spot, 1.0)
        assert after.offset_y == pytest.approx(place_y)
        assert after.asked is (away_s == 3600.0), "on another day the question may be asked again"
