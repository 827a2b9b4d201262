"""``data``: what the program keeps, and how to have it out or away."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path

import click

from posture_monitor import paths
from posture_monitor.cli.kit import Group, confirmed, example, yes_option
from posture_monitor.errors import UserError


@click.group(
    cls=Group, epilog=example("data size", "data export ~/posture", "data erase --before 2026-01-01")
)
def data() -> None:
    """Show, export or erase what is kept on this machine."""


@data.command(epilog=example("data path"))
def path() -> None:
    """Print the folder that holds history, profiles and model."""
    click.echo(paths.data_dir())


@data.command(epilog=example("data size"))
def size() -> None:
    """Print how much disk space it takes."""
    from posture_monitor.history.erasure import size as history_size

    rows = [
        ("history", history_size(paths.history_file())),
        ("profiles", _folder_size(paths.profiles_dir())),
        ("model", _folder_size(paths.model_file().parent)),
        ("report", _folder_size(paths.report_file())),
        ("saved moments", _folder_size(paths.snapshots_dir())),
        ("demo", _folder_size(paths.demo_history_file().parent)),
        ("logs", _folder_size(paths.log_file().parent)),
    ]
    for name, taken in (*rows, ("together", sum(taken for _, taken in rows))):
        click.echo(f"{name:<14}{taken / 1e6:>9.1f} MB")


@data.command(epilog=example("data export ~/posture"))
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def export(folder: Path) -> None:
    """Write the whole history into DIR, a new or empty folder.

    As CSV with a data dictionary, and as one JSON file, readable by you alone.
    Body landmarks, if they are kept, are not exported.
    """
    from posture_monitor.history.export import export as write

    for file in write(paths.history_file(), paths.expanded(folder)):
        click.echo(file)


@data.command(epilog=example("data erase --before 2026-01-01", "data erase --all --yes"))
@click.option("--before", metavar="DATE", help="Wipe what is older than this day, such as 2026-01-01.")
@click.option("--all", "everything", is_flag=True, help="Wipe all of it.")
@yes_option
def erase(before: str | None, everything: bool, yes: bool) -> None:
    """Wipe history, diary and saved moments, for good. Profiles and settings stay."""
    if (before is not None) == everything:
        raise UserError("data erase needs exactly one of --before DATE and --all")
    date = _date(before) if before is not None else None
    whole = "history, diary and saved moments"
    what = f"{whole} before {date}" if date else f"all {whole}"
    if not confirmed(f"Wipe {what}? It cannot be brought back.", yes):
        click.echo("Nothing was wiped.")
        return

    from posture_monitor.history.erasure import erase as wipe
    from posture_monitor.service.control import NotRunning, ask
    from posture_monitor.service.preview.saved_moment import saved
    from posture_monitor.whole_file import left_behind

    gone = wipe(paths.history_file(), date)
    with contextlib.suppress(NotRunning, UserError):
        ask("recount")  # a monitor that runs tells of today from memory
    moments = saved(date)
    # The page last opened may tell of any day.
    page = paths.report_file()
    for file in (*moments, page, *left_behind(page)):
        file.unlink(missing_ok=True)
    click.echo(
        f"Wiped: stretches of time {gone.spans}, reminders {gone.alerts}, diary entries {gone.episodes}, "
        f"saved moments {len(moments)}; {gone.freed / 1e6:.1f} MB freed."
    )


def _date(text: str) -> dt.date:
    from posture_monitor.history.timeline import YEARS

    try:
        date = dt.datetime.strptime(text.strip(), "%Y-%m-%d").date()
        if date.year not in YEARS:
            raise ValueError
        return date
    except ValueError:
        raise UserError(f"--before {text!r} is not a date; write it like 2026-01-01") from None


def _folder_size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
