"""``log``: the diary of spasms and pain."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from posture_monitor import paths
from posture_monitor.cli.kit import Command, F, Group, answered, confirmed, example, yes_option
from posture_monitor.errors import UserError
from posture_monitor.history.records import SYMPTOMS, TRIGGERS

if TYPE_CHECKING:
    from posture_monitor.history.diary import Episode

_PAIN = click.IntRange(0, 10)


def _entry_options(command: F) -> F:
    """Give a command the parts of an entry."""
    parts: tuple[Any, ...] = (
        click.option("--pain", type=_PAIN, metavar="0-10", help="From 0 (none) to 10 (worst imaginable)."),
        click.option(
            "--at", metavar="TIME", help="When: 14:05, yesterday 14:05 or 2026-03-02 14:05; default: now."
        ),
        click.option("--trigger", type=click.Choice(TRIGGERS), help="What you think set it off."),
        click.option(
            "--symptom",
            "symptoms",
            multiple=True,
            type=click.Choice(SYMPTOMS),
            help="What it felt like; may be given several times.",
        ),
        click.option("--note", metavar="TEXT", help="Your own words."),
    )
    for part in reversed(parts):
        command = part(command)
    return command


@click.group(
    cls=Group,
    invoke_without_command=True,
    epilog=example("log", "log spasm --pain 6 --trigger lifting --symptom sharp", "log list"),
)
@click.pass_context
def log(context: click.Context) -> None:
    """Keep a diary of spasms and pain; without a command it asks.

    The report shows each entry beside what was measured on its day and the two
    days before. The diary stays on this machine.
    """
    if context.invoked_subcommand is None:
        context.invoke(spasm)


@log.command(
    cls=Command,
    epilog=example(
        "log spasm --pain 6",
        "log spasm --pain 4 --at 14:05 --trigger bending --symptom aching --symptom stiffness",
    ),
)
@_entry_options
def spasm(
    pain: int | None = None,
    at: str | None = None,
    trigger: str | None = None,
    symptoms: tuple[str, ...] = (),
    note: str | None = None,
) -> None:
    """Write down a spasm. Without --pain it asks for what is not given."""
    from posture_monitor.history.diary import Diary, episode, parse_moment

    now_s = time.time()
    wall_s = parse_moment(at or "now", now_s)
    if pain is None:
        pain = answered("Pain, from 0 (none) to 10 (worst imaginable)", "--pain", type=_PAIN)
        if at is None:
            wall_s = answered(
                "When (now, 14:05, yesterday 14:05)",
                "--at",
                default="now",
                value_proc=lambda text: _asked_moment(text, now_s),
            )
        trigger = trigger or answered(
            f"Trigger: {', '.join(TRIGGERS)}\n  (one; Enter for none)",
            "--trigger",
            default="",
            show_default=False,
            value_proc=_asked_trigger,
        )
        symptoms = symptoms or answered(
            f"Symptoms: {', '.join(SYMPTOMS)}\n  (several with commas or spaces; Enter for none)",
            "--symptom",
            default="",
            show_default=False,
            value_proc=_asked_symptoms,
        )
        note = note or answered("Note (Enter for none)", "--note", default="", show_default=False)
    entry = episode(pain, wall_s, trigger=trigger or "", symptoms=symptoms, note=note or "")
    _kept(Diary(paths.history_file()).add(entry))


@log.command("list", epilog=example("log list"))
def show_all() -> None:
    """Print the diary, the number of each entry first."""
    from posture_monitor.history.diary import Diary

    entries = Diary(paths.history_file()).list()
    for entry in entries:
        click.echo(_line(entry))
    if not entries:
        click.echo("The diary is empty.")


@log.command(epilog=example("log edit 3 --pain 4", "log edit 3 --at 14:05 --clear trigger"))
@click.argument("number", type=int)
@_entry_options
@click.option(
    "--clear",
    "cleared",
    multiple=True,
    type=click.Choice(("trigger", "symptom", "note")),
    help="Take this out of the entry; may be given several times.",
)
def edit(
    number: int,
    pain: int | None,
    at: str | None,
    trigger: str | None,
    symptoms: tuple[str, ...],
    note: str | None,
    cleared: tuple[str, ...],
) -> None:
    """Change the given parts of entry NUMBER; the rest stays."""
    for what, given in (("trigger", trigger), ("symptom", symptoms), ("note", note)):
        if given and what in cleared:
            raise UserError(f"--{what} and --clear {what} ask for opposite things; give one of them")

    from dataclasses import replace

    from posture_monitor.history.diary import Diary, episode, parse_moment

    diary = Diary(paths.history_file())
    before = diary.get(number)
    after = episode(
        before.pain if pain is None else pain,
        before.wall_s if at is None else parse_moment(at, time.time()),
        trigger="" if "trigger" in cleared else trigger or before.trigger,
        symptoms=() if "symptom" in cleared else symptoms or before.symptoms,
        note="" if "note" in cleared else before.note if note is None else note,
    )
    # An entry made on a journey keeps the clock of the place it was made in.
    offset_s = before.utc_offset_s if at is None else after.utc_offset_s
    changed = replace(after, id=number, utc_offset_s=offset_s)
    diary.edit(changed)
    _kept(changed, said=before.advice)


@log.command(epilog=example("log delete 3"))
@click.argument("number", type=int)
@yes_option
def delete(number: int, yes: bool) -> None:
    """Remove entry NUMBER."""
    from posture_monitor.history.diary import Diary

    diary = Diary(paths.history_file())
    entry = diary.get(number)
    if not confirmed(f"Remove {_line(entry)}?", yes):
        click.echo("Nothing was removed.")
        return
    diary.delete(number)
    click.echo(f"Entry {number} is removed.")


def _kept(entry: Episode, *, said: str = "") -> None:
    click.echo(f"Kept: {_line(entry)}")
    # What was read when the entry was made is not said again when a note is changed.
    if entry.advice and entry.advice != said:
        click.echo(f"\n{entry.advice}")


def _line(entry: Episode) -> str:
    from posture_monitor.history.timeline import local_time

    at = local_time(entry.wall_s, entry.utc_offset_s)
    parts = (f"pain {entry.pain} of 10", entry.trigger, ", ".join(entry.symptoms), entry.note_line)
    return f"{entry.id}  {at:%a %Y-%m-%d %H:%M}  {'; '.join(filter(None, parts))}"


def _asked_moment(text: str, now_s: float) -> float:
    from posture_monitor.history.diary import parse_moment

    try:
        return parse_moment(text, now_s)
    except UserError as error:
        raise click.UsageError(str(error)) from error


def _asked_trigger(text: str) -> str:
    word = text.strip().lower()
    return word and _known("trigger", word, TRIGGERS)


def _asked_symptoms(text: str) -> tuple[str, ...]:
    return tuple(_known("symptom", word, SYMPTOMS) for word in text.replace(",", " ").lower().split())


def _known(what: str, word: str, words: Sequence[str]) -> str:
    if word not in words:
        raise click.UsageError(f"no such {what}: {word!r}; it can be {', '.join(words)}")
    return word
