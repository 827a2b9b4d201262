"""``report``: one day, in the terminal or as JSON."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from posture_monitor import paths
from posture_monitor.cli.kit import Command, config_option, console, example, output_option

if TYPE_CHECKING:
    from posture_monitor.config import Config


@click.command(
    cls=Command,
    epilog=example("report", "report yesterday", "report 2026-03-02 --format json -o monday.json"),
)
@click.argument("day", default="today")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to tell it.",
)
@output_option
@config_option
def report(config: Config, day: str, form: str, output: Path | None) -> None:
    """Report on DAY: today, yesterday or YYYY-MM-DD.

    How long posture was good, mild, poor, unknown or away, the longest poor
    stretch, the alerts, the angles, and how much of the day was seen at all.
    """
    from posture_monitor.history import days
    from posture_monitor.history.store import Store
    from posture_monitor.telling.report.json_ import to_json
    from posture_monitor.telling.report.story import parse_day
    from posture_monitor.telling.report.text import render_text

    wanted = parse_day(day, days.today())
    with Store.open(paths.history_file(), readonly=True) as store:
        told = days.day(store, wanted)
    page = io.StringIO()
    if form == "json":
        json.dump(to_json(told), page, indent=2, ensure_ascii=False)
        page.write("\n")
    elif output is None:
        render_text(told, console())
    else:
        render_text(told, console(file=page))
    if output is not None:
        output.write_text(page.getvalue(), encoding="utf-8")
    else:
        click.echo(page.getvalue(), nl=False)
