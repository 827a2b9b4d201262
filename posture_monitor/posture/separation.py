"""How well the limits tell another capture, a usual slouch or a look at the keyboard, from neutral."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.judge import SIGNALS, Limits, judge
from posture_monitor.posture.metrics import ROW, Measurement
from posture_monitor.posture.reading import VERDICTS, Verdict

_POOR = VERDICTS.index(Verdict.POOR)
#: Signals below this part of their limit are not worth a line.
_WORTH = 0.2


@dataclass(frozen=True)
class Stretch:
    """How far one signal goes in a capture.

    Attributes
    ----------
    name
        Of the signal.
    of_limit
        Median, as a part of its limit for *poor*.
    of_scatter
        Median deviation of its driver over the neutral's own scatter.
    """

    name: str
    of_limit: float
    of_scatter: float


@dataclass(frozen=True)
class Separation:
    """How a capture is judged, frame by frame.

    Attributes
    ----------
    index
        Median slouch index; poor begins at 1. NaN where no frame can be judged.
    poor, judged
        Frames called poor, of so many that can be judged.
    stretches
        The signals that go anywhere, the farthest first.
    """

    index: float
    poor: int
    judged: int
    stretches: tuple[Stretch, ...]

    @property
    def margin(self) -> float:
        """What is left up to the limit of *poor*, of all signals together; negative beyond it."""
        return 1.0 - self.index


def separation(measurement: Measurement, neutral: Neutral, limits: Limits) -> Separation:
    """Judge the ``N`` frames of a capture against a neutral posture."""
    judgement = judge(measurement, neutral, limits)
    judged = (judgement.reason == 0) & np.isfinite(judgement.slouch_index)
    if not judged.any():
        return Separation(float("nan"), 0, 0, ())
    stretches = []
    for row, signal in enumerate(SIGNALS):
        ratios = judgement.ratios[row, judged]
        if not np.isfinite(ratios).any():
            continue
        metric = ROW[signal.driver]
        of_limit = float(np.nanmedian(ratios))
        changes = np.abs(judgement.deviations[metric, judged]) / neutral.spread[metric]
        of_scatter = float(np.nanmedian(changes)) if np.isfinite(changes).any() else float("nan")
        if of_limit >= _WORTH:
            stretches.append(Stretch(signal.name, of_limit, of_scatter))
    return Separation(
        float(np.median(judgement.slouch_index[judged])),
        int((judgement.verdict[judged] == _POOR).sum()),
        int(judged.sum()),
        tuple(sorted(stretches, key=lambda stretch: -stretch.of_limit)),
    )
