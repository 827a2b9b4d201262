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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.baseline import Neutral, deviation
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.metrics import REASONS, ROW, Measurement, Needs, Reason
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


#: Limits. Angles follow ISO 11226, EN 1005-4 and RULA, taken against the
#: calibrated neutral posture; distance follows AUVA's 50 of 70 cm. The others
#: have no standard: they were chosen on synthetic bodies and on people in
#: webcam pictures, and `benchmarks/accuracy.py` says how they do.
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
#: A nod of this much (degrees) without a growing face is a look at keyboard or
#: phone. Then the ears alone tell, less what a look carries them down (percent
#: a degree: about a fifth of looking down happens in the lower neck).
NOD_DEG, NOD_CARRIES = 10.0, 0.2
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
#: about leaning sideways; a little further on a low or high camera sees level
#: shoulders tilted, and beyond twice it the roll of the head means nothing either.
TURNED_DEG, TURNED_SHOULDERS_DEG = 18.0, 24.0
#: Focal length of usual webcams in picture heights (65° across at 4:3, 74° at 16:9).
FOCAL_HEIGHTS = 1.1
#: A face this many times larger or smaller than neutral belongs to somebody else.
STRANGER_LARGER, STRANGER_SMALLER = 4.0, 0.40
#: A head smaller than this (px/cm at 640 px picture height) is nobody at this
#: desk: people in webcam pictures measure 5 to 15, across a room 2.8.
NOBODY_BELOW = 1.6
#: Head and shoulders both higher by this (neutral shoulder widths): standing up.
STANDING_RISE = 0.55


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

    def drivers(self) -> list[str]:
        """Return the driver metric of each frame, ``""`` where there is none."""
        return [SIGNALS[i].driver if i >= 0 else "" for i in self.signal]


def _index(ratio: Array, mild: float) -> Array:
    """Return parts of the poor limit on the scale of the slouch index: 0.5 at mild, 1 at poor."""
    over = ratio - mild
    result: Array = np.where(over < 0, 0.5 * ratio / mild, 0.5 + 0.5 * over / (1.0 - mild))
    return result


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
    alone never raises it past mild.
    """
    with np.errstate(all="ignore"):
        return _judge(measurement, neutral, limits or Limits(), doubts)


def _judge(
    measurement: Measurement, neutral: Neutral, limits: Limits, doubts: Sequence[Reason] | None
) -> Judgement:
    change = deviation(measurement.values, neutral)
    amounts = _amounts(measurement, neutral, change)
    ratios = np.full((len(SIGNALS), len(measurement)), np.nan)
    for i, signal in enumerate(SIGNALS):
        scale = float(limits.scale.get(signal.driver, 1.0))
        limit = scale * float(np.hypot(signal.poor, signal.scatter * _spread(neutral, signal)))
        ratios[i] = amounts[signal.name] / limit
    back, sink = SIGNAL_NAMES.index("leaning back"), SIGNAL_NAMES.index("head sinking")
    away = ratios[back] + BACK_SINK * ratios[sink]
    away = np.where(ratios[sink] < BACK_LEAST_SINK, np.minimum(away, 0.99), away)
    ratios[back] = np.where(amounts["leaning back"] > BACK_FROM, away, np.minimum(ratios[back], 0.0))
    signals = np.stack(
        [_index(ratio, signal.mild / signal.poor) for ratio, signal in zip(ratios, SIGNALS, strict=True)]
    )

    positive = np.where(signals > 0, signals, 0.0)
    # Python's sum keeps one order of additions, and so the same bits, for one frame and for a million.
    index = np.asarray(sum(positive**NORM)) ** (1 / NORM)
    measured: npt.NDArray[np.bool_] = np.asarray(np.isfinite(signals).any(axis=0))
    index = np.where(measured, index, np.nan)
    strongest = positive.argmax(axis=0).astype(np.int8)
    strongest = np.where(positive.max(axis=0) > 0.25, strongest, -1).astype(np.int8)

    reason = _doubt(measurement, neutral, change, limits, measured)
    if doubts is not None:
        given = np.array([REASONS.index(doubt) for doubt in doubts], dtype=np.int8)
        # Where nobody is seen in good light, nobody is there; in the dark that is not known.
        reason = np.where(given > 0, given, reason)
    verdict = np.full(len(measurement), VERDICTS.index(Verdict.GOOD), dtype=np.int8)
    verdict[index >= 0.5] = VERDICTS.index(Verdict.MILD)
    verdict[index >= 1.0] = VERDICTS.index(Verdict.POOR)
    verdict[reason > 0] = VERDICTS.index(Verdict.UNKNOWN)
    nobody = reason == REASONS.index(Reason.NOBODY)
    verdict[nobody] = VERDICTS.index(Verdict.AWAY)
    reason = np.where(nobody, 0, reason).astype(np.int8)
    return Judgement(verdict, reason, index, strongest, signals, ratios, change)


def _spread(neutral: Neutral, signal: Signal) -> float:
    """Return the calibration's own scatter of a signal, in the unit of its amount."""
    names = tuple(SINK_WEIGHTS) if signal.name == "head sinking" else (signal.driver,)
    known = [float(neutral.spread[ROW[name]]) for name in names if np.isfinite(neutral[name])]
    return sum(known) / len(known) if known else 0.0


def _amounts(measurement: Measurement, neutral: Neutral, change: Array) -> dict[str, Array]:
    """Return how far each signal has gone, in the unit of its driver's deviation; NaN where unmeasured."""

    def of(name: str) -> Array:
        row: Array = change[ROW[name]]
        return row

    # Whoever moves to the side of the picture is seen under an angle without having turned.
    beside = of("head_shift") * neutral["shoulder_width"] / FOCAL_HEIGHTS
    yaw = np.abs(of("head_yaw") - np.degrees(np.arctan(np.nan_to_num(beside))))
    grown = of("face_size")
    side = measurement.view == VIEWS.index(View.SIDE)
    trunk_seen = np.isfinite(of("trunk_incl"))

    ears, sunk = -of("ear_height"), {name: -of(name) for name in SINK_WEIGHTS}
    weights = sum(w * np.isfinite(sunk[name]) for name, w in SINK_WEIGHTS.items())
    sink = sum(w * np.nan_to_num(sunk[name]) for name, w in SINK_WEIGHTS.items()) / weights
    by_shoulders = sunk["esr"]
    ear_sink = np.where(np.isnan(by_shoulders), ears, (ears + by_shoulders) / 2)
    sink = np.minimum(sink, np.where(np.isnan(ear_sink), np.inf, ear_sink + NOD_ALLOWANCE))
    nod = of("head_nod")
    looking_down = (nod > NOD_DEG) & ~(grown > 2 * GROWN)
    sink = np.where(looking_down, np.minimum(sink, ears - NOD_CARRIES * nod), sink)
    # Shrugged or lifted shoulders shorten the neck without the head having moved.
    lifted = np.maximum(-of("shoulder_drop"), 0.0) * 100 / neutral["head_rise"]
    sink = sink - np.where(sink > 0, lifted * 0.5 * np.clip(1.5 - grown / GROWN, 0.0, 1.0), 0.0)
    height_cm = neutral["head_height"]
    if height_cm > TYPICAL_HEIGHT_CM:
        sink = sink - STRETCHED * (1 - TYPICAL_HEIGHT_CM / height_cm) * 100
    # From the side, trunk and neck angles say it better.
    sink = np.where(side & trunk_seen, np.nan, sink)

    no_bust = ~measurement.seen[Needs.BUST]
    turned = np.where(np.isnan(yaw), np.inf, yaw)
    sideways_seen = turned < TURNED_DEG
    roll_seen = turned < 2 * TURNED_DEG
    front = np.where(side, np.nan, 1.0)
    return {
        "head sinking": sink,
        "face forward": np.where(sideways_seen, of("fsr") * np.clip(grown / GROWN - 0.5, 0.0, 1.0), np.nan),
        "too near": -of("distance") * front,
        "leaning back": -grown * front,
        "head low": np.where(no_bust, of("head_drop"), np.nan),
        "head tilted": np.where(roll_seen, np.abs(of("head_roll")), np.nan),
        "shoulders tilted": np.where(turned < TURNED_SHOULDERS_DEG, np.abs(of("shoulder_tilt")), np.nan),
        "leaning sideways": np.where(sideways_seen, np.abs(of("lateral_head")), np.nan),
        "trunk sideways": np.abs(of("lateral_trunk")),
        "leaning forward": of("trunk_incl"),
        "reclined": -of("trunk_incl"),
        "neck forward": np.where(side | trunk_seen, of("neck_incl"), np.nan),
    }


def _doubt(
    measurement: Measurement, neutral: Neutral, change: Array, limits: Limits, measured: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int8]:
    """Return why a frame cannot be judged, codes into `REASONS`, 0 where it can."""
    reason = np.zeros(len(measurement), dtype=np.int8)

    def because(why: Reason, where: npt.NDArray[np.bool_]) -> None:
        reason[where & (reason == 0)] = REASONS.index(why)

    size = measurement["face_size"]
    because(Reason.NOBODY, ~measurement.present | (size < NOBODY_BELOW))
    because(Reason.FACE, ~measurement.seen[Needs.FACE])
    side = measurement.view == VIEWS.index(View.SIDE)
    because(Reason.VIEW, side != (neutral.view is View.SIDE))
    ratio = 1 + change[ROW["face_size"]] / 100
    because(Reason.STRANGER, (ratio > STRANGER_LARGER) | (ratio < STRANGER_SMALLER))
    head, shoulders = change[ROW["head_drop"]], change[ROW["shoulder_drop"]]
    because(Reason.STANDING, (head < -STANDING_RISE) & (shoulders < -STANDING_RISE) & ~side)
    because(Reason.BEHIND, measurement.behind)
    because(Reason.UNSURE, ~measured | (measurement.confidence < limits.min_confidence))
    return reason
