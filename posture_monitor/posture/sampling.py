"""When to look again: often while something changes, seldom while all is as it was.

Looking costs: a frame is decoded and a model run. A posture that is good and
settled is the same a few seconds later, an empty chair as well. What must not
wait is a change: from the first reading that would move the state if it lasted,
looks come every second until either the state has followed, or the reading has
passed (a glance), or readings have proved to waver at a limit. What counts is
what the steady state takes in, the judgement over minutes: a verdict of a moment
may differ from it for hours and changes nothing. A posture that is good, but near
the limit, may cross it by less than shows in a picture, and is looked at as often
as one that is not. No wait, with the look after it, is longer than what one reading may
speak for, so that no minute is lost to the dose, the history or the break clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from posture_monitor.posture.place import ARRIVED_S
from posture_monitor.posture.reading import LONGEST_SPOKEN_S, Verdict
from posture_monitor.posture.steady import Steady

#: A change is over, or the state has followed it, when they agree for this long: half of the state's
#: window, and so as long as it takes to follow.
AGREED_S: Final = 4.5
#: Readings that the state has not followed by then waver at a limit:
#: the state takes 4.5 s, and up to 10 s where some of them are on the other side.
CONFIRMED_S: Final = 15.0
#: The longest wait. A look itself takes time, most where the camera is opened for each.
LONGEST_WAIT_S: Final = LONGEST_SPOKEN_S - 3.0
#: Such readings are no news for this long after the last of them.
WAVERING_S: Final = 300.0
#: Motion is news after this much stillness; somebody who types moves all the time.
STILL_S: Final = 30.0
#: A good posture this close to its limit (of the slouch index) is near it: there the state may change
#: with less motion than shows for sure. Chosen on simulated days.
NEAR: Final = 0.2

_STRAYING: Final = (Verdict.MILD, Verdict.POOR)


@dataclass(frozen=True)
class Pace:
    """Seconds from one look to the next.

    Attributes
    ----------
    settled_s
        The state is good (or unknown) and nothing contradicts it.
    deviating_s
        Something contradicts the state, and is to be confirmed.
    poor_s
        The state is mild or poor and nothing contradicts it; or it is good, but near the limit.
    away_s
        Nobody is there.
    unmoved_at_most_s
        While nothing moves in the picture the model looks at least this often.
    battery
        All of these but `deviating_s` are this many times longer on battery.
    """

    settled_s: float = 6.0
    deviating_s: float = 1.0
    poor_s: float = 3.0
    away_s: float = 8.0
    unmoved_at_most_s: float = 60.0
    battery: float = 2.0


@dataclass(frozen=True)
class Plan:
    """What comes next.

    Attributes
    ----------
    wait_s
        Seconds until the next look.
    may_skip
        If nothing has moved by then since the model last looked, it need not look:
        the last reading holds, and is repeated with the new time.
    """

    wait_s: float
    may_skip: bool


@dataclass(frozen=True)
class Sampling:
    """What is remembered between looks.

    Attributes
    ----------
    t_s, state
        Of the latest reading.
    looked_s, moved_s
        When the model last looked, and when something last moved.
    away_s
        When nobody was there last.
    changing_s
        Since when a change is being confirmed; NaN if all is settled.
    agreed_s
        Since when readings and state have agreed; NaN if they do not.
    wavering_until_s
        Until when readings that contradict this state are no news.
    may_skip
        What the latest plan allowed.
    """

    t_s: float = math.nan
    state: Verdict = Verdict.UNKNOWN
    looked_s: float = math.nan
    moved_s: float = math.nan
    away_s: float = -math.inf
    changing_s: float = math.nan
    agreed_s: float = math.nan
    wavering_until_s: float = -math.inf
    may_skip: bool = False

    @property
    def changing(self) -> bool:
        """Whether a change is being confirmed."""
        return not math.isnan(self.changing_s)


def step(
    sampling: Sampling, pace: Pace, t_s: float, steady: Steady, moved: bool, on_battery: bool = False
) -> tuple[Sampling, Plan]:
    """Take in one reading and say when the next is due.

    Parameters
    ----------
    t_s
        Monotonic seconds; a step back starts afresh.
    steady
        The steady state after this reading. Where the model was spared, it took in the
        last reading once more.
    moved
        Whether anything moved in the picture since the model last looked.
    on_battery
        Whether the machine runs on battery.
    """
    state = steady.state
    fresh = not t_s >= sampling.t_s
    if fresh:
        sampling = Sampling(moved_s=t_s, state=state)
    followed = state is not sampling.state
    contradicted = steady.tends() is not state
    wavering_until_s = -math.inf if followed else sampling.wavering_until_s
    wavering = t_s < wavering_until_s
    if wavering and contradicted:
        wavering_until_s = t_s + WAVERING_S
    stirred = moved and t_s - sampling.moved_s >= STILL_S
    surprising = contradicted and not wavering

    agreed_s = sampling.agreed_s
    if surprising:
        agreed_s = math.nan
    elif math.isnan(agreed_s):
        agreed_s = t_s
    changing_s = sampling.changing_s
    if fresh or followed or (math.isnan(changing_s) and (surprising or stirred)):
        changing_s = t_s
        agreed_s = math.nan if surprising else t_s
    elif t_s - agreed_s >= AGREED_S:
        changing_s = math.nan
    elif t_s - changing_s >= CONFIRMED_S:
        changing_s = math.nan
        if surprising:
            wavering_until_s, agreed_s = t_s + WAVERING_S, t_s
    changing = not math.isnan(changing_s)

    looked_s = sampling.looked_s if sampling.may_skip and not moved else t_s
    near = steady.tends(NEAR) is not state
    wait_s = _wait_s(pace, state, changing, near, on_battery)
    unmoved_s = pace.unmoved_at_most_s * (pace.battery if on_battery else 1.0)
    away = state is Verdict.AWAY
    away_s = t_s if away else sampling.away_s
    # Who has just sat down goes on arriving, by less at a time than a picture shows for sure.
    arrived = away or t_s - away_s >= ARRIVED_S
    # Sparing the next look puts the model off to the one after it. Of a slouch the end matters, and near
    # a limit the crossing of it, which may be less motion than a picture shows for sure.
    unmoving = arrived and not changing and state not in _STRAYING and not near
    may_skip = unmoving and t_s + 2 * wait_s - looked_s <= unmoved_s
    after = Sampling(
        t_s=t_s,
        state=state,
        looked_s=looked_s,
        moved_s=t_s if moved else sampling.moved_s,
        away_s=away_s,
        changing_s=changing_s,
        agreed_s=agreed_s,
        wavering_until_s=wavering_until_s,
        may_skip=may_skip,
    )
    return after, Plan(wait_s, may_skip)


def _wait_s(pace: Pace, state: Verdict, changing: bool, near: bool, on_battery: bool) -> float:
    if changing:
        return min(pace.deviating_s, LONGEST_WAIT_S)
    wait_s = pace.settled_s
    if state is Verdict.AWAY:
        wait_s = pace.away_s
    elif state in _STRAYING:
        wait_s = pace.poor_s
    if near:
        wait_s = min(wait_s, pace.poor_s)
    return min(wait_s * (pace.battery if on_battery else 1.0), LONGEST_WAIT_S)
