"""Is a capture good enough to be somebody's neutral posture? The rules, and the words for a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from posture_monitor.posture.baseline import Neutral, neutral_of
from posture_monitor.posture.metrics import METRICS, ROW, Measurement, Reason
from posture_monitor.posture.person import in_seat

#: Least frames with a person. At two frames a second that is six seconds.
LEAST_FRAMES: Final = 12
#: Least part of the frames in which a person is seen.
LEAST_PRESENT: Final = 0.6
#: More than this part of the frames too dark, covered, blurred or crowded spoils a capture.
MOST_DOUBTED: Final = 0.3
#: So does more than this part of the frames with somebody who is not where the others are: of two people
#: in the picture the pose model may show now the one, now the other.
MOST_ELSEWHERE: Final = 0.1
#: Robust spread beyond which the user was moving, not sitting: of the height of
#: the head over the shoulders and the size of the face (percent), and of the
#: head's place (shoulder widths). Quiet sitting measured 1 to 4 percent.
MOST_SPREAD: Final = {"head_height": 9.0, "face_size": 9.0, "head_drop": 0.15}

#: What a picture in which nothing can be seen is told, in this order.
_ADVICE: Final = {
    Reason.DARK: "it is too dark; turn on a light or face the window",
    Reason.COVERED: "the camera is covered; open its shutter",
    Reason.BLURRED: "the picture is blurred; wipe the lens",
}


def capture(
    measurement: Measurement,
    doubts: Sequence[Reason],
    *,
    least_frames: int = LEAST_FRAMES,
    steady: bool = True,
    name: str = "sitting",
) -> Neutral:
    """Return the neutral posture of a capture.

    Parameters
    ----------
    measurement
        Of the ``N`` captured frames.
    doubts
        ``N`` reasons why a picture does not allow a verdict, `Reason.OK` where it does.
    least_frames
        Frames with a person that are needed.
    steady
        Refuse a capture in which the user moved.

    Raises
    ------
    ValueError
        The capture is too poor; the message says why and what to do.
    """
    total = len(measurement)
    if total == 0:
        raise ValueError("there was no picture at all")
    for reason, advice in _ADVICE.items():
        if sum(doubt is reason for doubt in doubts) > MOST_DOUBTED * total:
            raise ValueError(advice)
    needed = max(least_frames, int(np.ceil(LEAST_PRESENT * total)))
    if total < needed:
        raise ValueError(f"{total} frames are too few, {needed} are needed; capture more")
    present = int(measurement.present.sum())
    if present == 0:
        raise ValueError("nobody was seen; sit where the camera sees your face and shoulders")
    if present < needed:
        raise ValueError(
            f"somebody was seen in only {present} of {total} frames, {needed} are needed; "
            "stay in the picture, or capture for longer"
        )
    if sum(doubt is Reason.CROWD for doubt in doubts) > MOST_DOUBTED * total:
        raise ValueError("more than one person was in the picture; calibrate alone")
    # What cannot be judged by cannot tell what is neutral either: it may be somebody else.
    clear = np.array([doubt is Reason.OK for doubt in doubts])
    neutral = _neutral_of(measurement.take(clear), name)
    strayed = clear & np.isfinite(measurement["face_size"]) & ~in_seat(measurement, neutral)
    if strayed.sum() > MOST_ELSEWHERE * clear.sum():
        raise ValueError("somebody was seen now here, now there; calibrate alone, and keep your seat")
    if strayed.any():
        neutral = _neutral_of(measurement.take(clear & ~strayed), name)
    for metric, most in MOST_SPREAD.items() if steady else ():
        spread = float(neutral.spread[ROW[metric]])
        if spread > most and np.isfinite(neutral[metric]):
            unit = METRICS[ROW[metric]].change_unit
            raise ValueError(
                f"there was too much movement ({metric.replace('_', ' ')} varied by "
                f"{spread:.3g} {unit}, at most {most:g} {unit}); sit still and try again"
            )
    return neutral


def _neutral_of(measurement: Measurement, name: str) -> Neutral:
    try:
        return neutral_of(measurement, name)
    except ValueError as error:
        raise ValueError(f"{error}; move back until the camera sees your shoulders") from error
