"""From instantaneous verdicts to a steady state: what is told, stored and dosed.

A glance at the keyboard is no slouch and one lucky frame no recovery. Readings
are gathered into half-second buckets, so that 2 and 15 frames a second look
the same, and the state follows the time-weighted median of the last nine
seconds: a glance shorter than half of that changes nothing, a step is seen as
soon as it fills half, and no single frame can move anything. Hysteresis keeps
the state from flickering at a limit.

Readings may come at any distance, and the distance may change from one to the
next. Of the time between two readings the latter speaks for the last half
second, the former for the rest: what is seen for the first time after a long
wait may have begun just now, and must prove to last like anything else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from posture_monitor.posture.reading import LONGEST_SPOKEN_S, Verdict

#: Length of a bucket, in seconds.
BUCKET_S: Final = 0.5
#: A state is left for a better one only below its limit less this (of the
#: slouch index), about a quarter of the way from poor to mild.
HYSTERESIS: Final = 0.12
#: Sums of seconds that differ by less are equal: half of a window is, whatever order it was added in.
ROUNDING_S: Final = 1e-9

_JUDGED: Final = (Verdict.GOOD, Verdict.MILD, Verdict.POOR)


@dataclass(frozen=True)
class Policy:
    """How steady.

    Attributes
    ----------
    window_s
        Length of the median. Half of it is how long a change must last, and
        how late it is seen.
    interval_s
        Scheduled seconds between the reading taken in and the one before it;
        twice that is the longest that lies between two readings, so that a
        suspended machine says nothing.
    """

    window_s: float = 9.0
    interval_s: float = 0.5


# Tuples: a copy with other values takes a dataclass four times as long, and each reading makes some.
class Bucket(NamedTuple):
    """Readings of about half a second.

    Attributes
    ----------
    until_s
        When it ends.
    seconds
        For how long it speaks.
    verdict
        Any of good, mild or poor stands for "judged"; else unknown or away.
    index
        Mean slouch index, NaN if not judged.
    reason, driver
        Of its latest reading.
    """

    until_s: float
    seconds: float
    verdict: Verdict
    index: float  # type: ignore[assignment]  # not tuple.index
    reason: str
    driver: str


class Steady(NamedTuple):
    """The state now, and the buckets it rests on.

    Attributes
    ----------
    state
        Good, mild, poor, unknown or away.
    since_s
        When it began, in the caller's seconds; NaN before the first reading.
    index
        The median slouch index behind it, NaN if not judged.
    reason
        Why it is unknown.
    driver
        The metric that drove it.
    latest
        The latest reading: verdict, index, reason and driver.
    """

    state: Verdict = Verdict.UNKNOWN
    since_s: float = math.nan
    index: float = math.nan  # type: ignore[assignment]  # not tuple.index
    reason: str = ""
    driver: str = ""
    buckets: tuple[Bucket, ...] = ()
    t_s: float = math.nan
    latest: tuple[Verdict, float, str, str] = (Verdict.UNKNOWN, math.nan, "", "")
    open_s: float = 0.0
    open_index: float = 0.0
    open_judged_s: float = 0.0
    open_away_s: float = 0.0
    open_reason: str = ""
    open_driver: str = ""

    def tends(self, worse: float = 0.0) -> Verdict:
        """Return what the state would become if the latest reading, this much worse, lasted.

        Parameters
        ----------
        worse
            Is added to the slouch index of a judged reading.
        """
        verdict, index, *_ = self.latest
        if _is_judged(verdict, index):
            return graded(index + worse, self.state)
        return verdict if verdict is Verdict.AWAY else Verdict.UNKNOWN


def step(
    steady: Steady,
    policy: Policy,
    t_s: float,
    verdict: Verdict,
    index: float,
    reason: str = "",
    driver: str = "",
) -> Steady:
    """Take in one instantaneous verdict.

    Parameters
    ----------
    t_s
        Monotonic seconds; a step back starts afresh.
    verdict, index, reason, driver
        Of the reading (`judge.judge`).
    """
    reading = (verdict, index, reason, driver)
    if not t_s >= steady.t_s:
        began = Steady()._replace(t_s=t_s, since_s=t_s, reason=reason, latest=reading)
        return _opened(began, policy, t_s, *reading, min(policy.interval_s, BUCKET_S))
    before_s = steady.t_s
    gap_s = min(t_s - before_s, 2 * policy.interval_s, LONGEST_SPOKEN_S)
    if t_s - before_s - gap_s > policy.window_s:
        # Nothing is known of so long a silence: what is seen after it has lasted since then.
        steady = steady._replace(since_s=t_s)
    own_s = min(gap_s, BUCKET_S)
    if gap_s > own_s:
        steady = _opened(steady, policy, before_s + gap_s - own_s, *steady.latest, gap_s - own_s)
    return _opened(steady._replace(t_s=t_s, latest=reading), policy, t_s, *reading, own_s)


def _opened(
    steady: Steady,
    policy: Policy,
    t_s: float,
    verdict: Verdict,
    index: float,
    reason: str,
    driver: str,
    spoken_s: float,
) -> Steady:
    judged = _is_judged(verdict, index)
    steady = steady._replace(
        open_s=steady.open_s + spoken_s,
        open_index=steady.open_index + (index * spoken_s if judged else 0.0),
        open_judged_s=steady.open_judged_s + (spoken_s if judged else 0.0),
        open_away_s=steady.open_away_s + (spoken_s if verdict is Verdict.AWAY else 0.0),
        open_reason=reason if verdict is Verdict.UNKNOWN else steady.open_reason,
        open_driver=driver if judged else steady.open_driver,
    )
    if steady.open_s < BUCKET_S * (1 - ROUNDING_S):
        return steady
    return _closed(steady, policy, t_s)


def _closed(steady: Steady, policy: Policy, t_s: float) -> Steady:
    """Close the open bucket and let the state follow."""
    judged_s, away_s = steady.open_judged_s, steady.open_away_s
    kind = Verdict.GOOD if judged_s >= steady.open_s / 2 else Verdict.UNKNOWN
    if away_s > steady.open_s / 2:
        kind = Verdict.AWAY
    mean = steady.open_index / judged_s if kind is Verdict.GOOD else math.nan
    bucket = Bucket(t_s, steady.open_s, kind, mean, steady.open_reason, steady.open_driver)
    horizon = t_s - policy.window_s
    buckets = tuple(
        b if b.seconds <= b.until_s - horizon else b._replace(seconds=b.until_s - horizon)
        for b in (*steady.buckets, bucket)
        if b.until_s > horizon
    )
    after = steady._replace(
        buckets=buckets,
        open_s=0.0,
        open_index=0.0,
        open_judged_s=0.0,
        open_away_s=0.0,
        open_reason="",
        open_driver="",
    )
    total = sum([b.seconds for b in buckets])
    judged = [b for b in buckets if b.verdict is Verdict.GOOD]
    away = sum([b.seconds for b in buckets if b.verdict is Verdict.AWAY])
    if away > total / 2 + ROUNDING_S:
        return _moved(after, Verdict.AWAY, math.nan, "", "", t_s)
    if sum([b.seconds for b in judged]) < total / 2 - ROUNDING_S:
        last = next((b.reason for b in reversed(buckets) if b.reason), "")
        return _moved(after, Verdict.UNKNOWN, math.nan, last, "", t_s)
    index = _median(judged)
    # Until the window has filled once there is no state yet that deserves to be kept.
    before = steady.state if total >= policy.window_s / 2 else Verdict.GOOD
    state = graded(index, before)
    drivers: dict[str, float] = {}
    for b in judged:
        drivers[b.driver] = drivers.get(b.driver, 0.0) + b.seconds
    drivers.pop("", None)
    driver = max(drivers, key=drivers.__getitem__, default="")
    return _moved(after, state, index, "", driver if state is not Verdict.GOOD else "", t_s)


def _is_judged(verdict: Verdict, index: float) -> bool:
    return verdict in _JUDGED and math.isfinite(index)


def _median(buckets: list[Bucket]) -> float:
    """Return the time-weighted median of the slouch index."""
    ranked = sorted(buckets, key=lambda b: b.index)
    half = sum([b.seconds for b in ranked]) / 2
    for bucket in ranked:
        half -= bucket.seconds
        if half <= ROUNDING_S:
            return bucket.index
    return ranked[-1].index


def graded(index: float, before: Verdict) -> Verdict:
    """Return the state for a median index, with hysteresis towards the better."""
    keep_poor = HYSTERESIS if before is Verdict.POOR else 0.0
    keep_mild = HYSTERESIS if before in (Verdict.MILD, Verdict.POOR) else 0.0
    if index >= 1.0 - keep_poor:
        return Verdict.POOR
    return Verdict.MILD if index >= 0.5 - keep_mild else Verdict.GOOD


def _moved(steady: Steady, state: Verdict, index: float, reason: str, driver: str, t_s: float) -> Steady:
    since_s = steady.since_s if state is steady.state else t_s
    return steady._replace(state=state, since_s=since_s, index=index, reason=reason, driver=driver)
