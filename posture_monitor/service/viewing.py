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
    moment
        As JSON takes it; empty while nothing is looked at.
    """

    def __init__(self) -> None:
        self.moment: dict[str, Any] = {}
        self._asked_at_s = -VIEWER_LEFT_S

    def asked(self, now_s: float, *, picture: bool) -> dict[str, Any]:
        """Return the latest look to somebody who watches, with its picture if they want it."""
        self._asked_at_s = now_s
        moment = self.moment  # the loop may put another in its place
        return {**moment, "picture": moment.get("picture") if picture else None}

    def watched(self, now_s: float) -> bool:
        """Say whether somebody watches."""
        return now_s - self._asked_at_s < VIEWER_LEFT_S

    def show(self, sight: Sight, seen: Seen | None) -> None:
        """Put a look in the place of the one before."""
        landmarks = None
        if seen is not None and np.isfinite(seen.landmarks).any():
            landmarks = np.nan_to_num(seen.landmarks).round(5).tolist()
        self.moment = {
            "wall_s": sight.wall_s,
            "width": sight.width,
            "height": sight.height,
            "landmarks": landmarks,
            "picture": base64.b64encode(sight.picture).decode() if sight.picture else None,
            "look_s": sight.look_s,
        }

    def nothing(self) -> None:
        """Forget it: what was before a pause is over."""
        self.moment = {}
