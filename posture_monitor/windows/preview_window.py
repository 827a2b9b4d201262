"""The live view: the picture, the body on it, its angles where they are measured, and what is judged of it.

The window shows a `preview.feeds.Feed`'s latest moment and waits for nothing: it
looks many times a second whether there is a newer one.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from posture_monitor.errors import UserError
from posture_monitor.service.preview.feeds import Feed
from posture_monitor.service.preview.saved_moment import save_snapshot
from posture_monitor.windows import style
from posture_monitor.windows.preview_sidebar import Sidebar
from posture_monitor.windows.preview_stage import Stage
from posture_monitor.windows.style import UNIT, enlarged

#: The window looks for a newer moment this often, in milliseconds.
LOOK_MS: Final = 30
#: A note stays for this long, in milliseconds.
NOTE_MS: Final = 6000


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
        """Do what the key stands for, see `preview_stage.KEYS`."""
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
