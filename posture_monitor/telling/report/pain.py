"""The diary beside what was measured: the same words for the terminal and the page."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from posture_monitor.history.associations import NO_CAUSE, WINDOW_DAYS, associations, exposures
from posture_monitor.history.days import Day
from posture_monitor.history.diary import SEEK_CARE, Episode, pain_change
from posture_monitor.telling import words
from posture_monitor.telling.report import story


@dataclass(frozen=True)
class PainStory:
    """Episodes and what was measured around them.

    Attributes
    ----------
    rows
        One for each entry: when, pain, change, trigger, symptoms, the user's own words, and the
        exposures of its day and the two before.
    sentences
        What may be said of an association, or why nothing is said yet.
    seek_care
        The text on signs that need a doctor, on the day of an entry that calls for it; else ``""``.
    care_date
        Otherwise the last day of such an entry, whose report holds the text; None without one.
    """

    rows: tuple[tuple[str, ...], ...]
    sentences: tuple[str, ...]
    seek_care: str
    care_date: dt.date | None


HEAD = (
    "when",
    "pain",
    "change",
    "trigger",
    "symptoms",
    "note",
    "poor a day",
    "longest without a break",
    "breaks a day",
)


def pain_story(entries: Sequence[Episode], days: Sequence[Day], date: dt.date) -> PainStory:
    """Return what the report says of the diary.

    Parameters
    ----------
    entries
        The entries to be shown, in order of time.
    days
        The days they are laid over: the window, and the two before the first.
    date
        The reported day. What came with what is reckoned over the `WINDOW_DAYS` that end with it, so that
        every view of a day says the same, and nothing of days after it.
    """
    rows = []
    for before, entry in zip((None, *entries), entries, strict=False):
        poor, longest, breaks = exposures(entry.date, days)
        known = math.isfinite(poor)
        rows.append(
            (
                f"{entry.date:%a} {entry.date.day} {entry.date:%b}, "
                f"{story.clock(entry.wall_s, entry.utc_offset_s)}",
                f"{entry.pain} of 10",
                pain_change(before.pain, entry.pain) if before else "",
                entry.trigger,
                ", ".join(entry.symptoms),
                entry.note_line,
                story.duration(60 * poor) if known else "not enough data",
                story.duration(60 * longest) if known else "",
                f"{breaks:.0f}" if known else "",
            )
        )
    care = {entry.date for entry in entries if entry.needs_care}
    return PainStory(
        tuple(rows),
        _sentences(entries, days, date),
        SEEK_CARE if date in care else "",
        max(care) if care and date not in care else None,
    )


def _sentences(entries: Sequence[Episode], days: Sequence[Day], date: dt.date) -> tuple[str, ...]:
    first = date - dt.timedelta(days=WINDOW_DAYS - 1)
    window = f"from {story.between(first, date)}"
    found, why = associations(
        [entry for entry in entries if first <= entry.date <= date],
        [day for day in days if first <= day.date <= date],
    )
    if not found:
        return (f"{words.sentence(why)} {window}.",)
    return (
        f"Days around episodes against other days, {window}. {NO_CAUSE}",
        *(each.sentence for each in found),
    )
