"""Has the camera or the chair been moved? Head and shoulders that shift together, at once, and stay.

A slouch moves the head more than the shoulders, and sliding down takes a
minute. A laptop lid, a nudged camera or a chair's lever moves both alike within
seconds. Posture is unknown until such a shift has either passed or lasted; one
that lasts is taken out of what `sustained` compares, and the user is asked, once
a day, whether to re-anchor.

Nobody sees what is moved from one day to the next. Who comes back then finds the
chair a little higher and the lid opened a little further; that is taken out as
well, as far as it is more likely to be the place than the sitting.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

#: A shift is looked for between the last two seconds and these seconds earlier.
NOW_S: Final = 2.0
BEFORE_S: Final = 8.0
#: After a gap longer than this, and than twice the scheduled one, there is
#: nothing to compare with.
GAP_S: Final = 4.0
#: How far head and shoulders must have moved (neutral shoulder widths). A laptop
#: lid moves them by 0.3 for 8°; a change of the chair's height by 5 cm, 0.16.
LEAST: Final = 0.25
#: Sideways people shift themselves; there it takes this much.
LEAST_SIDEWAYS: Final = 0.6
#: Whoever has just sat down is still arriving.
ARRIVED_S: Final = 30.0
#: After an absence of so long it is another day, or might be.
NIGHT_S: Final = 4 * 3600.0
#: How much the place in the picture varies, standard deviations in shoulder widths: by sitting (one of the
#: score *lowered* is 0.06), and from calibration to another day (a chair, 2 cm; a laptop's lid, 3°).
SITTING_VARIES: Final = 0.06
PLACE_VARIES: Final = 0.12
#: Whose face is smaller by this (percent) may be leaning back: then nothing is taken out.
LEANT_BACK: Final = 16.0
#: And how alike: the difference of the two, as a part of the shift.
UNLIKE: Final = 0.25
#: The face may have changed its size by this much (percent) meanwhile.
RESIZED: Final = 8.0
#: The shift must last this long, and then still be there by this part of `LEAST`. Meanwhile posture
#: is unknown.
SETTLE_S: Final = 10.0
STAYED: Final = 0.7
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
class Shift:
    """A shift that may turn out to last: when it was seen, and where head and shoulders were before."""

    seen_s: float
    before: Spot
    x: float
    y: float


@dataclass(frozen=True)
class Place:
    """What is remembered of where the person is in the picture.

    Attributes
    ----------
    offset_y
        How much lower the place is than calibrated, in shoulder widths.
    shift
        One that is being waited for; posture is unknown meanwhile.
    asked
        The user has been asked today whether to re-anchor.
    ask
        Ask now.
    since_s
        From when on the person has been there without a gap.
    arriving
        Where they were since they arrived on another day, until that is taken in; None afterwards.
    """

    offset_y: float = 0.0
    shift: Shift | None = None
    asked: bool = False
    ask: bool = False
    since_s: float = math.nan
    recent: tuple[Spot, ...] = ()
    arriving: tuple[Spot, ...] | None = None

    @property
    def unsettled(self) -> bool:
        """Whether posture is unknown for having been moved."""
        return self.shift is not None


def step(place: Place, spot: Spot, interval_s: float = 0.5) -> Place:
    """Take in where head and shoulders are now; a `spot` with NaN is passed over.

    While a shift is being waited for, shoulders that it has moved out of the picture are held to be where
    it takes the head.

    Parameters
    ----------
    interval_s
        Scheduled seconds between this reading and the one before it.
    """
    if place.ask:
        place = replace(place, ask=False)
    if place.shift is not None and not math.isfinite(spot.shoulder_x + spot.shoulder_y):
        spot = spot._replace(shoulder_x=spot.head_x, shoulder_y=spot.head_y)
    if not all(map(math.isfinite, spot)):
        return place
    recent = place.recent
    gap_s = spot.t_s - recent[-1].t_s if recent else math.inf
    if not -1e-9 <= gap_s <= max(GAP_S, 2 * interval_s):
        place = replace(place, recent=(spot,), shift=None, since_s=spot.t_s)  # nothing to compare with
        if gap_s >= NIGHT_S:
            return replace(place, offset_y=0.0, asked=False, arriving=(spot,))
        return replace(place, arriving=place.arriving and (spot,))  # who gets up again arrives once more
    if spot.t_s - recent[-1].t_s < _SPACING_S:
        return place
    lately = [s for s in recent if spot.t_s - s.t_s <= BEFORE_S]
    # Where readings are far apart, the one before it all counts as earlier.
    recent = (*(lately or recent[-1:]), spot)
    place = replace(place, recent=recent)
    if place.arriving is not None:
        place = _arrived(place, place.arriving, spot)
    now = _mean([s for s in recent if spot.t_s - s.t_s <= NOW_S])
    if place.shift is not None:
        return _waited(place, place.shift, now, spot.t_s)
    earlier = [s for s in recent if spot.t_s - s.t_s >= BEFORE_S - NOW_S - _SPACING_S]
    if not earlier or spot.t_s - place.since_s < ARRIVED_S:
        return place
    before = _mean(earlier)
    head, shoulders = _way(before, now)
    moved = math.hypot(*head)
    unlike = math.hypot(head[0] - shoulders[0], head[1] - shoulders[1])
    if abs(now.head_y - place.offset_y) < abs(before.head_y - place.offset_y):
        return place  # back towards neutral: that is sitting up, not a camera
    enough = abs(head[1]) >= LEAST or moved >= LEAST_SIDEWAYS
    if not enough or unlike > UNLIKE * moved or abs(now.size - before.size) > RESIZED:
        return place
    return replace(place, shift=Shift(spot.t_s, before, *head))


def _arrived(place: Place, arriving: tuple[Spot, ...], spot: Spot) -> Place:
    """Take in where somebody sits down on another day.

    That they sit lower than calibrated is due to the place as far as its variance is part of all there is.
    """
    arriving = (*arriving, spot)
    if spot.t_s - place.since_s < ARRIVED_S:
        return replace(place, arriving=arriving)
    place = replace(place, arriving=None)
    head, shoulders, size = np.median([(s.head_y, s.shoulder_y, s.size) for s in arriving], axis=0).tolist()
    if size < -LEANT_BACK or head * shoulders < 0:
        return place
    lower = min(head, shoulders, key=abs)  # what both have moved alike
    return replace(place, offset_y=lower * PLACE_VARIES**2 / (PLACE_VARIES**2 + SITTING_VARIES**2))


def _waited(place: Place, shift: Shift, now: Spot, t_s: float) -> Place:
    """Let a shift prove that it lasts."""
    if t_s - shift.seen_s < SETTLE_S:
        return place
    place = replace(place, shift=None, recent=place.recent[-1:])
    (x, y), _ = _way(shift.before, now)
    along = (x * shift.x + y * shift.y) / math.hypot(shift.x, shift.y)
    if along < STAYED * LEAST:
        return place  # the person leaned, reached or got up, and came back
    return replace(
        place,
        offset_y=place.offset_y + y,
        asked=True,
        ask=not place.asked,
    )


def _way(before: Spot, now: Spot) -> tuple[tuple[float, float], tuple[float, float]]:
    head = (now.head_x - before.head_x, now.head_y - before.head_y)
    return head, (now.shoulder_x - before.shoulder_x, now.shoulder_y - before.shoulder_y)


def _mean(spots: list[Spot]) -> Spot:
    return Spot(*(sum(values) / len(spots) for values in zip(*spots, strict=True)))
