"""``report`` and ``data`` as they are typed: every form, private files, and an erasure that asks."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import re
import stat
import subprocess
import sys
from dataclasses import replace
from html import unescape
from pathlib import Path

import program
import pytest
from disks import fill, mounted
from history_maker import copied, record, wall, working_day
from typed import done, refused
from waiting import wait_for

from posture_monitor import paths
from posture_monitor.history.associations import NO_CAUSE
from posture_monitor.history.diary import SEEK_CARE, Diary, episode
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import utc_offset_s

DAY = "2025-05-14"


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a history of two days in one week and one of the month before."""
    file = tmp_path_factory.mktemp("recorded") / "history.sqlite3"
    with Store.open(file, keep_samples_days=36500) as store:
        store.begin("desk")
        for number, date in enumerate(("2025-04-30", "2025-05-13", DAY)):
            working_day(store, date, seed=number)
    return file


@pytest.fixture
def history(home: Path, recorded: Path) -> Path:
    """Return that history, as this test's own."""
    paths.make_private(home)
    return copied(recorded, paths.history_file())


# -- report ------------------------------------------------------------------------


def test_a_report_on_the_demo_is_of_the_demo_alone(history: Path, recorded: Path) -> None:
    paths.make_private(paths.demo_history_file().parent)
    with Store.open(paths.demo_history_file()) as store:
        store.begin("demo")
        working_day(store, "2025-06-03", seed=1)
    assert done("report", "--demo").startswith("Tuesday 3 June 2025"), "today is the day of the demo"
    assert json.loads(done("report", "2025-06-03", "--format", "json"))["spans"] == []


def test_without_a_demo_there_is_none_to_report_on(history: Path) -> None:
    assert "posture-monitor demo" in refused("report", "--demo")


def test_a_day_a_week_and_a_month_in_text(history: Path) -> None:
    assert done("report", DAY).startswith("Wednesday 14 May 2025")
    week = done("report", DAY, "--week")
    assert week.startswith("Week of 12–18 May 2025")
    assert "Wed 14" in week
    month = done("report", DAY, "--month")
    assert month.startswith("May 2025")


def test_json_of_a_day_and_of_a_week(history: Path) -> None:
    day = json.loads(done("report", DAY, "--format", "json"))
    assert day["date"] == DAY
    week = json.loads(done("report", DAY, "--week", "--format", "json"))
    assert (week["kind"], week["first"], len(week["days"])) == ("week", "2025-05-12", 7)
    assert week["days"][2]["seconds"] == day["seconds"]


def test_csv_has_a_row_for_each_day(history: Path) -> None:
    (day,) = csv.DictReader(io.StringIO(done("report", DAY, "--format", "csv")))
    rows = list(csv.DictReader(io.StringIO(done("report", DAY, "--month", "--format", "csv"))))
    assert len(rows) == 31
    assert rows[13] == day
    assert float(day["good_s"]) > 3600
    assert rows[0]["good_s"] in ("0", "0.0")


def test_the_page_is_private_and_loads_nothing(history: Path, tmp_path: Path) -> None:
    file = tmp_path / "day.html"
    file.write_text("an older one that everybody may read")
    file.chmod(0o644)
    assert done("report", DAY, "--format", "html", "-o", file) == ""
    page = file.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "Wednesday 14 May 2025" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_what_goes_to_a_file_is_what_would_go_to_the_screen(history: Path, tmp_path: Path, form: str) -> None:
    done("report", DAY, "--format", form, "-o", tmp_path / "file")
    assert (tmp_path / "file").read_text(encoding="utf-8") == done("report", DAY, "--format", form)


@pytest.mark.parametrize("form", ["html", "json", "csv"])
def test_a_file_is_written_as_it_is_named(history: Path, tmp_path: Path, form: str) -> None:
    named, asked = tmp_path / f"day.{form.upper()}", tmp_path / "asked"
    done("report", DAY, "-o", named)
    done("report", DAY, "--format", form, "-o", asked)
    first, wanted = (file.read_text(encoding="utf-8").splitlines()[0] for file in (named, asked))
    assert first == wanted
    done("report", DAY, "--format", "text", "-o", named)
    assert named.read_text(encoding="utf-8") == done("report", DAY, "--format", "text")


def test_open_makes_the_page_and_hands_it_to_the_browser(history: Path, browser: Path) -> None:
    # webbrowser reads BROWSER once, when it is first asked: a process of its own has not asked yet.
    said = program.done("report", DAY, "--open", home=paths.data_dir())
    assert said.strip() == str(paths.report_file())
    wait_for(browser.exists)
    assert browser.read_text().split() == [
        paths.report_file().resolve().as_uri(),
        "http://proxy.example:3128",
    ]
    assert "Wednesday 14 May 2025" in paths.report_file().read_text(encoding="utf-8")
    if os.name == "posix":
        assert stat.S_IMODE(paths.report_file().stat().st_mode) == 0o600


def test_open_with_another_form_is_refused(history: Path) -> None:
    assert "--format json" in refused("report", DAY, "--open", "--format", "json")


def test_week_and_month_at_once_are_refused(history: Path) -> None:
    assert "--week and --month are two reports" in refused("report", DAY, "--week", "--month")


def test_a_history_that_is_not_there_yet_is_told_in_every_form(home: Path) -> None:
    assert "Nothing was recorded on this day." in done("report")
    assert "Nothing was recorded" in done("report", "--format", "html")
    assert json.loads(done("report", "--format", "json"))["coverage"] is None
    assert not paths.history_file().exists()


def test_a_day_is_told_without_settings_and_so_at_once_and_in_english(history: Path) -> None:
    paths.config_file().write_text("language = 'de'\n[alert]\npresent = 'gentle'\n")
    heavy = ("pydantic", "matplotlib", "cv2")
    assert program.loaded("report", DAY, home=paths.data_dir(), of=heavy) == set()
    said = done("report", DAY)
    assert said.startswith("Wednesday 14 May 2025")
    assert "trunk inclination" in said.lower()
    assert "Rumpfneigung" not in said


# -- the diary in the report -------------------------------------------------------


def note(at: str, pain: int = 6, *symptoms: str) -> None:
    Diary(paths.history_file()).add(episode(pain, wall(at), trigger="lifting", symptoms=symptoms))


def test_an_episode_is_laid_over_its_day_and_the_two_before(history: Path) -> None:
    assert "Diary" not in done("report", DAY)
    note(f"{DAY} 16:00")
    for told in (done("report", DAY), done("report", DAY, "--week"), done("report", "2025-05-16")):
        assert "Wed 14 May, 16:00  pain 6 of 10, lifting" in told
        assert "without a break" in told
        assert NO_CAUSE not in told, "two days are too few to speak of an association"
        assert "An association is shown from 14 days with enough data" in told
    assert "Diary" not in done("report", "2025-05-17")


def test_the_first_of_a_month_looks_back_into_the_month_before(history: Path) -> None:
    note("2025-05-01 10:00")
    page = done("report", "2025-05-01", "--format", "html")
    row = page[page.index("Thu 1 May, 10:00") :].split("</tr>")[0]
    assert "not enough data" not in row, "30 April was recorded"
    assert "lifting" in row
    assert "  not enough data\n" not in done("report", "2025-05-01").split("Diary, beside")[1]


def test_days_hardly_seen_do_not_stand_beside_an_entry_as_days_without_poor_posture(home: Path) -> None:
    with Store.open(paths.history_file()) as store:
        record(store, wall("2025-05-12 09:00"), [("good", 1800), ("poor", 1800)])
        record(store, wall("2025-05-13 09:00"), [("paused", 3600)])
        record(store, wall("2025-05-14 09:00"), [("good", 300), ("unknown", 6900)])
    note(f"{DAY} 16:00")
    assert "poor 30 min a day, longest 1 h 00 min without a break" in done("report", DAY)
    note("2025-05-15 16:00")
    assert "      not enough data\n" in done("report", "2025-05-15"), "of the 13th to the 15th"


def test_signs_that_need_a_doctor_bring_up_the_text_once_and_on_their_day(history: Path) -> None:
    note(f"{DAY} 12:00", 6, "sharp")
    page = done("report", DAY, "--format", "html")
    assert "emergency" not in done("report", DAY) + page
    assert 'class="care"' not in page
    note(f"{DAY} 16:00", 6, "numbness")
    note(f"{DAY} 17:00", 5, "weakness")
    told = " ".join(done("report", DAY).split())
    assert told.count(SEEK_CARE) == 1
    assert "When to see a doctor" not in told
    page = done("report", DAY, "--format", "html")
    assert f'<p class="care"><strong>{SEEK_CARE}</strong>' in page
    assert page.count("emergency") == SEEK_CARE.count("emergency")


def test_after_the_day_of_such_signs_one_line_says_where_the_text_is(history: Path) -> None:
    note("2025-05-13 16:00", 6, "numbness")
    told = done("report", DAY)
    assert "emergency" not in told
    assert told.endswith("When to see a doctor: `posture-monitor report 2025-05-13` tells it in full.\n")
    assert SEEK_CARE in " ".join(done("report", "2025-05-13").split())
    page = done("report", DAY, "--format", "html")
    folded = page.split("<summary>When to see a doctor</summary>")[1].split("</details>")[0]
    assert SEEK_CARE in folded
    assert page.count(SEEK_CARE) == 1


def test_every_view_of_a_day_tells_the_same_of_the_diary_and_nothing_of_later_days(home: Path) -> None:
    """The days after it hold much poor posture and more entries: neither may count yet."""
    with Store.open(paths.history_file()) as store:
        for number in range(1, 29):
            poor_s = 60 * (5 + 3 * (number % 5)) if number <= 14 else 7200
            record(store, wall(f"2025-05-{number:02d} 09:00"), [("good", 3600), ("poor", poor_s)], step_s=15)
    for number in (3, 8, 13, 15, 20):
        note(f"2025-05-{number:02d} 16:00")

    def said(*arguments: str) -> str:
        told = unescape(re.sub("<[^>]+>", " ", done("report", *arguments)))
        told = " ".join(told[told.index("Diary, beside") :].split())
        return told[told.index("Days around episodes") : told.index("Breaks:")]

    views = [said(DAY), said(DAY, "--week"), said(DAY, "--month"), said(DAY, "--format", "html")]
    assert len(set(views)) == 1, views
    assert f"from 14 April to 14 May 2025. {NO_CAUSE}" in views[0]
    assert "15 May" not in done("report", DAY, "--format", "html").split(">Diary, beside")[1]
    assert said("2025-05-20") != views[0]


def test_the_users_own_words_are_shown_as_they_are(history: Path) -> None:
    words = "after <b>two</b> hours\x1b[31m & a call"
    Diary(paths.history_file()).add(episode(4, wall(f"{DAY} 16:00"), note=words))
    assert "“after <b>two</b> hours [31m & a call”" in done("report", DAY)
    page = done("report", DAY, "--format", "html")
    assert "after &lt;b&gt;two&lt;/b&gt; hours [31m &amp; a call" in page
    assert "\x1b" not in done("report", DAY) + page


@pytest.mark.parametrize("hours", [-11, 13])
def test_an_entry_made_on_a_journey_stays_on_the_day_it_had_there(history: Path, hours: int) -> None:
    there = dt.timezone(dt.timedelta(hours=hours))
    at = dt.datetime(2025, 5, 14, 23 if hours < 0 else 1, tzinfo=there)
    entry = replace(episode(4, at.timestamp()), utc_offset_s=3600 * hours)
    Diary(paths.history_file()).add(entry)
    for days in (("2025-05-14",), ("2025-05-16",), ("2025-05-14", "--week")):
        assert f"Wed 14 May, {at:%H:%M}  pain 4 of 10" in done("report", *days)
    for day in ("2025-05-13", "2025-05-17"):
        assert "pain 4 of 10" not in done("report", day)


# -- data --------------------------------------------------------------------------


def test_size_counts_history_and_page(history: Path) -> None:
    done("report", DAY, "--format", "html", "-o", paths.report_file())
    paths.make_private(paths.demo_history_file().parent)
    paths.demo_history_file().write_bytes(bytes(2_000_000))
    paths.make_private(paths.snapshots_dir())
    (paths.snapshots_dir() / "one.json").write_bytes(bytes(300_000))
    rows = (line.removesuffix(" MB").rsplit(None, 1) for line in done("data", "size").splitlines())
    sizes = {name: float(taken) for name, taken in rows}
    assert (sizes["demo"], sizes["saved moments"]) == (2.0, 0.3)
    assert sizes["history"] == pytest.approx(history.stat().st_size / 1e6, abs=0.2)
    assert sizes["report"] > 0
    assert sizes["together"] == pytest.approx(sum(sizes.values()) - sizes["together"], abs=0.2)


def test_export_says_which_files_it_wrote(history: Path, tmp_path: Path) -> None:
    files = [Path(line) for line in done("data", "export", tmp_path / "out").splitlines()]
    assert {"spans.csv", "minutes.csv", "data_dictionary.csv", "history.json"} <= {f.name for f in files}
    assert all(file.is_file() for file in files)
    assert "not an empty folder" in refused("data", "export", tmp_path / "out")


def extent() -> tuple[float, float] | None:
    with Store.open(paths.history_file(), readonly=True) as store:
        return store.extent()


def test_erase_asks_first_and_no_means_no(history: Path) -> None:
    before = extent()
    assert "Nothing was wiped." in done("data", "erase", "--all", answers="n\n")
    assert "say --yes" in refused("data", "erase", "--all", answers="")
    assert extent() == before


def saved_moment(stamp: str) -> Path:
    path = paths.make_private(paths.snapshots_dir()) / f"moment-{stamp}.json"
    path.write_text("{}")
    return path


def test_erase_before_a_day_keeps_that_day(history: Path) -> None:
    note("2025-04-30 12:00")
    day = DAY.replace("-", "")
    before, within = saved_moment("20250430-235959"), saved_moment(f"{day}-000000")
    done("report", DAY, "--format", "html", "-o", paths.report_file())
    assert "Wiped" in done("data", "erase", "--before", DAY, answers="y\n")
    kept = extent()
    assert kept is not None
    assert kept[0] >= wall(f"{DAY} 00:00")
    assert Diary(history).list() == []
    assert not paths.report_file().exists(), "the page told of days that are gone"
    assert (before.exists(), within.exists()) == (False, True)


def test_a_page_that_was_never_finished_is_erased_too(history: Path) -> None:
    page = paths.report_file()
    code = (
        "import os, pathlib, sys; from posture_monitor.whole_file import replacing\n"
        "with replacing(pathlib.Path(sys.argv[1])) as file: file.write(b'seen'); file.flush(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code, page])
    (left,) = page.parent.glob(".report.html-*")
    assert left.read_bytes() == b"seen"
    done("data", "erase", "--all", "--yes")
    assert not left.exists()


def test_erase_all(history: Path) -> None:
    size = history.stat().st_size
    note(f"{DAY} 16:00")
    moment = saved_moment("20250101-120000")
    told = done("data", "erase", "--all", "--yes")
    assert "diary entries 1, saved moments 1; " in told
    assert extent() is None
    assert not moment.exists()
    assert history.stat().st_size < size / 2


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], "data erase needs exactly one of --before DATE and --all"),
        (["--all", "--before", DAY], "data erase needs exactly one of"),
        (["--before", "last week"], "--before 'last week' is not a date; write it like 2026-01-01"),
    ],
)
def test_what_cannot_be_erased(history: Path, arguments: list[str], line: str) -> None:
    before = extent()
    assert refused("data", "erase", *arguments, "--yes").startswith(line)
    assert extent() == before


# -- what the service writes while the camera is closed ------------------------------


def test_paused_and_busy_are_told_as_themselves_in_every_form(home: Path) -> None:
    parts = (
        ("good", "", 1800), ("busy", "another program has the camera", 900), ("good", "", 600),
        ("paused", "outside working hours", 1200), ("poor", "", 600),
    )  # fmt: skip
    at_s = wall(f"{DAY} 09:00")
    with Store.open(paths.history_file()) as store:
        for state, reason, length_s in parts:
            for _ in range(0, length_s, 10):
                store.heartbeat(at_s, utc_offset_s(at_s), state, reason)
                at_s += 10
        store.heartbeat(at_s, utc_offset_s(at_s), "away")
    told = json.loads(done("report", DAY, "--format", "json"))
    assert (told["seconds"]["busy"], told["seconds"]["paused"]) == (900, 1200)
    assert (told["present_s"], told["coverage"], told["withheld"]) == (3000, 1, "")
    assert [(span["state"], span["reason"]) for span in told["spans"]][:5] == [p[:2] for p in parts]
    assert [bout["break_s"] for bout in told["bouts"]] == [None] * 3, "a closed camera saw no break"
    (row,) = csv.DictReader(io.StringIO(done("report", DAY, "--format", "csv")))
    assert (float(row["busy_s"]), float(row["paused_s"])) == (900, 1200)
    text = done("report", DAY)
    assert re.search(r"no camera +15 min +18% ", text)
    assert re.search(r"paused +20 min +24% ", text)
    page = done("report", DAY, "--format", "html")
    assert "09:30–09:45 no camera (another program has the camera), 15 min" in page
    assert "09:55–10:15 paused (outside working hours), 20 min" in page


def test_a_day_with_the_camera_closed_is_not_a_day_without_anybody(home: Path) -> None:
    with Store.open(paths.history_file()) as store:
        for step in range(0, 3600, 10):
            at_s = wall(f"{DAY} 09:00") + step
            store.heartbeat(at_s, utc_offset_s(at_s), "paused")
    assert "the camera was paused, in use elsewhere or not there" in done("report", DAY)
    assert "Nobody was seen" not in done("report", DAY)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1969-12-31", "2026-02-30", "2026-3"])
def test_days_that_there_are_none_of_and_at_the_ends_of_the_calendar_are_refused(
    history: Path, day: str
) -> None:
    assert day in refused("report", day)
    assert day in refused("data", "erase", "--before", day, "--yes")


def test_a_full_disk_is_told_in_one_line_and_leaves_the_earlier_report(history: Path, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "64k") as disk:
        file = disk / "day.txt"
        done("report", DAY, "-o", file)
        before = file.read_text(encoding="utf-8")
        fill(disk)
        assert "No space left" in refused("report", DAY, "--format", "html", "-o", file)
        assert file.read_text(encoding="utf-8") == before


@pytest.mark.parametrize(("day", "ago"), [((), 0), (("today",), 0), (("yesterday",), 1)])
def test_days_are_told_from_today_on_which_is_the_default(
    history: Path, day: tuple[str, ...], ago: int
) -> None:
    meant = dt.date.today() - dt.timedelta(days=ago)
    assert json.loads(done("report", *day, "--format", "json"))["date"] == meant.isoformat()
