"""Whatever breaks around it, the service lives, says so in one line, and claims nothing it has not seen.

The real process before a camera on loopback. What can go wrong is made to go wrong
while it runs (`injected`); each test says what must be true afterwards, and leaves
the service as well as it found it. `docs/reliability.md` is the table of them.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from control_groups import memory_group
from desktop import desktop
from disks import fill, mounted
from history_maker import locked
from injected import WRITTEN_S
from loopback_camera import LoopbackCamera, jpegs
from program import ROOT, done, fresh_home, program
from real_service import JUDGED, SETTINGS, Service, open_files, pictures, sitting_table, spans
from steady_writer import COMMIT_S
from waiting import wait_for

from posture_monitor.history.records import NOT_SHOWN
from posture_monitor.history.store import Store
from posture_monitor.sensing.opencv import cv2
from posture_monitor.service.control import ask

pytestmark = [pytest.mark.slow]


class Bench:
    """A service before a camera, shared by the tests and mended between them."""

    def __init__(self, folder: Path, good: list[bytes], slouch: list[bytes]) -> None:
        self.good, self.slouch = good, slouch
        self.camera = LoopbackCamera(good)
        self.service = Service(fresh_home(folder / "home"), self.camera.url)

    def mend(self) -> None:
        for word in ("eye", "clock"):
            self.service.put(word, "")
        self.camera.show(self.good)
        self.camera.hanging = False
        if self.camera._server is None:
            self.camera.plug_in()
        if not self.service.lives:
            self.service.begin()
        self.service.well()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("faults"), *pictures(shared_data))
    yield bench
    bench.service.end()
    bench.camera.close()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a profile of whoever sits in `sitting_table`."""
    folder = tmp_path_factory.mktemp("own")
    home = folder / "home"
    home.mkdir()
    done("calibrate", "--source", sitting_table(folder, 7.0), "--seconds", "6", home=home)
    return home


@pytest.fixture
def watched(bench: Bench) -> Iterator[Bench]:
    bench.mend()
    pid, lines = bench.service.pid, len(bench.service.log())
    yield bench
    assert bench.service.lives, "the service ended"
    assert bench.service.pid == pid
    added = bench.service.log()[lines:]
    assert not any("Traceback" in line for line in added), added
    assert len(added) <= 12, f"said too often: {added}"


# ------------------------------------------------------------------------------- camera


def nothing_is_claimed(
    bench: Bench, *states: str, claims: tuple[str, ...] = JUDGED, seconds: float = 0.8
) -> None:
    """Leave what is amiss for a while, then mend it: it is told as one of these states, and none is kept."""
    began_s = time.time()
    time.sleep(seconds)
    assert not states or bench.service.status()["state"] in states
    ended_s = time.time()
    bench.mend()
    assert bench.service.claimed_s(began_s, ended_s, claims) == 0.0


def test_unplugged_and_plugged_in(watched: Bench) -> None:
    watched.camera.unplug()
    told = watched.service.until(lambda s: s["activity"] == "trouble")
    assert told["camera"]["trouble"] in ("gone", "unplugged")
    assert "\n" not in told["why"]
    nothing_is_claimed(watched, "unknown")


def test_a_camera_that_hangs(watched: Bench) -> None:
    watched.camera.hanging = True
    told = watched.service.until(lambda s: s["activity"] == "trouble")
    assert told["camera"]["trouble"] in ("hangs", "gone")
    nothing_is_claimed(watched, "unknown")  # tried again meanwhile


@pytest.mark.parametrize("trouble", ["black", "covered", "frozen"])
def test_a_picture_that_shows_nothing(watched: Bench, trouble: str) -> None:
    grey = np.full((640, 640, 3), {"black": 0, "covered": 60, "frozen": 0}[trouble], dtype=np.uint8)
    watched.camera.show(watched.slouch[:1] if trouble == "frozen" else jpegs([grey]))
    told = watched.service.until(lambda s: s["activity"] == "trouble")
    assert told["camera"]["trouble"] == trouble
    nothing_is_claimed(watched, "unknown")


def _passed_over(watched: Bench, broken: list[bytes]) -> None:
    watched.camera.show(broken)
    nothing_is_claimed(watched, claims=("poor", "mild"), seconds=1.2)


def test_half_pictures_are_passed_over(watched: Bench) -> None:
    _passed_over(watched, [picture[: len(picture) // 2] for picture in watched.slouch])


def test_pictures_whose_lower_half_is_missing(watched: Bench) -> None:
    """Cut off and closed again, such a picture can be decoded; what is missing is of one tone then."""
    _passed_over(watched, [picture[: len(picture) // 3] + b"\xff\xd9" for picture in watched.good])


def test_pictures_of_another_size_each(watched: Bench) -> None:
    service = watched.service
    whole = cv2.imdecode(np.frombuffer(watched.good[0], np.uint8), cv2.IMREAD_COLOR)
    sizes = ((160, 120), (1280, 720), (31, 700), (640, 640), (2, 2))
    rng = np.random.default_rng(4)
    noisy = [cv2.resize(whole, size) + rng.integers(0, 3, (size[1], size[0], 3)) for size in sizes]
    looks = service.status()["looks"]
    watched.camera.show(jpegs([np.clip(picture, 0, 255).astype(np.uint8) for picture in noisy]))
    service.until(lambda s: s["looks"] >= looks + 4 or s["activity"] == "trouble")
    time.sleep(1.0)
    watched.mend()


# -------------------------------------------------------------------- the eye and its model


@pytest.mark.parametrize("fault", ["raises", "memory", "no memory", "crashes"])
def test_a_pose_model_that_fails(watched: Bench, fault: str) -> None:
    watched.service.put("eye", fault)
    told = watched.service.until(lambda s: s["activity"] == "trouble")
    assert told["camera"]["trouble"] == "failed"
    assert "\n" not in told["why"]
    assert told["state"] == "unknown"
    assert told["reason"] == "camera: failed"
    nothing_is_claimed(watched)


@pytest.mark.parametrize("nonsense", ["nan", "outside", "swapped"])
def test_a_pose_model_that_talks_nonsense(watched: Bench, nonsense: str) -> None:
    watched.service.put("eye", nonsense)
    watched.service.until(lambda s: s["state"] != "good")
    nothing_is_claimed(watched, "unknown", "away")


def test_the_eye_killed(watched: Bench) -> None:
    service = watched.service
    before = service.eye
    os.kill(before, signal.SIGKILL)
    service.until(lambda s: s["activity"] == "trouble")
    service.well()
    assert service.eye not in (0, before)


def test_memory_that_runs_out(watched: Bench) -> None:
    """The kernel itself kills the eye, and each that follows it, until there is memory again."""
    service, lines, began_s = watched.service, len(watched.service.log()), time.time()
    assert Path(f"/proc/{service.eye}/oom_score_adj").read_text() == "500\n"
    looks = service.status()["looks"]
    service.until(lambda s: s["looks"] >= looks + 3)
    with memory_group(48 << 20) as memory:
        memory.take(service.pid)
        short_s = time.time()
        os.kill(service.eye, signal.SIGKILL)  # the next one is born into the group
        told = service.until(lambda s: s["activity"] == "trouble" and memory.kills >= 3, 30)
        assert told["camera"]["trouble"] == "failed"
        assert "memory may have run out" in told["why"]
        assert "\n" not in told["why"]
        assert told["state"] == "unknown"
        assert told["reason"] == "camera: failed"
        assert service.claimed_s(short_s + 1.5, time.time()) == 0.0
        memory.free()
        service.well()
        assert len([line for line in service.log()[lines:] if "no picture" in line]) == 1
    assert service.claimed_s(began_s, short_s) >= short_s - began_s - 0.7, "what was seen before is lost"


def test_an_eye_that_stands_still(watched: Bench) -> None:
    """As in a driver that does not return: it is ended, and another begun."""
    service = watched.service
    before = service.eye
    os.kill(before, signal.SIGSTOP)
    told = service.until(lambda s: s["activity"] == "trouble", 10)
    assert told["camera"]["trouble"] == "hangs"
    service.well()
    assert service.eye != before


@pytest.mark.parametrize("fault", ["deleted", "truncated"])
def test_the_model_file_broken_while_running(watched: Bench, fault: str) -> None:
    service = watched.service
    model = service.home / "models" / "pose_landmarker_full.task"
    whole = model.read_bytes()
    if fault == "deleted":
        model.unlink()
    else:
        os.truncate(model, 100_000)
    time.sleep(0.5)
    assert service.status()["activity"] == "watching", "what is in memory goes on"
    lines = len(service.log())
    service.ask("pause", until_s=None)
    service.ask("resume")
    told = service.until(lambda s: s["activity"] == "trouble", 30)
    assert told["camera"]["trouble"] == "no model"
    assert told["why"]
    assert "\n" not in told["why"]
    time.sleep(0.7)
    said = [line for line in service.log()[lines:] if "no model" in line]
    assert len(said) == 1, said
    (model.parent / "whole").write_bytes(whole)
    os.replace(model.parent / "whole", model)
    service.well(30)


# ----------------------------------------------------------------------- history and settings


def test_a_locked_history(watched: Bench) -> None:
    """The loop waits for nobody: it looks on as before, and all of it is written in the end."""
    service, history = watched.service, watched.service.home / "history.sqlite3"
    began_s, began = time.time(), service.status()["looks"]
    with locked(history):
        told = service.until(lambda s: s["history_trouble"])
        assert "locked by another program" in told["history_trouble"]
        assert told["activity"] == "watching"
        time.sleep(1.5)
        looks = service.status()["looks"] - began
        held_s = time.time() - began_s
    service.until(lambda s: not s["history_trouble"])
    ended_s = time.time()
    assert looks >= held_s / 0.5 - 3, "it looked less often than it does"
    wait_for(lambda: service.claimed_s(began_s, ended_s) >= ended_s - began_s - 0.1, 2 * WRITTEN_S)


@pytest.mark.parametrize(
    "fault", ["corrupted", "deleted", "replaced", "log deleted", "index deleted", "log and index deleted"]
)
def test_a_history_broken_under_it(watched: Bench, fault: str) -> None:
    """What was written is kept where it can be had at all, and from then on all of it."""
    service, history = watched.service, watched.service.home / "history.sqlite3"
    log, index = (history.with_name(history.name + tail) for tail in ("-wal", "-shm"))
    lines, began_s = len(service.log()), time.time()
    if "log" in fault or "index" in fault:  # something is to be lost
        wait_for(lambda: service.claimed_s(began_s, math.inf) > 1.0)
    if fault == "corrupted":
        with contextlib.closing(sqlite3.connect(history)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with history.open("r+b") as file:
            file.write(os.urandom(history.stat().st_size))
    elif fault == "replaced":
        other = history.with_name("other.sqlite3")
        with contextlib.closing(sqlite3.connect(other)) as db:
            db.execute("VACUUM")
        for path in (log, index):
            path.unlink(missing_ok=True)
        os.replace(other, history)
    else:
        gone = {"deleted": (history, log, index), "log deleted": (log,), "index deleted": (index,)}
        for path in gone.get(fault, (log, index)):
            path.unlink()
    broken_s = time.time()
    wait_for(lambda: _holds_since(history, broken_s), 12)
    assert service.status()["history_trouble"] == ""
    said = [line for line in service.log()[lines:] if "WARNING" in line]
    assert len(said) == 1, said
    if fault == "corrupted":
        assert list(service.home.glob("history.sqlite3.damaged-*")), "thrown away"
        assert "is damaged" in said[0]
        assert "and a new one begins" in said[0]
    else:
        assert "was moved, deleted or replaced; it is opened anew" in said[0]
    if "log" in fault or "index" in fault:
        ended_s = broken_s + 1.0
        assert service.claimed_s(began_s, ended_s) >= ended_s - began_s - 0.1, "what the log held is lost"


def _holds_since(history: Path, since_s: float) -> bool:
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(history)) as db:
        (last_s,) = db.execute("SELECT max(end_s) FROM spans").fetchone()
        (verdict,) = db.execute("PRAGMA integrity_check").fetchone()
        return verdict == "ok" and last_s is not None and last_s > since_s + 1.0
    return False


@pytest.mark.parametrize(
    "garbage",
    [
        b"[alert\npreset = ",
        b"\xff\xfe\x00garbage",
        b'[alert]\npreset = "harsh"\n',
        b"a = " + b"[" * 3000,
    ],
    ids=["cut off", "bytes", "unknown value", "nested"],
)
def test_settings_that_become_garbage(watched: Bench, garbage: bytes) -> None:
    service, file = watched.service, watched.service.config
    lines = len(service.log())
    try:
        file.write_bytes(garbage)
        told = service.until(lambda s: "config.toml" in s["why"])
        assert told["activity"] == "watching"
        assert told["preset"] == "balanced"
        assert "\n" not in told["why"]
        time.sleep(0.7)
        assert len([line for line in service.log()[lines:] if "settings stay" in line]) == 1
    finally:
        file.write_text(service.settings)
    service.until(lambda s: not s["why"])


# ------------------------------------------------------------------------------------- clock


@pytest.mark.parametrize("days", [-1, 7])
def test_a_clock_that_is_set(watched: Bench, days: int) -> None:
    """Nothing is claimed of the time in between, today's sums stay right, and a pause still ends."""
    service = watched.service
    set_s = time.time()
    judged_s = service.claimed_s(0.0, set_s)
    service.put("clock", str(days * 86400))
    time.sleep(1.5)
    told = service.well()
    assert told["today"]["judged_s"] < 30, "of that day nothing else is known"
    if days > 0:
        service.ask("pause", until_s=time.time() + days * 86400 + 1.5)
    service.put("clock", "")
    back_s = time.time()
    # What was known of today is not forgotten.
    told = service.until(lambda s: s["today"]["judged_s"] >= judged_s - 5.0, 8)
    service.well()
    assert told["today"]["judged_s"] <= judged_s + time.time() - set_s + 5.0
    time.sleep(WRITTEN_S + 0.5)
    for from_s, to_s in ((back_s + 5.0, math.inf), (0.0, set_s - 600.0)):
        claimed_s = service.claimed_s(from_s, to_s)
        assert claimed_s <= 20.0, f"{claimed_s:.0f} s claimed of days that were not"


#: The two changes of 2026 in Berlin, as POSIX seconds: at 02:00 it is 03:00, and at 03:00 it is 02:00.
BERLIN = {"2026-03-29": (1_774_746_000, 23), "2026-10-25": (1_792_890_000, 25)}


def test_both_changes_of_summer_time(tmp_path: Path, own: Path) -> None:
    """Slouching on over the change, nothing is lost or counted twice, and the days have 23 and 25 hours."""
    home = shutil.copytree(own, tmp_path / "home")
    service = Service(home, str(sitting_table(tmp_path, 60.0, good_s=0.0, poor_s=1.0)))
    service.timezone = "Europe/Berlin"
    try:
        service.begin(well=False)
        service.until(lambda s: s.get("state") == "poor", 40)
        for change_s, _ in BERLIN.values():
            service.ask("pause", until_s=None)
            service.put("clock", str(change_s - 3.5 - time.time()))
            service.ask("resume")  # what is played begins anew, and as of now
            wait_for(lambda s=change_s: service.claimed_s(s - 1.0, s + 1.0, ("poor",)) > 1.99, 12)
        told = service.until(lambda s: s["state"] == "poor")
        service.ask("stop")
        assert service.process is not None
        assert service.process.wait(10) == 0
    finally:
        service.end()
    for date, (change_s, hours) in BERLIN.items():
        day = json.loads(done("report", date, "--format", "json", home=home, TZ="Europe/Berlin"))
        assert day["recorded_s"] + day["not_recorded_s"] == 3600.0 * hours
        here = [
            span
            for span in spans(home)
            if abs(span["start_s"] - change_s) < 3600 and span["end_s"] > span["start_s"]
        ]
        assert {span["state"] for span in here} == {"poor"}
        assert len({span["utc_offset_s"] for span in here}) == 2
        seen_s = max(span["end_s"] for span in here) - min(span["start_s"] for span in here)
        assert day["seconds"]["poor"] == pytest.approx(seen_s, abs=0.01), "lost, or counted twice"
        assert sum(part["seconds"]["poor"] for part in day["hours"]) == pytest.approx(seen_s, abs=0.01)
    # What `status` counted along the second of them.
    assert told["today"]["poor_s"] == pytest.approx(seen_s, abs=2.0)


def test_a_machine_that_sleeps_for_eight_hours_mid_slouch(watched: Bench) -> None:
    service = watched.service
    watched.camera.show(watched.slouch)
    before = service.until(lambda s: s["state"] == "poor" and s["today"]["sit_bout_s"] > 5.0)
    asleep_s = time.time()
    for pid in (service.eye, service.pid):
        os.kill(pid, signal.SIGSTOP)
    time.sleep(0.5)
    for word in ("clock", "slept"):
        service.put(word, str(8 * 3600))
    awake_s = time.time() + 8 * 3600
    for pid in (service.pid, service.eye):
        os.kill(pid, signal.SIGCONT)
    told = service.until(lambda s: s["looks"] >= before["looks"] + 3)
    assert told["today"]["alerts"] == before["today"]["alerts"]
    assert told["today"]["sit_bout_s"] < min(5.0, before["today"]["sit_bout_s"]), "asleep is not sitting"
    assert told["today"]["poor_s"] < before["today"]["poor_s"] + 60.0
    time.sleep(WRITTEN_S + 0.5)
    assert service.claimed_s(asleep_s + 1.5, awake_s - 1.0) == 0.0


# ---------------------------------------------------------------------------------- channel


def test_a_thousand_messages_of_random_bytes(watched: Bench) -> None:
    service, rng = watched.service, random.Random(9)
    looks, handles = service.status()["looks"], len(open_files(service.pid))
    words = [b'{"v":1,"do":"', b"status", b'"}', b'"with":{', b"\n", b"\x00", b"1e999", b"[" * 200, b"\xff"]
    for _ in range(1000):
        random_bytes = rng.randbytes(rng.choice((0, 1, 40, 3000)))
        message = random_bytes if rng.random() < 0.5 else b"".join(rng.choices(words, k=rng.randint(1, 9)))
        with socket.socket(socket.AF_UNIX) as end, contextlib.suppress(OSError):
            end.settimeout(2.0)
            end.connect(str(service.home / "control"))
            end.sendall(message + rng.choice((b"", b"\n")))
            end.shutdown(socket.SHUT_WR)
            if rng.random() < 0.3:
                end.recv(4096)
    service.well()
    wait_for(lambda: service.status()["looks"] > looks)
    wait_for(lambda: len(open_files(service.pid)) <= handles + 2)
    service.ask("status")


def test_a_second_start_is_refused_and_harms_nothing(watched: Bench) -> None:
    service = watched.service
    ended = subprocess.run(
        [sys.executable, "-m", "posture_monitor", "run", "--detached", "--source", service.source],
        env=service.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2
    assert f"already running (process {service.pid})" in ended.stderr
    assert ended.stderr.count("\n") == 1
    service.well()


def test_two_starts_at_once(tmp_path: Path) -> None:
    """One wins, the other sees that it runs; both leave content, and one process is there."""
    home = fresh_home(tmp_path / "home")
    service = Service(home, str(sitting_table(tmp_path, 60.0)))
    (home / "config.toml").write_text(SETTINGS)
    command = [sys.executable, "-m", "posture_monitor", "start", "--source", service.source]
    both = [
        subprocess.Popen(command, env=service.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        said = [start.communicate(timeout=60) for start in both]
        assert [start.returncode for start in both] == [0, 0], said
        assert not any(b"Traceback" in error for _, error in said)
        with mock.patch.dict(os.environ, POSTURE_MONITOR_HOME=str(home)):
            told = ask("status", timeout_s=5.0)
        assert Path(f"/proc/{told['pid']}").exists()
        assert all(str(told["pid"]).encode() in out for out, _ in said), said
    finally:
        program("stop", home=home)


# -------------------------------------------------------------------------------------- ends


@pytest.fixture
def simple(tmp_path: Path) -> Iterator[Service]:
    """A service that watches a recorded table: no camera and no model."""
    (tmp_path / "home").mkdir()
    service = Service(tmp_path / "home", str(sitting_table(tmp_path, 60.0)))
    yield service
    service.end()


def _hour(home: Path) -> None:
    """Let the last hour be in the history."""
    now_s = time.time()
    with Store.open(home / "history.sqlite3") as store:
        store.begin("a camera")
        for ago_s in range(3600, 0, -10):
            store.heartbeat(now_s - ago_s, 0, "good")


@pytest.mark.parametrize("how", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_started_with_a_locked_history(simple: Service, how: str) -> None:
    """As at a login while a backup runs: it watches, says so, and takes up what is there when it can."""
    _hour(simple.home)
    with locked(simple.home / "history.sqlite3", how):
        simple.begin()
        began_s = time.time()
        told = simple.status()
        assert "locked by another program" in told["history_trouble"]
        assert told["today"]["judged_s"] < 60
        time.sleep(1.0)
    # What was before midnight is none of today.
    midnight_s = dt.datetime.combine(dt.date.fromtimestamp(began_s), dt.time()).timestamp()
    told = simple.until(lambda s: s["today"]["judged_s"] >= min(3600, began_s - midnight_s) - 20)
    assert told["history_trouble"] == ""
    _all_of_it(simple, began_s)
    assert len([line for line in simple.log() if "locked by another program" in line]) == 1


@pytest.mark.parametrize("where", ["head", "middle", "log"])
def test_started_with_a_damaged_history(simple: Service, where: str) -> None:
    """It is put aside whole, and a new one begun."""
    _hour(simple.home)
    history = simple.home / "history.sqlite3"
    if where == "log":
        history.with_name(history.name + "-wal").write_bytes(os.urandom(50_000))
    else:
        with history.open("r+b") as file:
            file.seek(0 if where == "head" else 4096)
            file.write(os.urandom(4096 if where == "head" else 30_000))
    damaged = history.read_bytes()
    simple.begin()
    began_s = time.time()
    time.sleep(0.5)
    _all_of_it(simple, began_s)
    if where == "log":  # SQLite itself passes over a log that is none
        assert simple.claimed_s(0.0, began_s) >= 3580
    else:
        (aside,) = simple.home.glob("history.sqlite3.damaged-????-??-??")
        assert aside.read_bytes() == damaged
        assert len([line for line in simple.log() if "is damaged" in line]) == 1


@pytest.mark.parametrize("how", ["SIGTERM", "SIGHUP"])
def test_told_to_end(simple: Service, how: str) -> None:
    """As at a logout: it ends by itself, all it saw is kept, and nothing is left behind."""
    simple.begin()
    time.sleep(0.6)
    told_s = time.time()
    os.kill(simple.pid, getattr(signal, how))
    assert simple.process is not None
    assert simple.process.wait(10) == 0
    assert time.time() - told_s < 5.0
    assert max(span["end_s"] for span in spans(simple.home)) >= told_s - 1.5
    assert not (simple.home / "control").exists()
    assert simple.log()[-1].endswith("stopped")


@pytest.mark.parametrize("fault", ["missing", "truncated"])
def test_started_without_a_whole_model(bench: Bench, tmp_path: Path, fault: str) -> None:
    service = Service(fresh_home(tmp_path / "home"), bench.camera.url)
    bench.camera.show(bench.good)
    model = service.home / "models" / "pose_landmarker_full.task"
    whole = model.read_bytes()
    model.write_bytes(whole[:100_000])
    if fault == "missing":
        model.unlink()
    try:
        service.begin(well=False)
        told = service.until(lambda s: s["activity"] == "trouble", 40)
        assert told["camera"]["trouble"] == "no model"
        assert told["why"]
        assert "\n" not in told["why"]
        model.write_bytes(whole)
        service.well(30)
        assert len([line for line in service.log() if "no model" in line]) == 1
    finally:
        service.end()


# ------------------------------------------------------------------------------------- kills


def test_killed_at_two_hundred_moments(tmp_path: Path) -> None:
    """195 of them against writers in a hundredfold hurry: the history always opens, and is whole."""
    command = [sys.executable, str(ROOT / "tests" / "steady_writer.py")]
    writers = [
        subprocess.Popen([*command, str(tmp_path / str(n)), "39", str(n)], stdout=subprocess.PIPE, text=True)
        for n in range(5)
    ]
    said = [writer.communicate(timeout=120)[0] for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 5
    kills = [kill for each in said for kill in json.loads(each)]
    assert len(kills) == 195
    lost_s = sorted(lost for _, lost in kills)
    print(f"195 kills of a writer that commits every {COMMIT_S} s: half lose {lost_s[97]:.3f} s,")
    print(f"19 of 20 at most {lost_s[185]:.3f} s, all at most {lost_s[-1]:.3f} s")
    # A hundredfold of 5 s, where the machine is busy with nothing else; and never 5 s.
    assert lost_s[97] <= 0.05
    assert lost_s[-1] <= 5.0


def test_five_services_killed_and_begun_again(tmp_path: Path) -> None:
    """At their own pace: at most five seconds are lost, and one starts again over what it left."""
    table, rng = sitting_table(tmp_path, 60.0), random.Random(6)
    services = []
    for number in range(5):
        (tmp_path / f"home{number}").mkdir()
        services.append(Service(tmp_path / f"home{number}", str(table), hurried=False))
    lost_s = []
    try:
        for service in services:
            service.begin(well=False)
        for service in services:
            service.well(60)
        time.sleep(3.0)  # at its own pace it writes every two and a half
        for service in services:
            time.sleep(rng.uniform(0.0, 0.3))
            killed_s = time.time()
            service.end()
            with contextlib.closing(sqlite3.connect(service.home / "history.sqlite3")) as db:
                assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            lost_s.append(killed_s - max(span["end_s"] for span in spans(service.home)))
        again = services[0]
        again.begin()
        assert again.status()["today"]["judged_s"] > 1.0, "what it left is not taken up"
    finally:
        for service in services:
            service.end()
    print(f"5 kills of the service: at most {max(lost_s):.2f} s lost")
    assert max(lost_s) <= 5.0


# -------------------------------------------------------------------------------------- disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", "1m") as disk:
        yield disk


def _all_of_it(service: Service, from_s: float) -> None:
    """Wait until the history claims all the time up to now."""
    now_s = time.time()
    wait_for(lambda: service.claimed_s(from_s, now_s) >= now_s - from_s - 0.1, 3 * WRITTEN_S)


def test_a_full_disk(simple: Service, small_disk: Path) -> None:
    """What is seen while the disk is full is written when there is room again."""
    simple.home = small_disk
    simple.begin()
    full_s = time.time()
    fill(small_disk)
    told = simple.until(lambda s: s["history_trouble"])
    assert "no room left on the disk" in told["history_trouble"]
    assert told["activity"] == "watching"
    assert told["state"] == "good"
    time.sleep(1.0)
    (small_disk / "ballast").unlink()
    simple.until(lambda s: not s["history_trouble"])
    _all_of_it(simple, full_s)
    assert len([line for line in simple.log() if "no room" in line]) <= 2


def test_a_data_folder_that_becomes_read_only(simple: Service, small_disk: Path) -> None:
    """Another, read-only folder lies over it for a while, as when a disk is mounted anew after an error."""
    home = small_disk / "home"
    home.mkdir()
    simple.home = home  # the settings lie elsewhere, and stay
    simple.begin()
    began_s = time.time()
    over = ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(home)]
    subprocess.run(over, check=True)
    try:
        time.sleep(2.5 * WRITTEN_S)
        assert simple.lives
    finally:
        subprocess.run(["umount", "-l", str(home)], check=True)
    simple.until(lambda s: s["activity"] == "watching" and not s["history_trouble"])
    _all_of_it(simple, began_s)
    lines = [line for line in simple.log() if "WARNING" in line or "ERROR" in line]
    assert any("cannot write the history" in line for line in lines)
    assert len(lines) <= 6, lines


def test_the_data_folder_deleted_under_it(simple: Service) -> None:
    """As somebody does who wants to be forgotten: `stop` finds it none the less."""
    simple.begin()
    for each in simple.home.iterdir():
        if each.name != "control":  # on a desktop it lies in the session's folder
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    wait_for(lambda: (simple.home / "monitor.lock").exists())
    assert done("stop", home=simple.home) == f"Stopped (process {simple.pid}).\n"
    wait_for(lambda: not simple.lives)


def test_started_on_a_full_disk(simple: Service, small_disk: Path) -> None:
    """It watches all the same, and writes what it saw when there is room."""
    simple.home = small_disk
    fill(small_disk)
    simple.begin()
    began_s = time.time()
    told = simple.status()
    assert "history" in told["history_trouble"]
    assert "\n" not in told["history_trouble"]
    time.sleep(1.0)
    (small_disk / "ballast").unlink()
    simple.until(lambda s: not s["history_trouble"])
    _all_of_it(simple, began_s)
    assert len([line for line in simple.log() if "no room left" in line]) == 1
    assert len([line for line in simple.log() if "can be written again" in line]) == 1
    assert not (simple.config.parent.parent / "errors").read_bytes()


def test_started_in_a_read_only_folder(simple: Service, small_disk: Path) -> None:
    simple.home = small_disk
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    ended = subprocess.run(
        [sys.executable, "-m", "posture_monitor", "run", "--detached", "--source", simple.source],
        env=simple.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert str(small_disk) in ended.stderr


# ----------------------------------------------------------------------------------- desktop


@pytest.mark.desktop
def test_a_notification_daemon_that_dies_and_a_bus_that_goes(tmp_path: Path, own: Path) -> None:
    home, desk = shutil.copytree(own, tmp_path / "home"), tmp_path / "desk"
    desk.mkdir()
    service = Service(home, str(sitting_table(tmp_path, 90.0, good_s=3.0, poor_s=4.0)))
    service.put("hold", "1.5")
    service.desktop = True

    def alerts() -> list[tuple[str, str]]:
        with contextlib.suppress(sqlite3.Error), sqlite3.connect(home / "history.sqlite3") as db:
            return db.execute("SELECT kind, channel FROM alerts ORDER BY wall_s").fetchall()
        return []

    try:
        with desktop(desk) as screen:
            service.begin()
            screen.stop_dunst()
            wait_for(lambda: len(alerts()) == 1, 25)
            kind, channel = alerts()[0]
            assert kind == "posture"
            assert channel == NOT_SHOWN, "nobody reads what it would print"
            screen.start_dunst()
            wait_for(lambda: len(alerts()) == 2, 25)
            assert alerts()[1] == ("posture", "desktop")
            assert screen.displayed() >= 1
        looks = service.status()["looks"]  # now there is no bus any more
        service.until(lambda s: s["looks"] > looks + 2 and len(alerts()) == 3, 25)
        assert alerts()[2][0] == "posture"
        assert alerts()[2][1] == NOT_SHOWN
        assert not any("Traceback" in line for line in service.log())
    finally:
        service.end()
