"""Which profile fits the place: the camera in use, and from where it sees.

A laptop, a docking station and a standing desk have cameras of their own, and a
neutral posture seen by one says nothing about another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.posture.metrics import Reason
from posture_monitor.posture.reading import Reading, Verdict, View
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import read_profile
from posture_monitor.service.profiles import starter_of

#: After so many readings with a person, another view than the profile's is recognised.
FIRST_READINGS = 12
#: This share of them has to be from the other view.
NEARLY_ALL = 0.8
#: Why a frame is unknown that shows another view than the profile was made from: seen from the side,
#: somebody also seems to sit in a stranger's place.
OTHER_VIEW_REASONS = (Reason.VIEW, Reason.STRANGER)


def fitting(wanted: Profile, identity: str, width: int, height: int, *, rather: str = "") -> Profile:
    """Return the profile to judge by with this camera; a starter where none was made with it.

    Parameters
    ----------
    wanted
        The profile asked for. It is taken if it was made with this camera, or
        with none that is known.
    identity, width, height
        Of the camera, as `Source.identity`, and its picture's size in pixels; 0 where that is not known.
    rather
        Name of the one to take where several were made with this camera; else it is the latest.
    """
    if not wanted.starter and (_made_with(wanted, identity, width, height) or not wanted.camera):
        return wanted
    found = [profile for profile in _own() if profile.camera and _made_with(profile, identity, width, height)]
    if found:
        return max(found, key=lambda profile: (profile.name == rather, profile.created))
    # Made with another camera: its angles do not hold here, and coarse limits are the honest choice.
    return wanted if wanted.starter else starter_of(View.FRONT)


def of_view(view: View, identity: str, width: int, height: int) -> Profile:
    """Return a profile for this camera from this view: the user's own, else the coarse starter."""
    for profile in _own():
        if profile.neutral.view is view and _made_with(profile, identity, width, height):
            return profile
    return starter_of(view)


def _made_with(profile: Profile, identity: str, width: int, height: int) -> bool:
    same_shape = not (profile.width and profile.height) or profile.width * height == profile.height * width
    return profile.camera == identity and same_shape


def _own() -> Iterator[Profile]:
    for path in sorted(paths.profiles_dir().glob("*.toml")):
        with contextlib.suppress(UserError):  # a broken one is told of by `profiles list`
            yield read_profile(path)


class OtherView:
    """Recognises, among the first readings, a profile made from another view."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._seen: list[View] = []
        self._other = 0

    def check(self, reading: Reading) -> View | None:
        """Take in a reading; return, once, the view that the source shows if it is another one."""
        if len(self._seen) >= FIRST_READINGS or reading.verdict is Verdict.AWAY:
            return None
        self._seen.append(reading.view)
        other = (reading.view is View.SIDE) != (self.profile.neutral.view is View.SIDE)
        self._other += other and reading.reason in OTHER_VIEW_REASONS
        if len(self._seen) < FIRST_READINGS or self._other <= NEARLY_ALL * FIRST_READINGS:
            return None
        return max(View, key=self._seen.count)
