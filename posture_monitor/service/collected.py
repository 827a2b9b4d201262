"""Frames gathered for a neutral posture, to learn it, to re-anchor it or to tell how good it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.anchor import reanchored
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.capture import LEAST_FRAMES, capture
from posture_monitor.posture.metrics import Measurement, Reason, measure
from posture_monitor.posture.person import fitting
from posture_monitor.service.looking import Seen

if TYPE_CHECKING:
    from posture_monitor.service.profile import Profile

#: A re-anchoring looks on for these seconds, and for at least so many frames.
ANCHOR_S, ANCHOR_FRAMES = 8.0, 8


class Collected:
    """Frames gathered so far, without their pictures: half a minute of those would fill the memory."""

    def __init__(self) -> None:
        self.t_s: list[float] = []
        self.landmarks: list[npt.NDArray[np.float32]] = []
        self.sizes: list[npt.NDArray[np.float64]] = []
        self.doubts: list[Reason] = []

    def __len__(self) -> int:
        return len(self.t_s)

    def add(self, seen: Seen) -> None:
        """Take in a frame."""
        self.t_s.append(seen.frame.t_s)
        self.landmarks.append(seen.landmarks)
        self.sizes.append(seen.size)
        self.doubts.append(seen.doubt)

    def measured(self, neutral: Neutral | None = None, *, most: int | None = None) -> Measurement:
        """Return the metrics of all frames, or of the first `most`, as the camera of `neutral` sees them.

        `ValueError` where there are none.
        """
        if not self.landmarks:
            raise ValueError("there was no picture at all")
        landmarks, sizes = np.stack(self.landmarks[:most]), np.stack(self.sizes[:most])
        return measure(landmarks, sizes) if neutral is None else neutral.measure(landmarks, sizes)

    def middle(self) -> npt.NDArray[np.float32]:
        """Return the body that the frames have in common, ``(33, 4)``: the median of every coordinate."""
        landmarks = np.stack(self.landmarks)
        landmarks = landmarks[np.isfinite(landmarks[:, lm.NOSE, 0])]
        return np.asarray(np.median(landmarks, axis=0), dtype=np.float32)

    def neutral(
        self, *, least_frames: int = LEAST_FRAMES, steady: bool = True, name: str = "sitting"
    ) -> Neutral:
        """Return the neutral posture; `ValueError` says why the capture is too poor."""
        return capture(self.measured(), self.doubts, least_frames=least_frames, steady=steady, name=name)

    def fitting(self, profile: Profile) -> int:
        """Return which of a profile's neutrals fits best by place and size; `ValueError` for nobody."""
        measurement = self.measured()
        if not measurement.present.any():
            raise ValueError("nobody was seen; sit where the camera sees your face and shoulders")
        face, shift, drop = (
            float(np.nanmedian(measurement[name])) for name in ("face_size", "head_shift", "head_drop")
        )
        return fitting(profile.neutrals, face, shift, drop)[0]

    @property
    def enough(self) -> bool:
        """Whether a neutral can be re-anchored by them; of stills, which have no time, their number tells."""
        return len(self) >= ANCHOR_FRAMES and not self.t_s[-1] - self.t_s[0] < ANCHOR_S

    def re_anchored(self, profile: Profile, index: int) -> Profile:
        """Return a profile with one neutral where camera and chair are now; `ValueError` says why not."""
        neutral, first = profile.neutrals[index], profile.as_calibrated(index)
        return profile.re_anchored(index, reanchored(neutral, self.measured(), self.doubts, first))
