"""The monitor's status: told whole, and understood without colour."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
import re
import time

import numpy as np
import pytest
from rich.console import Console

from posture_monitor.errors import UserError
from posture_monitor.history.records import NOT_SHOWN, STATES
from posture_monitor.posture.metrics import Reason
from posture_monitor.posture.nudge import Wait
from posture_monitor.service import glance, status_text
from posture_monitor.service.status import (
    ACTIVITIES,
    Angle,
    Camera,
    InUse,
    Status,
    Today,
    clock,
)
from posture_monitor.service.status_drawn import shown
from posture_monitor.service.status_text import headline, plain, rows

NOW_S = time.mktime((2026, 3, 2, 15, 0, 0, 0, 0, -1))

POOR = Status(
    pid=4711,
    since_s=NOW_S - 7200,
    activity="watching",
    state="poor",
    driver="head_height",
    held_s=240,
    confidence=0.8,
    view="front",
    angles=(
        Angle("trunk_incl", "trunk inclination", "°", 4.2, 0.2),
        Angle("distance", "distance from the screen", "picture", 0.9, -12.0),
        Angle("head_height", "head height over the shoulders", "cm", 16.1, -9.0),
        Angle("neck_incl", "neck inclination", "°", None, None),
    ),
    dose=0.62,
    next_alert_s=35,
    today=Today(11400, 10300, 7300, 2060, 930, 300, 600, 0, 0, 2, 2280, 0.92),
    camera=Camera("Integrated Camera", "usb:1", 640, 480, True, mode="burst"),
    profile=InUse("office", "sitting"),
    preset="balanced",
    quiet="call",
    snoozed_until_s=NOW_S + 600,
    channel="desktop",
    interval_s=3,
    cpu_percent=2.13,
    memory_mb=112.4,
    source="0",
)


def test_it_comes_back_as_it_went() -> None:
    assert Status.from_json(json.loads(json.dumps(POOR.to_json(), allow_nan=False))) == POOR
    assert Status.from_json(Status().to_json()) == Status()


def test_numbers_that_are_none_are_told_as_none() -> None:
    told = dataclasses.replace(
        POOR, dose=math.nan, angles=(Angle("x", value=float(np.float64("nan")), deviation=math.inf),)
    ).to_json()
    json.dumps(told, allow_nan=False)
    assert told["dose"] is None
    back = Status.from_json(told)
    assert back.dose == 0.0
    assert back.angles == (Angle("x"),)


def test_what_is_unknown_is_passed_over_and_what_is_missing_has_its_default() -> None:
    told = {"version": 1, "pid": 5, "new": 1, "camera": {"open": True, "lens": 3}, "today": None, "angles": 4}
    assert Status.from_json(told) == Status(pid=5, camera=Camera(open=True))


@pytest.mark.parametrize("told", [{}, {"version": 2}, [], None])
def test_another_version_is_one_line_that_says_restart(told: object) -> None:
    with pytest.raises(UserError, match=r"^the running monitor .*`posture-monitor restart`"):
        Status.from_json(told)  # type: ignore[arg-type]


def test_what_it_says_of_a_slouch() -> None:
    assert plain(POOR, NOW_S).splitlines() == [
        "▼ poor for 4 minutes: head height over the shoulders",
        "  differs    Head low over the shoulders: 9% (now 16 cm)",
        "             Closer to the screen: 12%",
        "  neutral    trunk inclination",
        "  dose       ███████░░░░░ 62% of what a reminder takes; "
        "the next in 35 seconds if posture stays as it is",
        "  today      3 h 10 min at the desk, 92% of it judged; good 71%, mild 20%, poor 9%; 2 reminders; "
        "without a break for 38 minutes",
        "  camera     Integrated Camera, 640×480, on, in bursts",
        "  profile    office, sitting, seen from the front",
        "  reminders  balanced, by desktop, snoozed until 15:10, held back: call",
        "  program    process 4711, running for 2 hours, 112 MB, 2.1% of a core, looks every 3 s",
    ]


@pytest.mark.parametrize(
    ("waits_for", "next_alert_s", "quiet", "told"),
    [
        ("shown", None, "", "one was shown"),
        (
            "cooldown",
            480,
            "",
            "the last one is not long ago; the next in 8 minutes if posture stays as it is",
        ),
        ("limit", None, "", "the hour has had as many as the settings allow"),
        ("snooze", 600, "", "snoozed; the next in 10 minutes if posture stays as it is"),
        ("cooldown", 480, "call", "held back: call"),
    ],
)
def test_a_full_dose_says_what_a_reminder_waits_for(
    waits_for: str, next_alert_s: float | None, quiet: str, told: str
) -> None:
    full = dataclasses.replace(POOR, dose=1.0, waits_for=waits_for, next_alert_s=next_alert_s, quiet=quiet)
    assert dict(rows(full, NOW_S))["dose"].endswith(f" 100% of what a reminder takes; {told}")


def test_every_wait_has_words_of_its_own() -> None:
    assert set(status_text._WAITS) == {wait.value for wait in Wait} - {""}


def test_what_it_says_of_trouble_and_of_a_starter_profile() -> None:
    shown = plain(
        dataclasses.replace(
            POOR,
            activity="trouble",
            why="the camera is unplugged",
            camera=Camera("Integrated Camera", trouble="unplugged", detail="tried again every 30 s"),
            profile=InUse(starter=True),
            history_trouble="the disk is full",
            model_trouble="it tells its maker",
            today=Today(),
        ),
        NOW_S,
    )
    assert shown.startswith("! trouble: the camera is unplugged\n")
    assert "dose" not in shown
    assert "! unplugged: tried again every 30 s" in shown
    assert "`posture-monitor calibrate`" in shown
    assert "! the disk is full" in shown
    assert "  model      ! it tells its maker\n" in shown
    assert "no time at the desk yet" in shown
    assert "looks every" not in shown


def test_reminders_that_nobody_sees_are_told_as_such() -> None:
    told = dict(rows(dataclasses.replace(POOR, channel=NOT_SHOWN), NOW_S))["reminders"]
    assert told.startswith("balanced, no desktop found to show them on, so only kept for the report")


def test_what_is_not_known_yet_is_not_made_up() -> None:
    shown = plain(Status(pid=5, activity="watching", snoozed_until_s=NOW_S - 1), NOW_S)
    assert shown.splitlines()[2:] == [
        "  today      no time at the desk yet",
        "  camera     none yet, off",
        "  profile    none",
        "  reminders  none",
        "  program    process 5",
    ]


def test_why_nothing_is_judged_and_settings_that_are_wrong_are_told() -> None:
    told = dataclasses.replace(POOR, state="unknown", reason="head turned", held_s=0, why="no such preset")
    shown = plain(told, NOW_S)
    assert shown.startswith("? unknown: head turned\n")
    assert "  settings   ! no such preset\n" in shown


def test_a_dose_that_runs_over_fills_the_bar_and_no_more() -> None:
    shown = plain(dataclasses.replace(POOR, dose=1.5, next_alert_s=None), NOW_S)
    assert f"  dose       {'█' * 12} 150% of what a reminder takes\n" in shown


def test_what_drives_the_state_comes_first_also_by_a_measure_that_stands_for_it() -> None:
    told = rows(dataclasses.replace(POOR, driver="ear_height"), NOW_S)
    assert dict(told)["differs"] == "Head low over the shoulders: 9% (now 16 cm)"


def test_a_measure_of_another_version_is_passed_over() -> None:
    new = (*POOR.angles, Angle("brand_new", "brand new", "°", 40.0, 30.0))
    assert plain(dataclasses.replace(POOR, angles=new), NOW_S) == plain(POOR, NOW_S)


def test_why_there_is_no_picture_is_said_once() -> None:
    why = "the camera does not answer; unplug it and plug it in again"
    camera = Camera("Integrated Camera", trouble="hangs", detail=why)
    shown = plain(dataclasses.replace(POOR, activity="trouble", why=why, camera=camera), NOW_S)
    assert shown.count("unplug it") == 1
    assert "! hangs" in shown


def test_what_is_too_little_for_the_report_is_too_little_here() -> None:
    today = dataclasses.replace(POOR.today, coverage=0.28)
    shown = plain(dataclasses.replace(POOR, today=today), NOW_S)
    assert "28% of it judged; 2 reminders" in shown
    today = dataclasses.replace(POOR.today, present_s=310, judged_s=300, good_s=300, coverage=0.97)
    assert "97% of it judged; 2 reminders" in plain(dataclasses.replace(POOR, today=today), NOW_S)


def test_little_is_not_told_as_none_nor_most_as_all() -> None:
    today = dataclasses.replace(
        POOR.today, present_s=11400, judged_s=11390, good_s=11360, mild_s=0, poor_s=30, coverage=0.999
    )
    shown = plain(dataclasses.replace(POOR, today=today), NOW_S)
    assert ">99% of it judged; good >99%, mild 0%, poor <1%; 2 reminders" in shown


def test_nothing_is_not_told_as_less_than_nothing() -> None:
    upright = (Angle("trunk_incl", "trunk inclination", "°", -0.3, -6.0),)
    assert "Trunk leaning back: 6° (now 0°)" in plain(dataclasses.replace(POOR, angles=upright), NOW_S)


def test_how_near_the_face_is_is_said_once() -> None:
    angles = (
        Angle("distance", "distance from the screen", "%", 80.0, -20.0),
        Angle("face_size", "face size", "px/cm", 9.0, 25.0),
    )
    shown = plain(dataclasses.replace(POOR, angles=angles), NOW_S)
    assert "Closer to the screen: 20%" in shown
    assert "Close to the screen" not in shown


@pytest.mark.parametrize(
    ("activity", "why", "line"),
    [
        ("paused", "", "‖ paused until 16:00"),
        ("paused", "paused; the camera is off", "‖ paused until 16:00: the camera is off"),
        ("locked", "the screen is locked", "‖ resting until 16:00: the screen is locked"),
        ("busy", "", "◇ camera in use elsewhere until 16:00"),
        ("starting", "opening the camera", "… starting until 16:00: opening the camera"),
    ],
)
def test_what_is_done_instead_of_watching(activity: str, why: str, line: str) -> None:
    status = Status(activity=activity, why=why, until_s=NOW_S + 3600)
    assert headline(status, NOW_S).plain == line


def test_every_state_and_activity_has_a_sign_and_a_word_of_its_own() -> None:
    looks = [headline(Status(activity="watching", state=state), NOW_S).plain for state in STATES[:5]]
    looks += [headline(Status(activity=what), NOW_S).plain for what in ACTIVITIES if what != "watching"]
    assert len({look.split()[0] for look in looks}) >= 9
    assert all(len(look.split()) >= 2 for look in looks)


def test_a_reason_is_told_in_plain_words() -> None:
    status = Status(activity="watching", state="unknown", reason=Reason.STRANGER.value)
    assert headline(status, NOW_S).plain == "? unknown: not where you calibrated"
    assert glance.why(status) == "Not where you calibrated"


def test_a_line_for_changes_holds_nothing_that_runs_on() -> None:
    later = dataclasses.replace(POOR, held_s=POOR.held_s + 90)
    assert headline(POOR, NOW_S, held=False).plain == headline(later, NOW_S + 90, held=False).plain


def test_a_terminal_shows_the_same_words_with_colour_and_wrapped() -> None:
    status = dataclasses.replace(POOR, history_trouble="full")

    def drawn(width: int) -> str:
        out = Console(force_terminal=True, width=width, highlight=False, color_system="standard")
        with out.capture() as capture:
            out.print(shown(status, NOW_S))
        return capture.get()

    assert "\x1b[1;31m▼ poor" in drawn(200)
    assert "\x1b[1;31m! full" in drawn(200)
    bare = re.sub(r"\x1b\[[\d;]*m", "", drawn(200))
    assert [line.split() for line in bare.splitlines()] == [
        line.split() for line in plain(status, NOW_S).splitlines()
    ]
    narrow = re.sub(r"\x1b\[[\d;]*m", "", drawn(50)).splitlines()
    assert max(map(len, narrow)) <= 50
    assert sum(line.startswith("  dose") for line in narrow) == 1


@pytest.mark.parametrize(
    ("later_s", "told"),
    [
        (600, "15:10"),
        (9 * 3600, "tomorrow 00:00"),
        (15 * 3600, "tomorrow 06:00"),
        (63 * 3600, "Thursday 06:00"),
    ],
)
def test_a_time_of_day_is_told_as_people_do(later_s: float, told: str) -> None:
    assert clock(NOW_S + later_s, NOW_S) == told


@pytest.mark.parametrize("now", ["2026-03-28 23:30", "2026-10-25 00:30"])
@pytest.mark.usefixtures("berlin")
def test_tomorrow_is_told_so_where_the_clock_is_changed(now: str) -> None:
    then = dt.datetime.fromisoformat(now)
    morning = dt.datetime.combine(then.date() + dt.timedelta(days=1), dt.time(6))
    assert clock(morning.timestamp(), then.timestamp()) == "tomorrow 06:00"
