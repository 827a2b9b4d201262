"""The bare command: help into a pipe, the first run on a terminal, afterwards how things stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from program import fresh_home
from terminal import Terminal

from posture_monitor import paths
from posture_monitor.cli import cli
from posture_monitor.cli.first_run import configured
from posture_monitor.config import load_config
from posture_monitor.service.settings import write_setting


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    if list(Path("/dev").glob("video*")):
        pytest.skip("there is a camera here; the first run would ask for it")
    opened = Terminal(home)
    yield opened
    opened.close()


@pytest.mark.usefixtures("home")
def test_into_a_pipe_it_prints_help_before_anything_is_set_up() -> None:
    done = CliRunner().invoke(cli, [])
    assert done.exit_code == 0
    assert "Usage:" in done.output
    assert "calibrate" in done.output


@pytest.mark.usefixtures("home")
def test_the_demonstration_alone_sets_nothing_up(home: Path) -> None:
    profiles = paths.profiles_dir()
    profiles.mkdir(parents=True)
    (profiles / "demo.toml").touch()
    assert not configured()
    (profiles / "default.toml").touch()
    assert configured()


@pytest.mark.usefixtures("home")
def test_configured_it_says_how_things_stand_and_three_commands() -> None:
    write_setting(paths.config_file(), "alert", "preset", "strict")
    done = CliRunner().invoke(cli, [])
    assert done.exit_code == 0
    assert "not running" in done.output
    assert len(re.findall(r"^  posture-monitor \w+", done.output, re.M)) == 3


def test_every_step_is_asked_and_what_is_answered_is_written(terminal: Terminal, home: Path) -> None:
    terminal.answer("demonstration instead?", "n")
    terminal.wait_for("2. How soon")
    terminal.answer("Sensitivity [balanced]:", "gentle")
    assert terminal.end() == 0
    assert "next login" not in terminal.screen, "what cannot watch yet is not started with the desktop"
    assert "posture-monitor start" in terminal.screen
    assert load_config(home / "config.toml").alert.preset == "gentle"


def test_leaving_half_way_keeps_what_was_answered_and_asks_no_more(terminal: Terminal, home: Path) -> None:
    terminal.answer("demonstration instead?", "n")
    terminal.wait_for("Sensitivity")
    terminal.interrupt()
    assert terminal.end() == 0
    assert "Left there" in terminal.screen
    again = Terminal(home)
    try:
        again.wait_for("posture-monitor start")
        assert "Welcome" not in again.screen
    finally:
        again.close()


def test_the_watched_status_leaves_a_line_to_the_ctrl_c_that_ends_it(home: Path) -> None:
    shown = Terminal(home, "status", "--watch")
    try:
        shown.wait_for("`posture-monitor start` starts it\n")
        shown.interrupt()
        assert shown.end() == 130
    finally:
        shown.close()


def test_a_terminal_on_which_nothing_can_be_drawn_over_is_told_line_by_line(home: Path) -> None:
    shown = Terminal(home, "status", "--watch", term="dumb")
    try:
        shown.wait_for("not running")  # at once, and not when it is left
        assert shown.process.poll() is None
        shown.interrupt()
        assert shown.end() == 130
    finally:
        shown.close()


@pytest.mark.slow
def test_where_nothing_can_be_drawn_over_it_is_calibrated_all_the_same(home: Path) -> None:
    shown = Terminal(
        fresh_home(home), "calibrate", "--source", "demo", "--realtime", "--seconds", "3", term="dumb"
    )
    try:
        assert shown.end() == 0
    finally:
        shown.close()
    assert (home / "profiles" / "default.toml").is_file()


@pytest.mark.slow
@pytest.mark.data
def test_the_terminal_leads_through_a_calibration(home: Path, shared_data: Path) -> None:
    fresh_home(home)
    clip = shared_data / "front" / "front_bright.avi"
    arguments = ("--source", str(clip), "--realtime", "--seconds", "3", "--profile", "desk", "--no-window")
    shown = Terminal(home, "calibrate", *arguments)
    try:
        shown.wait_for("Hips hidden, that is fine", 90)
        shown.wait_for("Learning")
        shown.answer("Keep this? [Y/n]:", "")
        shown.wait_for("Kept as")
        shown.answer("usual slouch", "n")
        shown.answer("looking down", "n")
        assert shown.end() == 0
        assert (home / "profiles" / "desk.toml").is_file()
    finally:
        shown.close()
