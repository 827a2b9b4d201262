"""Which profile the monitor judges by: the one asked for, or that of the camera, as its file is now."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.posture.reading import Reading
from posture_monitor.sensing.sight import Sight
from posture_monitor.service import learnt, places
from posture_monitor.service.monitor import Monitor
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import read_profile
from posture_monitor.service.profiles import load_profile
from posture_monitor.telling import words
from posture_monitor.whole_file import Stamp, stamp_of

log = logging.getLogger(__name__)


class Choice:
    """Chooses the profile, and has the monitor take it up.

    Parameters
    ----------
    monitor
        Whose profile it is.
    wanted
        The profile that was asked for; None takes that of the settings, or the one that fits the camera.
    source
        What is watched, as the history calls it until the camera has told its name.
    """

    def __init__(self, monitor: Monitor, wanted: str | None, source: str) -> None:
        self._monitor, self._source = monitor, source
        self._wanted = wanted or monitor.config.profile.name
        self._free = wanted is None
        self._fitted_to = ""
        self._recorded = ""
        #: The profile at hand that showed another view than the camera does, as it was then.
        self._rejected: Stamp | None = None
        #: Of none: a profile may have been made since this one was read.
        self._folder: Stamp | None = (0, 0, 0)
        self._passed_over: tuple[Path | None, Stamp | None] | None = None
        self._views = places.OtherView(monitor.profile)
        self._invited = False
        self._recall()

    def use(self, name: str) -> None:
        """Go by this profile whatever the camera, for the user knows better; `UserError` if there is none."""
        self._use(load_profile(name), "as you chose")
        self._wanted, self._free = name, False
        self._invite()

    def settings_changed(self, *, renamed: bool) -> None:
        """Choose anew: by the name that the settings give now, if it is another one, or by the camera."""
        self._fitted_to = ""
        if not renamed:
            return
        self._wanted = self._monitor.config.profile.name
        try:
            found = load_profile(self._wanted)
        except UserError as error:
            log.warning("the profile stays as it was: %s", error)
            return
        if found.path != self._monitor.profile.path:
            self._use(found, "as the settings say")

    def fit(self, sight: Sight) -> None:
        """Choose by the camera in use, when that has changed."""
        camera = f"{sight.identity} {sight.width}x{sight.height}"
        self._source = sight.name
        if camera == self._fitted_to:
            return
        self._fitted_to = camera
        if camera != self._recorded:
            self._rejected = None
        if self._by_camera:
            # Back at a camera the one asked for is taken, and while at it what was made last.
            rather = self._wanted if camera != self._recorded else ""
            mine = self._monitor.profile
            found = places.fitting(mine, sight.identity, sight.width, sight.height, rather=rather)
            if found.path != mine.path and found.stamp != self._rejected:
                self._recorded = camera
                self._use(found, "the camera in use")
        if camera != self._recorded:
            self._recorded = camera
            self._monitor.begin(self._source)
        self._invite()

    def check_view(self, reading: Reading, sight: Sight) -> None:
        """Take another profile where the camera shows another view than this one was made from."""
        view = self._views.check(reading)
        if view is not None:
            found = places.of_view(view, sight.identity, sight.width, sight.height)
            self._rejected = self._monitor.profile.stamp
            self._use(found, f"the camera sees you from the {view} view")
            self._invite()

    def follow(self) -> None:
        """Go by the profiles as they are now: one may have been calibrated anew, renamed or deleted."""
        mine, folder = self._monitor.profile, stamp_of(paths.profiles_dir())
        others = folder != self._folder
        self._folder = folder
        if others:
            # Another one may fit the camera better now, or be whole that was broken.
            self._fitted_to, self._passed_over = "", None
        # What a starter stands in for may be there by now.
        if mine.as_read and not (others and mine.starter and not self._by_camera):
            return
        own = None if mine.starter else mine.path
        kept = stamp_of(own) if own else None
        if (own, kept) == self._passed_over:
            return
        try:
            found, why = self._now(mine)
        except (UserError, OSError) as error:
            self._passed_over = (own, kept)
            log.warning("the profile stays as it was: %s", error)
            return
        if not (found.starter and mine.starter):
            self._use(found, why)

    def keep_learnt(self) -> None:
        """Keep what was learnt of this person until now."""
        learnt.keep(self._monitor.profile, self._monitor.learnt())

    @property
    def _by_camera(self) -> bool:
        """Whether the camera in use chooses the profile."""
        return self._free and self._monitor.config.profile.by_place

    def _now(self, mine: Profile) -> tuple[Profile, str]:
        """Return what is there now in place of this profile, and why.

        `UserError` where it is broken; `OSError` where nobody can tell whether it is there.
        """
        if mine.starter or mine.path is None:
            return load_profile(self._wanted), "it is there by now"
        with contextlib.suppress(FileNotFoundError):
            mine.path.stat()
            return read_profile(mine.path), "its file has changed"
        for path in mine.path.parent.glob("*.toml"):
            if stamp_of(path) == mine.stamp:
                return read_profile(path), "it has been renamed"
        return load_profile(self._wanted), "the one before it is gone"

    def _use(self, profile: Profile, why: str) -> None:
        log.info("another profile is used: %s", why)
        self._monitor.console.print(f"Judged against profile {profile.name!r} now: {why}.")
        self.keep_learnt()
        self._monitor.use(profile)
        self._recall()
        self._views = places.OtherView(profile)
        self._monitor.begin(self._source)

    def _recall(self) -> None:
        self._monitor.recall(learnt.recall(self._monitor.profile))

    def _invite(self) -> None:
        """Invite once to calibrate where there is no profile of this place."""
        if self._monitor.profile.starter and not self._invited:
            self._invited = True
            self._monitor.say(words.calibrate_text())
