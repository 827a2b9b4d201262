"""``report``: a day, its week or its month, for the terminal, the browser or other programs."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from posture_monitor import paths
from posture_monitor.cli.kit import Command, console, example, output_option
from posture_monitor.errors import UserError

if TYPE_CHECKING:
    from posture_monitor.history.days import Day
    from posture_monitor.history.diary import Episode
    from posture_monitor.history.periods import Period
    from posture_monitor.history.store import Store


#: How a report can be told; the name of a file may say which.
FORMS: Final = ("text", "html", "json", "csv")


@click.command(
    cls=Command,
    epilog=example(
        "report",
        "report yesterday --open",
        "report --week",
        "report 2026-03-02 --month --format csv -o march.csv",
    ),
)
@click.argument("day", default="today")
@click.option("--week", is_flag=True, help="Report on the week that holds DAY.")
@click.option("--month", is_flag=True, help="Report on the month that holds DAY.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    help="Format; default: by the file's name, html with --open, else text.",
)
@output_option
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
@click.option("--demo", is_flag=True, help="Report on the last demo; today is then the day it was run.")
def report(
    day: str, week: bool, month: bool, form: str | None, output: Path | None, opened: bool, demo: bool
) -> None:
    """Report on DAY: today, yesterday or YYYY-MM-DD.

    How long posture was good, mild, poor, unknown or away, the longest poor
    stretch, the reminders, the angles, and how much of the day was seen at all.
    The HTML page is one file that loads nothing; it shows the day with its week
    and month. Files are readable by you alone.
    """
    if week and month:
        raise UserError("--week and --month are two reports: ask for one after the other")
    if form is None:
        named = output.suffix.lower().removeprefix(".") if output is not None else ""
        form = "html" if opened else named if named in FORMS else "text"
    if opened and form != "html":
        raise UserError(f"--open shows the HTML page in a browser; leave --format {form} out")

    from posture_monitor.history import days, periods
    from posture_monitor.history.store import Store
    from posture_monitor.telling.report.story import DEMO, parse_day

    file = paths.demo_history_file() if demo else paths.history_file()
    advice = DEMO if demo else None
    with Store.open(file, readonly=True) as store:
        date = parse_day(day, _day_of_demo(store) if demo else days.today())
        span = periods.week if week else periods.month if month else None
        period = span(store, date) if span and form != "html" else None
        if form == "html":
            page = _html(store, date, advice)
        elif form == "text":
            page = _text(store, date, period, advice, to_file=output is not None)
        else:
            page = _data(store, date, period, form)
    if opened and output is None:
        paths.make_private(paths.data_dir())
        output = paths.report_file()
    if output is None:
        click.echo(page, nl=False)
        return
    from posture_monitor.whole_file import replacing

    with replacing(output, lasting=False) as out:  # readable by this user alone: it tells of health
        out.write(page.encode())
    if opened:
        from posture_monitor.service.browser import show

        click.echo(output)
        show(output)


def _day_of_demo(store: Store) -> dt.date:
    from posture_monitor.history import days

    extent = store.extent()
    if extent is None:
        raise UserError("there is no demo to report on; `posture-monitor demo` runs one in a minute")
    return days.today(extent[1])


def _html(store: Store, date: dt.date, advice: str | None) -> str:
    from posture_monitor.history import days, periods
    from posture_monitor.history.associations import LOOK_BACK_DAYS, WINDOW_DAYS
    from posture_monitor.telling.report.html import render_html

    month = periods.month(store, date)
    first = date - dt.timedelta(days=WINDOW_DAYS - 1)
    entries = _entries(store, first, date)
    before = _days(store, first, 1 - LOOK_BACK_DAYS, (month.first - first).days) if entries else []
    return render_html(days.day(store, date), periods.week(store, date), month, entries, before, advice)


def _text(store: Store, date: dt.date, period: Period | None, advice: str | None, *, to_file: bool) -> str:
    """Print the page to the screen, coloured where it can be; or return it for a file."""
    from posture_monitor.history import days
    from posture_monitor.history.associations import LOOK_BACK_DAYS, WINDOW_DAYS
    from posture_monitor.telling.report.text import render_diary, render_period, render_text

    page = io.StringIO()
    told = console(file=page) if to_file else console()
    if period is None:
        first, last = date - dt.timedelta(days=LOOK_BACK_DAYS - 1), date
        render_text(days.day(store, date), told, advice)
    else:
        first, last = period.first, period.last
        render_period(period, told)
    if _entries(store, first, last):
        # A day says little of what came with what: those up to it are laid beside.
        first = date - dt.timedelta(days=WINDOW_DAYS - 1)
        around = _days(store, first, 1 - LOOK_BACK_DAYS, (last - first).days + 1)
        render_diary(_entries(store, first, last), around, date, told)
    return page.getvalue()


def _data(store: Store, date: dt.date, period: Period | None, form: str) -> str:
    from posture_monitor.history import days
    from posture_monitor.telling.report.csv_ import to_csv
    from posture_monitor.telling.report.json_ import period_to_json, to_json

    if form == "csv":
        return to_csv(period.days if period else [days.day(store, date)])
    told = period_to_json(period) if period else to_json(days.day(store, date))
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _entries(store: Store, first: dt.date, last: dt.date) -> list[Episode]:
    """Return the diary from one day to another; an entry made on a journey keeps the day it had there."""
    from posture_monitor.history.diary import Diary
    from posture_monitor.history.timeline import midnight_s

    around_s = 26 * 3600.0  # so far apart clocks can be
    until_s = midnight_s(last + dt.timedelta(days=1))
    entries = Diary(store.path).list(midnight_s(first) - around_s, until_s + around_s)
    return [entry for entry in entries if first <= entry.date <= last]


def _days(store: Store, date: dt.date, begin: int, end: int) -> list[Day]:
    """Return the days that lie `begin` up to `end` (left out) days after a date."""
    from posture_monitor.history import days

    return [days.day(store, date + dt.timedelta(days=number), shifts=False) for number in range(begin, end)]
