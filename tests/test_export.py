from __future__ import annotations

import datetime as dt
import json
import math
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from history_maker import LATER, copied, wall
from program import rows

from posture_monitor.errors import UserError
from posture_monitor.history.days import day
from posture_monitor.history.diary import Diary, episode
from posture_monitor.history.export import DICTIONARY, export, short, texts
from posture_monitor.history.store import Store


@pytest.fixture
def path(tmp_path: Path, recorded_days: Path) -> Path:
    """Return a history of three days, as this test's own."""
    return copied(recorded_days, tmp_path / "data" / "history.sqlite3")


def test_everything_comes_out(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    files = export(path, out)
    assert sorted(files) == sorted(out.iterdir())
    with Store.open(path, readonly=True) as store:
        spans, told = store.spans(0, 4e9), day(store, dt.date(2025, 5, 14), LATER)
    assert len(rows(out / "spans.csv")) == len(spans)
    neck = [
        row for row in rows(out / "minutes.csv") if row["metric"] == "neck_incl" and "-05-14T" in row["time"]
    ]
    assert len(neck) == told.angles["neck_incl"].minutes
    assert len(rows(out / "readings.csv")) > 1000
    assert [row["source"] for row in rows(out / "recordings.csv")] == [
        f"camera of the {number}th" for number in (13, 14, 15)
    ]


@pytest.mark.usefixtures("berlin")
def test_each_column_holds_what_was_kept_and_nothing_where_nothing_was(tmp_path: Path) -> None:
    history, out = tmp_path / "data" / "history.sqlite3", tmp_path / "out"
    at_s = wall("2025-05-14 09:00")
    with Store.open(history, keep_samples_days=36500) as store:
        store.begin("a film", live=False, profile="desk", neutral={"fsr": 0.3})
        for step in (0, 5, 10):
            store.heartbeat(at_s + step, 7200, "unknown", "too dark")
        store.sample(
            at_s + 61.25,
            {"fsr": 1.23456, "an old one": 2.0},
            0.5,
            verdict="mild",
            view="front",
            confidence=0.9,
        )
        store.sample(at_s + 62.25, {"neck_incl": -3.0}, verdict="unknown")
        store.begin("camera")
        number = store.alert(
            at_s + 90, 7200, "posture", driver="fsr", deviation=8.0, held_s=240, channel="desktop", title="A",
            body="B",
        )  # fmt: skip
        store.outcome(number, "corrected", at_s + 102.5)
        store.alert(at_s + 95, 7200, "break-stand")
    Diary(history).add(episode(6, at_s, trigger="lifting", symptoms=["sharp", "aching"]))
    out.mkdir()  # an empty one will do
    files = export(history, out)
    assert [file.name for file in files] == [*DICTIONARY, "data_dictionary.csv", "history.json"]
    assert not any(b"\r" in file.read_bytes() for file in files)
    told = {name: rows(out / name) for name in DICTIONARY}
    first, second = (row.pop("run") for row in told["recordings.csv"])
    assert told["recordings.csv"] == [
        {"source": "a film", "live": "0", "profile": "desk", "neutral": '{"fsr": 0.3}'},
        {"source": "camera", "live": "1", "profile": "", "neutral": "{}"},
    ]
    assert told["spans.csv"] == [
        {
            "start": "2025-05-14T09:00:00.000+02:00", "end": "2025-05-14T09:00:10.000+02:00",
            "state": "unknown", "reason": "too dark", "live": "0", "run": first,
        }
    ]  # fmt: skip
    assert told["alerts.csv"] == [
        {
            "time": "2025-05-14T09:01:30.000+02:00", "kind": "posture", "driver": "fsr", "deviation": "8.0",
            "held_s": "240.0", "channel": "desktop", "title": "A", "body": "B", "outcome": "corrected",
            "outcome_s": "12.5", "live": "1", "run": second,
        },
        {
            "time": "2025-05-14T09:01:35.000+02:00", "kind": "break-stand", "driver": "", "deviation": "",
            "held_s": "", "channel": "", "title": "", "body": "", "outcome": "", "outcome_s": "",
            "live": "1", "run": second,
        },
    ]  # fmt: skip
    assert told["diary.csv"] == [
        {
            "time": "2025-05-14T09:00:00.000+02:00", "pain": "6", "trigger": "lifting",
            "symptoms": "sharp;aching", "note": "",
        }
    ]  # fmt: skip
    minute = {"time": "2025-05-14T09:01:00.000+02:00"}
    assert told["minutes.csv"] == [
        minute | {"metric": "fsr", "median": "1.234", "p90": "1.234"},
        minute | {"metric": "an old one", "median": "2.0", "p90": "2.0"},
        minute | {"metric": "slouch_index", "median": "0.5", "p90": "0.5"},
        minute | {"metric": "neck_incl", "median": "-3.0", "p90": "-3.0"},
    ]
    known = [{name: value for name, value in row.items() if value} for row in told["readings.csv"]]
    assert known == [
        {
            "time": "2025-05-14T09:01:01.250+02:00", "verdict": "mild", "view": "front",
            "slouch_index": "0.5", "confidence": "0.8999", "fsr": "1.234",
        },
        {
            "time": "2025-05-14T09:01:02.250+02:00", "verdict": "unknown", "view": "unknown",
            "neck_incl": "-3.0",
        },
    ]  # fmt: skip
    data = json.loads((out / "history.json").read_text(encoding="utf-8"))
    assert data.pop("dictionary") == DICTIONARY
    assert {f"{name}.csv" for name in data} == DICTIONARY.keys() - {"readings.csv"}
    for name, kept in data.items():
        told_so = [{key: "" if value is None else str(value) for key, value in row.items()} for row in kept]
        assert told_so == rows(out / f"{name}.csv")
    assert "readings" not in data
    explained = {(row["file"], row["column"]): row["meaning"] for row in rows(out / "data_dictionary.csv")}
    assert explained["readings.csv", "head_drop"].startswith(
        "deviation from neutral in neutral shoulder widths: how far down"
    )
    assert explained["readings.csv", "fsr"].startswith("deviation from neutral in % of neutral: ")


@pytest.mark.parametrize("note", ['"so", it was', "after\nlunch", "after\rlunch", "after\r\nlunch"])
def test_a_note_comes_out_as_it_was_typed(tmp_path: Path, note: str) -> None:
    history = tmp_path / "data" / "history.sqlite3"
    with Store.open(history):
        pass
    for pain in (4, 5):
        Diary(history).add(episode(pain, wall("2025-05-14 09:00") + pain, note=note))
    export(history, tmp_path / "out")
    assert [(row["pain"], row["note"]) for row in rows(tmp_path / "out" / "diary.csv")] == [
        ("4", note), ("5", note),
    ]  # fmt: skip


def test_every_column_is_in_the_dictionary_and_every_file_private(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(path, out)
    explained = {(row["file"], row["column"]) for row in rows(out / "data_dictionary.csv") if row["meaning"]}
    for name in DICTIONARY:
        with open(out / name, encoding="utf-8") as file:
            header = file.readline().strip().split(",")
        assert {(name, column) for column in header} <= explained
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in out.iterdir()} == {0o600}


def test_numbers_in_bulk_are_those_written_one_by_one() -> None:
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float64)
    told = texts(halves.reshape(256, 256)).ravel().tolist()
    assert told == ["" if not math.isfinite(value) else short(value) for value in halves.tolist()]
    assert [short(value) for value in (-12.3456, 0.000123456, math.nan)] == ["-12.35", "0.0001235", ""]


def test_nothing_is_overwritten(path: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("mine")
    for taken in (tmp_path / "out", tmp_path / "out" / "diary.txt"):
        with pytest.raises(UserError, match="not an empty folder"):
            export(path, taken)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["diary.txt"]


def test_a_disk_that_is_full_is_told(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with pytest.raises(UserError, match=r"cannot write the export to .+out: No space left on device$"):
        export(path, tmp_path / "out")


def test_an_empty_history_exports_headers(tmp_path: Path) -> None:
    export(tmp_path / "none.sqlite3", tmp_path / "out")
    assert rows(tmp_path / "out" / "spans.csv") == []
    assert json.loads((tmp_path / "out" / "history.json").read_text())["spans"] == []


def test_what_is_damaged_within_a_page_is_left_out(path: Path, tmp_path: Path) -> None:
    export(path, tmp_path / "whole")
    with closing(sqlite3.connect(path)) as db, db:
        for table in ("minutes", "samples"):
            db.execute(f"UPDATE {table} SET data = x'00ff' WHERE rowid = (SELECT min(rowid) FROM {table})")
    export(path, tmp_path / "out")
    for name in ("minutes.csv", "readings.csv"):
        assert 0 < len(rows(tmp_path / "out" / name)) < len(rows(tmp_path / "whole" / name))
    assert rows(tmp_path / "out" / "spans.csv") == rows(tmp_path / "whole" / "spans.csv")


def test_a_page_damaged_anywhere_is_told_in_one_line(path: Path, tmp_path: Path) -> None:
    whole, torn = path.read_bytes(), b"\xa5" * 4096
    told = []
    for page in range(20, len(whole) // 4096, 10):
        path.write_bytes(whole[: 4096 * page] + torn + whole[4096 * (page + 1) :])
        try:
            export(path, tmp_path / f"{page}")
        except UserError as error:
            told.append(str(error))
    assert told
    assert all("is damaged" in text for text in told)
