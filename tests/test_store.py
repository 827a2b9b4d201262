from __future__ import annotations

import logging
import math
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from disks import fill, mounted
from history_maker import locked, record
from hypothesis import given
from hypothesis import strategies as st

from posture_monitor.errors import UserError
from posture_monitor.history import database, packing
from posture_monitor.history.packing import Minutes, Sample, Samples
from posture_monitor.history.store import KEPT_S, Store
from posture_monitor.posture.reading import VERDICTS, VIEWS, Verdict, View

T0 = 1_747_200_000.0  # 2025-05-14, UTC


def each(kept: Samples) -> Iterator[Sample]:
    """Yield the readings of a minute one by one."""
    for row, wall_s in enumerate(kept.wall_s.tolist()):
        measured = zip(kept.names, kept.deviations[row].tolist(), strict=True)
        yield Sample(
            wall_s,
            VERDICTS[kept.verdicts[row]],
            VIEWS[kept.views[row]],
            float(kept.slouch_index[row]),
            float(kept.confidence[row]),
            {name: value for name, value in measured if math.isfinite(value)},
        )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "history.sqlite3"


def everything(path: Path) -> list[tuple[str, float, float]]:
    with Store.open(path, readonly=True) as store:
        return [(s.state, s.start_s, s.end_s) for s in store.spans(0, 4e9)]


# ------------------------------------------------------------------ heartbeats


def test_beats_of_one_state_make_one_span(path: Path) -> None:
    with Store.open(path) as store:
        for step in range(0, 100, 2):
            store.heartbeat(T0 + step, 7200, "good")
    assert everything(path) == [("good", T0, T0 + 98)]


def test_a_state_lasts_until_the_next_one(path: Path) -> None:
    with Store.open(path) as store:
        for step, state in enumerate(["good", "good", "poor", "poor", "away"]):
            store.heartbeat(T0 + 4 * step, 0, state)
    assert everything(path) == [
        ("good", T0, T0 + 8),
        ("poor", T0 + 8, T0 + 16),
        ("away", T0 + 16, T0 + 16),
    ]


def test_silence_longer_than_the_gap_is_a_gap(path: Path) -> None:
    with Store.open(path) as store:
        record(store, T0, [("poor", 60)])
        record(store, T0 + 8 * 3600, [("poor", 60)])
    assert everything(path) == [("poor", T0, T0 + 60), ("poor", T0 + 8 * 3600, T0 + 8 * 3600 + 60)]


def test_a_changed_reason_or_offset_begins_a_span(path: Path) -> None:
    with Store.open(path) as store:
        store.heartbeat(T0, 0, "unknown", "too dark")
        store.heartbeat(T0 + 1, 0, "unknown", "head turned")
        store.heartbeat(T0 + 2, 3600, "unknown", "head turned")
        store.heartbeat(T0 + 3, 3600, "unknown", "head turned")
        spans = store.spans(T0, T0 + 10)
    assert [(s.reason, s.utc_offset_s, s.end_s - s.start_s) for s in spans] == [
        ("too dark", 0, 1),
        ("head turned", 0, 1),
        ("head turned", 3600, 1),
    ]


def test_a_clock_corrected_by_a_second_makes_no_overlap(path: Path) -> None:
    with Store.open(path) as store:
        for at_s in (0, 2, 4, 3, 5, 7):
            store.heartbeat(T0 + at_s, 0, "good")
    assert everything(path) == [("good", T0, T0 + 7)]


def test_a_clock_set_back_an_hour_begins_anew(path: Path) -> None:
    with Store.open(path) as store:
        record(store, T0, [("good", 600)])
        record(store, T0 - 3600, [("poor", 600)])
    assert everything(path) == [("good", T0, T0 + 600), ("poor", T0 - 3600, T0 - 3000)]


def test_long_spans_are_found_from_their_middle(path: Path) -> None:
    with Store.open(path) as store:
        record(store, T0, [("away", 9 * 3600)], step_s=15)
        assert sum(s.end_s - s.start_s for s in store.spans(0, 4e9)) == 9 * 3600
        assert max(s.end_s - s.start_s for s in store.spans(0, 4e9)) <= 3620
        inside = store.spans(T0 + 5000, T0 + 5001)
    assert len(inside) == 1
    assert inside[0].start_s <= T0 + 5000 <= inside[0].end_s


@given(
    beats=st.lists(
        st.tuples(st.floats(-30, 90), st.sampled_from(["good", "poor", "away"])), min_size=1, max_size=60
    )
)
def test_spans_are_never_longer_than_what_was_seen(beats: list[tuple[float, str]]) -> None:
    store = Store.open(Path("/nonexistent"), readonly=True)
    at_s, seen_s = T0, 0.0
    for step_s, state in beats:
        at_s += step_s
        store.heartbeat(at_s, 0, state)
        seen_s += min(abs(step_s), 20)
    spans = list(store._run._new_spans.values())
    assert all(s.end_s >= s.start_s for s in spans)
    assert sum(s.end_s - s.start_s for s in spans) <= seen_s + 1e-6


# --------------------------------------------------------------------- samples


def test_minutes_hold_median_and_90th_percentile(path: Path) -> None:
    values = np.linspace(0, 20, 30)
    with Store.open(path) as store:
        for step, value in enumerate(values):
            store.sample(T0 + 2 * step, {"neck_incl": value, "trunk_incl": math.nan}, value / 20)
        store.sample(T0 + 60, {"neck_incl": 99.0})
    with Store.open(path, readonly=True) as store:
        ((hour, summary),) = store.minutes(T0, T0 + 3600)
    first = int(T0 // 60 % 60)
    assert hour == T0 // 3600
    assert "trunk_incl" not in summary.names
    neck, slouch = summary.names.index("neck_incl"), summary.names.index("slouch_index")
    assert summary.values[first, neck] == pytest.approx([10, 18], abs=0.01)
    assert summary.values[first, slouch] == pytest.approx([0.5, 0.9], abs=0.001)
    assert summary.values[first + 1, neck, 0] == pytest.approx(99, abs=0.05)
    assert np.isnan(summary.values[first + 2]).all()


def test_readings_come_back(path: Path) -> None:
    now = time.time()
    with Store.open(path) as store:
        store.sample(now, {"fsr": 6.25}, 0.75, verdict="mild", view="front", confidence=0.5)
        store.sample(now + 1.5, {"trunk_incl": 12.0}, verdict="poor", view="side")
        store.sample(now + 70, {}, verdict="away")
    with Store.open(path, readonly=True) as store:
        readings = [r for minute in store.samples(now - 60, now + 120) for r in each(minute)]
    assert [r.wall_s for r in readings] == pytest.approx([now, now + 1.5, now + 70], abs=0.001)
    assert [r.verdict for r in readings] == [Verdict.MILD, Verdict.POOR, Verdict.AWAY]
    assert [r.view for r in readings] == [View.FRONT, View.SIDE, View.UNKNOWN]
    assert [r.deviations for r in readings] == [{"fsr": 6.25}, {"trunk_incl": 12.0}, {}]
    assert readings[0].slouch_index == 0.75
    assert readings[0].confidence == 0.5
    assert math.isnan(readings[2].slouch_index)


def test_old_readings_are_dropped_and_their_summary_stays(path: Path) -> None:
    old = time.time() - 40 * 86400
    with Store.open(path, keep_samples_days=30) as store:
        store.sample(old, {"fsr": 1.0})
        store.sample(time.time() - 20 * 86400, {"fsr": 1.0})
    with Store.open(path) as store:
        store.sample(time.time(), {"fsr": 1.0})
        store.flush()
        assert list(store.samples(old - 60, old + 60)) == []
        assert len(list(store.samples(old, time.time() + 60))) == 2
        assert len(list(store.minutes(old, old + 1))) == 1


def test_a_clock_a_year_ahead_drops_no_readings(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    with Store.open(path) as store:
        store.sample(now - 20 * 86400, {"fsr": 1.0})
        store.sample(now, {"fsr": 1.0})
    with monkeypatch.context() as clock:
        clock.setattr(time, "time", lambda: now + 365 * 86400)
        for _ in range(2):  # as little the second time, where it has written something itself
            with Store.open(path) as store:
                store.sample(time.time(), {"fsr": 1.0})
    with Store.open(path, readonly=True) as store:
        assert len(list(store.samples(now - 21 * 86400, now + 60))) == 2


def test_nought_days_keep_no_readings(path: Path) -> None:
    with Store.open(path, keep_samples_days=0) as store:
        store.sample(T0, {"fsr": 1.0})
        store.flush()
        assert list(store.samples(T0 - 60, T0 + 60)) == []
        assert len(list(store.minutes(T0, T0 + 1))) == 1


def test_readings_are_kept_or_not_from_the_next_one_on(path: Path) -> None:
    """The settings may change in the middle of a recording, which can last for weeks."""
    now = time.time() // 60 * 60
    with Store.open(path, keep_samples_days=30) as store:
        store.begin("0")
        for k, days in enumerate((30, 0, 0, 30)):
            store.configure(days, False)
            store.sample(now + 30 * k, {"fsr": 1.0})
        store.flush()
        kept = [r.wall_s for minute in store.samples(now, now + 120) for r in each(minute)]
    assert kept == pytest.approx([now, now + 90], abs=0.001)


@pytest.mark.parametrize("asked", [True, False])
def test_landmarks_are_kept_only_where_asked_for(path: Path, asked: bool) -> None:
    now = time.time()
    landmarks = np.random.default_rng(1).random((33, 4)).astype(np.float32)
    with Store.open(path, keep_landmarks=asked) as store:
        store.sample(now, {}, landmarks=landmarks)
    (kept,) = sqlite3.connect(path).execute("SELECT landmarks FROM samples").fetchone()
    if asked:
        assert packing.unpack_landmarks(kept) == pytest.approx(landmarks[None], abs=0.001)
    else:
        assert kept is None


halves = st.floats(-1000, 1000, width=16)


@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 59_999),
            st.sampled_from(list(Verdict)),
            st.sampled_from(list(View)),
            st.dictionaries(st.sampled_from(["fsr", "esr", "neck_incl", "distance"]), halves),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_packing_loses_nothing_but_digits(rows: list[tuple[int, Verdict, View, dict[str, float]]]) -> None:
    samples = [
        Sample(60e7 + ms / 1000, verdict, view, 0.5, 0.25, values) for ms, verdict, view, values in rows
    ]
    back = list(each(packing.unpack_samples(*packing.pack_samples(samples, 10_000_000), 10_000_000)))
    assert [s.deviations for s in back] == [s.deviations for s in samples]
    assert [(s.verdict, s.view) for s in back] == [(s.verdict, s.view) for s in samples]
    assert [s.wall_s for s in back] == pytest.approx([s.wall_s for s in samples], abs=0.0011)


def test_a_value_too_large_for_a_half_is_kept_as_unmeasured() -> None:
    minutes = Minutes()
    minutes.put(3, {"a": (1e9, math.inf), "b": (1.0, 2.0)})
    back = Minutes.unpack(*minutes.pack())
    assert np.isnan(back.values[3, 0]).all()
    assert back.values[3, 1].tolist() == [1.0, 2.0]


def test_a_year_of_minutes_stays_small() -> None:
    """Eight hours a day, every day, 26 metrics of which a front view measures 19."""
    rng = np.random.default_rng(2)
    hour = Minutes()
    drift = rng.normal(0, 2, 20).cumsum()
    for minute in range(60):
        medians = drift + rng.normal(0, 3, 20)
        hour.put(minute, {f"metric_{k}": (m, m + abs(rng.normal(2, 1))) for k, m in enumerate(medians)})
    assert len(hour.pack()[1]) * 8 * 365 < 15e6


# ---------------------------------------------------------------------- alerts


def test_alerts_and_what_followed(path: Path) -> None:
    with Store.open(path) as store:
        first = store.alert(T0, 0, "posture", driver="neck_incl", deviation=21.5, held_s=90, channel="plyer",
                            title="-rf <b>&\"'🙂", body="two\nlines")  # fmt: skip
        second = store.alert(T0 + 60, 0, "break")
        store.outcome(first, "corrected", T0 + 20)
        store.outcome(second, "snoozed")
    with Store.open(path, readonly=True) as store:
        one, two = store.alerts(T0, T0 + 100)
    assert (one.driver, one.deviation, one.held_s, one.outcome, one.outcome_s) == (
        "neck_incl", 21.5, 90, "corrected", T0 + 20,
    )  # fmt: skip
    assert (one.title, one.body) == ("-rf <b>&\"'🙂", "two\nlines")
    assert (two.kind, two.outcome) == ("break", "snoozed")
    assert math.isnan(two.deviation)
    assert math.isnan(two.outcome_s)


def test_an_outcome_goes_to_the_recording_of_its_alert(path: Path) -> None:
    with Store.open(path) as store:
        store.begin("one camera")
        first = store.alert(T0, 0, "posture")
        store.begin("another camera")
        second = store.alert(T0 + 60, 0, "posture")
        store.outcome(first, "corrected", T0 + 70)
        store.outcome(second, "ignored", T0 + 80)
    with Store.open(path, readonly=True) as store:
        found = [(alert.run, alert.outcome) for alert in store.alerts(T0, T0 + 100)]
    assert found == [(1, "corrected"), (2, "ignored")]


def test_an_outcome_after_the_file_was_replaced(path: Path) -> None:
    with Store.open(path) as store:
        store.begin("one camera")
        number = store.alert(T0, 0, "posture")
        store.begin("another camera")
        path.unlink()
        store.heartbeat(T0 + 60, 0, "good")
        store.flush()
        store.outcome(number, "corrected", T0 + 70)
        assert not store.trouble
    with Store.open(path, readonly=True) as store:
        (span,), (alert,) = store.spans(T0, T0 + 100), store.alerts(T0, T0 + 100)
    assert alert.outcome == "corrected"
    assert alert.run != span.run


def test_only_the_latest_alerts_are_remembered(path: Path) -> None:
    with Store.open(path) as store:
        numbers = [store.alert(T0 + at, 0, "posture") for at in range(60)]
        for number in (numbers[0], numbers[-1]):
            store.outcome(number, "wrong", T0 + 90)
    with Store.open(path, readonly=True) as store:
        outcomes = [alert.outcome for alert in store.alerts(T0, T0 + 100)]
    assert outcomes == [*[""] * 59, "wrong"]


# ------------------------------------------------------------ the file and its folder


def test_only_the_user_may_read(path: Path) -> None:
    with Store.open(path) as store:
        record(store, T0, [("good", 60)])
        store.flush()
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_readable_by_all_is_closed(path: Path) -> None:
    Store.open(path).close()
    path.chmod(0o644)
    Store.open(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_reading_makes_nothing(path: Path) -> None:
    with Store.open(path, readonly=True) as store:
        assert store.spans(0, 4e9) == []
        assert store.extent() is None
    assert not path.parent.exists()


def test_closing_twice_is_harmless(path: Path) -> None:
    store = Store.open(path)
    store.heartbeat(T0, 0, "good")
    store.close()
    store.close()


def test_another_profile_makes_no_gap(path: Path) -> None:
    """What was the case lasts until the next heartbeat, whichever recording that belongs to."""
    with Store.open(path) as store:
        store.begin("a camera", profile="sitting")
        store.heartbeat(T0, 0, "good")
        store.heartbeat(T0 + 6, 0, "good")
        store.begin("a camera", profile="standing")
        store.heartbeat(T0 + 12, 0, "good")
        store.heartbeat(T0 + 18, 0, "good")
        store.begin("a camera", profile="sitting")
        store.heartbeat(T0 + 60, 0, "good")  # too late to speak of what was before
    assert everything(path) == [("good", T0, T0 + 12), ("good", T0 + 12, T0 + 18), ("good", T0 + 60, T0 + 60)]


def test_folder_in_the_way_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(UserError, match="cannot create the folder"):
        Store.open(tmp_path / "data" / "history.sqlite3")


@pytest.mark.parametrize("patient", [False, True])
def test_a_folder_in_the_files_place_is_told_however_patient_one_is(path: Path, patient: bool) -> None:
    path.mkdir(parents=True)
    with pytest.raises(UserError, match="cannot write the history"):
        Store.open(path, patient=patient)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "512k") as disk:
        yield disk


def test_full_disk_at_the_beginning(small_disk: Path) -> None:
    fill(small_disk)
    with pytest.raises(UserError, match=r"no room left on the disk|cannot write the history") as caught:
        Store.open(small_disk / "history.sqlite3")
    assert "\n" not in str(caught.value)


def test_full_disk_can_be_read(small_disk: Path) -> None:
    """To take the history out to another disk, for one: there is no room for the log's index."""
    path = small_disk / "history.sqlite3"
    with Store.open(path) as store:
        record(store, T0, [("good", 60)])
    fill(small_disk)
    for _ in range(2):
        assert everything(path) == [("good", T0, T0 + 60)]
    with pytest.raises(UserError, match=r"its disk is full or fails; free some space|no room left"):
        Store.open(path)


def test_full_disk_is_not_read_without_what_a_log_holds(small_disk: Path) -> None:
    path = small_disk / "history.sqlite3"
    with Store.open(path) as store:
        record(store, T0, [("good", 60)])
        store.flush()
        shutil.copy(path, small_disk / "killed.sqlite3")
        shutil.copy(f"{path}-wal", small_disk / "killed.sqlite3-wal")
    fill(small_disk)
    with pytest.raises(UserError, match="cannot read the history"):
        everything(small_disk / "killed.sqlite3")


def test_read_only_folder(small_disk: Path) -> None:
    path = small_disk / "history.sqlite3"
    with Store.open(path) as store:
        record(store, T0, [("good", 60)])
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(UserError, match="cannot write the history"):
        Store.open(path)
    assert everything(path) == [("good", T0, T0 + 60)]


def test_full_disk_on_the_way_loses_nothing(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = small_disk / "history.sqlite3"
    with Store.open(path) as store:
        at_s = record(store, T0, [("good", 60)])
        assert store.flush()
        ballast = fill(small_disk)
        with caplog.at_level(logging.WARNING):
            for _ in range(20):
                at_s = record(store, at_s, [("poor", 30), ("mild", 30)])
                store.sample(at_s, {f"metric_{k}": 1.0 * k for k in range(20)})
                store.alert(at_s, 0, "posture", body="x" * 3000)
        assert not store.flush()
        assert "no room left" in store.trouble
        assert len(caplog.records) == 1
        ballast.unlink()
        assert store.flush()
        assert store.trouble == ""
    total = dict.fromkeys(("good", "mild", "poor"), 0.0)
    for state, start_s, end_s in everything(path):
        total[state] += end_s - start_s
    assert total == {"good": 60, "mild": 600, "poor": 600}
    with Store.open(path, readonly=True) as store:
        assert len(store.alerts(0, 4e9)) == 20


def test_locked_at_the_beginning(path: Path) -> None:
    Store.open(path).close()
    with locked(path, "BEGIN EXCLUSIVE"), pytest.raises(UserError, match="locked by another program"):
        database.open_writer(path, busy_s=0.1)


def test_who_is_patient_begins_with_a_locked_file(path: Path) -> None:
    with Store.open(path) as store:
        record(store, T0, [("good", 60)])
    with locked(path, "BEGIN EXCLUSIVE"):
        store = Store.open(path, patient=True)
        assert "locked by another program" in store.trouble
        began_s = time.perf_counter()
        record(store, T0 + 60, [("poor", 60)])
        store.alert(T0 + 90, 0, "posture")
        with pytest.raises(UserError, match="locked by another program"):
            store.spans(0, 4e9)
        assert time.perf_counter() - began_s < 0.4, "it waits"
    with store:
        assert store.flush()
        assert store.trouble == ""
        assert len(store.spans(0, 4e9)) == 2
    assert everything(path) == [("good", T0, T0 + 60), ("poor", T0 + 60, T0 + 120)]


def test_what_is_not_live_waits_for_the_file(path: Path) -> None:
    """A replay may hold many hours, and memory only one."""
    with Store.open(path) as store:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        store.begin("a file", live=False)
        record(store, T0, [("good", 60)])
        threading.Timer(0.3, lambda: other.execute("ROLLBACK")).start()
        assert store.flush()
    assert everything(path) == [("good", T0, T0 + 60)]


def test_locked_on_the_way_is_written_later(path: Path) -> None:
    with Store.open(path) as store:
        record(store, T0, [("good", 60)])
        assert store.flush()
        with locked(path):
            record(store, T0 + 60, [("poor", 60)])
            assert not store.flush()
            assert "locked" in store.trouble
            store.begin("another recording")
            record(store, T0 + 120, [("away", 60)])
    assert everything(path) == [
        ("good", T0, T0 + 60),
        ("poor", T0 + 60, T0 + 120),
        ("away", T0 + 120, T0 + 180),
    ]


def test_an_hour_is_kept_in_memory_and_no_more(path: Path) -> None:
    with Store.open(path) as store:
        at_s = T0
        with locked(path):
            for _ in range(120):
                at_s = record(store, at_s, [("poor", 60), ("good", 60)], step_s=20)
                store.sample(at_s, {"fsr": 1.0})
            store.flush()
        assert store.flush()
        spans = store.spans(0, 4e9)
    assert KEPT_S <= sum(s.end_s - s.start_s for s in spans) <= KEPT_S + 120
    assert spans[-1].end_s == at_s


@pytest.mark.parametrize("damage", ["no database", "torn", "scribbled"])
def test_a_damaged_file_is_moved_aside(path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    with Store.open(path) as store:
        for step in range(2000):
            store.heartbeat(T0 + step, 0, "good" if step % 2 else "poor")
    whole = path.read_bytes()
    if damage == "no database":
        broken = b"a letter to my aunt " * 1000
    elif damage == "torn":
        broken = whole[: len(whole) // 2]
    else:
        broken = whole[:4096] + b"\xa5" * 8192 + whole[4096 + 8192 :]
    path.write_bytes(broken)
    if damage != "torn":  # a reader says so, and moves nothing
        with pytest.raises(UserError, match="damaged"), Store.open(path, readonly=True) as store:
            store.spans(0, 4e9)
    with caplog.at_level(logging.WARNING), Store.open(path) as store:
        record(store, T0, [("good", 60)])
    (aside,) = path.parent.glob("history.sqlite3.damaged-*[0-9]")
    assert time.strftime("%Y-%m-%d") in aside.name
    assert aside.read_bytes() == broken
    assert everything(path) == [("good", T0, T0 + 60)]
    assert len(caplog.records) == 1
    assert str(aside) in caplog.text


def test_a_second_damaged_file_does_not_cover_the_first(path: Path) -> None:
    path.parent.mkdir(parents=True)
    for text in (b"first " * 1000, b"second " * 1000):
        path.write_bytes(text)
        Store.open(path).close()
    kept = sorted(path.parent.glob("history.sqlite3.damaged-*"))
    assert [file.read_bytes()[:5] for file in kept if file.stat().st_size] == [b"first", b"secon"]


@pytest.mark.parametrize(
    "oddly", ["state = 'weird'", "utc_offset_s = 99999999", "utc_offset_s = 'east'", "state = x'00'"]
)
def test_a_moment_that_makes_no_sense_is_passed_over_and_told(
    path: Path, oddly: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Store.open(path) as store:
        record(store, T0, [("good", 60), ("poor", 60)])
        store.flush()
        with store._db:
            store._db.execute(f"UPDATE spans SET {oddly} WHERE state = 'poor'")
        assert {span.state for span in store.spans(T0, T0 + 120)} == {"good"}
    assert f"some moments are passed over ({oddly.partition(' ')[0]} = " in caplog.text


def test_damaged_while_it_is_written(path: Path) -> None:
    with Store.open(path) as store:
        record(store, T0, [("good", 60)])
        store.flush()
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path.write_bytes(b"\xa5" * path.stat().st_size)
        # SQLite keeps pages in memory; it meets the damage when it next reads.
        store._db.execute("PRAGMA shrink_memory")
        record(store, T0 + 60, [("poor", 60)])
        assert store.flush()
    assert list(path.parent.glob("*.damaged-*"))
    assert everything(path)[-1] == ("poor", T0 + 60, T0 + 120)


def test_a_deleted_file_is_begun_again(path: Path) -> None:
    with Store.open(path) as store:
        record(store, T0, [("good", 60)])
        store.flush()
        for file in path.parent.iterdir():
            file.unlink()
        record(store, T0 + 60, [("poor", 60)])
    assert everything(path)[-1] == ("poor", T0 + 60, T0 + 120)


_READS = """
import sqlite3, sys
reader = sqlite3.connect(sys.argv[1], isolation_level=None)
reader.execute("BEGIN")
reader.execute("SELECT count(*) FROM spans").fetchone()
print(flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("gone", [("-wal",), ("-shm",), ("-wal", "-shm")], ids="+".join)
def test_a_deleted_log_costs_nothing(
    path: Path, gone: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    """Not even while somebody else reads, who would keep the log's index in force."""
    with Store.open(path) as store:
        record(store, T0, [("good", 60)])
        number = store.alert(T0 + 30, 0, "posture")
        with subprocess.Popen(
            [sys.executable, "-S", "-c", _READS, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as reader:
            assert reader.stdout is not None
            reader.stdout.readline()
            for tail in gone:
                path.with_name(path.name + tail).unlink()
            record(store, T0 + 60, [("poor", 60)])
            with caplog.at_level(logging.WARNING):
                assert store.flush()
            assert len(caplog.records) == 1
            store.outcome(number, "corrected", T0 + 40)
            reader.communicate(b"\n")
    assert everything(path) == [("good", T0, T0 + 60), ("poor", T0 + 60, T0 + 120)]
    with Store.open(path, readonly=True) as store:
        (alert,) = store.alerts(0, 4e9)
        assert alert.outcome == "corrected"
        assert len(store.recordings()) == 1


def test_another_programs_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE recipes (cake TEXT)")
    other.commit()
    other.close()
    for readonly in (True, False):
        with pytest.raises(UserError, match="another program"):
            Store.open(path, readonly=readonly)


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    Store.open(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    for readonly in (True, False):
        with pytest.raises(UserError, match="newer posture-monitor"):
            Store.open(path, readonly=readonly)


@pytest.mark.parametrize("version", range(1, database.VERSION + 1))
@pytest.mark.parametrize("readonly", [False, True])
def test_every_older_schema_is_brought_up_to_date(path: Path, version: int, readonly: bool) -> None:
    path.parent.mkdir(parents=True)
    db = sqlite3.connect(path, isolation_level=None)
    database.migrate(db, to=version)
    db.execute("INSERT INTO runs (written_s, source, live, profile, neutral) VALUES (0, '0', 1, '', '{}')")
    db.execute("INSERT INTO spans VALUES (1, 1, ?, ?, 0, 'good', '')", (T0, T0 + 60))
    db.close()
    with Store.open(path, readonly=readonly) as store:
        assert [(s.state, s.end_s - s.start_s) for s in store.spans(0, 4e9)] == [("good", 60)]
        assert store._db.execute("PRAGMA user_version").fetchone() == (database.VERSION,)


# ------------------------------------------------------------------- processes

WRITER = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from posture_monitor.history.store import Store
    store = Store.open(Path(sys.argv[1]))
    store.begin("camera")
    print("ready", flush=True)
    while True:
        now = time.time()
        store.heartbeat(now, 0, "good")
        store.sample(now, {"fsr": 1.0}, 0.1, verdict="good")
        time.sleep(0.1)
""")


def writer(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.slow
def test_killed_writers_and_a_reader_beside_them(path: Path) -> None:
    """Two processes write, a third reads; then kill -9. At most 5 s are lost, and nothing is made up."""
    processes = [writer(path), writer(path)]
    began_s = time.time()
    try:
        time.sleep(3.5)
        seen = everything(path)
        time.sleep(3.5)
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
    killed_s = time.time()
    left = everything(path)
    assert [state for state, *_ in left] == ["good", "good"]
    assert [start_s for _, start_s, _ in left] == [start_s for _, start_s, _ in seen]
    for (_, start_s, end_s), (_, _, seen_s) in zip(left, seen, strict=True):
        assert start_s == pytest.approx(began_s, abs=2)
        assert killed_s - 5 <= end_s <= killed_s
        assert end_s > seen_s + 2
    with Store.open(path) as store:  # the next run goes on, and leaves a gap
        store.heartbeat(killed_s + 60, 0, "good")
        assert len(store.spans(0, 4e9)) == 3


@pytest.mark.parametrize(
    ("parts", "minutes"),
    [
        ([(0, 3602), (3598, 3700)], 62),  # set back by 4 s, across a full hour
        ([(0, 6600), (3000, 3600)], 110),  # by an hour
        ([(0, 3000), (607800, 608400), (3000, 3700)], 72),  # forward by a week, and back again
    ],
)
def test_a_clock_set_back_costs_no_minute(tmp_path: Path, parts: list[tuple[int, int]], minutes: int) -> None:
    began_s, readings = 1.74e9 // 3600 * 3600, 0
    with Store.open(tmp_path / "history.sqlite3", keep_samples_days=36500) as store:
        store.begin("camera")
        for first, last in parts:
            for k in range(first, last, 2):
                store.heartbeat(began_s + k, 0, "good", gap_s=5)
                store.sample(began_s + k, {"trunk_incl": 3.0}, 0.2, verdict="good")
                readings += 1
                if k % 10 == 0:
                    store.flush()
        store.flush()
        with sqlite3.connect(store.path) as database:
            rows = database.execute("SELECT hour, names, data FROM minutes").fetchall()
        summed_up = {
            (hour, minute)
            for hour, names, data in rows
            for minute in np.flatnonzero(np.isfinite(Minutes.unpack(names, data).values[:, 0, 0])).tolist()
        }
        assert len(summed_up) == minutes
        assert sum(len(kept.wall_s) for kept in store.samples(0, 4e9)) == readings


def test_a_minute_is_summed_up_in_whatever_order_its_readings_come(path: Path) -> None:
    values = np.linspace(0, 20, 30)
    np.random.default_rng(1).shuffle(values)
    with Store.open(path) as store:
        for step, value in enumerate(values.tolist()):
            store.sample(T0 + 2 * step, {"neck_incl": value}, value / 20)
        store.flush()
        ((_, summary),) = store.minutes(T0, T0 + 60)
    told = summary.values[int(T0 // 60 % 60)]
    assert told[summary.names.index("neck_incl")] == pytest.approx([10, 18], abs=0.01)
    assert told[summary.names.index("slouch_index")] == pytest.approx([0.5, 0.9], abs=0.001)


def test_of_an_hour_kept_in_memory_minutes_and_readings_are_written_as_well(path: Path) -> None:
    with Store.open(path, keep_samples_days=36500) as store:
        with locked(path):
            for at_s in range(0, 4 * 3600, 30):
                store.heartbeat(T0 + at_s, 0, "good", gap_s=60)
                store.sample(T0 + at_s, {"fsr": 1.0}, verdict="good")
            store.flush()
        assert store.flush()
        readings = [at_s for kept in store.samples(0, 4e9) for at_s in kept.wall_s.tolist()]
        summed_up = sum(
            int(np.isfinite(summary.values[:, 0, 0]).sum()) for _, summary in store.minutes(0, 4e9)
        )
    assert KEPT_S - 60 <= readings[-1] - readings[0] <= KEPT_S + 120
    assert readings[-1] == T0 + 4 * 3600 - 30
    assert KEPT_S / 60 <= summed_up <= KEPT_S / 60 + 60, "whole hours are kept"


@pytest.mark.parametrize("its_logs", ["deleted", "left behind"])
def test_another_history_put_in_its_place_is_not_taken_for_this_recording(path: Path, its_logs: str) -> None:
    """A backup was restored while the program ran: its first recording is not the one under way."""
    backup = path.with_name("backup.sqlite3")
    with Store.open(backup) as store:
        store.begin("last year")
        record(store, T0 - 86400, [("poor", 60)])
    with Store.open(path) as store:
        store.begin("today")
        record(store, T0, [("good", 60)])
        assert store.flush()
        for log in ("-wal", "-shm") if its_logs == "deleted" else ():
            path.with_name(path.name + log).unlink()
        backup.replace(path)
        record(store, T0 + 60, [("good", 60)])
        assert store.flush()
    with Store.open(path, readonly=True) as store:
        runs = {span.state: span.run for span in store.spans(0, 4e9)}
    assert set(runs) == {"good", "poor"}, "the backup was written over"
    assert runs["good"] != runs["poor"]
