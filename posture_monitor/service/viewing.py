"""Who watches the preview, and what is shown to them of the latest look."""

from __future__ import annotations

import base64
from typing import Any, Final

import numpy as np

from posture_monitor.sensing.sight import Sight
from posture_monitor.service.looking import Seen

#: Who has not asked for so long no longer watches.
VIEWER_LEFT_S: Final = 3.0


class Viewing:
    """The latest look, as a preview is told of it; asked from threads of the control channel.

    Attributes
    ----------
    latest
        The look, and who was chosen in it; None while nothing is looked at.
    """

    def __init__(self) -> None:
        self.latest: tuple[Sight, Seen | None] | None = None
        self._asked_at_s = -VIEWER_LEFT_S

    def asked(self, now_s: float, *, picture: bool) -> dict[str, Any]:
        """Return the latest look, as JSON takes it, to somebody who watches; its picture if they want it."""
        self._asked_at_s = now_s
        if (latest := self.latest) is None:
            return {"picture": None}
        sight, seen = latest
        landmarks = None
        if seen is not None and np.isfinite(seen.landmarks).any():
            landmarks = np.nan_to_num(seen.landmarks).round(5).tolist()
        return {
            "wall_s": sight.wall_s,
            "width": sight.width,
            "height": sight.height,
            "landmarks": landmarks,
            "picture": base64.b64encode(sight.picture).decode() if picture and sight.picture else None,
            "look_s": sight.look_s,
        }

    def watched(self, now_s: float) -> bool:
        """Say whether somebody watches."""
        return now_s - self._asked_at_s < VIEWER_LEFT_S
