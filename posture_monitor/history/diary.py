"""A diary of spasms and pain."""

from __future__ import annotations

import datetime as dt
import logging
import math
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from posture_monitor.errors import UserError
from posture_monitor.history import database
from posture_monitor.history.timeline import YEARS, local_time, utc_offset_s

log = logging.getLogger(__name__)

#: With these the text below is shown: static, on the day of the entry, and nothing is inferred from them.
_NEED_CARE = frozenset({"tingling", "numbness", "weakness"})

#: Signs of pressure on the nerves of the lower spine, as given to patients, and others that no diary should
#: be kept over (backes.org.uk/cauda-equina-warning-signs; NHS advice on back pain).
SEEK_CARE = (
    "Go to an emergency department now if you have any of these: numbness or pins and needles between the "
    "thighs, around the genitals, buttocks or back passage; altered feeling when wiping; trouble starting, "
    "stopping or feeling urine, or leaking; loss of bowel control; loss of sexual feeling; new weakness or "
    "numbness in both legs; or if it began with a serious accident, or comes with chest pain. See a doctor "
    "soon about back pain with fever or unexplained weight loss, or if you have had cancer. This program "
    "cannot tell whether you need a doctor; if in doubt, ask one."
)

#: Pain from which the line below is shown when it is entered (our own choice).
STRONG_PAIN = 8

#: As in NHS advice on back pain that is very severe or gets worse.
ASK_A_DOCTOR = "Pain this strong, or pain that gets worse, is a good reason to ask a doctor."

#: Smaller differences on the 0 to 10 scale are within its error (smallest real change: PubMed 15928561).
CLEAR_CHANGE = 2


@dataclass(frozen=True)
class Episode:
    """One spasm or bout of pain.

    Attributes
    ----------
    wall_s, utc_offset_s
        When it was: POSIX seconds, and local time minus UTC.
    pain
        0 (none) to 10 (worst imaginable).
    trigger
        One of `records.TRIGGERS`, or ``""``.
    symptoms
        Any of `records.SYMPTOMS`.
    note
        The user's own words.
    id
        Its number in the diary.
    """

    wall_s: float
    utc_offset_s: int
    pain: int
    trigger: str = ""
    symptoms: tuple[str, ...] = ()
    note: str = ""
    id: int = 0

    @property
    def date(self) -> dt.date:
        """The local day on which it was."""
        return local_time(self.wall_s, self.utc_offset_s).date()

    @property
    def note_line(self) -> str:
        """The user's own words on one line, without signs that steer a terminal."""
        return "".join(letter if letter.isprintable() else " " for letter in self.note)

    @property
    def needs_care(self) -> bool:
        """Whether `SEEK_CARE` is to be shown with it."""
        return not _NEED_CARE.isdisjoint(self.symptoms)

    @property
    def advice(self) -> str:
        """What is said when it is entered: `SEEK_CARE`, `ASK_A_DOCTOR` or ``""``."""
        if self.needs_care:
            return SEEK_CARE
        return ASK_A_DOCTOR if self.pain >= STRONG_PAIN else ""


def episode(
    pain: int, wall_s: float, *, trigger: str = "", symptoms: Sequence[str] = (), note: str = ""
) -> Episode:
    """Return an episode at a moment by this machine's clock; see `Episode`."""
    # What a terminal in another encoding typed is no text that could be kept.
    note = note.encode(errors="replace").decode().strip()
    return Episode(wall_s, utc_offset_s(wall_s), pain, trigger, tuple(dict.fromkeys(symptoms)), note)


def parse_moment(text: str, now_s: float) -> float:
    """Return the POSIX seconds a user means: ``now``, ``14:05``, ``yesterday 14:05``, ``2026-03-02 14:05``.

    Raises
    ------
    UserError
        It is none of these, or lies in the future.
    """
    now = dt.datetime.fromtimestamp(now_s)
    words = text.strip().lower()
    if re.match(r"\d{4}-", words):
        words = words.replace("t", " ", 1)
    if words in ("", "now"):
        return now_s
    day_word, _, time_word = words.rpartition(" ")
    try:
        day = {
            "": now.date(),
            "today": now.date(),
            "yesterday": now.date() - dt.timedelta(days=1),
        }.get(day_word) or dt.date.fromisoformat(day_word)
        if day.year not in YEARS or not re.fullmatch(r"\d{1,2}:\d{2}", time_word, re.ASCII):
            raise ValueError
        hour, minute = map(int, time_word.split(":"))
        moment_s = dt.datetime.combine(day, dt.time(hour, minute)).timestamp()
    except ValueError:
        raise UserError(
            f"no such time: {text!r}; write 14:05, yesterday 14:05 or {now:%Y-%m-%d} 14:05"
        ) from None
    if moment_s > now_s:
        raise UserError(f"{text!r} has not come yet")
    return moment_s


class Diary:
    """The diary within the history file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, entry: Episode) -> Episode:
        """Keep an episode; return it with its number."""
        number = self._change(
            "INSERT INTO diary (wall_s, utc_offset_s, pain, trigger, symptoms, note) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            *_values(entry),
        ).lastrowid
        assert number is not None
        return replace(entry, id=number)

    def edit(self, entry: Episode) -> None:
        """Put an episode in the place of the one with its number."""
        done = self._change(
            "UPDATE diary SET wall_s = ?, utc_offset_s = ?, pain = ?, trigger = ?, symptoms = ?, note = ? "
            "WHERE id = ?",
            *_values(entry),
            entry.id,
        )
        if not done.rowcount:
            raise _missing(entry.id)

    def delete(self, number: int) -> None:
        """Remove an episode."""
        if not self._change("DELETE FROM diary WHERE id = ?", number).rowcount:
            raise _missing(number)

    def get(self, number: int) -> Episode:
        """Return the episode with this number."""
        for entry in self.list():
            if entry.id == number:
                return entry
        raise _missing(number)

    def list(self, from_s: float = -math.inf, to_s: float = math.inf) -> list[Episode]:
        """Return the episodes of a stretch of time (POSIX seconds), in order of time."""
        with closing(database.open_reader(self._path)) as db:
            try:
                rows = db.execute(
                    "SELECT wall_s, utc_offset_s, pain, trigger, symptoms, note, id FROM diary "
                    "WHERE wall_s >= ? AND wall_s < ? ORDER BY wall_s, id",
                    (from_s, to_s),
                ).fetchall()
            except sqlite3.Error as error:
                raise UserError(database.explain(error, self._path, "read")) from error
        entries = []
        for wall_s, offset_s, pain, trigger, symptoms, note, number in rows:
            try:
                felt = tuple(filter(None, symptoms.split(",")))
                local_time(wall_s, offset_s)
            except (ValueError, TypeError, OverflowError, OSError):
                # Damage within a page is none that SQLite notices: the rest can be read.
                log.warning("the history %s is damaged; diary entry %s is passed over", self._path, number)
            else:
                entries.append(Episode(wall_s, offset_s, pain, trigger, felt, note, number))
        return entries

    def _change(self, statement: str, *values: object) -> sqlite3.Cursor:
        with closing(database.open_writer(self._path)) as db:
            try:
                done = db.execute(statement, values)
                if not statement.startswith("INSERT"):
                    # While the monitor runs the log would go on holding what a note said before.
                    database.empty_log(db)
                return done
            except sqlite3.Error as error:
                raise UserError(database.explain(error, self._path)) from error


def _values(entry: Episode) -> tuple[object, ...]:
    return entry.wall_s, entry.utc_offset_s, entry.pain, entry.trigger, ",".join(entry.symptoms), entry.note


def _missing(number: int) -> UserError:
    return UserError(f"the diary has no entry {number}; `posture-monitor log list` shows the numbers")


def pain_change(before: int, after: int) -> str:
    """Return how pain changed, in words; under two points that is ``no clear change``."""
    if abs(after - before) < CLEAR_CHANGE:
        return "no clear change"
    return "less pain" if after < before else "more pain"
