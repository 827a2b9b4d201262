"""The day as one page that needs nothing else: no network, no script, any screen, two sheets of paper."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from itertools import repeat

from posture_monitor.history.days import Day, reasons, score
from posture_monitor.history.diary import SEEK_CARE, Episode
from posture_monitor.history.periods import Period
from posture_monitor.history.records import STATES
from posture_monitor.history.timeline import PRESENT, end_offset_s
from posture_monitor.telling import words
from posture_monitor.telling.language import english
from posture_monitor.telling.report import charts, story
from posture_monitor.telling.report.charts import Axis
from posture_monitor.telling.report.pain import HEAD, PainStory, pain_story

#: The page may load nothing, from anywhere: the browser itself holds it to that.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

#: So many alerts stand open; the rest of a hard day is folded.
_ALERTS = 10

#: So many hours or minutes are written under a timeline, or every other one.
_TICKS = 10

#: Columns of words, which may be broken between lines; all others hold times and numbers.
_WORDS = {"measure", "what", "then", "why not judged", "trigger", "symptoms"}

_PAGE = """<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title} · posture-monitor</title>
<style>
{css}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>
<p class="brand">posture-monitor</p>
<h1>{title}</h1>
{lead}
</header>
<main id="main">
{main}
</main>
{footer}
</body>
</html>
"""


@english()
def render_html(
    day: Day,
    week: Period,
    month: Period,
    entries: Sequence[Episode] = (),
    before: Sequence[Day] = (),
    advice: str | None = None,
) -> str:
    """Return the page of a day, with its week and month beside it.

    Parameters
    ----------
    day
        The day told in full.
    week, month
        The periods that hold it; they may hold nothing else.
    entries
        The diary up to the day; without any there is no word of it.
    before
        The days before the month which they are laid over as well.
    advice
        What is said in place of `story.suggestion`.
    """
    suggestion = story.suggestion(day) if advice is None else advice
    # Left out is what would only say again what stands there: that nobody was seen, what a first day had.
    parts = [_figures(day), _timeline(day)] if day.spans else []
    if day.present_s:
        parts += _details(day)
    if any(each.date != day.date for each in week.recorded):
        parts.append(_week(week, day))
    if any(not week.first <= each.date <= week.last for each in month.recorded):
        parts.append(_month(month))
    if entries:
        parts.append(_pain(pain_story(entries, (*before, *month.days), day.date)))
    return _PAGE.format(
        policy=_POLICY,
        css=resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8"),
        title=escape(story.long_date(day.date)),
        lead=f'<p class="lead">{escape(story.stood_out(day))}</p>'
        + (f'\n<p class="try">{_code(escape(suggestion))}</p>' if suggestion else ""),
        main="\n".join(parts),
        footer=_footer(day) if parts else "",
    )


def _code(text: str) -> str:
    """Return text with what stands in backticks set as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", text)


def _section(title: str, body: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{body}\n</section>"


def _figures(day: Day) -> str:
    share = f"{words.percent(day.told_coverage)} of " if day.present_s else ""
    # Where nothing was judged or nobody was seen, "none" would be more than is known.
    no_poor = "none" if day.judged_s else "–"
    longest = day.longest_bout if story.breaks_known(day) else None
    tiles = (
        (
            "Score",
            "–" if day.withheld else words.percent(score(day) / 100),
            "not enough data" if day.withheld else story.SCORE_MEANS,
        ),
        ("Judged", story.duration(day.judged_s), f"{share}{story.duration(day.present_s)} at the desk"),
        (
            "Longest poor stretch",
            story.duration(day.longest_poor_s) if day.longest_poor else no_poor,
            story.stretch(day.longest_poor) if day.longest_poor else "",
        ),
        (
            "Longest without a break",
            story.duration(longest.length_s) if longest else "–",
            story.stretch(longest) if longest else "",
        ),
        ("Breaks", str(day.breaks) if longest else "–", story.shifts(day)),
        ("Reminders", str(len(day.alerts)), story.alerts_line(day)),
    )
    return (
        '<dl class="figures">\n'
        + "\n".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)} <small>{escape(what)}</small></dd></div>"
            for name, value, what in tiles
        )
        + "\n</dl>"
    )


def _states(day: Day) -> list[tuple[str, str]]:
    """Return each state that occurred, and for how long in words."""
    return [(state, story.duration(day.seconds[state])) for state in STATES if day.seconds[state]]


def _in_words(day: Day) -> str:
    return ", ".join(f"{story.STATE_NAMES[state]} {length}" for state, length in _states(day))


def _legend(day: Day) -> str:
    items = "\n".join(
        f"<li>{charts.swatch(state)} {story.STATE_NAMES[state]} <b>{length}</b></li>"
        for state, length in _states(day)
    )
    return f'<ul class="legend">\n{items}\n</ul>'


def _ticks(axis: Axis) -> str:
    step = math.ceil((len(axis.marks) - 1) / _TICKS) or 1
    marks = [
        f'<span class="{"odd" if number % 2 else "even"}" style="left: {_percent(axis, at_s)}">{label}</span>'
        for number, (at_s, label) in enumerate(axis.marks[::step])
    ]
    return f'<div class="ticks" aria-hidden="true">{"".join(marks)}</div>'


def _percent(axis: Axis, at_s: float) -> str:
    return f"{100 * axis.share(at_s):.2f}%"


def _timeline(day: Day) -> str:
    axis = Axis.near(day.spans)
    markers = "".join(
        f'<li style="left: {_percent(axis, alert.wall_s)}" title="{escape(story.alert_line(alert))}">▼</li>'
        for alert in day.alerts
    )
    label = f"Timeline of the day: {_in_words(day)}"
    picture = charts.ribbon("ribbon", day.spans, axis.start_s, axis.end_s, label)
    bouts = charts.bouts("bouts", day, axis)
    key = "▼ reminder. " if day.alerts else ""
    return _section(
        "The day",
        f"""{_legend(day)}
<figure class="timeline">
<ul class="markers" aria-hidden="true">{markers}</ul>
<div class="ribbon">{picture}</div>
<div class="bouts">{bouts}</div>
{_ticks(axis)}
<figcaption>The higher the block, the poorer the posture; empty is not recorded
({story.duration(day.not_recorded_s)} of the day). {key}The line beneath is time at the desk,
thicker over {story.duration(story.LONG_BOUT_S)} without a break of a minute.</figcaption>
</figure>
{_bouts_table(day)}""",
    )


def _bouts_table(day: Day) -> str:
    rows = [
        (
            story.clock(bout.start_s, bout.utc_offset_s),
            story.clock(bout.end_s, end_offset_s(bout)),
            story.duration(bout.length_s),
            what if not length_s else f"{what}, {story.duration(length_s)}",
        )
        for bout in day.bouts
        for what, length_s in (story.after_bout(bout, day),)
    ]
    return _folded("Time at the desk and breaks", ("from", "to", "at the desk", "then"), rows)


def _details(day: Day) -> list[str]:
    hours, coverage, angles = _hours(day), _coverage(day), _angles(day)
    # The two columns are about as high as each other: one curve or none needs company, more stand alone.
    few = len(charts.shown_angles(day)) < 2
    stacks = ((hours,), (angles, coverage)) if few else ((hours, coverage), (angles,))
    columns = "\n".join('<div class="stack">\n' + "\n".join(stack) + "\n</div>" for stack in stacks)
    return [f'<div class="pair">\n{columns}\n</div>', *([_alerts(day)] if day.alerts else [])]


def _hours(day: Day) -> str:
    best, hardest = day.best_hour, day.hardest_hour
    told = ""
    if best is not None and hardest is not None:
        told = (
            f"<p>Best hour <b>{best.hour:02d}:00</b> ({words.percent(best.poor_share)} poor), "
            f"hardest hour <b>{hardest.hour:02d}:00</b> ({words.percent(hardest.poor_share)} poor).</p>"
        )
    seen = [hour for hour in day.hours if hour.recorded_s]
    used = [state for state in STATES if day.seconds[state]]
    rows = [
        (f"{hour.hour:02d}:00", *(story.duration(hour.seconds[state]) for state in used)) for hour in seen
    ]
    table = _folded("The hours as a table", ("hour", *(story.STATE_NAMES[state] for state in used)), rows)
    return _section("Hour by hour", f"<figure>{charts.hours('hours', day)}</figure>\n{told}\n{table}")


def _angles(day: Day) -> str:
    if not day.angles:
        return _section("Against neutral", '<p class="note">Nothing was measured on this day.</p>')
    missing = story.not_measured(day)
    note = f'<p class="note">{escape(missing)}</p>' if missing else ""
    if not charts.shown_angles(day):
        return _section("Against neutral", note)
    rows: dict[str, tuple[str, ...]] = {}
    # Of several that go by one name, the one shown elsewhere stands for all.
    named = day.angles.keys() & words.MEASURES.keys()
    for name in sorted(named, key=lambda name: (name not in story.SHOWN_MEASURES, name)):
        angle, label = day.angles[name], story.measure_label(name)
        between = story.middle_eight(name, angle)
        rows.setdefault(label, (label, story.signed(name, angle.median), between, f"{angle.minutes}"))
    head = ("measure", "middle minute", "middle 8 of 10 minutes", "minutes")
    table = _folded("All measures as a table", head, list(rows.values()))
    picture = charts.angles("angles", day, Axis.near(day.spans))
    return _section("Against neutral", f"<figure>{picture}</figure>\n{note}\n{table}")


def _alerts(day: Day) -> str:
    rows = [
        (
            story.clock(alert.wall_s, alert.utc_offset_s),
            story.alert_what(alert),
            story.duration(alert.held_s) if math.isfinite(alert.held_s) else "",
            story.followed(alert, day),
        )
        for alert in day.alerts
    ]
    head = ("at", "what", "for", "then")
    shown, more = rows[:_ALERTS], rows[_ALERTS:]
    return _section(
        "Reminders and what followed",
        f"{_scrolled('Reminders and what followed', _table(head, shown))}\n"
        + _folded(words.counted(len(more), "more reminder"), head, more, rest=True),
    )


def _coverage(day: Day) -> str:
    parts = [(state, day.seconds[state]) for state in PRESENT if day.seconds[state]]
    bar = "".join(
        f'<i class="{state}" style="flex: {length_s:.0f}; background: var(--{state})" '
        f'title="{story.STATE_NAMES[state]} {story.duration(length_s)}"></i>'
        for state, length_s in parts
    )
    rows = [(why or "no reason kept", story.duration(length_s)) for why, length_s in reasons(day.spans)]
    why = _table(("why not judged", "time"), rows) if rows else ""
    return _section(
        "What this day was judged on",
        f"<p>{escape(story.coverage_line(day))}</p>\n"
        f'<div class="share" role="img" aria-label="{escape(story.coverage_line(day))}">{bar}</div>\n'
        f'<div class="scroll">{why}</div>',
    )


def _week(week: Period, shown: Day) -> str:
    rows = []
    earliest, latest = charts.clock_range_s(week.recorded)
    for number, day in enumerate(week.days):
        name = f"{day.date:%a} {day.date.day}"
        mark = ' class="today" aria-current="date"' if day.date == shown.date else ""
        if not day.spans:
            rows.append(f'<span{mark}>{name}</span><span class="none">not recorded</span><span></span>')
            continue
        zero_s = charts.clock_zero_s(day)
        strip = charts.ribbon(
            f"week{number}", day.spans, zero_s + earliest, zero_s + latest, f"{name}: {_in_words(day)}"
        )
        rows.append(
            f"<span{mark}>{name}</span><span>{strip}</span>"
            f"<span>{story.duration(day.present_s)}, {story.poor_line(day)}</span>"
        )
    hours = range(round(earliest / 3600), round(latest / 3600) + 1)
    axis = Axis(earliest, latest, tuple((3600.0 * hour, f"{hour % 24:02d}:00") for hour in hours))
    rows.append(f'<span class="axis">{_ticks(axis)}</span>')
    return _section(
        story.period_title(week),
        f'<p>{escape(story.period_stood_out(week))}</p>\n<div class="week">\n' + "\n".join(rows) + "\n</div>",
    )


def _month(month: Period) -> str:
    rows = [
        (
            f"{day.date:%a} {day.date.day}",
            *(story.duration(day.seconds[state]) for state in PRESENT),
            words.percent(day.told_coverage) if day.present_s else "–",
            str(len(day.alerts)),
        )
        for day in month.recorded
    ]
    names = [story.STATE_NAMES[state] for state in PRESENT]
    return _section(
        story.period_title(month),
        f"<p>{escape(story.period_stood_out(month))}</p>\n"
        f"<figure>{_calendar(month)}\n"
        "<figcaption>Each day runs from the month's earliest to its latest hour.</figcaption></figure>\n"
        + _folded("The month as a table", ("day", *names, "coverage", "reminders"), rows),
    )


def _calendar(month: Period) -> str:
    """Return the month's sheet; weekdays and dates are letters of the page, which keep their size."""
    first = month.first.weekday() + 1
    names = "".join(f"<b>{name}</b>" for name in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))
    dates = "".join(f"<span>{day.date.day}</span>" for day in month.days)
    picture, weeks = charts.calendar("month", month)
    return (
        f'<div class="days" aria-hidden="true">{names}</div>\n'
        f'<div class="sheet" style="--weeks: {weeks}; --first: {first}">{picture}'
        f'<div class="days" aria-hidden="true">{dates}</div></div>'
    )


def _pain(told: PainStory) -> str:
    said = "\n".join(f"<p>{escape(sentence)}</p>" for sentence in told.sentences)
    care = f'<p class="care"><strong>{escape(told.seek_care)}</strong></p>' if told.seek_care else ""
    later = (
        f"\n<details><summary>When to see a doctor</summary>\n<p>{escape(SEEK_CARE)}</p></details>"
        if told.care_date
        else ""
    )
    return _section(
        "Diary, beside the means of each entry's day and the two before",
        f"{care}{_scrolled('Diary', _diary_table(told))}\n{said}{later}",
    )


def _diary_table(told: PainStory) -> str:
    """Return the entries with each note under its own: beside the numbers it would be a narrow column."""
    note = HEAD.index("note")
    return _table(
        HEAD[:note] + HEAD[note + 1 :],
        [row[:note] + row[note + 1 :] for row in told.rows],
        [row[note] for row in told.rows],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], notes: Sequence[str] = ()) -> str:
    kinds = [' class="words"' if name in _WORDS else "" for name in head]
    body = "\n".join(
        f'<tr><th scope="row"{kinds[0]}>{escape(first)}</th>'
        + "".join(f"<td{kind}>{escape(cell)}</td>" for kind, cell in zip(kinds[1:], rest, strict=True))
        + "</tr>"
        + (_note_row(note, len(head)) if note else "")
        for (first, *rest), note in zip(rows, notes or repeat(""), strict=False)
    )
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return f"<table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def _note_row(note: str, columns: int) -> str:
    return f'<tr><td class="words own" colspan="{columns}"><span dir="auto">{escape(note)}</span></td></tr>'


def _folded(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, rest: bool = False) -> str:
    """Return a table that is opened by a click: the numbers of a picture, or the rest of a list."""
    if not rows:
        return ""
    kind = ' class="rest"' if rest else ""
    table = _scrolled(title, _table(head, rows))
    return f"<details{kind}><summary>{escape(title)}</summary>\n{table}</details>"


def _scrolled(title: str, table: str) -> str:
    """Return a table that scrolls where it is too wide, with the keyboard as well, and by its name."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(title)}">{table}</div>'


def _footer(day: Day) -> str:
    """Return what the words of the page mean; of those that it does not use, nothing."""
    unused = () if day.angles else ("Neutral", "Limits")
    notes = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(what)}</dd>"
        for name, what in story.DEFINITIONS
        if name not in unused
    )
    return f"<footer><dl>{notes}</dl></footer>"
