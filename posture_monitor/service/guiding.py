"""Guided calibration as a state machine: frames go in, what to say now comes out.

No window, no terminal, no clock: time is the frames' own. The window and the
terminal's panel both show what `Guide.step` returns, and a test can play a
capture in moments.

A capture begins by itself once nothing is amiss and the user has been still for
`SETTLE_S`; it starts over, kindly, when something stays amiss for `GRACE_S`.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from posture_monitor.posture.capture import MOST_SPREAD
from posture_monitor.posture.metrics import Measurement, measure
from posture_monitor.service.collected import Collected
from posture_monitor.service.framing import Kind, Note, notes_of
from posture_monitor.service.looking import Seen

#: All must have been well for this long before a capture begins.
SETTLE_S: Final = 3.0
#: What is amiss for less than this, a blink of the model, changes nothing.
GRACE_S: Final = 1.2
#: Stillness is told from this much time.
STILL_S: Final = 1.5
#: Stillness (0..1) that is needed to begin, and below which a capture starts over.
STILL_TO_BEGIN, STILL_TO_GO_ON = 0.4, 0.1
#: Spread of the head's place sideways (shoulder widths) at which nobody is still. A
#: glance aside moves the head so, and does a capture no harm.
MOST_SHIFT: Final = 0.3
#: A head that has left its place by this much (shoulder widths) is another posture.
STRAYED: Final = 0.45


class Aim(str, enum.Enum):
    """What a capture is for, beyond a profile's first neutral posture."""

    REANCHOR = "reanchor"
    SLOUCH = "slouch"
    DOWN = "down"
    ADD = "add"


class Step(enum.Enum):
    """How far the capture has come."""

    LOOKING = "looking"  #: something is amiss, or nobody is still yet
    SETTLING = "settling"  #: all is well: a short countdown runs
    CAPTURING = "capturing"  #: the posture is being learnt
    DONE = "done"  #: the posture was kept for long enough


@dataclass(frozen=True)
class Guidance:
    """What to show after a frame.

    Attributes
    ----------
    step
        How far it has come.
    say
        The one thing to tell the user now.
    hint
        A line under it, may be empty.
    notes
        What is seen and what is not, the most pressing first.
    left_s
        Seconds that the countdown or the capture has left.
    progress
        Of the capture, 0..1.
    still
        How still the user is, 0..1.
    """

    step: Step
    say: str
    hint: str = ""
    notes: tuple[Note, ...] = ()
    left_s: float = 0.0
    progress: float = 0.0
    still: float = 0.0


_ASK: Final = {
    None: "Sit as you would like to sit, and look at the screen",
    Aim.REANCHOR: "Sit as you do when upright",
    Aim.SLOUCH: "Slouch as you usually do",
    Aim.DOWN: "Stay upright and look down at the keyboard",
    Aim.ADD: "Take the posture you would like to have",
}
_KEEP: Final = {
    None: "Good. Keep that, and breathe",
    Aim.REANCHOR: "Good. Keep that",
    Aim.SLOUCH: "Good. Stay slouched",
    Aim.DOWN: "Good. Keep looking down",
    Aim.ADD: "Good. Keep that",
}


class Guide:
    """Leads one capture from the first look to a posture that was kept for long enough.

    Parameters
    ----------
    seconds
        How long it is to be kept.
    aim
        What for.

    Attributes
    ----------
    kept
        The frames of the capture.
    """

    def __init__(self, seconds: float = 25.0, aim: Aim | None = None) -> None:
        self.seconds = seconds
        self.aim = aim
        self.kept = Collected()
        self._recent: deque[tuple[float, float, float, float]] = deque()
        self._step = Step.LOOKING
        self._since_s = math.nan
        self._well_s = math.nan
        self._hint = ""
        self._done: Guidance | None = None

    def step(self, seen: Seen) -> Guidance:
        """Take in a frame, and return what to show."""
        if self._done is not None:
            return self._done
        t_s = seen.frame.t_s
        measured = measure(seen.landmarks[None], seen.size)
        notes = notes_of(seen, measured, looks_down=self.aim is Aim.DOWN)
        amiss = next((note.text for note in notes if note.kind is Kind.AMISS), "")
        still = self._stillness(t_s, measured)
        capturing = self._step is Step.CAPTURING
        least = STILL_TO_GO_ON if capturing else STILL_TO_BEGIN
        # Looking down is no stillness of the head.
        well = not amiss and (still >= least or self.aim is Aim.DOWN)
        well = well and not (capturing and self._strayed(measured))
        if well:
            self._well_s = t_s
        if self._step is Step.LOOKING and well:
            self._enter(Step.SETTLING, t_s)
        elif t_s - self._well_s >= GRACE_S:
            if capturing:
                self._hint = "No matter: it begins again once you are still"
            self._enter(Step.LOOKING, t_s)
        if self._step is Step.SETTLING and t_s - self._since_s >= SETTLE_S and well:
            self._enter(Step.CAPTURING, t_s)
        shown = Guidance(self._step, _ASK[self.aim], self._hint, notes, still=still)
        if self._step is Step.LOOKING:
            return replace(shown, say=amiss or _ASK[self.aim], hint=self._hint or (amiss and _ASK[self.aim]))
        if self._step is Step.SETTLING:
            left = max(0.0, SETTLE_S - (t_s - self._since_s))
            return replace(shown, hint="It begins by itself", left_s=left)
        self.kept.add(seen)
        passed = t_s - self._since_s
        if passed >= self.seconds:
            return self.finish(notes)
        say = _KEEP[self.aim] if well else amiss or "Sit still"
        return replace(shown, say=say, hint="", left_s=self.seconds - passed, progress=passed / self.seconds)

    def finish(self, notes: tuple[Note, ...] = ()) -> Guidance:
        """Call the capture done, also before its time where a recording ends."""
        self._done = Guidance(Step.DONE, "Done", notes=notes, progress=1.0, still=1.0)
        return self._done

    def again(self, why: str, notes: tuple[Note, ...] = ()) -> Guidance:
        """Start over, as what was captured is too poor; the hint says why until the next capture begins."""
        self._done, self._hint = None, f"Once more: {why}"
        self._enter(Step.LOOKING, math.nan)
        return Guidance(Step.LOOKING, _ASK[self.aim], self._hint, notes)

    def _enter(self, step: Step, t_s: float) -> None:
        self._step, self._since_s = step, t_s
        self.kept = Collected()
        if step is Step.CAPTURING:
            self._hint = ""

    def _stillness(self, t_s: float, measured: Measurement) -> float:
        """Return how still head and face have been lately: 1 like a picture, 0 too much to calibrate."""
        width = float(measured.shoulders[0])
        face = float(measured["face_size"][0])
        if not math.isfinite(face):  # what came before a blink still counts
            return 0.0
        shift, drop = (float(measured[name][0]) for name in ("head_shift", "head_drop"))
        self._recent.append((t_s, shift, drop, face))
        while self._recent and not 0 <= t_s - self._recent[0][0] <= STILL_S:
            self._recent.popleft()
        if t_s - self._recent[0][0] < 0.4 * STILL_S:  # too little to tell
            return 0.0
        rows = np.array(self._recent)[:, 1:]
        spread = rows.std(axis=0)
        # The limits of a capture hold for half a minute; so little time sees half of that.
        moved = max(
            float(spread[0]) / width / MOST_SHIFT,
            float(spread[1]) / width / (MOST_SPREAD["head_drop"] / 2),
            100 * float(spread[2] / rows[:, 2].mean()) / (MOST_SPREAD["face_size"] / 2),
        )
        return max(0.0, min(1.0, 1.0 - moved))

    def _strayed(self, measured: Measurement) -> bool:
        """Return whether the head has left the place at which this capture began."""
        if len(self.kept) < 5:
            return False
        first = self.kept.measured(most=15)
        width = float(np.nanmedian(first.shoulders))
        away = [
            float(measured[name][0]) - float(np.nanmedian(first[name]))
            for name in ("head_shift", "head_drop")
        ]
        return math.hypot(*away) / width > STRAYED
