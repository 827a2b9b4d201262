"""``autostart``: start with the desktop, or do not."""

from __future__ import annotations

import click

from posture_monitor.cli.kit import Group, example


@click.group(cls=Group, epilog=example("autostart enable", "autostart status"))
def autostart() -> None:
    """Switch the start at login on or off.

    From the next login on, watching starts with the desktop.
    """


@autostart.command(epilog=example("autostart enable"))
def enable() -> None:
    """Start watching at each login, from the next one on."""
    from posture_monitor import paths
    from posture_monitor.service.autostart import enable as switch_on

    state = switch_on()
    click.echo(f"From the next login on it starts by itself ({state.way}: {state.file}).")
    if not paths.model_file().exists():
        click.echo("Its pose model is not here yet; `posture-monitor doctor` fetches it.")
    click.echo("To start it now: posture-monitor start")


@autostart.command(epilog=example("autostart disable"))
def disable() -> None:
    """Do not start at login any more; a running monitor goes on."""
    from posture_monitor.service.autostart import disable as switch_off

    removed = switch_off()
    for path in removed:
        click.echo(f"Removed {path}")
    click.echo("It does not start by itself any more." if removed else "It did not start by itself.")


@autostart.command(epilog=example("autostart status"))
def status() -> None:
    """Say whether and how it starts at login.

    Also whether that entry still starts this program.
    """
    from posture_monitor.service.autostart import describe
    from posture_monitor.service.autostart import status as look

    click.echo(describe(look()))
