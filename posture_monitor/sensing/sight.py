"""What the eye is asked for, and what it answers: the messages between the monitor and its eye process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.metrics import Reason


@dataclass(frozen=True)
class Place:
    """Where to look, said once when the eye process begins.

    Attributes
    ----------
    source
        As in `sources.open_source`. A recording is played at the pace of the real clock.
    width, height
        Picture size asked of a camera, in pixels.
    min_interval_s
        Looks come no nearer than this.
    model
        The user's own model bundle; None for the program's.
    """

    source: str
    width: int
    height: int
    min_interval_s: float = 0.0
    model: Path | None = None


@dataclass(frozen=True)
class Want:
    """One look.

    Attributes
    ----------
    may_skip
        Where the picture shows nothing that moved since the model last looked, it need not look again.
    picture
        Send the picture along, for the preview.
    neutral
        Whose seat to look at again where all that are found sit elsewhere; None: nobody's.
    close_after
        Close the camera once the picture is taken, until the next look (burst mode).
    """

    may_skip: bool = False
    picture: bool = False
    neutral: Neutral | None = None
    close_after: bool = False


@dataclass(frozen=True)
class Sight:
    """A picture that was taken, and who is in it.

    Attributes
    ----------
    wall_s
        POSIX seconds at which it was taken.
    width, height
        Of the picture, in pixels.
    people
        ``(P, 33, 4)``, all that were found; None where the model did not look
        because nothing had moved.
    moved
        Whether anything has moved since the model last looked.
    doubt
        What about the picture itself forbids a verdict; ``Reason.OK`` if nothing.
    trouble
        Black, covered or frozen; ``""`` for a picture as it should be.
    name, identity
        Of the source.
    look_s
        Seconds that the model took.
    picture
        JPEG, where it was asked for.
    warning
        What the user is to know of the model, though it looks; ``""`` if nothing.
    """

    wall_s: float
    width: int
    height: int
    people: npt.NDArray[np.float32] | None
    moved: bool
    doubt: Reason
    trouble: str
    name: str
    identity: str
    look_s: float = 0.0
    picture: bytes | None = None
    warning: str = ""


@dataclass(frozen=True)
class Blind:
    """No picture could be had.

    Attributes
    ----------
    trouble
        One of `trouble.Trouble`, ``"no model"``, ``"ended"`` (a recording is over) or ``"failed"``.
    detail
        One line for the user.
    """

    trouble: str
    detail: str
