"""``replay``: what other settings would have made of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from posture_monitor import paths
from posture_monitor.cli.kit import Command, config_option, example, say
from posture_monitor.settings_file import PRESETS

if TYPE_CHECKING:
    from posture_monitor.config import Config
    from posture_monitor.service.what_if import WhatIf


@click.command(cls=Command, epilog=example("replay --preset strict", "replay --day yesterday"))
@click.option(
    "--day", default="today", show_default=True, metavar="DAY", help="today, yesterday or YYYY-MM-DD."
)
@click.option("--preset", type=click.Choice(PRESETS), help="Preset to try; default: each of them.")
@config_option
def replay(config: Config, day: str, preset: str | None) -> None:
    """Say what other settings would have done on a day.

    The day's kept measures are judged again. Your posture is taken as it was:
    how you would have answered another reminder is not known.
    """
    from posture_monitor.history import days
    from posture_monitor.history.store import Store
    from posture_monitor.service.what_if import what_if
    from posture_monitor.telling.report.story import parse_day

    date = parse_day(day, days.today())
    tried = [preset] if preset else list(PRESETS)
    policies = {name: getattr(config.alert.presets, name) for name in tried}
    with Store.open(paths.history_file(), readonly=True) as store:
        found = what_if(store, date, config, {"": config.alert.policy, **policies})
    for name in tried:
        say(_sentence(name, found))
    for line in _caveats(found):
        say(line)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _sentence(name: str, found: WhatIf) -> str:
    import datetime as dt

    count, own = len(found.alerts[name]), len(found.alerts[""])
    told = f"{name} would {'not ' * (count == 0)}have reminded you"
    if count:
        clock = ", ".join(f"{dt.datetime.fromtimestamp(at_s):%H:%M}" for at_s in found.alerts[name])
        told += f" {_times(count)} ({clock})"
    if count != own:
        told += f", your settings {_times(own)}" if own else ", your settings not at all"
    else:
        told += ", and your settings as often" if count else ", nor would your settings"
    return f"{told}."


def _caveats(found: WhatIf) -> list[str]:
    """Return what the numbers leave out."""
    from posture_monitor.telling.report.story import duration

    own = len(found.alerts[""])
    said = []
    if found.shown != own:
        said.append(
            f"Shown on the day: {found.shown}. Buttons, do not disturb and the settings of that time count "
            f"there; run again with your own settings of now it is {own}."
        )
    if found.kept_s < 0.95 * found.watched_s:
        said.append(
            f"Measures are kept of {duration(found.kept_s)} out of {duration(found.watched_s)} at the desk; "
            "of the rest nothing can be said."
        )
    return said
