"""What is drawn beside the calibration's mirror: what is seen and what is not, and the gauge."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from posture_monitor.service.framing import Kind, Note
from posture_monitor.windows import painter as paint
from posture_monitor.windows import style
from posture_monitor.windows.style import UNIT, enlarged, faded, font, pen

#: In a sign, whatever the desktop's colours.
_LIGHT = QColor("#ffffff")


class Notes(QWidget):
    """What is seen and what is not, line by line, each with a sign that colour alone does not make."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: tuple[Note, ...] = ()
        self.still = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)

    def tell(self, notes: tuple[Note, ...]) -> None:
        """Show other lines, and ask for the room that they and the bar take."""
        if notes != self.notes:
            self.notes = notes
            self.setMinimumHeight(round(self._places()[-1].bottom()) + enlarged(56))

    def _places(self) -> list[QRectF]:
        """Return where each line is written, and at last where what is beneath begins."""
        metrics, wrap = QFontMetricsF(font(1.05)), int(Qt.TextFlag.TextWordWrap)
        places, y = [], 0.0
        for note in self.notes:
            height = metrics.boundingRect(QRectF(30, y, self.width() - 30, 400), wrap, note.text).height()
            places.append(QRectF(30, y, self.width() - 30, height + 2))
            y += height + 10
        return [*places, QRectF(0, y + UNIT, self.width(), 0)]

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw the lines and the bar under them."""
        colours = style.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plain = font(1.05)
        high = QFontMetricsF(plain).height()
        *places, beneath = self._places()
        for note, place in zip(self.notes, places, strict=True):
            colour = {
                Kind.SEEN: colours.good, Kind.FINE: colours.faint, Kind.AMISS: colours.poor
            }[note.kind]  # fmt: skip
            _draw_sign(painter, QPointF(10, place.top() + high / 2), note.kind, colour)
            ink = colours.muted if note.kind is Kind.FINE else colours.ink
            paint.draw_text(painter, place, note.text, plain, ink, Qt.TextFlag.TextWordWrap)
        painter.setFont(font(0.92))
        painter.setPen(colours.muted)
        painter.drawText(QPointF(0, beneath.top() + QFontMetricsF(plain).ascent()), "Steadiness")
        bar = QRectF(0, beneath.top() + high + 6, self.width(), 8)
        painter.fillPath(paint.rounded(bar, 4), colours.line)
        if self.still > 0.02:
            bar.setWidth(max(8.0, self.width() * self.still))
            tint = style.mixed(colours.mild, colours.good, min(1.0, self.still / 0.6))
            painter.fillPath(paint.rounded(bar, 4), tint)
        painter.end()


def _draw_sign(painter: QPainter, centre: QPointF, kind: Kind, colour: QColor) -> None:
    """Draw a tick, a dot or an exclamation mark."""
    painter.save()
    painter.setPen(pen(colour, 2.4))
    painter.translate(centre)
    if kind is Kind.SEEN:
        painter.drawPolyline([QPointF(-6, 0), QPointF(-2, 4.5), QPointF(6, -5)])
    else:
        radius = 3.2 if kind is Kind.FINE else 8.5
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(0, 0), radius, radius)
    if kind is Kind.AMISS:
        painter.setPen(pen(_LIGHT, 2.2))
        painter.drawLine(QPointF(0, -4.2), QPointF(0, 0.6))
        painter.drawPoint(QPointF(0, 4.2))
    painter.restore()


class Gauge(QWidget):
    """The slouch index now, on a scale from neutral over mild to poor."""

    def __init__(self) -> None:
        super().__init__()
        self.index = math.nan
        self.setFixedHeight(enlarged(46))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw the scale and the mark."""
        colours = style.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, y = float(self.width()), 8.0
        third = width / 3
        painter.setClipPath(paint.rounded(QRectF(0, y, width, 8), 4))
        for i, colour in enumerate((colours.good, colours.mild, colours.poor)):
            painter.fillRect(QRectF(i * third, y, third - (1.5 if i < 2 else 0), 8), faded(colour, 0.85))
        painter.setClipping(False)
        for i, word in enumerate(("good", "mild", "poor")):
            place = QRectF(i * third, y + 12, third, enlarged(22))
            paint.draw_text(painter, place, word, font(0.88), colours.muted, Qt.AlignmentFlag.AlignCenter)
        if math.isfinite(self.index):
            x = min(max(self.index, 0.0), 1.45) / 1.5 * width
            painter.setPen(QPen(colours.card, 2))
            painter.setBrush(colours.ink)
            painter.drawEllipse(QPointF(min(max(x, 8), width - 8), y + 4), 8, 8)
        painter.end()
