"""The live view: the picture, the body on it, its angles where they are measured, and what is judged of it.

The window shows a `preview.feeds.Feed`'s latest moment and waits for nothing: it
looks many times a second whether there is a newer one.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from posture_monitor.errors import UserError
from posture_monitor.posture import landmarks as lm
from posture_monitor.service import glance
from posture_monitor.service.preview.feeds import Feed
from posture_monitor.service.preview.headline import headline
from posture_monitor.service.preview.saved_moment import save_snapshot
from posture_monitor.service.preview.shot import Shot
from posture_monitor.service.status import Status
from posture_monitor.telling import words
from posture_monitor.telling.language import english
from posture_monitor.windows import icons, style
from posture_monitor.windows import painter as paint
from posture_monitor.windows.painter import Place
from posture_monitor.windows.style import UNIT, enlarged, faded, font, pen

#: The window looks for a newer moment this often, in milliseconds.
LOOK_MS: Final = 30
#: A note stays for this long, in milliseconds.
NOTE_MS: Final = 6000
KEYS: Final = (
    ("M", "mirror the picture, or not"),
    ("V", "show the video, or only the body"),
    ("R", "set neutral anew: camera or chair has moved"),
    ("S", "save the body's points for a bug report, without any picture"),
    ("?", "show or hide these keys"),
    ("Q", "close"),
)
#: So many measures are listed.
_ROWS: Final = 6
_SIDEBAR: Final = 288
#: Heights over the shoulders, and the landmarks whose middle they are measured to.
_HEIGHTS: Final = {
    "ear_height": [lm.LEFT_EAR, lm.RIGHT_EAR],
    "head_height": [0, 0, 3, 6, 7, 8, 9, 10],  # as `metrics` weighs the face
}
#: Angles that are drawn only from 3° off neutral on: they stand before the face.
_OFTEN_NONE: Final = ("lateral_head", "lateral_trunk")


class Preview(QWidget):
    """The window.

    Parameters
    ----------
    feed
        Started by the caller, and closed by the caller when the window is.
    video, mirrored
        Show the picture, and show it as a mirror does; keys change both.
    """

    def __init__(self, feed: Feed, *, video: bool = True, mirrored: bool = True) -> None:
        super().__init__()
        self.setObjectName("paper")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.feed = feed
        feed.picture_wanted = video
        self.stage = Stage(video=video, mirrored=mirrored)
        self.side = Sidebar()
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * UNIT, 2 * UNIT, 2 * UNIT, 2 * UNIT)
        row.setSpacing(2 * UNIT)
        row.addWidget(self.stage, 1)
        row.addWidget(self.side)
        self.setMinimumSize(self._enlarged(680, 440))
        self.resize(self._enlarged(1032, 554))
        self._number = -1
        self._noted = QTimer(self, singleShot=True)
        self._noted.timeout.connect(lambda: self.stage.tell(""))
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(LOOK_MS)
        self.look()

    def _enlarged(self, width: int, height: int) -> QSize:
        """Return a size that has grown with the letters, as far as the screen has room."""
        room = self.screen().availableSize() - QSize(40, 60)
        return QSize(enlarged(width), enlarged(height)).boundedTo(room)

    def look(self) -> None:
        """Show the latest moment and note, if they are new."""
        shot = self.feed.latest
        if shot.number != self._number or not shot.number:
            self._number = shot.number
            self.stage.show_shot(shot)
            self.side.show_shot(shot)
            self.setWindowTitle(f"Preview of {self.feed.name}")
        while note := self.feed.note():
            self.tell(note)

    def tell(self, note: str) -> None:
        """Show a note for some seconds."""
        self.stage.tell(note)
        self._noted.start(NOTE_MS)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Do what the key stands for, see `KEYS`."""
        key = event.key()
        if key in (Qt.Key.Key_Q, Qt.Key.Key_Escape):
            if key == Qt.Key.Key_Escape and self.stage.help:
                self.stage.switch_help()
            else:
                self.close()
        elif key == Qt.Key.Key_M:
            self.stage.mirrored = not self.stage.mirrored
            self.stage.update()
        elif key == Qt.Key.Key_V:
            self.stage.video = self.feed.picture_wanted = not self.stage.video
            self.stage.update()
        elif key == Qt.Key.Key_R:
            self.feed.reanchor()
        elif key == Qt.Key.Key_S:
            self.save()
        elif key in (Qt.Key.Key_Question, Qt.Key.Key_F1, Qt.Key.Key_H):
            self.stage.switch_help()
        else:
            super().keyPressEvent(event)

    def save(self) -> None:
        """Save the body's points of this moment, and say where."""
        shot = self.stage.shot
        if shot.landmarks is None:
            self.tell("Nothing to save: nobody is seen.")
            return
        try:
            path = save_snapshot(shot)
        except UserError as error:
            self.tell(f"Not saved: {error}.")
        else:
            self.tell(f"Saved, without any picture:\n{path}")

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Draw anew where the desktop has turned dark or light."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange) and hasattr(self, "side"):
            self.side.show_shot(self.stage.shot)
            self.stage.update()
        super().changeEvent(event)


class Stage(QWidget):
    """The picture, or the place where it would be, with the body on it."""

    def __init__(self, *, video: bool, mirrored: bool) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.video, self.mirrored, self.help = video, mirrored, False
        self.shot = Shot()
        self._image: QImage | None = None
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
        elif shot.jpeg is not None:
            image = QImage.fromData(shot.jpeg)
            self._image = None if image.isNull() else image
        else:
            self._image = None
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
        image = self._image if self.video else None
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
        painter.setPen(colours.ink)
        painter.setFont(large)
        painter.drawText(QRectF(left, top, width, first.height() + 4), flags, title)
        painter.setFont(small)
        painter.setPen(QColor("#d5dae0") if colours.dark else colours.muted)
        painter.drawText(QRectF(left, top + first.height() + UNIT, width, second.height() + 8), flags, text)

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
            painter.setPen(colours.ink)
            painter.setFont(bold)
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, key)
            painter.setFont(plain)
            painter.drawText(QRectF(cap.right() + 1.5 * UNIT, y, wide, high), flags, text)
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


class Sidebar(QFrame):
    """What is judged: verdict, dose, measures, and how well and how fast it was seen."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setFixedWidth(enlarged(_SIDEBAR))
        self._mark = _Mark()
        self._word, self._held, self._why = QLabel(wordWrap=True), _muted(), QLabel(wordWrap=True)
        self._word.setFont(font(1.7, bold=True))
        self._dose_text, self._bar = _muted(wrap=True), _Bar()
        self._grid = QGridLayout()
        self._cells = [(QLabel(), QLabel(), QLabel()) for _ in range(_ROWS)]
        for row, (name, value, off) in enumerate(self._cells):
            for column, label in enumerate((name, value, off)):
                label.setFont(font(0.97, figures=True))
                self._grid.addWidget(label, row, column)
            for label in (value, off):
                label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._grid.setColumnStretch(0, 1)
        self._grid.setHorizontalSpacing(UNIT)
        self._grid.setVerticalSpacing(UNIT - 2)
        self._foot, self._hint = _muted(wrap=True), _muted()
        self._hint.setText("Press ? for the keys")
        for label in (self._foot, self._hint):
            label.setFont(font(0.88, figures=True))
        head = QHBoxLayout()
        head.setSpacing(UNIT + 4)
        head.addWidget(self._mark)
        head.addWidget(self._word, 1)
        rows = self._rows = QVBoxLayout(self)
        rows.setContentsMargins(20, 20, 20, 16)
        rows.setSpacing(UNIT)
        rows.addLayout(head)
        rows.addWidget(self._held)
        rows.addWidget(self._why)
        rows.addSpacing(UNIT)
        rows.addWidget(self._bar)
        rows.addWidget(self._dose_text)
        rows.addSpacing(UNIT)
        rows.addLayout(self._grid)
        rows.addStretch(1)
        rows.addWidget(self._foot)
        rows.addWidget(self._hint)

    @english()
    def show_shot(self, shot: Shot) -> None:
        """Show what is judged of a moment."""
        colours = style.palette()
        status = shot.status
        state = "unknown" if not shot.number else "busy" if shot.lost else glance.badge(status)
        watching = bool(shot.number) and not shot.lost and status.activity == "watching"
        self._mark.set(state, colours.of_state(state))
        self._word.setText(_word(shot))
        self._held.setText(f"for {words.duration(status.held_s)}" if watching and status.held_s >= 1 else "")
        self._why.setText(glance.why(status) if watching else "")
        self._why.setVisible(bool(self._why.text()))
        self._bar.setVisible(watching)
        share = max(0.0, min(1.0, status.dose)) if watching else 0.0
        self._bar.set(share, colours.of_state(state if state in ("good", "mild", "poor") else "away"))
        self._dose_text.setText(_dose(status) if watching else "")
        measures = glance.listed(status, _ROWS) if watching and status.state != "away" else []
        for row, cells in enumerate(self._cells):
            angle = measures[row] if row < len(measures) else None
            texts = ("", "", "")
            if angle is not None:
                name = words.short_name(angle.name)
                texts = (name, glance.value_text(angle), glance.deviation_text(angle))
            drives = angle is not None and state in ("mild", "poor") and glance.drives(angle, status)
            for label, text in zip(cells, texts, strict=True):
                label.setText(text)
            tone = colours.ink if drives else colours.muted
            cells[0].setStyleSheet(f"color: {colours.ink.name()}")
            cells[1].setStyleSheet(f"color: {colours.ink.name()}")
            cells[2].setStyleSheet(f"color: {tone.name()}; font-weight: {600 if drives else 400}")
        self._foot.setText(_foot(shot, watching))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """List as many measures as have room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leave out the last measures where not all have room: squeezed, none could be read."""
        first = self._cells[0][0]
        spare = self.height() - self._rows.totalHeightForWidth(self.width())
        shown = sum(not name.isHidden() for name, _, _ in self._cells)
        most = shown + spare // (first.sizeHint().height() + self._grid.verticalSpacing())
        for row, cells in enumerate(self._cells):
            for label in cells:
                label.setVisible(row < max(1, most))


def _muted(*, wrap: bool = False) -> QLabel:
    label = QLabel(wordWrap=wrap)
    label.setProperty("role", "muted")
    return label


def _word(shot: Shot) -> str:
    if not shot.number:
        return "Starting"
    if shot.lost:
        return "No picture"
    return glance.word(shot.status)


def _dose(status: Status) -> str:
    if status.quiet:
        return f"Reminders are held back: {status.quiet}"
    if status.next_alert_s is not None:
        return f"If it lasts: reminder in {words.duration(status.next_alert_s)}"
    return f"{max(0.0, status.dose):.0%} of what a reminder takes"


def _foot(shot: Shot, watching: bool) -> str:
    status = shot.status
    if not watching:
        return ""
    seen = []
    if status.state != "away" and status.view not in ("", "unknown"):
        seen.append(
            {"front": "Seen from the front", "side": "Seen from the side"}.get(status.view, "Seen obliquely")
        )
        if status.confidence is not None:
            seen.append(f"{status.confidence:.0%} sure")
    speed = []
    if shot.rate is not None:
        speed.append(f"{shot.rate:.1f} frames/s")
    if shot.judged_ms is not None:
        speed.append(f"judged in {shot.judged_ms:.0f} ms")
    neutral = "Starter limits: calibrate for your own" if status.profile.starter else ""
    if shot.neutral is not None:
        neutral = "Dashed: your neutral posture"
    return "\n".join(line for line in (", ".join(seen), ", ".join(speed), neutral) if line)


class _Mark(QWidget):
    """The verdict's shape."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(enlarged(30), enlarged(30))
        self._state, self._colour = "unknown", QColor()

    def set(self, state: str, colour: QColor) -> None:
        """Show a state."""
        self._state, self._colour = state, colour
        self.setAccessibleName(state)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the mark."""
        painter = QPainter(self)
        icons.paint(painter, QRectF(self.rect()), self._state, self._colour)
        painter.end()


class _Bar(QWidget):
    """How much of what a reminder takes has gathered."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(UNIT)
        self._share, self._colour = 0.0, QColor()

    def set(self, share: float, colour: QColor) -> None:
        """Show a share, 0..1."""
        self._share, self._colour = share, colour
        self.setAccessibleName(f"{share:.0%}")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the bar."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.rect())
        painter.fillPath(paint.rounded(whole, whole.height() / 2), style.palette().line)
        if self._share > 0:
            done = QRectF(whole)
            done.setWidth(max(whole.height(), whole.width() * self._share))
            painter.fillPath(paint.rounded(done, whole.height() / 2), self._colour)
        painter.end()


def show(feed: Feed, *, video: bool, mirrored: bool) -> int:
    """Open the window, and return when it is closed."""
    app = style.application()
    feed.start()
    try:
        window = Preview(feed, video=video, mirrored=mirrored)
        window.show()
        return style.until_closed(app)
    finally:
        feed.close()
