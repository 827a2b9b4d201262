"""``stretch``: something to do away from the chair."""

from __future__ import annotations

import click

from posture_monitor.cli.kit import Command, example


@click.command(cls=Command, epilog=example("stretch"))
def stretch() -> None:
    """Show one move to make away from the chair.

    A stretch or strengthening move: how it goes, how long, and when not to.
    """
    from posture_monitor.telling import stretches

    click.echo(stretches.render(stretches.choose()))
