"""One frame judged on its own: from landmarks to what outlets and session take in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from posture_monitor.posture import session
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.judge import SIGNALS, Limits, judge
from posture_monitor.posture.metrics import NAMES, REASONS
from posture_monitor.posture.reading import VERDICTS, VIEWS, Reading
from posture_monitor.posture.session import Moment
from posture_monitor.service.looking import Seen


def read(seen: Seen, neutral: Neutral, limits: Limits) -> tuple[Reading, Moment]:
    """Return one frame judged on its own, for the outlets and for the session."""
    measurement = neutral.measure(seen.landmarks[None], seen.size)
    judgement = judge(measurement, neutral, limits, (seen.doubt,))
    which = int(judgement.signal[0])
    reading = Reading(
        seen.frame.t_s,
        VERDICTS[judgement.verdict[0]],
        REASONS[judgement.reason[0]].value,
        float(judgement.slouch_index[0]),
        SIGNALS[which].driver if which >= 0 else "",
        dict(zip(NAMES, measurement.values[:, 0].tolist(), strict=True)),
        dict(zip(NAMES, judgement.deviations[:, 0].tolist(), strict=True)),
        VIEWS[measurement.view[0]],
        float(measurement.confidence[0]),
    )
    return reading, session.moments(judgement, neutral, limits)[0]


@dataclass(frozen=True)
class _Latest:
    """The latest frame that was judged, by what, and what came of it."""

    seen: Seen
    neutral: Neutral
    limits: Limits
    reading: Reading
    moment: Moment

    def holds(self, seen: Seen, neutral: Neutral, limits: Limits) -> bool:
        """Say whether the same comes of a frame: it is the latest one, only later."""
        mine = self.seen
        return (
            seen.landmarks is mine.landmarks
            and (seen.frame.width, seen.frame.height) == (mine.frame.width, mine.frame.height)
            and seen.doubt is mine.doubt
            and neutral is self.neutral
            and limits is self.limits
        )


class Reader:
    """Reads one frame after the other; one that spared the model shows what the frame before it did."""

    def __init__(self) -> None:
        self._latest: _Latest | None = None

    def read(self, seen: Seen, neutral: Neutral, limits: Limits) -> tuple[Reading, Moment]:
        """Return what `read` does."""
        latest = self._latest
        if latest is not None and latest.holds(seen, neutral, limits):
            return replace(latest.reading, t_s=seen.frame.t_s), latest.moment
        reading, moment = read(seen, neutral, limits)
        self._latest = _Latest(seen, neutral, limits, reading, moment)
        return reading, moment
