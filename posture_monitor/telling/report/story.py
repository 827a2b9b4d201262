"""What every form of the report says the same way: names, times, what stood out, one suggestion."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter, defaultdict

from posture_monitor.errors import UserError
from posture_monitor.history import associations
from posture_monitor.history.days import Angle, Day, reasons, score
from posture_monitor.history.periods import Period
from posture_monitor.history.records import (
    APART,
    COMPARABLE_S,
    ENOUGH_COVERAGE,
    STATES,
    Alert,
    Span,
    told_reason,
)
from posture_monitor.history.timeline import CORRECTED_S, YEARS, Bout, end_offset_s, local_time, what_followed
from posture_monitor.posture.metrics import METRICS, ROW, Change, Reason
from posture_monitor.telling import words

#: State to what it is called.
STATE_NAMES = {state: state for state in STATES} | {"busy": "no camera"}

#: The one line that defines the score; `days.score` is the function.
SCORE_MEANS = "share of the judged time that was not poor"

#: A bout longer than this is worth a suggestion (HSE: 5 to 10 minutes away in every 50 to 60).
LONG_BOUT_S = 3000.0

#: So many reminders of one kind say something of the day (our own choice).
_SEVERAL = 3

_STRAIGHT_AHEAD = "the screen and what you look at most straight ahead"
_EYE_HEIGHT = "the screen at eye height, and larger letters"

#: What to try at the desk, by what reminders were for (HSE advice on work with display screens).
AT_THE_DESK = {
    "Head forward": _EYE_HEIGHT,
    "Head low over the shoulders": _EYE_HEIGHT,
    "Closer to the screen": "larger letters, and the screen at about an arm's length",
    "Close to the screen": "larger letters, and the screen at about an arm's length",
    "Head tipped down": "raising what you look at",
    "Neck bent forward": "raising what you look at",
    "Trunk forward": "keyboard and mouse nearer to you",
    "Head turned left": _STRAIGHT_AHEAD,
    "Head turned right": _STRAIGHT_AHEAD,
    "Trunk to the left": _STRAIGHT_AHEAD,
    "Trunk to the right": _STRAIGHT_AHEAD,
}

#: What to try where too little could be judged, by the most common reason.
_TO_BE_SEEN = {
    "": "Check the light and that the camera sees head and shoulders; `posture-monitor doctor` helps.",
    Reason.DARK.value: "Try a lamp in front of you, or sit towards the window.",
    Reason.TURNED.value: "Try the camera beside what you look at most: a turned head is not judged.",
    Reason.STANDING.value: "`posture-monitor calibrate --add standing` lets it judge standing as well.",
    Reason.MOVED.value: "Sit as you wish to, and let `posture-monitor calibrate --reanchor` follow it.",
    Reason.CROWD.value: "Try the camera where it sees you alone: of several it may not know whom to judge.",
    Reason.VIEW.value: "`posture-monitor calibrate` lets it judge from where the camera is now.",
    told_reason(Reason.STRANGER.value): "`posture-monitor calibrate` lets it judge where you sit now.",
}

#: For days on which nothing else stood out.
_ANY_DAY = (
    "Half a minute of moving every twenty minutes is a small habit to try.",
    "Keep changing position: no single posture suits a whole day.",
    "Try walking about while you telephone.",
    "`posture-monitor stretch` shows a gentle move, to stretch or to strengthen.",
)

#: Measures shown in the report; the first two are always named, measured or not.
SHOWN_MEASURES = (
    "trunk_incl",
    "neck_incl",
    "neck_flex",
    "head_pitch",
    "fsr",
    "head_height",
    "distance",
)
ALWAYS_SHOWN = SHOWN_MEASURES[:2]

_SHOULDERS = Change.SHOULDERS.value

#: How an outcome is told where not in its own word.
_OUTCOMES = {
    "": "not known",
    "corrected": "better",
    "late": "better",
    "left": "got up",
    "ignored": "no change",
    "wrong": "marked wrong",
    "reanchored": "neutral set anew",
}


def parse_day(text: str, today: dt.date) -> dt.date:
    """Return the day a user means: ``today``, ``yesterday`` or ``YYYY-MM-DD``.

    Raises
    ------
    UserError
        It is none of these, or lies in the future.
    """
    word = text.strip().lower()
    if word in ("", "today"):
        return today
    if word == "yesterday":
        return today - dt.timedelta(days=1)
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", word, re.ASCII):
            raise ValueError
        date = dt.date.fromisoformat(word)
        if date.year not in YEARS:
            raise ValueError
    except ValueError:
        raise UserError(
            f"no such day: {text!r}; write today, yesterday or a date such as {today.isoformat()}"
        ) from None
    if date > today:
        raise UserError(f"{date.isoformat()} has not come yet; today is {today.isoformat()}")
    return date


def duration(seconds: float) -> str:
    """Return a length of time as people say it: ``1 h 05 min``, ``12 min``, ``40 s``.

    In whole minutes from 90 s on, as `words.duration` tells them in a reminder.
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if 60 < whole < 90:
        return f"1 min {whole - 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def clock(wall_s: float, utc_offset_s: int) -> str:
    """Return the local clock's reading, ``14:05``."""
    return local_time(wall_s, utc_offset_s).strftime("%H:%M")


def stretch(span: Span | Bout) -> str:
    """Return ``14:05–14:31``, or ``14:05`` within a minute; a clock that was changed in between is told."""
    after_s = end_offset_s(span)
    begin, end = clock(span.start_s, span.utc_offset_s), clock(span.end_s, after_s)
    if begin == end and span.length_s < 60:
        return begin
    times = f"{begin}–{end}"
    if after_s == span.utc_offset_s:
        return times
    return f"{times}, the clock set {'back' if after_s < span.utc_offset_s else 'forward'} in between"


def long_date(date: dt.date) -> str:
    """Return ``Wednesday 14 May 2025``."""
    return f"{date:%A} {date.day} {date:%B %Y}"


def measured_at_all(day: Day) -> bool:
    """Whether the record says anything of this day."""
    return bool(day.spans or day.alerts)


def followed(alert: Alert, day: Day) -> str:
    """Return what came after an alert, ``better after 25 s``."""
    what, later_s = what_followed(alert, day.spans)
    # Who is asked to move may sit well already.
    moved = what == "better" and alert.kind.startswith("break-")
    outcome = "moved" if moved else _OUTCOMES.get(what, what)
    timed = math.isfinite(later_s) and what in ("corrected", "better", "late", "left")
    return f"{outcome} after {duration(later_s)}" if timed else outcome


def coverage_line(of: Day | Period) -> str:
    """Return how much of the time at the desk the report speaks of."""
    if of.present_s == 0:
        return f"{words.sentence(of.withheld)}."
    return (
        f"{duration(of.judged_s)} of {duration(of.present_s)} at the desk could be judged "
        f"({words.percent(of.told_coverage)})."
    )


def score_line(day: Day) -> str:
    """Return the score and what it means, or that there is none; why not, `stood_out` says."""
    if day.withheld:
        return "Score: none."
    return f"Score: {words.percent(score(day) / 100)} ({SCORE_MEANS})."


def stood_out(day: Day) -> str:
    """Return the one plain sentence of what stood out."""
    if not measured_at_all(day):
        return "Nothing was recorded on this day."
    if day.withheld:
        return f"There is not enough to go by: {day.withheld}."
    poor = day.seconds["poor"]
    hardest = day.hardest_hour
    if poor < 60 and day.poor_share < APART:
        return f"{'Hardly any' if poor else 'No'} poor posture was seen."
    sentence = f"Poor posture took {duration(poor)}, {words.percent(day.poor_share)} of the judged time"
    if hardest is not None and day.poor_share >= APART and hardest.poor_share > 1.5 * day.poor_share:
        # A share: another hour may have had more minutes of it.
        sentence += (
            f"; its share was highest between {hardest.hour:02d}:00 and {hardest.hour + 1:02d}:00, "
            f"{words.percent(hardest.poor_share)}"
        )
    return sentence + "."


def suggestion(day: Day) -> str:
    """Return one thing to try, of what the day was measured to be like.

    Movement comes first, for that is what the evidence supports (doi 10.5271/sjweh.3949). Where several
    things fit a day, days take turns, so that no week says the same each evening. A day that is over and
    told too little is ``""``: nothing can be done about it any more. The words suit who stands at the desk
    as well.
    """
    if not measured_at_all(day):
        return "" if day.over else "Run `posture-monitor start`, and your day at the desk will show here."
    if day.coverage < ENOUGH_COVERAGE:
        return _TO_BE_SEEN.get(next((why for why, _ in reasons(day.spans)), ""), _TO_BE_SEEN[""])
    if doubt := _marked_wrong(day):
        return doubt
    longest = day.longest_bout_s
    without = f"The longest time without a break was {duration(longest)}: "
    if longest >= 2 * LONG_BOUT_S:
        return without + "a few steps every 45 minutes or so break it up."
    fitting = [without + "try walking a few steps once in between."] if longest >= LONG_BOUT_S else []
    fitting += _at_the_desk(day)
    if day.longest_poor_s >= 600:
        fitting.append(
            f"The longest poor stretch was {duration(day.longest_poor_s)}: a small change of position "
            "every few minutes breaks it up."
        )
    if not fitting and day.withheld:
        return "" if day.over else "Let it watch a little longer, and there will be more to tell."
    fitting = fitting or list(_ANY_DAY)
    return fitting[day.date.toordinal() % len(fitting)]


def _marked_wrong(day: Day) -> str:
    """Return what to do where many posture reminders were marked wrong; else ``""``."""
    posture = [alert for alert in day.alerts if alert.driver]
    wrong = sum(alert.outcome == "wrong" for alert in posture)
    if wrong < _SEVERAL or 3 * wrong < len(posture):
        return ""
    return (
        f"{wrong} of {len(posture)} posture reminders were marked wrong: "
        "a new neutral may fit you better, `posture-monitor calibrate` takes it."
    )


def _at_the_desk(day: Day) -> list[str]:
    """Return what to try at the desk where most posture reminders were for one thing; else nothing."""
    posture = [alert for alert in day.alerts if alert.driver]
    about = Counter(_titled(alert) for alert in posture)
    right = Counter(_titled(alert) for alert in posture if alert.outcome != "wrong")
    for what, count in right.most_common(1):
        if count >= _SEVERAL and 2 * count > len(posture) and what in AT_THE_DESK:
            of = f"{about[what]} of {len(posture)}" if about[what] < len(posture) else f"All {len(posture)}"
            return [f"{of} posture reminders were for “{what.lower()}”: try {AT_THE_DESK[what]}."]
    return []


def _as_far_as_other(date: dt.date, than: dt.date, *, month: bool = False) -> str:
    """Return a day without what another that is said after it has in common, ``28`` or ``28 October``."""
    if date.year != than.year:
        return f"{date.day} {date:%B %Y}"
    return f"{date.day} {date:%B}" if month or date.month != than.month else f"{date.day}"


def period_title(period: Period) -> str:
    """Return ``Week of 12–18 May 2025`` or ``May 2025``."""
    if period.kind == "month":
        return f"{period.first:%B %Y}"
    sunday = period.first + dt.timedelta(days=6)
    return f"Week of {_as_far_as_other(period.first, sunday)}–{sunday.day} {sunday:%B %Y}"


def between(first: dt.date, last: dt.date) -> str:
    """Return ``28 October to 27 November 2026``, with a year for each where they differ."""
    return f"{_as_far_as_other(first, last, month=True)} to {last.day} {last:%B %Y}"


def period_stood_out(period: Period) -> str:
    """Return the one plain sentence of what stood out over a week or month."""
    if not period.recorded:
        return f"Nothing was recorded in this {period.kind}."
    if period.withheld:
        return f"There is not enough to go by: {period.withheld}."
    judged = sum(day.judged_s > 0 for day in period.days)
    sentence = (
        f"{duration(period.judged_s)} judged on {words.counted(judged, 'day')}; "
        f"poor posture took {words.percent(period.poor_share)} of it"
    )
    told = [day for day in period.recorded if not day.withheld and day.judged_s >= COMPARABLE_S]
    if len(told) > 1:
        most = max(told, key=lambda day: day.poor_share)
        least = min(told, key=lambda day: day.poor_share)
        if most.poor_share - least.poor_share >= APART:
            # A share, as with the hours of a day: another day may have had more minutes of it.
            sentence += (
                f"; its share was highest on {most.date:%A} {most.date.day}, "
                f"lowest on {least.date:%A} {least.date.day}"
            )
    return sentence + "."


def unit(metric: str) -> str:
    """Return the unit of a metric's deviation from neutral: ``°``, ``%`` or ``shoulder widths``."""
    if metric not in ROW:
        return ""
    return METRICS[ROW[metric]].change_unit


def signed(metric: str, deviation: float) -> str:
    """Return a deviation with its sign and unit, ``+12°``; shoulder widths in per cent of one."""
    in_unit = unit(metric)
    if in_unit == _SHOULDERS:
        return associations.signed(100 * deviation) + "%"
    return associations.signed(deviation) + (in_unit if in_unit in ("°", "%") else "")


def middle_eight(metric: str, angle: Angle) -> str:
    """Return where the middle eight in ten minutes lay, ``0° to +9°``; ``""`` of less than ten minutes."""
    if angle.minutes < 10:
        return ""
    return f"{signed(metric, angle.p10)} to {signed(metric, angle.p90)}"


def measure_label(metric: str) -> str:
    """Return the name of a measure, with what `signed` counts it in where that is not neutral itself."""
    return words.measure_name(metric) + (", of a shoulder width" if unit(metric) == _SHOULDERS else "")


def not_measured(day: Day) -> str:
    """Return which of the measures that are always named could not be had; ``""`` where all could."""
    missing = [words.measure_name(name) for name in ALWAYS_SHOWN if name not in day.angles]
    return f"Not measurable from this view: {' and '.join(missing)}." if missing else ""


def day_line(day: Day) -> str:
    """Return a day in one line, for hovering over it in a week or month."""
    name = f"{day.date:%a} {day.date.day} {day.date:%b}"
    if not day.spans:
        return f"{name}: not recorded"
    reminders = words.counted(len(day.alerts), "reminder")
    return f"{name}: {duration(day.present_s)} at the desk, {poor_line(day)}, {reminders}"


def poor_line(day: Day) -> str:
    """Return how much of a day's judged time was poor, ``12% poor``, or that there is too little to say."""
    return "not enough data" if day.withheld else f"{words.percent(day.poor_share)} poor"


def alert_what(alert: Alert) -> str:
    """Return what an alert was about: ``Trunk forward: 12°``."""
    if alert.driver:
        return words.deviation_text(alert.driver, alert.deviation)
    # The title that was kept may be in another language than the report.
    return words.break_title(alert.kind) or alert.title or alert.kind


def _titled(alert: Alert) -> str:
    return alert_what(alert).partition(":")[0]


def alert_line(alert: Alert) -> str:
    """Return time and matter of an alert."""
    return f"{clock(alert.wall_s, alert.utc_offset_s)} {alert_what(alert)}"


def alerts_line(day: Day) -> str:
    """Return how many alerts a change followed, and of how many something else is to be told."""
    if not day.alerts:
        return ""
    told = [what_followed(alert, day.spans) for alert in day.alerts]
    # A break is also taken by whoever gets up some minutes after it was suggested.
    soon = sum(
        what == "corrected" or (what in ("better", "left") and later_s <= CORRECTED_S)
        for what, later_s in told
    )
    others = Counter(_OUTCOMES.get(what, what) for what, _ in told if what in ("", "wrong", "not shown"))
    return ", ".join(
        [f"{soon} followed by a change within a minute", *(f"{n} {what}" for what, n in others.items())]
    )


def after_bout(bout: Bout, day: Day) -> tuple[str, float]:
    """Return what came after a bout for the most part, and for how many seconds.

    It is ``break``, the name of a state (``paused``) or ``not recorded`` up to the next bout;
    ``end of the record`` and 0 where nothing follows.
    """
    if math.isfinite(bout.break_s):
        return "break", bout.break_s
    next_s = min((other.start_s for other in day.bouts if other.start_s > bout.start_s), default=math.inf)
    seconds: dict[str, float] = defaultdict(float)
    at_s = bout.end_s
    for span in day.spans:
        if bout.end_s <= span.start_s < next_s:
            seconds["not recorded"] += span.start_s - at_s
            seconds[STATE_NAMES[span.state]] += span.length_s
            at_s = span.end_s
    if math.isfinite(next_s):
        seconds["not recorded"] += next_s - at_s
    what = max(seconds, key=seconds.__getitem__, default="end of the record")
    return what, seconds[what]


def bout_line(bout: Bout) -> str:
    """Return a bout: ``09:00–09:48 at the desk, 48 min, then a break of 5 min``."""
    after = f", then a break of {duration(bout.break_s)}" if math.isfinite(bout.break_s) else ""
    return f"{stretch(bout)} at the desk, {duration(bout.length_s)}{after}"


def bouts_line(day: Day) -> str:
    """Return how many bouts there were, the longest, and what lay between them."""
    longest = max(day.bouts, key=lambda bout: bout.length_s)
    several = len(day.bouts) > 1
    line = (
        f"{stretches(day)}, {'the longest ' if several else ''}{duration(longest.length_s)} "
        f"from {clock(longest.start_s, longest.utc_offset_s)}"
    )
    between = Counter(after_bout(bout, day)[0] for bout in day.bouts[:-1])
    breaks = between.pop("break", 0)
    parts = [f"{words.counted(breaks, 'break')} of a minute or more"]
    # Of these nobody knows whether they were used for a break.
    parts += [f"{count} times {what}" if count > 1 else f"once {what}" for what, count in between.items()]
    return f"{line}; {'between them ' if several else ''}{', '.join(parts)}"


def breaks_known(day: Day) -> bool:
    """Whether anything can be said of breaks: who is not seen for most of a day may have had some."""
    return bool(day.bouts) and day.coverage >= ENOUGH_COVERAGE


def stretches(day: Day) -> str:
    """Return how many bouts there were: ``1 stretch at the desk``, ``11 stretches at the desk``."""
    return f"{len(day.bouts)} {'stretch' if len(day.bouts) == 1 else 'stretches'} at the desk"


def shifts(day: Day) -> str:
    """Return how often posture changed, ``15 changes of posture an hour``; ``""`` where that is not known."""
    if not math.isfinite(day.shifts_per_h):
        return ""
    return f"{words.counted(round(day.shifts_per_h), 'change')} of posture an hour"


#: What is said of the demo in place of a suggestion.
DEMO = (
    "This is the demo's minute, made from one photograph. With a webcam, `posture-monitor calibrate` and "
    "then `posture-monitor start` fill the page with your own day."
)

#: What the words of the report mean.
DEFINITIONS = (
    ("Neutral", "the posture you calibrated, a starter's until then; every angle is the difference from it."),
    (
        "Good, mild, poor",
        "how far from neutral; mild is no more than the natural scatter of an easy posture.",
    ),
    ("Unknown", "somebody was there but could not be judged; it counts as neither good nor poor."),
    ("Coverage", "the judged share of the time at the desk. Under 60% there is no score and no conclusion."),
    (
        "Rounding",
        "times and shares are rounded one by one, so that parts may not add up to the whole exactly.",
    ),
    ("Limits", "the dashed lines are where a measure alone counts; your own scatter widens them."),
)
