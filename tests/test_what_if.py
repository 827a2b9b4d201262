"""Other settings on the same day: what was watched, run again from what was kept."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pytest
from desk import MORNING_S, NO_BREAKS, SLUMPED, UPRIGHT, Desk
from history_maker import wall
from typed import done, refused

from posture_monitor import paths
from posture_monitor.config import Config, Policy, load_config
from posture_monitor.errors import UserError
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import utc_offset_s
from posture_monitor.posture.reading import Verdict
from posture_monitor.service import what_if as service
from posture_monitor.service.resting import Resting
from posture_monitor.service.what_if import WhatIf, what_if

pytestmark = pytest.mark.usefixtures("home")

DATE = dt.date.fromtimestamp(MORNING_S)
DAY = "2025-05-14"
FOREVER_DAYS = 36500


def settings(tmp_path: Path, text: str = "") -> Config:
    (tmp_path / "config.toml").write_text(text)
    return load_config(tmp_path / "config.toml")


def presets(config: Config) -> dict[str, Policy]:
    return {name: getattr(config.alert.presets, name) for name in ("gentle", "balanced", "strict")}


def rerun(config: Config, date: dt.date = DATE) -> WhatIf:
    with Store.open(paths.history_file(), readonly=True) as store:
        return what_if(store, date, config, {"own": config.alert.policy, **presets(config)})


def made_up(*stretches: tuple[str, str, float]) -> None:
    """Record ``(start, state, minutes)`` with a reading every two seconds, each as a run of its own."""
    index = {"good": 0.1, "mild": 0.7, "poor": 1.3}
    with Store.open(paths.history_file(), keep_samples_days=FOREVER_DAYS) as store:
        for start, state, minutes in stretches:
            store.begin("desk")
            for number in range(round(minutes * 30)):
                at_s = wall(f"{DAY} {start}") + 2 * number
                store.heartbeat(at_s, utc_offset_s(at_s), state, gap_s=5)
                store.sample(at_s, {}, index.get(state, math.nan), verdict=state)


# -- against the loop itself -------------------------------------------------------


@pytest.fixture
def watched(home: Path, tmp_path: Path) -> tuple[Config, list[float]]:
    """Return the settings of a watched half hour and when its alerts came."""
    config = settings(tmp_path, NO_BREAKS)
    with Store.open(paths.history_file(), keep_samples_days=FOREVER_DAYS) as store:
        desk = Desk(config, store, interval_s=1.0)
        desk.sit(UPRIGHT, 120)
        for slumped_s in (100, 45, 130, 240):
            desk.sit(SLUMPED, slumped_s)
            desk.sit(None, 15)
            desk.sit(UPRIGHT, 240)
        alerts = [row["wall_s"] for row in desk.kept("alerts")]
    return config, alerts


def test_the_same_settings_alert_at_the_same_moments(watched: tuple[Config, list[float]]) -> None:
    config, alerts = watched
    found = rerun(config)
    assert len(alerts) >= 2
    assert found.alerts["own"] == pytest.approx(alerts, abs=1.01)
    assert found.alerts["balanced"] == found.alerts["own"]
    assert found.shown == len(alerts)
    assert found.kept_s == pytest.approx(found.watched_s, rel=0.02)


def test_strict_alerts_sooner_and_more_often_and_gentle_less(watched: tuple[Config, list[float]]) -> None:
    found = rerun(watched[0]).alerts
    assert len(found["strict"]) > len(found["balanced"]) > len(found["gentle"])
    assert found["strict"][0] == pytest.approx(found["balanced"][0] - 60, abs=5)


# -- by hand -----------------------------------------------------------------------


def test_ten_minutes_of_slouching_by_the_numbers_of_each_preset(tmp_path: Path) -> None:
    made_up(("09:00", "good", 5), ("09:05", "poor", 2), ("09:07", "good", 20))
    found = rerun(settings(tmp_path), dt.date.fromisoformat(DAY)).alerts
    five_past = wall(f"{DAY} 09:05")
    # Each recording begins afresh, so the state is known with its first readings.
    assert [at_s - five_past for at_s in found["strict"]] == [pytest.approx(30, abs=8)]
    assert [at_s - five_past for at_s in found["balanced"]] == [pytest.approx(90, abs=8)]
    assert found["gentle"] == ()


def test_quiet_hours_hold_back_here_as_well(tmp_path: Path) -> None:
    made_up(("09:00", "poor", 10))
    quiet = settings(tmp_path, '[quiet]\nhours = ["08:00-10:00"]\n')
    assert rerun(quiet, dt.date.fromisoformat(DAY)).alerts["strict"] == ()
    elsewhere = settings(tmp_path, '[quiet]\nhours = ["12:00-13:00"]\n')
    assert rerun(elsewhere, dt.date.fromisoformat(DAY)).alerts["strict"]


def test_a_restart_begins_afresh_as_the_program_does(tmp_path: Path) -> None:
    made_up(("09:00", "poor", 1.2), ("09:01", "poor", 1.2))
    # Together they would be enough for "balanced", alone neither is.
    assert rerun(settings(tmp_path), dt.date.fromisoformat(DAY)).alerts["balanced"] == ()


def test_a_pause_drains_here_as_well(tmp_path: Path) -> None:
    config = settings(tmp_path, NO_BREAKS)
    with Store.open(paths.history_file(), keep_samples_days=FOREVER_DAYS) as store:
        desk = Desk(config, store, interval_s=1.0)
        desk.sit(SLUMPED, 75)
        for beat in range(900):
            at_s = desk.t_s + 4.0 * beat
            desk.monitor.rest(at_s, MORNING_S + at_s, Resting("paused", "paused"), 4.0)
        desk.t_s += 3600.0
        desk.sit(SLUMPED, 40)
        assert desk.kept("alerts") == []
    assert rerun(config).alerts["own"] == ()
    assert rerun(config).alerts["strict"], "nothing was rerun"


def test_a_silence_that_the_record_calls_a_gap_speaks_no_longer_here(tmp_path: Path) -> None:
    config = settings(tmp_path, NO_BREAKS)
    with Store.open(paths.history_file(), keep_samples_days=FOREVER_DAYS) as store:
        desk = Desk(config, store, interval_s=1.0)
        desk.sit(SLUMPED, 60)
        for _ in range(8):  # a camera that hangs again and again
            desk.t_s += 15.0
            desk.sit(SLUMPED, 2)
        assert desk.kept("alerts") == []
    assert rerun(config).alerts["own"] == ()
    assert rerun(config).alerts["strict"], "nothing was rerun"


def test_a_moment_recorded_twice_counts_once(tmp_path: Path) -> None:
    made_up(("09:00", "poor", 10), ("09:00", "good", 10))
    config = settings(tmp_path)
    found = rerun(config, dt.date.fromisoformat(DAY))
    assert found.alerts["strict"] == (), "the newer recording counts, and it says good"
    assert found.kept_s == pytest.approx(600, abs=10)


def test_ten_minutes_of_open_preview_change_nothing_for_the_rest_of_the_day(tmp_path: Path) -> None:
    """Looks come five a second while the preview is open, and six seconds apart elsewhere."""
    began_s, looks = wall(f"{DAY} 09:00"), []
    with Store.open(paths.history_file(), keep_samples_days=36500) as store:
        store.begin("camera", profile="me")
        at_s = 0.0
        while at_s < 3600:
            bad = at_s % 1800 > 1200
            state, index = ("poor", 1.3) if bad else ("good", 0.1)
            step_s = 0.2 if at_s < 600 else 6.0
            store.heartbeat(began_s + at_s, utc_offset_s(began_s), state, gap_s=2 * step_s + 0.5)
            store.sample(began_s + at_s, {"ear_height": -9.0}, index, verdict=state)
            looks.append(step_s)
            at_s += step_s
    assert np.median(looks) < 1
    found = rerun(settings(tmp_path), dt.date.fromisoformat(DAY))
    assert found.kept_s == pytest.approx(3600, abs=15)
    assert len(found.alerts["strict"]) >= 2


def test_unknown_and_away_raise_nothing() -> None:
    stretch = service.Stretch(
        np.arange(0.0, 1200.0, 1.0),
        (Verdict.UNKNOWN,) * 600 + (Verdict.AWAY,) * 600,
        np.full(1200, math.nan),
        np.ones(1200),
    )
    told = service.states(stretch, 9.0)
    assert {now.state for now in told} == {Verdict.UNKNOWN, Verdict.AWAY}
    strict = service.policy_of(load_config(paths.packaged("config.toml")).alert.presets.strict)
    assert service.alerts(stretch, told, strict) == []


# -- as typed ----------------------------------------------------------------------


def test_it_says_how_often_instead_of_how_often() -> None:
    made_up(("09:00", "good", 5), ("09:05", "poor", 2), ("09:07", "good", 20), ("09:27", "poor", 1))
    said = done("replay", "--day", DAY, "--preset", "strict").splitlines()
    assert said[0] == "strict would have reminded you 2 times (09:05, 09:27), your settings once."
    assert said[1].startswith("Shown on the day: 0."), "the made-up day had no notification"
    every = done("replay", "--day", DAY)
    assert "gentle would not have reminded you, your settings once." in every
    assert "balanced would have reminded you once (09:06), and your settings as often." in every


def test_where_readings_are_missing_it_says_of_how_much() -> None:
    made_up(("09:00", "poor", 5))
    with Store.open(paths.history_file(), keep_samples_days=FOREVER_DAYS) as store:
        store.begin("desk")
        for number in range(450):
            at_s = wall(f"{DAY} 11:00") + 2 * number
            store.heartbeat(at_s, utc_offset_s(at_s), "poor", gap_s=5)
    said = done("replay", "--day", DAY, "--preset", "strict")
    assert "Measures are kept of 5 min out of 20 min at the desk" in said


@pytest.mark.parametrize(
    ("kept_days", "why"), [(30, "they are kept for 30 days"), (0, "history.keep_samples_days = 0 keeps none")]
)
def test_where_nothing_is_kept_it_says_so(tmp_path: Path, kept_days: int, why: str) -> None:
    with Store.open(paths.history_file(), keep_samples_days=0) as store:
        at_s = wall(f"{DAY} 11:00")
        for number in range(90):
            store.heartbeat(at_s + 2 * number, utc_offset_s(at_s), "poor", gap_s=5)
    (tmp_path / "own.toml").write_text(f"[history]\nkeep_samples_days = {kept_days}\n")
    assert why in refused("replay", "--day", DAY, "--config", tmp_path / "own.toml")


def test_a_day_without_a_record() -> None:
    assert f"nothing was recorded on {DAY}" in refused("replay", "--day", DAY)
    assert not paths.history_file().exists()


def test_no_reading_is_an_error_of_the_users_world(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing was recorded"):
        rerun(settings(tmp_path))
