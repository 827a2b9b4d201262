"""How much landmarks tremble while a person sits still: a stream shows it, a single picture does not.

The model's own visibility says that a point is in the picture, not how well it
was found: in poor light or half hidden, points jump from frame to frame. A
person moves smoothly over a second; what a reading differs by from the middle
of its two neighbours is tremble. Its median over a dozen readings tells, so
that a single start or gesture does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

#: Readings further apart than this show movement, not tremble.
NEAR_S: Final = 1.5
#: Tremble of a person sitting still, in shoulder widths: good pictures of 640 x 480 and the noise of half a
#: pixel give 0.002 to 0.006. Up to here it costs no confidence ...
CALM: Final = 0.02
#: ... and from here on all of it: half of what the lowered head of a slouch amounts to.
WILD: Final = 0.10
#: Readings that are remembered, and the least that tell.
KEPT, LEAST = 12, 5
#: For so long. Whoever is not sure enough to be judged is looked at more seldom, and what is seldom seen
#: shows no tremble: without an end to it a bad quarter of a minute would hold for good.
KNOWN_S: Final = 60.0


@dataclass(frozen=True)
class Jitter:
    """The latest readings' places, and how far each middle one was off its neighbours.

    Attributes
    ----------
    recent
        Monotonic seconds, x and y of the latest readings.
    off
        Monotonic seconds, and how far off (shoulder widths).
    """

    recent: tuple[tuple[float, float, float], ...] = ()
    off: tuple[tuple[float, float], ...] = ()

    @property
    def tremble(self) -> float:
        """Median distance from the neighbours' middle (shoulder widths); NaN if too little was seen."""
        ranked = sorted(off for _, off in self.off)
        return ranked[len(ranked) // 2] if len(ranked) >= LEAST else math.nan

    @property
    def sureness(self) -> float:
        """What confidence is to be multiplied by, 0..1; 1 where nothing is known."""
        tremble = self.tremble
        if math.isnan(tremble):
            return 1.0
        return min(1.0, max(0.0, (WILD - tremble) / (WILD - CALM)))


def step(jitter: Jitter, t_s: float, x: float, y: float) -> Jitter:
    """Take in where the head is now.

    Parameters
    ----------
    t_s
        Monotonic seconds.
    x, y
        Deviation of the head from its neutral place, in shoulder widths; a NaN is passed over.
    """
    if not (math.isfinite(x) and math.isfinite(y)):
        return jitter
    recent = jitter.recent
    known = tuple(seen for seen in jitter.off if 0 <= t_s - seen[0] <= KNOWN_S)
    if recent and not 0 < t_s - recent[-1][0] <= NEAR_S:
        recent = ()
    recent = (*recent, (t_s, x, y))[-3:]
    if len(recent) < 3:
        return Jitter(recent, known)
    (t0, x0, y0), (t1, x1, y1), (t2, x2, y2) = recent
    part = (t1 - t0) / (t2 - t0)
    off = math.hypot(x1 - x0 - part * (x2 - x0), y1 - y0 - part * (y2 - y0))
    return Jitter(recent, (*known, (t_s, off))[-KEPT:])
