"""``config``: where the settings are, and which are in force."""

from __future__ import annotations

from pathlib import Path

import click

from posture_monitor import paths
from posture_monitor.cli.kit import Group, config_file, example


@click.group(cls=Group, epilog=example("config path", "config show"))
def config() -> None:
    """Find and show the settings."""


@config.command(epilog=example("config path"))
def path() -> None:
    """Print where your own settings file is, or would be."""
    click.echo(paths.config_file())


@config.command(epilog=example("config show", "config show --config other.toml > mine.toml"))
@config_file("file", help="Settings to show instead of your own.")
def show(file: Path | None) -> None:
    """Print the settings in force, with their explanations.

    The output is a settings file itself.
    """
    from posture_monitor.config import in_force

    click.echo(in_force(file), nl=False)
