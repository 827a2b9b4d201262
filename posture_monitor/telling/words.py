"""Every word of every notification, in one place.

British, plain and kind: what was measured, how far it is from the user's own
neutral, for how long, and one thing to do. No blame and no medical promise:
what the evidence supports is movement, not stiffness (doi 10.5271/sjweh.3949).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from posture_monitor.telling.language import count, mark, say

if TYPE_CHECKING:  # `status` has words to say too, and is to say them at once
    from posture_monitor.posture.breaks import Suggestion
    from posture_monitor.posture.nudge import Alert, Cause
    from posture_monitor.telling.stretches import Move

#: How the program signs its notifications.
APP_NAME: Final = "Posture monitor"
#: The program's picture, of notifications and windows alike.
ICON: Final = Path(__file__).with_name("icon.png")


@dataclass(frozen=True)
class Text:
    """A notification's words, plain: no markup, any character."""

    title: str
    body: str


@dataclass(frozen=True)
class Side:
    """How to speak of a measure that strayed to one side.

    Attributes
    ----------
    title
        Holds ``{amount}``.
    sentence
        Holds ``{amount}`` and ``{time}``.
    action
        One thing to do.
    seated
        It speaks of the seat: whoever stands is told to stand easy instead.
    """

    title: str
    sentence: str
    action: str
    seated: bool = False


@dataclass(frozen=True)
class Measure:
    """Names a metric and speaks of its two sides; `amount` says how a deviation is written.

    `before` speaks of what was compared with the minutes before, and not with neutral; None: it never is.
    `short` is its name where a column is narrow; ``""`` where `name` fits. The windows that have such
    columns speak English.
    """

    name: str
    amount: str
    up: Side
    down: Side
    short: str = ""
    before: Side | None = None


_DEGREES: Final = "{n}°"
_PERCENT: Final = mark("{n}%")
_SHOULDERS: Final = mark("{n}% of a shoulder width")

_HEAD_FORWARD: Final = Side(
    mark("Head forward: {amount}"),
    mark("Your head has been {amount} further forward over your shoulders than neutral {time}."),
    mark("Draw your chin in and bring your ears back over your shoulders."),
)
_HEAD_BACK: Final = Side(
    mark("Head back: {amount}"),
    mark("Your head has been {amount} further back over your shoulders than neutral {time}."),
    mark("Let your chin sink a little and the back of your neck grow long."),
)
_LOOKING_DOWN: Final = Side(
    mark("Head tipped down: {amount}"),
    mark("Your head has been tipped {amount} further down than neutral {time}."),
    mark("Bring what you are looking at up to eye height, or look up for a moment."),
)
_LOOKING_UP: Final = Side(
    mark("Head tipped up: {amount}"),
    mark("Your head has been tipped {amount} further up than neutral {time}."),
    mark("Lower the screen a little, or bring your chin down to level."),
)
_HEAD_HIGH: Final = Side(
    mark("Head higher over the shoulders: {amount}"),
    mark("Your head has been {amount} higher over your shoulders than neutral {time}."),
    mark("Lean back into the backrest and let your neck be easy."),
    seated=True,
)
_HEAD_LOW: Final = Side(
    mark("Head low over the shoulders: {amount}"),
    mark("Your head has been {amount} lower over your shoulders than neutral {time}."),
    mark("Sit tall, let your shoulders drop, and bring your head back over them."),
    seated=True,
)
_SUNK: Final = Side(
    mark("Sunk down: {amount}"),
    mark("Your head has been lower than neutral by {amount} {time}."),
    mark("Bring your hips to the back of the seat and sit tall."),
    seated=True,
)
_LOWER_THAN_BEFORE: Final = Side(
    mark("Sunk down"),
    mark("Your head has been lower {time} than in the minutes before."),
    _SUNK.action,
    seated=True,
)
_RISEN: Final = Side(
    mark("Sitting higher: {amount}"),
    mark("Your head has been higher than neutral by {amount} {time}."),
    mark("Settle back into the seat with both feet on the floor."),
    seated=True,
)
_NEARER: Final = Side(
    mark("Closer to the screen: {amount}"),
    mark("Your face has been {amount} closer to the screen than neutral {time}."),
    mark("Move back until the screen is about an arm's length away."),
)
_FARTHER: Final = Side(
    mark("Further from the screen: {amount}"),
    mark("Your face has been {amount} further from the screen than neutral {time}."),
    mark("Pull the chair up to the desk and sit back against the backrest."),
    seated=True,
)
_LEFT: Final = Side(
    mark("Off to the left: {amount}"),
    mark("You have been further to the left than neutral by {amount} {time}."),
    mark("Come back to the middle and put your weight on both sides alike."),
)
_RIGHT: Final = Side(
    mark("Off to the right: {amount}"),
    mark("You have been further to the right than neutral by {amount} {time}."),
    mark("Come back to the middle and put your weight on both sides alike."),
)
_HEAD_LEFT: Final = Side(
    mark("Head to the left: {amount}"),
    mark("Your head has been tipped {amount} further to the left than neutral {time}."),
    mark("Bring your head back to level and look straight ahead."),
)
_HEAD_RIGHT: Final = Side(
    mark("Head to the right: {amount}"),
    mark("Your head has been tipped {amount} further to the right than neutral {time}."),
    mark("Bring your head back to level and look straight ahead."),
)
_FACE: Final = Side(
    mark("Head forward: face {amount} larger"),
    mark("Against your shoulders, your face has looked {amount} larger than neutral {time}."),
    mark("Sit tall and bring your head back over your shoulders."),
    seated=True,
)
_FACE_SMALL: Final = Side(
    mark("Head back: face {amount} smaller"),
    mark("Against your shoulders, your face has looked {amount} smaller than neutral {time}."),
    mark("Sit up against the backrest with your head over your shoulders."),
    seated=True,
)

#: What is said where nothing is known of how posture strayed.
_AWAY: Final = Side(
    mark("Time to sit up or move"),
    mark("Your posture has been away from neutral {time}."),
    mark("Sit tall, or stand up and take a few steps."),
    seated=True,
)

_HEAD_HEIGHT: Final = Measure(
    mark("head height over the shoulders"), _PERCENT, _HEAD_HIGH, _HEAD_LOW, "head height"
)
_PITCH: Final = Measure(mark("head tilt, down or up"), _DEGREES, _LOOKING_DOWN, _LOOKING_UP, "head tilt down")
_SHIFT: Final = Measure(mark("sideways shift"), _SHOULDERS, _LEFT, _RIGHT)

#: How to speak of each metric of `posture.metrics`, with its signs: forward,
#: down and the person's left are positive. Face and distance deviations are in
#: percent, drops and shifts in shoulder widths, the rest in degrees.
MEASURES: Final[Mapping[str, Measure]] = {
    "trunk_incl": Measure(
        mark("trunk inclination"),
        _DEGREES,
        Side(
            mark("Trunk forward: {amount}"),
            mark("Your trunk has leaned {amount} further forward than neutral {time}."),
            mark("Slide back in the seat and let the backrest carry you."),
            seated=True,
        ),
        Side(
            mark("Trunk leaning back: {amount}"),
            mark("Your trunk has leaned {amount} further back than neutral {time}."),
            mark("Bring your hips to the back of the seat and sit up against the backrest."),
            seated=True,
        ),
    ),
    "neck_incl": Measure(mark("neck inclination"), _DEGREES, _HEAD_FORWARD, _HEAD_BACK),
    "neck_flex": Measure(
        mark("neck flexion"),
        _DEGREES,
        Side(
            mark("Neck bent forward: {amount}"),
            mark("Your neck has been bent {amount} further forward than neutral {time}."),
            mark("Lift your gaze, draw your chin in and let your neck straighten."),
        ),
        Side(
            mark("Neck bent back: {amount}"),
            mark("Your neck has been bent {amount} further back than neutral {time}."),
            mark("Let your chin sink a little and the back of your neck grow long."),
        ),
    ),
    "head_pitch": _PITCH,
    "head_nod": _PITCH,
    "cva_proxy": Measure(mark("shoulder-to-ear angle"), _DEGREES, _HEAD_BACK, _HEAD_FORWARD),
    "head_height": _HEAD_HEIGHT,
    "head_rise": _HEAD_HEIGHT,
    "ear_height": _HEAD_HEIGHT,
    "esr": _HEAD_HEIGHT,
    "nsr": _HEAD_HEIGHT,
    "fsr": Measure(
        mark("face size against the shoulders"), _PERCENT, _FACE, _FACE_SMALL, "face to shoulders"
    ),
    "face_size": Measure(
        mark("face size"),
        _PERCENT,
        Side(
            mark("Close to the screen: face {amount} larger"),
            mark("To the camera, your face has looked {amount} larger than neutral {time}."),
            mark("Move back until the screen is about an arm's length away."),
        ),
        Side(
            mark("Leaning back: face {amount} smaller"),
            mark("To the camera, your face has looked {amount} smaller than neutral {time}."),
            mark("Bring your hips to the back of the seat and sit up against the backrest."),
            seated=True,
        ),
    ),
    "distance": Measure(mark("distance from the screen"), _PERCENT, _FARTHER, _NEARER, "distance"),
    "head_drop": Measure(mark("head drop"), _SHOULDERS, _SUNK, _RISEN, before=_LOWER_THAN_BEFORE),
    "shoulder_drop": Measure(
        mark("shoulder drop"),
        _SHOULDERS,
        Side(
            mark("Shoulders low: {amount}"),
            mark("Your shoulders have been lower than neutral by {amount} {time}."),
            mark("Bring your hips to the back of the seat and sit tall."),
            seated=True,
        ),
        Side(
            mark("Shoulders high: {amount}"),
            mark("Your shoulders have been higher than neutral by {amount} {time}."),
            mark("Let your shoulders drop and rest your forearms on the desk."),
        ),
    ),
    "head_shift": _SHIFT,
    "shoulder_shift": _SHIFT,
    "head_roll": Measure(mark("head tilt sideways"), _DEGREES, _HEAD_LEFT, _HEAD_RIGHT, "head tilt"),
    "lateral_head": Measure(
        mark("head leaning sideways"), _DEGREES, _HEAD_LEFT, _HEAD_RIGHT, "head sideways"
    ),
    "head_yaw": Measure(
        mark("head turn"),
        _DEGREES,
        Side(
            mark("Head turned left: {amount}"),
            mark("Your head has been turned {amount} further to the left than neutral {time}."),
            mark("Turn the chair so that your whole body faces what you are looking at."),
            seated=True,
        ),
        Side(
            mark("Head turned right: {amount}"),
            mark("Your head has been turned {amount} further to the right than neutral {time}."),
            mark("Turn the chair so that your whole body faces what you are looking at."),
            seated=True,
        ),
    ),
    "shoulder_tilt": Measure(
        mark("shoulder tilt"),
        _DEGREES,
        Side(
            mark("Left shoulder low: {amount}"),
            mark("Your left shoulder has been lower than neutral by {amount} {time}."),
            mark("Let both shoulders drop and rest both forearms alike."),
        ),
        Side(
            mark("Right shoulder low: {amount}"),
            mark("Your right shoulder has been lower than neutral by {amount} {time}."),
            mark("Let both shoulders drop and rest both forearms alike."),
        ),
    ),
    "lateral_trunk": Measure(
        mark("trunk leaning sideways"),
        _DEGREES,
        Side(
            mark("Trunk to the left: {amount}"),
            mark("Your trunk has leaned {amount} further to the left than neutral {time}."),
            mark("Sit on both hips alike and let your spine come up straight."),
            seated=True,
        ),
        Side(
            mark("Trunk to the right: {amount}"),
            mark("Your trunk has leaned {amount} further to the right than neutral {time}."),
            mark("Sit on both hips alike and let your spine come up straight."),
            seated=True,
        ),
        "trunk sideways",
    ),
}


def measure_name(metric: str) -> str:
    """Return a metric's plain name in the language in use; an unknown one as it is."""
    return say(MEASURES[metric].name) if metric in MEASURES else metric


def short_name(metric: str) -> str:
    """Return the English name of one of `MEASURES` for a narrow column, with a capital."""
    return sentence(MEASURES[metric].short or MEASURES[metric].name)


def duration(seconds: float) -> str:
    """Return a length of time as people say it: seconds below a minute and a half, then minutes, then hours.

    A length that is not known (NaN) is ``"a while"``.
    """
    if not math.isfinite(seconds):
        return say("a while")
    whole = max(0, round(seconds))
    if whole < 90:
        return count("{n} second", "{n} seconds", whole)
    minutes = round(whole / 60)
    if minutes < 90:
        return count("{n} minute", "{n} minutes", minutes)
    hours, rest = divmod(minutes, 60)
    if rest == 0:
        return count("{n} hour", "{n} hours", hours)
    return say("{hours} h {minutes} min").format(hours=hours, minutes=rest)


def percent(share: float) -> str:
    """Return a share (0..1) as ``42%``; nothing but none is ``0%``, and nothing but all is ``100%``."""
    if 0 < share <= 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def sentence(text: str) -> str:
    """Return text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def counted(number: int, thing: str) -> str:
    """Return ``1 reminder``, ``2 reminders``: for what speaks English only."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def amount(metric: str, deviation: float) -> str:
    """Return the size of a deviation as it is written, without its sign: ``12°``, ``8%``; ``""`` of none."""
    if metric not in MEASURES or not math.isfinite(deviation):
        return ""
    how = MEASURES[metric].amount
    scale = 100.0 if how == _SHOULDERS else 1.0
    return say(how).format(n=round(abs(deviation) * scale))


def deviation_text(metric: str, deviation: float) -> str:
    """Return a metric and its deviation on one short line, such as ``Trunk forward: 12°``."""
    side = _side(metric, deviation)
    return measure_name(metric) if side is None else say(side.title).format(amount=amount(metric, deviation))


def alert_text(alert: Alert, *, standing: bool = False) -> Text:
    """Return what a posture alert says: the measure, how far from neutral, how long, one thing to do.

    Parameters
    ----------
    standing
        Whether it is said to somebody who stands at the desk.
    """
    from posture_monitor.posture.nudge import Kind

    title, sentence, action = _measured(alert.cause, _time(alert.poor_s, alert.over_s), standing)
    if alert.kind is Kind.STAND and standing:
        title = say("Walk for two minutes")
        action = say("Walk about for two minutes, or sit for a while.")
    elif alert.kind is Kind.STAND:
        title = say("Stand up for two minutes")
        action = say("Stand up for two minutes and walk a few steps, then sit down afresh.")
    return Text(title, f"{sentence} {action}")


#: Titles of break suggestions, by the kind under which the history knows them.
_BREAKS: Final[Mapping[str, str]] = {
    "break-stand": mark("Time to stand"),
    "break-sit": mark("Time to sit or walk"),
    "break-move": mark("Time to move"),
}


def break_title(kind: str) -> str:
    """Return the title of a break suggestion in the language in use; ``""`` where it is none."""
    return say(_BREAKS.get(kind, ""))


def break_text(suggestion: Suggestion, move: Move | None) -> Text:
    """Return what a break suggestion says, with one move to make."""
    from posture_monitor.posture.breaks import Wish

    lasted = duration(suggestion.lasted_s)
    title = break_title(f"break-{suggestion.wish}")
    if suggestion.wish is Wish.STAND:
        body = say("You have been sitting for {time}. Stand for two or three minutes.")
    elif suggestion.wish is Wish.SIT:
        body = say("You have been standing for {time}. Sit down or walk for a few minutes.")
    else:
        body = say("Your posture is good, but you have hardly moved for {time}. Shift about.")
    body = body.format(time=lasted)
    if move is None:
        return Text(title, body)
    unless = say("Leave it out if {reason}.").format(reason=say(move.unless))
    return Text(title, f"{body}\n{say(move.name)}, {say(move.long)}: {say(move.how)} {unless}")


def summary_text(held_back: int) -> Text:
    """Return the one notification that stands for so many posture alerts held back in a quiet time."""
    held = count("{n} posture reminder", "{n} posture reminders", held_back)
    return Text(
        say("While it was quiet"),
        say("Held back meanwhile: {held}. Stand up and move for two minutes.").format(held=held),
    )


def reanchor_text() -> Text:
    """Return the question asked once when camera or chair have moved."""
    return Text(
        say("Has the camera or the chair moved?"),
        say(
            "The picture has shifted as a whole, so posture is not judged at the moment. "
            "Sit as you do when upright and press Set neutral anew."
        ),
    )


def reanchored_text() -> Text:
    """Return what is said when a re-anchoring is done."""
    return Text(say("Neutral set anew"), say("Posture is judged from where camera and chair are now."))


def not_reanchored_text() -> Text:
    """Return what is said when a re-anchoring has failed."""
    return Text(
        say("Neutral not set anew"),
        say("You were not seen sitting still before the camera; everything is judged as before."),
    )


def calibrate_text() -> Text:
    """Return the invitation given once where there is no profile of this camera's place."""
    return Text(
        say("This place is not calibrated yet"),
        say(
            "Posture is judged by starter limits here. Half a minute makes them your own: "
            "run posture-monitor calibrate."
        ),
    )


def blind_text(seconds: float) -> Text:
    """Return what is said once when the camera has failed for so many seconds."""
    return Text(
        say("Posture is not being watched"),
        say(
            "The camera has given no picture for {time}: posture-monitor status says why, and what to do."
        ).format(time=duration(seconds)),
    )


def day_text(judged_s: float, poor_s: float, present_s: float, alerts: int, *, enough: bool) -> Text:
    """Return the one line that sums up a day.

    Parameters
    ----------
    judged_s, poor_s, present_s
        Seconds judged, in poor posture, and at the desk.
    alerts
        Posture alerts shown.
    enough
        Whether enough of the time was judged to say anything of it.
    """
    title = say("Your day at the desk")
    if not present_s:
        return Text(title, say("No time at the desk was seen today."))
    told = {"judged": duration(judged_s), "present": duration(present_s), "poor": duration(poor_s)}
    if not enough:
        body = say("Not enough was seen to sum it up: {judged} of {present} at the desk could be judged.")
        return Text(title, body.format(**told))
    reminded = count("{n} posture reminder", "{n} posture reminders", alerts)
    body = say("Poor posture took {poor} of the {judged} that were judged; {reminders}.")
    return Text(title, body.format(**told, reminders=reminded))


def trial_text() -> Text:
    """Return a notification that only shows that notifications arrive."""
    return Text(say("This is a test"), say("Reminders from Posture monitor arrive here."))


#: Names of the buttons under a notification.
BUTTONS: Final[Mapping[str, str]] = {
    "snooze": mark("Snooze 15 min"),
    "reanchor": mark("Set neutral anew"),
    "wrong": mark("Wrong reminder"),
    "report": mark("Open the report"),
}


def button_text(button: str) -> str:
    """Return a button's label."""
    return say(BUTTONS[button])


def _side(metric: str, deviation: float) -> Side | None:
    """Return how to speak of a deviation; None where nothing can be said of it."""
    measure = MEASURES.get(metric)
    if measure is None:
        return None
    if not math.isfinite(deviation):
        return measure.before
    return measure.up if deviation >= 0 else measure.down


def _measured(cause: Cause, time: str, standing: bool) -> tuple[str, str, str]:
    side = _side(cause.metric, cause.deviation) or _AWAY
    size = amount(cause.metric, cause.deviation)
    upright = say("Stand tall with your weight on both feet, or walk a few steps.")
    return (
        say(side.title).format(amount=size),
        say(side.sentence).format(amount=size, time=time),
        upright if standing and side.seated else say(side.action),
    )


def _time(poor_s: float, over_s: float) -> str:
    """Return for how long, said as a share where it came and went."""
    if over_s > 0 and poor_s < 0.8 * over_s:
        return say("for {poor} of the last {over}").format(poor=duration(poor_s), over=duration(over_s))
    return say("for {poor}").format(poor=duration(poor_s))
