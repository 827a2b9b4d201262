"""The preview's picture: the body on it, its angles where they are measured, and what is told over it."""

from __future__ import annotations

import time
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen, QTextOption
from PySide6.QtWidgets import QSizePolicy, QWidget

from posture_monitor.posture import landmarks as lm
from posture_monitor.service import glance
from posture_monitor.service.preview.headline import headline
from posture_monitor.service.preview.shot import Shot
from posture_monitor.windows import icons, style
from posture_monitor.windows import painter as paint
from posture_monitor.windows.painter import Place
from posture_monitor.windows.style import UNIT, enlarged, faded, font, pen

KEYS: Final = (
    ("M", "mirror the picture, or not"),
    ("V", "show the video, or only the body"),
    ("R", "set neutral anew: camera or chair has moved"),
    ("S", "save the body's points for a bug report, without any picture"),
    ("?", "show or hide these keys"),
    ("Q", "close"),
)
#: Heights over the shoulders, and the landmarks whose middle they are measured to.
_HEIGHTS: Final = {
    "ear_height": [lm.LEFT_EAR, lm.RIGHT_EAR],
    "head_height": [0, 0, 3, 6, 7, 8, 9, 10],  # as `metrics` weighs the face
}
#: Angles that are drawn only from 3° off neutral on: they stand before the face.
_OFTEN_NONE: Final = ("lateral_head", "lateral_trunk")


class Stage(QWidget):
    """The picture, or the place where it would be, with the body on it."""

    def __init__(self, *, video: bool, mirrored: bool) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.video, self.mirrored, self.help = video, mirrored, False
        self.shot = Shot()
        self._image = QImage()
        self._note = ""
        self._size = (640, 480)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of a usual camera's picture."""
        return QSize(640, 480)

    def show_shot(self, shot: Shot) -> None:
        """Show a moment."""
        self.shot = shot
        if shot.image is not None:
            self._image = paint.image_of(shot.image)
        else:
            self._image = QImage.fromData(shot.jpeg or b"")
        if shot.width and shot.height:
            self._size = (shot.width, shot.height)
        title, text = headline(shot, time.time())
        self.setAccessibleName(" ".join(part for part in (title, text) if part) or f"{shot.status.state}")
        self.update()

    def tell(self, note: str) -> None:
        """Show a note below, or none."""
        self._note = note
        self.update()

    def switch_help(self) -> None:
        """Show the keys, or hide them."""
        self.help = not self.help
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw it all, the picture first."""
        colours = style.palette()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        image = self._image if self.video and not self._image.isNull() else None
        title, text = headline(self.shot, time.time()) if self.shot.number else ("Starting", "")
        place = Place.within(QRectF(self.rect()), *self._size, mirrored=self.mirrored)
        clip = paint.rounded(place.rect)
        on = style.NIGHT if image is not None else colours
        veil = faded(QColor("#0b0e12"), 0.5 if title else 0.14) if image is not None else None
        paint.draw_picture(painter, place, image, clip=clip, behind=colours.card, veil=veil)
        if image is None:
            painter.setPen(QPen(colours.line, 1))
            painter.drawPath(clip)
        painter.save()
        painter.setClipPath(clip)
        self._body(painter, place, on, opacity=0.45 if title else 1.0, quiet=bool(title))
        painter.restore()
        if title and not self.help and not self._note:
            self._headline(painter, place.rect, on, title, text)
        if self.help:
            self._keys(painter, QRectF(self.rect()))
        if self._note:
            self._pill(painter, place.rect)
        painter.end()

    def _body(
        self, painter: QPainter, place: Place, colours: style.Palette, *, opacity: float, quiet: bool
    ) -> None:
        shot = self.shot
        if shot.neutral is not None and not quiet:
            ink = QColor("white") if colours.dark else colours.muted
            paint.draw_ghost(painter, place, shot.neutral, ink, opacity=0.5, filled=0.07, dashed=True)
        if shot.landmarks is None or shot.status.state == "away":
            return
        colour = colours.of_state(shot.status.state)
        halo = QColor("black") if colours.dark else None
        paint.draw_skeleton(painter, place, shot.landmarks, colour, opacity=opacity, halo=halo)
        if quiet:
            return
        measures = {
            angle.name: angle.value
            for angle in shot.status.angles
            if angle.value is not None and (angle.name not in _OFTEN_NONE or abs(angle.deviation or 0) >= 3)
        }
        paint.draw_angles(painter, place, shot.landmarks, measures, colours)
        name = next((name for name in _HEIGHTS if name in measures), None)
        if name is not None and "neck_incl" not in measures:
            _draw_height(painter, place, shot.landmarks, name, measures[name], colours)

    def _headline(
        self, painter: QPainter, rect: QRectF, colours: style.Palette, title: str, text: str
    ) -> None:
        state = "busy" if self.shot.lost else glance.badge(self.shot.status)
        side = max(40.0, min(72.0, rect.height() / 7))
        large, small = font(1.75, bold=True), font(1.1)
        width = min(rect.width() - 6 * UNIT, 460.0)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
        first = QFontMetricsF(large).boundingRect(QRectF(0, 0, width, 1000), flags, title)
        second = QFontMetricsF(small).boundingRect(QRectF(0, 0, width, 1000), flags, text)
        top = rect.center().y() - (side + 2 * UNIT + first.height() + UNIT + second.height()) / 2
        left = rect.center().x() - width / 2
        icons.paint(
            painter, QRectF(rect.center().x() - side / 2, top, side, side), state, colours.of_state(state)
        )
        top += side + 2 * UNIT
        place = QRectF(left, top, width, first.height() + 4)
        paint.draw_text(painter, place, title, large, colours.ink, flags)
        below = QRectF(left, top + first.height() + UNIT, width, second.height() + 8)
        muted = QColor("#d5dae0") if colours.dark else colours.muted
        paint.draw_text(painter, below, text, small, muted, flags)

    def _keys(self, painter: QPainter, rect: QRectF) -> None:
        colours = style.NIGHT
        side = enlarged(3.5 * UNIT)
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap
        # In a small window lines are broken; in one that is too low even so, the text is smaller.
        for scale in (1.0, 0.85, 0.7):
            bold, plain = font(1.1 * scale, bold=True), font(1.05 * scale)
            metrics = QFontMetricsF(plain)
            longest = max(metrics.horizontalAdvance(text) for _, text in KEYS)
            wide = min(longest + 1, rect.width() - side - 7 * UNIT)
            needed = [
                metrics.boundingRect(QRectF(0, 0, wide, 1000), flags, text).height() for _, text in KEYS
            ]
            highs = [high + 0.75 * metrics.height() for high in needed]
            if sum(highs) + 4 * UNIT <= rect.height():
                break
        card = QRectF(0, 0, side + wide + 5.5 * UNIT, sum(highs) + 4 * UNIT)
        card.moveCenter(rect.center())
        painter.fillPath(paint.rounded(card), faded(colours.paper, 0.94))
        painter.setPen(QPen(colours.line, 1))
        painter.drawPath(paint.rounded(card))
        y = card.top() + 2 * UNIT
        for (key, text), high in zip(KEYS, highs, strict=True):
            cap = QRectF(card.left() + 2 * UNIT, 0, side, 1.25 * metrics.height())
            cap.moveTop(y + (high - cap.height()) / 2)
            painter.setPen(QPen(colours.faint, 1))
            painter.setBrush(colours.card)
            painter.drawRoundedRect(cap, 5, 5)
            paint.draw_text(painter, cap, key, bold, colours.ink, Qt.AlignmentFlag.AlignCenter)
            beside = QRectF(cap.right() + 1.5 * UNIT, y, wide, high)
            paint.draw_text(painter, beside, text, plain, colours.ink, flags)
            y += high

    def _pill(self, painter: QPainter, rect: QRectF) -> None:
        painter.setFont(font())
        how = QTextOption(Qt.AlignmentFlag.AlignCenter)
        how.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)  # a path may be one long word
        wide = rect.width() - 8 * UNIT
        text = painter.boundingRect(QRectF(0, 0, wide, 400), self._note, how)
        pill = QRectF(0, 0, text.width() + 4 * UNIT, text.height() + 2 * UNIT)
        pill.moveCenter(QPointF(rect.center().x(), rect.bottom() - 2 * UNIT - pill.height() / 2))
        painter.fillPath(paint.rounded(pill), faded(style.NIGHT.paper, 0.9))
        painter.setPen(style.NIGHT.ink)
        painter.drawText(pill.adjusted(2 * UNIT - 2, 0, 2 - 2 * UNIT, 0), self._note, how)


def _draw_height(
    painter: QPainter,
    place: Place,
    landmarks: paint.Points,
    name: str,
    height_cm: float,
    colours: style.Palette,
) -> None:
    """Draw how high ears or face are over the shoulders as a dimension line beside the body."""
    if not paint.is_seen(landmarks):
        return
    above = float(landmarks[_HEIGHTS[name], 1].mean())
    shoulders = landmarks[[lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER], :2]
    # On the right of the screen, where no tilt is written.
    edge = float(np.min(shoulders[:, 0])) if place.mirrored else float(np.max(shoulders[:, 0]))
    x = place.at(edge, 0).x() + 0.03 * place.rect.width()
    x = min(x, place.rect.right() - 74)
    top, bottom = place.at(0, above).y(), place.at(0, float(shoulders[:, 1].mean())).y()
    ink = QColor("white") if colours.dark else colours.ink
    painter.save()
    painter.setPen(pen(faded(ink, 0.85), 2.0))
    painter.drawLine(QPointF(x, top), QPointF(x, bottom))
    for y in (top, bottom):
        painter.drawLine(QPointF(x - 6, y), QPointF(x + 6, y))
    painter.restore()
    middle = QPointF(x, (top + bottom) / 2)
    paint.draw_label(painter, middle, f"{height_cm:.1f} cm", ink)
