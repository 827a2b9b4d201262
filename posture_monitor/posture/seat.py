"""Which of several neutral postures is in force: sitting or standing, this chair or that.

It is chosen by place and size when somebody arrives, and again when they have
got up or sat down, or moved to another seat. In between it stays, so that a slouch, which moves the head
down the picture as well, never picks itself a lower neutral.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.breaks import ABSENCE_S
from posture_monitor.posture.judge import STANDING_RISE, STRANGER_ASIDE
from posture_monitor.posture.person import fitting
from posture_monitor.posture.reading import View

#: Whoever arrives is looked at for this long before it is chosen.
SETTLE_S: Final = 4.0


class Look(NamedTuple):
    """Place and size of the head at one time, as the metrics of these names."""

    t_s: float
    face_size: float
    head_shift: float
    head_drop: float


@dataclass(frozen=True)
class Seat:
    """What is remembered.

    Attributes
    ----------
    index
        The neutral in force.
    seen_s
        When somebody was last seen.
    looks
        Of the seconds in which a choice is under way; empty when none is.
    arriving
        The choice is for an arrival; otherwise for having got up, sat down or moved aside.
    """

    index: int = 0
    seen_s: float = -math.inf
    looks: tuple[Look, ...] = ()
    arriving: bool = False


def step(seat: Seat, neutrals: Sequence[Neutral], look: Look) -> Seat:
    """Take in where the head is; a `look` with NaN (nobody there) is passed over.

    Parameters
    ----------
    neutrals
        At least one.
    """
    if not all(value == value for value in look):
        return seat
    away = look.t_s - seat.seen_s >= ABSENCE_S  # and so arrives anew
    seat = replace(seat, seen_s=look.t_s)
    if away:
        seat = replace(seat, looks=(), arriving=True)
    elif not seat.arriving and not _moved(neutrals[seat.index], look):
        return replace(seat, looks=())
    looks = (*seat.looks, look)
    if look.t_s - looks[0].t_s < SETTLE_S:
        return replace(seat, looks=looks)
    there = Look(*np.median(looks, axis=0).tolist())
    best, _ = fitting(neutrals, *there[1:])
    if _aside(neutrals[best], there):  # somebody else, in none of these seats
        best = seat.index
    return replace(seat, index=best, looks=(), arriving=False)


def _moved(neutral: Neutral, look: Look) -> bool:
    """Say whether somebody got up, sat down or took another seat, by the head; no slouch goes as far."""
    risen = abs(look.head_drop - neutral["head_drop"]) > STANDING_RISE * neutral.shoulders
    return risen or _aside(neutral, look)


def _aside(neutral: Neutral, look: Look) -> bool:
    """Say whether the head is too far beside a seat to be in it; from the side that is not known."""
    width = neutral.shoulders * look.face_size / neutral["face_size"]
    away = abs(look.head_shift - neutral["head_shift"])
    return neutral.view is not View.SIDE and away > STRANGER_ASIDE * width
