"""The two discriminants: what they tell apart, and that their weights are what the training gives."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rig
from people import upright

from posture_monitor.posture import discriminant_weights as weights
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.discriminants import per_drop, scores
from posture_monitor.posture.judge import judge
from posture_monitor.posture.metrics import ROW, measure
from posture_monitor.posture.sustained import FORWARD_LIMIT, LOWERED_LIMIT

BODY = rig.Body()
CAMERAS = {
    "monitor": rig.Camera(height_m=0.74, tilt_deg=-2.0, distance_m=0.85),
    "laptop": rig.Camera(height_m=0.48, tilt_deg=-17.0, distance_m=0.7),
}


def seen(
    pose: rig.Pose, camera: rig.Camera, body: rig.Body = BODY
) -> tuple[npt.NDArray[np.float64], Neutral]:
    """Return both scores of a pose, and the neutral it was compared with."""
    neutral = upright(body, camera)
    landmarks, size = rig.render(body, pose, camera)
    judged = judge(neutral.measure(landmarks, size), neutral)
    return scores(judged.deviations, neutral), neutral


def risen(pose: rig.Pose, camera: rig.Camera) -> npt.NDArray[np.float64]:
    """Return by how much a pose raises both scores: neutral itself lies a little below natural sitting."""
    found, _ = seen(pose, camera)
    neutral, _ = seen(rig.Pose(), camera)
    return found[:, 0] - neutral[:, 0]


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize("slouch", ["slump_deep", "head_forward_far"])
def test_slumping_and_a_head_carried_forward_are_forward(slouch: str, camera: rig.Camera) -> None:
    assert risen(rig.SCENARIOS[slouch], camera)[0] > FORWARD_LIMIT


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize("slouch", ["slid_down", "recline_deep"])
def test_sliding_down_and_reclining_are_lowered_and_not_forward(slouch: str, camera: rig.Camera) -> None:
    forward, lowered = risen(rig.SCENARIOS[slouch], camera)
    assert lowered > LOWERED_LIMIT
    assert forward < FORWARD_LIMIT / 2


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=CAMERAS)
@pytest.mark.parametrize("harmless", ["look_down", "second_monitor", "chair_higher", "gesture", "drinking"])
def test_what_people_do_at_a_desk_is_neither(harmless: str, camera: rig.Camera) -> None:
    forward, lowered = risen(rig.SCENARIOS[harmless], camera)
    assert forward < FORWARD_LIMIT
    assert lowered < LOWERED_LIMIT


@pytest.mark.parametrize("slouch", ["slump_moderate", "head_forward_far", "slid_down", "recline_deep"])
def test_the_deeper_a_slouch_the_larger_its_score(slouch: str) -> None:
    found, _ = seen(rig.SCENARIOS[slouch] * np.linspace(0, 1.2, 20), CAMERAS["monitor"])
    row = 0 if slouch in ("slump_moderate", "head_forward_far") else 1
    assert (np.diff(found[row]) > 0).all()


def test_whose_shoulders_sink_out_of_the_picture_is_still_lowered() -> None:
    camera = CAMERAS["laptop"]
    neutral = upright(BODY, camera)
    landmarks, size = rig.render(BODY, rig.SCENARIOS["slid_down"], camera)
    whole = scores(judge(measure(landmarks, size), neutral).deviations, neutral)
    landmarks[:, 11:13, 3] = 0.0
    without = scores(judge(measure(landmarks, size), neutral).deviations, neutral)
    assert np.isnan(without[0]).all()
    assert without[1] == pytest.approx(whole[1], abs=1.0)
    assert without[1] > LOWERED_LIMIT


def test_a_mirrored_room_gives_the_same_scores() -> None:
    camera = CAMERAS["laptop"]
    neutral = upright(BODY, camera)
    landmarks, size = rig.render(BODY, rig.SCENARIOS["slump_deep"] + rig.Pose(head_yaw=8.0), camera)
    other, _ = rig.render(BODY, rig.SCENARIOS["slump_deep"] + rig.Pose(head_yaw=-8.0), camera)
    first, second = (
        scores(judge(measure(each, size), neutral).deviations, neutral) for each in (landmarks, other)
    )
    assert first == pytest.approx(second, abs=0.05)


def test_a_shift_of_head_and_shoulders_adds_what_is_said() -> None:
    neutral = upright(BODY, CAMERAS["monitor"])
    deviations = np.zeros((len(ROW), 2))
    deviations[[ROW["head_drop"], ROW["shoulder_drop"]], 1] = 0.3
    plain, lower = scores(deviations, neutral)[1]
    assert lower - plain == pytest.approx(0.3 * per_drop(neutral))
    assert per_drop(neutral) > 0


def test_where_a_measure_is_missing_there_is_no_score() -> None:
    neutral = upright(BODY, CAMERAS["monitor"])
    deviations = np.zeros((len(ROW), 2))
    deviations[ROW["ear_height"], 0] = np.nan
    deviations[:, 1] = np.nan
    forward, lowered = scores(deviations, neutral)
    assert np.isnan(forward).all()
    assert np.isfinite(lowered).tolist() == [True, False]


@pytest.mark.slow
def test_the_weights_are_what_the_training_gives() -> None:
    """On fewer days, so nearly: another way of training would point elsewhere."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))
    import train_discriminants as training

    days = [training.lived(training.FIRST_SEED + k) for k in range(25)]
    forward, lowered, usual, _ = training.trained(days)
    spread = np.concatenate([day.lowered for day in days]).std(axis=0)

    def alike(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
        return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))

    kept = np.array(list(weights.LOWERED.values()))
    assert alike(lowered.weights[:, 0] * spread, kept[:, 0] * spread) > 0.9
    kept_forward = np.array(list(weights.FORWARD.values()))
    assert alike(forward.weights[:, 0] * spread[2:], kept_forward[:, 0] * spread[2:]) > 0.9
    assert usual == pytest.approx(np.array(list(weights.PLACE.values()))[:, 0], rel=0.25)
