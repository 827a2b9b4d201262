"""A camera that gives no picture: since when, when to try again, and when to tell of it."""

from __future__ import annotations

import logging
import math
from typing import Final

from posture_monitor.sensing.sight import Blind

log = logging.getLogger(__name__)

#: A source that gives no picture is tried again after these seconds, then twice as long, up to the last.
FIRST_RETRY_S, LAST_RETRY_S = 2.0, 60.0
#: A camera that has failed for so long is told of.
TELL_S: Final = 600.0
#: Troubles that nobody brings about on purpose, as an unplugged or covered camera may be.
_FAILURES: Final = ("hangs", "failed", "no model", "permission", "gone")


class Outage:
    """What is known of the camera's trouble.

    Attributes
    ----------
    blind
        The trouble; None while there are pictures, or nobody asks for any.
    since_s
        When it began to fail.
    failures
        How often no picture could be had, until it had gone well for long enough; 0 to try soon again.
    """

    def __init__(self) -> None:
        self.blind: Blind | None = None
        self.since_s = math.inf
        self.failures = 0
        self._told = False
        self._sees_since_s = -math.inf

    def failed(self, blind: Blind, now_s: float) -> float:
        """Take in that no picture could be had, and return the seconds to wait until the next try."""
        if self.blind is None or self.blind.trouble != blind.trouble:
            log.warning("no picture (%s): %s", blind.trouble, blind.detail)
        # One failure may follow another: what breaks down is called so, now hanging, now gone.
        if self.blind is None or blind.trouble not in _FAILURES:
            self.since_s, self._told = now_s, False
        self.blind = blind
        wait_s = min(FIRST_RETRY_S * 2.0**self.failures, LAST_RETRY_S)
        self.failures = min(self.failures + 1, 10)
        return wait_s

    def saw(self, now_s: float) -> None:
        """Take in that there is a picture."""
        if self.blind is not None:
            log.info("the camera gives pictures again")
            self._sees_since_s = now_s
        if now_s - self._sees_since_s >= LAST_RETRY_S:
            # Not before: one that fails again after each few pictures is to be tried less and less often.
            self.failures = 0
        self.blind = None

    def to_tell(self, now_s: float) -> bool:
        """Say, once, that the user is to be told of it now."""
        if self._told or self.blind is None or self.blind.trouble not in _FAILURES:
            return False
        self._told = now_s - self.since_s >= TELL_S
        return self._told
