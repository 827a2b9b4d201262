"""A profile: the neutral postures of somebody at one place, and what was tuned there."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.judge import Limits
from posture_monitor.whole_file import Stamp, stamp_of

if TYPE_CHECKING:
    from posture_monitor.config import Config

#: A neutral whose name holds one of these is one of standing: breaks then count standing.
_STANDING = re.compile("stand(?!ard)|steh")


@dataclass(frozen=True)
class Profile:
    """A named set of neutral postures at one place.

    Attributes
    ----------
    neutrals
        At least one; the one whose place and size fit is used (`fitting`).
    camera, width, height
        Identity and picture size of the camera it was made with; empty in a starter.
    created
        ISO time with offset.
    starter
        Shipped with the program, not this user's own.
    tuning
        Driver metric to the factor by which *Wrong reminder* has widened it.
    captures
        What else was captured, by name: ``slouch`` and ``down`` (looking down)
        from `calibrate`, and each neutral as it was before it was re-anchored
        (`as_calibrated`).
    path, stamp
        The file it was read from or written to last, and how that was then; None where it has none.
    """

    name: str
    neutrals: tuple[Neutral, ...]
    camera: str = ""
    width: int = 0
    height: int = 0
    created: str = ""
    starter: bool = False
    tuning: Mapping[str, float] = field(default_factory=dict)
    captures: Mapping[str, Neutral] = field(default_factory=dict)
    path: Path | None = field(default=None, compare=False)
    stamp: Stamp | None = field(default=None, compare=False)

    @property
    def made(self) -> str:
        """When it was calibrated, as people write it: local date and minute; empty in a starter."""
        return self.created[:16].replace("T", " ")

    @property
    def as_read(self) -> bool:
        """Whether its file is still as it was read or written: there, and not changed by anybody."""
        return self.path is not None and self.stamp is not None and stamp_of(self.path) == self.stamp

    @property
    def neutral(self) -> Neutral:
        """The first neutral posture."""
        return self.neutrals[0]

    def as_calibrated(self, index: int) -> Neutral:
        """Return a neutral as it was calibrated, also where it has been re-anchored since."""
        neutral = self.neutrals[index]
        return self.captures.get(_calibrated(neutral.name), neutral)

    def re_anchored(self, index: int, moved: Neutral) -> Profile:
        """Return the profile with one neutral at its new place, and what it was calibrated as."""
        neutrals = (*self.neutrals[:index], moved, *self.neutrals[index + 1 :])
        captures = {**self.captures, _calibrated(self.neutrals[index].name): self.as_calibrated(index)}
        return replace(self, neutrals=neutrals, captures=captures)

    def adding(self, neutral: Neutral) -> Profile:
        """Return the profile with one more neutral, in place of one of the same name."""
        captures = {key: value for key, value in self.captures.items() if key != _calibrated(neutral.name)}
        others = tuple(n for n in self.neutrals if n.name != neutral.name)
        return replace(self, neutrals=(*others, neutral), captures=captures)


def _calibrated(name: str) -> str:
    return f"{name} as calibrated"


def is_standing(neutral: str) -> bool:
    """Say whether a neutral of this name is one of standing: ``standing``, ``Stehpult``, not ``standard``."""
    return _STANDING.search(neutral.casefold()) is not None


def limits_of(config: Config, profile: Profile) -> Limits:
    """Return the limits in force: those of the settings, widened by what *Wrong reminder* has."""
    scale = dict(config.judge.scale)
    for name, factor in profile.tuning.items():
        scale[name] = scale.get(name, 1.0) * factor
    return Limits(scale, config.judge.min_confidence)


def now_iso() -> str:
    """Return the local time with its offset, to the second."""
    return dt.datetime.now().astimezone().isoformat(timespec="seconds")
