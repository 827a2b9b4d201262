"""A made-up history of years, to try the reports and measure their speed. No person's data is in it.

``python benchmarks/made_up_history.py DIR`` makes one of three years;
with ``POSTURE_MONITOR_HOME=DIR`` the program then tells of it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from posture_monitor.errors import UserError
from posture_monitor.history import database, packing
from posture_monitor.history.packing import Minutes, Sample
from posture_monitor.history.recording import SLOUCH_INDEX
from posture_monitor.history.timeline import midnight_s, utc_offset_s
from posture_monitor.posture.reading import Verdict, View

#: What a front view measures, with the deviation it has when poor begins.
_METRICS = {
    "fsr": 12.0, "esr": -10.0, "nsr": -12.0, "head_height": -5.6, "head_rise": -8.0, "ear_height": -6.0,
    "distance": -30.0, "face_size": 25.0, "shoulder_width": 15.0, "head_drop": 0.5, "shoulder_drop": 0.3,
    "head_shift": 0.1, "shoulder_shift": 0.1, "pitch_cue": 0.3, "yaw_cue": 0.2, "head_yaw": 9.0,
    "head_nod": 10.0, "head_roll": 4.0, "shoulder_tilt": 3.0, "lateral_head": 3.0,
}  # fmt: skip
_SEED = 1
_LEVEL = {"good": 0.15, "mild": 0.65, "poor": 1.2}


def make(path: Path, years: float = 3.0, until: dt.date | None = None) -> int:
    """Write a made-up history of working days, the same each time, and return how many there are.

    Parameters
    ----------
    path
        A file that does not exist yet.
    years
        How far back it reaches.
    until
        Its last day; default: today.

    Raises
    ------
    UserError
        The file is already there: a real history is never mixed with a made-up one.
    """
    if path.exists():
        raise UserError(f"{path} is already there; name a new file for the made-up history")
    rng = random.Random(_SEED)
    last = until or dt.date.today()
    dates = [last - dt.timedelta(days=back) for back in range(round(365.25 * years), -1, -1)]
    worked = [date for date in dates if date.weekday() < 5 or rng.random() < 0.15]
    db = database.open_writer(path)
    readings = _reading_templates(rng)
    for run, date in enumerate(worked, start=1):
        with database.transaction(db):
            db.execute(
                "INSERT INTO runs VALUES (?, ?, 'made up', 1, 'made up', '{}')",
                (run, midnight_s(date)),
            )
            spans = list(_spans(date, rng))
            offset_s = utc_offset_s(spans[0][0])
            db.executemany(
                "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(run, seq, start, end, offset_s, *rest) for seq, (start, end, *rest) in enumerate(spans)],
            )
            poor = [
                start_s for start_s, end_s, state, _ in spans if state == "poor" and end_s - start_s > 150
            ]
            db.executemany(
                "INSERT INTO alerts VALUES (?, ?, ?, ?, 'posture', 'head_height', ?, 90, 'test', ?, ?, ?, ?)",
                [
                    (
                        *(run, seq, start_s + 90, offset_s, rng.uniform(-12, -6)),
                        *("Head low over the shoulders", "Sit tall, and bring your head back over them."),
                        *(rng.choice(["corrected", "ignored", "late"]), start_s + 90 + rng.uniform(5, 55)),
                    )
                    for seq, start_s in enumerate(poor[:12])
                ],
            )
            minutes = _minutes(spans, np.random.default_rng(_SEED + run))
            db.executemany(
                "INSERT INTO minutes VALUES (?, ?, ?, ?)",
                [(hour, run, *summary.pack()) for hour, summary in minutes.items()],
            )
            if (last - date).days < 30:
                first, end = int(spans[0][0] // 60), int(spans[-1][1] // 60)
                db.executemany(
                    "INSERT INTO samples VALUES (?, ?, ?, ?, NULL)",
                    [(minute, run, *rng.choice(readings)) for minute in range(first, end)],
                )
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return len(worked)


def _spans(date: dt.date, rng: random.Random) -> Iterator[tuple[float, float, str, str]]:
    """Yield start, end, state and reason of a day's spans: some two hundred, as a real day has."""
    at_s = midnight_s(date) + rng.uniform(7.5, 9.5) * 3600
    ends_s = at_s + rng.uniform(7, 9.5) * 3600
    lunch_s = midnight_s(date) + rng.uniform(12, 13) * 3600
    tiring = rng.uniform(0.2, 0.9)
    next_break_s = at_s + rng.uniform(2000, 5000)
    while at_s < ends_s:
        reason = ""
        if at_s > lunch_s:
            state, length_s, lunch_s = "away", rng.uniform(1500, 3600), ends_s
        elif at_s > next_break_s:
            state, length_s = rng.choice(["away", "away", "away", "paused", "busy"]), rng.uniform(70, 900)
            next_break_s = at_s + length_s + rng.uniform(1500, 5000)
        else:
            tired = tiring * (1 - (ends_s - at_s) / 36000)
            state = rng.choices(["good", "mild", "poor", "unknown"], [1.0, 0.5, tired, 0.15])[0]
            length_s = rng.expovariate(1 / {"good": 220, "mild": 70, "poor": 110, "unknown": 25}[state])
            reason = rng.choice(["head turned", "too dark"]) if state == "unknown" else ""
        yield at_s, at_s + length_s, state, reason
        at_s += length_s


def _minutes(spans: list[tuple[float, float, str, str]], rng: np.random.Generator) -> dict[int, Minutes]:
    names = (*_METRICS, SLOUCH_INDEX)
    scale = np.array([*_METRICS.values(), 1.0])
    summaries: dict[int, Minutes] = {}
    for start_s, end_s, state, _ in spans:
        if state in _LEVEL:
            for minute in range(int(start_s // 60), int(end_s // 60) + 1):
                median = scale * (_LEVEL[state] + rng.normal(0, 0.12, len(scale)))
                summary = summaries.setdefault(
                    minute // 60, Minutes(names, np.full((60, len(names), 2), np.nan))
                )
                spread = np.abs(scale) * rng.uniform(0.02, 0.3, len(scale))
                summary.values[minute % 60] = np.stack([median, median + spread], axis=1)
    return summaries


def _reading_templates(rng: random.Random) -> list[tuple[str, bytes]]:
    """Return packed minutes of readings every two seconds, to be dealt out again and again."""
    packed = []
    for _ in range(20):
        level = rng.uniform(0, 1.2)
        readings = [
            Sample(
                2.0 * step,
                Verdict.POOR if level > 1 else Verdict.GOOD,
                View.FRONT,
                level,
                0.8,
                {name: scale * rng.gauss(level, 0.1) for name, scale in _METRICS.items()},
            )
            for step in range(30)
        ]
        packed.append(packing.pack_samples(readings, 0))
    return packed


def main() -> None:
    """Make a history as the command line says."""
    parser = argparse.ArgumentParser(description="Make up a history, to try reports.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="where history.sqlite3 is written")
    parser.add_argument("--years", type=float, default=3.0, help="how far back it reaches; default: 3")
    options = parser.parse_args()
    path = options.folder / "history.sqlite3"
    try:
        made = make(path, options.years)
    except UserError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    print(f"{made} working days in {path}; to see them: POSTURE_MONITOR_HOME={options.folder}")


if __name__ == "__main__":
    main()
