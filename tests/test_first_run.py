"""The bare command: help into a pipe, the first run on a terminal, afterwards how things stand."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from program import fresh_home

from posture_monitor import paths
from posture_monitor.cli import cli
from posture_monitor.cli.first_run import configured
from posture_monitor.config import load_config
from posture_monitor.service.settings import write_setting


class Terminal:
    """The program on a terminal of its own, answered as somebody would."""

    def __init__(self, home: Path, *arguments: str, term: str = "xterm") -> None:
        self.screen = ""
        environment = {
            **os.environ,
            "POSTURE_MONITOR_HOME": str(home),
            "TERM": term,
            "COLUMNS": "100",
            "LINES": "40",
        }
        environment.pop("DISPLAY", None)
        environment.pop("WAYLAND_DISPLAY", None)
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "posture_monitor", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
            # A test run in a shell's background would hand down that Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        os.close(theirs)

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        """Read until `text` is there."""
        until = time.monotonic() + seconds
        while text not in self.screen:
            assert time.monotonic() < until, f"no {text!r} in:\n{self.screen}"
            if not self._read():
                assert text in self.screen, f"no {text!r} in:\n{self.screen}"

    def _read(self) -> bool:
        if not select.select([self.ours], [], [], 0.2)[0]:
            return True
        try:
            more = os.read(self.ours, 65536)
        except OSError:  # it has ended
            return False
        self.screen += more.decode(errors="replace").replace("\r\n", "\n")
        return bool(more)

    def answer(self, question: str, text: str = "") -> None:
        self.wait_for(question)
        self.screen = self.screen.partition(question)[2]
        os.write(self.ours, f"{text}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, no sooner than anybody can: what comes before it waits for a key, readline misses."""
        time.sleep(0.3)
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """Read to the end, and return the status."""
        until = time.monotonic() + 30
        while self._read() and time.monotonic() < until:
            if self.process.poll() is not None and not select.select([self.ours], [], [], 0.1)[0]:
                break
        return self.process.wait(timeout=20)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.ours)


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
