"""Somebody at a desk, watched by the monitor in this process, and a screen that remembers what is shown."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rig import SCENARIOS, Body, Camera, Pose, Wander, render

from posture_monitor import paths
from posture_monitor.config import Config
from posture_monitor.history.store import Store
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.landmarks import nobody
from posture_monitor.posture.metrics import Reason
from posture_monitor.posture.reading import Reading
from posture_monitor.sensing.frame import Frame
from posture_monitor.service.collected import Collected
from posture_monitor.service.looking import Seen
from posture_monitor.service.monitor import Monitor
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import save_profile
from posture_monitor.telling.notify import Action, Channel, ChannelError, Notifier, Sent
from posture_monitor.telling.words import Text

UPRIGHT, SLUMPED = Pose(), SCENARIOS["slump_deep"]
IMPATIENT = "[alert]\npoor_hold_s = 30\ncooldown_s = 30\n"
NO_BREAKS = "[breaks]\nenabled = false\n"
#: Nine in the morning, UTC, of a Monday.
MORNING_S = 1772442000.0


@dataclass
class Screen(Channel):
    """A notification channel that shows nothing and remembers all."""

    name: str = "screen"
    shown: list[tuple[Text, Sequence[str], str | None]] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    pressed: list[Action] = field(default_factory=list)
    broken: bool = False

    def send(self, text: Text, *, replace_id: str | None = None, buttons: Sequence[str] = ()) -> Sent:
        if self.broken:
            raise ChannelError("the screen is broken")
        self.shown.append((text, buttons, replace_id))
        return Sent(str(len(self.shown)), self.name)

    def withdraw(self, sent_id: str) -> None:
        self.withdrawn.append(sent_id)

    def poll(self) -> list[Action]:
        pressed, self.pressed = self.pressed, []
        return pressed

    def press(self, button: str) -> None:
        """Press a button of the newest notification; heard with the next frame."""
        self.pressed.append(Action(str(len(self.shown)), button))


class Desk:
    """Somebody at a desk, before a camera, watched by a monitor."""

    def __init__(
        self,
        config: Config,
        store: Store,
        *,
        camera: Camera | None = None,
        interval_s: float = 1.0,
        starter: bool = False,
    ) -> None:
        self.camera, self.interval_s = camera or Camera(), interval_s
        self.screen, self.store, self.said = Screen(), store, io.StringIO()
        self.t_s = 0.0
        self.rng = np.random.default_rng(7)
        # Nobody sits like stone: every point drifts a little, as it does in pictures.
        self.drift = Wander.random(self.rng, 4 * 3600, 5.0, (33, 2))
        self.profile = Profile("me", (self.capture(UPRIGHT, 30),), starter=starter)
        self.t_s = 0.0
        if not starter:
            save_profile(self.profile)
        store.begin("a desk", live=True, profile="me", neutral={})
        console = Console(file=self.said, width=200)
        self.monitor = Monitor(config, self.profile, store, Notifier([self.screen]), console, interval_s)

    def pictures(self, pose: Pose | None, seconds: float, doubt: Reason = Reason.OK) -> Iterator[Seen]:
        """Yield what is seen of somebody, or of nobody, for some seconds; the clock goes on with it."""
        count = round(seconds / self.interval_s)
        t_s = self.t_s + self.interval_s * np.arange(count)
        if pose is None:
            points = np.repeat(nobody(), count, axis=0)
            width, height = self.camera.width, self.camera.height
        else:
            held = pose + Pose(lean=np.zeros(count))
            points, (width, height) = render(
                Body(),
                held,
                self.camera,
                self.rng,
                noise_px=0.4,
                wander_px=0.4,
                wander=self.drift,
                t_s=t_s,
            )
        for at, landmarks in zip(t_s.tolist(), points, strict=True):
            yield Seen(Frame(at, MORNING_S + at, int(width), int(height)), landmarks, doubt)
            self.t_s = at + self.interval_s

    def capture(self, pose: Pose, seconds: float, name: str = "sitting") -> Neutral:
        """Return the neutral posture learnt from sitting like this for some seconds."""
        collected = Collected()
        for seen in self.pictures(pose, seconds):
            collected.add(seen)
        return collected.neutral(name=name)

    def sit(self, pose: Pose | None, seconds: float, doubt: Reason = Reason.OK) -> list[Reading]:
        """Sit like this for some seconds (or be away), and return what was read."""
        return [self.monitor.take(seen) for seen in self.pictures(pose, seconds, doubt)]

    def texts(self) -> list[Text]:
        return [text for text, *_ in self.screen.shown]

    def alerts(self) -> list[tuple[Text, Sequence[str], str | None]]:
        """Return what was shown of posture alerts, with their buttons."""
        return [shown for shown in self.screen.shown if "wrong" in shown[1]]

    def kept(self, table: str) -> list[dict[str, Any]]:
        """Return the rows that are in the history by now."""
        self.store.flush()
        with sqlite3.connect(paths.history_file()) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(f"SELECT * FROM {table}")]
