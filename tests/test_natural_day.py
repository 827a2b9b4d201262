"""Simulated working days: what they promise about time, truth and cost."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from natural_day import CALIBRATION_S, SUSTAINED_S, NaturalDay, natural_day, random_camera
from rig import Body, Pose, eye_height_m, render

pytestmark = pytest.mark.slow

Array = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def days() -> list[NaturalDay]:
    return [natural_day(seed, 8.0, slouches=4, brief_slouches=4) for seed in range(4)]


def deviation(day: NaturalDay, name: str) -> Array:
    """Truth minus its median during the calibration."""
    value = day.truth()[name]
    return np.asarray(value - np.nanmedian(value[day.t_s < CALIBRATION_S]))


def natural(day: NaturalDay) -> npt.NDArray[np.bool_]:
    good = np.ones(len(day.t_s), dtype=bool)
    for e in day.episodes:
        if e.truth_poor:
            good &= (day.t_s < e.start_s) | (day.t_s > e.end_s)
    return good


def window_medians(value: Array, window: int) -> Array:
    whole = value[: len(value) // window * window].reshape(-1, window)
    full = whole[np.isfinite(whole).mean(axis=1) > 0.8]
    return np.asarray(np.nanmedian(full, axis=1))


def test_forty_hours_are_complete() -> None:
    frames = sum(len(t_s) for t_s, _ in natural_day(7, 40.0, fps=2.0).chunks())
    assert frames == 40 * 3600 * 2


def test_a_seed_is_a_day() -> None:
    a, b, c = natural_day(3, 1.0), natural_day(3, 1.0), natural_day(4, 1.0)
    np.testing.assert_array_equal(a.landmarks, b.landmarks)
    assert a.episodes == b.episodes
    assert a.body != c.body
    assert a.camera != c.camera


def test_another_draw_is_the_same_day_with_other_errors() -> None:
    day = natural_day(3, 0.25)
    apart = np.abs(replace(day, draw=2).landmarks[..., :2] - day.landmarks[..., :2])
    assert 0 < np.nanmean(apart) < 0.01


def test_landmarks_come_whole_or_in_chunks() -> None:
    day = natural_day(5, 1.5)
    assert day.landmarks.shape == (len(day.t_s), 33, 4)
    assert day.landmarks.dtype == np.float32
    times = np.concatenate([t for t, _ in day.chunks()])
    np.testing.assert_array_equal(times, day.t_s)
    np.testing.assert_array_equal(np.isnan(day.landmarks).all(axis=(1, 2)), ~day.present)
    np.testing.assert_array_equal(np.isfinite(day.landmarks).all(axis=(1, 2)), day.present)


def test_the_day_begins_upright_and_present(days: list[NaturalDay]) -> None:
    for day in days:
        first = day.t_s < CALIBRATION_S
        assert day.episodes[0] == (0.0, CALIBRATION_S, "calibration", False)
        assert day.present[first].all()
        for name in ("trunk_incl", "neck_incl", "head_pitch"):
            assert np.std(day.truth()[name][first]) < 2.0


def test_natural_sitting_scatters_as_people_do(days: list[NaturalDay]) -> None:
    """Comfortable posture varies by 9 to 10 degrees over five repeats: a spread of 3 to 5 degrees."""
    for day in days:
        good = natural(day) & (day.t_s > 300)
        for name in ("trunk_incl", "neck_incl"):
            assert 2.5 < np.nanstd(deviation(day, name)[good]) < 6.0


def test_nothing_natural_is_a_held_poor_posture(days: list[NaturalDay]) -> None:
    """No four minutes of natural sitting come near the poor limits of 20 degrees, nor 10 to a side."""
    for day in days:
        good = natural(day)
        for name, limit in (("trunk_incl", 14), ("neck_incl", 14), ("lateral_trunk", 9)):
            held = window_medians(np.where(good, deviation(day, name), np.nan), 480)
            assert np.abs(held).max() < limit, (day.seed, name)


def test_every_sustained_slouch_is_long_and_poor(days: list[NaturalDay]) -> None:
    for day in days:
        sustained = [e for e in day.episodes if e.truth_poor and not e.kind.startswith("brief")]
        brief = [e for e in day.episodes if e.kind.startswith("brief")]
        assert sorted(e.kind for e in sustained) == ["head_forward", "recline", "slide_down", "slump"]
        assert len(brief) == 4
        trunk, neck = deviation(day, "trunk_incl"), deviation(day, "neck_incl")
        for e in sustained:
            assert e.end_s - e.start_s >= SUSTAINED_S
            held = (day.t_s > e.start_s + 180) & (day.t_s < e.end_s - 2)
            assert day.present[held].all()
            if e.kind in ("slump", "head_forward"):
                # 12 to 20 degrees of neck are a moderate to deep slump.
                assert np.median(neck[held]) > 13, (day.seed, e)
            else:
                assert np.median(trunk[held]) < -14, (day.seed, e)
        for e in brief:
            assert 20 <= e.end_s - e.start_s <= 64


def test_slouches_keep_apart(days: list[NaturalDay]) -> None:
    for day in days:
        poor = [e for e in day.episodes if e.truth_poor]
        for a, b in itertools.pairwise(poor):
            assert b.start_s - a.end_s >= 300 - 1e-6


def test_a_day_holds_the_usual_activities(days: list[NaturalDay]) -> None:
    kinds = {e.kind for day in days for e in day.episodes}
    desk = {"typing", "reading", "looking_down", "second_monitor", "call", "phone"}
    assert kinds >= desk | {"drinking", "stretching", "thinking", "coffee", "chair_shift"}
    for day in days:
        assert 0.75 < day.present.mean() < 0.99


def test_movement_is_smooth_in_truth(days: list[NaturalDay]) -> None:
    """No angle of the trunk jumps: half a second moves it by less than a quick human would."""
    for day in days:
        trunk = day.truth()["trunk_incl"]
        assert np.nanmax(np.abs(np.diff(trunk))) < 15


def test_behaviour_does_not_hang_on_the_frame_rate() -> None:
    slow, fast = natural_day(9, 2.0, fps=0.5, slouches=1), natural_day(9, 2.0, fps=4.0, slouches=1)
    assert slow.episodes == fast.episodes
    np.testing.assert_array_equal(slow.present, fast.present[::8])
    np.testing.assert_allclose(slow.t_s, fast.t_s[::8])
    np.testing.assert_allclose(slow.truth()["trunk_incl"], fast.truth()["trunk_incl"][::8], atol=1e-6)


def test_random_cameras_see_head_and_shoulders() -> None:
    rng = np.random.default_rng(11)
    low = 0
    for _ in range(200):
        body = Body.random(rng)
        camera = random_camera(rng, body)
        landmarks, _ = render(body, Pose(), camera)
        seen = landmarks[0, [0, 3, 6, 7, 8, 11, 12]]
        assert (seen[:, 3] > 0.9).all()
        assert ((seen[:, 1] > 0) & (seen[:, 1] < 0.97)).all()
        assert (landmarks[0, 23:25, 3] < 0.5).all()
        low += int(float(np.asarray(camera.height_m)) < eye_height_m(body) - 0.1)
    assert 60 < low < 140


def test_lid_moves_shift_the_picture_for_good() -> None:
    day = natural_day(12, 2.0, lid_moves=1)
    (moved,) = [e for e in day.episodes if e.kind == "lid_moved"]
    at = int(np.searchsorted(day.t_s, moved.start_s))
    tilt = np.asarray(day.camera.tilt_deg)
    assert abs(tilt[at + 4] - tilt[at - 1]) > 2.9
    assert tilt[-1] == tilt[at + 4]


def test_a_day_too_short_for_its_slouches_says_so() -> None:
    with pytest.raises(ValueError, match="too short"):
        natural_day(1, 0.5, slouches=3)
