"""``doctor``: is everything there that the program needs?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from posture_monitor.cli import kit
from posture_monitor.cli.kit import Command, config_option, console, example, source_option

if TYPE_CHECKING:
    from posture_monitor.config import Config


@click.command(cls=Command, epilog=example("doctor", "doctor --notify", "doctor --look --offline --report"))
@source_option
@click.option("--profile", callback=kit.profile, metavar="P", help="Profile to check.")
@click.option("--notify", is_flag=True, help="Send a notification to see whether it arrives.")
@click.option("--look", is_flag=True, help="Take a few frames to check whether there is enough light.")
@click.option("--offline", is_flag=True, help="Run the demo and list every network connection it makes.")
@click.option(
    "--report",
    is_flag=False,
    flag_value="posture-monitor-report.txt",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="[FILE]",
    help="Write the findings into a text file that names neither you nor your machine.",
)
@config_option
@click.pass_context
def doctor(
    context: click.Context,
    config: Config,
    source: str | None,
    profile: str | None,
    notify: bool,
    look: bool,
    offline: bool,
    report: Path | None,
) -> None:
    """Check that everything needed is there.

    One line each, with what to do about it where something is wrong. Exits with
    status 1 if watching cannot work.
    """

    from posture_monitor.service.doctor import lines, run_checks

    checks = run_checks(config, source, profile, notify=notify, look=look, offline=offline)
    for line in lines(checks, kit.columns()):
        console().print(line, soft_wrap=True)
    if report is not None:
        from posture_monitor.service.doctor_report import write
        from posture_monitor.service.profiles import list_profiles

        # A file, a folder or a stream may be called after somebody; a camera has but a number.
        names = {profile or config.profile.name, config.profile.name, source or config.camera.source}
        names |= {info.name for info in list_profiles() if not info.starter}
        write(
            checks,
            report,
            {name for name in names if not re.fullmatch(r"default|demo|(/dev/video)?\d+", name)},
        )
        click.echo(f"Written to {report}; read it through before you hand it on.")
    context.exit(any(check.failed for check in checks))
