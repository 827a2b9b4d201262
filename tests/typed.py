"""Commands as they are typed, in this process: the same, without the time in which libraries are loaded."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from posture_monitor.cli import cli


def typed(*words: str | Path, answers: str | None = None) -> Result:
    """Run a command to its end, with these lines typed where it asks."""
    return CliRunner().invoke(cli, list(map(str, words)), input=answers, prog_name="posture-monitor")


def done(*words: str | Path, answers: str | None = None) -> str:
    """Run a command that must do well, and return what it printed."""
    ended = typed(*words, answers=answers)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def refused(*words: str | Path, answers: str | None = None) -> str:
    """Run a command that must fail with status 2 and one line, and return that line."""
    ended = typed(*words, answers=answers)
    assert ended.exit_code == 2, ended.output
    assert ended.stderr.startswith("posture-monitor: ")
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr.removeprefix("posture-monitor: ").rstrip("\n")
