"""The accuracy benchmark on a small portion: its figures, the peers' rules, its splits, its output."""

from __future__ import annotations

import json
import math
from pathlib import Path

import accuracy
import natural_alerts
import numpy as np
import pytest
import rig
from accuracy import MEAN_RIG, OURS, judged, rows
from labelled_sets import Case, rig_cases
from labelled_sets import real_cases as every_real_case
from peer_rules import RULES, nose_lower, nose_ratio, weighted_score
from rig import SCENARIOS, Body, Camera, Pose
from scores import auc, score


def _score(
    bad: list[int], called: list[int], judged: list[int] | None = None, segment: list[int] | None = None
):
    n = len(bad)
    return score(
        np.array(bad, dtype=bool),
        np.array(called, dtype=bool),
        np.array(called, dtype=float),
        np.array(judged if judged is not None else [1] * n, dtype=bool),
        np.array(segment if segment is not None else range(n)),
    )


def test_figures_agree_with_those_worked_out_by_hand():
    found = _score([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 1, 0, 0, 0, 0, 0])
    assert (found.good, found.bad) == (6, 4)
    assert found.balanced == pytest.approx((3 / 4 + 5 / 6) / 2)
    assert found.f1 == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))
    assert found.false_positive == pytest.approx(1 / 6)
    assert found.low < found.balanced < found.high


def test_a_frame_without_a_verdict_counts_as_good_and_lowers_coverage():
    found = _score([1, 1, 0, 0], [1, 1, 1, 0], judged=[1, 0, 0, 1])
    assert found.coverage == 0.5
    assert found.balanced == pytest.approx((1 / 2 + 1) / 2)


def test_near_copies_do_not_narrow_the_interval():
    bad, called = [1, 0] * 8, [1, 0, 0, 0] * 4
    apart = _score(bad, called)
    copied = _score(bad * 20, called * 20, segment=[*range(16)] * 20)
    assert (copied.low, copied.high) == (apart.low, apart.high)
    assert math.isnan(_score(bad, called, segment=bad).low), "one segment a class says nothing of another day"


def test_area_counts_ties_half():
    bad = np.array([True, True, False, False])
    assert auc(bad, np.array([2.0, 1.0, 1.0, 0.0])) == pytest.approx(7 / 8)
    assert auc(bad, np.array([1.0, 1.0, 1.0, 1.0])) == 0.5


@pytest.mark.parametrize(("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39)])
def test_interval_of_a_count_is_the_exact_one(count: int, low: float, high: float):
    assert natural_alerts.poisson_interval(count) == pytest.approx((low, high), abs=0.005)


def _seen(*poses: str):
    fields = [SCENARIOS[name].fields() for name in ("upright", *poses)]
    pose = Pose(**{name: np.concatenate([one[name] for one in fields]) for name in fields[0]})
    landmarks, size = rig.render(Body(), pose, Camera(height_m=0.66))
    return landmarks, np.tile(size, (len(landmarks), 1)), np.array([0])


def test_nose_rule_fires_at_a_lower_nose_and_so_at_a_lower_chair():
    call = nose_lower(*_seen("slump_deep", "chair_lower", "chair_higher"))
    assert call.poor.tolist() == [False, True, True, False]


def test_ratio_rule_fires_at_a_head_nearer_to_the_shoulders_only():
    landmarks, size, calibration = _seen("upright")
    landmarks[1, 0, 1] += 0.15 * (landmarks[1, 11, 1] - landmarks[1, 0, 1])
    assert nose_ratio(landmarks, size, calibration).poor.tolist() == [False, True]
    landmarks[1, :, 1] += 0.1
    landmarks[0, :, 1] += 0.1
    assert nose_ratio(landmarks, size, calibration).poor.tolist() == [False, True]


def test_fixed_score_is_full_where_every_term_is_and_loses_by_weight():
    landmarks = np.zeros((3, 33, 4), dtype=np.float32)
    landmarks[..., 3] = 1
    for index, x, y in (
        (7, 0.57, 0.3),
        (8, 0.43, 0.3),
        (11, 0.6, 0.5),
        (12, 0.4, 0.5),
        (23, 0.6, 0.9),
        (24, 0.4, 0.9),
    ):
        landmarks[:, index, :2] = x, y
    landmarks[:, 0, :2] = 0.5, 0.3
    landmarks[1, [11, 12], 1] += (0.05, -0.05)  # tilted by a tenth of the picture: half of 0.15, and
    wider = 1 - 0.14 / (0.7 * np.hypot(0.2, 0.1))  # by so much the ears are too near for wider shoulders
    landmarks[2, 0, 2] = 1.0  # the head far before the ears: all of 0.2
    call = weighted_score(landmarks, np.array([[640, 480]] * 3), np.array([0]))
    assert 100 - call.badness == pytest.approx([100, 92.5 - 10 * wider, 80], abs=0.01)
    assert not call.poor.any()


def test_a_frame_with_nobody_in_it_gets_no_verdict_of_any_rule():
    landmarks, size, calibration = _seen("upright", "slump_deep")
    landmarks[1] = np.nan
    for rule in RULES.values():
        call = rule(landmarks, size, calibration)
        assert not call.judged[1]
        assert not call.poor[1]


def test_no_frame_is_both_calibrated_on_and_tested(shared_data: Path):
    for case in _tables(shared_data):
        for calibration, test in case.folds:
            assert not set(calibration) & set(test)
            assert not case.bad[calibration].any()
            assert not set(case.segment[calibration]) & set(case.segment[test]), case.group


def test_people_of_the_tables_are_judged_better_than_by_any_of_the_rules(shared_data: Path):
    cases = [judged(case) for case in _tables(shared_data)]
    by = {(row.set, row.rule): row.score for row in rows(cases)}
    for group in ("two people, first", "two people, second"):
        assert by[group, OURS].balanced >= 0.95
        assert by[group, OURS].coverage >= 0.95
    mean = {rule: by[accuracy.MEAN_REAL, rule].balanced for rule in (OURS, *RULES)}
    assert mean[OURS] > max(mean[rule] for rule in RULES)
    # What cannot be measured is said to be so, not scored as if it had been good.
    assert by["babu, 7 points", OURS].coverage == 0.0


def test_rig_run_prints_every_rule_as_json_and_the_same_again(capsys: pytest.CaptureFixture[str]):
    said = []
    for _ in range(2):
        assert accuracy.main(["--rig", "--sets", "--bodies", "1", "--json"]) == 0
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    told = json.loads(said[0])
    webcam = {row["rule"]: row for row in told["sets"] if row["set"] == "rig, webcam"}
    assert set(webcam) == {OURS, *RULES}
    assert webcam[OURS]["balanced"] > max(webcam[rule]["balanced"] for rule in RULES)
    assert webcam[OURS]["false_positive"] <= 0.1
    assert {row["rule"] for row in told["sets"] if row["set"] == MEAN_RIG} == {OURS, *RULES}


def test_labels_come_from_the_body_and_every_scenario_is_either_labelled_or_left_out():
    from labelled_sets import GOOD, LEFT_OUT, POOR

    assert set(GOOD) | set(POOR) | set(LEFT_OUT) == set(SCENARIOS)
    case = next(rig_cases(1, 1, 2))
    truth = rig.truth(Body(), SCENARIOS["slump_deep"])
    assert truth["neck_incl"][0] > rig.truth(Body(), Pose())["neck_incl"][0] + 10
    assert {name for name, bad in zip(case.names, case.bad, strict=True) if bad} == set(POOR)


def test_missing_data_is_said_in_one_line(monkeypatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    monkeypatch.setenv("POSTURE_MONITOR_DATA", str(tmp_path / "nowhere"))
    assert accuracy.main(["--sets"]) == 2
    told = capsys.readouterr().err.strip()
    assert "\n" not in told
    assert "POSTURE_MONITOR_DATA" in told
    assert str(tmp_path / "nowhere") in told


def test_natural_days_account_for_every_alert_and_slouch():
    result = natural_alerts.summary(natural_alerts.gather(natural_alerts.days(31, 1.5)))
    assert result["days"] == 2
    assert 1.5 < result["natural_hours"] < 3.0
    assert result["coverage"] >= 0.95
    assert sum(hit["of"] for hit in result["sustained"].values()) == 1
    missed = sum(hit["of"] - hit["alerted"] for hit in result["sustained"].values())
    assert len(result["missed"]) == missed
    assert len(result["false"]) == result["false_alerts"]
    low, high = result["interval_95"]
    assert low <= result["false_per_hour"] <= high
    told = natural_alerts.told(result)
    assert f"False reminders: {result['false_alerts']}," in told
    json.dumps(result)


@pytest.mark.slow
def test_shared_sets_reach_their_targets(shared_data: Path):
    cases = [judged(case) for case in every_real_case(shared_data, None)]
    by = {row.set: row.score for row in rows(cases) if row.rule == OURS}
    for light in ("bright", "dim"):
        for kind in ("stills", "clip"):
            assert by[f"front {light} {kind}"].balanced >= 0.97
    for who in "AB":
        assert by[f"side {who} hunchback"].balanced == 1.0
        assert by[f"side {who} recline"].balanced == 1.0
    for one in cases:
        if one.case.group.endswith("recline"):
            assert set(one.told.signals) == {"reclined"}


def _tables(data: Path) -> list[Case]:
    """Return the sets that need no model."""
    from labelled_sets import _babu, _posturemax, _two_people

    tables = data / "landmarks"
    return [
        _posturemax(tables / "posturemax_33lm_good_bad.csv"),
        *(_two_people(tables / "front_two_people.npz", who) for who in ("first", "second")),
        _babu(tables / "babu_7pt_good_bad.csv"),
    ]
