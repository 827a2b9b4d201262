"""The service's loop, with an eye that says what the test wants and everything else real."""

from __future__ import annotations

import base64
import errno
import io
import itertools
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from desk import Screen
from rich.console import Console
from rig import SCENARIOS, Body, Camera, Pose, render
from waiting import wait_for

from posture_monitor import paths
from posture_monitor.cli import cli
from posture_monitor.config import load_config
from posture_monitor.errors import UserError
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import told_state
from posture_monitor.posture.metrics import Reason
from posture_monitor.posture.reading import Verdict
from posture_monitor.sensing.sight import Blind, Place, Sight, Want
from posture_monitor.sensing.trouble import Trouble
from posture_monitor.service import assembly, events, outage, posture_status, resting
from posture_monitor.service import keeper as service
from posture_monitor.service.choice import Choice
from posture_monitor.service.control_server import Server
from posture_monitor.service.eye import Looked
from posture_monitor.service.keeper import Keeper, pace_of
from posture_monitor.service.lock import AlreadyRunning
from posture_monitor.service.monitor import Monitor
from posture_monitor.service.presence import PRESENT, Away
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.profiles import load_profile
from posture_monitor.service.settings import Settings
from posture_monitor.telling.notify import Notifier

pytestmark = pytest.mark.slow

FAST = """
[sampling]
settled_s = 0.5
deviating_s = 0.1
poor_s = 0.5
away_s = 0.5
unmoved_at_most_s = 1.0
[camera]
interval_s = 0.05
[judge]
window_s = 2.0
[breaks]
enabled = false
"""


class ScriptedEye:
    """Answers each look with what `seen` returns, as the eye process would."""

    def __init__(self, heard: Callable[[Looked], None]) -> None:
        self._heard = heard
        self.seen: Callable[[], Sight | Blind] = lambda: sight(Pose())
        self.wants: list[Want] = []
        self.pid: int | None = None
        self.limit_s: float | None = None
        self.ended = 0
        self.hangs = False

    def look(self, _place: Place, want: Want) -> float:
        self.pid = -1
        self.wants.append(want)
        self.limit_s = time.monotonic() + (0.3 if self.hangs else 10.0)
        if not self.hangs:
            self._heard(Looked(1, self.seen()))
        return self.limit_s

    def believe(self, looked: Looked) -> Sight | Blind | None:
        self.limit_s = None
        return looked.answer if self.pid is not None else None

    def end(self) -> None:
        self.ended += self.pid is not None
        self.pid = self.limit_s = None


def sight(pose: Pose | None, **changed: Any) -> Sight:
    """Return what the eye would say of somebody who sits like this, or of nobody."""
    people = np.zeros((0, 33, 4), dtype=np.float32)
    size = (640.0, 480.0)
    if pose is not None:
        points, size = render(Body(), pose, Camera(), np.random.default_rng(time.monotonic_ns() % 999))
        people = points.astype(np.float32)
    told = {
        "wall_s": time.time(),
        "width": int(size[0]),
        "height": int(size[1]),
        "people": people,
        "moved": True,
        "doubt": Reason.OK,
        "trouble": "",
        "name": "a camera",
        "identity": "a camera 640x480",
    }
    return Sight(**{**told, **changed})


class Running:
    """A keeper in a thread of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, settings: str = FAST) -> None:
        made: list[ScriptedEye] = []

        def eye(heard: Callable[[Looked], None]) -> ScriptedEye:
            made.append(ScriptedEye(heard))
            return made[-1]

        monkeypatch.setattr(service, "EyeKeeper", eye)
        monkeypatch.setattr(outage, "FIRST_RETRY_S", 0.1)
        monkeypatch.setattr(service, "TEND_S", 0.1)
        paths.make_private(paths.config_file().parent)
        paths.config_file().write_text(settings)
        self.settings = Settings(None, load_config())
        config = self.settings.config
        self.screen, self.said = Screen(), io.StringIO()
        self.store = Store.open(paths.history_file())
        self.monitor = Monitor(
            config,
            load_profile(config.profile.name),
            self.store,
            Notifier([self.screen]),
            Console(file=self.said, width=200),
            config.camera.interval_s,
            pace=pace_of(config),
        )
        self.keeper = Keeper(self.monitor, self.settings, "0", "")
        self.eye = made[0]
        self.thread = threading.Thread(target=self.keeper.run, daemon=True)

    def start(self) -> None:
        self.thread.start()
        wait_for(lambda: self.status()["activity"] != "starting")

    def status(self) -> dict[str, Any]:
        return dict(self.keeper.handle("status", {}))

    def stop(self) -> None:
        if self.thread.is_alive():
            self.keeper.handle("stop", {})
            self.thread.join(5.0)
        self.store.close()


@pytest.fixture
def running(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    keeper = Running(monkeypatch)
    yield keeper
    keeper.stop()


def test_what_is_seen_is_told(running: Running) -> None:
    running.start()
    wait_for(lambda: running.status()["state"] == "good")
    told = running.status()
    assert told["camera"]["open"] is True
    assert told["camera"]["name"] == "a camera"
    assert told["profile"]["starter"] is True
    assert told["view"] == "front"
    assert told["angles"]
    assert len({angle["label"] for angle in told["angles"]}) == len(told["angles"])
    units = {angle["name"]: (angle["unit"], angle["deviation_unit"]) for angle in told["angles"]}
    assert units["head_height"] == ("cm", "%")
    assert units["head_roll"] == ("°", "°")
    assert units["head_drop"][1] == "shoulder widths"
    assert told["model_trouble"] == ""
    running.eye.seen = lambda: sight(None, warning="it tells its maker")
    wait_for(lambda: running.status()["state"] == "away")
    assert running.status()["model_trouble"] == "it tells its maker"


def test_one_whose_place_another_has_taken_ends(running: Running) -> None:
    def renew() -> None:
        raise AlreadyRunning(4711)

    running.keeper.renew_lock = renew
    running.thread.start()
    running.thread.join(5.0)
    assert not running.thread.is_alive()


def test_who_asks_for_anything_finds_its_lock_next(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "TEND_S", 3600.0)
    running.start()
    renewed: list[bool] = []
    running.keeper.renew_lock = lambda: renewed.append(True)
    running.keeper.handle("recount", {})
    assert renewed


def test_a_pause_ends_the_eye_and_ends_by_itself(running: Running) -> None:
    running.start()
    running.keeper.handle("pause", {"until_s": time.time() + 1.0})
    told = running.status()
    assert running.eye.pid is None
    assert (told["activity"], told["state"], told["camera"]["open"]) == ("paused", "paused", False)
    looks = len(running.eye.wants)
    time.sleep(0.5)
    assert len(running.eye.wants) == looks, "it looked while paused"
    wait_for(lambda: running.status()["activity"] == "watching", 6)


@pytest.mark.usefixtures("berlin")
def test_a_journey_is_noticed(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    running.start()
    monkeypatch.setenv("TZ", "Asia/Kolkata")  # not `travel`: it is the loop that is to notice
    wait_for(lambda: time.localtime().tm_gmtoff == 5.5 * 3600)


def test_a_clock_that_is_set_makes_it_no_older(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    running.start()
    real_time = time.time
    for days in (50 * 365, -1):
        monkeypatch.setattr(time, "time", lambda by_s=86400 * days: real_time() + by_s)
        wait_for(lambda: 0 <= time.time() - running.status()["since_s"] < 60)


@pytest.mark.parametrize("reason", ["locked", "suspended", "session switched", "lid closed"])
def test_nobody_can_be_there_behind_a_locked_screen(running: Running, reason: Any) -> None:
    running.start()
    running.keeper.inbox.put(Away(reason))
    wait_for(lambda: running.status()["state"] == "away")
    told = running.status()
    assert running.eye.pid is None
    assert told["reason"] == reason
    running.keeper.inbox.put(PRESENT)
    wait_for(lambda: running.status()["activity"] == "watching", 2.0)


def test_another_program_has_the_camera_first(running: Running) -> None:
    running.start()
    running.keeper.inbox.put(events.CameraHeld("zoom"))
    wait_for(lambda: running.status()["activity"] == "busy")
    told = running.status()
    assert running.eye.pid is None
    assert told["state"] == "busy"
    assert "zoom" in told["why"]
    running.store.flush()
    assert "zoom" not in "".join(map(str, running.store.spans(0, time.time() + 9))), (
        "whom one calls is private"
    )
    running.keeper.inbox.put(events.CameraHeld(""))
    wait_for(lambda: running.status()["activity"] == "watching", 2.0)


def test_who_takes_the_camera_again_and_again_is_left_alone_with_it(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resting, "RESTLESS_S", 1.0)
    caplog.set_level("INFO")
    running.start()

    def taken_and_given_back() -> None:
        running.keeper.inbox.put(events.CameraHeld("zoom"))
        wait_for(lambda: running.status()["activity"] == "busy")
        running.keeper.inbox.put(events.CameraHeld(""))

    taken_and_given_back()
    wait_for(lambda: running.status()["activity"] == "watching", 2.0)
    for _ in range(5):
        taken_and_given_back()
        time.sleep(0.3)
        assert running.eye.pid is None
        assert "zoom" in running.status()["why"]
    wait_for(lambda: running.status()["activity"] == "watching", 3.0)
    said = [record.message for record in caplog.records if record.message.startswith("the camera is")]
    assert said == ["the camera is used by another program", "the camera is free"] * 2


@pytest.mark.parametrize("trouble", ["unplugged", "permission", "hangs", "gone"])
def test_trouble_is_told_and_no_posture(running: Running, trouble: str) -> None:
    running.start()
    running.eye.seen = lambda: Blind(trouble, f"what to do about {trouble}")
    wait_for(lambda: running.status()["activity"] == "trouble")
    told = running.status()
    assert told["camera"]["trouble"] == trouble
    assert told["why"] == f"what to do about {trouble}"
    assert told["state"] == "unknown"
    running.eye.seen = lambda: sight(Pose())
    wait_for(lambda: running.status()["activity"] == "watching", 8.0)


@pytest.mark.parametrize(
    ("troubles", "told"), [(["hangs"], 1), (["permission"], 1), (["hangs", "gone"], 1), (["unplugged"], 0)]
)
def test_a_camera_that_has_failed_for_long_is_told_of_once(
    running: Running, monkeypatch: pytest.MonkeyPatch, troubles: list[str], told: int
) -> None:
    monkeypatch.setattr(outage, "TELL_S", 0.5)
    own("default")
    running.start()
    one_after_another = itertools.cycle(troubles)
    running.eye.seen = lambda: Blind(next(one_after_another), "what to do about it")
    wait_for(lambda: len(running.eye.wants) > 5, 20.0)
    assert [shown[0].title for shown in running.screen.shown] == ["Posture is not being watched"] * told


def test_a_night_with_the_camera_closed_is_no_failure_of_it(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "TELL_S", 1.0)
    own("default")
    running.start()
    running.eye.seen = lambda: Blind("hangs", "what to do about it")
    wait_for(lambda: running.status()["activity"] == "trouble")
    running.keeper.handle("pause", {"until_s": None})
    time.sleep(1.2)
    looks = len(running.eye.wants)
    running.keeper.handle("resume", {})
    wait_for(lambda: len(running.eye.wants) > looks)
    wait_for(lambda: running.status()["activity"] == "trouble")
    assert not running.screen.shown


@pytest.mark.parametrize("trouble", ["black", "covered", "frozen"])
def test_a_picture_that_shows_nothing_is_no_posture(running: Running, trouble: str) -> None:
    running.start()
    running.eye.seen = lambda: sight(SCENARIOS["slump_deep"], trouble=trouble)
    wait_for(lambda: running.status()["reason"] == f"camera {trouble}")
    assert running.status()["state"] == "unknown"
    assert running.status()["activity"] == "trouble"


def test_an_eye_that_hangs_is_ended_and_asked_again(running: Running) -> None:
    running.start()
    running.eye.hangs = True
    wait_for(lambda: running.eye.ended >= 1, 5.0)
    wait_for(lambda: running.status()["camera"]["trouble"] == "hangs")
    running.eye.hangs = False
    wait_for(lambda: running.status()["activity"] == "watching", 8.0)


def test_an_eye_that_fails_after_a_few_pictures_each_time_is_tried_less_often(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed_s: list[float] = []
    looked = 0

    def seen() -> Sight | Blind:
        nonlocal looked
        looked += 1
        if looked % 3:
            return sight(Pose())
        failed_s.append(time.monotonic())
        return Blind("failed", "memory has run out")

    running.eye.seen = seen
    running.start()
    wait_for(lambda: len(failed_s) >= 5, 20)
    # Two looks lie between two failures; all else is the pause: 0.1, 0.2, 0.4 and 0.8 s.
    pauses_s = np.diff(failed_s[:5])
    assert (pauses_s >= [0.1, 0.2, 0.4, 0.8]).all(), pauses_s
    # Once it has gone well for longer than the longest pause, the next one is short again.
    monkeypatch.setattr(outage, "LAST_RETRY_S", 0.5)
    running.eye.seen = lambda: sight(Pose())
    wait_for(lambda: running.keeper.outage.failures == 0, 5)


def test_the_eye_is_told_whose_seat_it_looks_at(running: Running) -> None:
    running.start()
    wait_for(lambda: running.status()["state"] == "good")
    assert running.eye.wants[-1].neutral is running.keeper.monitor.neutral


def test_nothing_moved_and_the_last_reading_holds(running: Running) -> None:
    running.start()
    wait_for(lambda: running.status()["state"] == "good")
    running.eye.seen = lambda: (
        sight(None, people=None, moved=False)
        if running.eye.wants[-1].may_skip
        else sight(Pose(), moved=False)
    )
    wait_for(lambda: running.eye.wants[-1].may_skip, 8.0)
    before = running.status()
    wait_for(lambda: running.status()["looks"] >= before["looks"] + 4, 8.0)
    after = running.status()
    assert after["state"] == "good"
    assert after["model_runs"] - before["model_runs"] < after["looks"] - before["looks"]


def test_settings_follow_their_file_and_garbage_changes_nothing(running: Running) -> None:
    running.start()
    paths.config_file().write_text("[alert\npreset = ")
    wait_for(lambda: "not valid TOML" in running.status()["why"])
    assert running.status()["preset"] == "balanced"
    paths.config_file().write_text(FAST + '[alert]\npreset = "strict"\n')
    wait_for(lambda: running.status()["preset"] == "strict")
    assert running.status()["why"] == ""


def test_a_preset_chosen_now_is_still_chosen_tomorrow(running: Running) -> None:
    running.start()
    paths.config_file().write_text("# mine\n" + FAST)
    running.keeper.handle("preset", {"name": "gentle"})
    assert running.status()["preset"] == "gentle"
    kept = paths.config_file().read_text()
    assert kept.startswith("# mine\n")
    assert Settings(None, load_config()).config.alert.preset == "gentle"
    with pytest.raises(UserError, match='"harsh": must be "gentle", "balanced" or "strict"'):
        running.keeper.handle("preset", {"name": "harsh"})
    assert paths.config_file().read_text() == kept


def test_the_profile_of_the_camera_in_use_is_taken(running: Running) -> None:
    neutral = load_profile("front").neutral
    for name, camera in (("office", "a camera 640x480"), ("laptop", "another 640x480")):
        save_profile(Profile(name, (neutral,), camera, 640, 480, "2026-03-02T09:00:00+00:00"))
    running.start()
    wait_for(lambda: running.status()["profile"]["name"] == "office")
    assert not running.screen.shown, "invited to calibrate what is calibrated"
    running.eye.seen = lambda: sight(Pose(), identity="another 640x480")
    wait_for(lambda: running.status()["profile"]["name"] == "laptop")
    running.keeper.handle("profile", {"name": "office"})
    assert running.status()["profile"]["name"] == "office"
    time.sleep(0.8)
    assert running.status()["profile"]["name"] == "office", "what the user chose was overruled"


NEUTRAL = load_profile("front").neutral


def own(name: str, camera: str = "a camera 640x480", created: str = "2026-03-02T09:00:00+00:00") -> Profile:
    """Keep a profile of the user's own."""
    profile = Profile(name, (NEUTRAL,), camera, 640, 480, created)
    save_profile(profile)
    return profile


def test_the_first_calibration_is_taken_up_by_the_monitor_that_runs(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "TEND_S", 3600.0)
    running.start()
    assert running.status()["profile"]["starter"]
    running.keeper.handle("lend", {})
    told = running.status()
    assert (told["activity"], told["camera"]["open"]) == ("paused", False)
    assert "calibrating" in told["why"]
    own("default")
    running.keeper.handle("return", {})
    wait_for(lambda: running.status()["activity"] == "watching")
    assert (running.status()["profile"]["name"], running.status()["profile"]["starter"]) == ("default", False)


def test_a_profile_is_followed_when_it_is_made_anew_renamed_or_deleted(running: Running) -> None:
    save_profile(replace(own("default"), tuning={"ear_height": 1.5}))
    running.start()
    wait_for(lambda: running.status()["profile"]["name"] == "default")
    assert running.monitor.limits.scale["ear_height"] == 1.5
    own("default")
    wait_for(lambda: running.monitor.limits.scale["ear_height"] == 1.0)
    path = paths.profiles_dir() / "default.toml"
    path.write_text("schema = 'none'")
    time.sleep(0.5)
    assert running.status()["profile"]["name"] == "default", "half a file is no profile"
    own("default")
    path.rename(path.with_name("office.toml"))
    wait_for(lambda: running.status()["profile"]["name"] == "office")
    path.with_name("office.toml").unlink()
    wait_for(lambda: running.status()["profile"]["starter"])


def ask_for(running: Running, profile: str) -> None:
    """Have the settings name a profile from the start on, as `keep` would load it."""
    text = FAST + profile
    paths.config_file().write_text(text)
    running.settings.changed()
    running.monitor.configure(running.settings.config)
    running.monitor.use(load_profile(running.settings.config.profile.name))
    running.keeper.choice = Choice(running.monitor, None, "0")


@pytest.mark.parametrize("name", ["default", "desk"])
def test_a_renamed_profile_is_followed_and_nobody_is_asked_to_calibrate(running: Running, name: str) -> None:
    own(name)
    ask_for(running, f'[profile]\nname = "{name}"\n')
    running.start()
    assert running.status()["profile"]["name"] == name
    path = paths.profiles_dir() / f"{name}.toml"
    path.rename(path.with_name("office.toml"))
    wait_for(lambda: running.status()["profile"]["name"] == "office")
    assert "'front'" not in running.said.getvalue(), "another one was taken in between"
    assert not running.screen.shown


@pytest.mark.parametrize(
    ("command", "then"), [(("rename", "desk", "office"), "office"), (("delete", "desk", "--yes"), "front")]
)
def test_a_profile_that_is_renamed_or_deleted_leaves_the_choice_to_the_camera(
    running: Running, command: tuple[str, ...], then: str
) -> None:
    own("desk")
    own("dock", "a dock 640x480")
    ask_for(running, '[profile]\nname = "desk"\n')
    running.start()
    with Server(paths.control_socket(), running.keeper.handle):
        assert CliRunner().invoke(cli, ["profiles", *command]).exit_code == 0
    wait_for(lambda: running.status()["profile"]["name"] == then)
    running.eye.seen = lambda: sight(Pose(), identity="a dock 640x480")
    wait_for(lambda: running.status()["profile"]["name"] == "dock")


def test_a_profile_that_was_broken_is_taken_once_it_is_whole(running: Running) -> None:
    ask_for(running, "[profile]\nby_place = false\n")
    running.start()
    paths.make_private(paths.profiles_dir())
    (paths.profiles_dir() / "default.toml").write_text("broken")
    time.sleep(0.5)
    assert running.status()["profile"]["starter"]
    own("default")
    wait_for(lambda: not running.status()["profile"]["starter"])
    assert "gone" not in running.said.getvalue()


def test_back_at_a_camera_the_profile_of_the_settings_is_taken_again(running: Running) -> None:
    own("desk")
    own("another", created="2026-06-02T09:00:00+00:00")
    ask_for(running, '[profile]\nname = "desk"\n')
    running.start()
    running.eye.seen = lambda: sight(Pose(), identity="another 640x480")
    wait_for(lambda: running.status()["profile"]["starter"])
    running.eye.seen = lambda: sight(Pose())
    wait_for(lambda: running.status()["profile"]["name"] == "desk")


def test_a_profile_chosen_in_the_settings_too_is_taken_up_once(running: Running) -> None:
    own("default")
    own("office")
    running.start()
    running.keeper.handle("profile", {"name": "office"})
    text = FAST.replace("window_s = 2.0", "window_s = 3.0") + '[profile]\nname = "office"\n'
    paths.config_file().write_text(text)
    wait_for(lambda: running.monitor.config.judge.window_s == 3.0)
    running.keeper.handle("pause", {"until_s": None})
    assert running.said.getvalue().count("Judged against profile 'office'") == 1


def test_settings_written_between_their_reading_and_the_start_are_in_force(home: Path) -> None:
    settings_file, read = paths.config_file(), load_config()
    paths.make_private(settings_file.parent)
    settings_file.write_text('[alert]\npreset = "gentle"\n')
    settings = Settings(None, read)
    assert settings.changed()
    assert settings.config.alert.preset == "gentle"
    assert not settings.changed()


@pytest.mark.parametrize("text", ["alert = 3\n", "[[alert]]\npreset = 3\n"])
def test_a_choice_that_the_settings_have_no_place_for_is_refused_in_a_line(home: Path, text: str) -> None:
    home.mkdir()
    settings = Settings(None, load_config())
    settings.file.write_text(text)
    with pytest.raises(UserError, match="alert is no table; mend it"):
        settings.choose("alert", "preset", "gentle")
    assert settings.file.read_text() == text


def test_a_choice_that_is_refused_names_the_file_to_mend(home: Path) -> None:
    home.mkdir()
    settings = Settings(None, load_config())
    settings.file.write_text("[alerts]\n")
    with pytest.raises(UserError, match=rf"^{re.escape(str(settings.file))}: .*alerts"):
        settings.choose("alert", "preset", "gentle")


def test_a_command_that_was_given_up_is_not_carried_out_later(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "COMMAND_S", 0.1)
    with pytest.raises(UserError, match="busy"):
        running.keeper.handle("pause", {"until_s": None})
    running.start()
    assert running.status()["activity"] == "watching"


class Hanging:
    """A call that does not come back until it is let go."""

    def __init__(self) -> None:
        self.entered, self.let_go = threading.Event(), threading.Event()

    def __call__(self, *_: object) -> None:
        self.entered.set()
        self.let_go.wait(10)


def test_a_loop_that_waits_for_something_is_told_to_stop_all_the_same(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused as busy, `stop` would end it neither now nor by force."""
    monkeypatch.setattr(service, "COMMAND_S", 0.1)
    disk = Hanging()
    running.start()
    monkeypatch.setattr(running.keeper.tally, "begin", disk)
    threading.Thread(target=running.keeper.handle, args=("recount", {})).start()
    assert disk.entered.wait(5)
    assert running.keeper.handle("stop", {}) == {}
    disk.let_go.set()
    running.thread.join(5)
    assert not running.thread.is_alive()


def test_a_loop_that_waits_for_something_claims_no_posture(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STUCK_S", 0.2)
    disk = Hanging()
    running.start()
    wait_for(lambda: running.status()["state"] == "good")
    take = running.keeper.monitor.take

    def written(seen: Any, **how: Any) -> Any:
        disk()
        return take(seen, **how)

    with monkeypatch.context() as patch:
        patch.setattr(running.keeper.monitor, "take", written)
        assert disk.entered.wait(5)
        wait_for(lambda: running.status()["activity"] == "trouble", 5.0)
        assert running.status()["state"] == "unknown"
        assert "does not answer" in running.status()["why"]
    disk.let_go.set()
    wait_for(lambda: running.status()["activity"] == "watching", 5.0)


def test_a_command_that_is_being_carried_out_is_not_called_unanswered(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.start()
    monkeypatch.setattr(service, "COMMAND_S", 0.1)
    monkeypatch.setattr(running.keeper.tally, "begin", lambda *_: time.sleep(0.5))
    assert running.keeper.handle("recount", {}) == {}


def test_no_picture_is_told_of_a_moment_that_is_over(running: Running) -> None:
    class Ending:
        """Somebody whom the loop forgets while they are being told of."""

        @property
        def landmarks(self) -> Any:
            running.keeper.viewing.latest = None
            return np.zeros((33, 4))

    running.keeper.viewing.latest = sight(Pose(), picture=b"a JPEG"), Ending()  # type: ignore[assignment]
    told = running.keeper.handle("look", {"picture": True})
    assert base64.b64decode(told["picture"]) == b"a JPEG"
    assert (told["width"], len(told["landmarks"])) == (640, 33), "half of one, half of another"


def test_calibrating_leaves_a_pause_and_a_snooze_as_they_are(running: Running) -> None:
    running.start()
    running.keeper.handle("snooze", {"seconds": 3600.0})
    running.keeper.handle("lend", {})
    running.keeper.handle("pause", {"until_s": None})
    running.keeper.handle("return", {})
    told = running.status()
    assert (told["activity"], told["until_s"]) == ("paused", None)
    assert told["snoozed_until_s"] > time.time() + 3000
    # And a calibration that died holds up nobody who resumes.
    running.keeper.handle("lend", {})
    running.eye.hangs = True
    assert running.keeper.handle("resume", {}) == {}
    told = running.status()
    assert (told["activity"], told["snoozed_until_s"]) == ("starting", None)
    assert told["state"] == "unknown", "it told the pause that is over"


def test_a_profile_that_there_is_none_of_changes_nothing(running: Running) -> None:
    own("laptop", "another 640x480")
    running.start()
    with pytest.raises(UserError, match="no profile"):
        running.keeper.handle("profile", {"name": "nosuch"})
    running.eye.seen = lambda: sight(Pose(), identity="another 640x480")
    wait_for(lambda: running.status()["profile"]["name"] == "laptop")


def test_a_profile_made_while_the_monitor_starts_is_taken_up(running: Running) -> None:
    own("default")  # the monitor has its starter already
    choice = Choice(running.monitor, "default", "0")
    choice.follow()
    assert not running.monitor.profile.starter


def test_a_profile_that_nobody_may_look_at_for_a_while_stays(
    running: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own("default")
    running.start()
    wait_for(lambda: running.status()["profile"]["name"] == "default")
    look = Path.stat

    def refused(path: Path, **how: Any) -> os.stat_result:
        if path.is_relative_to(paths.profiles_dir()):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return look(path, **how)

    monkeypatch.setattr(Path, "stat", refused)
    wait_for(lambda: "stays as it was" in caplog.text or not running.thread.is_alive())
    assert running.thread.is_alive()
    assert not running.status()["profile"]["starter"]


def test_a_profile_of_ones_own_may_be_called_like_a_starter(running: Running) -> None:
    own("default")
    (paths.profiles_dir() / "front.toml").write_text("broken")
    running.start()
    wait_for(lambda: running.status()["profile"]["name"] == "default")
    running.eye.seen = lambda: sight(Pose(), identity="another 640x480")
    wait_for(lambda: running.status()["profile"]["starter"])


def test_stricter_settings_than_the_dose_has_gathered_are_told(running: Running) -> None:
    monitor = running.monitor
    gathered = 0.9 * monitor.policy.dose.threshold
    monitor.nudges = replace(monitor.nudges, dose=replace(monitor.nudges.dose, level=gathered))
    poor = monitor.session.steady._replace(state=Verdict.MILD, index=0.55)
    monitor.session = replace(monitor.session, steady=poor)
    running.keeper._carry_out("preset", {"name": "strict"})
    assert 0 <= (posture_status.until_alert(monitor)[0] or 0.0) < 1
    running.start()


def test_what_a_reminder_that_is_due_waits_for_is_told(running: Running) -> None:
    monitor = running.monitor
    poor = monitor.session.steady._replace(state=Verdict.POOR, index=1.5)
    monitor.session = replace(monitor.session, steady=poor)
    full = replace(monitor.nudges.dose, level=monitor.policy.dose.threshold, tripped=True)
    silent = replace(monitor.nudges, dose=full, silent_until_s=monitor.nudges.now_s + 300)
    monitor.nudges = silent
    told = posture_status.of(monitor, running.keeper.tally, 0.0, 0.0)
    assert (told.dose, told.waits_for, told.next_alert_s) == (1.0, "cooldown", 300.0)
    good = monitor.session.steady._replace(state=Verdict.GOOD, index=0.0)
    monitor.session = replace(monitor.session, steady=good)
    told = posture_status.of(monitor, running.keeper.tally, 0.0, 0.0)
    assert (told.waits_for, told.next_alert_s) == ("", None), "it says so although no reminder is due"
    running.start()


def test_what_is_changed_while_it_runs_is_followed_or_told_to_need_another_start(running: Running) -> None:
    running.start()
    office = own("office", "a desk 640x480")
    running.monitor.gate.hold()
    paths.config_file().write_text(
        FAST
        + "[history]\nkeep_samples_days = 0\n[alert]\nsound = true\n"
        + '[profile]\nname = "office"\nby_place = false\n'
    )
    wait_for(lambda: "alert.sound" in running.status()["why"])
    assert "`posture-monitor restart`" in running.status()["why"]
    assert running.status()["profile"]["name"] == office.name
    assert running.store._keep_samples_days == 0
    wait_for(lambda: any("Held back" in shown[0].body for shown in running.screen.shown))


def test_a_source_that_was_given_at_the_start_is_not_that_of_the_settings(running: Running) -> None:
    running.keeper.place = replace(running.keeper.place, source="1")
    running.start()
    text = FAST.replace("[camera]", '[camera]\nsource = "2"') + "[alert]\nsound = true\n"
    paths.config_file().write_text(text)
    running.keeper.handle("preset", {"name": "gentle"})
    told = running.status()["why"]
    assert told.startswith("alert.sound: changed"), "it is given again by `restart`"


def test_a_call_is_heeded_as_the_settings_say_by_now(running: Running) -> None:
    running.start()
    running.keeper.inbox.put(events.CameraHeld("zoom"))
    wait_for(lambda: running.status()["activity"] == "busy")
    for calls, heeded in (("quiet", True), ("ignore", False)):
        paths.config_file().write_text(FAST.replace("[camera]", f'[camera]\ncalls = "{calls}"'))
        wait_for(lambda heeded=heeded: running.monitor.in_call is heeded)  # type: ignore[misc]


def test_no_look_comes_sooner_than_the_least_time_between_two(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[camera]\ninterval_s = 10\n")
    pace = pace_of(load_config(tmp_path / "config.toml"))
    assert {pace.settled_s, pace.deviating_s, pace.poor_s, pace.away_s} == {10.0}


def test_an_unknown_place_is_judged_coarsely_and_invites_once(running: Running) -> None:
    running.start()
    wait_for(lambda: running.screen.shown)
    running.eye.seen = lambda: sight(Pose(), identity="a third 640x480")
    time.sleep(1.2)
    assert len(running.screen.shown) == 1
    assert "calibrate" in running.screen.shown[0][0].body


def test_working_hours_close_the_camera(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hour = (time.localtime().tm_hour + 12) % 24
    other = f"{hour:02d}:00-{(hour + 1) % 24:02d}:00"
    keeper = Running(monkeypatch, FAST + f'[service]\nhours = ["{other}"]\n')
    try:
        keeper.start()
        assert keeper.status()["activity"] == "paused"
        assert "outside working hours" in keeper.status()["why"]
        assert keeper.keeper.handle("resume", {}) == {"still": "outside working hours"}
        assert not keeper.eye.wants
    finally:
        keeper.stop()


@pytest.mark.usefixtures("home")
def test_a_recording_of_the_settings_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="no such file or folder"):
        assembly.keep(
            load_config(),
            config_path=None,
            source="/nowhere/monday.mp4",
            profile=None,
            console=Console(file=io.StringIO()),
            detached=False,
        )
    assert not paths.history_file().exists()


def test_a_preview_is_given_pictures_only_while_it_asks(running: Running) -> None:
    running.start()
    running.eye.seen = lambda: sight(Pose(), picture=b"jpeg" if running.eye.wants[-1].picture else None)
    assert not any(want.picture for want in running.eye.wants)
    running.keeper.handle("look", {"picture": True})
    wait_for(lambda: running.keeper.handle("look", {"picture": True})["picture"])
    seen = running.keeper.handle("look", {"picture": False})
    assert seen["picture"] is None
    assert len(seen["landmarks"]) == 33
    assert seen["status"]["pid"]
    running.keeper.handle("pause", {"until_s": None})
    paused = running.keeper.handle("look", {"picture": True})
    assert paused["picture"] is None, "a picture from before the pause was handed out"
    assert "landmarks" not in paused


def test_what_is_told_of_a_rest_is_why_there_is_one() -> None:
    closures = resting.Closures(lent=True, away=Away("locked"))
    rest = closures.resting(load_config(), time.time())
    assert rest is not None
    assert rest.reason == "calibrating"
    assert closures.told(rest)[1].startswith("calibrating"), "not that the screen is locked"


def test_every_trouble_of_a_camera_is_told_as_its_absence() -> None:
    for trouble in (*Trouble, "no model", "failed", "ended"):
        told = resting.unseeing(Blind(str(trouble), "why"))
        assert told_state(told.state, told.reason) == "busy", trouble
    for seen in (Trouble.BLACK, Trouble.COVERED, Trouble.FROZEN):
        assert told_state("unknown", f"camera {seen}") == "busy"
    for reason in ("camera or chair moved", "too dark", "head turned", ""):
        assert told_state("unknown", reason) == "unknown"


@pytest.mark.parametrize(
    ("source", "node"),
    [("0", "/dev/video0"), ("02", "/dev/video2"), ("/dev/video10", "/dev/video10"), ("demo", "")],
)
def test_the_device_that_is_watched_for_calls_is_the_one_that_is_opened(source: str, node: str) -> None:
    assert assembly.camera_node(source) == node
