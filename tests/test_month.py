"""The month's benchmark on a small portion: what changes from day to day, and what is counted."""

from __future__ import annotations

import changing_days
import numpy as np
import pytest
from changing_days import CHANGES, Person, calibration, days
from month import ANSWERS, Screen, month, summary, told

#: With a laptop and a desk that rises.
SEED = next(seed for seed in range(100, 200) if (p := Person.random(seed)).laptop and p.stands)


def test_who_calibrates_slouched_or_stretched_has_the_neck_elsewhere() -> None:
    person = Person.random(SEED)
    neck = {
        how: float(np.mean(calibration(person, how).day.truth()["neck_incl"]))
        for how in changing_days.CALIBRATED
    }
    assert neck["slouched"] - neck["well"] > 3.0
    assert neck["well"] - neck["stretched"] > 3.0


def test_days_differ_by_what_may_change_and_the_first_is_as_calibrated() -> None:
    person = Person.random(SEED)
    first, second = days(person, "well", 2, 2.5, ("seat", "camera"))
    assert first.day.camera == person.camera
    assert second.day.camera != person.camera
    for same in days(person, "well", 2, 2.5, ()):
        assert same.day.camera == person.camera
        assert same.day.body == person.body


def test_tiredness_grows_at_the_desk_and_goes_in_a_break() -> None:
    there = np.ones(10_000, dtype=bool)
    there[5000:6200] = False
    tired = changing_days._tired(there)
    assert (np.diff(tired[:5000]) > 0).all()
    assert tired[6200] < 0.1 * tired[4999]


def test_who_sits_up_goes_without_slouch_and_tiredness() -> None:
    _, day = days(Person.random(SEED), "well", 2, 2.5, ("tiredness",))
    slump = next(e for e in day.day.episodes if e.kind == "slump")
    middle = int(np.searchsorted(day.day.t_s, (slump.start_s + slump.end_s) / 2))
    as_is, upright = (day.seen(sitting_up=up)[middle, 0, 1] for up in (False, True))
    assert as_is > upright + 0.02, "the nose is higher"


@pytest.mark.slow
@pytest.mark.parametrize("answers", ANSWERS)
def test_a_short_month_is_watched_and_told(answers: str) -> None:
    whole = month(SEED, "well", answers, CHANGES, 2, 2.5)
    found = summary(whole)
    assert found["sustained"] == 4
    assert found["coverage"] > 0.9
    assert 3.0 < found["hours_well"] + found["hours_sunk"] < 4.9
    heading, rule, row = told([("all", found)]).splitlines()
    assert heading.count("|") == rule.count("|") == row.count("|")


def test_a_screen_tells_each_notification_once() -> None:
    from posture_monitor.telling.words import reanchor_text

    screen = Screen()
    sent = screen.send(reanchor_text(), buttons=("reanchor",))
    assert screen.take() == [(sent.id, ("reanchor",))]
    assert screen.take() == []
