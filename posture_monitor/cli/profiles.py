"""``profiles``: the neutral postures that were calibrated."""

from __future__ import annotations

import click

from posture_monitor.cli import kit
from posture_monitor.cli.kit import Group, example


@click.group(cls=Group, epilog=example("profiles list", "profiles show default"))
def profiles() -> None:
    """List and show calibrated profiles."""


@profiles.command("list", epilog=example("profiles list"))
def list_() -> None:
    """List the profiles there are."""
    from posture_monitor.service.profiles import list_profiles

    for info in list_profiles():
        click.echo(info)


@profiles.command(epilog=example("profiles show default", "profiles show ./office.toml"))
@click.argument("profile", callback=kit.profile)
def show(profile: str) -> None:
    """Show what PROFILE holds: its view, its camera, and neutral of each measure."""
    from posture_monitor.service.profiles import describe, load_profile

    click.echo(describe(load_profile(profile)))
