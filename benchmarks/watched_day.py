"""A simulated day run through the whole pipe, as live use does it: which notifications come, and why.

Landmarks are measured, judged, steadied and handed to the alert policy, all by the program's own functions
and its shipped settings; only the camera, the model and the screen are left out. What comes out keeps the
truth of the day beside it, so that every notification can be called right or false, and every slouch
alerted or missed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))

from natural_day import CALIBRATION_S, SUSTAINED_S, Episode, NaturalDay

from posture_monitor.config import Config, load_config
from posture_monitor.posture import dose, nudge, session, steady
from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.capture import capture
from posture_monitor.posture.judge import SIGNALS, Judgement, Limits, judge
from posture_monitor.posture.metrics import ROW, Reason, measure
from posture_monitor.posture.reading import VERDICTS, Verdict

ROOT = Path(__file__).resolve().parent.parent
#: A person who heeds an alert sits up this long after it.
HEEDED_AFTER_S = 20.0
#: The dose remembers: an alert this soon after a slouch is about that slouch.
GRACE_S = 60.0
#: Of the points of a frame: where motion is told from.
POINTS = [lm.NOSE, lm.LEFT_EAR, lm.RIGHT_EAR, lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER]


@dataclass(frozen=True)
class Watched:
    """A day as the program saw it.

    Attributes
    ----------
    day
        What was true.
    judgement
        Of its ``N`` frames.
    moments
        The same, as the core's loop takes them.
    points
        ``(N, 5, 2)`` nose, ears and shoulders in the picture, in its widths and heights; NaN where nobody is.
    states, index, drivers
        ``N`` steady states, the slouch indices behind them, and the signals of the judgement over minutes.
    activity
        ``(N,)`` what the person was doing, or how they slouched; ``"between"`` if nothing in particular.
    poor
        ``(N,)`` bool: truly poor posture.
    """

    day: NaturalDay
    judgement: Judgement
    moments: list[session.Moment]
    points: npt.NDArray[np.float32]
    states: list[Verdict]
    index: list[float]
    drivers: list[str]
    activity: npt.NDArray[np.str_]
    poor: npt.NDArray[np.bool_]

    @property
    def interval_s(self) -> float:
        return float(self.day.t_s[1] - self.day.t_s[0])

    @property
    def present_h(self) -> float:
        """Hours in which somebody sat there."""
        return float(self.day.present.sum()) * self.interval_s / 3600

    @property
    def judged(self) -> float:
        """Part of the frames with somebody there that got a verdict."""
        unjudged = np.isin(
            self.judgement.verdict, [VERDICTS.index(Verdict.UNKNOWN), VERDICTS.index(Verdict.AWAY)]
        )
        return float(np.mean(~unjudged[self.day.present]))

    @property
    def slouches(self) -> list[Episode]:
        return [episode for episode in self.day.episodes if episode.truth_poor]

    @property
    def sustained(self) -> list[Episode]:
        return [episode for episode in self.slouches if episode.end_s - episode.start_s >= SUSTAINED_S]

    def signal(self, i: int) -> str:
        """Return the signal that drove frame `i`."""
        return self.drivers[i] or "several"


class Looks(NamedTuple):
    """When a day was looked at, if not at every frame.

    Attributes
    ----------
    at
        ``M`` indices of frames.
    states, index
        ``M`` steady states after them, and the slouch indices behind those.
    intervals_s
        ``M`` waits that were planned after them.
    """

    at: Sequence[int]
    states: Sequence[Verdict]
    index: Sequence[float]
    intervals_s: Sequence[float]


@dataclass(frozen=True)
class Notice:
    """A notification on a day.

    Attributes
    ----------
    i
        Index of the frame at which it came.
    alert
        As the policy gave it.
    slouch
        The true slouch it is about; None makes it false.
    """

    i: int
    alert: nudge.Alert
    slouch: Episode | None


def shipped() -> Config:
    """Return the settings as they are shipped."""
    return load_config(ROOT / "config.toml")


def watch(day: NaturalDay, config: Config) -> Watched:
    """Calibrate on the day's first minute, then measure, judge and steady all of it."""
    landmarks = day.landmarks
    first = measure(landmarks[day.t_s < CALIBRATION_S], day.size)
    neutral = capture(first, [Reason.OK] * len(first))
    limits = Limits(config.judge.scale, config.judge.min_confidence)
    judgement = judge(neutral.measure(landmarks, day.size), neutral, limits)
    poor = np.zeros(len(day.t_s), dtype=bool)
    activity = np.full(len(day.t_s), "between", dtype="<U20")
    for episode in sorted(day.episodes, key=lambda e: e.truth_poor):
        part = slice(*np.searchsorted(day.t_s, (episode.start_s, episode.end_s)))
        activity[part] = episode.kind
        poor[part] |= episode.truth_poor
    moments = session.moments(judgement, neutral, limits)
    policy = steady.Policy(config.judge.window_s, float(day.t_s[1] - day.t_s[0]))
    sessions = session.replay(moments, day.t_s.tolist(), policy)
    points = landmarks[:, POINTS, :2].copy()
    return Watched(
        day,
        judgement,
        moments,
        points,
        [s.state for s in sessions],
        [s.steady.index for s in sessions],
        [s.sustained.name for s in sessions],
        activity,
        poor,
    )


def notices(
    watched: Watched, policy: nudge.Policy, *, heeds: bool = True, looks: Looks | None = None
) -> list[Notice]:
    """Return the notifications of a day.

    Parameters
    ----------
    heeds
        Whether the person sits up soon after a rightful alert, until the end of that slouch.
    looks
        Those that were taken; None means every frame.
    """
    if looks is None:
        count = len(watched.states)
        looks = Looks(range(count), watched.states, watched.index, [watched.interval_s] * count)
    state, shown = nudge.Nudges(), []
    slouches, times_s = watched.slouches, watched.day.t_s.tolist()
    upright_from_s = upright_to_s = -1.0
    drivers, deviations = watched.judgement.signal.tolist(), watched.judgement.deviations
    rows = [ROW[signal.driver] for signal in SIGNALS]
    for i, activity, index, interval_s in zip(*looks, strict=True):
        t_s = times_s[i]
        if upright_from_s <= t_s < upright_to_s:
            activity = Verdict.GOOD
        cause = nudge.NO_CAUSE
        if drivers[i] >= 0 and dose.strays(activity):
            cause = nudge.Cause(SIGNALS[drivers[i]].driver, float(deviations[rows[drivers[i]], i]))
        state, effects = nudge.step(state, policy, t_s, activity, interval_s, cause, index=index)
        for effect in effects:
            if not isinstance(effect, nudge.Alert):
                continue
            slouch = slouch_at(slouches, t_s)
            shown.append(Notice(i, effect, slouch))
            if heeds and slouch is not None:
                upright_from_s, upright_to_s = t_s + HEEDED_AFTER_S, slouch.end_s + GRACE_S
    return shown


def slouch_at(slouches: Iterable[Episode], t_s: float) -> Episode | None:
    """Return the slouch that an alert at this moment is about."""
    return next((s for s in slouches if s.start_s <= t_s <= s.end_s + GRACE_S), None)
