"""How the pose model sees a head that nods or sinks, so that simulated days err as real pictures do.

The rig knows where every landmark is; the model that looks at pictures only guesses. It has seen few heads
from above, and takes a nod and a sinking head for much the same thing: of a nod it sees less than half, and
lowers the whole head for the rest; of a head that sinks without nodding it believes that it nods a little.
A judgement that was only ever tried on exact landmarks takes a look at the keyboard for a slouch.

How much is measured on people who were drawn in a known posture (`drawn_people.py`) and differs among them:
here each person draws theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import rig
from rig import Body, Camera, Pose


@dataclass(frozen=True)
class Eye:
    """How the model errs about one person.

    Attributes
    ----------
    nod
        Degrees of nod seen for each degree there is.
    lowers
        Percent of the ears' height over the shoulders by which the head is seen lower for each degree of nod.
    imagines
        Degrees of nod seen for each percent by which the ears have sunk without one.
    """

    nod: float = 1.0
    lowers: float = 0.0
    imagines: float = 0.0

    @classmethod
    def random(cls, rng: np.random.Generator) -> Eye:
        """Return how it errs about somebody drawn at random."""
        return cls(
            nod=float(np.clip(rng.normal(0.45, 0.12), 0.25, 0.8)),
            lowers=float(np.clip(rng.normal(0.45, 0.10), 0.2, 0.7)),
            imagines=float(np.clip(rng.normal(0.22, 0.10), 0.0, 0.5)),
        )

    def render(
        self, body: Body, pose: Pose, camera: Camera, rng: np.random.Generator, noise_px: float
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
        """Return landmarks and size as `rig.render` does, as the model sees them."""
        nod = pose.fields()["head_pitch"]
        level = rig.skeleton(body, replace(pose, head_pitch=0.0))
        sunk = np.maximum(
            100 * (1 - _ears_over_shoulders(level) / _ears_over_shoulders(rig.skeleton(body, Pose()))), 0
        )
        seen = replace(pose, head_pitch=self.nod * nod + self.imagines * sunk)
        landmarks, size = rig.render(body, seen, camera, rng, noise_px)
        height = -_ears_over_shoulders(landmarks)
        landmarks[:, :11, 1] += (self.lowers / 100 * nod * height)[:, None].astype(np.float32)
        return landmarks, size


def _ears_over_shoulders(points: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return how much higher the second coordinate of the ears is than that of the shoulders, ``(N,)``."""
    ears: npt.NDArray[Any] = points[:, 7:9, 1].mean(axis=1) - points[:, 11:13, 1].mean(axis=1)
    return ears
