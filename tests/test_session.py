"""The core's own loop, on synthetic people: what a sitting comes to."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import rig
from people import upright

from posture_monitor.posture import session, steady
from posture_monitor.posture.judge import judge
from posture_monitor.posture.metrics import Reason, measure
from posture_monitor.posture.reading import Verdict
from posture_monitor.posture.session import Moment, Session

BODY = rig.Body()
CAMERA = rig.Camera(height_m=0.6, tilt_deg=-6)


def watched(
    parts: list[tuple[float, rig.Pose | None]],
    fps: float = 2.0,
    camera: rig.Camera = CAMERA,
    neutral_at: rig.Camera = CAMERA,
) -> tuple[np.ndarray, list[Session]]:
    """Hold poses for some seconds each (None: nobody there) and return times and sessions."""
    neutral = upright(BODY, neutral_at)
    frames, size = [], None
    for seconds, pose in parts:
        landmarks, size = rig.render(BODY, pose or rig.Pose(), camera)
        if pose is None:
            landmarks = np.full_like(landmarks, np.nan)
        frames.append(np.repeat(landmarks, round(seconds * fps), axis=0))
    stacked = np.concatenate(frames)
    t_s = np.arange(len(stacked)) / fps
    judged = judge(neutral.measure(stacked, size), neutral)
    return t_s, session.replay(
        session.moments(judged, neutral), t_s.tolist(), steady.Policy(interval_s=1 / fps)
    )


def first(t_s: np.ndarray, sessions: list[Session], state: Verdict, after_s: float) -> float:
    """Return when a state first came after some time."""
    return next(t for t, s in zip(t_s, sessions, strict=True) if t >= after_s and s.state is state)


@pytest.mark.parametrize("fps", [0.5, 2.0, 15.0])
def test_a_deep_slump_is_seen_within_ten_seconds_and_left_as_soon(fps: float) -> None:
    slump = rig.SCENARIOS["slump_deep"]
    t_s, sessions = watched([(60, rig.Pose()), (60, slump), (60, rig.Pose())], fps)
    assert first(t_s, sessions, Verdict.POOR, 60) - 60 <= 10
    assert first(t_s, sessions, Verdict.GOOD, 121) - 120 <= 10
    assert all(s.state is not Verdict.POOR for t, s in zip(t_s, sessions, strict=True) if t < 60)


def test_a_glance_of_under_four_seconds_changes_nothing() -> None:
    _, sessions = watched([(60, rig.Pose()), (3.5, rig.SCENARIOS["slump_deep"]), (30, rig.Pose())], 4)
    assert {s.state for s in sessions[40:]} == {Verdict.GOOD}


def test_an_empty_chair_is_away_and_says_nothing() -> None:
    _, sessions = watched([(60, rig.Pose()), (60, None), (60, rig.Pose())])
    assert sessions[-150].state is Verdict.AWAY
    assert sessions[-1].state is Verdict.GOOD


def test_sliding_down_is_told_only_when_it_lasts() -> None:
    slid = rig.SCENARIOS["slid_down"] * 1.25
    onset = [(5.0, slid * (i / 18)) for i in range(1, 19)]
    t_s, sessions = watched([(120, rig.Pose()), *onset, (900, slid)])
    poor = first(t_s, sessions, Verdict.POOR, 120)
    assert 60 < poor - 120 < 600
    assert sessions[-1].sustained.name == "lowered"


def test_a_moved_camera_is_unknown_while_it_settles_and_then_judged_again() -> None:
    neutral = upright(BODY, CAMERA)
    before, size = rig.render(BODY, rig.Pose(), CAMERA)
    after, _ = rig.render(BODY, rig.Pose(), replace(CAMERA, tilt_deg=CAMERA.tilt_deg - 8))
    landmarks = np.concatenate([np.repeat(before, 240, axis=0), np.repeat(after, 400, axis=0)])
    judged = judge(measure(landmarks, size), neutral)
    sessions = session.replay(
        session.moments(judged, neutral), (np.arange(640) / 2).tolist(), steady.Policy()
    )
    assert any(s.steady.reason == Reason.MOVED.value for s in sessions[240:300])
    assert sum(s.place.ask for s in sessions) == 1
    assert sessions[-1].state is Verdict.GOOD
    assert abs(sessions[-1].sustained.lowered) < 1.0


@pytest.mark.parametrize("azimuth", [45.0, 60.0])
def test_a_chair_that_is_lowered_slowly_is_no_more_from_beside_than_from_the_front(azimuth: float) -> None:
    """Shoulders seen from beside look narrower: by them every height would seem larger."""
    beside = rig.Camera(azimuth_deg=azimuth, height_m=0.6, distance_m=1.5, tilt_deg=-6)
    parts = [(60.0, rig.Pose())]
    parts += [(5.0, rig.Pose(seat_y_m=-0.005 * step)) for step in range(1, 11)]
    _, sessions = watched([*parts, (300, rig.SCENARIOS["chair_lower"])], camera=beside, neutral_at=beside)
    assert Verdict.POOR not in {s.state for s in sessions}


def sitting(moment: Moment, until_s: float, drop: float, state: Session) -> Session:
    """Sit this much lower than neutral (shoulder widths) until then."""
    spot = (0.0, drop, 0.0, drop, 0.0)
    t_s = np.nan_to_num(state.steady.t_s)
    while t_s < until_s:
        t_s += 0.5
        cue = (0.0, drop * moment.per_drop, *moment.cue[2:])
        state = session.step(state, steady.Policy(), t_s, replace(moment, cue=cue, spot=spot))
    return state


@pytest.fixture
def quiet() -> Moment:
    """Return somebody who sits as calibrated."""
    neutral = upright(BODY, CAMERA)
    landmarks, size = rig.render(BODY, rig.Pose(), CAMERA)
    judged = judge(measure(landmarks, size), neutral)
    return replace(session.moments(judged, neutral)[0], verdict=Verdict.GOOD)


def test_a_shift_is_taken_back_when_its_maker_sits_up_again(quiet: Moment) -> None:
    """Sliding down at once looks like a moved camera; later slouches must not be measured from there."""
    lowered = sitting(quiet, 100, 0.3, sitting(quiet, 60, 0.0, Session()))
    assert lowered.place.offset_y == pytest.approx(0.3, abs=0.02)
    assert sitting(quiet, 1000, 0.3, lowered).place.offset_y == lowered.place.offset_y
    state = lowered
    for k in range(20):
        state = sitting(quiet, 100 + 10 * (k + 1), 0.3 * (1 - k / 19), state)
        assert state.sustained.index < 0.5, "what was taken back is no rise"
    again = sitting(quiet, 1000, 0.0, state)
    assert again.place.offset_y == 0.0
    assert again.sustained.lowered == pytest.approx(0.0, abs=0.1)


def test_a_chair_set_lower_on_another_day_is_no_slouch_and_sliding_down_from_there_is_one(
    quiet: Moment,
) -> None:
    state = sitting(quiet, 600, 0.2, Session())
    assert state.state is Verdict.GOOD
    for k in range(25):
        state = sitting(quiet, 600 + 4 * (k + 1), 0.2 + 0.01 * (k + 1), state)
    assert sitting(quiet, 900, 0.45, state).state is Verdict.POOR


def test_who_sat_down_low_and_sits_up_is_measured_from_neutral_again(quiet: Moment) -> None:
    low = sitting(quiet, 600, 0.2, Session())
    assert sitting(quiet, 1200, 0.05, low).place.offset_y == low.place.offset_y, "that is natural"
    up = sitting(quiet, 1200, 0.0, low)
    assert up.place.offset_y == 0.0
    assert up.sustained.index < 0.5


def test_a_shift_upwards_is_taken_back_where_it_was_calibrated(quiet: Moment) -> None:
    """A lid tilted back and later set as it was must not leave who sits well poor for good."""
    raised = sitting(quiet, 100, -0.4, sitting(quiet, 60, 0.0, Session()))
    assert raised.place.offset_y == pytest.approx(-0.4, abs=0.02)
    assert sitting(quiet, 1000, -0.4, raised).place.offset_y == raised.place.offset_y
    state = raised
    for k in range(20):
        state = sitting(quiet, 100 + 5 * (k + 1), -0.4 * (1 - k / 19), state)
    back = sitting(quiet, 320, 0.0, state)
    assert back.place.offset_y == 0.0
    assert sitting(quiet, 360, 0.0, back).state is Verdict.GOOD


@pytest.mark.parametrize("down_to", [-0.15, 0.4])
def test_sliding_down_from_a_raised_chair_stays_a_slouch(quiet: Moment, down_to: float) -> None:
    state = sitting(quiet, 100, -0.4, sitting(quiet, 60, 0.0, Session()))
    for k in range(20):
        state = sitting(quiet, 100 + 5 * (k + 1), -0.4 + (down_to + 0.4) * (k + 1) / 20, state)
    assert sitting(quiet, 900, down_to, state).state is Verdict.POOR


def test_a_shift_that_takes_the_shoulders_out_of_the_picture_ends_as_well(quiet: Moment) -> None:
    state = sitting(quiet, 66, 0.35, sitting(quiet, 60, 0.0, Session()))
    assert state.place.unsettled
    gone = replace(quiet, spot=(0.0, 0.45, math.nan, math.nan, 0.0))
    for k in range(60):
        state = session.step(state, steady.Policy(), 66.5 + k / 2, gone)
    assert not state.place.unsettled
    assert state.steady.reason != Reason.MOVED.value


def slid(moment: Moment, start: float, end: float, seconds: int, state: Session) -> Session:
    """Slide from one height to another, slowly enough to be no shift."""
    from_s = state.steady.t_s
    for k in range(1, seconds // 5 + 1):
        state = sitting(moment, from_s + 5 * k, start + (end - start) * 5 * k / seconds, state)
    return state


def test_whoever_slides_below_the_calibrated_place_is_never_back_there(quiet: Moment) -> None:
    """The mean passes the calibrated height on its way; who is lower by then has not come back."""
    raised = sitting(quiet, 100, -0.4, sitting(quiet, 60, 0.0, Session()))
    low = sitting(quiet, 900, 0.15, slid(quiet, -0.4, 0.15, 60, raised))
    assert low.place.offset_y == raised.place.offset_y
    assert low.state is Verdict.POOR


def test_whoever_leaves_from_below_a_raised_place_leaves_all_as_it_was(quiet: Moment) -> None:
    raised = sitting(quiet, 100, -0.4, sitting(quiet, 60, 0.0, Session()))
    gone = replace(quiet, verdict=Verdict.AWAY, spot=(math.nan,) * 5)
    state = slid(quiet, -0.4, 0.15, 60, raised)
    for until_s in range(160, 220, 5):
        state = sitting(quiet, until_s, 0.15, state)
        left = session.step(state, steady.Policy(), until_s + 0.5, gone)
        assert left.place.offset_y == raised.place.offset_y


def test_whoever_sits_higher_than_calibrated_and_slides_down_from_there_is_mild(quiet: Moment) -> None:
    """Without any shift nothing is to be taken back, and the minutes before are remembered."""
    high = slid(quiet, 0.0, -0.2, 60, sitting(quiet, 60, 0.0, Session()))
    low = slid(quiet, -0.2, 0.1, 100, sitting(quiet, 1800, -0.2, high))
    assert (high.place.offset_y, low.place.offset_y) == (0.0, 0.0)
    assert sitting(quiet, 1960, 0.1, low).state is Verdict.MILD


@pytest.mark.parametrize("way", [0, 1], ids=["sideways", "up and down"])
def test_landmarks_that_tremble_one_way_only_cost_confidence(quiet: Moment, way: int) -> None:
    state = Session()
    for k in range(40):
        spot = [0.0] * 5
        spot[way] = spot[way + 2] = 0.1 * (k % 2)
        state = session.step(state, steady.Policy(), k / 2, replace(quiet, spot=tuple(spot)))
    assert state.jitter.sureness < 0.5


def test_one_frame_comes_to_the_same_bits_as_many() -> None:
    neutral = upright(BODY, CAMERA)
    rng = np.random.default_rng(5)
    n = 200
    pose = rig.Pose(
        thorax=rng.uniform(0, 50, n), lean=rng.uniform(-20, 20, n), head_yaw=rng.uniform(-60, 60, n)
    )
    landmarks, size = rig.render(BODY, pose, CAMERA, rng, 1.0)
    landmarks[7] = np.nan

    def judged(part: slice) -> list[Moment]:
        return session.moments(judge(neutral.measure(landmarks[part], size), neutral), neutral)

    whole = judged(slice(n))
    for i in range(n):
        # As text, in which what is not known is equal to itself, and every other bit counts.
        assert repr(judged(slice(i, i + 1))) == repr([whole[i]])
