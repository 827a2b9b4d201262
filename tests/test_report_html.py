from __future__ import annotations

import datetime as dt
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from html import unescape
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest
from history_maker import LATER, copied, record, wall, working_day
from rich.console import Console

from posture_monitor.history.days import day
from posture_monitor.history.diary import episode
from posture_monitor.history.periods import month, week
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import utc_offset_s
from posture_monitor.posture.metrics import Reason
from posture_monitor.telling.report import charts
from posture_monitor.telling.report.charts import Axis
from posture_monitor.telling.report.html import _ticks, render_html
from posture_monitor.telling.report.text import render_diary

TODAY = dt.date(2025, 5, 14)

KINDS = ("empty", "minute", "full", "front", "night")


def fill(store: Store, kind: str) -> None:
    if kind == "minute":
        start_s = wall("2025-05-14 14:20")
        record(store, start_s, [("good", 25), ("poor", 35)])
        for step in range(60):
            store.sample(start_s + step, {"fsr": step / 4}, step / 60, verdict="good")
    elif kind in ("full", "front"):
        for number in (1, 2, 5, 12, 13, 14):
            working_day(store, f"2025-05-{number:02d}", seed=number, side=kind == "full")
        if kind == "front":  # ten hours, so that on a phone the last is near the one written before it
            record(store, wall("2025-05-12 18:20"), [("good", 600)])
    elif kind == "night":
        for number in (13, 14):
            working_day(store, f"2025-05-{number}", seed=number, from_hour=20)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what gives the history of a kind; weeks take seconds to make up, and are made up once."""

    @cache
    def made_up(kind: str) -> Path:
        file = tmp_path_factory.mktemp(kind) / "history.sqlite3"
        with Store.open(file, keep_samples_days=36500) as store:
            fill(store, kind)
        return file

    return made_up


@pytest.fixture
def kind() -> str:
    """Return the kind of history a test begins with; most record their own."""
    return "empty"


@pytest.fixture
def store(tmp_path: Path, recorded: Callable[[str], Path], kind: str) -> Iterator[Store]:
    path = copied(recorded(kind), tmp_path / "h" / "history.sqlite3")
    with Store.open(path, keep_samples_days=36500) as store:
        yield store


def page(store: Store) -> str:
    return render_html(day(store, TODAY, LATER), week(store, TODAY, LATER), month(store, TODAY, LATER))


class Reader(HTMLParser):
    """Checks that elements nest, and gathers ids, addresses, titles and text."""

    EMPTY = frozenset({"meta", "br", "path", "use", "rect"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.titles: list[str] = []
        self.text: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append(tag)
        self.ids += [known["id"] or ""] if "id" in known else []
        self.addresses += [
            known[name] or "" for name in ("src", "href", "xlink:href", "action") if name in known
        ]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in ("meta",):
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.titles if self.open and self.open[-1] == "title" else self.text).append(data.strip())


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_is_whole_and_needs_nothing_else(store: Store, kind: str) -> None:
    text = page(store)
    read = Reader(text)
    assert len(read.ids) == len(set(read.ids))
    assert all(address.startswith("#") for address in read.addresses)
    assert all(address[1:] in read.ids for address in read.addresses)
    assert "script" not in read.tags
    assert not re.search(r"url\((?!#)|@import", text)
    assert "default-src 'none'" in text
    assert not re.search(r"\bnan\b|\binf\b|#0000[0-9a-f]{2}\b|#(0[1-9]){3}\b", text, re.IGNORECASE)
    assert 'lang="en-GB"' in text
    assert read.tags.count("h1") == 1


@pytest.mark.parametrize("kind", ["full"])
def test_a_full_day_shows_everything(store: Store) -> None:
    told = day(store, TODAY, LATER)
    text = page(store)
    read = Reader(text)
    words = " ".join(read.text)
    for expected in ("Week of 12–18 May 2025", "trunk inclination, °", "neck inclination, °"):
        assert expected in words, expected
    assert text.count("▼</li>") == len(told.alerts) > 3
    blocks = [
        t
        for t in read.titles
        if re.match(r"\d\d:\d\d–\d\d:\d\d (good|mild|poor|unknown|away|paused|camera)", t)
    ]
    assert len(blocks) >= len(told.spans)
    assert not re.search(r"\bbusy \d", text), "a camera that is not there is called so everywhere"
    assert "sitting" not in text, "who stands at the desk is recorded as well"
    assert any("five minutes: median" in t for t in read.titles)
    assert any(t.startswith("Wed 14 May: ") for t in read.titles)


def tables(text: str) -> dict[str, list[list[str]]]:
    """Return the cells of each table, row by row, by its name."""
    return {
        unescape(name): [
            [unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
            for row in re.findall(r"<tr>(.*?)</tr>", body)
        ]
        for name, body in re.findall(
            r'role="region" aria-label="([^"]*)"><table>(.*?)</table>', text, re.DOTALL
        )
    }


def test_all_that_a_page_tells_of_a_small_day(store: Store) -> None:
    monday_s, start_s = wall("2025-05-12 13:10"), wall("2025-05-14 09:30")
    record(store, wall("2025-05-06 13:10"), [("good", 600)], 10)
    record(store, monday_s, [("good", 3000)], 10)
    record(
        store,
        start_s,
        [("good", 1200), ("mild", 300), ("poor", 600), ("unknown", 300), ("away", 900), ("good", 3600),
         ("poor", 1800), ("busy", 600)],
        10,
    )  # fmt: skip
    for minute in range(30):
        store.sample(
            start_s + 60 * minute + 5, {"fsr": 1.0 + minute / 10, "head_height": -2.0}, verdict="good"
        )
    number = store.alert(
        start_s + 1800, utc_offset_s(start_s), "posture", driver="fsr", deviation=9.0, held_s=240, title="T"
    )
    store.outcome(number, "corrected", start_s + 1820)
    store.alert(start_s + 7000, utc_offset_s(start_s), "break-stand")
    text = page(store)
    assert re.findall(r"<dt>([^<]*)</dt><dd>([^<]*) <small>([^<]*)</small>", text) == [
        ("Score", "68%", "share of the judged time that was not poor"),
        ("Judged", "2 h 05 min", "96% of 2 h 10 min at the desk"),
        ("Longest poor stretch", "30 min", "11:25–11:55"),
        ("Longest without a break", "1 h 30 min", "10:25–11:55"),
        ("Breaks", "1", ""),
        ("Reminders", "2", "1 followed by a change within a minute, 1 not known"),
    ]
    lengths = {"good": 80, "mild": 5, "poor": 40, "unknown": 5, "away": 15, "no camera": 10}
    told = [f"{name} {'1 h 20' if length == 80 else length} min" for name, length in lengths.items()]
    legend = re.findall(r"</svg> ([^<]*) <b>([^<]*)</b></li>", text)
    assert [" ".join(entry) for entry in legend] == told
    assert f'aria-label="Timeline of the day: {", ".join(told)}"' in text
    assert re.findall(r'<li style="left: ([^"]*)" title="([^"]*)">▼', text) == [
        ("25.00%", "10:00 Head forward: face 9% larger"), ("61.11%", "11:26 Time to stand"),
    ]  # fmt: skip
    hours = [(f"{25 * number}.00%", f"{9 + number:02d}:00") for number in range(5)]
    day_ticks, week_ticks = re.findall(r'<div class="ticks".*?</div>', text)
    assert re.findall(r'<span class="(odd|even)" style="left: ([^"]*)">([^<]*)<', day_ticks) == [
        ("odd" if number % 2 else "even", *hour) for number, hour in enumerate(hours)
    ]
    assert [label for label, _ in re.findall(r">(\d\d:00)(<)", week_ticks)] == [
        f"{hour:02d}:00" for hour in range(9, 15)
    ]
    assert "empty is not recorded\n(21 h 25 min of the day). ▼ reminder. The line" in text
    assert "thicker over 50 min without a break" in text
    assert "Best hour <b>10:00</b> (12% poor), hardest hour <b>11:00</b> (55% poor)." in text
    assert "Not measurable from this view: trunk inclination and neck inclination." in text
    shares = re.findall(
        r'<i class="\w+" style="flex: (\d+); background: var\(--(\w+)\)" title="([^"]*)"', text
    )
    assert shares == [
        (str(60 * lengths[state]), state, line)
        for state, line in zip(("good", "mild", "poor", "unknown"), told[:4], strict=True)
    ]
    assert '<th scope="row" class="words">no reason kept</th><td>5 min</td>' in text
    assert tables(text) == {
        "Time at the desk and breaks": [
            ["from", "to", "at the desk", "then"],
            ["09:30", "10:05", "35 min", "break, 15 min"],
            ["10:25", "11:55", "1 h 30 min", "no camera, 10 min"],
        ],
        "The hours as a table": [
            ["hour", *lengths],
            ["09:00", "20 min", "5 min", "5 min", "0 s", "0 s", "0 s"],
            ["10:00", "35 min", "0 s", "5 min", "5 min", "15 min", "0 s"],
            ["11:00", "25 min", "0 s", "30 min", "0 s", "0 s", "5 min"],
            ["12:00", "0 s", "0 s", "0 s", "0 s", "0 s", "5 min"],
        ],
        "All measures as a table": [
            ["measure", "middle minute", "middle 8 of 10 minutes", "minutes"],
            ["face size against the shoulders", "+2%", "+1% to +4%", "30"],
            ["head height over the shoulders", "−2%", "−2% to −2%", "30"],
        ],
        "Reminders and what followed": [
            ["at", "what", "for", "then"],
            ["10:00", "Head forward: face 9% larger", "4 min", "better after 20 s"],
            ["11:26", "Time to stand", "", "not known"],
        ],
        "The month as a table": [
            ["day", "good", "mild", "poor", "unknown", "coverage", "reminders"],
            ["Tue 6", "10 min", "0 s", "0 s", "0 s", "100%", "0"],
            ["Mon 12", "50 min", "0 s", "0 s", "0 s", "100%", "0"],
            ["Wed 14", "1 h 20 min", "5 min", "40 min", "5 min", "96%", "2"],
        ],
    }
    rest = re.sub(
        r"<svg.*?</svg>",
        "svg",
        text.split('<div class="week">')[1].split('<span class="axis">')[0],
        flags=re.DOTALL,
    )
    off = '<span class="none">not recorded</span><span></span>'
    assert rest.split("\n")[1:-1] == [
        "<span>Mon 12</span><span>svg</span><span>50 min, 0% poor</span>",
        f"<span>Tue 13</span>{off}",
        '<span class="today" aria-current="date">Wed 14</span><span>svg</span>'
        "<span>2 h 10 min, 32% poor</span>",
        *(f"<span>{name}</span>{off}" for name in ("Thu 15", "Fri 16", "Sat 17", "Sun 18")),
    ]
    assert 'style="--weeks: 5; --first: 4"' in text
    titles = Reader(text).titles
    curves = [title for title in titles if "five minutes" in title]
    assert [curves[0], curves[5], curves[6]] == [
        "09:30, the middle one of five minutes: median +1%, nine in ten under +1%",
        "09:55, the middle one of five minutes: median +4%, nine in ten under +4%",
        "09:30, the middle one of five minutes: median −2%, nine in ten under −2%",
    ]
    sheet = titles[-31:]
    assert sheet[11] == "Mon 12 May: 50 min at the desk, 0% poor, 0 reminders"
    assert sheet[13] == "Wed 14 May: 2 h 10 min at the desk, 32% poor, 2 reminders"
    assert len({title for title in sheet if title.endswith("May: not recorded")}) == 28
    assert re.findall(r"<span>(\d+)</span>", text.split('<div class="sheet"')[1]) == [
        str(n) for n in range(1, 32)
    ]


def test_what_would_only_be_said_again_is_left_out(store: Store) -> None:
    def told(*names: str) -> list[str]:
        return re.findall(f"<h2>({'|'.join(names or ('Reminders', 'Week', 'May'))})", page(store))

    record(store, wall("2025-05-14 08:00"), [("away", 3600)], 10)
    assert told("The day", "Hour", "Against", "What") == ["The day"]
    record(store, wall("2025-05-14 09:00"), [("good", 3600)], 10)
    assert told() == []
    assert told("The day", "Hour", "Against", "What") == ["The day", "Hour", "Against", "What"]
    store.alert(wall("2025-05-14 09:45"), utc_offset_s(wall("2025-05-14 09:45")), "break-stand")
    assert told() == ["Reminders"]
    record(store, wall("2025-05-13 09:00"), [("good", 3600)], 10)
    assert told() == ["Reminders", "Week"]
    record(store, wall("2025-05-06 09:00"), [("good", 3600)], 10)
    assert told() == ["Reminders", "Week", "May"]


@pytest.mark.parametrize("kind", ["front"])
def test_names_of_limits_that_lie_close_do_not_overlap(store: Store) -> None:
    curves = re.findall(r'y="([\d.]+)"[^>]*>(mild|poor)</text>', page(store))
    assert len(curves) == 2 * 3
    heights = [float(y) for y, _ in curves]
    for mild, poor in zip(heights[::2], heights[1::2], strict=True):
        assert abs(mild - poor) > 7.5, curves  # the size of the letters


def test_a_reason_is_told_in_plain_words(store: Store) -> None:
    at_s = wall(f"{TODAY} 09:00")
    for step in range(100):
        store.heartbeat(at_s + 10 * step, utc_offset_s(at_s), "unknown", Reason.STRANGER.value)
    told = page(store)
    assert "(mostly: not where you calibrated)" in told  # no conclusion
    assert "unknown (not where you calibrated), " in told  # the ribbon
    assert ">not where you calibrated<" in told  # what was not judged
    assert Reason.STRANGER.value not in unescape(told)


@pytest.mark.parametrize(("seconds", "marks"), [(90, ["09:30", "09:31", "09:32"]), (660, ["09:00", "10:00"])])
def test_few_minutes_are_drawn_as_minutes(store: Store, seconds: float, marks: list[str]) -> None:
    record(store, wall(f"{TODAY} 09:30:10"), [("good", seconds)])
    ticks = re.search(r'<div class="ticks".*', page(store))
    assert ticks
    assert re.findall(r">(\d\d:\d\d)<", ticks.group()) == marks


def test_minutes_under_the_curves_are_told_with_their_hour(store: Store) -> None:
    start_s = wall(f"{TODAY} 09:00")
    record(store, start_s, [("good", 180)])
    for minute in range(3):
        store.sample(start_s + 60 * minute, {"fsr": 1.0}, verdict="good")
    curves = page(store).split('aria-label="Deviation')[1].split("</svg>")[0]
    assert re.findall(r">(09[:\d]*)</text>", curves) == ["09:00", "09:01", "09:02", "09:03"]


Box = tuple[float, float, float, float]


def boxes(drawn: str) -> dict[str, Box]:
    """Return left, top, right and bottom of each block of a drawing, by its title."""
    found = {}
    for path, title in re.findall(r'<path[^>]*d="([^"]+)"[^>]*>\s*<title>([^<]+)', drawn):
        x, y = zip(*re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", path), strict=True)
        xs, ys = sorted(map(float, x)), sorted(map(float, y))
        found[title] = (xs[0], ys[0], xs[-1], ys[-1])
    return found


def drawings(store: Store) -> dict[str, dict[str, Box]]:
    """Return the blocks of each drawing of the page, by the beginning of its name."""
    drawn = {}
    for svg in re.findall(r"<svg[^>]*aria-label.*?</svg>", page(store), re.DOTALL):
        label = re.search(r'aria-label="([^":;]*)', svg)
        assert label
        drawn[label.group(1)] = boxes(svg)
    return drawn


def test_blocks_are_as_long_and_as_high_as_what_they_stand_for(store: Store) -> None:
    parts = [("good", 1800), ("poor", 900), ("mild", 900), ("away", 300), ("poor", 1200)]
    record(store, wall("2025-05-14 09:00"), parts, 10)
    assert re.search(r"of the day\)\. The line beneath", page(store)), "there is no mark to explain"
    drawn = drawings(store)
    ribbon, bouts = drawn["Timeline of the day"], drawn["2 stretches at the desk"]
    assert [*ribbon] == [
        "09:00–09:30 good, 30 min", "09:45–10:00 mild, 15 min", "09:30–09:45 poor, 15 min",
        "10:05–10:25 poor, 20 min", "10:00–10:05 away, 5 min",
    ]  # fmt: skip
    good, mild, poor, later, away = ribbon.values()
    minute = good[2] / 30  # nine o'clock is at the left end
    for box, begins, ends in ((good, 0, 30), (poor, 30, 45), (mild, 45, 60), (away, 60, 65), (later, 65, 85)):
        assert box[::2] == pytest.approx((begins * minute, ends * minute), abs=0.03)
    assert poor[1] == later[1] < mild[1] < good[1] < away[1], "the higher the block, the poorer the posture"
    assert [*bouts] == [
        "10:05–10:25 at the desk, 20 min", "09:00–10:00 at the desk, 1 h 00 min, then a break of 5 min",
    ]  # fmt: skip
    short, long = bouts.values()
    assert long[::2] == pytest.approx((0, 60 * minute), abs=0.03)
    assert long[3] - long[1] > 1.5 * (short[3] - short[1]), "a long one is thicker"


@pytest.mark.parametrize(
    ("hours", "written"), [(1, 2), (9, 10), (10, 11), (11, 6), (20, 11), (21, 8), (24, 9)]
)
def test_no_more_hours_are_written_than_have_room(hours: int, written: int) -> None:
    start_s = wall("2025-05-14 00:00")
    axis = Axis(
        start_s, start_s + 3600 * hours, tuple((start_s + 3600 * n, f"{n:02d}") for n in range(hours + 1))
    )
    places = [float(place) for place in re.findall(r"left: ([\d.]+)%", _ticks(axis))]
    assert len(places) == written
    assert places[0] == 0
    assert places[1] == pytest.approx(100 * -(-hours // 10) / hours, abs=0.01)


@pytest.mark.parametrize(("ends", "hourly", "curves"), [(8, 1, 1), (12, 1, 2), (13, 2, 2), (20, 2, 3)])
def test_hours_under_a_chart_are_thinned_where_there_are_many(
    store: Store, ends: int, hourly: int, curves: int
) -> None:
    start_s = wall("2025-05-14 00:00")
    record(store, start_s, [("good", 3600 * ends - 60)], 20)
    store.sample(start_s + 60, {"fsr": 1.0}, verdict="good")
    drawn = page(store)
    minutes, curve = (
        re.findall(r">([^<>]+)</text>", drawn.split(f'aria-label="{chart}')[1].split("</svg>")[0])
        for chart in ("Minutes of each state", "Deviation from neutral")
    )
    hours = [f"{hour:02d}" for hour in range(ends + 1)]
    assert minutes == [*hours[:-1:hourly], "0", "15", "30", "45", "60", "minutes, broad where judged"]
    assert [label for label in curve if re.fullmatch(r"\d\d", label)][: len(hours[::curves])] == hours[
        ::curves
    ]


def test_what_was_not_measured_is_told_in_place_of_curves(store: Store) -> None:
    def against_neutral() -> str:
        return page(store).split("<h2>Against neutral</h2>")[1].split("</section>")[0]

    start_s = wall("2025-05-14 09:00")
    record(store, start_s, [("good", 1800)])
    assert against_neutral().strip() == '<p class="note">Nothing was measured on this day.</p>'
    store.sample(start_s + 60, {"head_roll": 1.0}, verdict="good")
    assert against_neutral().strip() == (
        '<p class="note">Not measurable from this view: trunk inclination and neck inclination.</p>'
    )
    store.sample(start_s + 120, {"trunk_incl": 1.0, "neck_incl": 2.0}, verdict="good")
    assert "Not measurable" not in against_neutral()
    assert "</figure>\n\n<details>" in against_neutral()


def test_the_days_of_a_week_lie_over_the_same_hours(store: Store) -> None:
    record(store, wall("2025-05-01 09:00"), [("good", 3600)], 20)
    assert '<span class="axis">' not in page(store), "the month has a day, the week none"
    first = dt.date(2025, 6, 1)
    record(store, wall("2025-05-31 09:00"), [("good", 3600)], 20)
    text = render_html(day(store, first, LATER), week(store, first, LATER), month(store, first, LATER))
    assert re.findall(r"<h2>(.*?)</h2>", text) == ["Week of 26 May–1 June 2025"], "of June there is nothing"
    record(store, wall("2025-05-12 09:00"), [("good", 3600)], 20)
    record(store, wall("2025-05-14 13:00"), [("good", 3600)], 20)
    drawn = drawings(store)
    (monday,), (wednesday,) = drawn["Mon 12"].values(), drawn["Wed 14"].values()
    width = wednesday[2]
    assert (*monday[::2], *wednesday[::2]) == pytest.approx((0, width / 5, 4 * width / 5, width), abs=0.05)


def test_hours_are_stacked_to_their_minutes(store: Store) -> None:
    record(store, wall("2025-05-14 09:00"), [("good", 1800), ("poor", 900), ("mild", 900)], 10)
    record(store, wall("2025-05-14 11:00"), [("poor", 1200)], 10)
    drawn = drawings(store)["Minutes of each state in each hour"]
    good, mild, poor, later = (
        drawn[name]
        for name in (
            "09:00–10:00 good 30 min",
            "09:00–10:00 mild 15 min",
            "09:00–10:00 poor 15 min",
            "11:00–12:00 poor 20 min",
        )
    )
    assert len(drawn) == 4
    height = good[3] - good[1]
    for box, minutes in ((mild, 15), (poor, 15), (later, 20)):
        assert box[3] - box[1] == pytest.approx(height * minutes / 30, abs=0.03)
    assert (mild[3], poor[3], later[3]) == pytest.approx((good[1], mild[1], good[3]), abs=0.03)
    assert good[::2] == mild[::2] == poor[::2]
    assert later[0] - good[0] == pytest.approx(2 * (good[2] - good[0]) / 0.8, abs=0.03)


def test_an_hour_is_broad_where_it_was_judged_for_eyes_that_see_unknown_in_the_colour_of_good(
    store: Store,
) -> None:
    record(store, wall("2025-05-14 09:00"), [("good", 1200), ("unknown", 1200), ("away", 1200)], 10)
    drawn = drawings(store)["Minutes of each state in each hour"]
    breadths = {title.split()[1]: box[2] - box[0] for title, box in drawn.items()}
    assert breadths["good"] > 1.5 * breadths["unknown"] > 1.5 * breadths["away"]


def test_the_months_sheet_draws_as_much_of_each_state_as_there_was(store: Store) -> None:
    # No state fills a slot of ten minutes, and the day goes on over midnight.
    start_s = record(store, wall("2025-05-14 20:00"), [("good", 300), ("mild", 180), ("poor", 120)] * 30)
    told = day(store, TODAY, LATER)
    drawn: dict[str, float] = dict.fromkeys(told.seconds, 0.0)
    for slot in charts._slots(told):
        assert told.start_s <= slot.start_s < slot.end_s <= told.end_s
        drawn[slot.state] += slot.length_s
    assert start_s > told.end_s
    assert drawn == pytest.approx(dict(told.seconds), abs=600)
    assert min(drawn["mild"], drawn["poor"]) > 0
    next_day = day(store, TODAY + dt.timedelta(days=1), LATER)
    assert [slot for slot in charts._slots(next_day) if slot.end_s > next_day.spans[-1].end_s] == []


def test_text_from_outside_is_escaped(store: Store) -> None:
    start_s = wall("2025-05-14 09:00")
    for step in range(0, 1200, 10):
        store.heartbeat(start_s + step, utc_offset_s(start_s), "unknown", "<script>alert(1)</script>")
    store.alert(start_s, utc_offset_s(start_s), "posture", title="<img src=x onerror=alert(1)>")
    text = page(store)
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text
    assert "Score – not enough data" in " ".join(" ".join(Reader(text).text).split())


def test_an_empty_day_is_kind(store: Store) -> None:
    words = " ".join(Reader(page(store)).text)
    assert "Nothing was recorded on this day." in words
    assert "posture-monitor start" not in words, "that day is over"
    noon_s = wall("2025-05-14 12:00")
    today = (day(store, TODAY, noon_s), week(store, TODAY, noon_s), month(store, TODAY, noon_s))
    assert "<code>posture-monitor start</code>" in render_html(*today)


@pytest.mark.parametrize(
    ("parts", "poor", "breaks"),
    [
        ([("unknown", 3600)], "Longest poor stretch – ", "Longest without a break – Breaks – "),
        (
            [("unknown", 3600), ("good", 600)],
            "Longest poor stretch none",
            "Longest without a break – Breaks – ",
        ),
        (
            [("good", 3600)],
            "Longest poor stretch none ",
            "Longest without a break 1 h 00 min 09:00–10:00 Breaks 0",
        ),
    ],
)
def test_what_was_not_seen_is_not_told_as_none(
    store: Store, parts: list[tuple[str, float]], poor: str, breaks: str
) -> None:
    record(store, wall(f"{TODAY} 09:00"), parts)
    told = " ".join(" ".join(Reader(page(store)).text).split())
    assert poor in told
    assert breaks in told


def test_no_word_is_explained_that_the_page_does_not_use(store: Store) -> None:
    assert "<footer>" not in page(store)
    working_day(store, "2025-05-13")
    assert "dashed lines" not in page(store), "the day itself is empty, the week beside it is not"
    assert "Coverage" in page(store).split("<footer>")[1]
    record(store, wall("2025-05-14 09:00"), [("good", 1800)])
    assert "dashed lines" not in page(store), "no measure, no curve"
    working_day(store, "2025-05-14", from_hour=11)
    assert "dashed lines" in page(store)


def test_a_day_of_a_journey_keeps_its_hours_in_the_week(store: Store) -> None:
    far = utc_offset_s(wall("2025-05-14 12:00")) + 6 * 3600
    start_s = wall("2025-05-14 09:00") - 6 * 3600  # nine o'clock there
    for step in range(0, 7200, 10):
        store.heartbeat(start_s + step, far, "good")
    record(store, wall("2025-05-13 09:00"), [("good", 7200)])
    axis = re.search(r'<span class="axis">.*', page(store))
    assert axis
    assert re.findall(r">(\d\d:00)<", axis.group()) == ["09:00", "10:00", "11:00"]


def test_letters_follow_the_size_that_the_reader_has_chosen() -> None:
    css = resources.files("posture_monitor.telling.report").joinpath("page.css").read_text(encoding="utf-8")
    assert not re.search(r"font(-size)?: [^;]*\dp[xt]", css.split("@media print")[0])


@pytest.mark.parametrize(("kind", "company"), [("minute", True), ("full", False)])
def test_a_single_curve_does_not_leave_its_column_empty(store: Store, company: bool) -> None:
    columns = page(store).split('<div class="stack">')
    curves = next(column for column in columns if "<h2>Against neutral</h2>" in column)
    assert ("<h2>What this day was judged on</h2>" in curves) is company


def test_a_note_has_the_width_of_the_table_and_its_own_direction(store: Store) -> None:
    entries = [
        episode(3, wall("2025-05-13 18:00"), note="כואב <b>"),
        episode(2, wall("2025-05-14 18:00")),
    ]
    told = month(store, TODAY, LATER)
    text = render_html(day(store, TODAY, LATER), week(store, TODAY, LATER), told, entries)
    diary = text.split('aria-label="Diary"')[1].split("</table>")[0]
    assert (
        f'colspan="{diary.count("<th scope=") - len(entries)}"><span dir="auto">כואב &lt;b&gt;</span>'
        in diary
    )
    assert diary.count("colspan") == 1


@pytest.mark.parametrize("minutes", [2, 20])
def test_minutes_that_stand_alone_are_drawn(store: Store, minutes: int) -> None:
    for number in range(minutes):
        start_s = wall("2025-05-14 09:00") + 300 * number
        record(store, start_s, [("good", 50), ("unknown", 250)], step_s=10)
        store.sample(start_s + 5, {"neck_incl": 8.0}, verdict="good")
    chart = page(store).split("<h2>Against neutral</h2>")[1].split("</section>")[0]
    dots = re.findall(r'<use href="#(\S+)" x="[\d.]+" y="[\d.]+" style="fill: var\(--ink\)', chart)
    assert len(dots) >= minutes
    assert all(f'id="{dot}"' in chart for dot in dots)


def test_each_measure_has_one_row_by_its_plain_name(store: Store) -> None:
    alike = {"fsr": 4.0, "ear_height": -3.0, "esr": -3.0, "head_height": -2.0, "head_rise": -3.0}
    others = {"head_drop": 0.1, "pitch_cue": 0.3, "yaw_cue": 0.1, "shoulder_width": 2.0}
    for minute in range(30):
        start_s = wall("2025-05-14 09:00") + 60 * minute
        record(store, start_s, [("good", 60)], step_s=10)
        store.sample(start_s + 5, alike | others, verdict="good")
    table = page(store).split("<summary>All measures as a table</summary>")[1].split("</table>")[0]
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in table.split("<tr>")[2:]]
    assert [row[:2] for row in rows] == [
        ["face size against the shoulders", "+4%"],
        ["head height over the shoulders", "−2%"],
        ["head drop, of a shoulder width", "+10%"],
    ]


@pytest.mark.parametrize(("alerts", "folded"), [(10, ""), (11, "1 more reminder"), (13, "3 more reminders")])
def test_beyond_ten_alerts_are_folded(store: Store, alerts: int, folded: str) -> None:
    start_s = wall("2025-05-14 09:00")
    record(store, start_s, [("poor", 3600)], step_s=10)
    for number in range(alerts):
        store.alert(start_s + 240 * number, utc_offset_s(start_s), "posture", title=f"Alert {number}")
    table = page(store).split("<h2>Reminders and what followed</h2>")[1].split("</section>")[0]
    assert table.count('tabindex="0"') == table.count('role="region" aria-label="')
    shown, _, more = table.partition('<details class="rest">')  # whose summary is printed as well
    assert (shown.count("Alert "), more.count("Alert ")) == (min(alerts, 10), alerts - min(alerts, 10))
    assert f"<summary>{folded}</summary>" in more if folded else not more


def test_the_diary_stands_beside_the_days(store: Store) -> None:
    for number in range(1, 15):
        record(store, wall(f"2025-05-{number:02d} 09:00"), [("good", 3600), ("poor", 600)], step_s=20)
    entries = [
        episode(pain, wall(f"2025-05-{number:02d} 18:00"), symptoms=symptoms, trigger="lifting")
        for pain, number, symptoms in ((6, 4, ["sharp"]), (5, 8, ["aching"]), (2, 12, ["numbness"]))
    ]
    told = month(store, TODAY, wall("2025-05-15 00:00"))
    text = render_html(day(store, TODAY, LATER), week(store, TODAY, LATER), told, entries)
    words = " ".join(Reader(text).text)
    for expected in (
        "6 of 10",
        "no clear change",
        "less pain",
        "lifting",
        "This does not show cause.",
    ):
        assert expected in words
    file = io.StringIO()
    render_diary(entries, told.days, TODAY, Console(file=file, width=60))
    assert "pain 6 of 10" in file.getvalue()
    assert "does not show cause" in file.getvalue()
    assert max(map(len, file.getvalue().splitlines())) <= 60


# ----------------------------------------------------------------- in a real browser


@pytest.fixture
def chromium(tmp_path: Path) -> list[str]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no Chromium here")
    return [
        found, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
        "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'browser'}",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_printed_it_takes_two_pages_at_most(
    store: Store, tmp_path: Path, chromium: list[str], kind: str
) -> None:
    file = tmp_path / "report.html"
    file.write_text(page(store), encoding="utf-8")
    pdf = tmp_path / "report.pdf"
    subprocess.run([*chromium, "--no-pdf-header-footer", f"--print-to-pdf={pdf}", file.as_uri()],
                   capture_output=True, timeout=60, check=True)  # fmt: skip
    pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf.read_bytes()))
    assert pages == (1 if kind in ("empty", "minute") else 2)


#: Widths in pixels of a small phone, a phone, a sheet of A4 and a laptop.
WIDTHS = (320, 390, 794, 1280)

_PROBE = """
const seen = {};
const rgb = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
const light = (colour) => {
  const linear = (v) => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const [r, g, b] = rgb(colour).map(linear);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const lines = (cell) => {
  const range = cell.ownerDocument.createRange();
  range.selectNodeContents(cell);
  return new Set([...range.getClientRects()].map((line) => Math.round(line.top))).size;
};
const contrast = (one, other) => {
  const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dark + 0.05);
};
const look = (frame) => {
  const page = frame.contentDocument, root = page.documentElement;
  const style = (element) => frame.contentWindow.getComputedStyle(element);
  const drawn = [...page.querySelectorAll(".ribbon path, .ribbon use")];
  const marks = drawn.filter((mark) => mark.querySelector("title"));
  seen[frame.width] = {
    across: root.scrollWidth, room: root.clientWidth,
    paper: light(style(root).backgroundColor),
    ink: contrast(style(root).backgroundColor, style(page.body).color),
    blocks: marks.map((mark) => mark.getBoundingClientRect().width),
    colours: Object.fromEntries(marks.map((mark) => [
      style(mark).fill, contrast(style(mark).fill, style(mark.closest("section")).backgroundColor)])),
    letters: [...page.querySelectorAll("svg text")].map(
      (text) => parseFloat(style(text).fontSize) * text.getScreenCTM().a),
    fonts: [...new Set([...page.querySelectorAll("svg text")].map((text) => style(text).fontFamily))],
    font: style(page.body).fontFamily,
    crowded: [...page.querySelectorAll(".ticks")].flatMap((ticks) => {
      const shown = [...ticks.children].filter((tick) => tick.offsetWidth);
      const boxes = shown.map((tick) => tick.getBoundingClientRect());
      return boxes.slice(1).filter((box, at) => box.left - boxes[at].right < 3).length;
    }),
    figures: [...page.querySelectorAll(".figures dd")].map(
      (figure) => [figure.parentElement, figure].map((box) => Math.round(box.getBoundingClientRect().top))),
    days: [...page.querySelectorAll(".week > :nth-child(3n):not(:empty)")].map((said) => said.offsetWidth),
    loaded: frame.contentWindow.performance.getEntriesByType("resource").length,
    text: page.body.innerText,
    torn: [...page.querySelectorAll("tbody :is(th, td):not(.words)")].filter(
      (cell) => lines(cell) > 1).map((cell) => cell.innerText),
    sheets: [...page.querySelectorAll(".sheet")].map((box) => box.scrollWidth - box.clientWidth),
    // Opened last: what was measured before is as the page is first seen.
    hidden: [...page.querySelectorAll("details:not(.rest)")].filter((details) => {
      details.open = true;
      const box = details.querySelector(".scroll");
      return box.scrollWidth > box.clientWidth;
    }).map((details) => details.innerText.split("\\n")[0]),
    hints: [...page.querySelectorAll(".scroll")].map((box) => style(box).backgroundAttachment),
  };
  if (Object.keys(seen).length === frames.length) document.title = JSON.stringify(seen);
};
const frames = [...document.querySelectorAll("iframe")];
for (const frame of frames) { frame.onload = () => look(frame); frame.srcdoc = PAGE; }
"""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", KINDS)
def test_chromium_shows_all_of_it_on_phone_paper_and_laptop(
    store: Store, tmp_path: Path, chromium: list[str], kind: str, scheme: str
) -> None:
    told = day(store, TODAY, LATER)
    # The page itself may run no script: it is looked at from the page around it.
    frames = "".join(f'<iframe width="{width}" height="900" style="border:0"></iframe>' for width in WIDTHS)
    probe = _PROBE.replace("PAGE", json.dumps(page(store)).replace("</", "<\\/"))
    file = tmp_path / "report.html"
    file.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><body>{frames}<script>{probe}</script>', encoding="utf-8"
    )
    shown = subprocess.run(
        [*chromium, f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
         "--virtual-time-budget=8000", "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    # What the page's own policy had to refuse would stand there as well.
    assert "CONSOLE" not in shown.stderr
    found = re.search(r"<title>(.*?)</title>", shown.stdout, re.DOTALL)
    assert found is not None
    seen = json.loads(unescape(found.group(1)))
    assert set(seen) == set(map(str, WIDTHS))
    for width, look in seen.items():
        assert look["loaded"] == 0
        assert look["across"] <= look["room"], f"{width} pixels are too few"
        assert look["torn"] == [], "a time or a number is broken between lines"
        assert not any(cut > 0 for cut in look["sheets"]), "a weekday is cut off"
        if width == "1280":
            # Seven states side by side are too many for half a page.
            assert set(look["hidden"]) <= {"The hours as a table"}
        assert all("local" in hint for hint in look["hints"]), "nothing shows that there is more to scroll to"
        assert (look["paper"] > 0.8) is (scheme == "light")
        assert (look["paper"] < 0.05) is (scheme == "dark")
        assert look["ink"] >= 7, "text and paper are too alike"
        assert all(contrast >= 3 for contrast in look["colours"].values()), look["colours"]
        assert all(9 <= size <= 18 for size in look["letters"]), "letters of a chart shrink or grow with it"
        assert look["fonts"] in ([], [look["font"]])
        assert not any(look["crowded"]), "hours run into each other"
        assert len({top for top, _ in look["figures"]}) == len({tuple(tops) for tops in look["figures"]})
        assert all(look["days"]), "what is said of a day is left out"
        assert "Wednesday 14 May 2025" in look["text"]
        assert len(look["blocks"]) == len(told.spans)
        assert all(length > 0 for length in look["blocks"])
        assert len(look["colours"]) == len({span.state for span in told.spans})
    if kind == "night":
        assert told.spans[0].start_s == told.start_s, "the night before goes on after midnight"
        assert re.search(r"Time at the desk and breaks", seen["390"]["text"])
    if kind in ("full", "front", "night"):
        assert "best hour" in seen["390"]["text"].lower()
    if kind == "empty":
        assert "Nothing was recorded on this day." in seen["390"]["text"]
