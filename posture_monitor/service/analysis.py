"""``analyze``: judge every frame of a recording and write one row for each."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.posture import steady, steady_bulk
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.judge import Judgement, Limits, judge
from posture_monitor.posture.metrics import REASONS, USED, Measurement, Reason
from posture_monitor.posture.reading import VERDICTS, VIEWS, View
from posture_monitor.sensing.landmark_table import LandmarkTable, TableSource, refuse_table_name, write_table
from posture_monitor.sensing.sources import open_source
from posture_monitor.service.analysis_rows import write_rows
from posture_monitor.service.calibration import CROWD_EVERY_S
from posture_monitor.service.looking import Looker
from posture_monitor.service.places import OTHER_VIEW_REASONS
from posture_monitor.service.profile import limits_of
from posture_monitor.service.profiles import load_profile
from posture_monitor.service.recorded import Beginning, read, watch
from posture_monitor.throughput import keep_memory
from posture_monitor.whole_file import replacing

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config

#: More than this part of the frames with a person seen from another view: the wrong profile.
OTHER_VIEW = 0.8
#: A width over height that differs by more than this part is another shape; rounding changes it by less.
OTHER_SHAPE = 0.02


def analyze(
    config: Config,
    *,
    source: str,
    profile: str | None,
    calibrate_first_s: float | None,
    calibrate_frames: int | None,
    output: Path | None,
    landmarks: Path | None,
    console: Console,
) -> None:
    """Judge every frame of `source` against a profile or against its own beginning.

    Parameters
    ----------
    profile, calibrate_first_s, calibrate_frames
        What neutral is: a profile, the first seconds, or the first frames;
        exactly one of them. Frames used for calibration are marked in the
        column ``calibration``.
    output
        CSV file; None writes to standard output.
    landmarks
        Also write a landmark table (NPZ or CSV) here.

    Raises
    ------
    UserError
        The source or profile cannot be used, its beginning cannot be
        calibrated on, the profile is of another view, or what is to be
        written cannot be written there.
    """
    keep_memory()
    _refuse_outputs(source, output, landmarks)
    known = load_profile(profile) if profile is not None else None
    # Who wants the landmarks written wants all of them.
    used = None if landmarks is not None else frozenset(f"{axis}{i}" for i in USED for axis in "xyv")
    opened = open_source(source, used=used)
    if calibrate_first_s is not None and opened.stills:
        opened.close()
        raise UserError(f"{source}: stills have no time; use --calibrate-frames instead of --calibrate-first")

    beginning = Beginning(source, calibrate_first_s, calibrate_frames or 0)
    own = known.neutral if known else None
    with opened, _progress(console, opened.total) as advance:
        if isinstance(opened, TableSource):
            recorded = read(opened, own, beginning)
            advance(len(recorded.t_s))
        else:
            with Looker(opened, config.model.own, crowd_every_s=CROWD_EVERY_S) as looker:
                recorded = watch(looker, own, beginning, advance)

    measurement = recorded.neutral.measure(recorded.landmarks, recorded.sizes)
    # As the monitor judges by this profile: what "Wrong reminder" has widened is wide here, too.
    limits = limits_of(config, known) if known else Limits(config.judge.scale, config.judge.min_confidence)
    judgement = judge(measurement, recorded.neutral, limits, recorded.doubts)
    if profile is not None:
        refuse_other_view(judgement, measurement, profile, recorded.neutral)
    states = _states(judgement, recorded.t_s, config.judge.window_s, stills=opened.stills)
    with _opened(output) as file:
        write_rows(file, recorded, measurement, judgement, states)
    if landmarks is not None:
        write_table(landmarks, LandmarkTable(recorded.t_s, recorded.sizes, recorded.landmarks))
    if others := _of_other_shape(recorded.sizes, recorded.calibrated):
        console.print(
            f"Note: frames of another shape than those calibrated on: {others}. Sizes and places are taken "
            "in picture heights, so that such frames can hardly be compared.",
            soft_wrap=True,
        )
    console.print(_summary(judgement, measurement, recorded.calibrated), soft_wrap=True)


def _refuse_outputs(source: str, output: Path | None, landmarks: Path | None) -> None:
    """Raise `UserError` before an hour is looked through for nothing, or a recording is written over."""
    if landmarks is not None:
        refuse_table_name(landmarks)
        if output is not None and landmarks.resolve() == output.resolve():
            raise UserError(f"{output}: the verdicts and the landmarks go into the same file; name another")
    for path in (output, landmarks):
        if path is None:
            continue
        if not path.absolute().parent.is_dir():
            raise UserError(f"cannot write {path}: there is no folder {path.absolute().parent}")
        if path.is_file() and path.resolve() == Path(source).resolve():
            raise UserError(f"{path} is the recording itself; name another file to write to")


def refuse_other_view(judgement: Judgement, measurement: Measurement, profile: str, neutral: Neutral) -> None:
    """Raise `UserError` where a profile was made from another view than a recording shows."""
    present = int(measurement.present.sum())
    unlike = (measurement.view == VIEWS.index(View.SIDE)) != (neutral.view is View.SIDE)
    codes = [REASONS.index(why) for why in OTHER_VIEW_REASONS]
    other = int((unlike & np.isin(judgement.reason, codes)).sum())
    if present and other > OTHER_VIEW * present:
        raise UserError(
            f"profile {profile!r} was made from the {neutral.view} view, but this source shows the "
            f"{_view(measurement)} view; calibrate a profile for this camera place, or choose another with "
            "--profile"
        )


def _view(measurement: Measurement) -> View:
    """Return from where somebody is seen most often."""
    seen = measurement.view[measurement.present]
    return VIEWS[int(np.bincount(seen).argmax())] if len(seen) else View.UNKNOWN


def _states(
    judgement: Judgement, t_s: npt.NDArray[np.float64], window_s: float, *, stills: bool
) -> npt.NDArray[np.int8]:
    """Return the smoothed states, codes into `VERDICTS`; stills stand each on their own."""
    if stills:
        return judgement.verdict
    steps = np.diff(t_s)
    interval_s = float(np.median(steps)) if len(steps) else 0.5
    policy = steady.Policy(window_s, max(interval_s, 1e-3))
    return steady_bulk.states(policy, t_s, judgement.verdict, judgement.slouch_index)


def _of_other_shape(sizes: npt.NDArray[np.float64], calibrated: int) -> int:
    """Return how many frames are wider or narrower for their height than those calibrated on."""
    if not calibrated:
        return 0
    shapes = sizes[:, 0] / sizes[:, 1]
    usual = np.median(shapes[:calibrated])
    return int((abs(shapes[calibrated:] / usual - 1) > OTHER_SHAPE).sum())


def _summary(judgement: Judgement, measurement: Measurement, calibrated: int) -> str:
    verdicts = np.bincount(judgement.verdict[calibrated:], minlength=len(VERDICTS))
    reasons = np.bincount(judgement.reason[calibrated:], minlength=len(REASONS))
    reasons[REASONS.index(Reason.OK)] = 0
    parts = _counted(verdicts, VERDICTS)
    why = f" Unknown: {_counted(reasons, REASONS)}." if reasons.any() else ""
    angles = "; ".join(
        f"{label} {np.nanmedian(measurement[name]):+.1f}°"
        for label, name in (("trunk", "trunk_incl"), ("neck", "neck_incl"))
        if np.isfinite(measurement[name]).sum() > measurement.present.sum() / 2
    )
    own = f"{calibrated} frames of calibration; " if calibrated else ""
    if calibrated == len(measurement):
        return f"{own}no frame is left to be judged: calibrate on fewer."
    measured = (
        f"Median angles: {angles}." if angles else "Trunk and neck angles: not measurable from this view."
    )
    judged = f"{len(measurement) - calibrated} frames judged: {parts}.{why}"
    return f"{own}{judged} View: {_view(measurement)}. {measured}"


def _counted(counts: npt.NDArray[np.int64], what: Sequence[str]) -> str:
    """Return how many there are of each; what there is none of is left out."""
    return ", ".join(f"{count} {name}" for count, name in zip(counts, what, strict=True) if count)


@contextlib.contextmanager
def _opened(output: Path | None) -> Iterator[IO[bytes]]:
    """Open the output; a file appears whole or not at all."""
    if output is None:
        if sys.stdout is None:
            raise UserError("standard output is closed; name a file with -o")
        yield sys.stdout.buffer
        return
    try:
        with replacing(output, lasting=False) as file:
            yield file
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror or error}") from error


@contextlib.contextmanager
def _progress(console: Console, total: int | None) -> Iterator[Callable[..., None]]:
    """Show a bar on a terminal, nothing elsewhere."""
    if not console.is_terminal:
        yield lambda frames=1: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Looking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda frames=1: bar.advance(task, frames)
