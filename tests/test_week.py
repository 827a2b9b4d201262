"""A simulated working week is replayed, and its alerts are counted."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

import nudges
from natural_day import natural_day

from posture_monitor.posture.nudge import Kind
from posture_monitor.settings_file import PRESETS

FIRST_SEED, DAYS, HOURS, FPS = 300, 5, 8.0, 0.25


@pytest.fixture(scope="module")
def truth() -> list[nudges.Day]:
    """The week as a judge who is always right sees it."""
    seeds = range(FIRST_SEED, FIRST_SEED + DAYS)
    return [nudges.truthful(natural_day(seed, HOURS, FPS, slouches=4, brief_slouches=6)) for seed in seeds]


@pytest.fixture(scope="module")
def judged() -> list[nudges.Day]:
    """The week as the whole chain sees it, from landmarks on."""
    return list(nudges.week(FIRST_SEED, DAYS, HOURS, FPS))


@pytest.mark.parametrize("name", PRESETS)
def test_rightly_judged_every_long_slouch_is_alerted_and_nothing_else(
    truth: list[nudges.Day], name: str
) -> None:
    row = nudges.tally(truth, name, heeds=True)
    assert (row.caught, row.sustained) == (4 * DAYS, 4 * DAYS)
    assert row.false_per_hour == 0
    assert row.stand_per_hour == 0
    hold_s = nudges.preset(name).dose.poor_hold_s
    assert hold_s * 0.8 <= row.delay_s <= hold_s + 2 / FPS


def test_a_glance_of_a_minute_is_left_alone_by_balanced(truth: list[nudges.Day]) -> None:
    """Slouches of 20 to 60 s stay under the 90 s that balanced waits for."""
    policy = nudges.preset("balanced")
    for day in truth:
        long = [s for s in day.slouches if s.end_s - s.start_s >= nudges.SUSTAINED_S]
        for alert in nudges.alerts(day, policy, heeds=True):
            assert any(s.start_s <= alert.t_s <= s.end_s for s in long)


def _within_limits(days: list[nudges.Day], name: str, heeds: bool) -> int:
    """Check every limit of a preset, and return how many notifications there were."""
    policy, every = nudges.preset(name), 0
    for day in days:
        shown = nudges.alerts(day, policy, heeds)
        every += len(shown)
        times = [alert.t_s for alert in shown]
        assert all(sum(t <= other < t + 3600 for other in times) <= policy.max_per_hour for t in times)
        posture = [alert.t_s for alert in shown if alert.kind is Kind.POSTURE]
        assert all(later - sooner >= policy.cooldown_s for sooner, later in pairwise(posture))
        for stand in (alert.t_s for alert in shown if alert.kind is Kind.STAND):
            assert not any(stand < other < stand + 3600 for other in times)
    return every


@pytest.mark.parametrize("name", PRESETS)
def test_whoever_ignores_everything_is_not_nagged(truth: list[nudges.Day], name: str) -> None:
    every = _within_limits(truth, name, heeds=False)
    assert every <= 2 * sum(day.present_h for day in truth)


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("heeds", [True, False])
def test_the_whole_chain_keeps_the_limits(judged: list[nudges.Day], name: str, heeds: bool) -> None:
    _within_limits(judged, name, heeds)
    row = nudges.tally(judged, name, heeds)
    assert row.hours > 0.7 * DAYS * HOURS
    assert row.alerts > 0
    assert row.most_in_an_hour <= nudges.preset(name).max_per_hour
