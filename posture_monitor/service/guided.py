"""A guided calibration before a source: moment after moment for a window or a terminal to show.

The frames, the model and the profile are in here, what to say of them in
`guiding`; who shows the moments decides about keeping, repeating and going on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.ghosts import Ghosts, ghosts
from posture_monitor.posture.judge import judge
from posture_monitor.posture.reading import VERDICTS, Verdict
from posture_monitor.sensing.model import ensure_model
from posture_monitor.sensing.sources import is_live
from posture_monitor.service.calibration import CROWD_EVERY_S, Learnt, Request, learn
from posture_monitor.service.capture_quality import Quality, measurable, quality_of, why_not
from posture_monitor.service.framing import Kind
from posture_monitor.service.guiding import Aim, Guidance, Guide, Step
from posture_monitor.service.lending import camera_lent
from posture_monitor.service.looking import Looker, Seen
from posture_monitor.service.profile import limits_of
from posture_monitor.service.profile_file import save_profile

if TYPE_CHECKING:
    from posture_monitor.config import Config

#: The slouch index shown after a capture follows its moments with this time constant.
CALM_S: Final = 0.5
#: How long the second captures take, which only say how well postures are told apart.
SECOND_S: Final = 10.0


@dataclass(frozen=True)
class Result:
    """A capture that has come to its end.

    Attributes
    ----------
    learnt
        What it makes of the profile; not kept before `Guided.keep`.
    aim
        Of the capture.
    quality
        How good it is.
    can, cannot, why_not
        What can be measured from here, what cannot, and why.
    body
        ``(33, 4)`` the captured posture.
    ghosts
        The ways in which it goes poor.
    """

    learnt: Learnt
    aim: Aim | None
    quality: Quality
    can: tuple[str, ...]
    cannot: tuple[str, ...]
    why_not: str
    body: npt.NDArray[np.float32]
    ghosts: tuple[Ghosts, ...]


@dataclass(frozen=True)
class Live:
    """How the present moment would be judged by what was just learnt."""

    verdict: Verdict
    index: float


@dataclass(frozen=True)
class Moment:
    """What to show now.

    Attributes
    ----------
    guidance
        What to say, and how far it has come.
    seen
        The frame; None before the first.
    aim
        Of the capture.
    result
        Once it is done.
    live
        Judged by that result.
    over
        The recording has come to its end.
    """

    guidance: Guidance
    seen: Seen | None = None
    aim: Aim | None = None
    result: Result | None = None
    live: Live | None = None
    over: bool = False


@dataclass
class _Capture:
    """A capture under way, what it came to, and the slouch index shown after it: when, and how much."""

    guide: Guide
    result: Result | None = None
    judged_s: float = 0.0
    index: float = math.nan


class Guided:
    """One calibration, with as many captures as the user wants.

    `capture` and `keep` may be called from another thread than that which
    takes the `moments`.

    Parameters
    ----------
    asked
        What was asked for; its aim is that of the first capture.

    Raises
    ------
    UserError
        The aim needs a profile that is not there.
    """

    def __init__(self, config: Config, asked: Request) -> None:
        self.config, self.asked = config, asked
        self.known = asked.known()
        self._body: npt.NDArray[np.float32] | None = None
        self.capture(asked.aim)

    def capture(self, aim: Aim | None) -> None:
        """Begin a capture, from the next frame on; the one under way is dropped."""
        asked = self.asked
        seconds = asked.seconds if aim is asked.aim else min(asked.seconds, SECOND_S)
        self._capture = _Capture(Guide(seconds, aim))

    def moments(self) -> Generator[Moment, None, None]:
        """Yield a moment for each frame until the source ends; it is closed with the iterator.

        Raises
        ------
        UserError
            The source or the model cannot be used.
        """
        yield Moment(Guidance(Step.LOOKING, "Opening the camera…"), aim=self._capture.guide.aim)
        with camera_lent(self.asked.source), self.asked.opened(self.config) as opened:
            own = self.config.model.own
            ensure_model(own)  # before a picture waits for it
            moment = None
            with Looker(opened, own, crowd_every_s=CROWD_EVERY_S) as looker:
                for seen in looker.look(self._whom):
                    now = self._capture  # another may be put in its place meanwhile
                    moment = self._moment(now, now.guide.step(seen), seen, opened.identity)
                    yield moment
            if moment is not None:
                yield self._ending(moment, opened.identity)

    def _whom(self) -> Neutral | None:
        known = self.known
        return known.neutral if known and self._capture.guide.aim not in (None, Aim.REANCHOR) else None

    def _moment(self, now: _Capture, guidance: Guidance, seen: Seen, camera: str) -> Moment:
        aim = now.guide.aim
        if guidance.step is Step.DONE and now.result is None:
            try:
                now.result = self._made(now.guide, camera)
            except ValueError as error:
                return Moment(now.guide.again(str(error), guidance.notes), seen, aim)
        live = self._live(seen, now, now.result) if now.result else None
        return Moment(guidance, seen, aim, now.result, live)

    def _ending(self, last: Moment, camera: str) -> Moment:
        """Return the last moment of a recording: what was captured until then has to do."""
        now, seen = self._capture, last.seen
        assert seen is not None  # there was a frame
        if last.result is None and now.guide.kept:
            last = self._moment(now, now.guide.finish(), seen, camera)
        if last.result is None:
            said = last.guidance
            hint = said.hint or next((note.text for note in said.notes if note.kind is Kind.AMISS), "")
            told = Guidance(Step.LOOKING, "The recording is over before a posture was captured", hint)
            last = replace(last, guidance=told)
        return replace(last, over=True)

    def _made(self, guide: Guide, camera: str) -> Result:
        frames = guide.kept
        asked = replace(self.asked, aim=guide.aim)
        learnt = learn(self.config, asked, frames, self.known, camera, is_live(asked.source))
        body = frames.middle()
        second = guide.aim in (Aim.SLOUCH, Aim.DOWN)
        neutral = learnt.neutral
        upright = self._body if second and self._body is not None else body
        can, cannot = measurable(neutral)
        ways = ghosts(
            upright,
            frames.sizes[-1],
            neutral,
            limits_of(self.config, learnt.profile),
            slouch=body if guide.aim is Aim.SLOUCH and self._body is not None else None,
        )
        if not second:
            self._body = body
        quality = quality_of(neutral, frames)
        return Result(learnt, guide.aim, quality, tuple(can), tuple(cannot), why_not(neutral), upright, ways)

    def _live(self, seen: Seen, now: _Capture, result: Result) -> Live:
        neutral = result.learnt.neutral
        measured = neutral.measure(seen.landmarks[None], seen.size)
        limits = limits_of(self.config, result.learnt.profile)
        judged = judge(measured, neutral, limits, [seen.doubt])
        verdict, index = VERDICTS[int(judged.verdict[0])], float(judged.slouch_index[0])
        if verdict in (Verdict.UNKNOWN, Verdict.AWAY) or not math.isfinite(index):
            return Live(verdict, math.nan)
        now_s = time.monotonic()
        if not math.isfinite(now.index):
            now.index = index
        else:
            part = 1.0 - math.exp(-(now_s - now.judged_s) / CALM_S)
            now.index += part * (index - now.index)
        now.judged_s = now_s
        calm = Verdict.POOR if now.index >= 1 else Verdict.MILD if now.index >= 0.5 else Verdict.GOOD
        return Live(calm, now.index)

    def keep(self) -> Path:
        """Write the latest result to its profile, and return where it is; `UserError` where that fails."""
        result = self._capture.result
        if result is None:
            raise UserError("there is nothing to keep yet")
        path = save_profile(result.learnt.profile)
        self.known = result.learnt.profile
        return path
