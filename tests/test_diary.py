from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from history_maker import wall

from posture_monitor.errors import UserError
from posture_monitor.history.diary import Diary, episode, pain_change, parse_moment
from posture_monitor.history.erasure import erase
from posture_monitor.history.export import export
from posture_monitor.history.store import Store

NOW = "2025-05-14 15:00"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.sqlite3"


def test_an_entry_is_kept_edited_and_deleted(path: Path) -> None:
    diary = Diary(path)
    assert diary.list() == []
    first = diary.add(
        episode(
            6,
            wall("2025-05-14 09:30"),
            trigger="lifting",
            symptoms=["sharp", "stiffness"],
            note=" ouch, \n'x' ",
        )
    )
    second = diary.add(episode(3, wall("2025-05-13 20:00")))
    assert diary.list() == [second, first]
    assert first.note == "ouch, \n'x'"
    assert diary.get(first.id).symptoms == ("sharp", "stiffness")
    diary.edit(replace(first, pain=4, note="better"))
    assert diary.get(first.id).pain == 4
    diary.delete(second.id)
    assert [entry.id for entry in diary.list()] == [first.id]
    assert diary.list(wall("2025-05-14 10:00")) == []


def test_what_a_note_said_is_gone_with_it_while_the_monitor_runs(path: Path) -> None:
    def where(words: bytes) -> list[str]:
        return [file.name for file in path.parent.iterdir() if words in file.read_bytes()]

    diary = Diary(path)
    with Store.open(path) as store:
        store.begin("camera")
        store.alert(wall(NOW), 0, "posture")
        kept = diary.add(episode(1, wall(NOW), note="a sentence thought better of"))
        assert where(b"thought better of") != [], "the search finds what is there"
        diary.edit(replace(kept, note="another one that is to go"))
        assert where(b"thought better of") == []
        diary.delete(kept.id)
        assert where(b"that is to go") == []
        store.alert(wall(NOW), 0, "posture")
        assert store.flush()


@pytest.mark.parametrize("number", [0, 7])
def test_no_such_entry(path: Path, number: int) -> None:
    diary = Diary(path)
    kept = diary.add(episode(1, wall(NOW)))
    missing = replace(kept, id=number, pain=9)
    for call in (lambda: diary.delete(number), lambda: diary.get(number), lambda: diary.edit(missing)):
        with pytest.raises(UserError, match=f"no entry {number}"):
            call()
    assert diary.list() == [kept]


def test_a_diary_that_is_damaged_is_told_in_one_line(path: Path) -> None:
    diary = Diary(path)
    kept = diary.add(episode(1, wall(NOW)))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("ALTER TABLE diary RENAME COLUMN pain TO torn")
    for call in (diary.list, lambda: diary.add(kept), lambda: diary.edit(kept)):
        with pytest.raises(UserError, match=path.name) as told:
            call()
        assert "\n" not in str(told.value)


@pytest.mark.parametrize("oddly", ["utc_offset_s = 1000000", "wall_s = 1e18", "symptoms = x'ff'"])
def test_an_entry_that_makes_no_sense_is_passed_over_and_told(
    path: Path, oddly: str, caplog: pytest.LogCaptureFixture
) -> None:
    diary = Diary(path)
    kept = diary.add(episode(1, wall(NOW)))
    damaged = diary.add(episode(2, wall(NOW)))
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE diary SET {oddly} WHERE id = {damaged.id}")
    assert diary.list() == [kept]
    assert f"{path} is damaged; diary entry {damaged.id} is passed over" in caplog.text


def test_a_stretch_of_the_diary_holds_its_first_moment_and_not_its_last(path: Path) -> None:
    diary = Diary(path)
    at = [diary.add(episode(pain, 1000.0 * pain)) for pain in (1, 2, 3)]
    assert diary.list(1000.0, 3000.0) == at[:2]
    assert diary.list(1000.5) == at[1:]
    assert diary.list(to_s=3000.5) == at


@pytest.mark.parametrize(
    ("text", "expected"),
    [("now", NOW), ("", NOW), ("15:00", NOW), (" Yesterday 9:05 ", "2025-05-13 09:05"),
     ("14:05", "2025-05-14 14:05"), ("9:05", "2025-05-14 09:05"),
     ("yesterday 23:59", "2025-05-13 23:59"), ("2025-03-02 14:05", "2025-03-02 14:05"),
     ("2025-03-02T14:05", "2025-03-02 14:05")],
)  # fmt: skip
def test_moments(text: str, expected: str) -> None:
    assert parse_moment(text, wall(NOW)) == wall(expected)


@pytest.mark.parametrize("text", ["16:00", "25:00", "noon", "2025-02-30 10:00", "14", "14:5", "14:05:00",
                                  "+9:05", "15:01", "tomorrow 10:00",
                                  "0205-05-14 10:00"])  # fmt: skip
def test_no_such_moment(text: str) -> None:
    with pytest.raises(UserError):
        parse_moment(text, wall(NOW))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [(6, 5, "no clear change"), (6, 7, "no clear change"), (6, 4, "less pain"), (2, 4, "more pain")],
)
def test_under_two_points_is_no_clear_change(before: int, after: int, words: str) -> None:
    assert pain_change(before, after) == words


def test_the_diary_is_exported_and_erased_with_the_rest(path: Path, tmp_path: Path) -> None:
    diary = Diary(path)
    diary.add(episode(6, wall("2025-05-01 09:30"), symptoms=["sharp", "aching"], note="a private remark"))
    diary.add(episode(2, wall("2025-05-14 09:30")))
    export(path, tmp_path / "out")
    assert "sharp;aching,a private remark" in (tmp_path / "out" / "diary.csv").read_text()
    erase(path, dt.date(2025, 5, 10))
    assert [entry.pain for entry in diary.list()] == [2]
    assert b"private remark" not in path.read_bytes()
