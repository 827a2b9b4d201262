"""The page's charts: drawn by matplotlib as SVG, then dressed in the page's own colours.

Matplotlib draws with stand-in colours which become CSS variables, so that one
drawing serves light, dark and print; each mark gets a ``<title>``, so that
hovering shows its numbers without any script.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from posture_monitor.history.days import Day
from posture_monitor.history.packing import Floats
from posture_monitor.history.periods import Period
from posture_monitor.history.records import STATES, Span, told_reason
from posture_monitor.history.timeline import pieces
from posture_monitor.posture.judge import SIGNALS
from posture_monitor.telling import words
from posture_monitor.telling.report import story

#: Stand-in colours and the CSS variables they become.
INK, MUTED, LINE, CLEAR, FAINT = "#010101", "#020202", "#030303", "#040404", "#050505"
_COLOURS = {state: f"#0000{number + 0x10:02x}" for number, state in enumerate(STATES)}
_THEME = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    CLEAR: "transparent",
    FAINT: "var(--faint)",
    **{colour: f"var(--{state})" for state, colour in _COLOURS.items()},
}

#: Bottom and top of a state in the ribbon: shape tells states apart where colour does not.
#: The higher the block, the poorer the posture; what was not judged hangs or lies thin.
BLOCKS = {
    "good": (0.0, 0.42),
    "mild": (0.0, 0.71),
    "poor": (0.0, 1.0),
    "unknown": (0.58, 1.0),
    "away": (0.0, 0.07),
    "paused": (0.0, 0.2),
    "busy": (0.8, 1.0),
}

#: Half the breadth of a state within its hour, for eyes that see unknown in the colour of good.
_BREADTH = {"good": 0.4, "mild": 0.4, "poor": 0.4, "unknown": 0.22}
_THIN = 0.1

#: Charts are drawn for a card this many points wide and scale with it.
_WIDTH = 330.0
_DPI = 72.0

#: Names of limits have room side by side from this part of a curve's height on.
_NAMES_APART = 0.15
#: What takes no longer than this is drawn on an axis of minutes.
_FEW_S = 600.0
#: Which way a measure strays when posture gets poorer: the head sinks and comes nearer.
_WORSE = {"head_height": -1.0, "distance": -1.0}

#: Half the stretch over which a curve is smoothed, and the least that a day in the month shows.
_HALF_S, _SLOT_S = 240.0, 600.0

_SVG = "http://www.w3.org/2000/svg"
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.size": 8.5,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "path.simplify": True,
}


@dataclass(frozen=True)
class Axis:
    """The stretch of time that the day's charts share: whole local hours around what was recorded.

    Attributes
    ----------
    start_s, end_s
        POSIX seconds.
    marks
        ``(moment, label)`` for each full hour, or minute: POSIX seconds and the local time, ``09:00``.
    """

    start_s: float
    end_s: float
    marks: tuple[tuple[float, str], ...]

    @classmethod
    def of(cls, spans: Sequence[Span], step_s: float = 3600.0) -> Axis:
        """Return the axis of a day's spans, of whole steps and at least one of them."""
        first, last = spans[0], spans[-1]
        start_s = first.start_s - (first.start_s + first.utc_offset_s) % step_s
        end_s = last.end_s + -(last.end_s + last.utc_offset_s) % step_s
        marks = np.arange(start_s, end_s + 1, step_s)
        return cls(
            start_s,
            max(end_s, start_s + step_s),
            tuple((float(at_s), story.clock(at_s, _offset_at(spans, at_s))) for at_s in marks.tolist()),
        )

    @classmethod
    def near(cls, spans: Sequence[Span]) -> Axis:
        """Return the axis of a day told alone: of minutes where there are few, as on a first day."""
        few = spans[-1].end_s - spans[0].start_s <= _FEW_S
        return cls.of(spans, 60.0 if few else 3600.0)

    def share(self, at_s: float) -> float:
        """Return where a moment lies, 0..1."""
        return min(1.0, max(0.0, (at_s - self.start_s) / (self.end_s - self.start_s)))


def clock_zero_s(day: Day) -> float:
    """Return the POSIX seconds from which a recorded day's hours are counted, by the clock it ended with.

    It is midnight, but where the clock is changed, which is done at night: then what comes after lies
    where the clock had it.
    """
    zone = dt.timezone(dt.timedelta(seconds=day.spans[-1].utc_offset_s))
    return dt.datetime.combine(day.date, dt.time(), zone).timestamp()


def clock_range_s(days: Sequence[Day]) -> tuple[float, float]:
    """Return the seconds after `clock_zero_s` between which lies all that was recorded on these days."""
    axes = [(Axis.of(day.spans), clock_zero_s(day)) for day in days]
    return min(axis.start_s - zero_s for axis, zero_s in axes), max(
        axis.end_s - zero_s for axis, zero_s in axes
    )


def _offset_at(spans: Sequence[Span], at_s: float) -> int:
    """Return the local offset at a moment by the nearest span before it, else after it."""
    before = [span for span in spans if span.start_s <= at_s]
    return (before[-1] if before else spans[0]).utc_offset_s


class _Drawing:
    """One figure, its titles by group, and its way to SVG."""

    def __init__(self, name: str, width: float, height: float) -> None:
        self.name = name
        self.figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
        self.figure.patch.set_alpha(0.0)
        FigureCanvasSVG(self.figure)
        self._titles: dict[str, list[str]] = {}

    def bare(self, x: tuple[float, float], y: tuple[float, float]) -> Axes:
        """Return axes that fill the figure, with these limits and nothing drawn of themselves."""
        axes = self.figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(*x)
        axes.set_ylim(*y)
        return axes

    def blocks(
        self,
        axes: Axes,
        boxes: Sequence[tuple[float, float, float, float]],
        colour: str,
        titles: Sequence[str] = (),
    ) -> None:
        """Draw boxes (left, bottom, right, top), each with its title where titles are given."""
        if not boxes:
            return
        group = f"{self.name}-{len(self._titles)}"
        self._titles[group] = list(titles)
        corners = [
            [(left, bottom), (left, top), (right, top), (right, bottom)] for left, bottom, right, top in boxes
        ]
        drawn = PolyCollection(corners, facecolors=[colour], edgecolors="none", linewidths=0, gid=group)
        axes.add_collection(drawn, autolim=False)

    def svg(self, label: str, *, stretch: bool = False) -> str:
        """Return the SVG element, named for those who do not see it."""
        out = io.StringIO()
        self.figure.savefig(out, format="svg", transparent=True)
        root = ET.fromstring(out.getvalue())
        for group in root.iter(f"{{{_SVG}}}g"):
            titles = self._titles.get(group.get("id", ""))
            if titles:
                marks = list(group.iter(f"{{{_SVG}}}path"))
                for mark, title in zip(marks, titles, strict=True):
                    ET.SubElement(mark, f"{{{_SVG}}}title").text = title
        for child in list(root):
            if child.tag.endswith("metadata"):
                root.remove(child)
        for size in ("width", "height"):
            root.attrib.pop(size, None)
        root.set("role", "img")
        root.set("aria-label", label)
        if stretch:
            root.set("preserveAspectRatio", "none")
        return _dress(ET.tostring(root, encoding="unicode"), self.name)


def _dress(svg: str, name: str) -> str:
    """Put the page's colours and font in place of the stand-ins, and make ids the drawing's own."""
    # In a page of HTML there are no names of XML's other spaces: SVG's own `href` serves.
    svg = re.sub(r"ns0:|:ns0|ns\d:(?=href)", "", svg)
    svg = re.sub(r"#0[0-9a-f]{5}\b", lambda found: _THEME.get(found.group(), found.group()), svg)
    # Matplotlib 3.10 and before write `font: 8px ...`, later ones `font-size: 8px; font-family: ...`.
    svg = re.sub(
        r"font(?:-size)?: ([\d.]+)px[^;\"]*(?:; font-family: [^;\"]*)?",
        r"font-size: calc(\1px * var(--letters, 1))",
        svg,
    )
    # What the program itself named stays; what matplotlib named is made unique in the page.
    svg = re.sub(r'\b(id=")(?!' + name + ")", rf"\1{name}-", svg)
    svg = re.sub(r"(url\(#|href=\"#)(?!" + name + ")", rf"\1{name}-", svg)
    return re.sub(r"(\d+\.\d{2})\d+", r"\1", svg)


@matplotlib.rc_context(_STYLE)
def ribbon(name: str, spans: Sequence[Span], start_s: float, end_s: float, label: str) -> str:
    """Return the timeline of spans as blocks, to be stretched to any width; without axis."""
    drawing = _Drawing(name, 960, 60)
    axes = drawing.bare((start_s, end_s), (0, 1))
    for state in STATES:
        bottom, top = BLOCKS[state]
        told = [span for span in spans if span.state == state]
        drawing.blocks(
            axes,
            [(span.start_s, bottom, span.end_s, top) for span in told],
            _COLOURS[state],
            [_span_title(span) for span in told],
        )
    return drawing.svg(label, stretch=True)


def _span_title(span: Span) -> str:
    why = f" ({told_reason(span.reason)})" if span.reason else ""
    return f"{story.stretch(span)} {story.STATE_NAMES[span.state]}{why}, {story.duration(span.length_s)}"


@matplotlib.rc_context(_STYLE)
def bouts(name: str, day: Day, axis: Axis) -> str:
    """Return the bouts at the desk on the ribbon's axis; the gaps between them are the breaks."""
    drawing = _Drawing(name, 960, 16)
    axes = drawing.bare((axis.start_s, axis.end_s), (0, 1))
    long = [bout.length_s > story.LONG_BOUT_S for bout in day.bouts]
    for is_long, height, colour in ((False, 0.5, MUTED), (True, 1.0, INK)):
        told = [bout for bout, it in zip(day.bouts, long, strict=True) if it is is_long]
        drawing.blocks(
            axes,
            [(bout.start_s, 0, bout.end_s, height) for bout in told],
            colour,
            [story.bout_line(bout) for bout in told],
        )
    return drawing.svg(story.stretches(day), stretch=True)


@matplotlib.rc_context(_STYLE)
def hours(name: str, day: Day) -> str:
    """Return minutes of each state in each hour, stacked."""
    seen = [hour for hour in day.hours if hour.recorded_s]
    first, last = seen[0].hour, seen[-1].hour
    drawing = _Drawing(name, _WIDTH, 200)
    axes = drawing.figure.add_axes((0.09, 0.12, 0.9, 0.78))
    bottoms = dict.fromkeys(range(24), 0.0)
    for state in STATES:
        boxes, titles = [], []
        half = _BREADTH.get(state, _THIN)
        for hour in (hour for hour in seen if hour.seconds[state]):
            bottom = bottoms[hour.hour]
            end = bottoms[hour.hour] = bottom + hour.seconds[state] / 60
            boxes.append((hour.hour - half, bottom, hour.hour + half, end))
            titles.append(
                f"{hour.hour:02d}:00–{hour.hour + 1:02d}:00 {story.STATE_NAMES[state]} "
                f"{story.duration(hour.seconds[state])}"
            )
        drawing.blocks(axes, boxes, _COLOURS[state], titles)
    middle = (first + last) / 2
    reach = max(last - first + 1, 6) / 2
    axes.set_xlim(middle - reach, middle + reach)
    top = 60 if max(bottoms.values()) <= 60.5 else 120  # an hour that the clock showed twice
    axes.set_ylim(0, top)
    axes.set_yticks(range(0, top + 1, top // 4))
    step = 1 if last - first < 12 else 2
    axes.set_xticks(range(first, last + 1, step), [f"{hour:02d}" for hour in range(first, last + 1, step)])
    axes.grid(axis="y")
    axes.set_title("minutes, broad where judged", loc="left", fontsize=8.5, color=MUTED, pad=6)
    return drawing.svg("Minutes of each state in each hour; the numbers are in the table below")


def shown_angles(day: Day) -> list[str]:
    """Return the measures worth a curve: the first three that were measured."""
    return [name for name in story.SHOWN_MEASURES if name in day.angles][:3]


@matplotlib.rc_context(_STYLE)
def angles(name: str, day: Day, axis: Axis) -> str:
    """Return trunk, neck and head against neutral over the day, with the levels of mild and poor."""
    names = shown_angles(day)
    drawing = _Drawing(name, _WIDTH, 118 * len(names) + 16)
    panels = drawing.figure.subplots(len(names), 1, squeeze=False, sharex=True)[:, 0]
    for panel, metric in zip(panels, names, strict=True):
        _curve(drawing, panel, metric, day, axis)
    labelled = axis.marks[:: max(1, math.ceil(len(axis.marks) / 9))]
    hours = all(label.endswith(":00") for _, label in labelled)
    panels[-1].set_xticks(
        [at_s for at_s, _ in labelled], [label[:2] if hours else label for _, label in labelled]
    )
    panels[-1].set_xlim(axis.start_s, axis.end_s)
    drawing.figure.subplots_adjust(
        left=0.09, right=0.92, top=0.985 - 0.11 / len(names), bottom=0.14 / len(names), hspace=0.3
    )
    return drawing.svg("Deviation from neutral over the day; the numbers are in the table below")


def _curve(drawing: _Drawing, axes: Axes, metric: str, day: Day, axis: Axis) -> None:
    starts_s, values = day.minutes.of(metric)
    levels = thresholds(metric)
    reach = [abs(level) for level, _ in levels if level] or [1.0]
    # The scale shows the poor level always, and little more of a wild minute.
    low = min(-0.35 * max(reach), *(level for level, _ in levels), float(np.percentile(values[:, 0], 1)))
    high = max(0.35 * max(reach), *(level for level, _ in levels), float(np.percentile(values[:, 0], 99)))
    margin = 0.12 * (high - low)
    axes.set_ylim(low - margin, high + margin)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    near = _NAMES_APART * (high - low + 2 * margin)
    for level, state in levels:
        axes.axhline(level, color=_COLOURS[state], linewidth=1, linestyle=(0, (4, 2)))
        # Names of limits that lie close together keep to the outer side of their line.
        crowded = [level - other for other, _ in levels if 0 < abs(level - other) < near]
        side = "center" if not crowded else "bottom" if crowded[0] > 0 else "top"
        axes.annotate(
            state, (1, level), (3, 0), ("axes fraction", "data"), "offset points",
            color=MUTED, fontsize=8, va=side,
        )  # fmt: skip
    # A gap in the record is a gap in the line.
    gaps = np.flatnonzero(np.diff(starts_s) > 150) + 1
    for curve, colour, width in ((values[:, 0], FAINT, 0.8), (_smooth(starts_s, values[:, 0]), INK, 1.2)):
        axes.plot(
            np.insert(starts_s + 30, gaps, np.nan), np.insert(curve, gaps, np.nan),
            color=colour, linewidth=width, solid_joinstyle="round",
            marker="o" if len(starts_s) < 5 else "", markersize=3,
        )  # fmt: skip
    # A minute between two gaps is no line.
    alone = np.diff([0, *gaps, len(starts_s)]) == 1
    first = np.array([0, *gaps])[alone]
    axes.plot(starts_s[first] + 30, values[first, 0], color=INK, linestyle="", marker="o", markersize=2)
    in_unit = story.unit(metric)
    axes.set_title(
        f"{words.measure_name(metric)}, {in_unit} from neutral", loc="left", fontsize=8.5, color=INK, pad=3
    )
    axes.grid(axis="x")
    axes.tick_params(labelbottom=axes.get_subplotspec().is_last_row())  # type: ignore[union-attr]
    boxes, titles = [], []
    for begin_s, part in _every(starts_s, values, 300.0):
        boxes.append((begin_s, low - margin, begin_s + 300, high + margin))
        at = story.clock(begin_s, _offset_at(day.spans, begin_s))
        middle, upper = np.median(part[:, 0]), np.percentile(part[:, 1], 50)
        titles.append(
            f"{at}, the middle one of five minutes: median {story.signed(metric, float(middle))}, "
            f"nine in ten under {story.signed(metric, float(upper))}"
        )
    drawing.blocks(axes, boxes, CLEAR, titles)


def _smooth(starts_s: Floats, values: Floats) -> Floats:
    """Return the running median over eight minutes, so that a stretch stands out from the scatter.

    Of few minutes it would be one level throughout: they are returned as they are.
    """
    if starts_s[-1] - starts_s[0] < _FEW_S:
        return values
    first = np.searchsorted(starts_s, starts_s - _HALF_S)
    last = np.searchsorted(starts_s, starts_s + _HALF_S, side="right")
    return np.array([np.median(values[a:b]) for a, b in zip(first, last, strict=True)])


def _every(starts_s: Floats, values: Floats, step_s: float) -> Iterator[tuple[float, Floats]]:
    slots = (starts_s // step_s).astype(np.int64)
    for slot in np.unique(slots):
        yield float(slot * step_s), values[slots == slot]


def thresholds(metric: str) -> list[tuple[float, str]]:
    """Return the levels at which a measure alone counts as mild and poor, before a profile widens them."""
    return [
        (sign * limit, state)
        for signal in SIGNALS
        if signal.driver == metric
        for sign in [-1.0 if signal.name == "reclined" else _WORSE.get(metric, 1.0)]
        for limit, state in ((signal.mild, "mild"), (signal.poor, "poor"))
    ]


@matplotlib.rc_context(_STYLE)
def calendar(name: str, month: Period) -> tuple[str, int]:
    """Return the month as a sheet of days, each with its own small timeline, and how many weeks it has.

    It is to be stretched to any width, seven columns by its weeks, and holds no letters.
    """
    told = month.recorded
    earliest, latest = clock_range_s(told)
    blank = month.first.weekday()
    weeks = (blank + len(month.days) + 6) // 7
    drawing = _Drawing(name, 2 * _WIDTH, 26.0 * weeks)
    axes = drawing.bare((0, 7), (weeks, 0))
    boxes: dict[str, list[tuple[float, float, float, float]]] = {state: [] for state in STATES}
    covers: list[tuple[float, float, float, float]] = []
    titles: list[str] = []
    for day in month.days:
        row, column = divmod(blank + day.date.day - 1, 7)
        base = row + 0.9
        axes.plot((column + 0.02, column + 0.96), (base, base), color=LINE, linewidth=0.8)
        for slot in _slots(day):
            left, right = (
                column + 0.02 + 0.94 * (at_s - clock_zero_s(day) - earliest) / (latest - earliest)
                for at_s in (slot.start_s, slot.end_s)
            )
            bottom, top = BLOCKS[slot.state]
            boxes[slot.state].append((left, base - 0.5 * bottom, right, base - 0.5 * top))
        covers.append((column, row, column + 1, row + 1))
        titles.append(story.day_line(day))
    for state in STATES:
        drawing.blocks(axes, boxes[state], _COLOURS[state])
    drawing.blocks(axes, covers, CLEAR, titles)
    label = f"{story.period_title(month)}, day by day; the numbers are in the table below"
    return drawing.svg(label, stretch=True), weeks


def _slots(day: Day) -> list[Span]:
    """Return a day in slots of ten minutes, each of one state; neighbours are joined.

    A state gets a slot when it is owed the most: what it had of this slot and, undrawn, of those before.
    So minutes that never fill a slot are drawn once they do, and what is drawn adds up to what was.
    """
    owed = dict.fromkeys(STATES, 0.0)
    drawn: list[Span] = []
    cut = (piece for piece, _ in pieces(day.spans, _SLOT_S))
    for _, parts in itertools.groupby(cut, lambda part: (part.start_s + part.utc_offset_s) // _SLOT_S):
        slot = list(parts)
        for part in slot:
            owed[part.state] += part.length_s
        state = max(owed, key=owed.__getitem__)
        owed[state] -= sum(part.length_s for part in slot)
        start_s, end_s = slot[0].start_s, slot[-1].end_s
        if drawn and (drawn[-1].state, drawn[-1].end_s) == (state, start_s):
            drawn[-1] = replace(drawn[-1], end_s=end_s)
        else:
            drawn.append(Span(start_s, end_s, slot[0].utc_offset_s, state))
    return drawn


def swatch(state: str) -> str:
    """Return a small picture of how a state looks in the ribbon, for the legend."""
    bottom, top = BLOCKS[state]
    return (
        f'<svg class="swatch" viewBox="0 0 12 12" aria-hidden="true"><rect x="0" width="12" '
        f'y="{12 * (1 - top):.1f}" height="{12 * (top - bottom):.1f}" style="fill: var(--{state})"/></svg>'
    )
