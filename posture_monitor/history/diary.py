"""A diary of spasms and pain, laid beside what was measured; it never says that one caused the other."""

from __future__ import annotations

import datetime as dt
import math
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from posture_monitor.errors import UserError
from posture_monitor.history import database
from posture_monitor.history.days import Day
from posture_monitor.history.packing import Floats
from posture_monitor.history.timeline import YEARS, local_time, utc_offset_s

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

#: An association is shown from this many days with enough data and episodes on (our own choice).
ENOUGH_DAYS = 14
ENOUGH_EPISODES = 3

#: Days over which it is reckoned, whatever the report shows beside it (our own choice).
WINDOW_DAYS = 31

#: Days that are looked at for an episode: its own and the two before.
LOOK_BACK_DAYS = 3

NO_CAUSE = "This does not show cause."


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
        return [
            Episode(wall_s, offset_s, pain, trigger, tuple(filter(None, symptoms.split(","))), note, number)
            for wall_s, offset_s, pain, trigger, symptoms, note, number in rows
        ]

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


@dataclass(frozen=True)
class Association:
    """How an exposure differed between days with an episode and others.

    Attributes
    ----------
    name, unit
        Of the exposure.
    difference, low, high
        Median of all differences between the two kinds of days, and its 95 % interval.
    """

    name: str
    unit: str
    difference: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval, in the whole numbers it is told in, leaves out nought."""
        return round(self.low) > 0 or round(self.high) < 0

    @property
    def sentence(self) -> str:
        """The one sentence that is said of it."""
        interval = f"(95% interval {signed(self.low)} to {signed(self.high)} {self.unit})"
        if self.clear:
            more = "more" if self.difference >= 0 else "less"
            return f"{self.name}: {abs(self.difference):.0f} {self.unit} {more} around episodes {interval}."
        if round(self.low) == round(self.high) == 0:
            return f"{self.name}: no difference to speak of."
        return f"{self.name}: no clear difference {interval}."


def signed(number: float) -> str:
    """Return a whole number with its sign, ``+12`` or ``−8``; ``0`` has none."""
    return "0" if round(number) == 0 else f"{number:+.0f}".replace("-", "−")


#: What an episode is laid beside: the mean over its day and the two before.
EXPOSURES: tuple[tuple[str, str, Callable[[Day], float]], ...] = (
    ("Poor posture", "min a day", lambda day: day.seconds["poor"] / 60),
    ("Longest time without a break", "min", lambda day: day.longest_bout_s / 60),
    ("Breaks", "a day", lambda day: float(day.breaks)),
)


def exposures(date: dt.date, days: Sequence[Day]) -> tuple[float, ...]:
    """Return the mean of each of `EXPOSURES` over a day and the two before; NaN if none was seen enough.

    Of a day hardly seen no posture is known: it would count as one without any.
    """
    near = [day for day in days if 0 <= (date - day.date).days < LOOK_BACK_DAYS and not day.withheld]
    if not near:
        return (math.nan,) * len(EXPOSURES)
    return tuple(sum(measure(day) for day in near) / len(near) for _, _, measure in EXPOSURES)


def associations(entries: Sequence[Episode], days: Sequence[Day]) -> tuple[list[Association], str]:
    """Return how exposures differed around episodes, or why that is not told yet.

    The difference is that of Hodges and Lehmann with the interval of the
    rank-sum test, which asks nothing of the distribution, but that days stand for
    themselves. Days of pain in a row share their exposures: taken one by one they would
    be called clear by chance in one case of five. So they count once, by the first of them.

    Parameters
    ----------
    entries
        The diary. An entry of no pain is no episode, one less than `LOOK_BACK_DAYS` after another the
        same episode.
    days
        The days that count, each once. One that is not over yet has not had its exposures.

    Returns
    -------
    associations, withheld
        One for each exposure, and ``""``; or none, and why.
    """
    told = [day for day in days if day.over and not day.withheld]
    pain = sorted({entry.date for entry in entries if entry.pain})
    last = [dt.date.min, *pain]
    begun = {date for before, date in zip(last, pain, strict=False) if (date - before).days >= LOOK_BACK_DAYS}
    began = begun & {day.date for day in told}
    if len(told) < ENOUGH_DAYS or len(began) < ENOUGH_EPISODES:
        return [], (
            f"an association is shown from {ENOUGH_DAYS} days with enough data on, {ENOUGH_EPISODES} of them "
            f"with a new episode (entries less than {LOOK_BACK_DAYS} days apart are one); "
            f"there {'is' if len(told) == 1 else 'are'} {_counted(len(told), 'day')} "
            f"and {_counted(len(began), 'episode')}"
        )
    compared = [day for day in told if day.date in began or day.date not in pain]
    table = np.array([exposures(day.date, told) for day in compared])
    with_one = np.array([day.date in began for day in compared])
    if with_one.all():
        return [], "there is no day without an episode to compare with"
    return [
        Association(name, unit, *_shift(table[with_one, column], table[~with_one, column]))
        for column, (name, unit, _) in enumerate(EXPOSURES)
    ], ""


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _shift(one: Floats, other: Floats) -> tuple[float, float, float]:
    """Return the Hodges-Lehmann shift and its 95 % interval (normal approximation of the rank sum)."""
    differences = np.sort((one[:, None] - other[None, :]).ravel())
    n, m = len(one), len(other)
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    first = max(0, math.floor(n * m / 2 - 1.96 * spread))
    return float(np.median(differences)), float(differences[first]), float(differences[-1 - first])
