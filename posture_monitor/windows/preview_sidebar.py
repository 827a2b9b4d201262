"""Beside the preview's picture, what is judged: verdict, dose, measures, and how well it was seen."""

from __future__ import annotations

import itertools
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from posture_monitor.service import glance
from posture_monitor.service.preview.shot import Shot
from posture_monitor.service.status import Status
from posture_monitor.telling import words
from posture_monitor.telling.language import english
from posture_monitor.windows import icons, style
from posture_monitor.windows import painter as paint
from posture_monitor.windows.style import UNIT, enlarged, font

#: So many measures are listed.
_ROWS: Final = 6
_SIDEBAR: Final = 288


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
        tint = colours.of_state(state if state in ("good", "mild", "poor") else "away")
        self._bar.set(max(0.0, min(1.0, status.dose)), tint)
        self._dose_text.setText(_dose(status) if watching else "")
        measures = glance.listed(status, _ROWS) if watching and status.state != "away" else []
        for (name, value, off), angle in itertools.zip_longest(self._cells, measures):
            name.setText(words.short_name(angle.name) if angle else "")
            value.setText(glance.value_text(angle) if angle else "")
            off.setText(glance.deviation_text(angle) if angle else "")
            drives = angle is not None and state in ("mild", "poor") and glance.drives(angle, status)
            tone = colours.ink if drives else colours.muted
            off.setStyleSheet(f"color: {tone.name()}; font-weight: {600 if drives else 400}")
        self._foot.setText(_foot(shot) if watching else "")
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


def _foot(shot: Shot) -> str:
    status = shot.status
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
