"""Re-anchoring: the camera or the chair was moved, the body is the same.

Where somebody is in the picture, how large, how far turned and how steep the
camera looks at them follows the new place. How the body is built does not: a
neutral posture calibrated upright stays upright, also where the user sits
slouched at the moment they press the button.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from posture_monitor.posture.baseline import Neutral, deviation
from posture_monitor.posture.capture import capture
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.metrics import ROW, Measurement, Reason
from posture_monitor.posture.reading import View

#: Metrics of place and camera; they are taken as they are now.
PLACE: Final = (
    *("face_size", "distance", "shoulder_width"),
    *("head_drop", "shoulder_drop", "head_shift", "shoulder_shift"),
    *("yaw_cue", "pitch_cue", "head_yaw", "head_nod"),
)
#: Metrics of the body's shape that the steepness of the camera bends as well.
SHAPE: Final = ("head_height", "ear_height", "head_rise", "esr", "nsr", "fsr")
#: Metrics that a rolled camera turns alike.
ROLLED: Final = ("head_roll", "shoulder_tilt")
#: By the ears' height over the shoulders (mean of the head's ruler and the
#: shoulders') a moved camera and a slouch can be told apart: on synthetic bodies a
#: lid moved by 8°, a chair by 10 cm and a roll of 15 cm change it by 2.6 % at most,
#: the smallest slouch there (head forward) by 8 % and a look at the keyboard by
#: 4.3 %; mild begins at 4.2 %. Up to this (percent of the height *as calibrated*, so
#: that re-anchoring again and again does not add up) it was the camera.
EARS_ALIKE: Final = 3.0
#: Then the other heights follow, towards a slouch by at most this much (percent of
#: calibrated): a chair 10 cm lower moves nose and face by 13 % through the steeper
#: view alone, but what nods does so too, and the limits must still see what is left.
#: Away from a slouch they follow freely; that only makes the limits stricter.
SHAPE_FOLLOWS: Final = 6.0
#: A head that sinks in a slouch is seen from higher up: this much (degrees) for each percent
#: by which the ears sink (median of drawn people, `benchmarks/drawn_people.py`). Of a nod,
#: that is the slouch's and not the camera's.
NOD_OF_SINKING: Final = 0.25
#: Frames with a person that are needed.
LEAST_FRAMES: Final = 4


def reanchored(
    neutral: Neutral,
    recent: Measurement,
    doubts: Sequence[Reason] | None = None,
    calibrated: Neutral | None = None,
) -> Neutral:
    """Return the neutral posture as the camera sees it now.

    Parameters
    ----------
    neutral
        As it was until now.
    recent
        ``N`` frames of the last seconds, in which the user sat still.
    doubts
        ``N`` reasons why a picture does not allow a verdict, `Reason.OK` where it does.
    calibrated
        As it was calibrated, where it has been re-anchored since: what bounds the drift.

    Raises
    ------
    ValueError
        Nobody is seen, the person moves, or the camera sees them from another
        side; the message says why and what to do.
    """
    now = capture(recent, doubts or [Reason.OK] * len(recent), least_frames=LEAST_FRAMES)
    if (now.view is View.SIDE) != (neutral.view is View.SIDE):
        raise ValueError(
            f"the camera sees you from the {now.view} now, not from the {neutral.view}; calibrate anew"
        )
    first = calibrated or neutral
    centre = neutral.centre.copy()
    for name in PLACE:
        row = ROW[name]
        if np.isfinite(now.centre[row]) and np.isfinite(centre[row]):
            centre[row] = now.centre[row]
    change: Array = deviation(now.centre[:, None], first)[:, 0]
    ears = [change[ROW[name]] for name in ("ear_height", "esr") if np.isfinite(change[ROW[name]])]
    risen = sum(ears) / len(ears) if ears else 0.0
    if risen < -EARS_ALIKE:
        centre[ROW["head_nod"]] += NOD_OF_SINKING * risen
    elif ears and risen <= EARS_ALIKE:
        for name in SHAPE:
            row = ROW[name]
            if np.isfinite(change[row]):
                follow = (
                    max(change[row], -SHAPE_FOLLOWS) if name != "fsr" else min(change[row], SHAPE_FOLLOWS)
                )
                centre[row] = first.centre[row] * (1 + follow / 100)
    centre[[ROW[name] for name in ROLLED]] += _roll(now, neutral)
    return replace(neutral, centre=centre, view=now.view, azimuth_deg=now.azimuth_deg)


def _roll(now: Neutral, neutral: Neutral) -> float:
    """Return how far the camera was rolled: what head and shoulders have turned *alike*, in degrees.

    A tilted head alone, or a dropped shoulder alone, is posture.
    """
    turned = np.array([now[name] - neutral[name] for name in ROLLED])
    if not np.isfinite(turned).all() or turned[0] * turned[1] <= 0:
        return 0.0
    return float(turned[np.abs(turned).argmin()])
