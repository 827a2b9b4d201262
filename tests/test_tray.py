"""The tray icon: its marks, its words, its menu, and all of it in a real tray."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
import pytest
import qt
from desktop import virtual_display
from PySide6.QtGui import QColor, QImage

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.history.records import STATES
from posture_monitor.service import glance
from posture_monitor.service.control_server import Server
from posture_monitor.service.status import Angle, Camera, InUse, Status, Today
from posture_monitor.windows import icons
from posture_monitor.windows import tray as tray_module
from posture_monitor.windows.tray import Line, Tray, tomorrow_s

SLUMPED = Status(
    activity="watching",
    state="poor",
    driver="head_height",
    held_s=240.0,
    preset="balanced",
    angles=(
        Angle("shoulder_tilt", "shoulder tilt", "°", 2.0, -1.0),
        Angle("head_height", "head height", "cm", 15.1, -21.0),
    ),
    today=Today(present_s=7200, judged_s=6000, good_s=4500, poor_s=600, alerts=1, coverage=0.83),
)


class Monitor:
    """Answers as the monitor does, from what the test puts there."""

    def __init__(self) -> None:
        self.status = SLUMPED
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def handle(self, do: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if do == "status":
            return self.status.to_json()
        self.asked.append((do, dict(args)))
        if do == "reanchor":
            raise UserError("nobody is seen at the moment")
        return {}


@pytest.fixture
def monitor(home: Path) -> Iterator[Monitor]:
    stand_in = Monitor()
    with listening(stand_in):
        yield stand_in


@contextlib.contextmanager
def listening(monitor: Monitor) -> Iterator[Server]:
    paths.make_private(paths.control_socket().parent)
    with Server(paths.control_socket(), monitor.handle) as server:
        yield server


@pytest.fixture
def tray(monitor: Monitor) -> Iterator[Tray]:
    qt.application()
    line = Line(every_s=0.05, first_s=0.0)
    made = Tray(line)
    line.start()
    qt.wait_for(lambda: made.status is not None)
    yield made
    line.close()


def opacity(state: str, size: int) -> npt.NDArray[np.float64]:
    image = icons.icon(state).pixmap(size, size).toImage()
    assert (image.width(), image.height()) == (size, size)
    return np.array([[image.pixelColor(x, y).alphaF() for x in range(size)] for y in range(size)])


def luminance(colour: str) -> float:
    rgb = np.array(QColor(colour).getRgbF()[:3])
    return float(
        np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ (0.2126, 0.7152, 0.0722)
    )


@pytest.mark.parametrize("size", [16, 22, 32, 48])
def test_each_state_has_a_shape_of_its_own(size: int) -> None:
    qt.application()
    shapes = {state: opacity(state, size) for state in STATES}
    for one, other in itertools.combinations(STATES, 2):
        differs = np.abs(shapes[one] - shapes[other]).sum() / max(shapes[one].sum(), shapes[other].sum())
        assert differs > 0.2, f"{one} and {other} look alike at {size} pixels"


def test_upright_edges_are_sharp_at_small_sizes() -> None:
    qt.application()
    row = opacity("paused", 16)[8]
    assert set(np.round(row, 2)) == {0.0, 1.0}


@pytest.mark.parametrize("panel", ["#ffffff", "#f5f5f5", "#2b2b2b", "#000000"])
def test_marks_stand_out_from_light_and_dark_panels(panel: str) -> None:
    for state in STATES:
        light, dark = sorted((luminance(icons.PANEL[state]), luminance(panel)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3.0, state


def test_the_tooltip_tells_state_angles_and_day() -> None:
    assert glance.tooltip(SLUMPED, time.time()).splitlines() == [
        "Poor for 4 minutes: Head low over the shoulders: 21%",
        "Head height 15.1 cm (−21%), Shoulder tilt 2° (−1°)",
        "Today: 2 hours at the desk, 75% good, 10% poor, 1 reminder",
    ]


def test_the_tooltip_says_why_nothing_is_watched_and_says_it_once() -> None:
    unplugged = Status(activity="trouble", why="plug it in", camera=Camera(trouble="unplugged"))
    assert glance.tooltip(unplugged, time.time()) == "No camera\nPlug it in\nToday: nothing yet"
    paused = replace(SLUMPED, activity="paused", why="paused", today=Today())
    assert glance.tooltip(paused, time.time()) == "Paused\nToday: nothing yet"
    noon_s = dt.datetime(2026, 3, 2, 12).timestamp()
    assert glance.line(replace(paused, until_s=noon_s), noon_s - 3600) == "Paused until 12:00"


def test_the_tooltip_tells_until_when_there_are_no_reminders() -> None:
    noon_s = dt.datetime(2026, 3, 2, 12).timestamp()
    snoozed = replace(SLUMPED, snoozed_until_s=noon_s)
    assert "No reminders until 12:00" in glance.tooltip(snoozed, noon_s - 60).splitlines()
    assert "No reminders" not in glance.tooltip(snoozed, noon_s + 60)


def test_what_was_not_measured_is_not_listed() -> None:
    bare = (
        Angle("trunk_incl", "trunk inclination", "°", 4.0, None),
        Angle("brand_new", "brand new", "°", 40.0, 30.0),
    )
    status = replace(SLUMPED, angles=(*SLUMPED.angles, *bare))
    assert glance.tooltip(status, time.time()) == glance.tooltip(SLUMPED, time.time())
    assert [glance.deviation_text(angle) for angle in bare] == ["", ""]
    assert glance.value_text(Angle("trunk_incl", "trunk inclination", "°")) == ""


def test_of_a_day_hardly_seen_no_shares_are_told() -> None:
    told = glance.today(replace(SLUMPED, today=replace(SLUMPED.today, judged_s=1200, coverage=0.17)))
    assert told == "Today: 2 hours at the desk, 1 reminder"
    begun = replace(SLUMPED.today, present_s=320, judged_s=300, good_s=270, poor_s=30, coverage=0.94)
    assert glance.today(replace(SLUMPED, today=begun)) == "Today: 5 minutes at the desk, 1 reminder"


@pytest.mark.parametrize(
    ("status", "badge", "line"),
    [
        (Status(activity="paused", state="paused"), "paused", "Paused"),
        (Status(activity="locked", state="away"), "paused", "Resting"),
        (Status(activity="busy", state="busy"), "busy", "Camera in use"),
        (Status(activity="trouble", camera=Camera(trouble="unplugged")), "busy", "No camera"),
        (Status(activity="starting"), "unknown", "Starting"),
        (Status(activity="watching", state="unknown", reason="too dark"), "unknown", "Unknown: Too dark"),
        (Status(activity="watching", state="away", held_s=5.0), "away", "Away"),
    ],
)
def test_what_is_not_posture_is_told_first(status: Status, badge: str, line: str) -> None:
    assert (glance.badge(status), glance.line(status, time.time())) == (badge, line)


def test_like_measures_stand_for_one_another() -> None:
    """The driver over minutes need not be among the measures of the moment, where another says the same."""
    status = replace(SLUMPED, driver="ear_height")
    assert glance.why(status) == "Head low over the shoulders: 21%"
    assert [angle.name for angle in glance.listed(status, 6)] == ["head_height", "shoulder_tilt"]
    assert glance.why(replace(status, angles=())) == "Head height over the shoulders"


def test_tomorrow_is_the_next_morning_after_a_night() -> None:
    def ends(*at: int) -> dt.datetime:
        return dt.datetime.fromtimestamp(tomorrow_s(dt.datetime(2026, 3, *at).timestamp()))

    assert ends(2, 15, 30) == dt.datetime(2026, 3, 3, 6)
    assert ends(2, 1, 0) == dt.datetime(2026, 3, 2, 6)
    assert ends(2, 5, 30) == dt.datetime(2026, 3, 3, 6)


def action(tray: Tray, text: str) -> Any:
    for menu in (tray.menu, *(a.menu() for a in tray.menu.actions() if a.menu())):
        for found in menu.actions():
            if found.text().startswith(text):
                return found
    raise AssertionError(f"there is no {text}")


def test_the_menu_commands_the_monitor(tray: Tray, monitor: Monitor) -> None:
    for text in ("Pause for 15", "Pause for an hour", "Pause until tomorrow", "Resume", "Strict", "Quit"):
        action(tray, text).trigger()
    qt.wait_for(lambda: len(monitor.asked) == 6)
    now_s = time.time()
    (quarter, hour, tomorrow), rest = monitor.asked[:3], monitor.asked[3:]
    assert [do for do, _ in (quarter, hour, tomorrow)] == ["pause"] * 3
    assert quarter[1]["until_s"] == pytest.approx(now_s + 900, abs=5)
    assert hour[1]["until_s"] == pytest.approx(now_s + 3600, abs=5)
    assert dt.datetime.fromtimestamp(tomorrow[1]["until_s"]).hour == 6
    assert rest == [("resume", {}), ("preset", {"name": "strict"}), ("stop", {})]


def test_reminders_can_be_held_back_and_let_go_again(tray: Tray) -> None:
    asked: list[tuple[str, dict[str, object]]] = []
    tray.line.command = lambda do, **args: asked.append((do, args))  # type: ignore[method-assign]
    tray.tell(Status(activity="watching", state="good"))
    assert tray.snooze.text() == "No reminders for an hour"
    tray.snooze.trigger()
    tray.tell(Status(activity="watching", state="good", snoozed_until_s=time.time() + 3600))
    assert tray.snooze.text().startswith("Reminders again (none until ")
    tray.snooze.trigger()
    assert asked == [("snooze", {"seconds": 3600.0}), ("snooze", {"seconds": 0.0})]
    tray.tell(Status(activity="paused"))
    assert not tray.snooze.isVisible()


@pytest.mark.usefixtures("berlin")
def test_on_a_journey_the_tray_goes_by_the_clock_there(tray: Tray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")  # not `travel`: it is the tray that is to notice
    tray.tell(SLUMPED)
    assert time.localtime().tm_gmtoff == 5.5 * 3600


def test_what_the_monitor_refuses_is_told(tray: Tray, monitor: Monitor) -> None:
    told: list[str] = []
    tray.line.refused.connect(told.append)
    action(tray, "Set neutral anew").trigger()
    qt.wait_for(lambda: told)
    assert told == ["nobody is seen at the moment"]


def test_the_other_entries_start_commands_of_their_own(tray: Tray, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def begin(command: list[str], **_: Any) -> Any:
        started.append(command[command.index("posture_monitor") + 1 :])
        return mock.MagicMock()

    monkeypatch.setattr(tray_module.subprocess, "Popen", begin)
    tray.tell(replace(SLUMPED, profile=InUse("office", "sitting")))
    for text in ("Calibrate", "Today's report", "Preview"):
        action(tray, text).trigger()
    assert started == [["calibrate", "--profile", "office"], ["report", "today", "--open"], ["preview"]]
    for source, given in (("/dev/video2", ["--source", "/dev/video2"]), ("rtsp://desk/cam", [])):
        tray.tell(replace(SLUMPED, source=source))
        action(tray, "Calibrate").trigger()
        assert started[-1] == ["calibrate", *given]


def test_a_command_that_goes_wrong_is_told(tray: Tray) -> None:
    told: list[str] = []
    tray.line.refused.connect(told.append)
    tray.line.launch("no-such-command")
    qt.wait_for(lambda: told)
    assert "no-such-command" in told[0]


def test_the_menu_follows_the_state(tray: Tray, monitor: Monitor) -> None:
    assert tray.state.text().startswith("Poor for 4 minutes")
    assert [name for name, a in tray.presets.items() if a.isChecked()] == ["balanced"]
    assert not tray.resume.isVisible()
    monitor.status = replace(SLUMPED, activity="paused", state="paused", until_s=None, preset="gentle")
    qt.wait_for(lambda: tray.state.text() == "Paused")
    assert tray.resume.isVisible()
    assert not any(pause.isVisible() for pause in tray.pauses)
    assert [name for name, a in tray.presets.items() if a.isChecked()] == ["gentle"]


def test_it_notices_that_the_monitor_has_gone(home: Path) -> None:
    qt.application()
    gone: list[str] = []
    line = Line(every_s=0.05, first_s=0.0)
    line.gone.connect(gone.append)
    with listening(Monitor()):
        line.start()
        qt.wait_for(lambda: line._until_s == 0.0)
    qt.wait_for(lambda: gone)
    line.close()


# -- a real tray ------------------------------------------------------------------------------------

NEEDED = ("Xvfb", "openbox", "trayer", "import")
TRAYER = "--edge bottom --align right --widthtype pixel --width 160 --heighttype pixel --height 24 --alpha 0"
CODE = (
    "import logging; logging.basicConfig(level=logging.INFO, format='%(message)s');"
    "from posture_monitor.windows.tray import run; run(tray_s={wait})"
)


@contextlib.contextmanager
def screen(*, panel: bool) -> Iterator[dict[str, str]]:
    """Give the environment of a screen of its own, with or without a tray."""
    for tool in NEEDED:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    with contextlib.ExitStack() as stack:

        def start(*command: str, **settings: Any) -> None:
            process = stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **settings)
            )
            stack.callback(process.kill)

        display = virtual_display(stack)
        environment = {**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        for name in ("WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "QT_SCALE_FACTOR"):
            environment.pop(name, None)
        if panel:
            start("openbox", env=environment)
            start("trayer", *TRAYER.split(), "--tint", "0x2b2b2b", "--transparent", "true", env=environment)
        yield environment


def shown(environment: dict[str, str], folder: Path) -> dict[str, int]:
    """Return how many pixels of the screen have the colour of each mark."""
    file = folder / "screen.png"
    subprocess.run(["import", "-window", "root", str(file)], env=environment, check=True, timeout=30)
    image = QImage(str(file)).convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., 2::-1]
    return {
        state: int((np.abs(pixels - np.array(QColor(colour).getRgb()[:3])).max(axis=2) <= 6).sum())
        for state, colour in icons.PANEL.items()
    }


@pytest.mark.slow
@pytest.mark.desktop
def test_a_real_tray_shows_the_state_until_the_monitor_goes(home: Path, tmp_path: Path) -> None:
    qt.application()
    monitor = Monitor()
    with screen(panel=True) as environment, listening(monitor) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", CODE.format(wait=30)], env=environment, stderr=subprocess.PIPE, text=True
        )
        try:
            for state in ("poor", "good", "mild"):
                monitor.status = replace(SLUMPED, state=state)
                # A disc of 22 pixels has about 250 of them.
                qt.wait_for(lambda state=state: shown(environment, tmp_path)[state] > 60, 20)
                others = {s for s, n in shown(environment, tmp_path).items() if n > 20}
                assert others == {state}
            # A second one would be one too many: it leaves at once.
            second = subprocess.run(
                [sys.executable, "-c", CODE.format(wait=30)],
                env=environment, capture_output=True, text=True, timeout=20,
            )  # fmt: skip
            assert (second.returncode, second.stderr.strip()) == (0, "no tray icon: there is one already")
            server.close()
            assert process.wait(15) == 0
            assert process.stderr is not None
            assert process.stderr.read().strip() == "the tray icon goes: the monitor has ended"
        finally:
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.desktop
def test_a_desktop_without_a_tray_loses_nothing(monitor: Monitor) -> None:
    with screen(panel=False) as environment:
        ended = subprocess.run(
            [sys.executable, "-c", CODE.format(wait=2)],
            env=environment, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr.strip()) == (0, "no tray icon: this desktop has no tray")
    assert monitor.asked == []
