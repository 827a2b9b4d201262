"""Days as CSV, one row each, for a spreadsheet. Durations in seconds, angles as deviations from neutral."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from typing import Any

from posture_monitor.history.days import Day, score
from posture_monitor.history.records import STATES
from posture_monitor.telling.report import story

#: Column to what it is.
COLUMNS: dict[str, str] = {
    "date": "local day, YYYY-MM-DD",
    **{f"{state}_s": f"seconds in which the state was {story.STATE_NAMES[state]}" for state in STATES},
    "not_recorded_s": "seconds of the day of which nothing is known",
    "coverage": "judged (good, mild, poor) share of the time at the desk (these and unknown), 0..1",
    "score": f"per cent; {story.SCORE_MEANS}; empty where there is not enough data",
    "withheld": "why there is no score",
    "longest_poor_s": "seconds of the longest unbroken poor stretch",
    "alerts": "number of reminders",
    "bouts": "number of bouts at the desk (ended by 60 s or more away, without camera or not recorded)",
    "longest_bout_s": "seconds of the longest bout, from its first to its last judged moment",
    "breaks": "number of absences of 60 s or more between bouts",
    **{
        f"{name}_{part}": f"{words} of the minutes' medians of {name}, against neutral"
        for name in story.SHOWN_MEASURES
        for part, words in (("median", "median"), ("p10", "10th percentile"), ("p90", "90th percentile"))
    },
}


def to_csv(days: Iterable[Day]) -> str:
    """Return the days as CSV text with a header; what was not measured is empty."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for day in days:
        writer.writerow(_row(day))
    return out.getvalue()


def _row(day: Day) -> dict[str, Any]:
    angles = {
        f"{name}_{part}": _number(getattr(angle, part), 3)
        for name, angle in day.angles.items()
        if name in story.SHOWN_MEASURES
        for part in ("median", "p10", "p90")
    }
    return {
        "date": day.date.isoformat(),
        **{f"{state}_s": _number(seconds, 1) for state, seconds in day.seconds.items()},
        "not_recorded_s": _number(day.not_recorded_s, 1),
        "coverage": _number(day.coverage, 4),
        "score": _number(score(day), 1),
        "withheld": day.withheld,
        "longest_poor_s": _number(day.longest_poor_s, 1),
        "alerts": len(day.alerts),
        "bouts": len(day.bouts),
        "longest_bout_s": _number(day.longest_bout_s, 1),
        "breaks": day.breaks,
        **angles,
    }


def _number(value: float, digits: int) -> float | str:
    return round(value, digits) if math.isfinite(value) else ""
