"""``calibrate``: learn the user's neutral posture from a source and keep it as a profile."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.posture.anchor import reanchored
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.capture import LEAST_FRAMES, capture
from posture_monitor.posture.metrics import NAMES, Reason, measure
from posture_monitor.sensing.model import ensure_model
from posture_monitor.sensing.sources import open_source
from posture_monitor.service.looking import Looker, Seen
from posture_monitor.service.profiles import Profile, now_iso, save_profile

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config


class Collected:
    """Frames gathered so far, and the neutral posture they make."""

    def __init__(self) -> None:
        self.landmarks: list[npt.NDArray[np.float32]] = []
        self.sizes: list[npt.NDArray[np.float64]] = []
        self.doubts: list[Reason] = []

    def add(self, seen: Seen) -> None:
        """Take in a frame."""
        self.landmarks.append(seen.landmarks)
        self.sizes.append(seen.size)
        self.doubts.append(seen.doubt)

    def neutral(self, *, least_frames: int = LEAST_FRAMES, steady: bool = True) -> Neutral:
        """Return the neutral posture; `ValueError` says why the capture is too poor."""
        if not self.landmarks:
            raise ValueError("there was no picture at all")
        measurement = measure(np.stack(self.landmarks), np.stack(self.sizes))
        return capture(measurement, self.doubts, least_frames=least_frames, steady=steady)

    def re_anchored(self, profile: Profile, index: int) -> Profile:
        """Return a profile with one neutral where camera and chair are now; `ValueError` says why not."""
        if not self.landmarks:
            raise ValueError("there was no picture at all")
        measurement = measure(np.stack(self.landmarks), np.stack(self.sizes))
        moved = reanchored(
            profile.neutrals[index], measurement, self.doubts, calibrated=profile.as_calibrated(index)
        )
        return profile.re_anchored(index, moved)


def calibrate(
    config: Config,
    *,
    source: str,
    seconds: float,
    profile: str,
    started_at: float | None,
    realtime: bool,
    console: Console,
) -> Path:
    """Watch `source` for some seconds and write the neutral posture to a profile.

    A source without time (a folder of stills) is taken whole.

    Raises
    ------
    UserError
        The source cannot be used, or the capture is too poor: then the old
        profile, if any, is left as it was.
    """
    opened = open_source(
        source,
        started_at=started_at,
        realtime=realtime,
        width=config.camera.width,
        height=config.camera.height,
    )
    collected = Collected()
    if opened.live:
        console.print(f"Sit as you would like to sit, and keep that for {seconds:g} seconds.")
    with Looker(opened, lambda: ensure_model(_own_model(config))) as looker:
        for seen in looker.look():
            # The first frame may be late: what counts is the time that passed in the source.
            if math.isfinite(seen.frame.t_s) and seen.frame.t_s >= seconds:
                break
            collected.add(seen)
        width, height = (seen.frame.width, seen.frame.height) if collected.landmarks else (0, 0)
    neutral = _neutral(collected, source)
    made = Profile(profile, (neutral,), opened.identity, width, height, now_iso())
    path = save_profile(made)
    console.print(told(made))
    console.print(f"Kept as {path}", soft_wrap=True)
    return path


def _neutral(collected: Collected, source: str) -> Neutral:
    try:
        return collected.neutral()
    except ValueError as error:
        raise UserError(f"not calibrated from {source}: {error}") from error


def _own_model(config: Config) -> Path | None:
    return Path(config.model.path) if config.model.path else None


def told(profile: Profile) -> str:
    """Return in a few lines what was learnt, and what cannot be measured from here."""
    neutral = profile.neutral
    angles = ", ".join(
        f"{label} {neutral[name]:+.0f}°"
        for label, name in (
            ("trunk", "trunk_incl"),
            ("neck", "neck_incl"),
            ("head roll", "head_roll"),
            ("shoulder tilt", "shoulder_tilt"),
        )
        if math.isfinite(neutral[name])
    )
    blind = [
        name for name in ("trunk_incl", "neck_incl", "fsr", "head_roll") if name not in neutral.measurable
    ]
    lines = [
        f"Calibrated {profile.name!r} on {neutral.frames} frames, seen from {_from(neutral)}.",
        f"Measured from here: {len(neutral.measurable)} of {len(NAMES)} metrics"
        + (f" ({angles})." if angles else "."),
    ]
    if blind:
        lines.append(f"Not measurable from here: {', '.join(blind)}.")
    return "\n".join(lines)


def _from(neutral: Neutral) -> str:
    return {"front": "the front", "oblique": f"about {neutral.azimuth_deg:.0f}° to the side"}.get(
        neutral.view.value, "the side"
    )
