"""The bare command: the first time it leads to a running monitor, later it says how things stand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import click

from posture_monitor import paths
from posture_monitor.cli.kit import console, forget_typed
from posture_monitor.errors import UserError
from posture_monitor.settings_file import PRESETS

if TYPE_CHECKING:
    from posture_monitor.config import Config

#: What people need once it runs.
_COMMANDS: Final = (
    ("report", "what the day was like"),
    ("pause 1h", "close the camera for a while"),
    ("stop", "end it"),
)
_TO_BEGIN: Final = (
    ("start", "watch in the background"),
    ("calibrate", "learn your neutral posture"),
    ("report", "what the day was like"),
)


def bare(context: click.Context) -> None:
    """Do what ``posture-monitor`` without a command does."""
    paths.check_folders()
    if configured():
        _how_things_stand(context)
    elif sys.stdin.isatty() and sys.stdout.isatty():
        first_run()
    else:
        click.echo(context.get_help())


def configured() -> bool:
    """Return whether this user has set anything up yet; to have watched the demonstration is not that."""
    own = (path for path in paths.profiles_dir().glob("*.toml") if path.stem != "demo")
    return paths.config_file().exists() or any(own)


def _how_things_stand(context: click.Context) -> None:
    from posture_monitor.cli import service

    try:
        context.invoke(service.status)
    except click.exceptions.Exit:  # none runs, which here is an answer and no failure
        commands = _TO_BEGIN
    else:
        commands = _COMMANDS
    click.echo()
    for command, what in commands:
        click.echo(f"  posture-monitor {command:10s} {what}")


def first_run() -> None:
    """Ask what there is to ask, each step skippable, and start watching."""
    from posture_monitor.config import load_config
    from posture_monitor.service.screen import why_no_window
    from posture_monitor.service.settings import write_setting

    why_no_window()  # before anything else loads libraries that a window wants as they are
    click.echo("Welcome. A few short questions, each of which Enter answers; Ctrl-C leaves.\n")
    try:
        ready = _camera(load_config())
        if ready:
            _calibration(load_config())
        _sensitivity(load_config(), 3 if ready else 2)
        if ready:  # without a camera there is nothing to start
            _autostart()
        _begin(ready)
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nLeft there; what you have answered is kept. `posture-monitor` says how things stand.")
        # Not to ask again at every turn.
        if not configured():
            write_setting(paths.config_file(), "alert", "preset", load_config().alert.preset)


def _camera(config: Config) -> bool:
    """Choose a camera, and return whether there is one."""
    from posture_monitor.sensing.camera import list_cameras
    from posture_monitor.service.settings import write_setting

    cameras = list_cameras()
    if not cameras:
        if not sys.platform.startswith("linux"):  # only Linux lists them: the first is taken
            click.echo("1. Camera: the computer's first one.")
            return True
        click.echo("1. Camera: none is plugged in.")
        if click.confirm("   See the demonstration instead? It takes less than a minute.", default=True):
            from posture_monitor.service.demo import demo

            demo(config, console(), realtime=False)
            forget_typed()
        return False
    if len(cameras) == 1:
        click.echo(f"1. Camera: {cameras[0].name} ({cameras[0].node}).")
        node = cameras[0].node
    else:
        click.echo("1. Which camera?")
        for number, camera in enumerate(cameras, 1):
            click.echo(f"   {number}  {camera.name} ({camera.node})")
        number = click.prompt("   Number", type=click.IntRange(1, len(cameras)), default=1)
        node = cameras[number - 1].node
    if config.camera.source not in (node, node.removeprefix("/dev/video")):
        write_setting(paths.config_file(), "camera", "source", node)
    return True


def _calibration(config: Config) -> None:
    click.echo("\n2. Your neutral posture: all else is measured against it.")
    if not click.confirm("   Learn it now? It takes half a minute.", default=True):
        click.echo("   Later then: `posture-monitor calibrate`. Until then starter limits hold.")
        return
    from posture_monitor.cli.watch import calibrate

    try:
        click.get_current_context().invoke(calibrate, config=config)
    except UserError as error:
        click.echo(f"   {error}\n   `posture-monitor calibrate` tries it again.")
    forget_typed()


def _sensitivity(config: Config, number: int) -> None:
    """Choose a preset; `number` is that of the question."""
    from posture_monitor.service.settings import write_setting
    from posture_monitor.telling.words import duration

    click.echo(f"\n{number}. How soon should it speak up?")
    for name in PRESETS:
        policy = getattr(config.alert.presets, name)
        held = f"{policy.poor_hold_s:g} seconds" if policy.poor_hold_s < 120 else duration(policy.poor_hold_s)
        often = "once" if policy.max_per_hour == 1 else f"{policy.max_per_hour} times"
        click.echo(f"   {name:9s} after {held} of poor posture, at most {often} an hour")
    chosen = click.prompt(
        "   Sensitivity", type=click.Choice(PRESETS), default=config.alert.preset, show_choices=False
    )
    # Written also where it is the default: from now on this user has chosen.
    write_setting(paths.config_file(), "alert", "preset", chosen)


def _autostart() -> None:
    click.echo("\n4. Should it start with the desktop?")
    if not click.confirm("   Start by itself from the next login on?", default=False):
        return
    from posture_monitor.service import autostart

    try:
        click.echo(f"   {autostart.describe(autostart.enable())}")
    except UserError as error:
        click.echo(f"   {error}")


def _begin(ready: bool) -> None:
    """Start the monitor, and say in one line what happens now and how to stop it."""
    click.echo()
    if not ready:
        click.echo("Next, with a camera: `posture-monitor calibrate`, then `posture-monitor start`.")
        return
    if click.confirm("Start watching now?", default=True):
        from posture_monitor.service import background

        try:
            background.start()
        except UserError as error:
            click.echo(f"{error}\n`posture-monitor doctor` says what is missing.")
            return
        click.echo("It watches now and says when it is time to move; `posture-monitor stop` ends it.")
    else:
        click.echo("Nothing runs now; `posture-monitor start` begins, and `posture-monitor stop` ends it.")
