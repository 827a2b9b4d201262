"""The day in one line at a set time, and a button that opens its report."""

from __future__ import annotations

import datetime as dt
import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import MORNING_S, UPRIGHT, Desk
from history_maker import record, wall

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.errors import UserError
from posture_monitor.history.records import NOT_SHOWN
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import utc_offset_s
from posture_monitor.service import end_of_day
from posture_monitor.service.end_of_day import BUTTON, EndOfDay
from posture_monitor.telling import language, words
from posture_monitor.telling.notify import Action

DAY = dt.date(2025, 5, 14)


def told(evening: EndOfDay, *times: str) -> list[dt.date | None]:
    return [evening.due(wall(text)) for text in times]


def test_it_is_due_once_as_the_time_passes() -> None:
    evening = EndOfDay("17:30")
    assert told(evening, "2025-05-14 17:29", "2025-05-14 17:30", "2025-05-14 17:31") == [None, DAY, None]
    assert told(evening, "2025-05-15 09:00", "2025-05-15 18:00") == [None, DAY + dt.timedelta(days=1)]


@pytest.mark.parametrize(
    "times",
    [
        ("2025-05-14 17:31", "2025-05-14 17:32"),  # begun after the time
        ("2025-05-14 16:00", "2025-05-15 08:00"),  # slept past midnight
        ("2025-05-14 16:00", "2025-05-14 17:00"),  # not yet
    ],
)
def test_it_is_not_due(times: tuple[str, ...]) -> None:
    assert told(EndOfDay("17:30"), *times) == [None, None]


def test_a_clock_set_back_tells_no_day_twice() -> None:
    times = ("2025-05-14 17:00", "2025-05-14 18:00", "2025-05-14 17:00", "2025-05-14 18:00")
    assert told(EndOfDay("17:30"), *times) == [None, DAY, None, None]


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(("to", "due"), [("Asia/Tokyo", DAY), ("America/New_York", None)])
def test_a_journey_passes_over_no_day(travel: Callable[[str], None], to: str, due: dt.date | None) -> None:
    evening = EndOfDay("17:30")
    at_s = wall("2025-05-14 14:00")
    assert evening.due(at_s) is None
    travel(to)
    assert evening.due(at_s + 60) == due


def test_a_machine_that_slept_over_the_time_tells_on_waking_the_same_day() -> None:
    assert told(EndOfDay("17:30"), "2025-05-14 12:00", "2025-05-14 21:00") == [None, DAY]


def test_without_a_time_never() -> None:
    assert told(EndOfDay(""), "2025-05-14 00:00", "2025-05-14 23:59") == [None, None]


def test_settings_changed_meanwhile_lose_neither_the_line_nor_its_button() -> None:
    evening = EndOfDay("17:30")
    assert told(evening, "2025-05-14 17:29") == [None]
    evening.tell_at("17:30")
    assert told(evening, "2025-05-14 17:31") == [DAY]
    evening.sent("7", DAY)
    evening.tell_at("17:30")
    assert told(evening, "2025-05-14 17:32") == [None]
    assert evening.asked(Action("7", BUTTON)) == DAY


def line(parts: list[tuple[str, float]]) -> words.Text:
    with Store.open(paths.history_file()) as store:
        end_s = record(store, wall("2025-05-14 09:00"), parts)
    return end_of_day.line(paths.history_file(), DAY, end_s)


@pytest.mark.usefixtures("home")
def test_the_line_says_how_long_was_poor_of_what_was_judged() -> None:
    assert line([("good", 3600), ("poor", 1200), ("mild", 600)]).body == (
        "Poor posture took 20 minutes of the 1 h 30 min that were judged; 0 posture reminders."
    )


@pytest.mark.usefixtures("home")
def test_the_line_counts_posture_reminders_that_were_shown() -> None:
    with Store.open(paths.history_file()) as store:
        end_s = record(store, wall("2025-05-14 09:00"), [("good", 3600)])
        for kind, channel in (
            ("posture", "test"),
            ("stand", "test"),
            ("posture", NOT_SHOWN),
            ("break-sit", ""),
        ):
            store.alert(end_s, utc_offset_s(end_s), kind, channel=channel)
    assert end_of_day.line(paths.history_file(), DAY, end_s).body.endswith("; 2 posture reminders.")


@pytest.mark.usefixtures("home")
def test_where_little_was_judged_it_concludes_nothing() -> None:
    assert line([("good", 1200), ("poor", 600), ("unknown", 3600)]).body == (
        "Not enough was seen to sum it up: 30 minutes of 1 h 30 min at the desk could be judged."
    )


@pytest.mark.usefixtures("home")
def test_a_day_without_anybody() -> None:
    assert line([("away", 3600)]).body == "No time at the desk was seen today."


@pytest.fixture
def german() -> Iterator[None]:
    language.use("de")
    yield
    language.use("en")


@pytest.mark.usefixtures("home", "german")
def test_in_german() -> None:
    text = line([("good", 3600), ("poor", 1200)])
    assert text.title == "Ihr Tag am Schreibtisch"
    assert (
        text.body
        == "Ungünstige Haltung: 20 Minuten von 80 Minuten, die beurteilt wurden; 0 Hinweise zur Haltung."
    )
    assert words.button_text(end_of_day.BUTTON) == "Bericht öffnen"


# -- in the loop -------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the commands that were started, instead of starting them."""
    commands: list[list[str]] = []

    def start(command: tuple[str, ...], **settings: Any) -> None:
        assert settings["env"] == dict(os.environ)
        commands.append(list(command))

    monkeypatch.setattr(subprocess, "Popen", start)
    return commands


def at_desk(tmp_path: Path, store: Store, after_s: float) -> Desk:
    at = dt.datetime.fromtimestamp(MORNING_S + after_s)
    (tmp_path / "config.toml").write_text(f'[report]\nend_of_day = "{at:%H:%M}"\n')
    return Desk(load_config(tmp_path / "config.toml"), store)


def test_the_loop_sums_up_at_the_time_and_the_button_opens_that_days_report(
    home: Path, tmp_path: Path, opened: list[list[str]]
) -> None:
    with Store.open(paths.history_file()) as store:
        desk = at_desk(tmp_path, store, 120)
        desk.sit(UPRIGHT, 118)
        assert desk.texts() == []
        desk.sit(UPRIGHT, 10)
        ((text, buttons, _),) = desk.screen.shown
        assert text.title == "Your day at the desk"
        assert buttons == ("report",)
        desk.sit(UPRIGHT, 5)
        assert opened == []
        desk.screen.press("report")
        desk.sit(UPRIGHT, 2)
        date = dt.date.fromtimestamp(MORNING_S).isoformat()
        assert opened == [[sys.executable, "-m", "posture_monitor", "report", date, "--open"]]
        assert len(desk.texts()) == 1


def test_a_report_that_cannot_be_opened_ends_no_watching(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kept: object) -> None:
        raise OSError(errno.EAGAIN, "too many processes")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with Store.open(paths.history_file()) as store:
        desk = at_desk(tmp_path, store, 60)
        desk.sit(UPRIGHT, 65)
        desk.screen.press("report")
        desk.sit(UPRIGHT, 2)


def test_a_replayed_recording_sums_up_nothing(home: Path, tmp_path: Path) -> None:
    with Store.open(paths.history_file()) as store:
        desk = at_desk(tmp_path, store, 60)
        desk.monitor.live = False
        desk.sit(UPRIGHT, 90)
        assert desk.texts() == []


def test_a_button_of_another_notification_opens_nothing() -> None:
    evening = EndOfDay("17:30")
    evening.sent("7", DAY)
    assert evening.asked(Action("7", "report")) == evening.asked(Action("7", "clicked")) == DAY
    assert evening.asked(Action("7", "dismissed")) is None
    assert evening.asked(Action("8", "clicked")) is None


@pytest.mark.usefixtures("home")
def test_a_history_that_cannot_be_read_is_told() -> None:
    paths.make_private(paths.data_dir())
    paths.history_file().write_bytes(b"no database, " * 1000)
    with pytest.raises(UserError):
        end_of_day.line(paths.history_file(), DAY, wall("2025-05-14 17:30"))
