"""Has the camera or the chair been moved? Head and shoulders that shift together, at once, and stay.

A slouch moves the head more than the shoulders, and sliding down takes a
minute. A laptop lid, a nudged camera or a chair's lever moves both alike within
seconds. Such a shift is taken out of what `sustained` compares; a large one
makes posture unknown until the picture is still again, and the user is asked
once whether to re-anchor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

#: A shift is looked for between the last two seconds and these seconds earlier.
NOW_S: Final = 2.0
BEFORE_S: Final = 8.0
#: How far head and shoulders must have moved (neutral shoulder widths).
LEAST: Final = 0.12
#: And how alike: the difference of the two, as a part of the shift, plus a little for noise.
UNLIKE, UNLIKE_NOISE = 0.3, 0.02
#: The face may have changed its size by this much (percent) meanwhile.
RESIZED: Final = 8.0
#: From here on posture is unknown until it has been still for `SETTLE_S`, and the user is asked.
LARGE: Final = 0.35
SETTLE_S: Final = 10.0
_SPACING_S: Final = 0.5


class Spot(NamedTuple):
    """Where head and shoulders are: deviations of place (shoulder widths) and of face size (percent)."""

    t_s: float
    head_x: float
    head_y: float
    shoulder_x: float
    shoulder_y: float
    size: float


@dataclass(frozen=True)
class Place:
    """What is remembered of where the person is in the picture.

    Attributes
    ----------
    offset_x, offset_y
        Sum of the shifts taken out so far, in shoulder widths.
    unsettled_until_s
        Until then posture is unknown for having been moved.
    asked
        A re-anchor was asked for and has not happened.
    ask
        Ask now.
    """

    offset_x: float = 0.0
    offset_y: float = 0.0
    unsettled_until_s: float = -math.inf
    asked: bool = False
    ask: bool = False
    recent: tuple[Spot, ...] = ()

    def unsettled(self, t_s: float) -> bool:
        """Return whether posture is unknown for having been moved."""
        return t_s < self.unsettled_until_s


def step(place: Place, spot: Spot) -> Place:
    """Take in where head and shoulders are now; a `spot` with NaN is passed over."""
    if not all(map(math.isfinite, spot)):
        return replace(place, ask=False) if place.ask else place
    recent = place.recent
    if recent and (spot.t_s < recent[-1].t_s or spot.t_s - recent[-1].t_s > BEFORE_S):
        recent = ()  # a gap or a clock set back: nothing to compare with
    if recent and spot.t_s - recent[-1].t_s < _SPACING_S:
        return replace(place, ask=False) if place.ask else place
    recent = (*(s for s in recent if spot.t_s - s.t_s <= BEFORE_S), spot)
    place = replace(place, recent=recent, ask=False)
    now = [s for s in recent if spot.t_s - s.t_s <= NOW_S]
    before = [s for s in recent if spot.t_s - s.t_s >= BEFORE_S - NOW_S - _SPACING_S]
    if not now or not before:
        return place
    head_x, head_y, shoulder_x, shoulder_y, size = (
        _mean(now, i) - _mean(before, i) for i in range(1, len(Spot._fields))
    )
    moved = math.hypot(head_x, head_y)
    unlike = math.hypot(head_x - shoulder_x, head_y - shoulder_y)
    if moved < LEAST or unlike > UNLIKE * moved + UNLIKE_NOISE or abs(size) > RESIZED:
        return place
    large = moved >= LARGE
    return Place(
        place.offset_x + (head_x + shoulder_x) / 2,
        place.offset_y + (head_y + shoulder_y) / 2,
        spot.t_s + SETTLE_S if large else place.unsettled_until_s,
        asked=place.asked or large,
        ask=large and not place.asked,
        recent=(),
    )


def _mean(spots: list[Spot], field: int) -> float:
    return sum(spot[field] for spot in spots) / len(spots)
