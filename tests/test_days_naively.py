"""Random histories, told by the program and counted anew second by second, as the documentation says."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from collections import Counter
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from history_maker import wall
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from posture_monitor.history.days import day
from posture_monitor.history.records import STATES
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import utc_offset_s
from posture_monitor.telling.report import story
from posture_monitor.telling.report.csv_ import to_csv
from posture_monitor.telling.report.json_ import to_json
from posture_monitor.telling.report.text import render_text

pytestmark = pytest.mark.usefixtures("berlin")

DATES = [dt.date(2025, 10, number) for number in (25, 26, 27)]  # the 26th has 25 hours
PRESENT = ("good", "mild", "poor", "unknown")


class Beat(NamedTuple):
    """A heartbeat: seconds after the one before, in a recording of its own if `begins` says which kind."""

    after_s: int
    state: str
    reason: str
    gap_s: float
    begins: bool | None


class Claim(NamedTuple):
    """What a recording says of some seconds; those that count more are greater."""

    live: bool
    run: int
    number: int
    start_s: int
    end_s: int
    state: str
    offset_s: int


beats = st.lists(
    st.builds(
        Beat,
        st.sampled_from([1, 20, 30, 60, 60, 60, 600, 900, 3000, 40_000, -5, -90, -4000]),
        st.sampled_from((*STATES, "poor", "poor", "poor", "away", "away", "unknown")),
        st.sampled_from(["", "", "too dark", "no camera"]),
        st.sampled_from([0.5, 3600.0, 3600.0, 3600.0]),
        st.sampled_from([None, None, None, None, None, True, False]),
    ),
    min_size=40,
    max_size=60,
)


def written(store: Store, told: list[Beat]) -> list[Claim]:
    """Write heartbeats; return what they claim: a state lasts until the next one, if that comes in time."""
    claims: list[Claim] = []
    at_s, run, live = int(wall("2025-10-25 20:00")), 0, True
    last: tuple[bool, int, int, str, int] | None = None  # live, run, since when, state, offset
    for beat in told:
        if beat.begins is not None:
            store.begin("camera", live=beat.begins)
            run, live = run + 1, beat.begins
        at_s += beat.after_s
        offset_s = utc_offset_s(at_s)
        store.heartbeat(at_s, offset_s, beat.state, beat.reason, gap_s=beat.gap_s)
        said_s = at_s
        if last is not None and abs(at_s - last[2]) <= beat.gap_s:
            if last[1] == run:  # a clock corrected by less than the gap runs on
                said_s = max(at_s, last[2])
            claims.append(Claim(*last[:2], len(claims), last[2], said_s, *last[3:]))
        camera_off = beat.state == "unknown" and beat.reason == "no camera"
        last = (live, run, said_s, "busy" if camera_off else beat.state, offset_s)
    return claims


def counted(claims: list[Claim], date: dt.date) -> dict[str, Any]:
    """Return what is to be told of a day, from each of its seconds in turn."""
    zero_s = int(wall("2025-10-24 00:00"))
    by = np.full(max([claim.end_s for claim in claims], default=zero_s) - zero_s, -1)
    for number, claim in enumerate(claims := sorted(claims)):
        by[claim.start_s - zero_s : claim.end_s - zero_s] = number
    midnight_s = 86400 * (date - dt.date(1970, 1, 1)).days
    told = np.flatnonzero(by >= 0)
    clock_s = zero_s + told + np.array([claim.offset_s for claim in claims], dtype=int)[by[told]] - midnight_s
    own = [(zero_s + at, claims[by[at]]) for at in told[(clock_s >= 0) & (clock_s < 86400)].tolist()]
    hours = Counter(((at_s + c.offset_s) % 86400 // 3600, c.state) for at_s, c in own)
    seconds = {state: sum(n for (_, told), n in hours.items() if told == state) for state in STATES}
    # In a row: the same state, no second left out.
    rows = [list(row) for _, row in groupby(enumerate(own), lambda it: (it[1][0] - it[0], it[1][1].state))]
    stretches = [(row[0][1][0], row[-1][1][0] + 1, row[0][1][1].state) for row in rows]
    bouts: list[list[int]] = []
    breaks, away_s, until_s = 0, 0, -100
    for start_s, end_s, state in stretches:
        away_s += end_s - start_s if state == "away" else 0
        goes_on = start_s - until_s < 60
        if state in PRESENT and (goes_on or state != "unknown"):
            if not goes_on:
                breaks += bool(bouts) and away_s >= 60
                bouts.append([start_s, end_s])
            elif state != "unknown":
                bouts[-1][1] = end_s
            until_s, away_s = end_s, 0
    judged_s, present_s = (sum(seconds[state] for state in PRESENT[:n]) for n in (3, 4))
    enough = judged_s >= 600 and judged_s >= 0.6 * present_s
    return {
        "seconds": seconds,
        "hours": {h: {s: hours[h, s] for s in STATES} for h in sorted({hour for hour, _ in hours})},
        "longest_poor_s": max([end - start for start, end, state in stretches if state == "poor"], default=0),
        "bouts": [end_s - start_s for start_s, end_s in bouts],
        "breaks": breaks,
        "score": round(100 * (1 - seconds["poor"] / judged_s), 1) if enough else None,
    }


@settings(max_examples=50)
@given(beats)
def test_every_form_of_the_report_tells_what_was_recorded(told: list[Beat]) -> None:
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "history.sqlite3") as store:
        claims = written(store, told)
        days = [day(store, date, 4e9) for date in DATES]
    for each in days:
        expected, found = counted(claims, each.date), to_json(each)
        assert found["seconds"] == expected["seconds"]
        assert {hour["hour"]: hour["seconds"] for hour in found["hours"]} == expected["hours"]
        assert found["longest_poor_s"] == expected["longest_poor_s"]
        assert [bout["seconds"] for bout in found["bouts"]] == expected["bouts"]
        assert found["score"] == expected["score"]
        (row,) = csv.DictReader(io.StringIO(to_csv([each])))
        assert [float(row[f"{state}_s"]) for state in STATES] == list(expected["seconds"].values())
        assert (int(row["bouts"]), int(row["breaks"])) == (len(expected["bouts"]), expected["breaks"])
        text = io.StringIO()
        render_text(each, Console(file=text, width=80))
        rows = [line.split("  ") for line in text.getvalue().splitlines()]
        for state in PRESENT if story.measured_at_all(each) else ():
            (shown,) = [[cell for cell in row if cell] for row in rows if row[1:2] == [state]]
            assert shown[1].strip() == story.duration(expected["seconds"][state])
    assert all(before.end_s == after.start_s for before, after in pairwise(days))
