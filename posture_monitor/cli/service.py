"""``start``, ``stop``, ``status`` and their kin: the monitor in the background."""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from posture_monitor.cli import kit
from posture_monitor.cli.kit import Command, console, example, source_option
from posture_monitor.errors import UserError

if TYPE_CHECKING:
    from posture_monitor.service.status import Status

#: Exit status of `status` when nothing runs, as service managers have it.
NOT_RUNNING = 3
#: `status --watch` looks this often.
WATCH_S = 1.0
#: The monitor carries a command out between two looks of the eye, which may take a moment.
COMMAND_S = 8.0
#: What a snooze lasts unless told otherwise.
SNOOZE = "15m"


def _what_is_watched(command: kit.F) -> kit.F:
    """Give a command the options that are handed on to the monitor."""
    return source_option(kit.profile_option(kit.config_file_option(command)))


@click.command(cls=Command, epilog=example("start", "start --source /dev/video2 --profile office"))
@_what_is_watched
def start(source: str | None, profile: str | None, config: Path | None) -> None:
    """Watch in the background, also when this terminal is closed."""
    from posture_monitor.service import background

    started = background.start(config, source, profile)
    if started.new:
        click.echo(f"Started (process {started.pid}); `posture-monitor status` shows how it goes.")
    else:
        asked = "; `restart` takes what was asked for now" if source or profile or config else ""
        click.echo(f"It is running already (process {started.pid}){asked}.")


@click.command(cls=Command, epilog=example("stop"))
def stop() -> None:
    """Stop the monitor: nothing is watched then."""
    from posture_monitor.service import background

    pid = background.stop()
    click.echo("It is not running." if pid is None else f"Stopped (process {pid}).")


@click.command(cls=Command, epilog=example("restart", "restart --profile office"))
@_what_is_watched
def restart(source: str | None, profile: str | None, config: Path | None) -> None:
    """Stop the monitor and start it again.

    With the same source, profile and settings, except for what you give here.
    """
    from posture_monitor.service import background

    pid = background.restart(config, source, profile).pid
    click.echo(f"Started afresh (process {pid}).")


@click.command(cls=Command, epilog=example("status", "status --watch", "status --json"))
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for other programs.")
@click.option("--watch", is_flag=True, help="Keep showing it until Ctrl-C; into a pipe, one line per change.")
@click.pass_context
def status(context: click.Context, as_json: bool, watch: bool) -> None:
    """Show what the monitor sees and does right now.

    Exits with status 3 when no monitor runs.
    """
    from posture_monitor.service.control import NotRunning

    if watch:
        _watch(as_json)
    try:
        told = _status()
    except NotRunning as error:
        click.echo(_json(error) if as_json else error)
        context.exit(NOT_RUNNING)
    if as_json:
        click.echo(_json(told))
    elif sys.stdout.isatty():
        from posture_monitor.service.status_drawn import shown

        console().print(shown(told, time.time()))
    else:
        from posture_monitor.service.status_text import plain

        click.echo(plain(told, time.time()))


@click.command(cls=Command, epilog=example("pause", "pause 1h", "pause until 14:00", "pause until tomorrow"))
@click.argument("when", nargs=-1)
def pause(when: tuple[str, ...]) -> None:
    """Close the camera: for a while, until a time, or until `resume`."""
    from posture_monitor.service.control import ask

    end = _end(when) if when else None
    ask("pause", COMMAND_S, until_s=None if end is None else end.timestamp())
    until = "until you resume" if end is None else f"until {_clock(end)}"
    click.echo(f"Paused {until}; the camera is off.")


@click.command(cls=Command, epilog=example("resume"))
def resume() -> None:
    """End a pause and a snooze."""
    from posture_monitor.service.control import ask

    still = ask("resume", COMMAND_S).get("still")
    click.echo(f"The pause is over, but the camera stays off: {still}." if still else "Resumed.")


@click.command(cls=Command, epilog=example("snooze", "snooze 30m", "snooze until 14:00"))
@click.argument("when", nargs=-1)
def snooze(when: tuple[str, ...]) -> None:
    """Hold reminders back for a while; measuring goes on.

    For 15 minutes by default.
    """
    from posture_monitor.service.control import ask

    now = dt.datetime.now()
    end = _end(when or (SNOOZE,), now)
    ask("snooze", COMMAND_S, seconds=end.timestamp() - now.timestamp())
    click.echo(f"No reminders until {_clock(end)}; measuring goes on.")


@click.command(cls=Command, epilog=example("logs", "logs --lines 200", "logs -f"))
@click.option("-f", "--follow", is_flag=True, help="Keep showing what is added, until Ctrl-C.")
@click.option(
    "--lines",
    type=click.IntRange(0),
    metavar="N",
    default=50,
    show_default=True,
    help="How many lines to show.",
)
def logs(follow: bool, lines: int) -> None:
    """Show the log of the monitor in the background.

    Times are UTC.
    """
    from posture_monitor.service import logs as log

    shown = log.last(lines)
    if not shown and lines and not follow:
        click.echo("Nothing has been logged yet.")
    for line in shown:
        click.echo(line)
    if follow:
        for line in log.follow():
            click.echo(line)


def _end(when: tuple[str, ...], now: dt.datetime | None = None) -> dt.datetime:
    from posture_monitor.until import parse_until

    return parse_until(" ".join(when), now or dt.datetime.now())


def _clock(moment: dt.datetime) -> str:
    from posture_monitor.service.status import clock

    return clock(moment.timestamp(), time.time())


def _status() -> Status:
    from posture_monitor.service import lock
    from posture_monitor.service.control import NotRunning, ask
    from posture_monitor.service.status import Status

    try:
        return Status.from_json(ask("status"))
    except NotRunning:
        running = lock.holder()
        if running is None:
            raise
        raise UserError(
            f"process {running.pid} is starting or ending, and does not answer; try again in a moment"
        ) from None


def _json(told: Status | UserError, indent: int | None = 2) -> str:
    """Return a status, or why there is none, as JSON."""
    import json

    from posture_monitor.service.control import NotRunning

    if isinstance(told, NotRunning):
        plain = {"version": 1, "activity": "stopped"}
    elif isinstance(told, UserError):
        plain = {"version": 1, "activity": "not answering", "why": str(told)}
    else:
        plain = told.to_json()
    return json.dumps(plain, ensure_ascii=False, indent=indent)


def _watch(as_json: bool) -> NoReturn:
    """Go on showing the status; a monitor that ends or is not there yet is waited for."""
    if as_json or not console().is_interactive:
        _tell_changes(as_json)
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    from posture_monitor.service.status_drawn import shown

    with Live(console=console(), auto_refresh=False) as live:
        while True:
            try:
                drawn: Group | Text = shown(_status(), time.time())
            except UserError as error:
                drawn = Text(str(error))
            # A line of its own for the ^C that a terminal writes: beside a full one it would begin another.
            live.update(Group(drawn, ""), refresh=True)
            time.sleep(WATCH_S)


def _tell_changes(as_json: bool) -> NoReturn:
    """Write a line for each change; as JSON, one for each look."""
    before = ""
    while True:
        line = _told_now(as_json)
        if as_json:
            click.echo(line)
        elif line != before:
            click.echo(f"{time.strftime('%H:%M:%S')}  {line}")
        before = line
        time.sleep(WATCH_S)


def _told_now(as_json: bool) -> str:
    from posture_monitor.service.status_text import headline

    try:
        told = _status()
    except UserError as error:
        return _json(error, None) if as_json else str(error)
    return _json(told, None) if as_json else headline(told, time.time(), held=False).plain
