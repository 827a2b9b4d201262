"""Looking seldom on simulated days: the same alerts, slouches seen as soon, a fraction of the looks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sampling as benchmark

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def day() -> dict:
    return benchmark.compared(902, 1.5, 1)


def test_a_day_looked_at_seldom_is_told_alike(day: dict) -> None:
    assert len(day["alerts_every"]) >= 1
    assert (day["only_every"], day["only_seldom"]) == ([], [])
    assert max(map(abs, day["apart_s"])) <= benchmark.SAME_ALERT_S
    assert day["state_agrees"] > 0.95
    for slouch in day["slouches"]:
        assert (slouch["every_s"] is None) == (slouch["seldom_s"] is None)
        if slouch["every_s"] is not None:
            assert slouch["seldom_s"] - slouch["every_s"] <= benchmark.SAME_STATE_S


def test_it_takes_a_fraction_of_the_looks(day: dict) -> None:
    hours = sum(day["seconds"].values()) / 3600
    assert hours == pytest.approx(1.5, abs=0.01)
    assert sum(day["looks"].values()) / hours < 7200 / 6
    assert sum(day["inferences"].values()) < sum(day["looks"].values())


def test_alerts_are_paired_once_and_only_when_near() -> None:
    assert benchmark.matched([10, 100], [12, 14, 300], 15.0) == ([(10, 12)], [100], [14, 300])


def test_the_summary_is_json_and_text(day: dict) -> None:
    result = benchmark.summary([day])
    assert json.loads(json.dumps(result)) == result
    text = benchmark.told(result)
    assert "looks an hour" in text
    assert np.isfinite(result["looks_per_hour"])
