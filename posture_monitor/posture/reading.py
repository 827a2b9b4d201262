"""What the core says about one moment: a verdict, how sure, and why."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

#: The longest a single reading may speak, in seconds.
LONGEST_SPOKEN_S: Final = 20.0


class Verdict(str, enum.Enum):
    """Judgement of posture. Unknown is neither good nor poor; away means nobody is there."""

    GOOD = "good"
    MILD = "mild"
    POOR = "poor"
    UNKNOWN = "unknown"
    AWAY = "away"

    __str__ = str.__str__


#: Order of the integer codes used in arrays of verdicts.
VERDICTS: tuple[Verdict, ...] = tuple(Verdict)


class View(str, enum.Enum):
    """From where the camera sees the body."""

    FRONT = "front"
    OBLIQUE = "oblique"
    SIDE = "side"
    UNKNOWN = "unknown"

    __str__ = str.__str__


#: Order of the integer codes used in arrays of views.
VIEWS: tuple[View, ...] = tuple(View)


@dataclass(frozen=True)
class Reading:
    """One judged moment.

    Attributes
    ----------
    t_s
        Monotonic seconds.
    verdict
        The instantaneous verdict, before any smoothing.
    reason
        Why the verdict is *unknown* (one of `metrics.Reason`), else ``""``.
    slouch_index
        0 at neutral, 0.5 where *mild* and 1 where *poor* begins; NaN where unmeasured.
    driver
        Name of the metric that drove the verdict, ``""`` if none did.
    metrics, deviations
        Metric name to value in its unit, and to deviation from neutral as the
        metric expresses it (`metrics.Change`); NaN where it cannot be measured.
    view
        Where the camera sees the body from.
    confidence
        0..1.
    """

    t_s: float
    verdict: Verdict
    reason: str = ""
    slouch_index: float = float("nan")
    driver: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    deviations: Mapping[str, float] = field(default_factory=dict)
    view: View = View.UNKNOWN
    confidence: float = 0.0
