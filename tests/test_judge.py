"""Verdicts: what never raises them, what always does, and when there is none."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest
import rig
from hypothesis import given, settings
from hypothesis import strategies as st
from moved_camera import at_distance, both, raised, turned
from people import SWAPPED, bodies, judged, sitters, upright
from rig import SCENARIOS, SIDE_CAMERA, Body, Camera, Pose, render

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.baseline import neutral_of
from posture_monitor.posture.judge import SIGNAL_NAMES, SIGNALS, Judgement, Limits, judge
from posture_monitor.posture.metrics import NAMES, REASONS, ROW, Needs, Reason, measure
from posture_monitor.posture.reading import VERDICTS, Verdict

GOOD, MILD, POOR, UNKNOWN, AWAY = range(5)
assert VERDICTS == (Verdict.GOOD, Verdict.MILD, Verdict.POOR, Verdict.UNKNOWN, Verdict.AWAY)

FRONT = Camera(height_m=0.62, tilt_deg=-4)


def front(pose: Pose, limits: Limits | None = None, body: Body | None = None) -> Judgement:
    body = body or Body()
    neutral = upright(body, FRONT)
    landmarks, size = render(body, pose, FRONT)
    return judge(neutral.measure(landmarks, size), neutral, limits)


def verdicts(judgement: Judgement) -> list[Verdict]:
    return [VERDICTS[code] for code in judgement.verdict]


def reasons(judgement: Judgement) -> list[Reason]:
    return [REASONS[code] for code in judgement.reason]


# -- what the verdict says -----------------------------------------------------


def test_sitting_upright_is_good() -> None:
    found = front(Pose(lean=np.zeros(3)))
    assert verdicts(found) == [Verdict.GOOD] * 3
    assert (found.slouch_index < 0.1).all()
    assert (found.signal == -1).all()
    assert reasons(found) == [Reason.OK] * 3


@pytest.mark.parametrize(
    ("name", "signals"),
    [
        ("slump_deep", {"head sinking", "face forward"}),
        ("head_forward_far", {"head sinking", "face forward"}),
        ("head_tilt", {"head tilted"}),
        ("side_lean", {"shoulders tilted", "leaning sideways", "head tilted"}),
    ],
)
def test_a_slouch_from_the_front_is_poor_and_named(name: str, signals: set[str]) -> None:
    found = front(SCENARIOS[name] * 1.2)
    assert verdicts(found) == [Verdict.POOR]
    assert SIGNAL_NAMES[found.signal[0]] in signals


@pytest.mark.parametrize("name", ["slump_deep", "head_forward_far"])
@pytest.mark.parametrize("azimuth", [-60, -45, 45, 60])
def test_a_head_that_sinks_is_seen_by_a_camera_that_the_face_is_turned_away_from(
    name: str, azimuth: float
) -> None:
    camera = Camera(azimuth_deg=azimuth)
    neutral = upright(Body(), camera)
    assert not np.isfinite(neutral["head_rise"])
    _, found = judged(Body(), SCENARIOS[name], camera, neutral)
    assert verdicts(found) == [Verdict.POOR]
    assert SIGNAL_NAMES[found.signal[0]] == "head sinking"


@pytest.mark.parametrize("azimuth", [90, -90])
@pytest.mark.parametrize(
    ("name", "signals"),
    [
        ("lean_forward", {"leaning forward"}),
        ("recline_deep", {"reclined"}),
        ("slump_deep", {"neck forward", "leaning forward"}),
        ("upright", {""}),
    ],
)
def test_a_slouch_from_the_side_is_poor_and_named(name: str, signals: set[str], azimuth: float) -> None:
    camera = dataclasses.replace(SIDE_CAMERA, azimuth_deg=azimuth)
    body = Body()
    _, found = judged(body, SCENARIOS[name] * 1.2, camera, upright(body, camera))
    assert verdicts(found) == [Verdict.GOOD if name == "upright" else Verdict.POOR]
    assert (SIGNAL_NAMES[found.signal[0]] if found.signal[0] >= 0 else "") in signals


@pytest.mark.parametrize("azimuth", [-60, -45, 45, 60])
def test_a_face_turned_past_the_camera_makes_no_recliner_lean_forward(azimuth: float) -> None:
    camera = Camera(azimuth_deg=azimuth, distance_m=1.6, tilt_deg=10)
    reclined = Pose(lean=-10)
    landmarks, size = render(Body(), reclined, camera, desk=None)
    neutral = neutral_of(measure(landmarks, size))
    past = reclined + Pose(head_yaw=azimuth * 1.3)
    measured, found = judged(Body(), past, camera, neutral, desk=None)
    for name in ("trunk_incl", "neck_incl"):
        assert np.isfinite(neutral[name])
        assert np.isnan(measured[name][0])
        assert REASONS[measured.reasons[ROW[name], 0]] is Reason.TURNED
    assert verdicts(found) != [Verdict.POOR]


def test_verdict_follows_the_index() -> None:
    found = front(SCENARIOS["slump_deep"] * np.linspace(0, 1, 60))
    index = found.slouch_index
    expected = np.select([index >= 1, index >= 0.5], [POOR, MILD], GOOD)
    np.testing.assert_array_equal(found.verdict, expected)
    assert set(found.verdict.tolist()) == {GOOD, MILD, POOR}


def test_signals_combine() -> None:
    """Two half-steps count for more than either, and for less than their sum."""
    both = front(Pose(head_roll=7, thorax=10))
    strong = np.sort(both.signals[np.isfinite(both.signals)])[::-1]
    assert strong[0] < 1
    assert strong[1] > 0.3
    assert strong[0] < both.slouch_index[0] < strong[0] + strong[1] + strong[2]
    for alone in (front(Pose(head_roll=7)), front(Pose(thorax=10))):
        assert both.slouch_index[0] > alone.slouch_index[0]


def test_a_signal_in_the_good_direction_takes_nothing_off() -> None:
    """Sitting taller does not excuse a tilted head."""
    tilted, taller = front(Pose(head_roll=9)), front(Pose(head_roll=9, pelvis=6, neck_forward_m=-0.01))
    assert taller.slouch_index[0] >= tilted.slouch_index[0] * 0.97


def test_the_user_s_tolerance_widens_the_limits_of_its_metric_alone() -> None:
    for pose, driver in ((Pose(head_roll=12), "head_roll"), (SCENARIOS["slump_moderate"], "head_height")):
        usual = front(pose)
        row = [signal.driver for signal in SIGNALS].index(driver)
        wider = front(pose, Limits(scale={driver: 1.5}))
        narrower = front(pose, Limits(scale={driver: 0.7}))
        assert wider.signals[row, 0] < usual.signals[row, 0] < narrower.signals[row, 0]
        assert wider.slouch_index[0] < usual.slouch_index[0] < narrower.slouch_index[0]
        others = np.array([signal.driver not in (driver, "face_size") for signal in SIGNALS])
        np.testing.assert_array_equal(wider.signals[others], usual.signals[others])


def test_scatter_while_calibrating_widens_the_limits() -> None:
    body, pose = Body(), SCENARIOS["slump_moderate"]
    neutral = upright(body, FRONT)
    restless = dataclasses.replace(neutral, spread=neutral.spread * 3)
    _, usual = judged(body, pose, FRONT, neutral)
    _, wider = judged(body, pose, FRONT, restless)
    assert wider.slouch_index[0] < usual.slouch_index[0]


# -- when there is none --------------------------------------------------------


def view_of(
    landmarks: npt.NDArray[np.float32],
    size: npt.NDArray[np.int64] | None = None,
    limits: Limits | None = None,
    doubt: Reason = Reason.OK,
) -> tuple[Verdict, Reason, float]:
    """Return verdict, reason and index of one frame against the typical body's neutral from the front."""
    neutral = upright(Body(), FRONT)
    size = np.array([FRONT.width, FRONT.height]) if size is None else size
    measurement = neutral.measure(landmarks, size)
    found = judge(measurement, neutral, limits, [doubt])
    return verdicts(found)[0], reasons(found)[0], float(found.slouch_index[0])


def seen(pose: Pose | None = None, camera: Camera = FRONT) -> npt.NDArray[np.float32]:
    return render(Body(), pose or Pose(), camera)[0]


def enlarged(landmarks: npt.NDArray[np.float32], times: float) -> npt.NDArray[np.float32]:
    """Return the same person, larger or smaller about the place of the nose."""
    nose = landmarks[:, :1, :2]
    out = landmarks.copy()
    out[..., :2] = nose + times * (landmarks[..., :2] - nose)
    return out


def test_nobody_is_away() -> None:
    verdict, reason, index = view_of(lm.nobody())
    assert (verdict, reason) == (Verdict.AWAY, Reason.OK)
    assert np.isnan(index)


def test_a_ghost_on_the_furniture_is_nobody() -> None:
    assert view_of(enlarged(seen(), 0.1))[0] is Verdict.AWAY


def test_a_hidden_face_is_unknown() -> None:
    landmarks = seen()
    landmarks[:, 0, 3] = 0.1
    assert view_of(landmarks)[:2] == (Verdict.UNKNOWN, Reason.FACE)


@pytest.mark.parametrize("times", [0.35, 5.0])
def test_a_face_of_quite_another_size_is_a_stranger(times: float) -> None:
    landmarks = enlarged(seen(), times)
    # The model says of all it marks within the picture that it sees it.
    landmarks[..., 3] = 1.0
    assert view_of(landmarks)[:2] == (Verdict.UNKNOWN, Reason.STRANGER)


@pytest.mark.parametrize("way", [-1, 1])
def test_who_sits_beside_the_calibrated_seat_or_behind_it_is_a_stranger(way: int) -> None:
    """The seat is empty, and the model sees a colleague, or a picture on the wall."""
    body, room = Body(), dataclasses.replace(FRONT, distance_m=1.0, hfov_deg=100)
    neutral = upright(body, room)
    for depth_m in (0.0, -0.4, 0.2):
        _, beside = judged(body, Pose(seat_x_m=way * 0.6, seat_z_m=depth_m), room, neutral)
        assert reasons(beside) == [Reason.STRANGER]
        assert verdicts(beside) == [Verdict.UNKNOWN]
        _, moved = judged(body, Pose(seat_x_m=way * 0.25, seat_z_m=depth_m), room, neutral)
        assert Verdict.UNKNOWN not in verdicts(moved)


def test_from_the_side_who_leans_or_rolls_along_the_picture_is_no_stranger() -> None:
    body = Body()
    side = upright(body, SIDE_CAMERA)
    for pose in (SCENARIOS["recline_deep"], Pose(seat_z_m=-0.5), Pose(seat_z_m=0.5)):
        _, found = judged(body, pose, SIDE_CAMERA, side)
        assert Reason.STRANGER not in reasons(found)


def test_standing_up_is_unknown() -> None:
    high = Camera(height_m=0.85, distance_m=1.3, hfov_deg=78)
    body = Body()
    neutral = upright(body, high)
    _, found = judged(body, SCENARIOS["standing"], high, neutral)
    assert reasons(found) == [Reason.STANDING]
    assert verdicts(found) == [Verdict.UNKNOWN]


def test_a_back_is_unknown() -> None:
    assert view_of(seen()[:, SWAPPED])[:2] == (Verdict.UNKNOWN, Reason.BEHIND)


def test_another_view_than_the_calibrated_one_is_unknown() -> None:
    beside = dataclasses.replace(FRONT, azimuth_deg=90)
    assert view_of(seen(camera=beside))[:2] == (Verdict.UNKNOWN, Reason.VIEW)
    body = Body()
    side = upright(body, beside)
    _, found = judged(body, Pose(), FRONT, side)
    assert (verdicts(found), reasons(found)) == ([Verdict.UNKNOWN], [Reason.VIEW])


@pytest.mark.parametrize("doubt", [Reason.DARK, Reason.COVERED, Reason.BLURRED, Reason.CROWD])
def test_a_doubtful_picture_is_unknown_whatever_the_landmarks_say(doubt: Reason) -> None:
    for landmarks in (seen(), seen(SCENARIOS["slump_deep"]), lm.nobody()):
        assert view_of(landmarks, doubt=doubt)[:2] == (Verdict.UNKNOWN, doubt)


def test_low_confidence_is_unknown() -> None:
    assert view_of(seen(), limits=Limits(min_confidence=0.5))[0] is Verdict.GOOD
    faint = seen()
    faint[..., 3] *= 0.55
    verdict, reason, _ = view_of(faint, limits=Limits(min_confidence=0.5))
    assert (verdict, reason) == (Verdict.UNKNOWN, Reason.UNSURE)


def test_doubts_are_taken_frame_by_frame() -> None:
    body = Body()
    neutral = upright(body, FRONT)
    landmarks, size = render(body, Pose(lean=np.zeros(3)), FRONT)
    landmarks[2] = np.nan
    found = judge(measure(landmarks, size), neutral, None, [Reason.OK, Reason.DARK, Reason.OK])
    assert verdicts(found) == [Verdict.GOOD, Verdict.UNKNOWN, Verdict.AWAY]


def test_a_metric_the_neutral_does_not_have_is_left_out() -> None:
    body = Body()
    neutral = upright(body, FRONT)
    centre = neutral.centre.copy()
    centre[NAMES.index("head_roll")] = np.nan
    _, found = judged(body, Pose(head_roll=20), FRONT, dataclasses.replace(neutral, centre=centre))
    assert np.isnan(found.signals[SIGNAL_NAMES.index("head tilted"), 0])
    assert np.isfinite(found.slouch_index[0])


# -- metamorphic ---------------------------------------------------------------

UP = np.linspace(0.1, 1, 7)

#: Natural movements that are no slouch, each up to its full size. A chair 6 cm up or down, 12 cm nearer, a
#: second monitor at 40 degrees (the eyes do the rest).
NATURAL = {
    "second monitor, left": Pose(head_yaw=40) * UP,
    "second monitor, right": Pose(head_yaw=-40) * UP,
    "second monitor, with the shoulders": Pose(head_yaw=40, twist=10) * UP,
    "chair higher": Pose(seat_y_m=0.06) * UP,
    "chair lower": Pose(seat_y_m=-0.06) * UP,
    "rolling nearer": Pose(seat_z_m=0.12) * UP,
    "gesturing": Pose(arms=rig.GESTURE),
    "drinking": Pose(head_pitch=-12, arms=rig.DRINKING),
}


def keyboard(body: Body) -> Pose:
    """Return looking down to 25 degrees, of which the lower neck bends by 8 at most.

    A lower neck that bends further carries the ears 3 cm forward and 2 cm down: that is a head
    carried forward, and near a camera at eye height it is judged as one.
    """
    return Pose(head_pitch=min(25.0, 8 / body.neck_share)) * UP


def never_poor(who: tuple[Body, Camera]) -> None:
    body, camera = who
    neutral = upright(body, camera)
    for name, pose in {**NATURAL, "looking at the keyboard": keyboard(body)}.items():
        _, found = judged(body, pose, camera, neutral)
        assert not (found.verdict == POOR).any(), (name, found.slouch_index)
    for degrees in (-8.0, 8.0):
        _, found = judged(body, Pose(), rig.lid(camera, degrees), neutral)
        assert not (found.verdict == POOR).any(), ("laptop lid", degrees, found.slouch_index)


@settings(max_examples=40)
@given(sitters())
def test_natural_movements_are_never_poor(who: tuple[Body, Camera]) -> None:
    never_poor(who)


@pytest.mark.slow
@settings(max_examples=250)
@given(sitters())
def test_natural_movements_are_never_poor_for_very_many_people(who: tuple[Body, Camera]) -> None:
    never_poor(who)


@pytest.mark.parametrize(("higher_m", "turned_deg"), [(0.15, 0), (0.30, 0), (0.15, 20), (0.15, -20)])
def test_a_raised_and_turned_camera_tells_good_sitting_from_a_slump(
    higher_m: float, turned_deg: float
) -> None:
    neutral = upright(Body(), FRONT)
    camera = both(raised(higher_m), turned(turned_deg))(FRONT)
    for name, verdict in {"upright": GOOD, "look_down": GOOD, "slump_deep": POOR}.items():
        _, found = judged(Body(), SCENARIOS[name], camera, neutral)
        assert found.verdict.tolist() == [verdict], (name, found.slouch_index)


def test_looking_down_is_not_poor_from_nearer_either() -> None:
    nearer = at_distance(0.8)(FRONT)
    neutral = upright(Body(), FRONT)
    _, looking_down = judged(Body(), SCENARIOS["look_down"], nearer, neutral)
    assert looking_down.verdict.tolist() == [MILD]
    _, forward = judged(Body(), SCENARIOS["head_forward_far"], nearer, neutral)
    assert forward.verdict.tolist() == [POOR]


def worsens(who: tuple[Body, Camera]) -> None:
    body, camera = who
    neutral = upright(body, camera)
    for pose in (
        SCENARIOS["slump_moderate"],
        SCENARIOS["slump_deep"],
        Pose(neck_forward_m=0.06),
        Pose(head_roll=20),
        Pose(side_lean=18),
    ):
        measurement, found = judged(body, pose * np.linspace(0, 1, 11), camera, neutral)
        # Who sinks so deep that the shoulders leave the picture is judged by what is left of them.
        index = found.slouch_index[measurement.seen[Needs.BUST]]
        assert len(index) > 5
        assert (np.diff(index) > -0.02).all(), (pose, index)


@settings(max_examples=40)
@given(sitters())
def test_sinking_further_is_never_judged_better(who: tuple[Body, Camera]) -> None:
    worsens(who)


@pytest.mark.slow
@settings(max_examples=120)
@given(sitters())
def test_sinking_further_is_never_judged_better_for_very_many_people(who: tuple[Body, Camera]) -> None:
    worsens(who)


@settings(max_examples=30)
@given(bodies(), st.sampled_from([90.0, -90.0]))
def test_leaning_further_is_never_judged_better_from_the_side(body: Body, azimuth: float) -> None:
    camera = dataclasses.replace(SIDE_CAMERA, azimuth_deg=azimuth)
    neutral = upright(body, camera)
    for degrees in (35.0, -30.0):
        _, found = judged(body, Pose(lean=np.linspace(0, degrees, 15)), camera, neutral)
        assert (np.diff(found.slouch_index) > -0.02).all()
        assert found.verdict[0] == GOOD
        assert found.verdict[-1] == POOR


@settings(max_examples=40)
@given(
    sitters(),
    st.sampled_from(sorted(set(SCENARIOS) - {"standing"})),
    st.floats(0.2, 1.2),
)
def test_a_mirrored_person_gets_the_same_verdict(
    who: tuple[Body, Camera], scenario: str, amount: float
) -> None:
    body, camera = who
    still, size = render(body, Pose(lean=np.zeros(3)), camera)
    landmarks, _ = render(body, SCENARIOS[scenario] * amount, camera)

    def told(flip: bool) -> Judgement:
        sides = []
        for part in (still, landmarks):
            part = part.astype(np.float64)
            if flip:
                part = part[:, SWAPPED].copy()
                part[..., 0] = 1 - part[..., 0]
            sides.append(measure(part, size))
        return judge(sides[1], neutral_of(sides[0]))

    a, b = told(False), told(True)
    np.testing.assert_allclose(b.slouch_index, a.slouch_index, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(b.reason, a.reason)
    if min(abs(a.slouch_index[0] - limit) for limit in (0.5, 1.0)) > 1e-6:
        np.testing.assert_array_equal(b.verdict, a.verdict)


BAD = (np.nan, np.inf, -np.inf, 1e30, -1e30, 3.4e38, 1e-38, 0.0, -5.0)


SLUMPED_FROM = {
    camera.azimuth_deg: (upright(Body(), camera), *render(Body(), SCENARIOS["slump_moderate"], camera))
    for camera in (Camera(azimuth_deg=azimuth, distance_m=1.2) for azimuth in (0, 45, 90))
}


@settings(max_examples=200)
@given(
    st.sampled_from(sorted(SLUMPED_FROM)),
    st.lists(st.tuples(st.integers(0, 32), st.integers(0, 3), st.sampled_from(BAD)), max_size=30),
)
def test_non_finite_never_escapes(azimuth: int, spoilt: list[tuple[int, int, float]]) -> None:
    neutral, landmarks, size = SLUMPED_FROM[azimuth]
    landmarks = landmarks.copy()
    for point, channel, value in spoilt:
        landmarks[0, point, channel] = value
    found = judge(neutral.measure(landmarks, size), neutral)
    verdict, index = found.verdict[0], found.slouch_index[0]
    assert 0 <= verdict < len(VERDICTS)
    assert 0 <= found.reason[0] < len(REASONS)
    assert not np.isinf(index)
    assert (verdict == UNKNOWN) == (found.reason[0] > 0)
    if np.isnan(index):
        assert verdict in (UNKNOWN, AWAY)
    if verdict in (GOOD, MILD, POOR):
        assert np.isfinite(index)


@pytest.mark.parametrize(
    ("nearer_m", "verdict"), [(0.04, Verdict.GOOD), (0.15, Verdict.MILD), (0.24, Verdict.POOR)]
)
def test_whoever_rolls_up_to_the_screen_is_told_to_be_too_near(nearer_m: float, verdict: Verdict) -> None:
    found = front(Pose(seat_z_m=nearer_m))
    assert verdicts(found) == [verdict]
    if verdict is not Verdict.GOOD:
        assert SIGNAL_NAMES[found.signal[0]] == "too near"


def test_a_head_that_went_up_alone_is_nobody_standing_up() -> None:
    """Shoulders go along with whoever stands up; a stretched neck or a false detection leaves them."""
    neutral = upright(Body(), FRONT)
    landmarks, size = render(Body(), Pose(), FRONT)
    width = neutral["shoulder_width"]
    landmarks[:, :11, 1] -= 0.7 * width
    alone = judge(measure(landmarks, size), neutral)
    landmarks[:, 11:, 1] -= 0.7 * width
    with_shoulders = judge(measure(landmarks, size), neutral)
    assert reasons(alone) != [Reason.STANDING]
    assert reasons(with_shoulders) == [Reason.STANDING]
