"""One frame judged on its own: from landmarks to what outlets and session take in."""

from __future__ import annotations

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
