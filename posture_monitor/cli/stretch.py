"""``stretch``: something to do away from the chair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from posture_monitor.cli.kit import Command, config_option, example, say

if TYPE_CHECKING:
    from posture_monitor.config import Config


@click.command(cls=Command, epilog=example("stretch"))
@config_option
def stretch(config: Config) -> None:
    """Show one move to make away from the chair.

    A stretch or strengthening move: how it goes, how long, and when not to.
    """
    from posture_monitor.telling import stretches

    say(stretches.render(stretches.choose()))
