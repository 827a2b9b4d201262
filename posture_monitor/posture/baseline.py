"""The user's own neutral posture: robust centre and spread of every metric, and the deviation from it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.metrics import (
    METRICS,
    NAMES,
    ROW,
    TYPICAL_SHOULDERS,
    Change,
    Measurement,
    Needs,
    measure,
)
from posture_monitor.posture.reading import VIEWS, View

#: Makes the median absolute deviation of a normal distribution its standard deviation.
MAD_TO_SIGMA = 1.4826
#: The same for the distance from the 10th to the 90th percentile.
DECILES_TO_SIGMA = 1 / 2.563
#: A metric belongs to the neutral if it was measured in this part of the frames.
MEASURED_PART = 0.5

_PERCENT = np.array([metric.change is Change.PERCENT for metric in METRICS])
_SHOULDERS = np.array([metric.change is Change.SHOULDERS for metric in METRICS])
#: Floors of the spread (angles 2°, ratios 1.5 %, places 0.015 shoulder widths), below which a calibration is
#: steadier than anybody sits; in the unit of the deviation.
FLOOR = np.array([2.0 if m.unit == "°" else 1.5 if m.change is Change.PERCENT else 0.015 for m in METRICS])


@dataclass(frozen=True, eq=False)
class Neutral:
    """One neutral posture, as one camera sees it.

    Attributes
    ----------
    centre
        ``(len(METRICS),)`` median of each metric; NaN where it cannot be
        measured from this place.
    spread
        ``(len(METRICS),)`` robust standard deviation of each metric's
        *deviation*, in the deviation's unit, never below `FLOOR`.
    view, azimuth_deg
        From where the camera sees the trunk.
    frames
        How many frames it rests on.
    name
        ``sitting``, ``standing`` or what the user calls it.
    """

    centre: Array
    spread: Array
    view: View
    azimuth_deg: float
    frames: int
    name: str = "sitting"

    def __getitem__(self, name: str) -> float:
        """Return the centre of one metric by name."""
        return float(self.centre[ROW[name]])

    def measure(self, landmarks: npt.NDArray[Any], size: npt.NDArray[Any]) -> Measurement:
        """Measure ``N`` frames as the camera of this neutral sees them (see `metrics.measure`)."""
        return measure(landmarks, size, azimuth_deg=self.azimuth_deg, forward=self.forward)

    @cached_property
    def forward(self) -> float | None:
        """Which way along the picture somebody seen obliquely faces: 1 right, -1 left; None if unknown."""
        turn = self["yaw_cue"]
        return math.copysign(1.0, turn) if self.view is View.OBLIQUE and math.isfinite(turn) else None

    @cached_property
    def shoulders(self) -> float:
        """Shoulder width that places are measured by, in picture heights (see `Measurement.shoulders`)."""
        return self["shoulder_width"] if self.view is View.FRONT else TYPICAL_SHOULDERS * self["face_size"]

    @cached_property
    def unit(self) -> Array:
        """``(len(METRICS),)``: what a difference from the centre is multiplied by to make a deviation."""
        with np.errstate(all="ignore"):
            percent, shoulder = 100.0 / self.centre, 1.0 / np.float64(self.shoulders)
        return np.where(_PERCENT, percent, np.where(_SHOULDERS, shoulder, 1.0))

    @property
    def measurable(self) -> tuple[str, ...]:
        """Names of the metrics that this neutral has a centre for."""
        return tuple(name for name, centre in zip(NAMES, self.centre, strict=True) if np.isfinite(centre))


def neutral_of(measurement: Measurement, name: str = "sitting") -> Neutral:
    """Return the neutral posture of frames in which the user sat as they wish to sit.

    Median and the larger of two robust spreads are used: the median absolute
    deviation, which a few stray frames cannot move, and the distance between
    the outer deciles, which still sees a capture that fell into two halves.

    Raises
    ------
    ValueError
        Nobody was seen, or face and shoulders were not both measured in half of the frames.
    """
    values = measurement.values[:, measurement.present]
    if values.shape[1] == 0:
        raise ValueError("nobody was seen")
    # Without a face or a shoulder neither view nor azimuth is known, or they rest on a guess.
    bust = measurement.present & measurement.seen[Needs.BUST]
    with np.errstate(all="ignore"):
        enough = np.isfinite(values).mean(axis=1) >= MEASURED_PART
        if not enough[ROW["head_height"]]:  # which takes both
            raise ValueError("face and shoulders were not both seen")
        kept = np.where(enough[:, None], values, 0.0)
        centre = np.where(enough, np.nanmedian(kept, axis=1), np.nan)
        counts = np.bincount(measurement.view[bust], minlength=len(VIEWS))
        view = VIEWS[int(counts.argmax())]
        azimuth = float(np.median(measurement.azimuth[bust]))
        neutral = Neutral(centre, FLOOR, view, azimuth, values.shape[1], name)
        scatter = deviation(values, neutral)
        scatter[~enough] = 0.0
        middle = np.nanmedian(scatter, axis=1, keepdims=True)
        mad = MAD_TO_SIGMA * np.nanmedian(np.abs(scatter - middle), axis=1)
        low, high = np.nanpercentile(scatter, [10, 90], axis=1)
        spread = np.maximum(np.maximum(mad, DECILES_TO_SIGMA * (high - low)), FLOOR)
    return replace(neutral, spread=spread)


def deviation(values: Array, neutral: Neutral, out: Array | None = None) -> Array:
    """Return the deviation from neutral, ``(len(METRICS), N)``.

    Parameters
    ----------
    values
        ``(len(METRICS), N)``, as `Measurement.values`.
    neutral
        To deviate from.
    out
        Where to put it; None: a new array.

    Returns
    -------
    ndarray
        By `Metric.change`: a difference in the metric's unit, percent of
        neutral, or neutral shoulder widths; NaN where either is missing.
    """
    with np.errstate(all="ignore"):
        change: Array = np.subtract(values, neutral.centre[:, None], out=out)
        change *= neutral.unit[:, None]
    return change
