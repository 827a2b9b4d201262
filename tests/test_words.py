"""Every alert says which measure, how far from neutral, for how long, and one thing to do."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posture_monitor.posture.breaks import Suggestion, Wish
from posture_monitor.posture.judge import SIGNALS
from posture_monitor.posture.metrics import METRICS, ROW, Change
from posture_monitor.posture.nudge import NO_CAUSE, Alert, Cause, Kind
from posture_monitor.service import glance
from posture_monitor.telling import language, stretches, words

#: Words that blame, frighten, diagnose or promise.
UNWANTED = re.compile(
    r"\b(bad|wrong|poor|slouch\w*|lazy|fail\w*|must|damage\w*|injur\w*|pain\w*|harm\w*|prevent\w*|"
    r"cure\w*|heal\w*|posture score|warning|danger\w*|correct your)\b",
    re.IGNORECASE,
)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    language.use("en")
    yield
    language.use("en")


def alert(cause: Cause, poor_s: float = 240.0, over_s: float = 240.0, kind: Kind = Kind.POSTURE) -> Alert:
    return Alert(1, kind, 0.0, cause, poor_s, over_s)


@pytest.mark.parametrize("metric", list(words.MEASURES))
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", list(Kind))
def test_an_alert_says_all_four_things(metric: str, sign: int, kind: Kind) -> None:
    text = words.alert_text(
        alert(Cause(metric, sign * 0.17 if _in_shoulders(metric) else sign * 17.4), kind=kind)
    )
    size = r"17(°|%( of a shoulder width)?)"
    assert re.search(size, text.body)
    assert re.search(size, text.title) or kind is Kind.STAND
    assert "neutral" in text.body
    assert "for 4 minutes" in text.body
    said, action = text.body.split(". ", 1)
    assert action.endswith(".")
    assert "{" not in text.title + text.body
    assert not UNWANTED.search(text.title + text.body)
    assert len(said) < 110
    assert len(text.title) < 48


def test_what_strayed_from_the_minutes_before_is_not_told_as_straying_from_neutral() -> None:
    text = words.alert_text(alert(Cause("head_drop")))
    assert text.title == words.deviation_text("head_drop", math.nan) == "Sunk down"
    assert text.body.startswith("Your head has been lower for 4 minutes than in the minutes before. Bring")
    assert "sit tall" not in words.alert_text(alert(Cause("head_drop")), standing=True).body


def _in_shoulders(metric: str) -> bool:
    return "shoulder width" in words.MEASURES[metric].amount


def test_every_driver_can_be_spoken_of() -> None:
    assert {signal.driver for signal in SIGNALS} <= set(words.MEASURES)


def test_short_names_fit_a_column_and_are_told_apart_as_the_long_ones_are() -> None:
    names = {words.measure_name(metric): words.short_name(metric) for metric in glance.LISTED}
    assert len(set(names.values())) == len(names)
    for name, short in names.items():
        assert len(short) <= 17, short
        assert set(short.lower().split()) - {"to"} <= set(name.replace(",", "").split()), (name, short)


def test_units_are_those_of_the_deviations() -> None:
    unit = {Change.PERCENT: "{n}%", Change.SHOULDERS: "{n}% of a shoulder width"}
    for name, measure in words.MEASURES.items():
        metric = METRICS[ROW[name]]
        assert metric.unit == "°" or metric.change is not Change.DIFFERENCE
        assert measure.amount == unit.get(metric.change, "{n}°"), name


def test_left_and_right_forward_and_back_are_told_apart() -> None:
    for metric in words.MEASURES:
        deviation = 0.2 if _in_shoulders(metric) else 20.0
        up = words.alert_text(alert(Cause(metric, deviation)))
        down = words.alert_text(alert(Cause(metric, -deviation)))
        assert up.body != down.body
        assert "-" not in up.title + down.title
    assert "closer" in words.alert_text(alert(Cause("distance", -20.0))).body
    assert "lower" in words.alert_text(alert(Cause("head_height", -9.0))).body
    assert "forward" in words.alert_text(alert(Cause("cva_proxy", -9.0))).body


def test_a_share_of_time_is_said_as_one() -> None:
    text = words.alert_text(alert(Cause("trunk_incl", 22.0), poor_s=240.0, over_s=720.0))
    assert "for 4 minutes of the last 12 minutes" in text.body


def test_standing_up_is_asked_for_in_the_title() -> None:
    text = words.alert_text(alert(Cause("trunk_incl", 22.0), kind=Kind.STAND))
    assert text.title == "Stand up for two minutes"
    assert "22°" in text.body


@pytest.mark.parametrize("cause", [Cause(), Cause("trunk_incl", math.nan), Cause("something_new", 12.0)])
def test_an_unnamed_cause_still_makes_sense(cause: Cause) -> None:
    text = words.alert_text(alert(cause))
    assert "for 4 minutes" in text.body
    assert "nan" not in text.title + text.body


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (600, "10 minutes"),
        (3600, "60 minutes"),
        (5340, "89 minutes"),
        (5400, "1 h 30 min"),
        (7200, "2 hours"),
        (8100, "2 h 15 min"),
        (math.nan, "a while"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@given(st.floats())
def test_any_duration_can_be_said(seconds: float) -> None:
    assert words.duration(seconds)


@pytest.mark.parametrize("wish", list(Wish))
def test_break_suggestions(wish: Wish) -> None:
    text = words.break_text(Suggestion(1, wish, 0.0, 2700.0), stretches.pick(2))
    assert "45 minutes" in text.body
    assert text.body.splitlines()[1].startswith("Chin tuck, 5 times, 5 seconds each: "), "a line of its own"
    assert text.body.endswith("Leave it out if it brings pain or tingling into an arm.")
    # When to leave a move out cannot be said without the word "pain".
    assert not UNWANTED.search(text.title + text.body.partition("Leave it out if")[0])
    said = {Wish.STAND: "sitting for 45 minutes. Stand", Wish.SIT: "standing for 45 minutes. Sit down"}
    assert said.get(wish, "hardly moved for 45 minutes. Shift about") in text.body


def test_whoever_stands_is_not_told_of_the_seat() -> None:
    for metric in words.MEASURES:
        for deviation in (20.0, -20.0):
            for kind in Kind:
                cause = Cause(metric, deviation)
                told = words.alert_text(Alert(1, kind, 0.0, cause, 120.0, 120.0), standing=True)
                said = f"{told.title} {told.body}"
                assert not re.search(
                    r"\b(seat|sit up|sit tall|backrest|chair|hips|stand up)\b", said, re.I
                ), said
                seated = words.alert_text(Alert(1, kind, 0.0, cause, 120.0, 120.0)).body
                assert "both feet, or walk" not in seated
    unknown = words.alert_text(Alert(1, Kind.POSTURE, 0.0, NO_CAUSE, 120.0, 120.0), standing=True)
    assert unknown.body.endswith("Stand tall with your weight on both feet, or walk a few steps.")


def test_summary_counts_what_was_held_back() -> None:
    assert "3 posture reminders." in words.summary_text(3).body
    assert "1 posture reminder." in words.summary_text(1).body


def test_short_line_for_the_tray_and_the_terminal() -> None:
    assert words.deviation_text("neck_incl", 12.4) == "Head forward: 12°"
    assert words.deviation_text("neck_incl", math.nan) == "neck inclination"
    assert words.deviation_text("brand_new", 3.0) == "brand_new"
