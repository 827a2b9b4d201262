"""Linux: logind on the system bus, the screen saver on the session bus, and lockers among the processes.

logind tells of the session (shown or not, locked or not), of sleep and of the
lid; many desktops tell of their lock on the session bus only, and small window
managers nowhere but in the process of the locker itself. A bus that goes away
is looked for again; until it is back, what it said last holds for a while.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import select
import socket
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Final

from posture_monitor.dbus import Bus, RefusedError, Signal, plain, session_address, system_address
from posture_monitor.service.presence import PRESENT, Away, Reason
from posture_monitor.service.presence.lockers import Lockers, installed

assert sys.platform != "win32"

log = logging.getLogger(__name__)

_LOGIND: Final = "org.freedesktop.login1"
_MANAGER: Final = "org.freedesktop.login1.Manager"
_SESSION: Final = "org.freedesktop.login1.Session"
_ROOT: Final = "/org/freedesktop/login1"
_UPOWER: Final = "org.freedesktop.UPower"
_UPOWER_ROOT: Final = "/org/freedesktop/UPower"
_PROPERTIES: Final = "org.freedesktop.DBus.Properties"

#: Screen saver services and where each may be asked.
SAVERS: Final = (
    ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver"),
    ("org.freedesktop.ScreenSaver", "/ScreenSaver"),
    ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver"),
    ("org.cinnamon.ScreenSaver", "/org/cinnamon/ScreenSaver"),
    ("org.mate.ScreenSaver", "/org/mate/ScreenSaver"),
    ("org.xfce.ScreenSaver", "/org/xfce/ScreenSaver"),
)

#: A lock that was asked for is believed so long without a sign of it: not every desktop obeys.
UNCONFIRMED_S: Final = 10.0
#: What a lost bus said last holds so long: a restart takes seconds, and the screen stays locked meanwhile.
LOST_S: Final = 30.0
#: Properties are read again so often, against signals that got lost: while away, and else.
REREAD_AWAY_S: Final = 2.0
REREAD_S: Final = 60.0
#: logind sends no word of the lid; where UPower does not either, it is looked at so often.
LID_S: Final = 0.8
LOCKER_S: Final = 0.8
#: Where no locker is installed one may still be started from some place of its own.
UNLIKELY_LOCKER_S: Final = 5.0
_RETRY_S: Final = (0.5, 8.0)


class _Source(ABC):
    """A bus and what is known from it; found again when it is lost.

    Parameters
    ----------
    address
        Returns the address of the bus.
    rules
        Which signals to listen for.
    """

    def __init__(self, address: Callable[[], str], *rules: str) -> None:
        self._address, self._rules = address, rules
        self.bus: Bus | None = None
        self.due_s = 0.0
        self._retry_s = _RETRY_S[0]
        self._lost_s: float | None = None

    def tend(self, now_s: float) -> None:
        """Connect, or do what is due."""
        if now_s < self.due_s:
            return
        try:
            if self.bus is None:
                self.bus = self._connect()
                self._retry_s, self._lost_s = _RETRY_S[0], None
            self._read(self.bus, now_s)
            self.due_s = now_s + self._pause_s()
        except Exception as error:
            self._lose(now_s, error)

    def hear(self, now_s: float) -> None:
        """Take in the signals that have come."""
        if self.bus is None:
            return
        try:
            # Taking one in may ask further, and more may come before the answer: until there are none.
            while signals := self.bus.signals():
                for signal in signals:
                    self._take(self.bus, signal, now_s)
        except Exception as error:
            self._lose(now_s, error)

    def close(self) -> None:
        if self.bus is not None:
            self.bus.close()
            self.bus = None

    def _lose(self, now_s: float, error: Exception) -> None:
        log.debug("%s: %s", type(self).__name__, error or type(error).__name__)
        self.close()
        self._lost_s = now_s if self._lost_s is None else self._lost_s
        if now_s - self._lost_s >= LOST_S:
            self._forget()
        self.due_s = now_s + self._retry_s
        self._retry_s = min(2 * self._retry_s, _RETRY_S[1])

    def _connect(self) -> Bus:
        bus = Bus(self._address())
        try:
            for rule in self._rules:
                bus.listen(rule)
        except Exception:
            bus.close()
            raise
        return bus

    def _pause_s(self) -> float:
        return REREAD_AWAY_S if self.reason() else REREAD_S

    @abstractmethod
    def reason(self) -> Reason:
        """Return why the user is away, as far as is known from here."""

    @abstractmethod
    def _read(self, bus: Bus, now_s: float) -> None:
        """Ask for all that is to be known."""

    @abstractmethod
    def _take(self, bus: Bus, signal: Signal, now_s: float) -> None:
        """Take in one signal."""

    @abstractmethod
    def _forget(self) -> None:
        """Take all for present."""


class _Logind(_Source):
    """Session, sleep and lid, from the system bus."""

    def __init__(self) -> None:
        super().__init__(
            system_address,
            f"type='signal',sender='{_LOGIND}',path_namespace='{_ROOT}'",
            f"type='signal',sender='{_UPOWER}',path='{_UPOWER_ROOT}',interface='{_PROPERTIES}'",
            *(f"type='signal',member='NameOwnerChanged',arg0='{name}'" for name in (_LOGIND, _UPOWER)),
        )
        self.session = ""
        self.told = ""
        self.upower = False
        self._had_session = False
        self._forget()

    def _forget(self) -> None:
        self._asleep_s: float | None = None
        self._lid = False
        self._shown = True
        self._hint = False
        self.asked_s: float | None = None

    def reason(self) -> Reason:
        if self._asleep_s is not None:
            return "suspended"
        if self._lid:
            return "lid closed"
        if not self._shown:
            return "session switched"
        return "locked" if self._hint or self.asked_s is not None else ""

    def _pause_s(self) -> float:
        if not self.upower and any(Path("/proc/acpi/button/lid").glob("*")):
            return LID_S
        return super()._pause_s()

    def _read(self, bus: Bus, now_s: float) -> None:
        self._read_lid(bus, self._read_manager(bus, now_s))
        self._read_session(bus)

    def _read_manager(self, bus: Bus, now_s: float) -> dict[str, object]:
        try:
            manager = bus.properties(_LOGIND, _ROOT, _MANAGER)
        except RefusedError:
            return {}
        if manager.get("PreparingForSleep"):
            self._asleep_s = self._asleep_s or now_s
        elif self._asleep_s is not None and now_s - self._asleep_s > LOST_S:
            self._asleep_s = None
        return manager

    def _read_lid(self, bus: Bus, manager: dict[str, object]) -> None:
        """A closed lid with another screen in use is a desk, not an absence."""
        try:
            power = bus.properties(_UPOWER, _UPOWER_ROOT, _UPOWER)
        except RefusedError:
            power = {}
        self.upower = "LidIsClosed" in power
        closed = bool(power.get("LidIsClosed") or manager.get("LidClosed"))
        self._lid = closed and not manager.get("Docked", False)

    def _read_session(self, bus: Bus) -> None:
        found = self._find(bus)
        if found is None:
            # Nothing is known of a session that never was; one that has ended is shown no more.
            self.session, self.told = "", ""
            self._shown = not (self._had_session and bus.has_owner(_LOGIND))
            self._hint, self.asked_s = False, None
            return
        path, session = found
        if path != self.session:
            self.asked_s = None
        self.session, self._had_session = path, True
        seat = session.get("Seat", ("",))
        self.told = f"session {session.get('Id', '?')}" + f" on {seat[0]}" * bool(seat and seat[0])
        self._shown = bool(session.get("Active", True))
        self._hint = bool(session.get("LockedHint", False))

    def _find(self, bus: Bus) -> tuple[str, dict[str, tuple[str, ...]]] | None:
        """Return the path and the properties of this user's session: the one with a seat, if there is one."""
        seatless = None
        for path in self._candidates(bus):
            try:
                session = bus.properties(_LOGIND, path, _SESSION)
            except RefusedError:
                continue
            if session.get("User", (os.getuid(),))[0] != os.getuid() or session.get("State") == "closing":
                continue
            if session.get("Seat", ("",))[0]:
                return path, session
            seatless = seatless or (path, session)
        return seatless

    def _candidates(self, bus: Bus) -> list[str]:
        """Return where this program's session may be, the likeliest first.

        A service of the user's own manager belongs to no session: there, the
        user's display session is the one.
        """
        paths: list[str] = []
        questions: list[tuple[str, str, object]] = [
            ("GetSessionByPID", "u", os.getpid()),
            ("GetUser", "u", os.getuid()),
        ]
        if name := os.environ.get("XDG_SESSION_ID"):
            questions.insert(0, ("GetSession", "s", name))
        for member, signature, value in questions:
            with contextlib.suppress(RefusedError):
                (path,) = bus.call(_LOGIND, _ROOT, _MANAGER, member, signature, value)
                if member == "GetUser":
                    user = bus.properties(_LOGIND, path, "org.freedesktop.login1.User")
                    path = user.get("Display", ("", "/"))[1]
                paths.append(path)
        return [path for path in dict.fromkeys(paths) if path != "/"]

    def _take(self, bus: Bus, signal: Signal, now_s: float) -> None:
        match signal.member:
            case "PrepareForSleep":
                self._asleep_s = now_s if signal.body[0] else None
            case "Lock" if signal.path == self.session:
                self.asked_s = now_s
            case "Unlock" if signal.path == self.session:
                self.asked_s = None
            case "PropertiesChanged" if signal.path == self.session:
                changed = plain(signal.body[1])
                self._shown = bool(changed.get("Active", self._shown))
                if "LockedHint" in changed:
                    self._hint, self.asked_s = bool(changed["LockedHint"]), None
            case "PropertiesChanged" if signal.path in (_ROOT, _UPOWER_ROOT):
                self._read_lid(bus, self._read_manager(bus, now_s))
            case "SessionNew" | "SessionRemoved" | "NameOwnerChanged":
                self._read(bus, now_s)
            case _:
                return
        self.due_s = min(self.due_s, now_s + self._pause_s())


class _ScreenSaver(_Source):
    """The desktop's screen saver and lock, from the session bus."""

    def __init__(self) -> None:
        super().__init__(
            lambda: session_address() or "",
            "type='signal',member='ActiveChanged'",
            *(f"type='signal',member='NameOwnerChanged',arg0='{name}'" for name in dict(SAVERS)),
        )
        self.services: tuple[str, ...] = ()
        self._active: dict[str, bool] = {}

    def reason(self) -> Reason:
        return "locked" if any(self._active.values()) else ""

    def _forget(self) -> None:
        self._active, self.services = {}, ()

    def _read(self, bus: Bus, now_s: float) -> None:
        active: dict[str, bool] = {}
        for name, path in SAVERS:
            with contextlib.suppress(RefusedError):
                (on,) = bus.call(name, path, name, "GetActive")
                active[name] = active.get(name, False) or bool(on)
        self._active, self.services = active, tuple(active)

    def _take(self, bus: Bus, signal: Signal, now_s: float) -> None:
        if signal.member == "NameOwnerChanged":
            self._read(bus, now_s)
        elif signal.member == "ActiveChanged" and signal.interface in dict(SAVERS):
            self._active[signal.interface] = bool(signal.body[0])
        self.due_s = min(self.due_s, now_s + self._pause_s())


class LinuxPresence:
    """Watches the session from one thread; see `Presence`."""

    def __init__(self) -> None:
        self._logind = _Logind()
        self._saver = _ScreenSaver()
        self._lockers = Lockers()
        self._locker = False
        self._looked_s = -math.inf
        self._likely = installed()
        self._now = PRESENT
        self._known = threading.Event()
        self._closed = False
        self._wake, self._woken = socket.socketpair()
        self._thread: threading.Thread | None = None

    def start(self, on_change: Callable[[Away], None]) -> None:
        """See `Presence.start`."""
        self._thread = threading.Thread(target=self._run, args=(on_change,), name="presence", daemon=True)
        self._thread.start()
        self._known.wait(timeout=1.0)

    def describe(self) -> str:
        """See `Presence.describe`."""
        told = []
        if self._logind.told:
            told.append(f"logind ({self._logind.told})")
        if self._saver.services:
            told.append(f"screen saver ({', '.join(self._saver.services)})")
        if self._logind.upower:
            told.append("lid (UPower)")
        return ", ".join(told)

    def close(self) -> None:
        """See `Presence.close`."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._wake.send(b".")
        if self._thread is not None:
            self._thread.join(timeout=0.5)
        self._wake.close()

    def _run(self, on_change: Callable[[Away], None]) -> None:
        sources = (self._logind, self._saver)
        while not self._closed:
            now_s = time.monotonic()
            for source in sources:
                source.tend(now_s)
                source.hear(now_s)
            self._look_for_locker(now_s)
            self._tell(on_change)
            if not self._known.is_set():
                self._known.set()
                if not self.describe():
                    log.info("nothing here tells whether the screen is locked: taken as unlocked")
            due_s = min(self._locker_due_s(), *(source.due_s for source in sources))
            watched: list[socket.socket | Bus] = [self._woken]
            watched += [source.bus for source in sources if source.bus is not None]
            select.select(watched, [], [], max(0.0, due_s - time.monotonic()))
        for source in sources:
            source.close()
        self._woken.close()

    def _look_for_locker(self, now_s: float) -> None:
        """Look for a locker where no screen saver service would tell, or where a lock was asked for."""
        due_s = self._locker_due_s()
        if due_s == math.inf:
            self._locker = False
        if now_s < due_s:
            return
        logind = self._logind
        self._looked_s, self._locker = now_s, self._lockers.running()
        if logind.asked_s is not None and not self._locker and now_s - logind.asked_s > UNCONFIRMED_S:
            logind.asked_s = None

    def _locker_due_s(self) -> float:
        """Return when to look for a locker next; infinite where there is no need to."""
        asked = self._logind.asked_s is not None
        if self._saver.services and not asked:
            return math.inf
        soon = self._likely or self._locker or asked  # it may be there, will be gone, or will be there
        return self._looked_s + (LOCKER_S if soon else UNLIKELY_LOCKER_S)

    def _tell(self, on_change: Callable[[Away], None]) -> None:
        away = Away(self._logind.reason() or self._saver.reason() or ("locked" if self._locker else ""))
        if away != self._now:
            self._now = away
            on_change(away)
