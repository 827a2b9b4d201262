"""``demo``, ``calibrate`` and ``run``: the commands that look."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

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
from posture_monitor.errors import UserError

if TYPE_CHECKING:
    from posture_monitor.config import Config

#: How long the posture is to be kept, for a new neutral and for one that only moves.
CAPTURE_S: Final = 25.0
REANCHOR_S: Final = 8.0
#: A guided capture begins when all is well and starts over when it is not, so that less time is enough.
GUIDED_S: Final = 15.0


@click.command(cls=Command, epilog=example("demo", "demo --realtime"))
@click.option("--realtime", is_flag=True, help="Play at its own pace instead of as fast as possible.")
@config_option
def demo(config: Config, realtime: bool) -> None:
    """Show the whole program at work, without a camera.

    Calibrates, watches, reminds, stores and reports on moving pictures made
    from one photograph.
    """
    from posture_monitor.service.demo import demo as show

    show(config, console(), realtime=realtime)


@click.command(
    cls=Command,
    epilog=example(
        "calibrate",
        "calibrate --source /dev/video2 --profile office",
        "calibrate --reanchor",
        "calibrate --slouch",
        "calibrate --add standing",
        "calibrate --no-window",
    ),
)
@source_option
@click.option(
    "--seconds",
    callback=duration,
    metavar="TIME",
    help="How long to keep the posture, such as 25s or 1m; default: 15s in a window or a live terminal, "
    "else 25s; with --reanchor 8s.",
)
@click.option(
    "--profile",
    callback=new_profile,
    metavar="NAME",
    help="Name to keep it under; default: the settings' profile.name.",
)
@click.option("--reanchor", is_flag=True, help="Correct neutral for a moved camera or chair, keep the rest.")
@click.option("--slouch", is_flag=True, help="Capture your usual slouch, and show how well it is recognised.")
@click.option(
    "--down", is_flag=True, help="Capture a look at the keyboard, and show how near a reminder it is."
)
@click.option(
    "--add",
    metavar="POSTURE",
    help="Add a second neutral posture, such as standing, or sitting in another chair.",
)
@click.option("--no-window", is_flag=True, help="Stay in the terminal.")
@playback_options
@config_option
def calibrate(
    config: Config,
    source: str | None,
    seconds: float | None,
    profile: str | None,
    reanchor: bool,
    slouch: bool,
    down: bool,
    add: str | None,
    no_window: bool,
    started_at: float | None,
    realtime: bool,
) -> None:
    """Learn your own neutral posture.

    Sit the way you want to sit, look at the screen, and stay like that for about
    15 seconds. Later posture is judged against this. If there is a screen, a
    window shows what the camera sees. --reanchor, --slouch, --down and --add
    add to a profile that you have.
    """
    aims = [
        name
        for name, asked in (("reanchor", reanchor), ("slouch", slouch), ("down", down), ("add", add))
        if asked or asked == ""
    ]
    if len(aims) > 1:
        raise UserError(f"--{aims[0]} and --{aims[1]} are two captures: make one after the other")
    if add is not None and not re.fullmatch(r"[\w-]{1,40}", add):
        raise UserError(f"--add {add!r} cannot name a posture; use letters, digits, - and _ (at most 40)")
    from posture_monitor.cli.guided import calibrate_guided
    from posture_monitor.sensing.sources import is_live
    from posture_monitor.service.calibration import Request
    from posture_monitor.service.calibration import calibrate as learn
    from posture_monitor.service.guiding import Aim

    asked = Request(
        source or config.camera.source,
        seconds or (REANCHOR_S if reanchor else CAPTURE_S),
        profile or config.profile.name,
        Aim(aims[0]) if aims else None,
        add or "sitting",
        started_at,
        realtime,
    )
    out = console()
    if is_live(asked.source) or realtime:
        quick = asked if seconds or reanchor else replace(asked, seconds=GUIDED_S)
        if calibrate_guided(config, quick, out, window=not no_window):
            return
    learn(config, asked, out)


@click.command(
    cls=Command,
    epilog=example(
        "run", "run --source 1 --profile laptop", "run --source monday.mp4 --started-at 2026-03-02T09:00"
    ),
)
@source_option
@kit.profile_option
@click.option("--detached", is_flag=True, hidden=True, help="As `start` runs it: in the background.")
@playback_options
@config_option
def run(
    config: Config,
    source: str | None,
    profile: str | None,
    detached: bool,
    started_at: float | None,
    realtime: bool,
) -> None:
    """Watch your posture and say when it is time to move.

    Runs until Ctrl-C, or to the end of a recording. What is measured is kept,
    pictures never.
    """
    from posture_monitor.sensing.sources import is_live

    source = source or config.camera.source
    if detached or is_live(source):
        from posture_monitor.service.assembly import keep

        keep(
            config,
            config_path=click.get_current_context().meta[kit.CONFIG_FILE],
            source=source,
            profile=profile,
            console=console(quiet=detached),
            detached=detached,
        )
        return
    from posture_monitor.service.recording import watch

    watch(
        config,
        source=source,
        profile=profile or config.profile.name,
        started_at=started_at,
        realtime=realtime,
        console=console(),
    )
