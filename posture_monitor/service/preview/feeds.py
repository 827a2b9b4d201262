"""Live moments for the preview, from the running monitor or a source of its own.

A *feed* gathers moments in a thread of its own and always has a latest one at
hand; the window looks at that and waits for nothing. `Attached` asks the
running monitor, so that the two do not fight for the camera; `Own` opens the
source itself and judges as the monitor does.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import logging
import math
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.posture import landmarks as lm
from posture_monitor.service.control import NotRunning, ask
from posture_monitor.service.preview.outline import outline
from posture_monitor.service.preview.shot import Points, Shot
from posture_monitor.service.profiles import load_profile
from posture_monitor.service.status import InUse, Status
from posture_monitor.whole_file import Stamp, stamp_of

if TYPE_CHECKING:
    from posture_monitor.config import Config

log = logging.getLogger(__name__)

#: The running monitor is asked this often for what it sees.
ASK_S: Final = 0.2
#: While nobody answers it is asked, and a lost source opened again, this often.
AGAIN_S: Final = 2.0
#: A feed that is closed is waited for so long: a camera takes its time.
CLOSE_S: Final = 3.0
#: Others are looked for this often.
CROWD_EVERY_S: Final = 2.0


class Feed(ABC):
    """Gathers moments in a thread of its own; `latest` never waits.

    Parameters
    ----------
    name
        What is shown, for the window's title.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.latest = Shot()
        self.picture_wanted = True
        self._notes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._times_s: deque[float] = deque(maxlen=16)
        self._wish, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._gather, name="preview", daemon=True)

    def start(self) -> None:
        """Begin to gather."""
        self._thread.start()

    def close(self) -> None:
        """Stop gathering, and release what is held. Safe to call twice."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def reanchor(self) -> None:
        """Ask that judgement follows camera and chair to where they are now; `note` tells how that went."""
        self._wish.set()

    @abstractmethod
    def _gather(self) -> None: ...

    def note(self) -> str:
        """Return what there is to be told once, ``""`` if there is nothing."""
        with contextlib.suppress(queue.Empty):
            return self._notes.get_nowait()
        return ""

    def tell(self, text: str) -> None:
        """Leave a note."""
        self._notes.put(text)

    def _show(self, shot: Shot) -> None:
        self._times_s.append(time.monotonic())
        self.latest = replace(shot, number=self.latest.number + 1, rate=self._rate())

    def _show_none(self, shot: Shot) -> None:
        """Show a moment of which there is nothing to be seen."""
        self._times_s.clear()
        self.latest = replace(shot, number=self.latest.number + 1)

    def _rate(self) -> float | None:
        if len(self._times_s) < 2:
            return None
        return (len(self._times_s) - 1) / max(self._times_s[-1] - self._times_s[0], 1e-3)


class Attached(Feed):
    """What the running monitor sees; it keeps the camera, and goes on as it was when the preview closes."""

    def __init__(self) -> None:
        super().__init__("the running monitor")

    def _gather(self) -> None:
        while not self._over.is_set():
            began_s = time.monotonic()
            wait_s = AGAIN_S
            try:
                self._pass_on()
                self._take(ask("look", picture=self.picture_wanted))
                wait_s = ASK_S
            except NotRunning:
                self._show_none(Shot(lost="The monitor has ended; `posture-monitor start` starts it."))
            except UserError as error:
                self._show_none(Shot(lost=f"{error}."))
            self._over.wait(max(0.02, began_s + wait_s - time.monotonic()))

    def _pass_on(self) -> None:
        if not self._wish.is_set():
            return
        self._wish.clear()
        try:
            ask("reanchor", timeout_s=6.0)
        except NotRunning:
            raise
        except UserError as error:
            self.tell(f"Not done: {error}.")
        else:
            self.tell("Sit upright for some seconds: it follows camera and chair.")

    def _take(self, told: Mapping[str, Any]) -> None:
        status = Status.from_json(told.get("status") or {})
        width, height = int(told.get("width") or 0), int(told.get("height") or 0)
        if status.activity != "watching" or not width:
            self._show_none(Shot(status=status, width=width, height=height))
            return
        if (wall_s := float(told.get("wall_s") or math.nan)) == self.latest.wall_s:
            # Nothing new was seen; what is known of it may have changed all the same.
            self.latest = replace(self.latest, status=status)
            return
        points = None
        if told.get("landmarks") is not None:
            points = np.asarray(told["landmarks"], dtype=np.float32)
            if points.shape != (lm.COUNT, 4):
                raise UserError("the running monitor is of another version; `posture-monitor restart` helps")
        jpeg = None
        if told.get("picture"):
            with contextlib.suppress(ValueError):
                jpeg = base64.b64decode(told["picture"])
        look_s = told.get("look_s")
        stamp = stamp_of(paths.profiles_dir() / f"{status.profile.name}.toml")
        self._show(
            Shot(
                status=status,
                wall_s=wall_s,
                width=width,
                height=height,
                landmarks=points,
                neutral=_outline(status.profile, stamp, width, height),
                jpeg=jpeg,
                judged_ms=1000 * look_s if isinstance(look_s, int | float) else None,
            )
        )


@functools.lru_cache(1)
def _outline(profile: InUse, _stamp: Stamp | None, width: int, height: int) -> Points | None:
    """Return the outline of a neutral posture, read again when its profile's file has another stamp."""
    if profile.starter:
        return None
    with contextlib.suppress(UserError, OSError):
        known = load_profile(profile.name).neutrals
        return outline(next((n for n in known if n.name == profile.neutral), known[0]), width, height)
    return None


class Own(Feed):
    """What a source of our own shows, judged as the monitor would, and kept nowhere.

    Parameters
    ----------
    source, profile
        As for `recording.watch`; a recording is played at its own pace.
    """

    def __init__(self, config: Config, source: str, profile: str) -> None:
        super().__init__(source)
        self._config = config
        self._source = source
        self._profile = load_profile(profile)

    def _gather(self) -> None:
        while not self._over.is_set():
            live = True
            try:
                live = self._watch()
            except UserError as error:
                told = str(error)
                self._show_none(Shot(lost=f"{told[0].upper()}{told[1:]}."))
            except Exception as error:
                log.exception("the preview's source broke")
                self._show_none(Shot(lost=f"{self._source}: {error}."))
            if not live:
                # A recording is over: its last moment stays, as it is.
                self.tell("The recording is over.")
                self._over.wait()
            self._over.wait(AGAIN_S)

    def _watch(self) -> bool:
        """Look at the source until it ends; return whether it is worth opening again."""
        from posture_monitor.sensing.sources import open_source
        from posture_monitor.service.looking import Looker
        from posture_monitor.service.preview.judging import LOOK_S, Judging

        camera = self._config.camera
        opened = open_source(
            self._source, realtime=True, width=camera.width, height=camera.height, min_interval_s=LOOK_S
        )
        self.name = opened.name
        judging = Judging(self._config, self._profile, opened, self.tell)
        with Looker(opened, self._config.model.own, crowd_every_s=CROWD_EVERY_S) as looker:
            for seen in looker.look(lambda: judging.profile.neutral):
                if self._over.is_set():
                    break
                if self._wish.is_set():
                    self._wish.clear()
                    judging.anchor()
                shot = judging.take(seen)
                self._profile = judging.profile
                image = seen.frame.image if self.picture_wanted else None
                self._show(replace(shot, image=image, judged_ms=1000 * looker.took_s))
        return opened.live


def open_feed(config: Config, source: str | None, profile: str | None) -> Feed:
    """Return the feed that fits: the running monitor's, unless a source was named or none runs.

    Raises
    ------
    UserError
        The profile cannot be used.
    """
    if source is None and profile is None:
        try:
            ask("status")
        except NotRunning:
            pass
        else:
            return Attached()
    return Own(config, source or config.camera.source, profile or config.profile.name)
