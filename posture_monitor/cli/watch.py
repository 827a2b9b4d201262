"""``demo``, ``calibrate`` and ``run``: the commands that look."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from posture_monitor.cli import kit
from posture_monitor.cli.kit import (
    Command,
    config_option,
    console,
    duration,
    example,
    new_profile,
    playback_options,
    source_option,
)

if TYPE_CHECKING:
    from posture_monitor.config import Config


@click.command(cls=Command, epilog=example("demo", "demo --realtime"))
@click.option("--realtime", is_flag=True, help="Let the demo take its minutes instead of hurrying.")
@config_option
def demo(config: Config, realtime: bool) -> None:
    """Show the whole thing working, without a camera.

    Calibrates, watches, alerts, stores and reports on moving pictures made
    from one photograph.
    """
    from posture_monitor.service.demo import demo as show

    show(config, console(), realtime=realtime)


@click.command(
    cls=Command,
    epilog=example(
        "calibrate", "calibrate --source /dev/video2 --profile standing-desk", "calibrate --seconds 40"
    ),
)
@source_option
@click.option(
    "--seconds",
    callback=duration,
    default="25",
    show_default=True,
    help="How long to sit upright, such as 25 or 1m.",
)
@click.option(
    "--profile",
    callback=new_profile,
    metavar="NAME",
    help="Name to keep it under; default: the settings' profile.name.",
)
@playback_options
@config_option
def calibrate(
    config: Config,
    source: str | None,
    seconds: float,
    profile: str | None,
    started_at: float | None,
    realtime: bool,
) -> None:
    """Learn your own upright posture.

    Sit as you would like to sit, look at the screen, and keep that for half a
    minute. Later posture is judged against this.
    """
    from posture_monitor.service.calibration import calibrate as learn

    learn(
        config,
        source=source or config.camera.source,
        seconds=seconds,
        profile=profile or config.profile.name,
        started_at=started_at,
        realtime=realtime,
        console=console(),
    )


@click.command(
    cls=Command,
    epilog=example(
        "run", "run --source 1 --profile laptop", "run --source monday.mp4 --started-at 2026-03-02T09:00"
    ),
)
@source_option
@click.option(
    "--profile",
    callback=kit.profile,
    metavar="P",
    help="Name or .toml file of the profile to judge against; default: the settings' profile.name.",
)
@playback_options
@config_option
def run(
    config: Config, source: str | None, profile: str | None, started_at: float | None, realtime: bool
) -> None:
    """Watch your posture and say when it is time to move.

    Runs until Ctrl-C, or to the end of a recording. Pictures are looked at and
    forgotten; only the judgements are kept.
    """
    from posture_monitor.service.monitor import run as watch

    watch(
        config,
        source=source or config.camera.source,
        profile=profile or config.profile.name,
        started_at=started_at,
        realtime=realtime,
        console=console(),
    )
