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
import numpy.typing as npt

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.capture import MOST_SPREAD
from posture_monitor.posture.metrics import (
    HIP_MARGIN,
    ROW,
    SURE_SIZE,
    VISIBLE,
    Measurement,
    Needs,
    Reason,
    measure,
)
from posture_monitor.posture.reading import VIEWS, View
from posture_monitor.service.collected import Collected
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
#: Below the first size (px/cm at 640 px picture height) a head is too small to measure,
#: below the second it could well be larger; at desks it is 5 to 15.
TOO_FAR, FAR = 0.75 * SURE_SIZE, 4.0
#: The nose this near (cm) to the picture's upper edge: the eyes, 4 cm above it, leave the picture.
CUT_OFF_CM: Final = 6.0
#: A level head seen as nodded by so much (degrees) is seen from well below or above:
#: 7.5° make 0.1 m at the usual distance, and people at their webcams have -10° to 20°.
FROM_BELOW_DEG, FROM_ABOVE_DEG = -18.0, 28.0
#: A face turned this much further (degrees) than its trunk looks elsewhere.
LOOKS_AWAY_DEG: Final = 30.0


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
    DONE = "done"  #: there is a neutral posture


class Kind(enum.Enum):
    """What a note means for the capture."""

    SEEN = "seen"  #: as it should be
    FINE = "fine"  #: not seen, and not needed; or could be better
    AMISS = "amiss"  #: to be mended first


@dataclass(frozen=True)
class Note:
    """One line about what is seen and what is not."""

    kind: Kind
    text: str


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
    neutral
        The posture learnt, once it is.
    """

    step: Step
    say: str
    hint: str = ""
    notes: tuple[Note, ...] = ()
    left_s: float = 0.0
    progress: float = 0.0
    still: float = 0.0
    neutral: Neutral | None = None


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
_LIGHT: Final = {
    Reason.DARK: "Too dark: turn to the window, or switch on a light",
    Reason.COVERED: "The camera is covered: open its shutter",
    Reason.BLURRED: "The picture is blurred: wipe the lens",
}


def notes_of(seen: Seen, measured: Measurement, aim: Aim | None = None) -> tuple[Note, ...]:
    """Return what is to be said of one frame, the most pressing first.

    Parameters
    ----------
    seen
        The frame.
    measured
        Its metrics, ``N = 1``.
    aim
        Of the capture: whoever is to look down need not face the screen.
    """
    if seen.doubt in _LIGHT:
        return (Note(Kind.AMISS, _LIGHT[seen.doubt]),)
    if not measured.present[0]:
        return (Note(Kind.AMISS, "Nobody is in the picture: sit where the camera sees you"),)
    amiss: list[str] = []
    other: list[Note] = []
    face, shoulders = bool(measured.seen[Needs.FACE, 0]), bool(measured.seen[Needs.SHOULDERS, 0])
    points = seen.landmarks
    view = VIEWS[int(measured.view[0])]
    size, yaw, nod = (float(measured[name][0]) for name in ("face_size", "head_yaw", "head_nod"))
    nose = float(points[lm.NOSE, 1])
    # `face_size` is taken in a picture of 640 pixels' height.
    cut_off = nose * 640.0 < CUT_OFF_CM * (size if math.isfinite(size) else 10.0)
    if seen.doubt is Reason.CROWD:
        amiss.append("Two people are in the picture: calibrate alone")
    if measured.behind[0]:
        amiss.append("Your back is to the camera: face the screen")
    if cut_off:
        amiss.append("Camera too low: lift the laptop, or tilt its lid back")
    if not face:
        amiss.append("Your face is not seen clearly: face the screen")
    elif size < TOO_FAR:
        amiss.append("You are far away: come nearer")
    elif size < FAR and view is not View.SIDE:
        other.append(Note(Kind.FINE, "You are rather far away; nearer is measured more finely"))
    if not shoulders:
        amiss.append(
            "Camera too high: tilt it down until your shoulders show"
            if nose > 0.6
            else "Your shoulders are out of the picture: move back a little"
        )
    if aim is not Aim.DOWN and face and view is View.FRONT and abs(yaw) > LOOKS_AWAY_DEG:
        amiss.append("Your face is turned away: face the screen")
    if face and aim is not Aim.DOWN and view is not View.SIDE:
        if nod < FROM_BELOW_DEG and not cut_off:
            other.append(Note(Kind.FINE, "The camera looks up at you; lifting the laptop helps"))
        elif nod > FROM_ABOVE_DEG:
            other.append(Note(Kind.FINE, "The camera looks down on you; eye height is better"))
    good = []
    if face:
        good.append(Note(Kind.SEEN, "Face"))
    if shoulders:
        good.append(Note(Kind.SEEN, "Shoulders"))
    good.append(_hips(points, view))
    if view is not View.UNKNOWN and face and shoulders:
        good.append(Note(Kind.SEEN, _FROM[view]))
    return (*(Note(Kind.AMISS, text) for text in amiss), *other, *good)


_FROM: Final = {
    View.FRONT: "Seen from the front",
    View.OBLIQUE: "Seen from the front and a side",
    View.SIDE: "Seen from the side",
}


def _hips(points: npt.NDArray[np.float32], view: View) -> Note:
    hips = points[[lm.LEFT_HIP, lm.RIGHT_HIP]]
    inside = (np.abs(hips[:, :2] - 0.5) < 0.5 - HIP_MARGIN).all(axis=1) & (hips[:, 3] >= VISIBLE)
    if inside.all() or (view is View.SIDE and inside.any()):
        return Note(Kind.SEEN, "Hips")
    if view is View.FRONT:
        return Note(Kind.FINE, "Hips hidden, that is fine")
    return Note(Kind.FINE, "Hips hidden: the trunk's angle cannot be measured")


class Guide:
    """Leads one capture from the first look to a neutral posture.

    Parameters
    ----------
    seconds
        How long the posture is to be kept.
    aim
        What for.
    name
        Of the neutral posture.
    """

    def __init__(self, seconds: float = 25.0, aim: Aim | None = None, name: str = "sitting") -> None:
        self.seconds = seconds
        self.aim = aim
        self.name = name if aim in (None, Aim.ADD) else str(aim.value)
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
        notes = notes_of(seen, measured, self.aim)
        amiss = next((note.text for note in notes if note.kind is Kind.AMISS), "")
        still = self._stillness(t_s, measured)
        # Looking down is no stillness of the head.
        ready = not amiss and (still >= STILL_TO_BEGIN or self.aim is Aim.DOWN)
        going_on = (
            not amiss and (still >= STILL_TO_GO_ON or self.aim is Aim.DOWN) and not self._strayed(measured)
        )
        well = going_on if self._step is Step.CAPTURING else ready
        if well or math.isnan(self._well_s):
            self._well_s = t_s
        lost = not well and t_s - self._well_s >= GRACE_S
        if self._step is Step.LOOKING and well:
            self._enter(Step.SETTLING, t_s)
        elif lost and self._step is not Step.LOOKING:
            if self._step is Step.CAPTURING:
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
            return self.finish(t_s, notes)
        say = _KEEP[self.aim] if well else amiss or "Sit still"
        return replace(shown, say=say, hint="", left_s=self.seconds - passed, progress=passed / self.seconds)

    def tell(self, hint: str) -> None:
        """Show this line until the next capture begins."""
        self._hint = hint

    def finish(self, t_s: float = math.nan, notes: tuple[Note, ...] = ()) -> Guidance:
        """Make a neutral posture of what was captured, also before its time where a recording ends.

        A capture that is too poor starts over, and the hint says why.
        """
        try:
            neutral = self.kept.neutral(steady=self.aim is not Aim.DOWN, name=self.name)
        except ValueError as error:
            self._hint = f"Once more: {error}"
            self._enter(Step.LOOKING, t_s)
            return Guidance(Step.LOOKING, _ASK[self.aim], self._hint, notes)
        self._step = Step.DONE
        self._done = Guidance(Step.DONE, "Done", notes=notes, progress=1.0, still=1.0, neutral=neutral)
        return self._done

    def _enter(self, step: Step, t_s: float) -> None:
        self._step, self._since_s = step, t_s
        self._well_s = t_s
        self.kept = Collected()
        if step is Step.CAPTURING:
            self._hint = ""

    def _stillness(self, t_s: float, measured: Measurement) -> float:
        """Return how still head and face have been lately: 1 like a picture, 0 too much to calibrate."""
        width = float(measured.shoulders[0])
        face = float(measured["face_size"][0])
        if not (math.isfinite(width) and math.isfinite(face)):  # what came before a blink still counts
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


@dataclass(frozen=True)
class Quality:
    """How good a captured posture is: a word, and why, in plain words; `score` 0..1."""

    word: str
    why: str
    score: float


def quality_of(neutral: Neutral, frames: Collected) -> Quality:
    """Return how good a capture is: how still it was kept, how large the head is, how often all was well."""
    measured = frames.measured()
    well = frames.doubts.count(Reason.OK) / len(frames)
    steady = 1.0 - max(
        (neutral.spread[ROW[name]] / most) for name, most in MOST_SPREAD.items() if np.isfinite(neutral[name])
    )
    near = min(1.0, neutral["face_size"] / (2 * SURE_SIZE))
    sure = float(np.median(measured.confidence[measured.present]))
    parts = {
        "steady": min(1.0, 0.4 + steady),
        "near": near if neutral.view is not View.SIDE else 1.0,
        "sure": sure * well,
    }
    score = min(parts.values())
    word = "Very good" if score >= 0.9 else "Good" if score >= 0.65 else "Usable"
    if score >= 0.65:
        why = "steady and clearly seen"
    else:
        why = {
            "steady": "you moved a little, so posture is judged more loosely",
            "near": "you are far from the camera, so posture is judged more loosely",
            "sure": "face and shoulders were not always seen clearly",
        }[min(parts, key=lambda name: parts[name])]
    return Quality(word, why, score)


#: What can be measured of a posture, in plain words, by the metrics of which one will do.
_WHAT: Final = (
    (("head_height",), "head sinking towards the shoulders"),
    (("distance",), "distance from the screen"),
    (("trunk_incl",), "trunk leaning forward or back"),
    (("neck_incl", "fsr"), "head carried forward"),
    (("head_roll",), "head tilted"),
    (("shoulder_tilt",), "one shoulder lower"),
    (("lateral_head",), "leaning sideways"),
)


def measurable(neutral: Neutral) -> tuple[list[str], list[str]]:
    """Return what can be measured from where the camera is, and what cannot, in plain words."""
    can: list[str] = []
    cannot: list[str] = []
    for names, text in _WHAT:
        (can if any(name in neutral.measurable for name in names) else cannot).append(text)
    return can, cannot


def why_not(neutral: Neutral) -> str:
    """Return in one sentence what keeps the rest from being measured, and what would help."""
    if neutral.view is View.FRONT:
        return "That takes a camera at your side that sees shoulders and hips."
    if neutral.view is View.SIDE:
        return "That takes a camera in front of you."
    return (
        "That takes a camera that sees your hips as well." if "trunk_incl" not in neutral.measurable else ""
    )
