"""``doctor``: is everything there that the program needs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from posture_monitor.cli import kit
from posture_monitor.cli.kit import Command, config_option, example, source_option

if TYPE_CHECKING:
    from posture_monitor.config import Config


@click.command(cls=Command, epilog=example("doctor", "doctor --notify"))
@source_option
@click.option("--profile", callback=kit.profile, metavar="P", help="Profile to look at.")
@click.option("--notify", is_flag=True, help="Send a notification to see whether it arrives.")
@config_option
@click.pass_context
def doctor(
    context: click.Context, config: Config, source: str | None, profile: str | None, notify: bool
) -> None:
    """Check that everything needed is there.

    One line each, and where something is amiss, what to do about it. Leaves
    with status 1 if watching could not work.
    """

    from posture_monitor.service.doctor import render, run_checks

    checks = run_checks(
        model_path=config.model.own,
        source=source or config.camera.source,
        profile=profile or config.profile.name,
        notify=notify,
        channel=config.alert.channel,
    )
    click.echo(render(checks))
    context.exit(any(check.failed for check in checks))
