"""The background service: one loop that lives on one inbox.

Everything that happens arrives as an event: what the eye saw, what the user
asked, a locked screen, a call that takes the camera. Between events it sleeps.
While there is a reason not to look (a pause, a lock, a call, the evening) there
is no eye process, and so the camera is closed and the model's memory is free;
that time is written down as what it is.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import math
import os
import queue
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from posture_monitor import memory
from posture_monitor.errors import UserError
from posture_monitor.history.timeline import told_state
from posture_monitor.posture.sampling import Pace
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.sight import Blind, Place, Sight, Want
from posture_monitor.sensing.sources import without_secrets
from posture_monitor.service import in_use, posture_status, power
from posture_monitor.service.choice import Choice
from posture_monitor.service.clock import clock_s, follow_zone
from posture_monitor.service.events import CameraHeld, Command, PluggedIn, Stop
from posture_monitor.service.eye import EyeKeeper, Looked
from posture_monitor.service.held import NOTHING, Held
from posture_monitor.service.lock import AlreadyRunning
from posture_monitor.service.looking import Seen, chosen
from posture_monitor.service.monitor import Monitor
from posture_monitor.service.outage import Outage
from posture_monitor.service.presence import Away
from posture_monitor.service.resting import Closures, Pause, Resting, unseeing
from posture_monitor.service.settings import Settings
from posture_monitor.service.status import Camera, Status
from posture_monitor.service.tally import Tally
from posture_monitor.service.usage import Usage
from posture_monitor.service.viewing import Viewing
from posture_monitor.telling import words

if TYPE_CHECKING:
    from posture_monitor.config import Config

log = logging.getLogger(__name__)

#: While nothing is looked at, that is written down this often.
BEAT_S: Final = 4.0
#: While somebody watches the preview there are five looks a second.
VIEWING_S: Final = 0.2
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
#: A loop that has been at one turn for so long waits for a disk, or for a desktop that does not answer.
STUCK_S: Final = 10.0


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
    held
        The pause and the snooze that the monitor before has left.
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
        held: Held = NOTHING,
        patient: bool = True,
    ) -> None:
        config = settings.config
        self.monitor, self.settings = monitor, settings
        camera = config.camera
        self.place = Place(source, camera.width, camera.height, camera.interval_s, config.model.own)
        #: Fit to be shown: an address without user, password and query.
        self.name = without_secrets(source) if "://" in source else source
        self.node, self._patient = node, patient
        self.inbox: queue.Queue[object] = queue.Queue()
        self.eye = EyeKeeper(self.inbox.put)
        self.tally = Tally(monitor.store, time.time())
        self.others: Callable[[], list[int]] = list
        self.renew_lock: Callable[[], None] = lambda: None
        self._usage = Usage()
        self._began_at_s = clock_s()
        self.closures, self.outage, self.viewing = Closures(), Outage(), Viewing()
        self._look_at_s = self._beat_at_s = self._tend_at_s = -1.0
        self._keep_at_s = clock_s() + KEEP_S
        self._give_back_at_s = clock_s() + STARTED_S
        self._tidy_at_s = clock_s() + TIDY_S
        self._sight: Sight | None = None
        self._seen: Seen | None = None
        self._stopping = False
        self._working_since_s = math.inf
        self._looks = self._model_runs = 0
        self._alerts_before = 0
        self.choice = Choice(monitor, wanted, self.name)
        #: The settings it was started with, and those that were changed since and wait for another start.
        self._began, self._waits = config, ""
        if held.paused:
            self._pause(held.until_s)
        if held.snoozed_until_s is not None:
            monitor.snooze(clock_s(), held.snoozed_until_s - time.time())
        self._publish()  # it may be asked for before the loop begins

    # ---------------------------------------------------------------- the loop

    def run(self) -> None:
        """Go on until asked to stop, or until a recording is over."""
        try:
            while not self._stopping:
                wake_s = self._turn(clock_s())
                self._publish()
                event = None
                self._working_since_s = math.inf
                with contextlib.suppress(queue.Empty):
                    event = self.inbox.get(timeout=max(0.0, min(wake_s - clock_s(), LONGEST_WAIT_S)))
                self._working_since_s = clock_s()
                self._hear(event)
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
            self._sight = self._seen = self.outage.blind = self.viewing.latest = None
            return min(self._beat(now_s, resting), self._tend_at_s)
        if self.outage.blind is not None and now_s < self._look_at_s:
            return min(self._beat(now_s, unseeing(self.outage.blind)), self._look_at_s)
        limit_s = self.eye.limit_s
        if limit_s is None:
            if now_s < self._look_at_s:
                return self._look_at_s
            limit_s = self.eye.look(self.place, self._wanted(now_s))
        left_s = limit_s - time.monotonic()
        if left_s <= 0:
            self.eye.end()
            self._blinded(Blind("hangs", "the camera does not answer; unplug it and plug it in again"), now_s)
            return now_s
        return now_s + left_s

    def _wanted(self, now_s: float) -> Want:
        viewing, config = self.viewing.watched(now_s), self.monitor.config
        burst = config.camera.mode == "burst" and not viewing
        return Want(
            may_skip=self.monitor.may_skip and self._seen is not None and not viewing,
            picture=viewing,
            neutral=self.monitor.neutral,
            close_after=burst and self.monitor.interval_s >= config.sampling.poor_s,
        )

    def _resting(self) -> Resting | None:
        """Return why the camera is to be closed now, if it is."""
        pause = self.closures.pause
        if pause is not None and pause.is_over(clock_s(), time.time()):
            self._resume()
        if self.closures.holder.has_freed(clock_s()):
            self._heed_call()
            log.info("the camera is free")
        return self.closures.resting(self.monitor.config, time.time())

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
        self.inbox.put(CameraHeld(by))

    def camera_there(self, there: bool) -> None:
        """Hear that the camera was plugged in, or out."""
        if there:
            self.inbox.put(PluggedIn())

    def _hear(self, event: object) -> None:
        if isinstance(event, Looked):
            answer = self.eye.believe(event)
            now_s = clock_s()
            if isinstance(answer, Blind):
                self._blinded(answer, now_s)
            elif answer is not None:
                self._see(answer, now_s)
        elif isinstance(event, Command):
            event.carry_out(self._obey)
        elif isinstance(event, Away):
            if event != self.closures.away:
                log.info("presence: %s", event.reason or "here")
            self.closures.away = event
            self._look_at_s = -1.0
        elif isinstance(event, CameraHeld):
            if self.closures.holder.heard(event.by, clock_s()):
                log.info("the camera is used by another program")
            self._heed_call()
            self._look_at_s = -1.0
        elif isinstance(event, PluggedIn):
            self._look_at_s, self.outage.failures = -1.0, 0
        elif isinstance(event, Stop):
            self._stopping = True

    def _heed_call(self) -> None:
        """Hold notifications back while somebody is in a call, as the settings say."""
        calls = self.monitor.config.camera.calls
        if self.closures.holder.by:
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
        self._look_at_s = now_s + self.outage.failed(blind, now_s)
        self._sight = self._seen = None
        # Said once, when it is not quiet: who believes that posture is watched finds an empty day.
        if not self.monitor.gate.reason and self.outage.to_tell(now_s):
            self.monitor.say(words.blind_text(now_s - self.outage.since_s))

    def _see(self, sight: Sight, now_s: float) -> None:
        self.outage.saw(now_s)
        if sight.warning and not (self._sight and self._sight.warning):
            log.warning("%s", sight.warning)
        self._sight = sight
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
        if self.viewing.watched(now_s):
            self._look_at_s = now_s + min(VIEWING_S, self.monitor.interval_s)
        self.tally.alerts += self.monitor.reminders.count - self._alerts_before
        self._alerts_before = self.monitor.reminders.count
        self.tally.add(sight.wall_s, self.monitor.state.value, self.monitor.longest_gap_s)
        self.choice.check_view(reading, sight)
        self.viewing.latest = sight, self._seen

    def _blind_picture(self, sight: Sight, now_s: float) -> None:
        """Take in a picture that shows nothing: it is no posture, and the lens may be free again soon."""
        self._seen = None
        self._beat_at_s = -1.0
        self._beat(now_s, Resting("unknown", f"camera {sight.trouble}"))
        self._look_at_s = now_s + BEAT_S
        self.viewing.latest = sight, None

    # ----------------------------------------------------------------- commands

    def handle(self, do: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer a command of the control channel; called from its threads."""
        if do == "status":
            return self._told().to_json()
        if do == "look":
            moment = self.viewing.asked(clock_s(), picture=args["picture"])
            self.inbox.put(None)  # wakes the loop, which looks more often now
            return {**moment, "status": self._told().to_json()}
        if do == "stop":
            # Whatever the loop waits for: who asks sees to it that the program ends.
            self.inbox.put(Stop())
            return {}
        command = Command(do, args)
        self.inbox.put(command)
        return command.answer(COMMAND_S)

    def _obey(self, do: str, args: Mapping[str, Any]) -> dict[str, Any]:
        self._stay_found()  # who has asked may look for the lock next
        result = self._carry_out(do, args)
        self._turn(clock_s())  # who asked for a pause is answered once the camera is closed
        self._publish()
        return result

    def _carry_out(self, do: str, args: Mapping[str, Any]) -> dict[str, Any]:
        if do == "pause":
            self._pause(args["until_s"])
        elif do == "resume":
            self._resume()
            self.closures.lent = False
            self.monitor.snooze(clock_s(), 0.0)
            still = self._resting()
            return {} if still is None else {"still": still.reason}
        elif do == "lend":
            self.closures.lent = True
        elif do == "return":
            self.closures.lent = False
            self._look_at_s = self._tend_at_s = -1.0
        elif do == "recount":
            self.tally.begin(time.time())
        elif do == "snooze":
            self.monitor.snooze(clock_s(), args["seconds"])
        elif do == "preset":
            self.settings.choose("alert", "preset", args["name"])
            self._configure()
        elif do == "profile":
            self.choice.use(args["name"])
        elif do == "reanchor":
            if self.monitor.resting is not None or self._seen is None:
                raise UserError("nobody is seen at the moment; sit down before the camera first")
            self.monitor.reanchor()
            self._look_at_s = -1.0
        return {}

    def _pause(self, until_s: float | None) -> None:
        over_s = math.inf if until_s is None else clock_s() + until_s - time.time()
        self.closures.pause = Pause(until_s, over_s)
        log.info("paused")

    def _resume(self) -> None:
        self.closures.pause = None
        self._look_at_s = -1.0
        log.info("resumed")

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
            self.inbox.put(Stop())
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
        sight, blind, resting = self._sight, self.outage.blind, self._resting()
        if resting is not None:
            return self.closures.told(resting)
        if blind is not None:
            return "busy" if blind.trouble == "busy" else "trouble", blind.detail, None
        if sight is None:
            return "starting", "the camera is being opened", None
        if sight.trouble:
            return "trouble", f"the camera's picture is {sight.trouble}", None
        return "watching", "", None

    def _told(self) -> Status:
        """Return the status as put down last; of a loop stuck since then, that nothing is known."""
        stuck_s = clock_s() - self._working_since_s
        if stuck_s < STUCK_S:
            return self._status
        why = f"nothing has been looked at for {stuck_s:.0f} s: a disk or the desktop does not answer"
        return replace(self._status, activity="trouble", why=why, state="unknown", reason="", driver="")

    def _publish(self) -> None:
        """Put down what is to be told of this moment."""
        now_s, wall_s, monitor = clock_s(), time.time(), self.monitor
        activity, why, until_s = self._activity()
        sight, blind = self._sight, self.outage.blind
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
            paused=self.closures.pause is not None,
            camera=camera,
            model_trouble=sight.warning if sight else "",
            looks=self._looks,
            model_runs=self._model_runs,
            cpu_percent=round(self._usage.cpu_percent, 2),
            memory_mb=round(self._usage.memory_mb, 1),
            source=self.name,
        )


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
