"""Take the history out, all but kept landmarks: it belongs to the user."""

from __future__ import annotations

import csv
import functools
import json
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO

import numpy as np
import numpy.typing as npt

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.history.diary import Diary
from posture_monitor.history.packing import Floats
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import local_time, utc_offset_s
from posture_monitor.posture.metrics import METRICS, Change
from posture_monitor.posture.reading import VERDICTS, VIEWS

#: Values in the order of a file's columns; None and ``""`` are what is not known.
Row = Sequence[object]

Texts = npt.NDArray[np.object_]

#: Beyond every moment.
_FOREVER_S = 1e11


def _metric_columns() -> dict[str, str]:
    units = {Change.PERCENT: "% of neutral", Change.SHOULDERS: "neutral shoulder widths"}
    return {m.name: f"deviation from neutral in {units.get(m.change, m.unit)}: {m.text}" for m in METRICS}


_TIME = "ISO 8601 with the local offset of that time"

#: File to column to what it is: the data dictionary.
DICTIONARY: dict[str, dict[str, str]] = {
    "recordings.csv": {
        "run": "number of the recording",
        "source": "camera or file",
        "live": "1: seen by a camera at that time; 0: replayed from a file later",
        "profile": "name of the neutral posture in use",
        "neutral": "the metrics' values at neutral, as JSON: value = neutral and deviation together",
    },
    "spans.csv": {
        "start": f"beginning of the span, {_TIME}",
        "end": f"its end, {_TIME}",
        "state": "good, mild, poor, unknown (there but not judged), away, paused, busy (camera in use); "
        "unknown without any picture (no camera, camera black ...) is no camera in reports, as busy is",
        "reason": "why it was unknown, paused or busy",
        "live": "1: seen by a camera at that time; 0: replayed from a file later",
        "run": "number of the recording; of rows that tell of one moment, reports take the last one here",
    },
    "alerts.csv": {
        "time": f"when it was shown, {_TIME}",
        "kind": "what it asked for",
        "driver": "metric that drove it",
        "deviation": "its deviation from neutral, in the unit that the columns of readings name for it",
        "held_s": "seconds it had been so",
        "channel": "how it was shown; none: it could not be",
        "title": "its title",
        "body": "its text",
        "outcome": "what followed",
        "outcome_s": "seconds after which it followed",
        "live": "1: live; 0: replayed",
        "run": "number of the recording",
    },
    "diary.csv": {
        "time": f"when it was, {_TIME}",
        "pain": "0 (none) to 10 (worst imaginable)",
        "trigger": "what the user holds to have set it off",
        "symptoms": "what it felt like",
        "note": "the user's own words",
    },
    "minutes.csv": {
        "time": f"beginning of the minute, {_TIME}",
        "metric": "name of the metric; see readings.csv for what each is",
        "median": "median of its deviation from neutral in that minute",
        "p90": "90th percentile of the same",
    },
    "readings.csv": {
        "time": f"moment of the reading, {_TIME}; kept for some weeks only",
        "verdict": "verdict of that moment, before smoothing",
        "view": "where the camera saw the body from",
        "slouch_index": "0 at neutral, 0.5 where mild and 1 where poor begins",
        "confidence": "0..1",
        **_metric_columns(),
    },
}


def export(path: Path, folder: Path) -> list[Path]:
    """Write the whole history into a folder as CSV, a data dictionary, and one JSON file.

    Parameters
    ----------
    path
        The history.
    folder
        A new or empty folder.

    Returns
    -------
    list of Path
        The files written, readable by this user alone.

    Raises
    ------
    UserError
        The folder holds something already or cannot be written, or the history cannot be read.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not an empty folder; name a new one for the export")
    paths.make_private(folder)
    try:
        with Store.open(path, readonly=True) as store:
            files = [
                _write_csv(folder / name, columns, rows(store))
                for (name, columns), rows in zip(
                    DICTIONARY.items(),
                    (Store.recordings, _spans, _alerts, _diary, _minutes, _readings),
                    strict=True,
                )
            ]
            files.append(
                _write_csv(
                    folder / "data_dictionary.csv",
                    ("file", "column", "meaning"),
                    (
                        (name, column, meaning)
                        for name, columns in DICTIONARY.items()
                        for column, meaning in columns.items()
                    ),
                )
            )
            files.append(_write_json(folder / "history.json", store))
    except OSError as error:
        raise UserError(f"cannot write the export to {folder}: {error.strerror or error}") from error
    return files


def _private(path: Path) -> TextIO:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(handle, "w", encoding="utf-8", newline="")


def _write_csv(path: Path, columns: Iterable[str], rows: Iterable[Row]) -> Path:
    with _private(path) as file:
        # Of what may end a line, the writer quotes only what ends its own: a note may hold either.
        lines = SimpleNamespace(write=lambda row: file.write(row.removesuffix("\r\n") + "\n"))
        writer = csv.writer(lines, lineterminator="\r\n")
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def _iso(wall_s: float, offset_s: int | None = None) -> str:
    """Return a moment with the offset that was kept with it, else with this machine's at that time."""
    offset_s = utc_offset_s(wall_s) if offset_s is None else offset_s
    return local_time(wall_s, offset_s).isoformat(timespec="milliseconds")


def _number(value: float) -> float | None:
    return float(short(value)) if math.isfinite(value) else None


def short(value: float) -> str:
    """Return a number with four significant digits, as many as are kept; ``""`` where it is not finite."""
    return repr(float(f"{value:.4g}")) if math.isfinite(value) else ""


def texts(kept: Floats) -> Texts:
    """Return numbers that were unpacked from half floats as `short` does, in the same shape."""
    return _every_half()[kept.astype(np.float16).view(np.uint16)]


@functools.cache
def _every_half() -> Texts:
    # An export of years is little else, and there are no more half floats than this.
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
    return np.array([short(value) for value in halves.tolist()], dtype=object)


def _spans(store: Store) -> Iterator[Row]:
    for span in store.spans(0, _FOREVER_S):
        yield (
            _iso(span.start_s, span.utc_offset_s),
            _iso(span.end_s, span.utc_offset_s),
            *(span.state, span.reason, int(span.live), span.run),
        )


def _alerts(store: Store) -> Iterator[Row]:
    for alert in store.alerts(0, _FOREVER_S):
        yield (
            _iso(alert.wall_s, alert.utc_offset_s),
            *(alert.kind, alert.driver, _number(alert.deviation), _number(alert.held_s)),
            *(alert.channel, alert.title, alert.body),
            *(alert.outcome, _number(alert.outcome_s - alert.wall_s), int(alert.live), alert.run),
        )


def _diary(store: Store) -> Iterator[Row]:
    for entry in Diary(store.path).list():
        at = _iso(entry.wall_s, entry.utc_offset_s)
        yield at, entry.pain, entry.trigger, ";".join(entry.symptoms), entry.note


def _minutes(store: Store) -> Iterator[Row]:
    for hour, summary in store.minutes(0, _FOREVER_S):
        for number, told in enumerate(texts(summary.values).tolist()):
            at = _iso(3600.0 * hour + 60 * number)
            for name, (median, p90) in zip(summary.names, told, strict=True):
                if median:
                    yield at, name, median, p90


def _readings(store: Store) -> Iterator[Row]:
    place = {name: column for column, name in enumerate(DICTIONARY["readings.csv"])}
    for minute in store.samples(0, _FOREVER_S):
        known = [k for k, name in enumerate(minute.names) if name in place]
        table = np.full((len(minute.wall_s), len(place)), "", dtype=object)
        table[:, place["time"]] = [_iso(wall_s) for wall_s in minute.wall_s.tolist()]
        table[:, place["verdict"]] = [str(VERDICTS[code]) for code in minute.verdicts]
        table[:, place["view"]] = [str(VIEWS[code]) for code in minute.views]
        table[:, place["slouch_index"]] = texts(minute.slouch_index)
        table[:, place["confidence"]] = texts(minute.confidence)
        table[:, [place[minute.names[k]] for k in known]] = texts(minute.deviations[:, known])
        yield from table.tolist()


def _write_json(path: Path, store: Store) -> Path:
    """Write all but the single readings, row by row: a history of years need not fit into memory."""
    with _private(path) as file:
        file.write('{\n"dictionary": ' + json.dumps(DICTIONARY, ensure_ascii=False))
        for name, lines in (
            ("recordings", _as_json("recordings.csv", store.recordings())),
            ("spans", _as_json("spans.csv", _spans(store))),
            ("alerts", _as_json("alerts.csv", _alerts(store))),
            ("diary", _as_json("diary.csv", _diary(store))),
            ("minutes", _minutes_as_json(store)),
        ):
            file.write(f',\n"{name}": [\n')
            file.write(next(lines, ""))
            file.writelines(",\n" + line for line in lines)
            file.write("\n]")
        file.write("\n}\n")
    return path


def _as_json(name: str, rows: Iterable[Row]) -> Iterator[str]:
    columns = tuple(DICTIONARY[name])
    for row in rows:
        kept = {key: None if value == "" else value for key, value in zip(columns, row, strict=True)}
        yield json.dumps(kept, ensure_ascii=False, allow_nan=False)


def _minutes_as_json(store: Store) -> Iterator[str]:
    """Yield the minutes, which are nearly all there is, with no more work than filling in a form."""
    for at, name, median, p90 in _minutes(store):
        yield f'{{"time": "{at}", "metric": "{name}", "median": {median}, "p90": {p90 or "null"}}}'
