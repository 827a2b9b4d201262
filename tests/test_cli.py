"""The command line: quick help with examples, one line for every error, a clean end."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from program import ROOT, loaded, noon, program, started
from recording_maker import recorded
from rig import Pose
from typed import done, refused, typed

from posture_monitor import __version__
from posture_monitor.cli import cli, kit
from posture_monitor.cli.errors import Root
from posture_monitor.errors import UserError

pytestmark = pytest.mark.usefixtures("home")


def commands(command: click.Command = cli, name: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield name
    if isinstance(command, click.Group):
        context = click.Context(command)
        for word in command.list_commands(context):
            inner = command.get_command(context, word)
            assert inner is not None
            yield from commands(inner, (*name, word))


def test_the_commands_of_the_main_job_are_there() -> None:
    names = {" ".join(name) for name in commands()}
    assert {"demo", "run", "calibrate", "analyze", "report", "doctor", "stretch"} <= names
    assert {"profiles list", "profiles show", "data path", "config path", "config show"} <= names


def test_no_summary_of_a_command_is_cut_off_at_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    groups = {name[:-1] for name in commands()}
    for group in groups:
        assert "..." not in done(*group, "--help").partition("Commands:")[2], group


@pytest.mark.parametrize("name", list(commands()), ids=" ".join)
def test_every_help_shows_an_example_that_the_command_understands(name: tuple[str, ...]) -> None:
    _, _, examples = done(*name, "--help").partition("Example:\n")
    lines = [line.split() for line in examples.splitlines() if line.strip()]
    assert lines
    for words in lines:
        assert words[: 1 + len(name)] == ["posture-monitor", *name]
        # The options named must exist: with --help at the end nothing is done, only understood.
        done(*words[1:], "--help")


def test_an_unknown_option_in_an_example_would_be_noticed() -> None:
    assert typed("run", "--sorce", "0", "--help").exit_code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"], ["data", "path"]])
def test_help_imports_nothing_heavy(home: Path, arguments: list[str]) -> None:
    heavy = ("cv2", "mediapipe", "numpy", "pydantic", "matplotlib", "rich", "sqlite3", "tomlkit")
    assert loaded(*arguments, home=home, of=heavy) == set()


def test_version() -> None:
    assert done("--version") == f"posture-monitor {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("run --config nowhere.toml", "cannot read the config nowhere.toml: No such file or directory"),
        ("calibrate --seconds soon", "--seconds 'soon' is not a duration; write it like 18s, 1.5m or 20"),
        ("calibrate --seconds 0", "--seconds '0' is not a duration"),
        ("calibrate --profile a/b", "--profile 'a/b' cannot name a profile; use letters, digits"),
        (
            "calibrate --profile mine.toml",
            "--profile 'mine.toml': give a name to keep it under, without .toml",
        ),
        (
            "run --started-at yesterday",
            "--started-at 'yesterday' is not a time; write it like 2026-03-02T09:00",
        ),
        ("run --started-at 2026-02-30T09:00", "--started-at '2026-02-30T09:00' is not a time"),
        ("run --profile ../etc", "--profile '../etc' cannot name a profile"),
        (
            "calibrate --profile aux",
            "--profile 'aux' cannot name a profile; use a name that Windows does not",
        ),
        ("profiles show ../etc", "PROFILE '../etc' cannot name a profile"),
        (
            "analyze clip.mp4",
            "analyze needs exactly one of --profile, --calibrate-first and --calibrate-frames",
        ),
        ("analyze clip.mp4 --profile p --calibrate-first 9s", "analyze needs exactly one of"),
    ],
)
def test_an_error_is_one_line_and_status_2(arguments: str, line: str) -> None:
    assert refused(*arguments.split()).startswith(line)


@pytest.mark.parametrize("arguments", ["-v run --profile ../etc", "run -v --profile ../etc"])
def test_verbose_shows_the_traceback_and_then_the_line(home: Path, arguments: str) -> None:
    failed = program(*arguments.split(), home=home)
    assert failed.returncode == 2
    assert failed.stderr.startswith("Traceback (most recent call last):")
    assert failed.stderr.splitlines()[-1].startswith("posture-monitor: --profile '../etc' cannot name")


def test_misuse_is_status_2() -> None:
    misused = typed("run", "--sorce", "0")
    assert misused.exit_code == 2
    assert "--source" in misused.stderr


def test_a_file_that_the_machine_refuses_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "nowhere" / "day.txt"
    assert refused("report", "-o", file) == f"{file}: No such file or directory"


@pytest.mark.parametrize("command", ["start", "restart", "report -o page.html --format html"])
def test_in_a_folder_that_was_deleted_it_says_so(tmp_path: Path, command: str) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    ended = subprocess.run(
        ["sh", "-c", f'rmdir "$0" && exec "$1" -m posture_monitor {command}', gone, sys.executable],
        cwd=gone,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert ended.stderr == (
        "posture-monitor: the folder you are in was deleted; go to another one and try again\n"
    )


def test_a_reader_that_leaves_early_is_no_error() -> None:
    ended = subprocess.run(
        ["bash", "-c", '"$0" -m posture_monitor config show | head -n 1', sys.executable],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.stdout.startswith("# posture-monitor")
    assert ended.stderr == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["--help", "--version", "run --help", "config show", "report"])
def test_output_that_has_no_room_is_one_line_and_status_2(command: str) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "posture_monitor", *command.split()],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == 2
    assert ended.stderr == "posture-monitor: cannot write: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("more", [[], ["-v"]])
def test_an_error_that_has_no_room_is_still_status_2(more: list[str]) -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "posture_monitor", "run", *more, "--profile", "../etc"],
            cwd=ROOT,
            stdout=full,
            stderr=full,
            env=os.environ | {"PYTHONUNBUFFERED": ""},  # what is kept back is to be written in the end
        )
    assert ended.returncode == 2


@pytest.fixture
def sitting(tmp_path: Path) -> Path:
    return recorded(tmp_path / "table.npz", (Pose(), 100), fps=2)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_the_characters_shows_a_question_mark(
    home: Path, sitting: Path, encoding: str
) -> None:
    ended = program("run", "--source", sitting, home=home, PYTHONIOENCODING=encoding)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.search(r"\d\d:\d\d:\d\d  \? good", ended.stdout)


@pytest.mark.parametrize(
    ("terminal", "told"), [(True, "Move\n  your arms\n  so\n\n"), (False, "Move\n  your arms so\n\n")]
)
def test_a_narrow_terminal_breaks_no_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool, told: str
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "13")
    kit.say("Move\n  your arms so\n\n")
    assert capsys.readouterr().out == told


def test_ctrl_c_outside_a_run_is_quiet_and_says_130() -> None:
    @click.group(cls=Root)
    def group() -> None: ...

    @group.command()
    def slow() -> None:
        raise KeyboardInterrupt

    ended = CliRunner().invoke(group, ["slow"])
    assert ended.exit_code == 130
    assert ended.output == ""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_ends_well_and_keeps_what_it_saw(
    home: Path, sitting: Path, how: signal.Signals
) -> None:
    began_s, zone = time.time(), noon()
    running = started("run", "--realtime", "--source", sitting, home=home, TZ=zone)
    assert running.stdout is not None
    # The state is told with the first reading: from then on there is something to lose.
    for line in running.stdout:
        if re.match(r"\d\d:\d\d:\d\d", line):
            break
    time.sleep(1.2)
    asked_s = time.time()
    running.send_signal(how)
    printed, errors = running.communicate(timeout=20)
    assert (running.returncode, errors) == (0, "")
    assert re.search(r"\d+ pictures: .*0 reminders\.", printed)
    day = json.loads(program("report", "--format", "json", home=home, TZ=zone).stdout)
    # The last reading speaks on for a moment.
    assert 0.5 <= day["recorded_s"] <= asked_s - began_s + 0.5
    assert datetime.fromisoformat(day["spans"][-1]["end"]).timestamp() == pytest.approx(asked_s, abs=1.5)
    assert {span["state"] for span in day["spans"]} <= {"good", "unknown"}


def test_a_fault_in_the_program_is_not_dressed_up_as_the_users() -> None:
    @click.group(cls=Root)
    def group() -> None: ...

    @group.command()
    def faulty() -> None:
        raise ZeroDivisionError

    assert isinstance(CliRunner().invoke(group, ["faulty"]).exception, ZeroDivisionError)


OPTION = click.Option(["--for"])


@pytest.mark.parametrize(
    ("text", "seconds"), [("18s", 18), ("20", 20), ("1.5m", 90), ("2 min", 120), ("1h", 3600), (".5", 0.5)]
)
def test_durations(text: str, seconds: float) -> None:
    assert kit.duration(click.Context(cli), OPTION, text) == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-3", "3x", "nan", "inf", "1e3", "s", "1,5m", "9" * 400])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UserError, match=r"--for .* is not a duration"):
        kit.duration(click.Context(cli), OPTION, text)


@pytest.mark.parametrize(
    ("text", "posix_s"),
    [
        ("2026-03-02T09:00", 1772438400.0),
        ("2026-03-02T09:00Z", 1772442000.0),
        ("2026-03-02T09:00+01:00", 1772438400.0),
        ("2026-03-02 09:00:00.500+01:00", 1772438400.5),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_moments(text: str, posix_s: float) -> None:
    assert kit.moment(click.Context(cli), OPTION, text) == posix_s


@pytest.mark.parametrize(
    "text", ["", "now", "09:00", "2026-13-01", "2026-03-02T25:00", "1772438400", "9999999"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(UserError, match=r"--for .* is not a time"):
        kit.moment(click.Context(cli), OPTION, text)


def test_the_name_of_a_file_is_printed_as_it_is() -> None:
    out = io.StringIO()
    kit.console(file=out).print("Kept as w[/b]/[red]/:dog:.toml")
    assert out.getvalue() == "Kept as w[/b]/[red]/:dog:.toml\n"
