"""The icon in the desktop's tray: how it stands at a glance, and the few things one wants at once.

It asks the running monitor over the control channel, in a thread, so that the
menu never waits; it leaves when the monitor does, and where there is no tray.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import IO, Any, Final

from PySide6.QtCore import QLockFile, QObject, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon

from posture_monitor import memory, paths
from posture_monitor.children import python
from posture_monitor.errors import UserError
from posture_monitor.service import glance, power
from posture_monitor.service.clock import follow_zone
from posture_monitor.service.control import NotRunning, ask
from posture_monitor.service.status import Status
from posture_monitor.settings_file import PRESETS
from posture_monitor.telling import words
from posture_monitor.until import parse_until
from posture_monitor.windows import icons, style

log = logging.getLogger(__name__)

#: The monitor is asked this often, in seconds; less often on battery and where no tray shows the icon.
ASK_S, ASK_SELDOM_S = 2.0, 5.0
#: A panel may start after the monitor does: a tray is waited for this long.
TRAY_S: Final = 60.0
#: All that starting needs is loaded by then, in seconds.
STARTED_S: Final = 10.0
#: A monitor that has just started this process may not listen yet.
FIRST_S: Final = 10.0


def tomorrow_s(now_s: float) -> float:
    """Return the POSIX second at which "until tomorrow" ends."""
    return parse_until("tomorrow", dt.datetime.fromtimestamp(now_s)).timestamp()


class Line(QObject):
    """The line to the monitor: asks for its status again and again, and passes commands on.

    Signals come from a thread; Qt hands them over to the window's own.
    """

    told = Signal(object)  #: a `Status`
    refused = Signal(str)  #: one line for the user
    gone = Signal(str)  #: there is no monitor (any more), and why that is known

    def __init__(self, *, every_s: float = ASK_S, first_s: float = FIRST_S) -> None:
        super().__init__()
        self.seldom = False
        self._every_s = every_s
        self._until_s = time.monotonic() + first_s
        self._wishes: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._children: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []
        self._thread = threading.Thread(target=self._run, name="tray", daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def close(self) -> None:
        """Stop asking."""
        self._wishes.put(None)
        self._thread.join(3.0)

    def command(self, do: str, **args: Any) -> None:
        """Have the monitor do something; what it refuses is told by `refused`."""
        self._wishes.put(partial(ask, do, timeout_s=6.0, **args))

    def launch(self, *arguments: str) -> None:
        """Start another command of this program, which lives on by itself."""
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the child has ended
        try:
            child = subprocess.Popen(
                python("-m", "posture_monitor", *arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            said.close()
            self.refused.emit(f"not started: {error}")
            return
        self._children.append((child, said))

    def _run(self) -> None:
        try:
            self._talk()
        except Exception:  # an icon that no longer follows would be worse than none
            log.exception("the tray's line to the monitor broke")
            self.gone.emit("its line to the monitor broke")

    def _talk(self) -> None:
        while True:
            if not self._look():
                return
            seldom = self.seldom or power.on_battery()
            wait_s = max(self._every_s, ASK_SELDOM_S) if seldom else self._every_s
            with contextlib.suppress(queue.Empty):
                wish = self._wishes.get(timeout=wait_s)
                if wish is None:
                    return
                try:
                    wish()
                except NotRunning:
                    pass  # the next look finds out
                except UserError as error:
                    self.refused.emit(str(error))

    def _look(self) -> bool:
        """Ask once; return whether to go on."""
        self._bury()
        try:
            status = Status.from_json(ask("status"))
        except NotRunning:
            if time.monotonic() < self._until_s:
                return True
            self.gone.emit("the monitor has ended")
            return False
        except UserError as error:  # it is busy, or of another version: it may be better the next time
            log.debug("%s", error)
            return True
        self._until_s = 0.0
        self.told.emit(status)
        return True

    def _bury(self) -> None:
        """Tell of commands that went wrong: nobody sees their terminal."""
        for child, said in list(self._children):
            if child.poll() is None:
                continue
            self._children.remove((child, said))
            with said:
                said.seek(0)
                lines = said.read().decode(errors="replace").strip().splitlines()
            if child.returncode and lines:
                self.refused.emit(lines[-1].removeprefix("posture-monitor: "))


SNOOZE, UNSNOOZE = "No reminders for an hour", "Reminders again"


class Tray(QObject):
    """Icon, tooltip and menu.

    Parameters
    ----------
    line
        Started by the caller.
    """

    def __init__(self, line: Line) -> None:
        super().__init__()
        self.line = line
        self.status: Status | None = None
        self.icon = QSystemTrayIcon(icons.icon("unknown"))
        self.icon.setToolTip("Posture monitor")
        self.menu = QMenu()
        self.state = self.menu.addAction("Starting")
        self.state.setEnabled(False)
        self.menu.addSeparator()
        self.pauses = [
            self._action("Pause for 15 minutes", lambda: self._pause(time.time() + 15 * 60)),
            self._action("Pause for an hour", lambda: self._pause(time.time() + 3600)),
            self._action("Pause until tomorrow", lambda: self._pause(tomorrow_s(time.time()))),
        ]
        self.resume = self._action("Resume", lambda: line.command("resume"))
        self.snooze = self._action(SNOOZE, self._snooze)
        self.menu.addSeparator()
        self._action("Calibrate…", self._calibrate)
        self.anchor = self._action("Set neutral anew: camera or chair moved", self._reanchor)
        self.menu.addSeparator()
        self._action("Today's report", lambda: line.launch("report", "today", "--open"))
        self._action("Preview", lambda: line.launch("preview"))
        sensitivity = self.menu.addMenu("Sensitivity")
        group = QActionGroup(sensitivity)
        self.presets = {name: self._preset(sensitivity, group, name) for name in PRESETS}
        self.menu.addSeparator()
        self._action("Quit posture monitor", lambda: line.command("stop"))
        self.resume.setVisible(False)
        self.menu.aboutToShow.connect(self._dress)
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._clicked)
        line.told.connect(self.tell)
        line.refused.connect(self.refuse)

    def _action(self, text: str, do: Callable[[], None], menu: QMenu | None = None) -> QAction:
        action: QAction = (menu or self.menu).addAction(text)
        action.triggered.connect(lambda _checked=False: do())
        return action

    def _preset(self, menu: QMenu, group: QActionGroup, name: str) -> QAction:
        action = self._action(name.capitalize(), lambda: self.line.command("preset", name=name), menu)
        action.setCheckable(True)
        group.addAction(action)
        return action

    def tell(self, status: Status) -> None:
        """Show how it stands."""
        follow_zone()
        now_s = time.time()
        state = glance.badge(status)
        if self.status is None or glance.badge(self.status) != state:
            self.icon.setIcon(icons.icon(state))
        self.status = status
        tip, told = glance.tooltip(status, now_s), glance.line(status, now_s)
        if tip != self.icon.toolTip():
            self.icon.setToolTip(tip)
        self.state.setText(told)
        self.state.setIcon(icons.icon(state))
        paused = status.activity == "paused"
        for action in self.pauses:
            action.setVisible(not paused)
        self.resume.setVisible(paused)
        snoozed = glance.until_snoozed(status, now_s)
        self.snooze.setText(f"{UNSNOOZE} (none until {snoozed})" if snoozed else SNOOZE)
        self.snooze.setVisible(bool(snoozed) or not paused)
        self.anchor.setEnabled(status.activity == "watching" and status.state != "away")
        for name, action in self.presets.items():
            action.setChecked(name == status.preset)

    def refuse(self, why: str) -> None:
        """Tell why something was not done."""
        self._say(words.sentence(why), "busy")

    def _say(self, text: str, state: str) -> None:
        self.icon.showMessage("Posture monitor", text, icons.icon(state), 8000)

    def _dress(self) -> None:
        """Give the menu room and the colours of day or night, where the desktop does not draw it itself."""
        colours = style.palette()
        self.menu.setStyleSheet(f"""
        QMenu {{ background: {colours.card.name()}; border: 1px solid {colours.line.name()};
                 padding: 6px; }}
        QMenu::item {{ color: {colours.ink.name()}; padding: 6px 22px 6px 10px; border-radius: 6px; }}
        QMenu::item:selected:enabled {{ background: {colours.line.name()}; }}
        QMenu::item:disabled {{ color: {colours.muted.name()}; }}
        QMenu::icon {{ padding-left: 8px; }}
        QMenu::separator {{ height: 1px; background: {colours.line.name()}; margin: 5px 8px; }}
        """)

    def _pause(self, until_s: float) -> None:
        self.line.command("pause", until_s=until_s)

    def _snooze(self) -> None:
        snoozed = self.status is not None and glance.until_snoozed(self.status, time.time())
        self.line.command("snooze", seconds=0.0 if snoozed else 3600.0)

    def _reanchor(self) -> None:
        self.line.command("reanchor")
        self._say("Sit upright for some seconds: it follows camera and chair.", "good")

    def _calibrate(self) -> None:
        status = self.status or Status()
        asked: list[str] = []
        # The camera that is watched, which need not be that of the settings.
        if status.source.isdigit() or status.source.startswith("/dev/"):
            asked += ["--source", status.source]
        if status.profile.name and not status.profile.starter:
            asked += ["--profile", status.profile.name]
        self.line.launch("calibrate", *asked)

    def _clicked(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason is QSystemTrayIcon.ActivationReason.Trigger and sys.platform != "darwin":
            self.menu.popup(self.icon.geometry().center())


def run(*, tray_s: float = TRAY_S) -> None:
    """Show the icon until the monitor ends; return at once where an icon is shown already.

    Parameters
    ----------
    tray_s
        So long a tray is waited for.
    """
    app = style.application()
    app.setQuitOnLastWindowClosed(False)
    guard = QLockFile(str(paths.make_private(paths.data_dir()) / "tray.lock"))
    guard.setStaleLockTime(0)
    if not guard.tryLock(0):
        log.info("no tray icon: there is one already")
        return
    try:
        _show(app, tray_s)
    finally:
        guard.unlock()


def _show(app: QApplication, tray_s: float) -> None:
    line = Line()
    tray = Tray(line)
    until_s = time.monotonic() + tray_s

    def leave(why: str) -> None:
        log.info("%s: %s", "the tray icon goes" if tray.icon.isVisible() else "no tray icon", why)
        tray.icon.hide()
        app.quit()

    def look() -> None:
        there = QSystemTrayIcon.isSystemTrayAvailable()
        line.seldom = not there
        if there and not tray.icon.isVisible():
            tray.icon.show()
        elif not there and not tray.icon.isVisible() and time.monotonic() >= until_s:
            leave("this desktop has no tray")

    line.gone.connect(leave)
    # Qt brings the icon back by itself where a panel ends and starts again.
    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(1000)
    QTimer.singleShot(0, look)
    QTimer.singleShot(round(1000 * STARTED_S), memory.give_back)
    line.start()
    try:
        style.until_closed(app)
    finally:
        line.close()
