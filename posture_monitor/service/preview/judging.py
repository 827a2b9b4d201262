"""The monitor's judgement of a source, without its history and notifications."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np

from posture_monitor.errors import UserError
from posture_monitor.posture import dose, session, steady
from posture_monitor.posture.session import Session
from posture_monitor.service import posture_status
from posture_monitor.service.collected import ANCHOR_S, Collected
from posture_monitor.service.looking import Seen
from posture_monitor.service.preview.outline import outline
from posture_monitor.service.preview.shot import Shot
from posture_monitor.service.profile import Profile, limits_of
from posture_monitor.service.profile_file import write_back
from posture_monitor.service.reader import read
from posture_monitor.service.status import Camera, InUse, Status

if TYPE_CHECKING:
    from posture_monitor.config import Config
    from posture_monitor.sensing.frame import Source

#: A source of our own is looked at at most this often.
LOOK_S: Final = 0.1


class Judging:
    """The monitor's judgement of a source, without its history and notifications.

    Parameters
    ----------
    tell
        Called with what the user is to know of a re-anchoring.
    """

    def __init__(self, config: Config, profile: Profile, source: Source, tell: Callable[[str], None]) -> None:
        self.config, self.profile, self.source = config, profile, source
        self._tell = tell
        self._session = Session()
        self._dose = dose.Dose()
        self._policy = dose.Policy(config.alert.policy.poor_hold_s)
        self._steady = steady.Policy(config.judge.window_s, LOOK_S)
        self._limits = limits_of(config, profile)
        self._anchoring: Collected | None = None
        self._since_s = time.time()

    def anchor(self) -> None:
        """Begin to gather frames for a re-anchoring."""
        self._anchoring = Collected()
        self._tell(f"Sit upright for {ANCHOR_S:.0f} seconds: it follows camera and chair.")

    def take(self, seen: Seen) -> Shot:
        """Judge one frame."""
        frame = seen.frame
        t_s = frame.t_s if math.isfinite(frame.t_s) else time.monotonic()
        reading, moment = read(seen, self.profile.neutral, self._limits)
        self._session = session.step(self._session, self._steady, t_s, moment)
        steady = self._session.steady
        self._dose = dose.step(self._dose, self._policy, t_s, steady.state, LOOK_S, steady.index)
        self._gather(seen)
        status = Status(
            pid=os.getpid(),
            since_s=self._since_s,
            activity="watching",
            state=steady.state.value,
            reason=steady.reason,
            driver=steady.driver,
            held_s=max(0.0, t_s - steady.since_s) if math.isfinite(steady.since_s) else 0.0,
            confidence=reading.confidence,
            view=reading.view.value,
            angles=posture_status.angles(reading),
            dose=self._dose.fraction(self._policy),
            camera=Camera(self.source.name, self.source.identity, frame.width, frame.height, open=True),
            profile=InUse(self.profile.name, self.profile.neutral.name, self.profile.starter),
            preset=self.config.alert.preset,
            source=self.source.name,
        )
        found = seen.landmarks if np.isfinite(seen.landmarks).any() else None
        return Shot(
            status=status,
            wall_s=frame.wall_s,
            width=frame.width,
            height=frame.height,
            landmarks=found,
            neutral=None
            if self.profile.starter
            else outline(self.profile.neutral, frame.width, frame.height),
        )

    def _gather(self, seen: Seen) -> None:
        """Go on with a re-anchoring under way, and end it when enough was seen."""
        gathered = self._anchoring
        if gathered is None:
            return
        gathered.add(seen)
        if not gathered.enough:
            return
        self._anchoring = None
        try:
            moved = gathered.re_anchored(self.profile, 0)
            self.profile = moved if moved.starter else write_back(moved)
        except (ValueError, UserError) as error:
            self._tell(f"Neutral not set anew: {error}.")
            return
        self._session = Session()
        self._tell("Neutral set anew: judged from the new place on.")
