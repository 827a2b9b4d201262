from __future__ import annotations

import csv
import datetime as dt
import functools
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from history_maker import LATER, copied, record, wall

from posture_monitor.errors import UserError
from posture_monitor.history import database
from posture_monitor.history.days import day
from posture_monitor.history.erasure import erase, size
from posture_monitor.history.export import export
from posture_monitor.history.store import Store


@pytest.fixture
def path(tmp_path: Path, recorded_days: Path) -> Path:
    """Return a history of three days, as this test's own."""
    return copied(recorded_days, tmp_path / "data" / "history.sqlite3")


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
    assert len(before.minutes.start_s) == 0
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
    with open(tmp_path / "out" / "minutes.csv", encoding="utf-8", newline="") as text:
        left = [row["time"][11:16] for row in csv.DictReader(text)]
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


def test_what_cannot_be_erased_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr("posture_monitor.history.erasure._wipe", fail)
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
