"""The command line: each command is one call into the module that does the work."""

from __future__ import annotations

import io
import sys
from importlib import import_module
from typing import Final

import click

from posture_monitor import __version__, children, hardening
from posture_monitor.cli.errors import Root
from posture_monitor.cli.kit import example

#: The commands in the order in which a newcomer needs them, and the module of each.
COMMANDS: Final = {
    "demo": "watch",
    "calibrate": "watch",
    "run": "watch",
    "start": "service",
    "stop": "service",
    "restart": "service",
    "status": "service",
    "pause": "service",
    "resume": "service",
    "snooze": "service",
    "logs": "service",
    "preview": "windows",
    "tray": "windows",
    "autostart": "autostart",
    "report": "report",
    "replay": "replay",
    "log": "log",
    "analyze": "analyze",
    "stretch": "stretch",
    "profiles": "profiles",
    "doctor": "doctor",
    "data": "data",
    "config": "config",
}


class Program(Root):
    """All commands; the module of one is loaded when that one is meant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{COMMANDS[cmd_name]}"), cmd_name)
        return command


@click.group(cls=Program, invoke_without_command=True, epilog=example("demo", "calibrate", "start"))
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Watch your sitting posture through your own webcam, on your own machine.

    Without a command it sets everything up the first time, and later shows the
    status.
    """
    if context.invoked_subcommand is None:
        from posture_monitor.cli.first_run import bare

        bare(context)


def main() -> None:
    """Run the command line and leave with its status."""
    hardening.forbid_core_dumps()
    children.take_over()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Windows would write its old 8-bit code into a pipe or file, in which JSON is none.
            told = "utf-8" if sys.platform == "win32" and not stream.isatty() else None
            # A terminal that has no ● and no ° gets a ? for it.
            stream.reconfigure(encoding=told, errors="replace")
    cli(prog_name="posture-monitor")
