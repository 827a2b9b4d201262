"""The day as a page for the terminal, which reads as well piped to a file or 60 columns wide."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.text import Text

from posture_monitor.history.days import Day
from posture_monitor.history.diary import Episode
from posture_monitor.history.periods import Period
from posture_monitor.history.records import STATES
from posture_monitor.history.timeline import PRESENT, pieces
from posture_monitor.telling import words
from posture_monitor.telling.language import english
from posture_monitor.telling.report import story
from posture_monitor.telling.report.pain import PainStory, pain_story

#: Shape first, colour second: the higher the mark, the poorer the posture.
MARKS = {
    "good": ("▁", "_", "cyan"),
    "mild": ("▄", "o", "yellow"),
    "poor": ("█", "#", "red"),
    "unknown": ("?", "?", "magenta"),
    "away": ("·", ".", "dim"),
    "paused": ("‖", "=", "dim"),
    "busy": ("×", "x", "dim"),
}

#: Each hour is a row of this many marks of two minutes.
_SLOTS = 30
_SLOT_S = 3600.0 / _SLOTS

_BAR = 20
_ASCII = str.maketrans(
    {"–": "-", "—": "-", "─": "-", "°": " deg", "−": "-", "’": "'", "→": ">", "·": ".", "…": "..."}
    | {"“": '"', "”": '"'}
    | {mark: plain for mark, plain, _ in MARKS.values()}
)


@english()
def render_text(day: Day, console: Console, advice: str | None = None) -> None:
    """Print the day.

    Parameters
    ----------
    day
        As added up by `days.day`.
    console
        Its width is kept to; where its encoding is not a Unicode one, plain ASCII marks are used.
    advice
        What is said in place of `story.suggestion`.
    """
    _print(_page(day, min(console.width, 80), advice), console)


@english()
def render_period(period: Period, console: Console) -> None:
    """Print a week or month, a row for each day."""
    _print(_period_page(period, min(console.width, 80)), console)


@english()
def render_diary(entries: Sequence[Episode], days: Sequence[Day], date: dt.date, console: Console) -> None:
    """Print the diary as the report of a day, or of the week or month that holds it, tells it."""
    _print(_diary_page(pain_story(entries, days, date)), console)


def _diary_page(told: PainStory) -> Iterator[Text]:
    yield from _heading("Diary, beside the means of each entry's day and the two before")
    if told.seek_care:
        yield Text(told.seek_care, style="bold")
    for when, pain, change, trigger, symptoms, note, poor, longest, breaks in told.rows:
        yield Text("  " + ", ".join(filter(None, (f"{when}  pain {pain}", change, trigger, symptoms))))
        around = (
            f"poor {poor} a day, longest {longest} without a break, breaks {breaks} a day"
            if longest
            else poor
        )
        yield Text(f"      {around}", style="dim")
        if note:
            yield Text(f"      “{note}”")
    for sentence in told.sentences:
        yield Text(sentence)
    if told.care_date:
        yield Text(f"When to see a doctor: `posture-monitor report {told.care_date}` tells it in full.")


def _print(lines: Iterator[Text], console: Console) -> None:
    for line in lines:
        if console.options.ascii_only:
            line = Text(line.plain.translate(_ASCII))
        # What is continued on a next line stays under its beginning.
        indent = len(line) - len(line.plain.lstrip(" "))
        for part in line[indent:].wrap(console, console.width - indent):
            part.rstrip()
            console.print(Text(" " * indent) + part, highlight=False, soft_wrap=False)


def _page(day: Day, width: int, advice: str | None) -> Iterator[Text]:
    yield Text(story.long_date(day.date), style="bold")
    yield Text("─" * width, style="dim")
    yield Text(story.stood_out(day))
    if suggestion := story.suggestion(day) if advice is None else advice:
        yield Text(suggestion)
    if not story.measured_at_all(day):
        return
    yield from _totals(day)
    yield from _hours(day)
    yield from _alerts(day, width)
    yield from _angles(day)
    yield from _movement(day)


def _heading(text: str) -> Iterator[Text]:
    yield Text()
    yield Text(text, style="bold")


def _totals(day: Day) -> Iterator[Text]:
    yield from _heading("Time, and its share of what was recorded, each rounded")
    for state in STATES:
        seconds = day.seconds[state]
        share = seconds / day.recorded_s if day.recorded_s else 0.0
        # The four that tell of the desk are always named, the others where they occurred.
        if not seconds and state in ("paused", "busy"):
            continue
        mark, _, style = MARKS[state]
        row = Text(
            f"  {story.STATE_NAMES[state]:<12} {story.duration(seconds):>11}  {words.percent(share):>4}  "
        )
        row.append((mark * round(share * _BAR)) or (mark if seconds else ""), style=style)
        yield row
    yield Text(f"  {'not recorded':<12} {story.duration(day.not_recorded_s):>11}", style="dim")
    yield Text()
    yield Text("Coverage: " + story.coverage_line(day))
    yield Text(story.score_line(day))
    if day.longest_poor is not None:
        yield Text(
            f"Longest poor stretch: {story.duration(day.longest_poor_s)} ({story.stretch(day.longest_poor)})"
        )


def _hours(day: Day) -> Iterator[Text]:
    if not day.spans:
        return
    yield from _heading("Hour by hour, a mark for every two minutes")
    yield _legend(state for state in STATES if day.seconds[state])
    for hour, slots in _slots(day):
        row = Text(f"  {hour:02d}  ")
        for slot in range(_SLOTS):
            seconds = slots.get(slot, {})
            state = max(seconds, key=seconds.__getitem__, default="")
            row.append(MARKS[state][0] if state else " ", style=MARKS[state][2] if state else "")
        poor_s = sum(seconds.get("poor", 0.0) for seconds in slots.values())
        if poor_s:
            row.append(f"  poor {story.duration(poor_s)}")
        yield row
    best, hardest = day.best_hour, day.hardest_hour
    if best is not None and hardest is not None:
        yield Text(
            f"  best hour {best.hour:02d}:00 ({words.percent(best.poor_share)} poor), "
            f"hardest {hardest.hour:02d}:00 ({words.percent(hardest.poor_share)} poor)"
        )


def _legend(states: Iterable[str]) -> Text:
    """Return what the marks of these states are."""
    marks = [Text.assemble(MARKS[state][::2], f" {story.STATE_NAMES[state]}") for state in states]
    return Text("  ") + Text(" ").join(marks)


def _slots(day: Day) -> list[tuple[int, dict[int, dict[str, float]]]]:
    """Return each hour of the clock from the first to the last, and its slots: state to seconds.

    An hour that the clock showed twice is there twice.
    """
    hours: dict[tuple[int, int], dict[int, dict[str, float]]] = {}
    for piece, local_s in pieces(day.spans, _SLOT_S):
        slots = hours.setdefault((int(local_s // 3600), -piece.utc_offset_s), {})
        slot = slots.setdefault(int(local_s % 3600 // _SLOT_S), {})
        slot[piece.state] = slot.get(piece.state, 0.0) + piece.length_s
    told = {hour for hour, _ in hours}
    hours |= {(hour, 0): {} for hour in range(min(told), max(told)) if hour not in told}
    return [(hour, hours[hour, after]) for hour, after in sorted(hours)]


def _alerts(day: Day, width: int) -> Iterator[Text]:
    if not day.alerts:
        yield from _heading("Reminders: none")
        return
    yield from _heading(f"Reminders: {len(day.alerts)}")
    for alert in day.alerts:
        held = f", for {story.duration(alert.held_s)}" if math.isfinite(alert.held_s) else ""
        line = f"  {story.alert_line(alert)}{held}"
        followed = story.followed(alert, day)
        then = followed if followed == "not shown" else f"then {followed}"
        # On a line of its own where there is no room: a hard day has dozens.
        gap = ", " if len(line) + len(then) + 2 <= width else "\n      "
        yield Text(line + gap).append(then, style="dim")


def _angles(day: Day) -> Iterator[Text]:
    if not day.angles:
        yield from _heading("Against neutral: nothing was measured")
        return
    yield from _heading("Against neutral: middle minute (middle 8 of 10 minutes)")
    for name in story.SHOWN_MEASURES:
        angle = day.angles.get(name)
        if angle is not None:
            row = f"  {words.measure_name(name):<31} {story.signed(name, angle.median):>5}"
            if between := story.middle_eight(name, angle):
                row += f"  ({between})"
            measured = 60 * angle.minutes / day.judged_s if day.judged_s else 1.0
            yield Text(row + (f", in {words.percent(measured)} of the time" if measured < 0.8 else ""))
    if missing := story.not_measured(day):
        yield Text(f"  {missing}")


def _movement(day: Day) -> Iterator[Text]:
    if not story.breaks_known(day):
        return
    yield from _heading("Breaks and moving")
    yield Text(f"  {story.bouts_line(day)}")
    if shifts := story.shifts(day):
        yield Text(f"  {shifts}")


def _period_page(period: Period, width: int) -> Iterator[Text]:
    yield Text(story.period_title(period), style="bold")
    yield Text("─" * width, style="dim")
    yield Text(story.period_stood_out(period))
    if not period.recorded:
        return
    yield from _heading("Day by day: the time at the desk")
    if period.present_s:
        yield _legend(state for state in PRESENT if period.seconds[state])
    yield Text(f"  {'':<10} {'':<{_BAR}} {'desk':>11} {'poor':>4} reminders", style="dim")
    for day in period.days:
        row = Text(f"  {day.date:%a} {day.date.day:>2} {day.date:%b} ")
        if not day.spans:
            yield row.append("not recorded", style="dim")
            continue
        bar = _shares([(state, day.seconds[state]) for state in PRESENT], _BAR)
        row.append_text(bar).append(" " * (_BAR - len(bar)))
        poor = "" if day.withheld else words.percent(day.poor_share)
        row.append(f" {story.duration(day.present_s):>11} {poor:>4} {len(day.alerts):>9}")
        if day.withheld:
            said = "not enough data"
            gap = "  " if row.cell_len + len(said) + 2 <= width else f"\n{'':<11}"
            row.append(gap + said, style="dim")
        yield row
    yield Text()
    if period.present_s:
        yield Text("Coverage: " + story.coverage_line(period))
    if longest := max(day.longest_bout_s for day in period.days):
        yield Text(f"Longest time at the desk without a break: {story.duration(longest)}")


def _shares(parts: list[tuple[str, float]], width: int) -> Text:
    """Return a bar of marks in which every part that is not nothing is seen."""
    whole = sum(seconds for _, seconds in parts) or 1.0
    marks = {state: max(1, round(width * seconds / whole)) for state, seconds in parts if seconds}
    if marks:
        marks[max(marks, key=lambda state: marks[state])] += width - sum(marks.values())
    return Text().join(Text(MARKS[state][0] * count, style=MARKS[state][2]) for state, count in marks.items())
