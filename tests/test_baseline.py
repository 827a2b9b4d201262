"""The neutral posture: robust centre and spread, what belongs to it, and deviations in their units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig import SIDE_CAMERA, Body, Camera, Pose, render

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.baseline import FLOOR, MEASURED_PART, Neutral, deviation, neutral_of
from posture_monitor.posture.metrics import METRICS, ROW, Change, Measurement, measure
from posture_monitor.posture.reading import View

SIZE = np.array([640, 480])


def sitting(n: int = 40, noise_px: float = 0.7, seed: int = 1, camera: Camera | None = None) -> Measurement:
    rng = np.random.default_rng(seed)
    pose = Pose(lean=np.zeros(n), head_roll=rng.normal(0, 1.0, n))
    return measure(*render(Body(), pose, camera or Camera(), rng, noise_px))


def replaced(measurement: Measurement, name: str, values: object) -> Measurement:
    changed = measurement.values.copy()
    changed[ROW[name]] = values
    return Measurement(**{**vars_of(measurement), "values": changed})


def vars_of(measurement: Measurement) -> dict[str, object]:
    return {name: getattr(measurement, name) for name in Measurement.__dataclass_fields__}


def test_centre_is_the_median() -> None:
    measurement = sitting()
    neutral = neutral_of(measurement, "standing")
    for name in neutral.measurable:
        assert neutral[name] == pytest.approx(np.nanmedian(measurement[name]), rel=1e-12), name
    assert neutral.view is View.FRONT
    assert neutral.frames == 40
    assert neutral.name == "standing"


def test_stray_frames_hardly_move_centre_or_spread() -> None:
    calm = sitting()
    roll = calm["head_roll"].copy()
    roll[::14] += 60  # fewer than a tenth
    before, after = neutral_of(calm), neutral_of(replaced(calm, "head_roll", roll))
    assert after["head_roll"] == pytest.approx(before["head_roll"], abs=0.6)
    assert float(after.spread[ROW["head_roll"]]) < 10


def test_a_capture_in_two_halves_shows_in_the_spread() -> None:
    roll = np.where(np.arange(40) < 26, 0.0, 20.0)
    neutral = neutral_of(replaced(sitting(), "head_roll", roll))
    assert float(neutral.spread[ROW["head_roll"]]) > 5


@settings(max_examples=25)
@given(st.floats(3, 12), st.integers(0, 1000))
def test_spread_is_the_standard_deviation_of_normal_scatter(sigma: float, seed: int) -> None:
    roll = np.random.default_rng(seed).normal(4.0, sigma, 40 * 25)
    many = sitting(40).take(np.tile(np.arange(40), 25))
    neutral = neutral_of(replaced(many, "head_roll", roll))
    assert float(neutral.spread[ROW["head_roll"]]) == pytest.approx(sigma, rel=0.15)


def test_spread_never_falls_below_the_floor() -> None:
    neutral = neutral_of(sitting(noise_px=0.0).take(np.zeros(20, dtype=int)))
    np.testing.assert_array_equal(neutral.spread, FLOOR)
    for metric, floor in zip(METRICS, FLOOR, strict=True):
        if metric.unit == "°":
            assert floor == 2.0
        elif metric.change is Change.PERCENT:
            assert floor == 1.5
        assert floor > 0


def test_a_metric_belongs_to_it_if_measured_in_half_of_the_frames() -> None:
    measurement = sitting(20)
    for missing, belongs in ((0, True), (9, True), (10, True), (11, False), (20, False)):
        values = measurement["fsr"].copy()
        values[:missing] = np.nan
        neutral = neutral_of(replaced(measurement, "fsr", values))
        assert (1 - missing / 20 >= MEASURED_PART) is belongs
        assert ("fsr" in neutral.measurable) is belongs
        assert np.isfinite(neutral["fsr"]) is np.bool_(belongs)
        assert np.isfinite(neutral.spread).all()
    assert "trunk_incl" not in neutral_of(measurement).measurable
    assert "trunk_incl" in neutral_of(sitting(camera=SIDE_CAMERA)).measurable


def test_a_partly_measured_metric_keeps_its_own_median() -> None:
    measurement = sitting(20)
    values = measurement["fsr"].copy()
    values[:8] = np.nan
    neutral = neutral_of(replaced(measurement, "fsr", values))
    assert neutral["fsr"] == pytest.approx(np.median(values[8:]), rel=1e-12)


def test_empty_frames_do_not_count() -> None:
    landmarks, size = render(Body(), Pose(lean=np.zeros(10)), Camera())
    both = np.concatenate([landmarks, lm.nobody(30)])
    a, b = neutral_of(measure(landmarks, size)), neutral_of(measure(both, size))
    np.testing.assert_array_equal(a.centre, b.centre)
    assert b.frames == 10


def test_nobody_and_no_shoulders_are_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        neutral_of(measure(lm.nobody(20), SIZE))
    landmarks, size = render(Body(), Pose(lean=np.zeros(20)), Camera())
    for points in ([11, 12], [0]):
        hidden = landmarks.copy()
        hidden[:, points, 3] = 0.1
        with pytest.raises(ValueError, match="face and shoulders"):
            neutral_of(measure(hidden, size))


def test_face_and_shoulders_are_needed_in_the_same_frames() -> None:
    landmarks, size = render(Body(), Pose(lean=np.zeros(20)), Camera())
    landmarks[:10, [11, 12], 3] = 0.1
    landmarks[10:, 0, 3] = 0.1
    with pytest.raises(ValueError, match="face and shoulders"):
        neutral_of(measure(landmarks, size))


@pytest.mark.parametrize("point", [2, 11])
def test_a_frame_of_which_the_view_is_not_known_tells_none(point: int) -> None:
    camera = Camera(azimuth_deg=50, distance_m=1.8)
    landmarks, size = render(Body(), Pose(lean=np.zeros(20)), camera)
    whole = neutral_of(measure(landmarks, size))
    landmarks[3, point, :2] = np.nan
    neutral = neutral_of(measure(landmarks, size))
    assert (neutral.view, neutral.azimuth_deg) == (whole.view, pytest.approx(whole.azimuth_deg, abs=0.01))


def flat(centre: float = 10.0) -> Neutral:
    whole = np.full(len(METRICS), centre)
    whole[ROW["shoulder_width"]] = 0.5
    return Neutral(whole, FLOOR, View.FRONT, 0.0, 20)


def test_deviations_are_in_the_unit_of_their_metric() -> None:
    neutral = flat()
    values = np.full((len(METRICS), 1), 12.0)
    values[ROW["shoulder_width"]] = 0.55
    change = deviation(values, neutral)[:, 0]
    for metric, got in zip(METRICS, change, strict=True):
        if metric.name == "shoulder_width":
            expected = 10.0
        elif metric.change is Change.DIFFERENCE:
            expected = 2.0
        elif metric.change is Change.PERCENT:
            expected = 20.0
        else:
            expected = 4.0
        assert got == pytest.approx(expected), metric.name


def test_neutral_deviates_from_itself_by_nothing() -> None:
    measurement = sitting()
    neutral = neutral_of(measurement)
    change = deviation(neutral.centre[:, None], neutral)[:, 0]
    measured = np.isfinite(neutral.centre)
    np.testing.assert_array_equal(change[measured], 0.0)
    assert np.isnan(change[~measured]).all()


def test_deviation_leaves_its_inputs_alone() -> None:
    neutral, values = flat(), np.full((len(METRICS), 2), 12.0)
    centre = neutral.centre.copy()
    deviation(values, neutral)
    assert (values == 12.0).all()
    np.testing.assert_array_equal(neutral.centre, centre)


def test_what_is_missing_on_either_side_is_missing_in_the_deviation() -> None:
    neutral = flat()
    neutral.centre[ROW["fsr"]] = np.nan
    values = np.full((len(METRICS), 2), 12.0)
    values[ROW["esr"], 1] = np.nan
    change = deviation(values, neutral)
    assert np.isnan(change[ROW["fsr"]]).all()
    assert np.isnan(change[ROW["esr"], 1])
    assert np.isfinite(change[ROW["esr"], 0])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_third_of_the_frames_elsewhere_widens_the_spread_whichever_way(sign: float) -> None:
    """The median absolute deviation does not see them."""
    values = sitting()["face_size"].copy()
    middle = float(np.median(values))
    values[:] = middle
    values[:13] = middle * (1 + sign * 0.1)
    neutral = neutral_of(replaced(sitting(), "face_size", values))
    assert neutral.spread[ROW["face_size"]] == pytest.approx(10 / 2.563)
