"""What all commands share: their help, their options' types, and the questions they ask.

Nothing here imports more than click and the standard library, so that
``--help`` answers at once.
"""

from __future__ import annotations

import functools
import logging
import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from posture_monitor import paths, profile_name
from posture_monitor.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config

F = TypeVar("F", bound=Callable[..., Any])

#: Where a command's context keeps the file given with ``--config``, or None.
CONFIG_FILE = "posture_monitor.config"

#: Where that of the whole command line keeps that ``-v`` was given.
VERBOSE = "posture_monitor.verbose"


def example(*lines: str) -> str:
    """Return an epilog that shows how a command is used, each line as it would be typed."""
    return "\b\nExample:\n" + "\n".join(f"  posture-monitor {line}" for line in lines)


def _be_verbose(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.find_root().meta[VERBOSE] = True
        logging.basicConfig(format="%(name)s: %(message)s")
        logging.getLogger("posture_monitor").setLevel(logging.DEBUG)


_verbose_option = click.option(
    "-v",
    "--verbose",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_be_verbose,
    help="Say more, and show the traceback of an error.",
)


class Command(click.Command):
    """A command that knows ``-v`` too, so that it may stand where it comes to mind."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        _verbose_option(self)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command, if the user's files have a place."""
        paths.check_folders()
        return super().invoke(ctx)


class Group(click.Group):
    """A group of commands that knows ``-v`` as well."""

    command_class = Command

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        _verbose_option(self)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a newcomer needs them."""
        return list(self.commands)


def duration(_context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read a duration, written ``18s``, ``1.5m``, ``2h`` or plain ``20``; return seconds, above 0."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d{1,9}(?:\.\d*)?|\.\d+)\s*(s|m|min|h)?", value.strip())
    seconds = float(match[1]) * {"m": 60, "min": 60, "h": 3600}.get(match[2], 1) if match else 0.0
    if seconds <= 0:
        raise UserError(f"{_name(parameter)} {value!r} is not a duration; write it like 18s, 1.5m or 20")
    return seconds


def moment(_context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read a time in ISO 8601, local unless it carries an offset; return POSIX seconds (UTC)."""
    if value is None:
        return None
    from posture_monitor.history.timeline import YEARS

    try:
        # Python 3.10 does not read the Z of UTC.
        wanted = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", value.strip()))
        if wanted.year not in YEARS:
            raise ValueError
        return wanted.timestamp()
    except (ValueError, OverflowError, OSError):
        raise UserError(
            f"{_name(parameter)} {value!r} is not a time; "
            "write it like 2026-03-02T09:00 (local) or 2026-03-02T09:00+01:00"
        ) from None


def profile(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Let through the name of a profile, or the path of a ``.toml`` file."""
    if value is None or profile_name.is_path(value):
        return value
    return _named(parameter, value, ", or the path of a .toml file")


def new_profile(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Let through the name of a profile that is to be written; a path will not do."""
    if value is None:
        return None
    if value.endswith(".toml"):
        raise UserError(f"{_name(parameter)} {value!r}: give a name to keep it under, without .toml")
    return _named(parameter, value)


def _named(parameter: click.Parameter, name: str, otherwise: str = "") -> str:
    if why := profile_name.objection(name):
        raise UserError(f"{_name(parameter)} {name!r} cannot name a profile; {why}{otherwise}")
    return name


def _name(parameter: click.Parameter) -> str:
    return parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name


def _load(context: click.Context, _parameter: click.Parameter, value: Path | None) -> Config | None:
    context.meta[CONFIG_FILE] = value
    if context.resilient_parsing:  # a shell asks for completions
        return None
    from posture_monitor.config import load_config
    from posture_monitor.telling import language

    config = load_config(value)
    language.use(config.language)
    return config


def _not_empty(_context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """Let through what says something: an empty variable of a script must not become the default."""
    if value == "":
        raise UserError(
            f"{_name(parameter)} '': it must not be empty; leave it out for what the settings say"
        )
    return value


#: Makes ``--config FILE``.
config_file = functools.partial(
    click.option,
    "--config",
    type=click.Path(path_type=Path),
    help="Settings to use instead of your own file.",
    metavar="FILE",
)

#: Gives a command the checked `config`, and has it speak its language.
config_option = config_file(callback=_load)

#: Gives a command the path of other settings, and reads nothing.
config_file_option = config_file()

source_option = click.option(
    "--source",
    callback=_not_empty,
    metavar="S",
    help="Camera number, /dev/videoN, video file, image folder, stream URL, landmark table or 'demo'; "
    "default: the settings' camera.source.",
)

#: For what a command judges against.
profile_option = click.option(
    "--profile",
    callback=profile,
    metavar="P",
    help="Name or .toml file of the profile to judge against; default: that of the "
    "camera in use, else the settings' profile.name.",
)

output_option = click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to this file instead of the screen.",
)

yes_option = click.option("--yes", is_flag=True, help="Do it without asking.")


def playback_options(command: F) -> F:
    """Give a command ``--started-at`` and ``--realtime``, which say how a recording is played."""
    started = click.option(
        "--started-at",
        callback=moment,
        metavar="TIME",
        help="When a recording began, such as 2026-03-02T09:00; default: so that it ends now.",
    )
    realtime = click.option(
        "--realtime", is_flag=True, help="Play a recording at its own pace instead of as fast as possible."
    )
    return started(realtime(command))


def confirmed(question: str, yes: bool) -> bool:
    """Return whether the user wants it; nobody there to ask is an error, not a yes."""
    if yes:
        return True
    try:
        return click.confirm(question)
    except click.Abort as nobody:
        raise _unanswered(nobody, "say --yes to do it without asking") from None


def forget_typed() -> None:
    """Forget what was typed while nothing was asked, so that it answers no question to come."""
    if sys.stdin is None or not sys.stdin.isatty():
        return
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        import termios

        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def answered(question: str, option: str, **settings: Any) -> Any:
    """Return the user's answer to a question that `option` would have answered as well."""
    try:
        return click.prompt(question, **settings)
    except click.Abort as nobody:
        raise _unanswered(nobody, f"give {option}") from None


def _unanswered(nobody: click.Abort, way_out: str) -> BaseException:
    click.echo()  # the question has left its line open
    # Click makes the same of Ctrl-C and of the end of the input.
    if isinstance(nobody.__context__, KeyboardInterrupt):
        return KeyboardInterrupt()
    return UserError(f"there is nobody to ask; {way_out}")


def say(text: str) -> None:
    """Print lines; a terminal breaks them between words, and what goes on stays under its beginning."""
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        click.echo(textwrap.fill(line, columns(), subsequent_indent=indent, break_on_hyphens=False))


def columns() -> int:
    """Return how many letters a line may have: as many as a terminal shows, and elsewhere any number."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def console(*, stderr: bool = False, file: TextIO | None = None, quiet: bool = False) -> Console:
    """Return a console that prints text as it is given: the name of a file may hold ``[`` and ``:``."""
    from rich.console import Console

    return Console(stderr=stderr, file=file, quiet=quiet, highlight=False, markup=False, emoji=False)
