"""``data``: what the program keeps."""

from __future__ import annotations

import click

from posture_monitor import paths
from posture_monitor.cli.kit import Group, example


@click.group(cls=Group, epilog=example("data path"))
def data() -> None:
    """Look after what is kept on this machine."""


@data.command(epilog=example("data path"))
def path() -> None:
    """Print the folder that holds history, profiles and model."""
    click.echo(paths.data_dir())
