"""What one frame shows of somebody who calibrates: what is as it should be, and what to mend first."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.metrics import HIP_MARGIN, SURE_SIZE, VISIBLE, Measurement, Needs, Reason
from posture_monitor.posture.reading import VIEWS, View
from posture_monitor.service.looking import Seen

#: Below the first size (px/cm at 640 px picture height) a head is too small to measure,
#: below the second it could well be larger; at desks it is 5 to 15.
TOO_FAR, FAR = 0.75 * SURE_SIZE, 4.0
#: The nose this near (cm) to the picture's upper edge: the eyes, 4 cm above it, leave the picture.
CUT_OFF_CM: Final = 6.0
#: A level head seen as nodded by so much (degrees) is seen from well below or above:
#: 7.5° make 0.1 m at the usual distance, and people at their webcams have -10° to 20°.
FROM_BELOW_DEG, FROM_ABOVE_DEG = -18.0, 28.0
#: A face turned this much further (degrees) than its trunk looks elsewhere.
LOOKS_AWAY_DEG: Final = 30.0


class Kind(enum.Enum):
    """What a note means for the capture."""

    SEEN = "seen"  #: as it should be
    FINE = "fine"  #: not seen, and not needed; or could be better
    AMISS = "amiss"  #: to be mended first


@dataclass(frozen=True)
class Note:
    """One line about what is seen and what is not."""

    kind: Kind
    text: str


_LIGHT: Final = {
    Reason.DARK: "Too dark: turn to the window, or switch on a light",
    Reason.COVERED: "The camera is covered: open its shutter",
    Reason.BLURRED: "The picture is blurred: wipe the lens",
}
_FROM: Final = {
    View.FRONT: "Seen from the front",
    View.OBLIQUE: "Seen from the front and a side",
    View.SIDE: "Seen from the side",
}


def notes_of(seen: Seen, measured: Measurement, *, looks_down: bool) -> tuple[Note, ...]:
    """Return what is to be said of one frame, the most pressing first.

    Parameters
    ----------
    seen
        The frame.
    measured
        Its metrics, ``N = 1``.
    looks_down
        It is for looking down: then nobody need face the screen.
    """
    if seen.doubt in _LIGHT:
        return (Note(Kind.AMISS, _LIGHT[seen.doubt]),)
    if not measured.present[0]:
        return (Note(Kind.AMISS, "Nobody is in the picture: sit where the camera sees you"),)
    face, shoulders = bool(measured.seen[Needs.FACE, 0]), bool(measured.seen[Needs.SHOULDERS, 0])
    view = VIEWS[int(measured.view[0])]
    size, yaw, nod = (float(measured[name][0]) for name in ("face_size", "head_yaw", "head_nod"))
    nose = float(seen.landmarks[lm.NOSE, 1])
    # `face_size` is taken in a picture of 640 pixels' height.
    cut_off = nose * 640.0 < CUT_OFF_CM * (size if math.isfinite(size) else 10.0)
    turned = not looks_down and view is View.FRONT and abs(yaw) > LOOKS_AWAY_DEG
    rather_far = face and view is not View.SIDE and TOO_FAR <= size < FAR
    level = not looks_down and view is not View.SIDE
    from_below = level and not cut_off and nod < FROM_BELOW_DEG
    amiss = {
        "Two people are in the picture: calibrate alone": seen.doubt is Reason.CROWD,
        "Your back is to the camera: face the screen": measured.behind[0],
        "Camera too low: lift the laptop, or tilt its lid back": cut_off,
        "Your face is not seen clearly: face the screen": not face,
        "You are far away: come nearer": face and size < TOO_FAR,
        "Camera too high: tilt it down until your shoulders show": not shoulders and nose > 0.6,
        "Your shoulders are out of the picture: move back a little": not shoulders and not nose > 0.6,
        "Your face is turned away: face the screen": turned,
    }
    better = {
        "You are rather far away; nearer is measured more finely": rather_far,
        "The camera looks up at you; lifting the laptop helps": from_below,
        "The camera looks down on you; eye height is better": level and nod > FROM_ABOVE_DEG,
    }
    notes = [Note(Kind.AMISS, text) for text, holds in amiss.items() if holds]
    notes += [Note(Kind.FINE, text) for text, holds in better.items() if holds]
    notes += [Note(Kind.SEEN, text) for text, holds in (("Face", face), ("Shoulders", shoulders)) if holds]
    notes.append(_hips(seen.landmarks, view))
    if view is not View.UNKNOWN and face and shoulders:
        notes.append(Note(Kind.SEEN, _FROM[view]))
    return tuple(notes)


def _hips(points: npt.NDArray[np.float32], view: View) -> Note:
    hips = points[[lm.LEFT_HIP, lm.RIGHT_HIP]]
    inside = (np.abs(hips[:, :2] - 0.5) < 0.5 - HIP_MARGIN).all(axis=1) & (hips[:, 3] >= VISIBLE)
    if inside.all() or (view is View.SIDE and inside.any()):
        return Note(Kind.SEEN, "Hips")
    if view is View.FRONT:
        return Note(Kind.FINE, "Hips hidden, that is fine")
    return Note(Kind.FINE, "Hips hidden: the trunk's angle cannot be measured")
