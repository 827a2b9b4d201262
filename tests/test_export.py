from __future__ import annotations

import csv
import datetime as dt
import functools
import json
import math
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import made_up_history
import numpy as np
import pytest
from history_maker import copied, record, wall, working_day

from posture_monitor.errors import UserError
from posture_monitor.history import bulk, database
from posture_monitor.history.days import day
from posture_monitor.history.diary import Diary, episode
from posture_monitor.history.export import DICTIONARY, erase, export, size
from posture_monitor.history.store import Store

LATER = 4e9


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a history of three days."""
    path = tmp_path_factory.mktemp("recorded") / "history.sqlite3"
    with Store.open(path, keep_samples_days=36500) as store:
        for number in (13, 14, 15):
            store.begin(f"camera of the {number}th", profile="desk", neutral={"neck_incl": 31.5})
            working_day(store, f"2025-05-{number}", seed=number)
    return path


@pytest.fixture
def path(tmp_path: Path, recorded: Path) -> Path:
    """Return that history, as this test's own."""
    return copied(recorded, tmp_path / "data" / "history.sqlite3")


def rows(file: Path) -> list[dict[str, str]]:
    with open(file, encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


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
    told = bulk.texts(halves.reshape(256, 256)).ravel().tolist()
    assert told == ["" if not math.isfinite(value) else bulk.short(value) for value in halves.tolist()]
    assert [bulk.short(value) for value in (-12.3456, 0.000123456, math.nan)] == ["-12.35", "0.0001235", ""]


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


def test_erasing_before_a_day_leaves_that_day_whole(path: Path) -> None:
    with Store.open(path, keep_samples_days=36500) as store:
        record(store, wall("2025-05-13 23:30"), [("mild", 3600)], step_s=10)
        kept = day(store, dt.date(2025, 5, 14), LATER)
    gone = erase(path, dt.date(2025, 5, 14))
    assert gone.spans > 20
    assert gone.alerts > 0
    with Store.open(path, readonly=True) as store:
        left = day(store, dt.date(2025, 5, 14), LATER)
        before = day(store, dt.date(2025, 5, 13), LATER)
        assert next(source for _, source, *_ in store.recordings()) == "camera of the 14th"
    assert left.seconds == pytest.approx(kept.seconds)
    assert left.angles == kept.angles
    assert before.recorded_s == 0
    assert len(before.minutes) == 0
    assert not before.alerts


def test_erased_text_is_gone_from_the_disk(path: Path) -> None:
    with Store.open(path) as store:
        store.alert(wall("2025-05-14 12:00"), 7200, "posture", body="a sentence nobody else should read")
    before = size(path)
    gone = erase(path)
    assert gone.freed == before - size(path) > 0
    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"nobody else should read" not in left
    assert b"camera of the" not in left


def test_what_a_reader_keeps_on_the_disk_is_told_and_goes_with_the_next_erasure(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "open_writer", functools.partial(database.open_writer, busy_s=0.1))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM spans").fetchone() > (0,)
        with pytest.raises(UserError, match="still in the file; close that program and wipe once more"):
            erase(path)
        assert b"camera of the" in path.read_bytes(), "the reader kept nothing, so this test shows nothing"
    erase(path)
    assert b"camera of the" not in b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_damaged_files_are_erased_with_the_rest(path: Path) -> None:
    old = path.with_name(f"{path.name}.damaged-2024-01-01")
    new = path.with_name(f"{path.name}.damaged-2025-05-20")
    same = path.with_name(f"{path.name}.damaged-2025-05-14")
    for aside in (old, new, same):
        aside.write_bytes(b"x" * 1000)
    erase(path, dt.date(2025, 5, 14))
    assert (old.exists(), new.exists(), same.exists()) == (False, True, True)
    erase(path)
    assert not new.exists()
    assert not same.exists()


def test_a_history_that_turns_out_damaged_is_erased_as_well(path: Path) -> None:
    path.write_bytes(b"torn, but a private remark is in it " * 10000)
    gone = erase(path)
    assert gone.freed > 0
    assert b"private remark" not in b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_what_is_damaged_within_a_page_is_left_out(path: Path, tmp_path: Path) -> None:
    export(path, tmp_path / "whole")
    with closing(sqlite3.connect(path)) as db, db:
        for table in ("minutes", "samples"):
            db.execute(f"UPDATE {table} SET data = x'00ff' WHERE rowid = (SELECT min(rowid) FROM {table})")
    export(path, tmp_path / "out")
    for name in ("minutes.csv", "readings.csv"):
        assert 0 < len(rows(tmp_path / "out" / name)) < len(rows(tmp_path / "whole" / name))
    assert rows(tmp_path / "out" / "spans.csv") == rows(tmp_path / "whole" / "spans.csv")


@pytest.fixture
def kolkata(travel: Callable[[str], None]) -> None:
    """Have the clock of a place where midnight is half past an hour of UTC."""
    travel("Asia/Kolkata")


@pytest.mark.usefixtures("kolkata")
def test_of_an_hour_of_two_days_the_second_keeps_its_minutes(tmp_path: Path) -> None:
    path = tmp_path / "h" / "history.sqlite3"
    with Store.open(path) as store:
        for clock in ("13 23:35", "13 23:59", "14 00:00", "14 00:29"):
            store.sample(wall(f"2025-05-{clock}"), {"neck_incl": 1.0}, verdict="good")
    erase(path, dt.date(2025, 5, 14))
    export(path, tmp_path / "out")
    left = [row["time"][11:16] for row in rows(tmp_path / "out" / "minutes.csv")]
    assert left == ["00:00", "00:29"]


@pytest.mark.usefixtures("kolkata")
def test_an_hour_of_two_days_that_is_damaged_goes_with_the_first(tmp_path: Path) -> None:
    path = tmp_path / "h" / "history.sqlite3"
    with Store.open(path) as store:
        record(store, wall("2025-05-13 23:50"), [("good", 3600)])
        store.sample(wall("2025-05-14 00:10"), {"neck_incl": 1.0}, verdict="good")
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute("UPDATE minutes SET data = x'00ff'").rowcount == 1
    assert erase(path, dt.date(2025, 5, 14)).spans == 0, "the one there is goes on in the second day"
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM minutes").fetchone() == (0,)


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


def test_what_cannot_be_erased_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr("posture_monitor.history.export._wipe", fail)
    with pytest.raises(UserError, match=path.name):
        erase(path)


def test_erasing_while_the_monitor_runs(path: Path) -> None:
    now = time.time()
    with Store.open(path) as store:
        store.begin("camera")
        store.alert(now, 0, "posture", body="a sentence nobody else should read")
        for step in range(0, 60, 2):
            store.heartbeat(now + step, 0, "poor")
            store.sample(now + step, {"fsr": 1.0})
        store.flush()
        erase(path)
        left = b"".join(file.read_bytes() for file in path.parent.iterdir())
        assert b"nobody else should read" not in left, "the log of writes holds nothing either"
        for step in range(60, 120, 2):
            store.heartbeat(now + step, 0, "good")
            if step == 62:
                store.flush()
        assert store.flush()
        assert store.trouble == ""
        assert {span.state for span in store.spans(0, 4e9)} == {"good"}
        assert list(store.minutes(now - 3600, now + 3600)) == []


def test_erasing_nothing_is_harmless(tmp_path: Path) -> None:
    assert erase(tmp_path / "none.sqlite3").spans == 0
    assert size(tmp_path / "none.sqlite3") == 0


def test_a_made_up_history_is_never_mixed_with_a_real_one(path: Path) -> None:
    with pytest.raises(UserError, match="already there"):
        made_up_history.make(path)


def test_a_command_makes_up_a_history(tmp_path: Path) -> None:
    command = [sys.executable, made_up_history.__file__, str(tmp_path), "--years", "0.01"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert f"POSTURE_MONITOR_HOME={tmp_path}" in made.stdout
    with Store.open(tmp_path / "history.sqlite3", readonly=True) as store:
        assert len(store.recordings()) >= 2
    again = subprocess.run(command, capture_output=True, text=True)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "already there" in again.stderr


def test_a_made_up_history_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "made_up.sqlite3"
    last = dt.date(2025, 5, 14)
    assert made_up_history.make(path, years=0.05, until=last) >= 13
    with Store.open(path, readonly=True) as store:
        told = day(store, last, LATER)
    assert told.judged_s > 4 * 3600
    assert told.coverage > 0.9
    assert "fsr" in told.angles
