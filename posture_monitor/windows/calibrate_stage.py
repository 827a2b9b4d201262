"""The mirror of the calibration: the picture, and all that is drawn on it."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QLinearGradient, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.head import TYPICAL_HEAD
from posture_monitor.service.guided import Moment
from posture_monitor.service.guiding import Step
from posture_monitor.telling import words
from posture_monitor.windows import painter as paint
from posture_monitor.windows import style
from posture_monitor.windows.style import UNIT, Palette, enlarged, faded, font, pen

#: What moves on the screen follows its value with this time constant.
_EASE_S: Final = 0.18
#: How much is seen of the outline to sit in, while somebody is still finding it.
_OUTLINE: Final = {Step.LOOKING: 1.0, Step.SETTLING: 0.55}
#: On a picture, whatever the desktop's colours.
_LIGHT, _NIGHT = QColor("#ffffff"), QColor("#0d1117")
#: So much larger than fits a picture may be drawn to fill the stage.
_MOST_CROP: Final = 1.45
#: Where poor begins is drawn broader than where mild does: not everybody tells their colours apart.
_MILD_LINE, _POOR_LINE = 1.8, 3.8


def sitter(width: int, height: int) -> npt.NDArray[np.float32]:
    """Return a body that sits well in a picture of this size, ``(33, 4)``: the outline to sit in."""
    cm = 0.0150 * height  # pixels; a head as large as at an arm's length from a usual webcam
    points = np.full((lm.COUNT, 4), np.nan, dtype=np.float32)
    places = {i: (x, y) for i, (x, y, _) in enumerate(TYPICAL_HEAD)}
    places |= {lm.LEFT_SHOULDER: (16.5, 23.5), lm.RIGHT_SHOULDER: (-16.5, 23.5)}
    places |= {lm.LEFT_ELBOW: (21.0, 48.0), lm.RIGHT_ELBOW: (-21.0, 48.0)}
    for i, (x, y) in places.items():
        points[i] = 0.5 + x * cm / width, 0.34 + y * cm / height, 0.0, 1.0
    return points


class Stage(QWidget):
    """The mirror, and all that is drawn on it."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(300, 240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.moment: Moment | None = None
        self.trouble = ""
        self.way = 0
        self.say, self.hint = "", ""
        self._image: QImage | None = None
        self._size = (640, 480)
        self._ring = self._outline = self._review = 0.0

    def show_moment(self, moment: Moment) -> None:
        """Show what was seen last."""
        self.moment, self.trouble = moment, ""
        if moment.seen is not None:
            frame = moment.seen.frame
            self._size = (frame.width, frame.height)
            self._image = paint.image_of(frame.image) if frame.image is not None else None

    def show_trouble(self, trouble: str) -> None:
        """Show why there is no picture."""
        self.moment, self._image, self.trouble = None, None, trouble

    def ease(self, seconds: float) -> None:
        """Let what moves come nearer to where it should be."""
        part = 1 - math.exp(-seconds / _EASE_S)
        ring = outline = review = 0.0
        if (moment := self.moment) is not None:
            step = moment.guidance.step
            ring = moment.guidance.progress if step is Step.CAPTURING else 0.0
            outline = _OUTLINE.get(step, 0.0) if moment.aim is None else 0.0
            review = float(moment.result is not None)
        self._ring += (ring - self._ring) * (part if ring >= self._ring else 1.0)
        self._outline += (outline - self._outline) * part
        self._review += (review - self._review) * part

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw it all."""
        colours = style.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        whole, covering = (paint.Place.within(area, *self._size, covering=cover) for cover in (False, True))
        # A picture of about the stage's shape fills it; a portrait would lose the head.
        fills = self._image is not None and covering.rect.width() < _MOST_CROP * whole.rect.width()
        place = covering if fills else whole
        clip = paint.rounded(area)
        dim = 0.16 if self.moment and self.moment.guidance.step is not Step.CAPTURING else 0.04
        veil = faded(_NIGHT, dim) if self._image is not None else None
        behind = QColor("#0f1318") if colours.dark else QColor("#22282f")
        paint.draw_picture(painter, place, self._image, clip=clip, behind=behind, veil=veil)
        painter.setClipPath(clip)
        if self.trouble:
            _draw_no_camera(painter, area, self.trouble)
        elif self.moment is not None:
            self._draw_bodies(painter, place, self.moment, colours)
            self._draw_band(painter, area)
            if self._review > 0.01:
                _draw_legend(painter, area, self._review)
            self._draw_ring(painter, area, self.moment, colours)
        painter.end()

    def _draw_bodies(self, painter: QPainter, place: paint.Place, moment: Moment, colours: Palette) -> None:
        seen, result = moment.seen, moment.result
        if self._outline > 0.01:
            paint.draw_ghost(
                painter,
                place,
                sitter(*self._size),
                _LIGHT,
                opacity=0.75 * self._outline,
                filled=0.05,
                dashed=True,
            )
        colour = _LIGHT
        if result is not None:
            night = style.NIGHT
            if result.ghosts:
                ghost = result.ghosts[self.way % len(result.ghosts)]
                for body, tint, width in (
                    (ghost.poor, night.poor, _POOR_LINE), (ghost.mild, night.mild, _MILD_LINE)
                ):  # fmt: skip
                    paint.draw_ghost(
                        painter, place, body, tint, opacity=self._review, filled=0.05, width=width
                    )
            paint.draw_ghost(
                painter, place, result.body, _LIGHT, opacity=0.5 * self._review, filled=0, dashed=True
            )
            if moment.live is not None:
                colour = night.of_state(moment.live.verdict.value)
        if seen is not None:
            opacity = 0.95 if result is None else 0.8
            paint.draw_skeleton(painter, place, seen.landmarks, colour, opacity=opacity, halo=_NIGHT)

    def _draw_band(self, painter: QPainter, area: QRectF) -> None:
        """Draw the words at the picture's foot, large enough to be read from the chair."""
        big = font(1.75 if area.width() > 560 else 1.4, bold=True)
        small = font(1.15)
        inner = area.adjusted(3 * UNIT, 0, -3 * UNIT, -2.5 * UNIT)
        wrap = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft)
        hint_height = 0.0
        if self.hint:
            bounds = QFontMetricsF(small).boundingRect(inner, wrap, self.hint)
            hint_height = bounds.height() + UNIT / 2
        say_height = QFontMetricsF(big).boundingRect(inner, wrap, self.say).height()
        top = inner.bottom() - hint_height - say_height
        shade = QLinearGradient(0, top - 9 * UNIT, 0, area.bottom())
        shade.setColorAt(0.0, faded(_NIGHT, 0.0))
        shade.setColorAt(0.45, faded(_NIGHT, 0.62))
        shade.setColorAt(1.0, faded(_NIGHT, 0.86))
        painter.fillRect(
            QRectF(area.left(), top - 9 * UNIT, area.width(), area.bottom() - top + 9 * UNIT), shade
        )
        head = QRectF(inner.left(), top, inner.width(), say_height)
        paint.draw_text(painter, head, self.say, big, _LIGHT, wrap)
        if self.hint:
            foot = QRectF(inner.left(), inner.bottom() - hint_height + UNIT / 2, inner.width(), hint_height)
            paint.draw_text(painter, foot, self.hint, small, faded(_LIGHT, 0.82), wrap)

    def _draw_ring(self, painter: QPainter, area: QRectF, moment: Moment, colours: Palette) -> None:
        """Draw the countdown: seconds to go, in a ring that fills as the posture is learnt."""
        guidance = moment.guidance
        if guidance.step not in (Step.SETTLING, Step.CAPTURING):
            return
        size = min(float(enlarged(92)), 0.2 * area.width())
        ring = QRectF(area.right() - size - 2.5 * UNIT, area.top() + 2.5 * UNIT, size, size)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(_NIGHT, 0.62))
        painter.drawEllipse(ring.adjusted(-6, -6, 6, 6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(faded(_LIGHT, 0.22), 7))
        inner = ring.adjusted(5, 5, -5, -5)
        painter.drawEllipse(inner)
        part = self._ring
        colour = style.NIGHT.good
        if guidance.step is Step.SETTLING:
            part, colour = guidance.left_s - math.floor(guidance.left_s), _LIGHT
        painter.setPen(pen(colour, 7))
        painter.drawArc(inner, 90 * 16, -round(360 * 16 * part))
        figures = font(bold=True, figures=True)
        figures.setPixelSize(round(0.34 * size))
        left = f"{max(1, math.ceil(guidance.left_s - 0.05))}"
        paint.draw_text(painter, ring, left, figures, _LIGHT, Qt.AlignmentFlag.AlignCenter)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size at which the head is as large as in a mirror."""
        return QSize(760, 600)


def _draw_legend(painter: QPainter, area: QRectF, opacity: float) -> None:
    """Say which outline is which."""
    bold = font(0.95, bold=True)
    metrics = QFontMetricsF(bold)
    night = style.NIGHT
    key = (
        ("your posture", _LIGHT, 2.6),
        ("mild from here", night.mild, _MILD_LINE),
        ("poor from here", night.poor, _POOR_LINE),
    )
    width = max(metrics.horizontalAdvance(word) for word, _, _ in key) + 60
    line = metrics.height() + 6
    box = QRectF(area.left() + 2.5 * UNIT, area.top() + 2.5 * UNIT, width, line * len(key) + 12)
    painter.fillPath(paint.rounded(box, 10), faded(_NIGHT, 0.62 * opacity))
    for i, (word, colour, line_width) in enumerate(key):
        y = box.top() + 6 + line * (i + 0.5)
        line_pen = QPen(faded(colour, 0.95 * opacity), line_width)
        if i == 0:
            line_pen.setDashPattern([2.2, 1.8])
        painter.setPen(line_pen)
        painter.drawLine(QPointF(box.left() + 12, y), QPointF(box.left() + 36, y))
        place = QRectF(box.left() + 46, y - line / 2, width, line)
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        paint.draw_text(painter, place, word, bold, faded(_LIGHT, 0.92 * opacity), middle)


def _draw_no_camera(painter: QPainter, area: QRectF, trouble: str) -> None:
    """Draw a camera crossed out, and the line that says why."""
    painter.save()
    painter.translate(area.center() - QPointF(0, 44))
    painter.setPen(pen(faded(_LIGHT, 0.7), 4))
    painter.drawRoundedRect(QRectF(-44, -28, 62, 56), 12, 12)
    painter.drawPolyline([QPointF(18, -8), QPointF(44, -24), QPointF(44, 24), QPointF(18, 8)])
    painter.drawLine(QPointF(-52, -44), QPointF(50, 46))
    painter.restore()
    head, _, advice = trouble.partition("; ")
    wrap = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
    box = QRectF(area.left() + 40, area.center().y() + 28, area.width() - 80, area.height() / 2 - 40)
    told, big = words.sentence(head), font(1.35, bold=True)
    paint.draw_text(painter, box, told, big, _LIGHT, wrap)
    below = box.adjusted(0, QFontMetricsF(big).boundingRect(box, wrap, told).height() + UNIT, 0, 0)
    paint.draw_text(painter, below, words.sentence(advice), font(1.1), faded(_LIGHT, 0.75), wrap)
