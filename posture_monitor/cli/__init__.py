"""The command line: each command is one call into the module that does the work."""

from __future__ import annotations

import io
import sys

import click

from posture_monitor import __version__, hardening
from posture_monitor.cli import (
    analyze,
    autostart,
    config,
    data,
    doctor,
    log,
    profiles,
    replay,
    report,
    service,
    stretch,
    watch,
    windows,
)
from posture_monitor.cli.kit import Group, example


@click.group(cls=Group, invoke_without_command=True, epilog=example("demo", "calibrate", "run"))
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """Watch your sitting posture through your own webcam, on your own machine.

    Without a command it sets everything up the first time, and later says how
    things stand.
    """
    if context.invoked_subcommand is None:
        from posture_monitor.cli.first_run import bare

        bare(context)


for command in (
    watch.demo,
    watch.calibrate,
    watch.run,
    service.start,
    service.stop,
    service.restart,
    service.status,
    service.pause,
    service.resume,
    service.snooze,
    service.logs,
    windows.preview,
    windows.tray,
    autostart.autostart,
    report.report,
    replay.replay,
    log.log,
    analyze.analyze,
    stretch.stretch,
    profiles.profiles,
    doctor.doctor,
    data.data,
    config.config,
):
    cli.add_command(command)


def main() -> None:
    """Run the command line and leave with its status."""
    hardening.forbid_core_dumps()
    # A terminal or pipe that has no ● and no ° gets a ? for it.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    cli(prog_name="posture-monitor")
