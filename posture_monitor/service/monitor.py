"""The monitor: where the rooms meet.

It takes a frame, pushes it down the pipe (landmarks, metrics, verdict, state,
dose) and hands the effects that come out to the outlets: the history and the
notification channels. It decides nothing itself.
"""

from __future__ import annotations

import datetime as dt
import logging
import math
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from posture_monitor.errors import UserError
from posture_monitor.history.store import Store
from posture_monitor.history.timeline import utc_offset_s
from posture_monitor.posture import breaks, dose, nudge, sampling, seat, session, steady
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.metrics import NAMES, Reason
from posture_monitor.posture.reading import LONGEST_SPOKEN_S, VERDICTS, Reading, Verdict
from posture_monitor.posture.session import Moment, Session
from posture_monitor.posture.sustained import RISE_NAME, Sustained
from posture_monitor.service import browser, end_of_day
from posture_monitor.service.looking import Seen
from posture_monitor.service.profile import Profile, is_standing, limits_of
from posture_monitor.service.profile_file import write_back
from posture_monitor.service.reader import read
from posture_monitor.service.reanchoring import Reanchoring, Wish
from posture_monitor.service.reminders import Reminders
from posture_monitor.service.resting import Resting
from posture_monitor.service.status import Status
from posture_monitor.service.status_text import headline
from posture_monitor.telling import words
from posture_monitor.telling.notify import Action, Notifier
from posture_monitor.telling.quiet import QuietGate

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config

log = logging.getLogger(__name__)

#: So many seconds before a break may be suggested the desktop is asked often whether it wants quiet.
SOON_S = 60.0
#: "Wrong reminder" widens the limit of the metric that drove it by this factor,
#: up to this many times the usual.
WIDEN_BY, WIDEST = 1.25, 2.0
#: How long the snooze button holds.
SNOOZE_S = 15 * 60.0


@dataclass
class Monitor:
    """Everything the loop holds between frames.

    Attributes
    ----------
    interval_s
        Scheduled seconds to the next reading.
    live
        Whether the source is a camera.
    pace
        How often a live source is looked at; None looks always at `interval_s`.
    ask_desktop
        Hold notifications back while the desktop says so. Of a recording from
        another time it says nothing.
    seat
        Which of the profile's neutrals is in force, and what that rests on.
    gate
        When to hold notifications back.
    """

    config: Config
    profile: Profile
    store: Store
    notifier: Notifier
    console: Console
    interval_s: float
    live: bool = True
    pace: sampling.Pace | None = None
    ask_desktop: bool = False
    seat: seat.Seat = field(default_factory=seat.Seat)
    session: Session = field(default_factory=Session)
    nudges: nudge.Nudges = field(default_factory=nudge.Nudges)
    sitting: breaks.Breaks = field(default_factory=breaks.Breaks)
    gate: QuietGate = field(default_factory=QuietGate)
    readings: int = 0
    seconds: dict[Verdict, float] = field(default_factory=dict)
    wall_s: float = math.nan
    in_call: bool = False
    on_battery: bool = False
    may_skip: bool = False
    resting: Resting | None = None
    rested_since_s: float = math.nan
    reading: Reading | None = None
    sampling: sampling.Sampling = field(default_factory=sampling.Sampling)
    _reanchoring: Reanchoring = field(default_factory=Reanchoring)
    _told: Verdict | None = None
    _steps_s: deque[float] = field(default_factory=lambda: deque(maxlen=9))
    evening: end_of_day.EndOfDay = field(default_factory=end_of_day.EndOfDay)
    _source: str | None = None
    #: What was learnt of who sat in the other neutral postures of this profile.
    _habits: dict[str, Sustained] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.reminders = Reminders(self.notifier, self.store)
        self.configure(self.config)

    def configure(self, config: Config) -> None:
        """Take over settings, at the start and when they have changed meanwhile."""
        self.config, policy = config, config.alert.policy
        self.policy = nudge.Policy(dose.Policy(policy.poor_hold_s), policy.cooldown_s, policy.max_per_hour)
        self.evening.tell_at(config.report.end_of_day)
        self.break_policy = breaks.Policy(config.breaks.sit_bout_s, config.breaks.motionless_s)
        self.gate.configure(config.quiet.hours, respect_dnd=config.quiet.respect_dnd and self.ask_desktop)
        self._tuned()

    def begin(self, source: str) -> None:
        """Begin a recording of this source in the history, judged against the neutral in force."""
        self._source = source
        centre = zip(NAMES, self.neutral.centre.tolist(), strict=True)
        self.store.begin(
            source,
            live=self.live,
            profile=self.profile.name,
            neutral={name: value for name, value in centre if math.isfinite(value)},
        )

    def use(self, profile: Profile) -> None:
        """Judge against another profile from the next frame on."""
        self.profile, self.seat, self.session, self._habits = profile, seat.Seat(), Session(), {}
        self._reanchoring.wish = None  # its frames are of where the other one was judged
        self.nudges = nudge.judged_anew(self.nudges)
        self._tuned()

    def learnt(self) -> dict[str, Sustained]:
        """Return what was learnt of this person, by the name of the neutral posture."""
        return {**self._habits, self.neutral.name: self.session.sustained}

    def recall(self, known: Mapping[str, Sustained]) -> None:
        """Begin with what was learnt before, as `learnt` gave it."""
        self._habits = dict(known)
        self.session = replace(self.session, sustained=known.get(self.neutral.name, Sustained()))

    def _sit_anew(self, before: Neutral) -> None:
        """Judge against another neutral posture from the next frame on, and record by it."""
        self._habits[before.name] = self.session.sustained
        known = self._habits.get(self.neutral.name)
        sustained = Sustained() if known is None else Sustained.from_learnt(known.to_learnt())
        self.session = Session(sustained=sustained)
        if self._source is not None:
            self.begin(self._source)

    @property
    def state(self) -> Verdict:
        """The steady state now."""
        return self.session.state

    @property
    def longest_gap_s(self) -> float:
        """Return for how long the latest reading may speak when the next one is late, in seconds.

        It hangs on the wait that was planned after *that* reading: to be asked before `interval_s` says
        how long the next wait is to be.
        """
        return min(2 * self.interval_s + 0.5, LONGEST_SPOKEN_S)

    @property
    def neutral(self) -> Neutral:
        """The neutral posture in force."""
        return self.profile.neutrals[self.seat.index]

    @property
    def _standing(self) -> bool:
        """Whether the neutral posture in force is one of standing."""
        return is_standing(self.neutral.name)

    def _tuned(self) -> None:
        self.limits = limits_of(self.config, self.profile)

    # ------------------------------------------------------------------ in

    def take(self, seen: Seen, *, moved: bool = True) -> Reading:
        """Take in one frame and act on what follows from it.

        Parameters
        ----------
        moved
            Whether anything moved in the picture since the frame before.
        """
        reading, moment = self._weighed(*read(seen, self.neutral, self.limits))
        t_s, self.wall_s = reading.t_s, seen.frame.wall_s
        if not self.live:
            self._follow_spacing(t_s)
        before, gap_s = self.state, self.longest_gap_s
        passed_s = t_s - self.reading.t_s if self.reading is not None else 0.0
        if 0.0 < passed_s <= gap_s:
            self.seconds[before] = self.seconds.get(before, 0.0) + passed_s
        self.readings += 1
        self.reading, self.resting = reading, None
        steadiness = steady.Policy(self.config.judge.window_s, self.interval_s)
        self.session = session.step(self.session, steadiness, t_s, moment)
        self._take_seat(reading)
        self._plan(reading, moved)
        self._anchor(seen)
        self._keep(reading, seen, gap_s)
        # Of who could not be judged, it may have been somebody else who moved.
        deviations = reading.deviations if breaks.present(reading.verdict) else {}
        self._follow(t_s, self.state, self._cause(reading), deviations)
        if self.state is not before or self._told is None:
            self._say_state()
        return reading

    def _weighed(self, reading: Reading, moment: Moment) -> tuple[Reading, Moment]:
        """Let landmarks that have trembled lately lower the confidence, of a stream."""
        if not self.live or reading.verdict in (Verdict.UNKNOWN, Verdict.AWAY):
            return reading, moment
        reading = replace(reading, confidence=reading.confidence * self.session.jitter.sureness)
        if reading.confidence >= self.config.judge.min_confidence:
            return reading, moment
        return (
            replace(reading, verdict=Verdict.UNKNOWN, reason=Reason.UNSURE.value),
            replace(moment, verdict=Verdict.UNKNOWN, reason=Reason.UNSURE),
        )

    def rest(self, t_s: float, wall_s: float, resting: Resting, beat_s: float) -> None:
        """Note that nothing is looked at now, and why; `beat_s` are the seconds to the next such note."""
        gap_s = self.longest_gap_s
        self.wall_s, self.interval_s, self.reading = wall_s, beat_s, None
        if resting != self.resting:
            self.console.print(f"{_clock(wall_s)}  {resting.state}: {resting.reason}")
            self._told, self.rested_since_s, self._reanchoring.wish = None, t_s, None
        self.resting = resting
        self.store.heartbeat(wall_s, utc_offset_s(wall_s), resting.state, resting.reason, gap_s=gap_s)
        self._follow(t_s, resting.activity, nudge.NO_CAUSE, {})

    def _plan(self, reading: Reading, moved: bool) -> None:
        """Settle when to look again."""
        if self.pace is None:
            return
        self.sampling, plan = sampling.step(
            self.sampling, self.pace, reading.t_s, self.session.steady, moved, self.on_battery
        )
        self.interval_s, self.may_skip = plan.wait_s, plan.may_skip
        if self._reanchoring.wish is not None:  # its frames are wanted soon
            self.interval_s, self.may_skip = min(self.interval_s, self.config.camera.interval_s), False

    def _follow(
        self, t_s: float, activity: dose.Activity, cause: nudge.Cause, deviations: Mapping[str, float]
    ) -> None:
        """Let the dose, the breaks and the notifications follow from what this moment was."""
        self._reanchoring.ask |= self.session.place.ask
        soon = (
            dose.strays(activity)
            or self._reanchoring.ask
            or breaks.wait_s(self.sitting, self.break_policy) < SOON_S
        )
        quiet = self._is_quiet(t_s, soon)
        self._ask_to_reanchor(quiet)
        for action in self.notifier.poll():
            self._answer(action, t_s)
        self.nudges, effects = nudge.step(
            self.nudges, self.policy, t_s, activity, self.interval_s, cause, quiet, self.session.steady.index
        )
        self._act(effects)
        if self.config.breaks.enabled:
            blind = self.resting is not None and activity is Verdict.UNKNOWN
            self.sitting, rest = breaks.step(
                self.sitting,
                self.break_policy,
                t_s,
                dose.PAUSED if blind else activity,  # without a camera as little is known as in a pause
                self.interval_s,
                deviations=deviations,
                standing=self._standing,
                quiet=quiet or nudge.snoozed_s(self.nudges) > 0,
            )
            self._act_on_breaks(rest)
        if self.live and (date := self.evening.due(self.wall_s)) is not None:
            self._sum_up(date)

    def _follow_spacing(self, t_s: float) -> None:
        """Take a recording's own spacing for the schedule where it is wider than the camera's would be."""
        if self.reading is not None:
            self._steps_s.append(t_s - self.reading.t_s)
            self.interval_s = max(
                self.config.camera.interval_s, sorted(self._steps_s)[len(self._steps_s) // 2]
            )

    def _take_seat(self, reading: Reading) -> None:
        """Judge from the next frame on against the neutral of the seat that was taken."""
        if len(self.profile.neutrals) < 2:
            return
        look = seat.Look(
            reading.t_s, *(reading.metrics[name] for name in ("face_size", "head_shift", "head_drop"))
        )
        before = self.neutral
        self.seat = seat.step(self.seat, self.profile.neutrals, look)
        if self.neutral is not before:
            self._sit_anew(before)
            self.console.print(f"Judged against {self.neutral.name} now.")

    def _is_quiet(self, t_s: float, soon: bool) -> bool:
        """Say whether to hold back now; once it is over, tell what was held back meanwhile."""
        now = dt.datetime.fromtimestamp(self.wall_s)
        quiet = self.gate.look(t_s, now, in_call=self.in_call, soon=soon)
        if (summary := self.gate.summary()) is not None:
            self.say(summary)
        return quiet

    def _keep(self, reading: Reading, seen: Seen, gap_s: float) -> None:
        now, offset_s = self.session.steady, utc_offset_s(self.wall_s)
        self.store.heartbeat(self.wall_s, offset_s, now.state.value, now.reason, gap_s=gap_s)
        self.store.sample(
            self.wall_s,
            reading.deviations,
            self.session.sustained.index,
            verdict=reading.verdict.value,
            view=reading.view.value,
            confidence=reading.confidence,
            landmarks=seen.landmarks,
        )

    def _cause(self, reading: Reading) -> nudge.Cause:
        driver = self.session.steady.driver or reading.driver
        deviation = reading.deviations.get(driver, math.nan)
        if driver == "head_drop":  # where the camera or the chair has been moved to is no posture
            rise = self.session.sustained.name == RISE_NAME
            deviation = math.nan if rise else deviation - self.session.place.offset_y
        return nudge.Cause(driver, deviation)

    # ----------------------------------------------------------------- out

    def _act(self, effects: nudge.Effects) -> None:
        for effect in effects:
            if isinstance(effect, nudge.Alert):
                self.reminders.alert(effect, self.wall_s, standing=self._standing)
            elif isinstance(effect, nudge.Withdraw):
                self.reminders.withdraw(effect.alert_id)
            elif isinstance(effect, nudge.Outcome):
                self.reminders.outcome(effect, self.wall_s)
            else:
                self.gate.hold()

    def _act_on_breaks(self, effects: breaks.Effects) -> None:
        for effect in effects:
            if isinstance(effect, breaks.Suggestion):
                self.reminders.suggest(effect, self.wall_s)
            else:
                self.reminders.taken(effect, self.wall_s)

    def _sum_up(self, date: dt.date) -> None:
        """Tell the day in one line."""
        if not self.store.flush():  # reading would hold up the loop, and half of the sum is none
            return
        try:
            text = end_of_day.line(self.store.path, date, self.wall_s)
        except UserError as error:
            log.warning("%s", error)
            return
        sent = self.reminders.send(text, buttons=(end_of_day.BUTTON,))
        self.evening.sent(sent.id, date)

    def _answer(self, action: Action, t_s: float) -> None:
        """Do what a button asked for."""
        alert = self.reminders.answered(action.sent_id)
        if (date := self.evening.asked(action)) is not None:
            try:
                browser.open_report(date)
            except UserError as error:
                log.warning("%s", error)
        elif action.name == "reanchor":
            if alert is not None or action.sent_id == self._reanchoring.question_id:
                self._reanchoring.wish = Wish(alert.alert_id if alert else None, action.sent_id)
        elif action.name == "snooze":
            self.snooze(t_s, SNOOZE_S)
        elif alert is None:
            return
        elif action.name == "wrong":
            self._widen(alert.metric)
            self._respond(alert.alert_id, nudge.Response.WRONG)
        elif action.name == "dismissed":
            self._respond(alert.alert_id, nudge.Response.DISMISSED)

    def _respond(self, alert_id: int, response: nudge.Response) -> None:
        """Let the dose and what is shown follow from the user's answer to an alert."""
        self.nudges, effects = nudge.respond(self.nudges, self.policy, alert_id, response)
        self._act(effects)

    def say(self, text: words.Text) -> None:
        """Show a notification that asks for nothing."""
        self.reminders.send(text)

    def snooze(self, t_s: float, seconds: float) -> None:
        """Show nothing for some seconds; 0 ends it."""
        self.nudges, effects = nudge.snooze(self.nudges, t_s, seconds)
        self._act(effects)

    def reanchor(self) -> None:
        """Look on for some seconds and judge from where camera and chair are now."""
        self._reanchoring.wish = Wish()

    def _ask_to_reanchor(self, quiet: bool) -> None:
        """Ask once, when it is not quiet, whether the camera or the chair has moved."""
        if self._reanchoring.ask and not quiet:
            self._reanchoring.ask = False
            sent = self.reminders.send(words.reanchor_text(), buttons=("reanchor",))
            self._reanchoring.question_id = sent.id

    def _anchor(self, seen: Seen) -> None:
        """Gather frames for a re-anchoring that was asked for; then judge from the new place on."""
        wish, before = self._reanchoring.gathered(seen), self.neutral
        if wish is None:
            return
        try:
            self.profile = wish.collected.re_anchored(self.profile, self.seat.index)
        except ValueError as error:
            self.console.print(f"Neutral not set anew: {error}")
            log.info("neutral not set anew: too little was seen of somebody who sat still")
            self.say(words.not_reanchored_text())
            return
        self._sit_anew(before)
        self._keep_profile()
        self.console.print("Neutral set anew: judged from the new place on.")
        log.info("neutral set anew")
        self.say(words.reanchored_text())
        if wish.alert_id is not None:
            self._respond(wish.alert_id, nudge.Response.REANCHORED)
        elif wish.sent_id:
            self.notifier.withdraw(wish.sent_id)

    def _widen(self, metric: str) -> None:
        """Give the metric that drove a wrong alert more room, for this profile."""
        if not metric:
            return
        factor = min(self.profile.tuning.get(metric, 1.0) * WIDEN_BY, WIDEST)
        self.profile = replace(self.profile, tuning={**self.profile.tuning, metric: factor})
        self._tuned()
        self._keep_profile()

    def _keep_profile(self) -> None:
        """Write a profile of the user's own back to its file."""
        if self.profile.starter:
            return
        try:
            self.profile = write_back(self.profile)
        except UserError as error:
            log.warning("%s", error)

    def _say_state(self) -> None:
        """Say the state as `status` does."""
        now = self.session.steady
        self._told = now.state
        told = Status(activity="watching", state=now.state.value, reason=now.reason, driver=now.driver)
        self.console.print(f"{_clock(self.wall_s)}  {headline(told, self.wall_s, held=False).plain}")


def _clock(wall_s: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(wall_s))


def opening(name: str, profile: Profile, live: bool, notifier: Notifier) -> str:
    """Return the line that says what is about to be watched."""
    against = (
        "starter limits (make them your own with `posture-monitor calibrate`)"
        if profile.starter
        else f"profile {profile.name!r}"
    )
    until = "Ctrl-C stops it" if live else "to its end"
    watched = f"camera {name}" if name.isdigit() else name
    return f"Watching {watched} against {against}; reminders by {notifier.name}; {until}."


def closing(monitor: Monitor) -> str:
    """Return the line that says what was seen."""
    if not monitor.readings:
        return "Nothing was seen."
    total = sum(monitor.seconds.values())
    parts = ", ".join(
        f"{state} {words.percent(monitor.seconds[state] / total)}"
        for state in VERDICTS
        if monitor.seconds.get(state)
    )
    shares = f": {parts} of the time" if parts else ""
    pictures = words.counted(monitor.readings, "picture")
    return f"{pictures}{shares}; {words.counted(monitor.reminders.count, 'reminder')}."
