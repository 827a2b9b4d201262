"""``analyze``: judge every frame of a recording and write one row for each."""

from __future__ import annotations

import contextlib
import csv
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.posture import steady
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.judge import SIGNAL_NAMES, Judgement, Limits, judge
from posture_monitor.posture.metrics import NAMES, REASONS, Measurement, Reason, measure
from posture_monitor.posture.reading import VERDICTS, VIEWS, Verdict, View
from posture_monitor.sensing.landmark_table import LandmarkTable, write_table
from posture_monitor.sensing.model import ensure_model
from posture_monitor.sensing.sources import open_source
from posture_monitor.service.calibration import Collected
from posture_monitor.service.looking import Looker
from posture_monitor.service.profiles import load_profile

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config

#: More than this part of the frames with a person seen from another view: the wrong profile.
OTHER_VIEW = 0.8
#: Fewest frames a recording's own beginning may be calibrated on.
LEAST_OWN_FRAMES = 5

COLUMNS = (
    *("frame", "name", "t_s", "present", "view", "confidence", "calibration"),
    *("verdict", "state", "slouch_index", "signal", "driver", "reason"),
    *NAMES,
    *(f"d_{name}" for name in NAMES),
)


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
        calibrated on, or the profile is of another view.
    """
    known = load_profile(profile).neutral if profile is not None else None
    if calibrate_first_s is not None:
        asked = f"first {calibrate_first_s:g} s"
    else:
        asked = f"first {calibrate_frames} frames"
    opened = open_source(source)
    if calibrate_first_s is not None and opened.stills:
        opened.close()
        raise UserError(f"{source}: stills have no time; use --calibrate-frames instead of --calibrate-first")

    everything, beginning = Collected(), Collected()
    names: list[str] = []
    times: list[float] = []
    found = known

    def neutral() -> Neutral | None:
        return found

    with (
        Looker(opened, lambda: ensure_model(config.model.own)) as looker,
        _progress(console, opened.total) as advance,
    ):
        for seen in looker.look(neutral):
            at_s = seen.frame.t_s
            calibrating = known is None and (
                at_s < calibrate_first_s
                if calibrate_first_s is not None
                else len(times) < (calibrate_frames or 0)
            )
            if calibrating:
                beginning.add(seen)
            elif found is None:
                found = _calibrated(beginning, source, asked)
            everything.add(seen)
            names.append(seen.frame.name)
            times.append(at_s)
            advance()
    if not times:
        raise UserError(f"{source}: there is no frame in it")
    if found is None:
        found = _calibrated(beginning, source, asked)

    pixels, sizes = np.stack(everything.landmarks), np.stack(everything.sizes)
    t_s = np.asarray(times)
    measurement = measure(pixels, sizes, azimuth_deg=found.azimuth_deg)
    limits = Limits(config.judge.scale, config.judge.min_confidence)
    judgement = judge(measurement, found, limits, everything.doubts)
    if profile is not None:
        refuse_other_view(judgement, measurement, profile, found)
    states = _states(judgement, t_s, config.judge.window_s, stills=opened.stills)
    with _opened(output) as file:
        _write(file, names, t_s, measurement, judgement, states, len(beginning.landmarks))
    if landmarks is not None:
        write_table(landmarks, LandmarkTable(t_s, sizes, pixels))
    console.print(_summary(judgement, measurement, len(beginning.landmarks)), soft_wrap=True)


def _calibrated(beginning: Collected, source: str, asked: str) -> Neutral:
    try:
        # A recording cannot be asked to sit still: whoever moved gets wider limits instead.
        return beginning.neutral(least_frames=LEAST_OWN_FRAMES, steady=False)
    except ValueError as error:
        raise UserError(f"{source}: cannot calibrate on its {asked}: {error}") from error


def from_other_view(reason: Reason, view: View, neutral: Neutral) -> bool:
    """Return whether a frame is unknown because it shows another view than the profile was made from.

    Seen from the side, somebody also seems to sit in a stranger's place.
    """
    other = (view is View.SIDE) != (neutral.view is View.SIDE)
    return other and reason in (Reason.VIEW, Reason.STRANGER)


def refuse_other_view(judgement: Judgement, measurement: Measurement, profile: str, neutral: Neutral) -> None:
    """Raise `UserError` where a profile was made from another view than a recording shows."""
    present = int(measurement.present.sum())
    other = int(
        sum(
            from_other_view(REASONS[reason], VIEWS[view], neutral)
            for reason, view in zip(judgement.reason.tolist(), measurement.view.tolist(), strict=True)
        )
    )
    if present and other > OTHER_VIEW * present:
        seen = VIEWS[int(np.bincount(measurement.view[measurement.present]).argmax())]
        raise UserError(
            f"profile {profile!r} was made from the {neutral.view} view, but this source shows the {seen} "
            "view; calibrate a profile for this camera place, or choose another with --profile"
        )


def _states(
    judgement: Judgement, t_s: npt.NDArray[np.float64], window_s: float, *, stills: bool
) -> list[Verdict]:
    """Return the smoothed state of each frame; stills stand each on their own."""
    verdicts = [VERDICTS[code] for code in judgement.verdict.tolist()]
    if stills:
        return verdicts
    steps = np.diff(t_s)
    interval_s = float(np.median(steps)) if len(steps) else 0.5
    policy = steady.Policy(window_s, max(interval_s, 1e-3))
    state, states = steady.Steady(), []
    for at, verdict, index in zip(t_s.tolist(), verdicts, judgement.slouch_index.tolist(), strict=True):
        state = steady.step(state, policy, at, verdict, index)
        states.append(state.state)
    return states


def _write(
    file: IO[str],
    names: list[str],
    t_s: npt.NDArray[np.float64],
    measurement: Measurement,
    judgement: Judgement,
    states: list[Verdict],
    calibrated: int,
) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    numbers = np.vstack((measurement.values, judgement.deviations)).T
    drivers = judgement.drivers()
    for i in range(len(measurement)):
        signal = judgement.signal[i]
        # A body that is nobody at this desk (a ghost on the furniture, a passer-by far off) is not present.
        present = measurement.present[i] and VERDICTS[judgement.verdict[i]] is not Verdict.AWAY
        writer.writerow(
            (
                i,
                names[i],
                _number(float(t_s[i]), 3),
                int(present),
                VIEWS[measurement.view[i]].value,
                f"{measurement.confidence[i]:.2f}",
                "calibration" if i < calibrated else "",
                VERDICTS[judgement.verdict[i]].value,
                states[i].value,
                _number(float(judgement.slouch_index[i]), 3),
                SIGNAL_NAMES[signal] if signal >= 0 else "",
                drivers[i],
                REASONS[judgement.reason[i]].value,
                *(_number(value, 4) for value in numbers[i].tolist()),
            )
        )


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else ""


def _summary(judgement: Judgement, measurement: Measurement, calibrated: int) -> str:
    counts = np.bincount(judgement.verdict[calibrated:], minlength=len(VERDICTS))
    parts = ", ".join(f"{count} {verdict}" for verdict, count in zip(VERDICTS, counts, strict=True) if count)
    view = VIEWS[int(np.bincount(measurement.view).argmax())]
    angles = "; ".join(
        f"{label} {np.nanmedian(measurement[name]):+.1f}°"
        for label, name in (("trunk", "trunk_incl"), ("neck", "neck_incl"))
        if np.isfinite(measurement[name]).sum() > measurement.present.sum() / 2
    )
    own = f"{calibrated} frames of calibration; " if calibrated else ""
    return f"{own}{len(measurement) - calibrated} frames judged: {parts}. View: {view}." + (
        f" Median angles: {angles}." if angles else " Trunk and neck angles: not measurable from this view."
    )


@contextlib.contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    """Open the output; a file appears whole or not at all."""
    if output is None:
        yield sys.stdout
        return
    scratch = ""
    try:
        handle, scratch = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}-")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            yield file
        os.chmod(scratch, 0o644)
        os.replace(scratch, output)
    except OSError as error:
        raise UserError(f"cannot write {output}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(scratch)


@contextlib.contextmanager
def _progress(console: Console, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a bar on a terminal, nothing elsewhere."""
    if not console.is_terminal:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("Looking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
