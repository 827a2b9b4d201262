"""The loop in one process: bodies of known angles go in, words, outcomes and spans come out.

Everything between is the real thing; only the clock runs as the test says, and
the notifications land on a screen that remembers.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desk import IMPATIENT, MORNING_S, NO_BREAKS, SLUMPED, UPRIGHT, Desk
from rich.console import Console
from rig import SCENARIOS, SIDE_CAMERA, Camera, Pose

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.history.store import Store
from posture_monitor.posture import breaks
from posture_monitor.posture.metrics import Reason
from posture_monitor.posture.reading import Verdict
from posture_monitor.posture.sampling import Pace
from posture_monitor.posture.sustained import Habit, Sustained
from posture_monitor.service import monitor
from posture_monitor.service.monitor import Monitor
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.profiles import load_profile
from posture_monitor.service.resting import Resting
from posture_monitor.telling import dnd
from posture_monitor.telling.channels.terminal import Terminal
from posture_monitor.telling.notify import Notifier

Seat = Callable[..., Desk]


@pytest.fixture
def seat(home: Path, tmp_path: Path) -> Iterator[Seat]:
    """Return what seats somebody at a desk, with lines for the config."""
    with Store.open(paths.history_file(), keep_samples_days=30, keep_landmarks=False) as store:

        def take_a_seat(settings: str = IMPATIENT, **options: Any) -> Desk:
            (tmp_path / "config.toml").write_text(settings)
            return Desk(load_config(tmp_path / "config.toml"), store, **options)

        yield take_a_seat


@pytest.fixture
def alerted(seat: Seat) -> Desk:
    """Return somebody who slumps, and was alerted half a minute ago."""
    desk = seat()
    desk.sit(UPRIGHT, 60)
    desk.sit(SLUMPED, 60)
    return desk


@pytest.mark.parametrize("settled_s", [6.0, 10.0])
@pytest.mark.parametrize("battery", [False, True])
def test_no_second_is_lost_to_the_history_where_looks_come_sooner_or_later(
    seat: Seat, settled_s: float, battery: bool
) -> None:
    desk = seat(NO_BREAKS, interval_s=0.5)
    watching = desk.monitor
    watching.pace, watching.on_battery = Pace(settled_s=settled_s), battery
    due_s = stirs_s = looked_s = 0.0
    for seen in desk.pictures(UPRIGHT, 600):
        at_s = seen.frame.t_s
        if at_s < due_s:
            continue
        moved = at_s >= stirs_s
        if moved:
            stirs_s = at_s + 45.0
        watching.take(seen, moved=moved)
        # The camera takes its time as well.
        due_s, looked_s = at_s + watching.interval_s + 1.0, at_s
    assert looked_s > 575
    (span,) = desk.kept("spans")
    assert span["end_s"] - span["start_s"] == pytest.approx(looked_s, abs=0.01)
    # Nor where the screen is locked shortly before the next look was due.
    locked_s = looked_s + watching.interval_s - 0.5
    watching.rest(locked_s, MORNING_S + locked_s, Resting("away", "screen locked"), 10.0)
    *_, span = (span for span in desk.kept("spans") if span["state"] == "good")
    assert span["end_s"] == pytest.approx(MORNING_S + locked_s, abs=0.01)


def test_an_alert_that_ends_in_the_next_recording(seat: Seat) -> None:
    """The settings or the camera are changed while it is on the screen."""
    desk = seat(IMPATIENT + NO_BREAKS)
    desk.sit(UPRIGHT, 60)
    desk.sit(SLUMPED, 60)
    desk.monitor.begin("another camera")
    desk.sit(UPRIGHT, 60)
    (alert,) = desk.kept("alerts")
    assert (alert["run"], alert["outcome"]) == (1, "corrected")
    assert desk.screen.withdrawn


# -- what an alert says ----------------------------------------------------------


@pytest.mark.parametrize("moved_deg", [-8.0, 8.0])
def test_an_alert_takes_off_what_the_camera_has_been_moved_by(seat: Seat, moved_deg: float) -> None:
    desk = seat(IMPATIENT + NO_BREAKS)
    desk.sit(UPRIGHT, 60)
    desk.camera = replace(desk.camera, tilt_deg=moved_deg)
    desk.sit(UPRIGHT, 60)
    assert abs(desk.monitor.session.place.offset_y) > 0.25
    for part in np.linspace(0.0, 1.0, 60):
        desk.sit(SCENARIOS["slid_down"] * part, 1)
    desk.sit(SCENARIOS["slid_down"], 240)
    text = desk.alerts()[-1][0]
    told = re.search(r"lower than neutral by (\d+)% of a shoulder width", text.body)
    assert told is not None, text
    assert 12 <= int(told[1]) <= 30


def test_an_alert_by_the_minutes_before_says_nothing_of_neutral(seat: Seat) -> None:
    desk = seat(IMPATIENT + NO_BREAKS)
    slid = SCENARIOS["slid_down"]
    for high in np.linspace(0.0, -0.8, 240):
        desk.sit(slid * high, 1)
    desk.sit(slid * -0.8, 600)
    desk.sit(slid * 0.8, 240)
    assert desk.alerts()
    for text, *_ in desk.alerts():
        assert re.match(r"Your head has been lower for [\w ]+ than in the minutes before\.", text.body), text
    assert {(alert["driver"], alert["deviation"]) for alert in desk.kept("alerts")} == {("head_drop", None)}


@pytest.mark.parametrize(
    ("camera", "pose", "driver", "title", "sentence"),
    [
        (
            Camera(),
            SLUMPED,
            "ear_height",
            r"Head low over the shoulders: (\d+)%",
            r"Your head has been (\d+)% lower over your shoulders than neutral for (\d+) seconds\. (.+)",
        ),
        (
            SIDE_CAMERA,
            Pose(lean=35),
            "trunk_incl",
            r"Trunk forward: (\d+)°",
            r"Your trunk has leaned (\d+)° further forward than neutral for (\d+) seconds\. (.+)",
        ),
    ],
    ids=["front", "side"],
)
def test_an_alert_says_which_measure_how_far_how_long_and_one_thing_to_do(
    seat: Seat, camera: Camera, pose: Pose, driver: str, title: str, sentence: str
) -> None:
    desk = seat(camera=camera)
    desk.sit(UPRIGHT, 60)
    readings = desk.sit(pose, 60)
    ((text, buttons, _),) = desk.alerts()
    headline, told = re.fullmatch(title, text.title), re.fullmatch(sentence, text.body)
    assert headline, text
    assert told, text
    measured = float(np.median([reading.deviations[driver] for reading in readings]))
    assert int(headline[1]) == int(told[1]) == pytest.approx(abs(measured), abs=2)
    assert int(told[2]) == pytest.approx(30, abs=2)
    # One sentence, and no more than one.
    assert re.fullmatch(r"[A-Z][^.!?]+\.", told[3])
    assert buttons == ("snooze", "reanchor", "wrong")


def test_the_angle_told_is_the_bodys_own(seat: Seat) -> None:
    desk = seat(camera=SIDE_CAMERA)
    desk.sit(UPRIGHT, 30)
    desk.sit(Pose(lean=35), 60)
    (alert,) = desk.kept("alerts")
    assert alert["deviation"] == pytest.approx(35, abs=3)


def test_an_alert_is_kept_with_what_was_said_and_how_it_ended(alerted: Desk) -> None:
    (text,) = alerted.texts()
    (alert,) = alerted.kept("alerts")
    assert (alert["title"], alert["body"]) == (text.title, text.body)
    assert (alert["driver"], alert["channel"], alert["kind"]) == ("ear_height", "screen", "posture")
    assert alert["held_s"] == pytest.approx(30, abs=2)
    assert alert["outcome"] == ""
    alerted.sit(UPRIGHT, 30)
    (alert,) = alerted.kept("alerts")
    assert alert["outcome"] == "corrected"
    assert alerted.screen.withdrawn == ["1"]


def test_one_who_stays_slumped_is_asked_once_more_and_then_left_in_peace(seat: Seat) -> None:
    desk = seat(IMPATIENT + NO_BREAKS, interval_s=2.0)
    desk.sit(UPRIGHT, 60)
    desk.sit(SLUMPED, 1800)
    _first, second = desk.screen.shown
    assert second[0].title == "Stand up for two minutes"
    assert second[2] == "1", "it takes the place of the first"


def test_an_alert_that_no_channel_shows_is_kept_all_the_same(seat: Seat) -> None:
    desk = seat()
    desk.screen.broken = True
    desk.sit(UPRIGHT, 30)
    desk.sit(SLUMPED, 60)
    (alert,) = desk.kept("alerts")
    assert alert["channel"] == "none"
    assert desk.texts() == []


# -- when there is nothing to say ------------------------------------------------


def test_good_posture_absence_and_darkness_raise_no_alert(seat: Seat) -> None:
    desk = seat("[alert]\npoor_hold_s = 5\n" + NO_BREAKS)
    good = desk.sit(UPRIGHT, 300)
    away = desk.sit(None, 300)
    dark = desk.sit(SLUMPED, 300, Reason.DARK)
    assert {reading.verdict for reading in good} == {Verdict.GOOD}
    assert {reading.verdict for reading in away} == {Verdict.AWAY}
    assert {(reading.verdict, reading.reason) for reading in dark} == {(Verdict.UNKNOWN, "too dark")}
    assert desk.texts() == []
    assert desk.kept("alerts") == []
    assert [span["state"] for span in desk.kept("spans")][-3:] == ["good", "away", "unknown"]
    assert desk.kept("spans")[-1]["reason"] == "too dark"


def test_a_glance_down_is_no_slouch(seat: Seat) -> None:
    desk = seat("[alert]\npoor_hold_s = 5\n", interval_s=0.5)
    for _ in range(20):
        desk.sit(UPRIGHT, 12)
        desk.sit(SLUMPED, 3)
    assert desk.texts() == []
    assert "poor" not in {span["state"] for span in desk.kept("spans")}


def test_a_suspended_hour_adds_no_dose(seat: Seat) -> None:
    desk = seat()
    desk.sit(UPRIGHT, 60)
    desk.sit(SLUMPED, 20)
    assert desk.texts() == []
    desk.t_s += 3600
    desk.sit(SLUMPED, 3)
    assert desk.texts() == [], "the hour in which nothing was seen was taken for slouching"
    # What was gathered before is not lost, nor is the hour in the history.
    desk.sit(SLUMPED, 40)
    assert len(desk.texts()) == 1
    spans = desk.kept("spans")
    assert sum(span["end_s"] - span["start_s"] for span in spans) == pytest.approx(123, abs=8)


@pytest.mark.parametrize("interval_s", [0.1, 0.5, 2.0])
def test_durations_are_the_same_at_any_pace(seat: Seat, interval_s: float) -> None:
    desk = seat(interval_s=interval_s)
    desk.sit(UPRIGHT, 40)
    desk.sit(SLUMPED, 60)
    desk.sit(UPRIGHT, 40)
    (alert,) = desk.kept("alerts")
    # Half the window until the state follows, then the half minute of the settings.
    assert alert["wall_s"] - MORNING_S == pytest.approx(40 + 4.5 + 30, abs=2 + interval_s)
    poor_s = sum(s["end_s"] - s["start_s"] for s in desk.kept("spans") if s["state"] == "poor")
    assert poor_s == pytest.approx(60, abs=2 + interval_s)


# -- buttons ---------------------------------------------------------------------


def test_wrong_widens_the_measure_that_spoke_and_the_profile_keeps_it(alerted: Desk) -> None:
    before = alerted.monitor.session.sustained.index
    alerted.screen.press("wrong")
    alerted.sit(SLUMPED, 10)
    assert alerted.monitor.session.sustained.index < 0.95 * before
    assert load_profile("me").tuning == {"ear_height": pytest.approx(1.25)}
    assert [alert["outcome"] for alert in alerted.kept("alerts")] == ["wrong"]
    assert alerted.screen.withdrawn == ["1"]
    # The neutral posture itself has not moved.
    assert load_profile("me").neutral["ear_height"] == pytest.approx(
        alerted.profile.neutral["ear_height"], rel=1e-3
    )


def test_wrong_again_and_again_stops_at_twice_the_usual_and_is_taken_up_by_the_next_run(seat: Seat) -> None:
    desk = seat("[alert]\npoor_hold_s = 5\ncooldown_s = 30\nmax_per_hour = 30\n")
    desk.sit(UPRIGHT, 60)
    for _ in range(8):
        desk.sit(Pose(neck_forward_m=0.1, thorax=60, pelvis=-20), 40)
        desk.screen.press("wrong")
        desk.sit(UPRIGHT, 20)
    tuning = load_profile("me").tuning
    assert tuning
    assert max(tuning.values()) == pytest.approx(2.0)
    again = Monitor(
        desk.monitor.config,
        load_profile("me"),
        desk.store,
        Notifier([desk.screen]),
        Console(file=desk.said),
        1.0,
    )
    assert again.limits == desk.monitor.limits


def test_a_starter_is_widened_for_this_run_alone(seat: Seat) -> None:
    desk = seat(starter=True)
    desk.sit(UPRIGHT, 60)
    desk.sit(SLUMPED, 60)
    desk.screen.press("wrong")
    desk.sit(SLUMPED, 2)
    assert desk.monitor.limits.scale["ear_height"] == pytest.approx(1.25)
    assert not paths.profiles_dir().exists()


def test_snooze_silences_for_a_quarter_of_an_hour_and_no_longer(seat: Seat) -> None:
    impatient = "[alert]\npoor_hold_s = 5\ncooldown_s = 30\nmax_per_hour = 30\n" + NO_BREAKS

    def alerts_in(desk: Desk, minutes: int) -> int:
        before = len(desk.texts())
        for _ in range(minutes):
            desk.sit(SLUMPED, 20)
            desk.sit(UPRIGHT, 40)
        return len(desk.texts()) - before

    desk = seat(impatient, interval_s=2.0)
    desk.sit(UPRIGHT, 60)
    assert alerts_in(desk, 5) == 5
    desk.screen.press("snooze")
    desk.sit(UPRIGHT, 2)
    assert alerts_in(desk, 14) == 0
    desk.sit(UPRIGHT, 70)
    assert alerts_in(desk, 3) == 3


# -- re-anchoring ------------------------------------------------------------------

MOVED = Camera(tilt_deg=8.0)


def test_re_anchor_judges_from_where_the_camera_is_now(seat: Seat) -> None:
    desk = seat(interval_s=0.5)
    desk.sit(UPRIGHT, 60)
    desk.camera = MOVED
    desk.sit(UPRIGHT, 30)
    (question,) = desk.screen.shown
    assert question[0].title == "Has the camera or the chair moved?"
    desk.screen.press("reanchor")
    desk.sit(UPRIGHT, 7)
    assert load_profile("me").neutral["head_drop"] == pytest.approx(desk.profile.neutral["head_drop"], 1e-3)
    desk.sit(UPRIGHT, 3)
    moved = load_profile("me")
    assert moved.neutral["head_drop"] < desk.profile.neutral["head_drop"] - 0.03
    assert desk.screen.withdrawn == ["1"]
    assert desk.texts()[-1].title == "Neutral set anew"
    readings = desk.sit(UPRIGHT, 30)
    assert {reading.verdict for reading in readings} == {Verdict.GOOD}
    assert abs(np.median([reading.deviations["head_drop"] for reading in readings])) < 0.05
    # What was calibrated stays in the file, and a slouch stays a slouch.
    np.testing.assert_allclose(moved.as_calibrated(0).centre, desk.profile.neutral.centre, rtol=1e-4)
    desk.sit(SLUMPED, 60)
    assert desk.monitor.state is Verdict.POOR


def test_re_anchor_under_an_alert_ends_it(alerted: Desk) -> None:
    alerted.screen.press("reanchor")
    alerted.sit(SLUMPED, 12)
    assert [alert["outcome"] for alert in alerted.kept("alerts")] == ["reanchored"]
    assert alerted.screen.withdrawn == ["1"]
    # Pressed in a slouch: the place is new, the slouch is not absorbed.
    alerted.sit(SLUMPED, 20)
    assert alerted.monitor.state is Verdict.POOR


def test_re_anchoring_an_empty_chair_changes_nothing(alerted: Desk) -> None:
    alerted.screen.press("reanchor")
    alerted.sit(None, 12)
    assert "Neutral not set anew: nobody was seen" in alerted.said.getvalue()
    assert alerted.texts()[-1].title == "Neutral not set anew"
    assert not load_profile("me").captures
    assert alerted.monitor.profile == alerted.profile


def test_re_anchoring_ends_with_the_profile_or_the_pause_that_comes_between(seat: Seat) -> None:
    desk = seat()
    desk.sit(UPRIGHT, 60)
    desk.camera = MOVED
    other = replace(desk.profile, name="other")
    save_profile(other)
    for interrupt in (
        lambda: desk.monitor.use(load_profile("other")),
        lambda: desk.monitor.rest(desk.t_s, MORNING_S + desk.t_s, Resting("paused", "paused"), 4.0),
    ):
        desk.monitor.reanchor()
        desk.sit(UPRIGHT, 4)
        interrupt()
        desk.sit(UPRIGHT, 20)
        assert "Neutral set anew" not in desk.said.getvalue()
    assert load_profile("other").neutral["head_drop"] == pytest.approx(other.neutral["head_drop"], 1e-3)


def test_what_was_measured_from_the_neutral_before_fills_no_dose_after_it(seat: Seat) -> None:
    desk = seat()
    desk.sit(UPRIGHT, 60)
    desk.sit(SLUMPED, 25)
    assert desk.monitor.nudges.dose.level > 0
    # A calibration lies between: the posture that looked poor is the one that is meant.
    anew = replace(desk.profile, neutrals=(desk.capture(SLUMPED, 30),))
    save_profile(anew)
    desk.monitor.use(anew)
    assert desk.monitor.nudges.dose.level == 0
    assert not desk.monitor.nudges.shares
    desk.sit(SLUMPED, 60)
    assert not desk.alerts()


def test_a_profile_that_was_changed_or_deleted_meanwhile_is_not_written_over(seat: Seat) -> None:
    desk = seat()
    desk.monitor.use(load_profile("me"))
    desk.sit(UPRIGHT, 60)
    desk.sit(SLUMPED, 60)
    anew = replace(desk.profile, created="2026-03-02T09:00:00+00:00")
    save_profile(anew)
    desk.screen.press("wrong")
    desk.sit(SLUMPED, 2)
    assert [alert["outcome"] for alert in desk.kept("alerts")] == ["wrong"]
    assert load_profile("me").created == anew.created
    assert not load_profile("me").tuning
    (paths.profiles_dir() / "me.toml").unlink()
    desk.monitor._widen("ear_height")
    assert not (paths.profiles_dir() / "me.toml").exists(), "what was deleted is back"


def test_a_profile_from_elsewhere_is_kept_where_it_came_from(seat: Seat, tmp_path: Path) -> None:
    desk = seat()
    mine = (paths.profiles_dir() / "me.toml").read_text()
    save_profile(replace(desk.profile, created="elsewhere"), tmp_path / "lent")
    desk.monitor.use(load_profile(str(tmp_path / "lent" / "me.toml")))
    desk.monitor._widen("ear_height")
    assert (paths.profiles_dir() / "me.toml").read_text() == mine
    assert load_profile(str(tmp_path / "lent" / "me.toml")).tuning == {"ear_height": 1.25}


def test_a_starter_is_re_anchored_for_this_run_alone(seat: Seat) -> None:
    desk = seat(starter=True)
    desk.sit(UPRIGHT, 60)
    desk.sit(SLUMPED, 60)
    desk.screen.press("reanchor")
    desk.sit(UPRIGHT, 12)
    assert "Neutral set anew" in desk.said.getvalue()
    assert not paths.profiles_dir().exists()


# -- several seats -----------------------------------------------------------------


def test_who_stands_up_is_judged_as_standing_and_counted_so(seat: Seat) -> None:
    wide, up = Camera(distance_m=1.1, hfov_deg=75), Pose(seat_y_m=0.3)
    desk = seat("[breaks]\nsit_bout_s = 300\n", camera=wide, interval_s=2.0)
    desk.monitor.profile = desk.profile.adding(desk.capture(up, 60, "standing"))
    desk.t_s = 0.0
    desk.sit(UPRIGHT, 60)
    desk.sit(up, 30)
    assert desk.monitor.neutral.name == "standing"
    assert {reading.verdict for reading in desk.sit(up, 60)} == {Verdict.GOOD}
    desk.sit(up + Pose(neck_forward_m=0.08), 240)
    assert desk.monitor.neutral.name == "standing"
    assert [alert["title"] for alert in desk.kept("alerts") if alert["kind"] == "break-sit"] == [
        "Time to sit or walk"
    ]
    desk.sit(UPRIGHT, 20)
    assert desk.monitor.neutral.name == "sitting"


def test_each_seat_and_each_new_anchor_is_recorded_by_its_own_neutral_and_keeps_what_was_learnt(
    seat: Seat,
) -> None:
    wide, up = Camera(distance_m=1.1, hfov_deg=75), Pose(seat_y_m=0.3)
    desk = seat(NO_BREAKS, camera=wide, interval_s=2.0)
    desk.monitor.profile = desk.profile.adding(desk.capture(up, 60, "standing"))
    desk.t_s = 0.0
    desk.monitor.begin("camera")
    known = Sustained(forward_habit=Habit(200, 0.5, 1.1))
    desk.monitor.recall({"sitting": known})
    desk.sit(UPRIGHT, 60)
    desk.sit(up, 90)
    assert desk.monitor.neutral.name == "standing"
    assert desk.monitor.session.sustained.forward_habit.minutes < 3
    desk.sit(UPRIGHT, 30)
    assert desk.monitor.session.sustained.forward_habit.minutes >= 200
    desk.monitor.reanchor()
    desk.sit(UPRIGHT, 30)
    assert desk.monitor.session.sustained.forward_habit.minutes >= 200
    assert {name: known.forward_habit.minutes > 100 for name, known in desk.monitor.learnt().items()} == {
        "sitting": True,
        "standing": False,
    }
    runs = [json.loads(run["neutral"]) for run in desk.kept("runs")][-4:]
    sitting, standing, again, anchored = (run["head_drop"] for run in runs)
    assert standing < sitting - 0.1
    assert again == sitting
    assert anchored == desk.monitor.neutral["head_drop"]


# -- quiet -------------------------------------------------------------------------


def local(clock: str) -> str:
    """Return the local hour that is `clock` in UTC on the test's Monday."""
    utc = dt.datetime.combine(
        dt.datetime.fromtimestamp(MORNING_S, dt.timezone.utc), dt.time.fromisoformat(clock)
    )
    return utc.replace(tzinfo=dt.timezone.utc).astimezone().strftime("%H:%M")


def test_in_quiet_hours_nothing_is_shown_and_one_summary_follows(seat: Seat) -> None:
    hours = f'[quiet]\nhours = ["{local("08:30")}-{local("09:10")}"]\n'
    desk = seat(IMPATIENT + "[breaks]\nsit_bout_s = 420\n" + hours, interval_s=2.0)
    desk.sit(UPRIGHT, 60)
    desk.sit(SLUMPED, 120)
    assert desk.monitor.state is Verdict.POOR
    desk.sit(UPRIGHT, 415)
    assert desk.texts() == []
    assert desk.kept("alerts") == []
    desk.sit(UPRIGHT, 60)
    titles = [text.title for text in desk.texts()]
    assert titles == ["While it was quiet", "Time to stand"]
    assert "posture reminder" in desk.texts()[0].body
    desk.sit(UPRIGHT, 60)
    assert len(desk.texts()) == 2


def test_the_desktops_do_not_disturb_holds_an_alert_back(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = seat(IMPATIENT + NO_BREAKS)
    disturb = [False]
    monkeypatch.setattr(dnd, "do_not_disturb", lambda: not disturb[0])
    desk.monitor.gate.configure((), respect_dnd=True)
    desk.sit(UPRIGHT, 60)
    desk.sit(SLUMPED, 60)
    assert desk.texts() == []
    disturb[0] = True
    desk.sit(UPRIGHT, 30)
    assert [text.title for text in desk.texts()] == ["While it was quiet"]


def test_no_break_asks_anybody_to_kneel_down_or_tells_who_stood_to_rise_from_a_chair(seat: Seat) -> None:
    desk = seat()
    desk.sit(UPRIGHT, 2)
    for number in range(30):
        for wish in breaks.Wish:
            desk.monitor.reminders.suggest(breaks.Suggestion(number, wish, 0.0, 2700.0), MORNING_S)
    said = " ".join(text.body for text in desk.texts())
    assert "Calf raises" in said
    assert "On hands and knees" not in said
    standing = [text.body for text in desk.texts() if text.title == "Time to sit or walk"]
    assert set(standing) == {"You have been standing for 45 minutes. Sit down or walk for a few minutes."}


# -- breaks ----------------------------------------------------------------------


def test_a_long_bout_of_sitting_ends_in_one_suggestion_with_one_move(seat: Seat) -> None:
    desk = seat("[breaks]\nsit_bout_s = 600\n", interval_s=2.0)
    desk.sit(UPRIGHT, 620)
    (text,) = desk.texts()
    assert text.title == "Time to stand"
    assert "You have been sitting for 10 minutes." in text.body
    (alert,) = desk.kept("alerts")
    assert alert["kind"] == "break-stand"
    assert alert["outcome"] == ""
    desk.sit(None, 90)
    assert [alert["outcome"] for alert in desk.kept("alerts")] == ["left"]


# -- what is said on the way -------------------------------------------------------


def test_each_change_of_state_is_told_once_with_its_reason(seat: Seat) -> None:
    desk = seat()
    desk.sit(UPRIGHT, 30)
    desk.sit(SLUMPED, 20)
    desk.sit(None, 20)
    desk.sit(UPRIGHT, 20, Reason.DARK)
    told = [line.split("  ", 1)[1].strip() for line in desk.said.getvalue().splitlines()]
    states = [line.split(" ", 1)[1].split(":")[0] for line in told if not line.startswith("◐")]
    assert [state for state in states if state != "unknown"] == ["good", "poor", "away"]
    assert told[-1] == "? unknown: too dark"


def test_the_first_line_says_what_a_number_is() -> None:
    with contextlib.closing(Notifier([Terminal()])) as notifier:
        told = [monitor.opening(name, load_profile("front"), True, notifier) for name in ("0", "/dev/video2")]
    assert told[0].startswith("Watching camera 0 against")
    assert told[1].startswith("Watching /dev/video2 against")


def test_whoever_passes_by_does_not_move_the_one_who_sits_still(seat: Seat) -> None:
    desk = seat(camera=Camera(distance_m=1.2, hfov_deg=80))
    desk.sit(UPRIGHT, 60)
    still_s = desk.monitor.sitting.still_s
    passing = desk.sit(Pose(seat_x_m=0.6), 6)
    assert {reading.reason for reading in passing} == {Reason.STRANGER}
    desk.sit(UPRIGHT, 20)
    assert desk.monitor.sitting.still_s > still_s
