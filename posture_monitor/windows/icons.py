"""A mark for each state, told apart by shape as well as by colour, drawn at the size in which it is shown.

The colours are the report's (`style.DAY`) brought to one middle lightness, so
that each stands out, at a contrast of 3:1 and more (WCAG 2.2, 1.4.11), from a
light panel and from a dark one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPainterPathStroker, QPixmap

from posture_monitor.windows.style import pen

#: Colour of each mark on a panel of whatever lightness.
PANEL: Final = {
    "good": "#1f8bd0",
    "mild": "#b9770a",
    "poor": "#e2501f",
    "unknown": "#9a6fd6",
    "away": "#7d8894",
    "paused": "#7d8894",
    "busy": "#23918c",
}
#: Sizes an icon is drawn for, in pixels; trays ask for 16, 22, 24, 32 and 48, twice that where dots are fine.
SIZES: Final = (16, 20, 22, 24, 32, 44, 48, 64, 96, 128)

#: From this size on, in pixels, there is room for detail.
_FINE: Final = 28


def mark(state: str, size: float) -> QPainterPath:
    """Return the filled shape of a state in a square of `size`: ● ◐ ▼ ? ○ ❚❚, and a struck-out camera.

    Edges that are straight lie on whole pixels where `size` is a whole number.
    """
    draw = {
        "good": _disc,
        "mild": _half_disc,
        "poor": _triangle,
        "away": _ring,
        "paused": _bars,
        "busy": _camera,
    }.get(state, _question)
    return draw(size)


def paint(painter: QPainter, rect: QRectF, state: str, colour: QColor) -> None:
    """Draw the mark of a state into `rect`."""
    side = min(rect.width(), rect.height())
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(rect.center() - QPointF(side / 2, side / 2))
    painter.fillPath(mark(state, side), colour)
    painter.restore()


@lru_cache
def icon(state: str) -> QIcon:
    """Return a state's icon for the tray, with every size of `SIZES` drawn for itself."""
    out = QIcon()
    for size in SIZES:
        pixmap = QPixmap(size, size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        paint(painter, QRectF(0, 0, size, size), state, QColor(PANEL.get(state, PANEL["unknown"])))
        painter.end()
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled):  # the menu's first line is for reading only
            out.addPixmap(pixmap, mode)
    return out


def _margin(size: float) -> int:
    return max(1, round(size / 12))


def _line(size: float) -> int:
    return max(2, round(size / 8))


def _disc(size: float, inset: float = 0) -> QPainterPath:
    gap = _margin(size) + inset
    path = QPainterPath()
    path.addEllipse(QRectF(gap, gap, size - 2 * gap, size - 2 * gap))
    return path


def _ring(size: float) -> QPainterPath:
    return _disc(size).subtracted(_disc(size, inset=_line(size)))


def _half_disc(size: float) -> QPainterPath:
    left = QPainterPath()
    left.addRect(QRectF(0, 0, round(size / 2), size))
    return _ring(size).united(_disc(size).intersected(left))


def _triangle(size: float) -> QPainterPath:
    gap, soft = _margin(size), _line(size)
    inner = QPainterPath(QPointF(gap + soft / 2, gap + 1 + soft / 2))
    inner.lineTo(size - gap - soft / 2, gap + 1 + soft / 2)
    inner.lineTo(size / 2, size - gap - soft / 2)
    inner.closeSubpath()
    # A stroke with round joins rounds the corners.
    return inner.united(_stroked(inner, soft))


def _bars(size: float) -> QPainterPath:
    gap = _margin(size) + 1
    wide = round(size * 0.26)
    path = QPainterPath()
    for x in (round(size * 0.16), round(size) - round(size * 0.16) - wide):
        path.addRoundedRect(QRectF(x, gap, wide, size - 2 * gap), size / 16, size / 16)
    return path


def _question(size: float) -> QPainterPath:
    hook = QPainterPath(QPointF(0.25 * size, 0.33 * size))
    hook.cubicTo(0.25 * size, 0.04 * size, 0.76 * size, 0.04 * size, 0.76 * size, 0.33 * size)
    hook.cubicTo(0.76 * size, 0.50 * size, 0.50 * size, 0.46 * size, 0.50 * size, 0.66 * size)
    path = _stroked(hook, 1.15 * _line(size))
    dot = 0.72 * _line(size)
    path.addEllipse(QPointF(0.50 * size, 0.87 * size), dot, dot)
    return path


def _camera(size: float) -> QPainterPath:
    gap = _margin(size)
    body = QPainterPath()
    top, bottom = round(0.25 * size), round(0.77 * size)
    body.addRoundedRect(QRectF(gap, top, round(0.60 * size), bottom - top), 0.09 * size, 0.09 * size)
    lens = QPainterPath(QPointF(gap + round(0.60 * size) - 1, 0.51 * size))
    lens.lineTo(size - gap, 0.30 * size)
    lens.lineTo(size - gap, 0.72 * size)
    lens.closeSubpath()
    stroke = QPainterPath(QPointF(gap + 0.06 * size, size - gap - 0.06 * size))
    stroke.lineTo(size - gap - 0.06 * size, gap + 0.06 * size)
    line = 0.8 * _line(size)
    if size < _FINE:  # no room for a bar between two gaps: the gap alone is the bar
        return body.united(lens).subtracted(_stroked(stroke, line))
    return body.united(lens).subtracted(_stroked(stroke, 2.6 * line)).united(_stroked(stroke, line))


def _stroked(path: QPainterPath, width: float) -> QPainterPath:
    return QPainterPathStroker(pen(QColor("black"), width)).createStroke(path).simplified()
