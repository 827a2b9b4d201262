"""The newcomer's first minute: ``posture-monitor demo`` in a home in which nothing has ever been."""

from __future__ import annotations

import json
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from desktop import desktop
from program import done, fresh_home, noon
from rich.console import Console
from syscalls import strays, untraceable

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.history.store import Store
from posture_monitor.sensing.demo import PHASES
from posture_monitor.service import demo
from posture_monitor.service.profile_file import read_profile

pytestmark = pytest.mark.slow


def labelled_s(label: str) -> float:
    """Return for how long the demo shows this."""
    return sum(end_s - start_s for start_s, end_s, name in PHASES if name == label)


class Shown:
    """A demo that has run, and what it left."""

    def __init__(self, home: Path, *, on_desktop: bool = False, trace: Path | None = None) -> None:
        self.home = home
        self.trace = trace
        traced = ("strace", "-f", "--seccomp-bpf", "-e", "trace=network", "-o", str(trace))
        zone = noon()
        self.printed = done("demo", home=home, desktop=on_desktop, under=traced if trace else (), TZ=zone)
        told = done("report", "--demo", "--format", "json", home=home, TZ=zone)
        self.day: dict[str, Any] = json.loads(told)

    def kept(self, question: str) -> list[Any]:
        with sqlite3.connect(self.home / "demo" / "history.sqlite3") as database:
            return database.execute(question).fetchall()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):  # one on this machine would hide where a call was to go
                patch.delenv(name)
        return Shown(fresh_home(folder / "home"), trace=None if untraceable() else folder / "trace")


def test_it_is_honest_about_its_one_photograph(shown: Shown) -> None:
    assert "made from one photograph" in shown.printed


def test_it_calibrates(shown: Shown) -> None:
    profile = read_profile(shown.home / "profiles" / "demo.toml")
    assert profile.neutral.view == "front"
    assert profile.neutral.frames > 50
    assert "head_height" in profile.neutral.measurable
    assert "Calibrated 'demo'" in shown.printed


def test_it_judges_what_it_shows(shown: Shown) -> None:
    assert shown.day["seconds"]["poor"] == pytest.approx(labelled_s("poor"), abs=6)
    assert shown.day["seconds"]["away"] == pytest.approx(labelled_s("away"), abs=6)
    assert shown.day["seconds"]["good"] == pytest.approx(labelled_s("good"), abs=12)
    assert shown.day["coverage"] > 0.95
    order = [span["state"] for span in shown.day["spans"] if span["state"] not in ("mild", "unknown")]
    assert order == ["good", "poor", "good", "away", "good"]


def test_it_notifies_once_and_without_a_desktop_prints(shown: Shown) -> None:
    (alert,) = shown.day["alerts"]
    assert alert["channel"] == "terminal"
    told = " ".join(shown.printed.split())
    assert alert["title"] in told
    assert alert["body"] in told
    assert alert["followed"] == "corrected"


def test_it_keeps_spans_and_the_alert(shown: Shown) -> None:
    assert len(shown.kept("SELECT * FROM spans")) >= 5
    assert len(shown.kept("SELECT * FROM alerts")) == 1
    assert shown.kept("PRAGMA journal_mode") == [("wal",)]


def test_it_reports(shown: Shown) -> None:
    _, _, report = shown.printed.partition("3. Report")
    states = ("good", "mild", "poor", "unknown", "away")
    for word in (*states, "Coverage", "Longest poor stretch", "Reminders: 1"):
        assert word in report


def test_the_users_own_history_knows_nothing_of_it(shown: Shown) -> None:
    assert not (shown.home / "history.sqlite3").exists()
    own = json.loads(done("report", "--format", "json", home=shown.home, TZ=noon()))
    assert own["spans"] == own["alerts"] == []


def test_what_it_says_of_its_page_is_true(shown: Shown) -> None:
    assert "posture-monitor report --demo --open" in shown.printed
    page = done("report", "--demo", "--format", "html", home=shown.home, TZ=noon())
    (alert,) = shown.day["alerts"]
    assert alert["title"] in page
    for told in (page, done("report", "--demo", home=shown.home, TZ=noon()), shown.printed):
        assert "Let it watch a little longer" not in told
    assert "This is the demo" in page


@pytest.mark.usefixtures("home")
def test_the_next_demo_takes_the_place_of_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    def watch(*_args: object, started_at: float, history: Path, **_more: object) -> None:
        with Store.open(history) as store:
            store.begin("demo")
            store.heartbeat(started_at, 0, "good")

    monkeypatch.setattr(demo, "calibrate", lambda *_args, **_more: None)
    monkeypatch.setattr(demo, "watch", watch)
    for _ in range(2):
        demo.demo(load_config(), Console(quiet=True), realtime=False)
    with Store.open(paths.demo_history_file(), readonly=True) as store:
        assert len(store.recordings()) == 1


@pytest.mark.desktop
def test_on_a_desktop_the_notification_arrives_there(tmp_path: Path) -> None:
    with desktop(tmp_path) as desk:
        shown = Shown(fresh_home(tmp_path / "home"), on_desktop=True)
        (arrived,) = desk.shown()
    (alert,) = shown.day["alerts"]
    assert alert["channel"] in ("desktop", "plyer")
    assert arrived["summary"] == alert["title"]
    assert alert["body"] in arrived["body"]
    assert alert["title"] not in shown.printed.split("3. Report")[0]


@pytest.mark.usefixtures("strace")
def test_nothing_leaves_the_machine_while_it_does_all_this(shown: Shown) -> None:
    assert shown.trace is not None
    called = shown.trace.read_text(errors="replace")
    assert "socket(" in called, "the trace shows what it is to show"
    assert strays(called) == []
