"""From a source to the landmarks of the one person who matters, frame by frame."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.landmarks import nobody
from posture_monitor.posture.metrics import Reason, measure
from posture_monitor.posture.person import choose, in_seat
from posture_monitor.sensing.frame import Frame, Source

if TYPE_CHECKING:
    from posture_monitor.sensing.pose import PoseEstimator


@dataclass(frozen=True)
class Seen:
    """A frame and who is in it.

    Attributes
    ----------
    landmarks
        ``(33, 4)``; NaN where nobody was seen.
    doubt
        Why the picture does not allow a verdict whatever the landmarks say; ``Reason.OK`` otherwise.
    """

    frame: Frame
    landmarks: npt.NDArray[np.float32]
    doubt: Reason

    @property
    def size(self) -> npt.NDArray[Any]:
        """Width and height of the picture, ``(2,)``."""
        return np.array([self.frame.width, self.frame.height], dtype=np.float64)


def chosen(
    frame: Frame,
    people: npt.NDArray[np.float32],
    doubt: Reason,
    neutral: Neutral | None,
    crowded: bool = False,
) -> Seen:
    """Return a frame with the one of its people who matters.

    Parameters
    ----------
    people
        ``(P, 33, 4)``.
    doubt
        Of the picture.
    neutral
        Whom to look for, if that is known by now.
    crowded
        Whether somebody else has been seen who is not among `people` and might be meant as well.
    """
    choice = choose(people, np.array([frame.width, frame.height], dtype=np.float64), neutral)
    if choice.index is None:
        return Seen(frame, nobody()[0], doubt)
    crowd = choice.crowd or crowded
    return Seen(frame, people[choice.index], Reason.CROWD if crowd else doubt)


class Looker:
    """Finds the person in the frames of one source; close it, or use it in ``with``.

    Parameters
    ----------
    source
        Where frames come from.
    model
        The user's own model bundle; None is the program's. Looked at, and
        fetched if need be, when a frame comes as a picture.
    crowd_every_s
        In a stream the model follows one person, whoever that is, and is blind
        to others. Every so many seconds a frame is looked at once more, as a
        still. If that shows the calibrated person where the model follows
        somebody else, or while nobody is known anybody else, so are all
        frames until the next such look. None does without.

    Attributes
    ----------
    took_s
        Seconds that finding the person of the latest frame took.
    """

    def __init__(
        self, source: Source, model: Path | None = None, *, crowd_every_s: float | None = None
    ) -> None:
        self.source = source
        self.took_s = 0.0
        self._model = model
        self._estimator: PoseEstimator | None = None
        self._crowd_every_s = None if source.stills else crowd_every_s
        self._for_others: PoseEstimator | None = None
        self._others_at_s = math.nan
        self._astray = self._crowd = False
        self._fetcher = ThreadPoolExecutor(1, "fetch")

    def look(self, neutral: Callable[[], Neutral | None] = lambda: None) -> Iterator[Seen]:
        """Yield every frame with its person.

        Parameters
        ----------
        neutral
            Returns whom to look for, if that is known by now.
        """
        for frame in self._frames():
            began_s = time.monotonic()
            seen = self._seen(frame, neutral())
            self.took_s = time.monotonic() - began_s
            yield seen

    def _frames(self) -> Iterator[Frame]:
        """Yield every frame; of a recording the next is decoded by a thread while this one is looked at."""
        frames = self.source.frames()
        if self.source.live:
            yield from frames
            return
        coming = self._fetcher.submit(next, frames, None)
        while (frame := coming.result()) is not None:
            coming = self._fetcher.submit(next, frames, None)
            yield frame

    def _seen(self, frame: Frame, neutral: Neutral | None) -> Seen:
        if frame.landmarks is not None:
            return Seen(frame, frame.landmarks, Reason.OK)
        assert frame.image is not None  # a frame is a picture or a row of a table
        from posture_monitor.sensing.image_quality import quality

        people = self._people(frame, frame.image, neutral)
        doubt = quality(frame.image).doubt(somebody=len(people) > 0)
        return chosen(frame, people, doubt, neutral, self._crowd)

    def _people(
        self, frame: Frame, image: npt.NDArray[np.uint8], neutral: Neutral | None
    ) -> npt.NDArray[np.float32]:
        """Return the people in a frame's picture, ``(P, 33, 4)``."""
        from posture_monitor.sensing import still

        if self.source.stills:
            return still.detect(self._pose(), image)
        followed = self._pose().detect(image, frame.t_s)
        if self._crowd_every_s is None or not len(followed):
            return followed
        # Also where there was no look for others yet, or time ran back.
        due = not 0 <= frame.t_s - self._others_at_s < self._crowd_every_s
        if not (due or self._astray):
            return followed
        people = self._of_still(image, neutral)
        if due:
            size = np.array([frame.width, frame.height], dtype=np.float64)
            self._others_at_s = frame.t_s
            self._crowd = choose(np.concatenate((followed, people)), size, neutral).crowd
            if neutral is None:
                self._astray = len(still.others(followed[0], people)) > 0
            else:
                there = [in_seat(measure(found, size), neutral).any() for found in (followed, people)]
                self._astray = there == [False, True]
        return people if self._astray else followed

    def _of_still(self, image: npt.NDArray[np.uint8], neutral: Neutral | None) -> npt.NDArray[np.float32]:
        """Return the people in a picture of a stream, looked at for itself."""
        from posture_monitor.sensing import seated

        if self._for_others is None:
            self._for_others = self._opened(stills=True)
        return seated.with_seated(self._for_others, image, self._for_others.detect(image), neutral)

    def _pose(self) -> PoseEstimator:
        if self._estimator is None:
            self._estimator = self._opened(stills=self.source.stills)
        return self._estimator

    def _opened(self, *, stills: bool) -> PoseEstimator:
        from posture_monitor.sensing.model import ensure_model
        from posture_monitor.sensing.pose import PoseEstimator

        return PoseEstimator(ensure_model(self._model), stills=stills)

    def close(self) -> None:
        """Release source and model."""
        self._fetcher.shutdown()  # a source must not be closed under whoever reads it
        self.source.close()
        for estimator in (self._estimator, self._for_others):
            if estimator is not None:
                estimator.close()

    def __enter__(self) -> Looker:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
