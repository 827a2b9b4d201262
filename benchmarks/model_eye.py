"""How the pose model sees a nodding head, so that simulated days err as real pictures do.

The rig knows where every landmark is; the model that looks at pictures only guesses. It has seen few heads
from above: of a nod it sees about half, and lowers the whole head for the rest. A judgement that was only
ever tried on exact landmarks takes a look at the keyboard for a slouch.

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
        With what goes with the nod that is seen, the ears sink by 1.3 % for each degree of that.
    """

    nod: float = 1.0
    lowers: float = 0.0

    @classmethod
    def random(cls, rng: np.random.Generator) -> Eye:
        """Return how it errs about somebody drawn at random."""
        return cls(
            nod=float(np.clip(rng.normal(0.5, 0.15), 0.25, 0.9)),
            lowers=float(np.clip(rng.normal(0.45, 0.15), 0.1, 0.8)),
        )

    def render(
        self, body: Body, pose: Pose, camera: Camera, rng: np.random.Generator, noise_px: float
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
        """Return landmarks and size as `rig.render` does, as the model sees them."""
        nod = pose.fields()["head_pitch"]
        seen = replace(pose, head_pitch=self.nod * nod)
        landmarks, size = rig.render(body, seen, camera, rng, noise_px)
        height = landmarks[:, 11:13, 1].mean(axis=1) - landmarks[:, 7:9, 1].mean(axis=1)
        landmarks[:, :11, 1] += (self.lowers / 100 * nod * height)[:, None].astype(np.float32)
        return landmarks, size
