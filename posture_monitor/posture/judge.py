"""From deviations to a verdict: which way the body has gone from neutral, and whether that is too far.

A verdict rests on a handful of *signals*, each one way in which posture goes:
the head sinking towards the shoulders, the face coming too near, the body
leaning back, head or shoulders tipping, the trunk inclining. A signal has a
limit for *mild* and for *poor*; the limit grows with the scatter that this
person showed while calibrating, so that someone who sits quietly is measured
more finely than someone who does not. Signals are then combined, so that
several half-steps count for more than one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.arithmetic import Arithmetic, Many, Number, One, Truth, blocks, known, total
from posture_monitor.posture.baseline import Neutral, deviation
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.metrics import CODE, METRICS, REFERENCE_HEIGHT, ROW, Measurement, Needs, Reason
from posture_monitor.posture.reading import VERDICTS, VIEWS, Verdict, View


@dataclass(frozen=True)
class Signal:
    """One way in which posture goes.

    Attributes
    ----------
    name
        What it looks like.
    driver
        The metric that stands for it in alerts and tables.
    mild, poor
        Limits, in the unit of the driver's deviation.
    scatter
        How many standard deviations of the calibration's own scatter are
        added (in quadrature) to the limit.
    """

    name: str
    driver: str
    mild: float
    poor: float
    scatter: float = 1.0


#: Limits. Leaning forward, neck, trunk sideways and head tilt follow ISO 11226,
#: EN 1005-4 and RULA, taken against the calibrated neutral posture; distance
#: follows AUVA's 50 of 70 cm. The others have no standard: they were chosen on
#: synthetic bodies and on people in webcam pictures, and `benchmarks/accuracy.py`
#: says how they do.
SIGNALS: tuple[Signal, ...] = (
    Signal("head sinking", "head_height", 4.2, 5.6, 2.0),
    Signal("face forward", "fsr", 6.0, 12.0, 1.0),
    Signal("too near", "distance", 15.0, 30.0, 1.0),
    Signal("leaning back", "face_size", 16.0, 25.0, 1.0),
    Signal("head low", "head_drop", 0.3, 0.5, 1.0),
    Signal("head tilted", "head_roll", 6.0, 10.0, 1.0),
    Signal("shoulders tilted", "shoulder_tilt", 6.0, 10.0, 1.0),
    Signal("leaning sideways", "lateral_head", 9.0, 15.0, 1.0),
    Signal("trunk sideways", "lateral_trunk", 10.0, 20.0, 1.0),
    Signal("leaning forward", "trunk_incl", 10.0, 20.0, 1.0),
    Signal("reclined", "trunk_incl", 9.0, 15.0, 0.5),
    Signal("neck forward", "neck_incl", 10.0, 20.0, 1.0),
)
SIGNAL_NAMES: tuple[str, ...] = tuple(signal.name for signal in SIGNALS)

#: Exponent of the norm that combines signals; 1 would add them up, infinity
#: take the largest alone.
NORM = 4.0
#: How the four measures of a sinking head are weighed: ears and whole face, by
#: the head's own ruler and by the shoulders'. Ears lie near the pivot of a nod;
#: the head is the steadier ruler; shoulders err in another way than the head does.
SINK_WEIGHTS: Mapping[str, float] = {"ear_height": 0.4, "esr": 0.2, "head_height": 0.3, "head_rise": 0.1}
#: Height of the face over the shoulders in thirteen people (cm, by the head's
#: own ruler): 19.1, standard deviation 1.8. Whoever calibrates much taller than
#: that was partly stretching, by the regression to the mean: sessions of one
#: person varied by about 1.05 cm, so a quarter (1.05² / (1.05² + 1.8²)) of the
#: excess is taken off what the head has sunk. Nobody is held to be taller.
TYPICAL_HEIGHT_CM, STRETCHED = 19.1, 0.25
#: The face may have sunk by at most this much (percent) more than the ears:
#: beyond it the head has nodded, not sunk.
NOD_ALLOWANCE = 3.0
#: A nod of this much (degrees) is a look at keyboard or phone, or a camera that
#: stands higher than it did. Then the ears alone tell, less what goes with the
#: nod (percent a degree). Seen from higher up they sink by a third of a percent
#: a degree, for they lie some 3 cm before the shoulders and 15 cm over them.
NOD_DEG, NOD_CARRIES = 7.0, 0.35
#: Beside a face that has come nearer less is granted: a neck that carries the
#: head forward looks the same.
NOD_CARRIES_NEARER = 0.2
#: Beside shoulders that have not sunk (shoulder widths) it is a look down, and
#: more is granted. The pose model sees half of such a nod, and lowers the ears for
#: the rest: by 1.3 % for each degree it sees, 1.5 in the upper quartile of people
#: drawn in a known posture (`benchmarks/drawn_people.py`). In a slouch the shoulders
#: sink with the head, and the ears by 2 % and more for each degree.
LOOK_DOWN_CARRIES, SHOULDERS_STAY = 1.4, 0.05
#: A face that has grown by this much (percent) has come nearer.
GROWN = 4.0
#: A sinking head counts this much towards leaning back: the head of someone who
#: leans back gets smaller *and* sinks, of someone who rolls back only smaller.
BACK_SINK = 0.6
#: And unless it sinks by at least this part of its limit, being far away is never poor.
BACK_LEAST_SINK = 0.0
#: A face must have shrunk by this much (percent) before leaning back is considered.
BACK_FROM = 11.0
#: Beyond this turn from neutral (degrees) the middle of the face says nothing
#: about leaning sideways, and a low or high camera sees level shoulders tilted;
#: beyond half as much again the roll of the head means nothing either.
TURNED_DEG = 15.0
#: Focal length of usual webcams in picture heights (65° across at 4:3, 74° at 16:9).
FOCAL_HEIGHTS = 1.1
#: A face this many times larger or smaller than neutral belongs to somebody else.
STRANGER_LARGER, STRANGER_SMALLER = 4.0, 0.40
#: So does a head this far to the side, in shoulder widths at its own distance. Whoever keeps their seat stays
#: within 0.5 (labelled people, simulated days); bodies side by side are 1.4 apart and more. From the side it
#: is not known: there people lean and roll along the picture.
STRANGER_ASIDE = 1.25
#: A head smaller than this (px/cm at 640 px picture height) is nobody at this
#: desk: people in webcam pictures measure 5 to 15, across a room 2.8.
NOBODY_BELOW = 1.6
#: Head and shoulders both higher by this (neutral shoulder widths): standing up.
STANDING_RISE = 0.55


_GOOD, _MILD, _POOR, _UNKNOWN, _AWAY = map(
    VERDICTS.index, (Verdict.GOOD, Verdict.MILD, Verdict.POOR, Verdict.UNKNOWN, Verdict.AWAY)
)
_UNSURE, _BEHIND, _STANDING, _STRANGER = (
    CODE[why] for why in (Reason.UNSURE, Reason.BEHIND, Reason.STANDING, Reason.STRANGER)
)
_VIEW, _FACE, _NOBODY = (CODE[why] for why in (Reason.VIEW, Reason.FACE, Reason.NOBODY))
_SIDE = VIEWS.index(View.SIDE)
_SINK, _BACK = SIGNAL_NAMES.index("head sinking"), SIGNAL_NAMES.index("leaning back")
# Slopes of the slouch index over a part of the poor limit, below and above mild.
_SLOPES = tuple(
    (0.5 * signal.poor / signal.mild, 0.5 / (1.0 - signal.mild / signal.poor)) for signal in SIGNALS
)
_SINK_ROWS = tuple((ROW[name], weight) for name, weight in SINK_WEIGHTS.items())
_TRUNK, _NECK, _HEAD_YAW, _HEAD_NOD = (ROW[n] for n in ("trunk_incl", "neck_incl", "head_yaw", "head_nod"))
_HEAD_ROLL, _TILT, _LATERAL_TRUNK = (ROW[n] for n in ("head_roll", "shoulder_tilt", "lateral_trunk"))
_LATERAL_HEAD, _FSR, _ESR, _EARS = (ROW[n] for n in ("lateral_head", "fsr", "esr", "ear_height"))
_FACE_SIZE, _DISTANCE, _HEAD_SHIFT = (ROW[n] for n in ("face_size", "distance", "head_shift"))
_HEAD_DROP, _SHOULDER_DROP = (ROW[n] for n in ("head_drop", "shoulder_drop"))


@dataclass(frozen=True)
class Limits:
    """What the user may change.

    Attributes
    ----------
    scale
        Driver metric to the factor on its limits (1 leaves them).
    min_confidence
        Below it a frame is unknown.
    """

    scale: Mapping[str, float] = field(default_factory=dict)
    min_confidence: float = 0.3

    def __hash__(self) -> int:
        # A mapping has none; equality tells the rest.
        return hash(self.min_confidence)


_USUAL = Limits()


@dataclass(frozen=True)
class Judgement:
    """Verdicts of ``N`` frames.

    Attributes
    ----------
    verdict
        ``(N,)`` codes into `reading.VERDICTS`.
    reason
        ``(N,)`` codes into `metrics.REASONS`: why a verdict is unknown.
    slouch_index
        ``(N,)`` 0 at neutral, 0.5 where mild and 1 where poor begins; NaN where unmeasured.
    signal
        ``(N,)`` index into `SIGNALS` of the strongest one, -1 where none is above a quarter.
    signals
        ``(len(SIGNALS), N)`` each signal on the scale of the index; NaN where unmeasured.
    ratios
        ``(len(SIGNALS), N)`` each signal as a part of its poor limit; NaN where unmeasured.
    deviations
        ``(len(METRICS), N)``.
    """

    verdict: npt.NDArray[np.int8]
    reason: npt.NDArray[np.int8]
    slouch_index: Array
    signal: npt.NDArray[np.int8]
    signals: Array
    ratios: Array
    deviations: Array


def judge(
    measurement: Measurement,
    neutral: Neutral,
    limits: Limits | None = None,
    doubts: Sequence[Reason] | None = None,
) -> Judgement:
    """Judge ``N`` frames, each on its own, against a neutral posture.

    Parameters
    ----------
    measurement
        From `metrics.measure`.
    neutral
        From `baseline.neutral_of`, or a starter profile; metrics without a
        centre are left out.
    limits
        The user's own tolerance.
    doubts
        ``N`` reasons why a picture does not allow a verdict whatever the
        landmarks say (too dark, several people), `Reason.OK` where it does.

    Notes
    -----
    The slouch index is the `NORM`-norm of the signals, each 0.5 at its mild and
    1 at its poor limit. *Good* is below 0.5, *poor* from 1 on. Looking down
    alone is not meant to raise it past mild, and seldom does (`benchmarks/moved_camera.py`).
    """
    yardstick = _yardstick(neutral, limits or _USUAL)
    n = len(measurement)
    given = None if doubts is None else [CODE[doubt] for doubt in doubts]
    if n == 1:
        centre, unit = yardstick.centre, yardstick.unit
        values = measurement.values[:, 0].tolist()
        change = [(a - b) * c for a, b, c in zip(values, centre, unit, strict=True)]
        frame = _judged(One, yardstick, _Sight.of_one(measurement), change, given[0] if given else 0)
        return _one(frame, change)
    whole = _nothing(n)
    doubt = np.zeros(n, dtype=np.int8) if given is None else np.array(given, dtype=np.int8)
    with np.errstate(all="ignore"):
        for block in blocks(n):
            rows = deviation(measurement.values[:, block], neutral, whole.deviations[:, block])
            sight = _Sight.of_many(measurement, block)
            _take_in(whole, block, _judged(Many, yardstick, sight, list(rows), doubt[block]))
    return whole


class _Yardstick(NamedTuple):
    """What a neutral posture and the user's limits come down to, once for all frames.

    Attributes
    ----------
    centre, unit
        Of each metric (`Neutral.centre`, `Neutral.unit`).
    limits
        Of each signal for *poor*, widened by tolerance and scatter.
    least_confidence
        Below it a frame is unknown.
    side
        Whether the neutral posture was seen from the side.
    beside
        Degrees to the side (tangent) for each shoulder width along the picture.
    lift
        Percent of the head's height for each shoulder width down the picture.
    stretched
        Percent that whoever calibrated too tall has sunk less.
    """

    centre: list[float]
    unit: list[float]
    limits: list[float]
    least_confidence: float
    side: bool
    beside: float
    lift: float
    stretched: float


@lru_cache(maxsize=16)
def _yardstick(neutral: Neutral, limits: Limits) -> _Yardstick:
    height_cm = neutral["head_height"]
    height = height_cm * neutral["face_size"] / REFERENCE_HEIGHT
    stretched = (
        STRETCHED * (1 - TYPICAL_HEIGHT_CM / height_cm) * 100 if height_cm > TYPICAL_HEIGHT_CM else 0.0
    )
    return _Yardstick(
        neutral.centre.tolist(),
        neutral.unit.tolist(),
        [
            float(limits.scale.get(signal.driver, 1.0))
            * math.hypot(signal.poor, signal.scatter * _spread(neutral, signal))
            for signal in SIGNALS
        ],
        limits.min_confidence,
        neutral.view is View.SIDE,
        neutral.shoulders / FOCAL_HEIGHTS,
        # Not by `head_rise`, which a face that is turned away at home does not have.
        100 * neutral.shoulders / height if height else math.nan,
        stretched,
    )


def _spread(neutral: Neutral, signal: Signal) -> float:
    """Return the calibration's own scatter of a signal, in the unit of its amount."""
    names = tuple(SINK_WEIGHTS) if signal.name == "head sinking" else (signal.driver,)
    known = [float(neutral.spread[ROW[name]]) for name in names if np.isfinite(neutral[name])]
    return sum(known) / len(known) if known else 0.0


class _Sight(NamedTuple):
    """How a frame, or a block of them, is seen; see `Measurement`."""

    size: Number
    present: Truth
    face: Truth
    bust: Truth
    side: Truth
    behind: Truth
    confidence: Number

    @classmethod
    def of_one(cls, whole: Measurement) -> _Sight:
        """Return the only frame there is."""
        return cls(
            whole.values.item(ROW["face_size"]),
            whole.present.item(),
            whole.seen.item(Needs.FACE),
            whole.seen.item(Needs.BUST),
            whole.view.item() == _SIDE,
            whole.behind.item(),
            whole.confidence.item(),
        )

    @classmethod
    def of_many(cls, whole: Measurement, block: slice) -> _Sight:
        """Return a block of frames."""
        return cls(
            whole.values[ROW["face_size"], block],
            whole.present[block],
            whole.seen[Needs.FACE, block],
            whole.seen[Needs.BUST, block],
            whole.view[block] == _SIDE,
            whole.behind[block],
            whole.confidence[block],
        )


class _Frame(NamedTuple):
    """What `_judged` finds in a frame, or in a block of them; see `Judgement`."""

    verdict: Number
    reason: Number
    slouch_index: Number
    signal: Number
    signals: Sequence[Number]
    ratios: Sequence[Number]


def _judged(
    m: Arithmetic, yardstick: _Yardstick, sight: _Sight, change: Sequence[Number], doubt: Number
) -> _Frame:
    """Judge a frame, or a block of them; `change` are its deviations, by metric."""
    amounts = _amounts(m, yardstick, sight, change)
    ratios = [amount / limit for amount, limit in zip(amounts, yardstick.limits, strict=True)]
    back = ratios[_BACK]
    away = back + BACK_SINK * ratios[_SINK]
    away = m.where(ratios[_SINK] < BACK_LEAST_SINK, m.lesser(away, 0.99), away)
    ratios[_BACK] = m.where(amounts[_BACK] > BACK_FROM, away, m.lesser(back, 0.0))
    # The upper one of two lines that meet at a half at mild: one comes from 0, the other goes to 1 at poor.
    signals = [
        m.greater(below * ratio, above * ratio + (1.0 - above))
        for ratio, (below, above) in zip(ratios, _SLOPES, strict=True)
    ]
    positive = [m.above_zero(signal) for signal in signals]
    squares = [signal * signal for signal in positive]
    index = m.sqrt(m.sqrt(total([square * square for square in squares])))
    measured = known(signals[0])
    for signal in signals[1:]:
        measured = measured | known(signal)
    index = m.where(measured, index, math.nan)
    most, which = m.largest(positive)
    strongest = m.where(most > 0.25, which, -1)

    reason = _doubt(m, yardstick, sight, change, measured)
    # Where nobody is seen in good light, nobody is there; in the dark that is not known.
    reason = m.where(doubt > 0, doubt, reason)
    nobody = reason == _NOBODY
    verdict = m.where(index >= 1.0, _POOR, m.where(index >= 0.5, _MILD, _GOOD))
    verdict = m.where(nobody, _AWAY, m.where(reason > 0, _UNKNOWN, verdict))
    return _Frame(verdict, m.where(nobody, 0, reason), index, strongest, signals, ratios)


def _amounts(
    m: Arithmetic, yardstick: _Yardstick, sight: _Sight, change: Sequence[Number]
) -> tuple[Number, ...]:
    """Return how far each signal has gone, in the unit of its driver's deviation; NaN where unmeasured."""
    # Whoever moves to the side of the picture is seen under an angle without having turned.
    beside = change[_HEAD_SHIFT] * yardstick.beside
    yaw = abs(change[_HEAD_YAW] - m.arctan(m.where(known(beside), beside, 0.0)))
    facing = yaw < TURNED_DEG
    grown, trunk, side = change[_FACE_SIZE], change[_TRUNK], sight.side
    trunk_seen = known(trunk)

    sink = _sunk(m, yardstick, change)
    # From the side, trunk and neck angles say it better.
    return (
        m.where(side & trunk_seen, math.nan, sink),
        m.where(facing, change[_FSR] * m.clip(grown / GROWN - 0.5, 0.0, 1.0), math.nan),
        m.where(side, math.nan, -change[_DISTANCE]),
        m.where(side, math.nan, -grown),
        m.where(sight.bust, math.nan, change[_HEAD_DROP]),
        m.where(yaw < 1.5 * TURNED_DEG, abs(change[_HEAD_ROLL]), math.nan),
        m.where(facing, abs(change[_TILT]), math.nan),
        m.where(facing, abs(change[_LATERAL_HEAD]), math.nan),
        abs(change[_LATERAL_TRUNK]),
        trunk,
        -trunk,
        m.where(side | trunk_seen, change[_NECK], math.nan),
    )


def _sunk(m: Arithmetic, yardstick: _Yardstick, change: Sequence[Number]) -> Number:
    """Return by how much the head has sunk towards the shoulders, in percent of its height over them."""
    ears, by_shoulders, grown = -change[_EARS], -change[_ESR], change[_FACE_SIZE]
    weights, parts = [], []
    for row, weight in _SINK_ROWS:
        seen = known(change[row])
        weights.append(m.where(seen, weight, 0.0))
        parts.append(m.where(seen, weight * -change[row], 0.0))
    sink = m.ratio(total(parts), total(weights))
    ear_sink = m.where(known(by_shoulders), (ears + by_shoulders) / 2, ears)
    sink = m.where(known(ear_sink), m.lesser(sink, ear_sink + NOD_ALLOWANCE), sink)
    nod = change[_HEAD_NOD]
    carries = m.where(change[_SHOULDER_DROP] < SHOULDERS_STAY, LOOK_DOWN_CARRIES, NOD_CARRIES)
    carries = m.where(grown > 2 * GROWN, NOD_CARRIES_NEARER, carries)
    sink = m.where(nod > NOD_DEG, m.lesser(sink, ears - carries * nod), sink)
    # Shrugged or lifted shoulders shorten the neck without the head having moved.
    lifted = -change[_SHOULDER_DROP] * yardstick.lift
    # A starter profile knows no place: nothing is known of a shrug, but still of the head.
    shrugged = m.above_zero(lifted * 0.5 * m.clip(1.5 - grown / GROWN, 0.0, 1.0))
    return m.where(sink > 0, sink - shrugged, sink) - yardstick.stretched


def _doubt(
    m: Arithmetic, yardstick: _Yardstick, sight: _Sight, change: Sequence[Number], measured: Truth
) -> Number:
    """Return why a frame cannot be judged, a code into `metrics.REASONS`, 0 where it can."""
    side = sight.side
    larger = 1 + change[_FACE_SIZE] / 100
    aside = (abs(change[_HEAD_SHIFT]) > STRANGER_ASIDE * larger) & m.no(side)
    risen = (change[_HEAD_DROP] < -STANDING_RISE) & (change[_SHOULDER_DROP] < -STANDING_RISE)
    # The last one that holds counts.
    reason = m.where(m.no(measured) | (sight.confidence < yardstick.least_confidence), _UNSURE, 0)
    reason = m.where(sight.behind, _BEHIND, reason)
    reason = m.where(risen & m.no(side), _STANDING, reason)
    reason = m.where((larger > STRANGER_LARGER) | (larger < STRANGER_SMALLER) | aside, _STRANGER, reason)
    reason = m.where(side != yardstick.side, _VIEW, reason)
    reason = m.where(m.no(sight.face), _FACE, reason)
    return m.where(m.no(sight.present) | (sight.size < NOBODY_BELOW), _NOBODY, reason)


def _one(frame: _Frame, change: list[float]) -> Judgement:
    """Return the judgement of a single frame."""
    codes = np.array([frame.verdict, frame.reason, frame.signal], dtype=np.int8)
    numbers = np.array([*frame.signals, *frame.ratios, *change, frame.slouch_index])[:, None]
    n = len(SIGNALS)
    return Judgement(
        codes[:1], codes[1:2], numbers[-1], codes[2:], numbers[:n], numbers[n : 2 * n], numbers[2 * n : -1]
    )


def _nothing(n: int) -> Judgement:
    """Return room for `n` frames."""
    return Judgement(
        np.empty(n, dtype=np.int8),
        np.empty(n, dtype=np.int8),
        np.empty(n),
        np.empty(n, dtype=np.int8),
        np.empty((len(SIGNALS), n)),
        np.empty((len(SIGNALS), n)),
        np.empty((len(METRICS), n)),
    )


def _take_in(whole: Judgement, block: slice, part: _Frame) -> None:
    """Put a block of frames into its place."""
    whole.verdict[block] = part.verdict
    whole.reason[block] = part.reason
    whole.slouch_index[block] = part.slouch_index
    whole.signal[block] = part.signal
    for i, (signal, ratio) in enumerate(zip(part.signals, part.ratios, strict=True)):
        whole.signals[i, block] = signal
        whole.ratios[i, block] = ratio
