"""The background service: one loop that lives on one inbox.

Everything that happens arrives as an event: what the eye saw, what the user
asked, a locked screen, a call that takes the camera. Between events it sleeps.
While there is a reason not to look (a pause, a lock, a call, the evening) there
is no eye process, and so the camera is closed and the model's memory is free;
that time is written down as what it is.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import gc
import logging
import math
import os
import queue
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswerYet
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from posture_monitor import memory, paths
from posture_monitor.errors import UserError
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import told_state
from posture_monitor.posture.sampling import Pace
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.sight import Blind, Place, Sight, Want
from posture_monitor.sensing.sources import camera_number, without_secrets
from posture_monitor.sensing.sources import check as check_source
from posture_monitor.service import background, in_use, logs, posture_status, power
from posture_monitor.service.choice import Choice
from posture_monitor.service.control import Server
from posture_monitor.service.eye import EyeKeeper, Looked
from posture_monitor.service.lock import AlreadyRunning, Lock
from posture_monitor.service.looking import Seen, chosen
from posture_monitor.service.monitor import Monitor, Resting, closing, opening
from posture_monitor.service.presence import PRESENT, Away, open_presence
from posture_monitor.service.profiles import load_profile
from posture_monitor.service.settings import Settings
from posture_monitor.service.signals import handled
from posture_monitor.service.status import Camera, Status
from posture_monitor.service.tally import Tally
from posture_monitor.service.tray import Tray
from posture_monitor.service.usage import Usage
from posture_monitor.service.zone import follow_zone
from posture_monitor.telling import words
from posture_monitor.telling.notify import pick_channel
from posture_monitor.telling.quiet import parse_span

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config

log = logging.getLogger(__name__)

#: While nothing is looked at, that is written down this often.
BEAT_S: Final = 4.0
#: A source that gives no picture is tried again after these seconds, then twice as long, up to the last.
FIRST_RETRY_S, LAST_RETRY_S = 2.0, 60.0
#: A camera that has failed for so long is told of.
TELL_BLIND_S: Final = 600.0
#: Troubles that nobody brings about on purpose, as an unplugged or covered camera may be.
_FAILURES: Final = ("hangs", "failed", "no model", "permission", "gone")
#: While somebody watches the preview there are five looks a second.
VIEWING_S: Final = 0.2
#: Who has not asked for a picture for so long no longer watches.
VIEWER_LEFT_S: Final = 3.0
#: Settings, power supply and usage are looked at this often.
TEND_S: Final = 10.0
#: What was learnt is kept this often, and at the end.
KEEP_S: Final = 1800.0
#: Memory that Python has set aside for later is given back this often.
TIDY_S: Final = 60.0
#: All that starting needs is loaded by then.
STARTED_S: Final = 10.0
#: Windows hears of Ctrl-C only between two waits, as locks cannot be interrupted there.
LONGEST_WAIT_S: Final = 1.0 if sys.platform == "win32" else math.inf
#: A command is carried out within this, between two events.
COMMAND_S: Final = 5.0

#: Ctrl-C, an end that is asked for, and a closed terminal.
_ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")

_LENT = Resting("paused", "calibrating")
_ANOTHER = Resting("busy", "another program has the camera")
_FOLLOWS = {"unplugged": "no camera", "busy": "camera in use", "gone": "no camera", "hangs": "camera hangs"}


@dataclass
class _Command:
    """What somebody asked for over the control channel."""

    do: str
    args: Mapping[str, Any]
    done: Future[dict[str, Any]] = field(default_factory=Future)


@dataclass(frozen=True)
class _Pause:
    """A pause until `until_s` (POSIX seconds), which is `over_s` by `clock_s`; or until somebody ends it."""

    until_s: float | None
    over_s: float

    def is_over(self) -> bool:
        """Say whether it is, by either clock: one set back meanwhile must not make a pause of a day."""
        return self.until_s is not None and (time.time() >= self.until_s or clock_s() >= self.over_s)


@dataclass(frozen=True)
class _CameraHeld:
    """Another program has opened the camera, or let go of it."""

    by: str


class _PluggedIn:
    """The camera's device node is there again."""


class _Stop:
    """Somebody wants the program to end."""


class Keeper:
    """The running service. `run` returns when it is asked to stop.

    Parameters
    ----------
    source
        As in `sources.open_source`.
    settings
        The settings, and whether their file has changed.
    node
        The camera's device node, watched for calls; empty where there is none.
    wanted
        The profile that was asked for; None takes that of the settings, or the one that fits the place.
    patient
        Wait for a camera that does not open even at the start. Somebody who
        has just typed a command had rather be told.
    """

    def __init__(
        self,
        monitor: Monitor,
        settings: Settings,
        source: str,
        node: str,
        *,
        wanted: str | None = None,
        patient: bool = True,
    ) -> None:
        config = settings.config
        self.monitor, self.settings = monitor, settings
        camera = config.camera
        self.place = Place(source, camera.width, camera.height, camera.interval_s, config.model.own)
        self.name = shown_name(source)
        self.node, self._patient = node, patient
        self.inbox: queue.Queue[object] = queue.Queue()
        self.eye = EyeKeeper(self.inbox.put)
        self.tally = Tally(monitor.store, time.time())
        self.others: Callable[[], list[int]] = list
        self.renew_lock: Callable[[], None] = lambda: None
        self._usage = Usage()
        self._began_at_s = clock_s()
        self._pause: _Pause | None = None
        self._lent = False
        self._away: Away = PRESENT
        self._held_by = ""
        self._blind: Blind | None = None
        self._blind_since_s, self._told_blind = math.inf, False
        self._failures = 0
        self._sees_since_s = -math.inf
        self._look_at_s = self._beat_at_s = self._tend_at_s = -1.0
        self._keep_at_s = clock_s() + KEEP_S
        self._give_back_at_s = clock_s() + STARTED_S
        self._tidy_at_s = clock_s() + TIDY_S
        self._viewed_at_s = -VIEWER_LEFT_S
        self._sight: Sight | None = None
        self._seen: Seen | None = None
        self._moment: dict[str, Any] = {}
        self._status = Status(pid=os.getpid(), since_s=time.time(), source=self.name)
        self._stopping = False
        self._looks = self._model_runs = 0
        self._alerts_before = 0
        self.choice = Choice(monitor, wanted, self.name)
        #: The settings it was started with, and those that were changed since and wait for another start.
        self._began, self._waits = config, ""

    # ---------------------------------------------------------------- the loop

    def run(self) -> None:
        """Go on until asked to stop, or until a recording is over."""
        self._publish()
        try:
            while not self._stopping:
                wake_s = self._turn(clock_s())
                self._publish()
                with contextlib.suppress(queue.Empty):
                    self._hear(self.inbox.get(timeout=max(0.0, min(wake_s - clock_s(), LONGEST_WAIT_S))))
        finally:
            self.eye.end()
            self.choice.keep_learnt()

    def _turn(self, now_s: float) -> float:
        """Do what is due, and return when to wake without an event."""
        if now_s >= self._tend_at_s:
            self._tend(now_s)
        resting = self._resting()
        if resting is not None:
            if self.eye.pid is not None:
                log.info("camera closed: %s", resting.reason)
                self.eye.end()
                self._tend_at_s = now_s + 1.0  # what it costs now is soon told
            # What was before is over: no picture of it is shown, and no failure is as old as the rest.
            self._sight = self._seen = self._blind = None
            self._moment = {}
            return min(self._beat(now_s, resting), self._tend_at_s)
        if self._blind is not None and now_s < self._look_at_s:
            return min(self._beat(now_s, _unseeing(self._blind)), self._look_at_s)
        if self.eye.limit_s is None:
            if now_s < self._look_at_s:
                return self._look_at_s
            viewing = self._viewed(now_s)
            burst = self.monitor.config.camera.mode == "burst" and not viewing
            self.eye.look(
                self.place,
                Want(
                    may_skip=self.monitor.may_skip and self._seen is not None and not viewing,
                    picture=viewing,
                    close_after=burst and self.monitor.interval_s >= self.monitor.config.sampling.poor_s,
                ),
            )
        limit_s = self.eye.limit_s
        if limit_s is None:  # it has answered already
            return now_s
        left_s = limit_s - time.monotonic()
        if left_s <= 0:
            self.eye.end()
            self._blinded(Blind("hangs", "the camera does not answer; unplug it and plug it in again"), now_s)
            return now_s
        return now_s + left_s

    def _viewed(self, now_s: float) -> bool:
        """Return whether somebody watches the preview."""
        return now_s - self._viewed_at_s < VIEWER_LEFT_S

    def _resting(self) -> Resting | None:
        """Return why the camera is to be closed now, if it is."""
        if self._pause is not None and self._pause.is_over():
            self._resume()
        if self._pause is not None:
            return Resting("paused", "paused")
        if self._lent:
            return _LENT
        if self._away:
            return Resting("away", f"{self._away.reason}")
        hours = self.monitor.config.service.hours
        if hours:
            clock = time.localtime(time.time())
            at = dt.time(clock.tm_hour, clock.tm_min, clock.tm_sec)
            if not any(at in parse_span(span) for span in hours):
                return Resting("paused", "outside working hours")
        return _ANOTHER if self._held_by and self.monitor.config.camera.calls == "yield" else None

    def _beat(self, now_s: float, resting: Resting) -> float:
        """Write down, now and then, that nothing is looked at; return when to do so next."""
        if resting != self.monitor.resting or now_s >= self._beat_at_s:
            self._beat_at_s = now_s + BEAT_S
            self.monitor.rest(now_s, time.time(), resting, BEAT_S)
            self.tally.add(time.time(), told_state(resting.state, resting.reason), self.monitor.longest_gap_s)
        return self._beat_at_s

    # -------------------------------------------------------------- what comes in

    def own_pids(self) -> set[int]:
        """Return the processes of ours that may hold the camera."""
        return {pid for pid in (os.getpid(), self.eye.pid) if pid is not None}

    def camera_held(self, held: bool) -> None:
        """Hear that another program has opened the camera, or let go of it."""
        by = ""
        if held:
            from posture_monitor.sensing.camera_users import holders

            by = ", ".join(holders(self.node, self.own_pids())) or "another program"
        self.inbox.put(_CameraHeld(by))

    def camera_there(self, there: bool) -> None:
        """Hear that the camera was plugged in, or out."""
        if there:
            self.inbox.put(_PluggedIn())

    def _hear(self, event: object) -> None:
        if isinstance(event, Looked):
            answer = self.eye.believe(event)
            now_s = clock_s()
            if isinstance(answer, Blind):
                self._blinded(answer, now_s)
            elif answer is not None:
                self._see(answer, now_s)
        elif isinstance(event, _Command):
            self._obey(event)
        elif isinstance(event, Away):
            if event != self._away:
                log.info("presence: %s", event.reason or "here")
            self._away = event
            self._look_at_s = -1.0
        elif isinstance(event, _CameraHeld):
            self._held_by = event.by
            self._heed_call()
            log.info("the camera is %s", "used by another program" if event.by else "free")
            self._look_at_s = -1.0
        elif isinstance(event, _PluggedIn):
            self._look_at_s, self._failures = -1.0, 0
        elif isinstance(event, _Stop):
            self._stopping = True

    def _heed_call(self) -> None:
        """Hold notifications back while somebody is in a call, as the settings say."""
        calls = self.monitor.config.camera.calls
        if self._held_by:
            self.monitor.in_call = calls == "quiet"
        else:
            self.monitor.in_call = calls != "ignore" and in_use.by_others() is True

    def _blinded(self, blind: Blind, now_s: float) -> None:
        """Take in that no picture could be had, and try again later, and later still."""
        if blind.trouble == "ended":
            self._stopping = True
            return
        if not self._patient and not self._looks:
            raise UserError(blind.detail)
        if blind.trouble in ("no model", "failed"):
            # The model's file may have been deleted or damaged meanwhile, and is fetched anew by a new
            # process; a library that has failed once may go on failing in the old one.
            self.eye.end()
        if self._blind is None or self._blind.trouble != blind.trouble:
            log.warning("no picture (%s): %s", blind.trouble, blind.detail)
            self._blind_since_s, self._told_blind = now_s, False
        elif now_s - self._blind_since_s >= TELL_BLIND_S and blind.trouble in _FAILURES:
            self._tell_blind(now_s)
        self._blind, self._sight, self._seen = blind, None, None
        wait_s = min(FIRST_RETRY_S * 2.0**self._failures, LAST_RETRY_S)
        self._failures = min(self._failures + 1, 10)
        self._look_at_s = now_s + wait_s

    def _tell_blind(self, now_s: float) -> None:
        """Say once, when it is not quiet, that nothing is watched: who believes it is finds an empty day."""
        if not self._told_blind and not self.monitor.gate.reason:
            self._told_blind = True
            self.monitor.say(words.blind_text(now_s - self._blind_since_s))

    def _see(self, sight: Sight, now_s: float) -> None:
        if self._blind is not None:
            log.info("the camera gives pictures again")
            self._sees_since_s = now_s
        if now_s - self._sees_since_s >= LAST_RETRY_S:
            # Not before: one that fails again after each few pictures is to be tried less and less often.
            self._failures = 0
        if sight.warning and not (self._sight and self._sight.warning):
            log.warning("%s", sight.warning)
        self._blind, self._sight = None, sight
        self._looks += 1
        self._model_runs += sight.people is not None
        if sight.trouble:
            self._blind_picture(sight, now_s)
            return
        self.choice.fit(sight)
        frame = Frame(now_s, sight.wall_s, sight.width, sight.height)
        if sight.people is not None:
            self._seen = chosen(frame, sight.people, sight.doubt, self.monitor.neutral)
        elif self._seen is not None:  # nothing has moved: what was seen last is so still
            self._seen = replace(self._seen, frame=frame)
        else:
            return
        reading = self.monitor.take(self._seen, moved=sight.moved)
        self._look_at_s = now_s + self.monitor.interval_s
        if self._viewed(now_s):
            self._look_at_s = now_s + min(VIEWING_S, self.monitor.interval_s)
        self.tally.alerts += self.monitor.reminders.count - self._alerts_before
        self._alerts_before = self.monitor.reminders.count
        self.tally.add(sight.wall_s, self.monitor.state.value, self.monitor.longest_gap_s)
        self.choice.check_view(reading, sight)
        self._remember_moment(sight)

    def _blind_picture(self, sight: Sight, now_s: float) -> None:
        """Take in a picture that shows nothing: it is no posture, and the lens may be free again soon."""
        self._seen = None
        self._beat_at_s = -1.0
        self._beat(now_s, Resting("unknown", f"camera {sight.trouble}"))
        self._look_at_s = now_s + BEAT_S
        self._remember_moment(sight)

    def _remember_moment(self, sight: Sight) -> None:
        landmarks = None
        if self._seen is not None and np.isfinite(self._seen.landmarks).any():
            landmarks = np.nan_to_num(self._seen.landmarks).round(5).tolist()
        self._moment = {
            "wall_s": sight.wall_s,
            "width": sight.width,
            "height": sight.height,
            "landmarks": landmarks,
            "picture": base64.b64encode(sight.picture).decode() if sight.picture else None,
            "look_s": sight.look_s,
        }

    # ----------------------------------------------------------------- commands

    def handle(self, do: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a command of the control channel; called from its threads."""
        if do == "status":
            return self._status.to_json()
        if do == "look":
            self._viewed_at_s = clock_s()
            self.inbox.put(None)  # wakes the loop, which looks more often now
            moment = self._moment  # the loop may put another in its place
            picture = moment.get("picture") if args["picture"] else None
            return {**moment, "picture": picture, "status": self._status.to_json()}
        command = _Command(do, args)
        self.inbox.put(command)
        try:
            return command.done.result(COMMAND_S)
        except NoAnswerYet:
            # Whoever asked is told that nothing came of it: then nothing is to come of it later.
            if command.done.cancel():
                raise UserError("the monitor is busy; try again in a moment") from None
            return command.done.result()  # it is being carried out

    def _obey(self, command: _Command) -> None:
        if not command.done.set_running_or_notify_cancel():
            return
        self._stay_found()  # who has asked may look for the lock next
        try:
            result = self._carry_out(command.do, command.args)
        except Exception as error:
            command.done.set_exception(error)
            return
        self._publish()
        command.done.set_result(result)

    def _carry_out(self, do: str, args: Mapping[str, Any]) -> dict[str, Any]:
        if do == "stop":
            self._stopping = True
        elif do == "pause":
            until_s = args["until_s"]
            over_s = math.inf if until_s is None else clock_s() + until_s - time.time()
            self._pause = _Pause(until_s, over_s)
            log.info("paused")
            self._turn(clock_s())
        elif do == "resume":
            self._resume()
            self._lent = False
            self.monitor.snooze(clock_s(), 0.0)
            self._turn(clock_s())
            still = self._resting()
            return {} if still is None else {"still": still.reason}
        elif do == "lend":
            self._lent = True
            self._turn(clock_s())
        elif do == "return":
            self._lent = False
            self._look_at_s = self._tend_at_s = -1.0
            self._turn(clock_s())
        elif do == "recount":
            self.tally.begin(time.time())
        elif do == "snooze":
            self.monitor.snooze(clock_s(), args["seconds"])
        elif do == "preset":
            self._preset(args["name"])
        elif do == "profile":
            self.choice.use(args["name"])
        elif do == "reanchor":
            if self.monitor.resting is not None or self._seen is None:
                raise UserError("nobody is seen at the moment; sit down before the camera first")
            self.monitor.reanchor()
            self._look_at_s = -1.0
        return {}

    def _resume(self) -> None:
        self._pause = None
        self._look_at_s = -1.0
        log.info("resumed")

    def _preset(self, name: str) -> None:
        if name not in ("gentle", "balanced", "strict"):
            raise UserError(f"there is no preset {name!r}; choose gentle, balanced or strict")
        self.settings.choose("alert", "preset", name)
        self._configure()

    # --------------------------------------------------------------- housekeeping

    def _tend(self, now_s: float) -> None:
        """Look after what changes seldom: time zone, settings, power, and what all this costs."""
        self._tend_at_s = now_s + TEND_S
        follow_zone()
        self._stay_found()
        if now_s >= self._keep_at_s:
            self._keep_at_s = now_s + KEEP_S
            self.choice.keep_learnt()
        if now_s >= self._give_back_at_s:
            self._give_back_at_s = now_s + KEEP_S
            memory.give_back()
        if now_s >= self._tidy_at_s:
            self._tidy_at_s = now_s + TIDY_S
            # Of the tuples that were let go of, CPython sets up to 2000 of each length aside, until the next
            # full collection. There is next to nothing here for that to collect, so that by itself none
            # would come for days, in which all those lists fill up.
            gc.collect()
        if self.settings.changed():
            self._configure()
        self.choice.follow()
        self.monitor.on_battery = power.on_battery() is True
        self._heed_call()
        self._usage.look([*self.own_pids() - {os.getpid()}, *self.others()])

    def _stay_found(self) -> None:
        """Hold the lock also where somebody has deleted the data folder: `stop` and `start` go by it."""
        try:
            self.renew_lock()
        except AlreadyRunning as error:
            log.warning("another monitor has taken this one's place: %s", error)
            self.inbox.put(_Stop())
        except UserError as error:  # a folder that cannot be written may be so again
            log.debug("%s", error)

    def _configure(self) -> None:
        config, before = self.settings.config, self.monitor.config
        self.monitor.configure(config)
        self.monitor.store.configure(config.history.keep_samples_days, config.history.keep_landmarks)
        self.monitor.pace = pace_of(config)
        self._heed_call()
        self._waits = _needs_restart(self._began, config, self.place.source)
        if config.profile != before.profile:
            self.choice.settings_changed(renamed=config.profile.name != before.profile.name)
        camera = config.camera
        place = Place(self.place.source, camera.width, camera.height, camera.interval_s, config.model.own)
        if place != self.place:
            self.place = place
            self.eye.end()
            self._look_at_s = -1.0
        log.info("the settings in force have changed")

    def _activity(self) -> tuple[str, str, float | None]:
        """Return what is done now, one line about it, and when it ends (POSIX seconds) if that is known."""
        sight, blind, resting = self._sight, self._blind, self._resting()
        if self._pause is not None:
            return "paused", "paused; the camera is off", self._pause.until_s
        if self._away:
            activity = "suspended" if self._away.reason == "suspended" else "locked"
            return activity, f"{self._away.reason}; the camera is off", None
        if resting == _LENT:
            return "paused", "calibrating has the camera; it comes back by itself", None
        if resting == _ANOTHER:
            return "busy", f"{self._held_by} has the camera; it comes back by itself", None
        if resting is not None:
            return "paused", f"{resting.reason}; the camera is off", None
        if blind is not None:
            return "busy" if blind.trouble == "busy" else "trouble", blind.detail, None
        if sight is None:
            return "starting", "the camera is being opened", None
        if sight.trouble:
            return "trouble", f"the camera's picture is {sight.trouble}", None
        return "watching", "", None

    def _publish(self) -> None:
        """Put down what is to be told of this moment."""
        now_s, wall_s, monitor = clock_s(), time.time(), self.monitor
        activity, why, until_s = self._activity()
        sight, blind = self._sight, self._blind
        told = posture_status.of(monitor, self.tally, now_s, wall_s)
        if activity == "starting":  # what was before a pause is over, and nothing is known yet
            told = replace(told, state="unknown", reason="", driver="")
        camera = Camera(
            name=sight.name if sight else self.name,
            identity=sight.identity if sight else "",
            width=sight.width if sight else 0,
            height=sight.height if sight else 0,
            open=self.eye.pid is not None and sight is not None,
            trouble=blind.trouble if blind else sight.trouble if sight else "",
            detail=blind.detail if blind else "",
            mode=monitor.config.camera.mode,
        )
        self._status = replace(
            told,
            pid=os.getpid(),
            # By the clock as it goes now: a machine may start in 1970 and be told the year later.
            since_s=wall_s - (now_s - self._began_at_s),
            activity=activity,
            why=why or self.settings.trouble or self._waits,
            until_s=until_s,
            camera=camera,
            model_trouble=sight.warning if sight else "",
            looks=self._looks,
            model_runs=self._model_runs,
            cpu_percent=round(self._usage.cpu_percent, 2),
            memory_mb=round(self._usage.memory_mb, 1),
            source=self.name,
        )


def _unseeing(blind: Blind) -> Resting:
    """Return what a camera in trouble is to the day: another's call is *busy*, all else unknown."""
    state = "busy" if blind.trouble == "busy" else "unknown"
    return Resting(state, _FOLLOWS.get(blind.trouble, f"camera: {blind.trouble}"))


def _needs_restart(began: Config, now: Config, source: str) -> str:
    """Return in a line which changed settings are only read at the start; ``""`` if there are none."""
    # Another start goes by the source that was given when it was started, too.
    given = source != began.camera.source
    changed = [
        name
        for name, before, after in (
            ("language", began.language, now.language),
            ("camera.source", began.camera.source, began.camera.source if given else now.camera.source),
            # Nobody watches for calls where they were to be ignored.
            ("camera.calls", began.camera.calls == "ignore", now.camera.calls == "ignore"),
            ("service.tray", began.service.tray, now.service.tray),
            ("alert.channel", began.alert.channel, now.alert.channel),
            ("alert.sound", began.alert.sound, now.alert.sound),
        )
        if before != after
    ]
    return f"{', '.join(changed)}: changed, and in force after `posture-monitor restart`" if changed else ""


def clock_s() -> float:
    """Return seconds on a clock that nobody sets, and that goes on while the machine sleeps.

    Who comes back to a machine that slept for a night has not been sitting all the while.
    """
    # CLOCK_MONOTONIC stands still in the sleep of Linux, `time.monotonic` in that of macOS.
    clock = getattr(time, "CLOCK_BOOTTIME", None) or getattr(time, "CLOCK_MONOTONIC", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


def pace_of(config: Config) -> Pace:
    """Return how often to look, as the settings say."""
    chosen, least_s = config.sampling, config.camera.interval_s
    return Pace(
        settled_s=max(chosen.settled_s, least_s),
        deviating_s=max(chosen.deviating_s, least_s),
        poor_s=max(chosen.poor_s, least_s),
        away_s=max(chosen.away_s, least_s),
        unmoved_at_most_s=chosen.unmoved_at_most_s,
        battery=chosen.battery_factor,
    )


def keep(
    config: Config,
    *,
    config_path: Path | None,
    source: str,
    profile: str | None,
    console: Console,
    detached: bool,
) -> None:
    """Be the service until somebody ends it.

    Parameters
    ----------
    config_path
        The settings file that is followed; None follows the user's own.
    profile
        As the user asked for it now; None takes that of the settings, or the one that fits the place.
    detached
        In the background: what happens goes to the log.

    Raises
    ------
    UserError
        Another one runs already, the source is a recording that is not there, or profile, model, history
        or channel cannot be used.
    """
    check_source(source)
    if detached:
        logs.to_file(verbose=log.isEnabledFor(logging.DEBUG))
    with contextlib.ExitStack() as stack:
        lock = stack.enter_context(Lock())
        chosen_profile = load_profile(profile or config.profile.name)
        store = stack.enter_context(
            Store.open(
                paths.history_file(),
                # Begun at login it does not end for the day because a backup holds the file for a minute.
                patient=detached,
                keep_samples_days=config.history.keep_samples_days,
                keep_landmarks=config.history.keep_landmarks,
            )
        )
        notifier = pick_channel(config.alert.channel, sound=config.alert.sound, write=console.print)
        stack.callback(notifier.close)
        if detached and notifier.name == "terminal":
            log.warning("there is no desktop to show reminders on: they are only kept for the report")
        monitor = Monitor(
            config,
            chosen_profile,
            store,
            notifier,
            console,
            config.camera.interval_s,
            pace=pace_of(config),
            ask_desktop=True,
        )
        node = camera_node(source)
        keeper = Keeper(
            monitor,
            Settings(config_path, config),
            source,
            node,
            wanted=profile,
            patient=detached,
        )
        keeper.renew_lock = lock.renew
        # After the event in hand, so that nothing is lost.
        stack.enter_context(handled(_ENDING, lambda *_: keeper.inbox.put(_Stop())))
        stack.enter_context(_watching(keeper))
        stack.enter_context(Server(paths.control_socket(), keeper.handle))
        tray = stack.enter_context(Tray(wanted=config.service.tray and detached))
        keeper.others = lambda: [pid for pid in (tray.pid,) if pid is not None]
        if detached:
            background.settle()
            log.info("started (process %d)", os.getpid())
        console.print(opening(keeper.name, chosen_profile, True, notifier))
        memory.settle()
        keeper.run()
        console.print(closing(monitor))
        log.info("stopped")
    if store.trouble:
        raise UserError(f"not all that was seen could be kept: {store.trouble}")


def shown_name(source: str) -> str:
    """Return a source fit to be shown: an address without user, password and query."""
    return without_secrets(source) if "://" in source else source


def camera_node(source: str) -> str:
    """Return the device node of a camera of this machine; empty for all else."""
    number = camera_number(source)
    return "" if number is None else f"/dev/video{number}"


@contextlib.contextmanager
def _watching(keeper: Keeper) -> Iterator[None]:
    """Hear of a locked screen, a sleeping machine, and of others who use the camera."""
    presence = open_presence()
    presence.start(keeper.inbox.put)
    with contextlib.ExitStack() as stack:
        stack.callback(presence.close)
        if keeper.node and keeper.monitor.config.camera.calls != "ignore":
            from posture_monitor.sensing.camera_users import CameraWatch

            watch = CameraWatch(keeper.node, keeper.camera_held, keeper.own_pids, on_node=keeper.camera_there)
            watch.start()
            stack.callback(watch.close)
        yield
