"""``profiles``: the neutral postures that were calibrated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from posture_monitor.cli import kit
from posture_monitor.cli.kit import Group, example

if TYPE_CHECKING:
    from posture_monitor.config import Config


@click.group(cls=Group, epilog=example("profiles list", "profiles show default"))
def profiles() -> None:
    """List, show, choose, rename and delete calibrated profiles."""


@profiles.command("list", epilog=example("profiles list"))
@kit.config_option
def list_(config: Config) -> None:
    """List the profiles there are, and say which is in use."""
    from posture_monitor.service.profiles import in_use, list_profiles

    used = in_use(config.profile.name)
    for info in list_profiles():
        click.echo(f"{info}{' (in use)' if (info.name, info.starter) == used else ''}")


@profiles.command(epilog=example("profiles show default", "profiles show ./office.toml"))
@click.argument("profile", callback=kit.profile)
def show(profile: str) -> None:
    """Show what PROFILE holds.

    Its camera, its tuning, its view, and the neutral of each measure.
    """
    from posture_monitor.service.profiles import describe, load_profile

    click.echo(describe(load_profile(profile)))


@profiles.command(epilog=example("profiles use office"))
@click.argument("profile", callback=kit.new_profile)
@kit.config_option
def use(config: Config, profile: str) -> None:
    """Judge against PROFILE from now on.

    A running monitor switches to it too. With the setting profile.by_place the
    camera in use may select another one at the next start.
    """
    from posture_monitor.service.control import NotRunning, ask
    from posture_monitor.service.profiles import load_profile
    from posture_monitor.service.settings import Settings

    load_profile(profile)
    settings = Settings(click.get_current_context().meta[kit.CONFIG_FILE], config)
    settings.choose("profile", "name", profile)
    try:
        ask("profile", name=profile)
        click.echo(f"Judged against {profile!r} from now on.")
    except NotRunning:
        click.echo(f"{profile!r} is used from the next start on.")


@profiles.command("reset-tuning", epilog=example("profiles reset-tuning default"))
@click.argument("profile", callback=kit.new_profile)
def reset_tuning(profile: str) -> None:
    """Undo what pressing "Wrong reminder" has widened in PROFILE."""
    from dataclasses import replace

    from posture_monitor.service.profile_file import save_profile
    from posture_monitor.service.profiles import own_profile

    own = own_profile(profile)
    if not own.tuning:
        click.echo(f"Profile {profile!r} has no tuning; nothing was changed.")
        return
    save_profile(replace(own, tuning={}))
    undone = ", ".join(f"{name} × {factor:g}" for name, factor in own.tuning.items())
    click.echo(f"Undone in profile {profile!r}: {undone}.")


@profiles.command(epilog=example("profiles rename default office"))
@click.argument("profile", callback=kit.new_profile)
@click.argument("name", callback=kit.new_profile)
@kit.config_option
def rename(config: Config, profile: str, name: str) -> None:
    """Give PROFILE another NAME.

    A profile of that name is never overwritten.
    """
    from posture_monitor.service.profiles import rename_profile

    click.echo(f"Profile {profile!r} is {name!r} now: {rename_profile(profile, name)}")
    _follow(config, profile, name)


@profiles.command(epilog=example("profiles delete office"))
@click.argument("profile", callback=kit.new_profile)
@kit.yes_option
@kit.config_option
def delete(config: Config, profile: str, yes: bool) -> None:
    """Delete PROFILE, after asking."""
    from posture_monitor.service.profiles import delete_profile, own_file

    own_file(profile)  # one that is not there is not asked about
    if not kit.confirmed(f"Delete the profile {profile!r}? It cannot be brought back.", yes):
        click.echo("Nothing was deleted.")
        return
    click.echo(f"Deleted {delete_profile(profile)}")
    _follow(config, profile, "default")


def _follow(config: Config, gone: str, name: str) -> None:
    """Have the settings name a profile in place of one that is gone; a monitor that runs follows them."""
    from posture_monitor.service.settings import Settings

    if config.profile.name != gone or gone == name:
        return
    Settings(click.get_current_context().meta[kit.CONFIG_FILE], config).choose("profile", "name", name)
    click.echo(f"The settings named it, and name {name!r} now.")
