"""The diary beside what was measured: the same words for the terminal and the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from posture_monitor.history.days import Day
from posture_monitor.history.diary import SEEK_CARE, Episode, associations, exposures, pain_change
from posture_monitor.telling.report import story


@dataclass(frozen=True)
class PainStory:
    """Episodes and what was measured around them.

    Attributes
    ----------
    rows
        One for each episode: when, pain, change, trigger, symptoms, and the
        exposures of its day and the two before.
    sentences
        What may be said of an association, or why nothing is said yet.
    seek_care
        The text on signs that need a doctor, or ``""``.
    """

    rows: tuple[tuple[str, ...], ...]
    sentences: tuple[str, ...]
    seek_care: str


HEAD = (
    "when",
    "pain",
    "change",
    "trigger",
    "symptoms",
    "poor a day",
    "longest without a break",
    "breaks a day",
)


def pain_story(entries: Sequence[Episode], days: Sequence[Day]) -> PainStory:
    """Return what the report says of the diary.

    Parameters
    ----------
    entries
        The episodes, in order of time.
    days
        The days they are laid over: those of the report, and the two before the first.
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
                story.duration(60 * poor) if known else "not recorded",
                story.duration(60 * longest) if known else "",
                f"{breaks:.0f}" if known else "",
            )
        )
    found, why = associations(entries, days)
    sentences = tuple(each.sentence for each in found) if found else (why[:1].upper() + why[1:] + ".",)
    care = SEEK_CARE if any(entry.needs_care for entry in entries) else ""
    return PainStory(tuple(rows), sentences, care)
