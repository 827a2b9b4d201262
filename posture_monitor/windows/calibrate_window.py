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

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from posture_monitor.errors import UserError
from posture_monitor.posture.reading import Verdict
from posture_monitor.service.guided import Guided, Moment, Result
from posture_monitor.service.guiding import Aim
from posture_monitor.telling import words
from posture_monitor.windows import style
from posture_monitor.windows.calibrate_card import Gauge, Notes
from posture_monitor.windows.calibrate_stage import Stage
from posture_monitor.windows.style import enlarged, font

log = logging.getLogger(__name__)

#: The window looks for something new this often; 60 times a second.
_TICK_MS: Final = 16
#: At the end the thread is given so long to let go of the camera.
_CLOSING_S: Final = 5.0
_CARD_WIDTH: Final = 316
_MARGIN: Final = 18


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
            self._again.clear()

    def look_again(self) -> None:
        """Open the source anew."""
        self._again.set()

    def close(self) -> None:
        """Let go of the camera."""
        self._closed.set()
        self._again.set()
        self.join(_CLOSING_S)


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


def _label(text: str, scale: float, *, bold: bool = False, muted: bool = False) -> QLabel:
    label = QLabel(text)
    label.setFont(font(scale, bold=bold))
    label.setWordWrap(True)
    if muted:
        label.setProperty("role", "muted")
    return label


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
        self.stage, self.notes, self.gauge = Stage(), Notes(), Gauge()
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
            elif fresh.over:
                self._trouble_page()
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
        button = self.buttons[name] = QPushButton(text)
        button.setFont(font(1.0))
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.setAutoDefault(True)  # Enter presses it as well as Space, where it has the focus
        if role:
            button.setProperty("role", role)
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
        self._card.addWidget(_label("It cannot go on yet", 1.15, bold=True))
        text = "Nothing has been changed. Try again once that is put right."
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
