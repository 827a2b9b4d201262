"""The calibration's window: a mirror, what to do now, and what was learnt.

Camera and model work in a thread of their own (`_Eyes`); the window takes the
latest moment from it whenever it draws, so that neither waits for the other.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
from collections import deque
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QFontMetricsF,
    QGuiApplication,
    QImage,
    QKeySequence,
    QLinearGradient,
    QPainter,
    QPaintEvent,
    QPen,
    QShortcut,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from posture_monitor.errors import UserError
from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.head import TYPICAL_HEAD
from posture_monitor.posture.reading import Verdict
from posture_monitor.service.guided import Guided, Moment, Result
from posture_monitor.service.guiding import Aim, Kind, Note, Step
from posture_monitor.telling import words
from posture_monitor.windows import painter as paint
from posture_monitor.windows import style
from posture_monitor.windows.style import UNIT, Palette, enlarged, faded, font, pen

log = logging.getLogger(__name__)

#: The window looks for something new this often; 60 times a second.
_TICK_MS: Final = 16
#: What moves on the screen follows its value with this time constant.
_EASE_S: Final = 0.18
#: At the end the thread is given so long to let go of the camera.
_CLOSING_S: Final = 5.0
#: On a picture, whatever the desktop's colours.
_LIGHT, _NIGHT = QColor("#ffffff"), QColor("#0d1117")
_CARD_WIDTH: Final = 316
_MARGIN: Final = 18
#: So much larger than fits a picture may be drawn to fill the stage.
_MOST_CROP: Final = 1.45


class _Eyes(threading.Thread):
    """Takes moment after moment, and keeps the latest for the window."""

    def __init__(self, guided: Guided) -> None:
        super().__init__(name="calibration", daemon=True)
        self.guided = guided
        self.latest: deque[Moment | str] = deque(maxlen=1)  # a text is a trouble
        self._closed, self._again = threading.Event(), threading.Event()

    def run(self) -> None:
        """Look until closed; after a trouble or the end of a recording, wait to be asked again."""
        while not self._closed.is_set():
            self._again.clear()
            try:
                with contextlib.closing(self.guided.moments()) as moments:
                    for moment in moments:
                        self.latest.append(moment)
                        if self._closed.is_set() or self._again.is_set():
                            break
            except UserError as error:
                self.latest.append(str(error))
            except Exception as error:  # a window that stands still would be worse
                log.exception("calibration")
                self.latest.append(f"The camera or the pose model failed: {error}")
            self._again.wait()

    def look_again(self) -> None:
        """Open the source anew."""
        self._again.set()

    def close(self) -> None:
        """Let go of the camera."""
        self._closed.set()
        self._again.set()
        self.join(_CLOSING_S)


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


class _Stage(QWidget):
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
        guidance = self.moment.guidance if self.moment else None
        step = guidance.step if guidance else None
        result = bool(self.moment and self.moment.result)
        ring = guidance.progress if guidance and step is Step.CAPTURING else 0.0
        outline = 0.0
        if guidance and step in (Step.LOOKING, Step.SETTLING) and self.moment and self.moment.aim is None:
            outline = 1.0 if step is Step.LOOKING else 0.55
        self._ring += (ring - self._ring) * (part if ring >= self._ring else 1.0)
        self._outline += (outline - self._outline) * part
        self._review += (float(result) - self._review) * part

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
                for body, tint in ((ghost.poor, night.poor), (ghost.mild, night.mild)):
                    paint.draw_ghost(painter, place, body, tint, opacity=self._review, filled=0.05)
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
        painter.save()
        big = font(1.75 if area.width() > 560 else 1.4, bold=True)
        small = font(1.15)
        inner = area.adjusted(3 * UNIT, 0, -3 * UNIT, -2.5 * UNIT)
        wrap = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft
        hint_height = 0.0
        if self.hint:
            bounds = QFontMetricsF(small).boundingRect(inner, int(wrap), self.hint)
            hint_height = bounds.height() + UNIT / 2
        say_height = QFontMetricsF(big).boundingRect(inner, int(wrap), self.say).height()
        top = inner.bottom() - hint_height - say_height
        shade = QLinearGradient(0, top - 9 * UNIT, 0, area.bottom())
        shade.setColorAt(0.0, faded(_NIGHT, 0.0))
        shade.setColorAt(0.45, faded(_NIGHT, 0.62))
        shade.setColorAt(1.0, faded(_NIGHT, 0.86))
        painter.fillRect(
            QRectF(area.left(), top - 9 * UNIT, area.width(), area.bottom() - top + 9 * UNIT), shade
        )
        painter.setPen(_LIGHT)
        painter.setFont(big)
        painter.drawText(QRectF(inner.left(), top, inner.width(), say_height), int(wrap), self.say)
        if self.hint:
            painter.setPen(faded(_LIGHT, 0.82))
            painter.setFont(small)
            foot = QRectF(inner.left(), inner.bottom() - hint_height + UNIT / 2, inner.width(), hint_height)
            painter.drawText(foot, int(wrap), self.hint)
        painter.restore()

    def _draw_ring(self, painter: QPainter, area: QRectF, moment: Moment, colours: Palette) -> None:
        """Draw the countdown: seconds to go, in a ring that fills as the posture is learnt."""
        guidance = moment.guidance
        if guidance.step not in (Step.SETTLING, Step.CAPTURING):
            return
        size = min(float(enlarged(92)), 0.2 * area.width())
        ring = QRectF(area.right() - size - 2.5 * UNIT, area.top() + 2.5 * UNIT, size, size)
        painter.save()
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
        painter.setPen(_LIGHT)
        figures = font(bold=True, figures=True)
        figures.setPixelSize(round(0.34 * size))
        painter.setFont(figures)
        painter.drawText(ring, Qt.AlignmentFlag.AlignCenter, f"{max(1, math.ceil(guidance.left_s - 0.05))}")
        painter.restore()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return a size at which the head is as large as in a mirror."""
        return QSize(760, 600)


def _draw_legend(painter: QPainter, area: QRectF, opacity: float) -> None:
    """Say which outline is which."""
    painter.save()
    painter.setFont(font(0.95, bold=True))
    metrics = QFontMetricsF(painter.font())
    night = style.NIGHT
    key = (("your posture", _LIGHT), ("mild from here", night.mild), ("poor from here", night.poor))
    width = max(metrics.horizontalAdvance(word) for word, _ in key) + 60
    line = metrics.height() + 6
    box = QRectF(area.left() + 2.5 * UNIT, area.top() + 2.5 * UNIT, width, line * len(key) + 12)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faded(_NIGHT, 0.62 * opacity))
    painter.drawRoundedRect(box, 10, 10)
    for i, (word, colour) in enumerate(key):
        y = box.top() + 6 + line * (i + 0.5)
        line_pen = QPen(faded(colour, 0.95 * opacity), 2.6)
        if i == 0:
            line_pen.setDashPattern([2.2, 1.8])
        painter.setPen(line_pen)
        painter.drawLine(QPointF(box.left() + 12, y), QPointF(box.left() + 36, y))
        painter.setPen(faded(_LIGHT, 0.92 * opacity))
        place = QRectF(box.left() + 46, y - line / 2, width, line)
        painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, word)
    painter.restore()


def _draw_no_camera(painter: QPainter, area: QRectF, trouble: str) -> None:
    """Draw a camera crossed out, and the line that says why."""
    painter.save()
    painter.translate(area.center() - QPointF(0, 44))
    painter.setPen(pen(faded(_LIGHT, 0.7), 4))
    painter.drawRoundedRect(QRectF(-44, -28, 62, 56), 12, 12)
    painter.drawPolyline([QPointF(18, -8), QPointF(44, -24), QPointF(44, 24), QPointF(18, 8)])
    painter.drawLine(QPointF(-52, -44), QPointF(50, 46))
    painter.restore()
    painter.save()
    head, _, advice = trouble.partition("; ")
    wrap = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
    box = QRectF(area.left() + 40, area.center().y() + 28, area.width() - 80, area.height() / 2 - 40)
    painter.setPen(_LIGHT)
    painter.setFont(font(1.35, bold=True))
    told = words.sentence(head)
    painter.drawText(box, wrap, told)
    used = QFontMetricsF(painter.font()).boundingRect(box, wrap, told).height()
    painter.setPen(faded(_LIGHT, 0.75))
    painter.setFont(font(1.1))
    painter.drawText(box.adjusted(0, used + UNIT, 0, 0), wrap, words.sentence(advice))
    painter.restore()


class _Notes(QWidget):
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
        painter.setFont(font(1.05))
        metrics = QFontMetricsF(painter.font())
        *places, beneath = self._places()
        for note, place in zip(self.notes, places, strict=True):
            colour = {
                Kind.SEEN: colours.good, Kind.FINE: colours.faint, Kind.AMISS: colours.poor
            }[note.kind]  # fmt: skip
            _draw_sign(painter, QPointF(10, place.top() + metrics.height() / 2), note.kind, colour)
            painter.setPen(colours.muted if note.kind is Kind.FINE else colours.ink)
            painter.drawText(place, int(Qt.TextFlag.TextWordWrap), note.text)
        y = beneath.top()
        painter.setFont(font(0.92))
        painter.setPen(colours.muted)
        painter.drawText(QPointF(0, y + metrics.ascent()), "Steadiness")
        y += metrics.height() + 6
        bar = QRectF(0, y, self.width(), 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.line)
        painter.drawRoundedRect(bar, 4, 4)
        tint = style.mixed(colours.mild, colours.good, min(1.0, self.still / 0.6))
        painter.setBrush(tint)
        if self.still > 0.02:
            painter.drawRoundedRect(QRectF(0, y, max(8.0, self.width() * self.still), 8), 4, 4)
        painter.end()


def _draw_sign(painter: QPainter, centre: QPointF, kind: Kind, colour: QColor) -> None:
    """Draw a tick, a dot or an exclamation mark."""
    painter.save()
    painter.setPen(pen(colour, 2.4))
    painter.translate(centre)
    if kind is Kind.SEEN:
        painter.drawPolyline([QPointF(-6, 0), QPointF(-2, 4.5), QPointF(6, -5)])
    elif kind is Kind.FINE:
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(0, 0), 3.2, 3.2)
    else:
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(0, 0), 8.5, 8.5)
        painter.setPen(pen(_LIGHT, 2.2))
        painter.drawLine(QPointF(0, -4.2), QPointF(0, 0.6))
        painter.drawPoint(QPointF(0, 4.2))
    painter.restore()


class _Gauge(QWidget):
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
        painter.setPen(Qt.PenStyle.NoPen)
        clip = paint.rounded(QRectF(0, y, width, 8), 4)
        painter.setClipPath(clip)
        for i, colour in enumerate((colours.good, colours.mild, colours.poor)):
            painter.fillRect(QRectF(i * third, y, third - (1.5 if i < 2 else 0), 8), faded(colour, 0.85))
        painter.setClipping(False)
        painter.setFont(font(0.88))
        painter.setPen(colours.muted)
        for i, word in enumerate(("good", "mild", "poor")):
            painter.drawText(
                QRectF(i * third, y + 12, third, enlarged(22)), Qt.AlignmentFlag.AlignCenter, word
            )
        if math.isfinite(self.index):
            x = min(max(self.index, 0.0), 1.45) / 1.5 * width
            painter.setPen(QPen(colours.card, 2))
            painter.setBrush(colours.ink)
            painter.drawEllipse(QPointF(min(max(x, 8), width - 8), y + 4), 8, 8)
        painter.end()


def _scrolled(layout: QVBoxLayout) -> QScrollArea:
    """Return an area that is no wider than its place, and scrolls where it is higher."""
    inner, area = QWidget(), QScrollArea()
    layout.setContentsMargins(0, 0, 0, 0)
    inner.setLayout(layout)
    area.setWidget(inner)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setObjectName("plain")
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    # The keyboard reaches it where there is something to scroll to.
    area.verticalScrollBar().rangeChanged.connect(
        lambda _least, most: area.setFocusPolicy(
            Qt.FocusPolicy.StrongFocus if most else Qt.FocusPolicy.NoFocus
        )
    )
    return area


def _label(text: str = "", scale: float = 1.0, *, bold: bool = False, muted: bool = False) -> QLabel:
    label = QLabel(text)
    label.setFont(font(scale, bold=bold))
    label.setWordWrap(True)
    if muted:
        label.setProperty("role", "muted")
    return label


def _button(text: str, role: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setFont(font(1.0))
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.setAutoDefault(True)  # Enter presses it as well as Space, where it has the focus
    if role:
        button.setProperty("role", role)
    return button


class CalibrateWindow(QWidget):
    """Leads through a calibration.

    Parameters
    ----------
    guided
        The calibration, not begun yet.

    Attributes
    ----------
    kept
        Where the profile was written; None as long as it was not.
    """

    def __init__(self, guided: Guided) -> None:
        super().__init__()
        self.guided = guided
        self.kept: Path | None = None
        self.setObjectName("paper")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setWindowTitle("Calibrate")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.stage, self.notes, self.gauge = _Stage(), _Notes(), _Gauge()
        self._shown: Moment | str | None = None
        self._page = ""
        card = QFrame()
        card.setObjectName("card")
        card.setFixedWidth(enlarged(_CARD_WIDTH))
        # What is said scrolls on a small screen; what is to be pressed stays in sight.
        self._card, self._foot = QVBoxLayout(), QVBoxLayout()
        self._scroll = _scrolled(self._card)
        rows = QVBoxLayout(card)
        rows.setContentsMargins(18, 18, 18, 16)
        self._foot.setContentsMargins(2, 0, 2, 2)  # as wide as what is said, which has an edge for the focus
        rows.addWidget(self._scroll, 1)
        rows.addLayout(self._foot)
        for part in (rows, self._card, self._foot):
            part.setSpacing(10)
        row = QHBoxLayout(self)
        row.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        row.setSpacing(16)
        row.addWidget(self.stage, 1)
        row.addWidget(card)
        self.buttons: dict[str, QPushButton] = {}
        self._shown_aims: set[Aim | None] = set()
        self._looking_page()
        QShortcut(QKeySequence("Escape"), self).activated.connect(partial(self._act, "close"))
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._eyes = _Eyes(guided)
        self._fit_screen()

    def _fit_screen(self) -> None:
        screen = QGuiApplication.primaryScreen().availableGeometry()
        self.resize(min(enlarged(1100), screen.width() - 40), min(enlarged(680), screen.height() - 60))

    def begin(self) -> None:
        """Show the window and open the camera."""
        self.show()
        self.raise_()
        self._eyes.start()
        self._timer.start()

    # -- what is shown ----------------------------------------------------------------------------

    def _tick(self) -> None:
        fresh = self._eyes.latest.popleft() if self._eyes.latest else None
        if isinstance(fresh, str):
            self.stage.show_trouble(fresh)
            self._shown = fresh
            self._trouble_page()
        elif fresh is not None:
            self._shown = fresh
            self.stage.show_moment(fresh)
            self._say(fresh)
            if fresh.result is not None:
                self._result_page(fresh.result, fresh.aim)
                self.gauge.index = fresh.live.index if fresh.live else math.nan
                self.gauge.update()
            elif self._page != "kept":
                self._looking_page()
            self.notes.tell(fresh.guidance.notes)
        if isinstance(self._shown, Moment):
            still = self._shown.guidance.still
            self.notes.still += (still - self.notes.still) * 0.12
            self.notes.update()
        self.stage.ease(_TICK_MS / 1000)
        self.stage.update()
        self._name()

    def _name(self) -> None:
        """Give what is drawn to those who do not see it as well."""
        stage = self.stage
        said = stage.trouble or ". ".join(filter(None, (stage.say, stage.hint)))
        for widget, name in ((stage, said), (self.notes, ". ".join(note.text for note in self.notes.notes))):
            if widget.accessibleName() != name:
                widget.setAccessibleName(name)

    def _say(self, moment: Moment) -> None:
        stage, live = self.stage, moment.live
        stage.say, stage.hint = moment.guidance.say, moment.guidance.hint
        if moment.over and moment.result is None:
            self._trouble_page()
        if moment.result is None:
            return
        stage.say = {
            Verdict.GOOD: "This is good",
            Verdict.MILD: "This would be mild",
            Verdict.POOR: "This would be poor",
            Verdict.AWAY: "You are out of the picture",
        }.get(live.verdict if live else Verdict.UNKNOWN, "This cannot be judged")
        stage.hint = "Try it: slouch a little, and see where mild and poor begin"

    # -- pages ------------------------------------------------------------------------------------

    def _turn_to(self, page: str) -> bool:
        """Clear the card for another page; False where it is open already."""
        if page == self._page:
            return False
        self._page = page
        keep = (self.notes, self.gauge)
        while (item := self._card.takeAt(0) or self._foot.takeAt(0)) is not None:
            widget, layout = item.widget(), item.layout()
            if layout is not None:
                while (inner := layout.takeAt(0)) is not None:
                    if (button := inner.widget()) is not None:
                        button.deleteLater()
            elif widget in keep:
                widget.setParent(None)
            elif widget is not None:
                widget.deleteLater()
        self.buttons = {}
        return True

    def _add_button(self, name: str, text: str, role: str = "") -> QPushButton:
        button = self.buttons[name] = _button(text, role)
        button.clicked.connect(lambda: self._act(name))
        return button

    def _looking_page(self) -> None:
        if not self._turn_to("looking"):
            return
        self._card.addWidget(_label("What is seen", 1.15, bold=True))
        self._card.addWidget(self.notes, 1)
        self.notes.show()
        privacy = "The picture is looked at on this computer, and forgotten."
        self._foot.addWidget(_label(privacy, 0.9, muted=True))
        self._foot.addWidget(self._add_button("close", "Not now", "plain"))
        self.setFocus()  # else that button would have it, and a key pressed by chance end all

    def _trouble_page(self) -> None:
        if not self._turn_to("trouble"):
            return
        self._card.addWidget(_label("Something is in the way", 1.15, bold=True))
        text = "Nothing has been changed. When it is out of the way, try again."
        self._card.addWidget(_label(text, 1.0, muted=True))
        self._card.addStretch(1)
        again = self._add_button("look again", "Try again", "primary")
        self._foot.addWidget(again)
        self._foot.addWidget(self._add_button("close", "Not now", "plain"))
        again.setFocus()

    def _result_page(self, result: Result, aim: Aim | None) -> None:
        if self._page == "kept" or not self._turn_to(f"result {id(result)}"):
            return
        add = self._card.addWidget
        self.stage.way = 0
        if result.learnt.apart is not None:
            self._told_apart(result, aim)
        else:
            add(_label(result.quality.word, 1.5, bold=True))
            add(_label(f"{words.sentence(result.quality.why)}.", 1.0, muted=True))
            add(_label("Measured from here", 1.0, bold=True))
            add(_label("\n".join(map(words.sentence, result.can)), 0.98))
            if result.cannot:
                add(_label("Not from here", 1.0, bold=True))
                not_here = words.sentence(", ".join(result.cannot))
                add(_label(f"{not_here}. {result.why_not}", 0.92, muted=True))
        if result.learnt.note:
            add(_label(result.learnt.note, 0.95, muted=True))
        self._card.addStretch(1)
        self._foot.addWidget(_label("Now", 1.0, bold=True))
        self._foot.addWidget(self.gauge)
        self.gauge.show()
        if len(result.ghosts) > 1:
            self._foot.addWidget(self._add_button("way", self._way_text(result)))
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self._add_button("again", "Again"))
        keep = self._add_button("keep", "Keep", "primary")
        keep.setDefault(True)
        row.addWidget(keep, 1)
        self._foot.addLayout(row)
        keep.setFocus()
        QTimer.singleShot(0, self._make_room)  # once all of it is shown, and so has a height

    def _make_room(self) -> None:
        """Let a window grow in which not all has room, as far as the screen has."""
        lacks = self._card.totalHeightForWidth(self._scroll.viewport().width()) - self._scroll.height()
        room = self.screen().availableSize().height() - 60
        self.setMinimumHeight(min(self.height() + max(0, lacks), room))

    def _told_apart(self, result: Result, aim: Aim | None) -> None:
        lines = result.learnt.text.split("\n")
        add = self._card.addWidget
        add(_label("Your slouch" if aim is Aim.SLOUCH else "Looking down", 1.5, bold=True))
        add(_label(lines[-1], 1.05))
        for line in lines[:-1]:
            add(_label(words.sentence(line.strip()), 0.98, muted=True))

    def _way_text(self, result: Result) -> str:
        ghost = result.ghosts[self.stage.way % len(result.ghosts)]
        return f"Outlines: {ghost.way.lower()}  ›"

    def _kept_page(self, path: Path, aim: Aim | None) -> None:
        if not self._turn_to("kept"):
            return
        add = self._card.addWidget
        self._shown_aims.add(aim)
        add(_label("Kept", 1.5, bold=True))
        if aim is None:
            text = f"Posture is judged against this from now on. It is the profile {path.stem!r}."
        else:
            text = (
                f"It stands beside your neutral in the profile {path.stem!r}; posture is judged against that."
            )
        add(_label(text, 1.0, muted=True))
        left = [
            (name, text)
            for name, text in (("slouch", "Show my usual slouch"), ("down", "Show looking down"))
            if Aim(name) not in self._shown_aims
        ]
        self._card.addStretch(1)
        if left:
            self._foot.addWidget(_label("If you like", 1.0, bold=True))
            text = "Ten seconds each show how well other postures are told apart. None is needed."
            self._foot.addWidget(_label(text, 0.95, muted=True))
        for name, text in left:
            self._foot.addWidget(self._add_button(name, text))
        done = self._add_button("close", "Finished", "primary")
        self._foot.addWidget(done)
        done.setFocus()

    # -- what is pressed --------------------------------------------------------------------------

    def _act(self, name: str) -> None:
        moment = self._shown if isinstance(self._shown, Moment) else None
        if name == "close":
            self.close()
        elif name == "look again":
            self._page = ""
            self._looking_page()
            self._eyes.look_again()
        elif name == "way" and moment is not None and moment.result is not None:
            self.stage.way += 1
            if "way" in self.buttons:
                self.buttons["way"].setText(self._way_text(moment.result))
        elif name == "again" and moment is not None:
            self._capture(moment.aim)
        elif name == "keep":
            self._keep(moment.aim if moment else None)
        elif name in ("slouch", "down"):
            self._capture(Aim(name))

    def _capture(self, aim: Aim | None) -> None:
        self.guided.capture(aim)
        self._page = ""
        self._looking_page()
        if isinstance(self._shown, Moment) and self._shown.over:
            self._eyes.look_again()

    def _keep(self, aim: Aim | None) -> None:
        try:
            self.kept = self.guided.keep()
        except UserError as error:
            self.stage.show_trouble(str(error))
            self._trouble_page()
            return
        self._kept_page(self.kept, aim)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Let go of the camera; what was not kept is forgotten."""
        self._timer.stop()
        if self._eyes.is_alive():
            self._eyes.close()
        super().closeEvent(event)


def calibrate_in_window(guided: Guided) -> Path | None:
    """Open the window, and return where the profile was kept; None where the user left without keeping."""
    app = style.application()
    window = CalibrateWindow(guided)
    window.begin()
    style.until_closed(app)
    return window.kept
