"""``analyze``: judge every frame of a recording and write one row for each."""

from __future__ import annotations

import contextlib
import csv
import io
import math
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from posture_monitor.bulk_text import fixed, joined, text
from posture_monitor.errors import UserError
from posture_monitor.posture import steady
from posture_monitor.posture.arithmetic import blocks
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.capture import capture
from posture_monitor.posture.judge import SIGNAL_NAMES, SIGNALS, Judgement, Limits, judge
from posture_monitor.posture.metrics import NAMES, REASONS, Measurement, Reason, measure
from posture_monitor.posture.reading import VERDICTS, VIEWS, Verdict, View
from posture_monitor.sensing.landmark_table import LandmarkTable, TableSource, write_table
from posture_monitor.sensing.model import ensure_model
from posture_monitor.sensing.sources import open_source
from posture_monitor.service.calibration import Collected
from posture_monitor.service.looking import Looker
from posture_monitor.service.places import OTHER_VIEW_REASONS
from posture_monitor.service.profiles import load_profile
from posture_monitor.throughput import in_turn, keep_memory

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


_EMPTY, _PRESENT, _CALIBRATION = text([""]), text(["0", "1"]), text(["", "calibration"])
_VIEWS, _VERDICTS, _REASONS = (text([str(item) for item in kind]) for kind in (VIEWS, VERDICTS, REASONS))
_SIGNALS, _DRIVERS = text([*SIGNAL_NAMES, ""]), text([*(signal.driver for signal in SIGNALS), ""])


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
    keep_memory()
    known = load_profile(profile).neutral if profile is not None else None
    if calibrate_first_s is not None:
        asked = f"first {calibrate_first_s:g} s"
    else:
        asked = f"first {calibrate_frames} frames"
    opened = open_source(source)
    if calibrate_first_s is not None and opened.stills:
        opened.close()
        raise UserError(f"{source}: stills have no time; use --calibrate-frames instead of --calibrate-first")

    recording = _Recording(source, asked, opened.stills, known, calibrate_first_s, calibrate_frames)
    with opened, _progress(console, opened.total) as advance:
        if isinstance(opened, TableSource):
            recording.read(opened)
            advance(len(recording.t_s))
        else:
            with Looker(opened, lambda: ensure_model(config.model.own)) as looker:
                recording.watch(looker, advance)
    neutral, pixels, sizes, t_s = recording.neutral, recording.landmarks, recording.sizes, recording.t_s

    measurement = measure(pixels, sizes, azimuth_deg=neutral.azimuth_deg)
    limits = Limits(config.judge.scale, config.judge.min_confidence)
    judgement = judge(measurement, neutral, limits, recording.doubts)
    if profile is not None:
        refuse_other_view(judgement, measurement, profile, neutral)
    states = _states(judgement, t_s, config.judge.window_s, stills=opened.stills)
    with _opened(output) as file:
        _write(file, recording, measurement, judgement, states)
    if landmarks is not None:
        write_table(landmarks, LandmarkTable(t_s, sizes, pixels))
    console.print(_summary(judgement, measurement, recording.calibrated), soft_wrap=True)


class _Recording:
    """What a source holds, from its first frame to its last, and the neutral posture to judge it by.

    Attributes
    ----------
    landmarks, sizes, t_s
        ``(N, 33, 4)``, ``(N, 2)`` and ``(N,)``.
    names, doubts
        Of the `N` frames; None where none has any.
    calibrated
        How many frames at the beginning were calibrated on.
    neutral
        What was given, or learnt from these.
    """

    landmarks: npt.NDArray[np.float32]
    sizes: npt.NDArray[np.float64]
    t_s: npt.NDArray[np.float64]
    names: list[str] | None = None
    doubts: list[Reason] | None = None
    calibrated: int = 0
    neutral: Neutral

    def __init__(
        self,
        source: str,
        asked: str,
        stills: bool,
        known: Neutral | None,
        first_s: float | None,
        first_frames: int | None,
    ) -> None:
        self._source, self._asked, self._known = source, asked, known
        self._first_s, self._first_frames = first_s, first_frames or 0

    def read(self, source: TableSource) -> None:
        """Take in a landmark table, whole."""
        table = source.table
        self.landmarks, self.sizes, self.t_s = table.landmarks, np.rint(table.size), table.t_s
        if self._known is not None:
            self.neutral = self._known
            return
        first_s = self._first_s
        n = self._first_frames if first_s is None else int(np.searchsorted(self.t_s, first_s))
        self.calibrated = min(n, len(table))
        beginning = slice(self.calibrated)

        def learn() -> Neutral:
            measurement = measure(self.landmarks[beginning], self.sizes[beginning])
            doubts = [Reason.OK] * self.calibrated
            return capture(measurement, doubts, least_frames=LEAST_OWN_FRAMES, steady=False)

        self.neutral = self._learnt(learn)

    def watch(self, looker: Looker, advance: Callable[[], None]) -> None:
        """Look at one frame after the other."""
        everything, beginning = Collected(), Collected()
        names: list[str] = []
        times: list[float] = []
        found = self._known

        def learn() -> Neutral:
            # A recording cannot be asked to sit still: whoever moved gets wider limits instead.
            return beginning.neutral(least_frames=LEAST_OWN_FRAMES, steady=False)

        def wanted() -> Neutral | None:
            return found

        for seen in looker.look(wanted):
            at_s = seen.frame.t_s
            if self._known is None and self._is_first(at_s, len(times)):
                beginning.add(seen)
            elif found is None:
                found = self._learnt(learn)
            everything.add(seen)
            names.append(seen.frame.name)
            times.append(at_s)
            advance()
        if not times:
            raise UserError(f"{self._source}: there is no frame in it")
        self.neutral = found or self._learnt(learn)
        self.calibrated = len(beginning.landmarks)
        self.landmarks, self.sizes = np.stack(everything.landmarks), np.stack(everything.sizes)
        self.t_s, self.names, self.doubts = np.asarray(times), names, everything.doubts

    def _is_first(self, at_s: float, number: int) -> bool:
        return at_s < self._first_s if self._first_s is not None else number < self._first_frames

    def _learnt(self, learn: Callable[[], Neutral]) -> Neutral:
        try:
            return learn()
        except ValueError as error:
            raise UserError(f"{self._source}: cannot calibrate on its {self._asked}: {error}") from error


def refuse_other_view(judgement: Judgement, measurement: Measurement, profile: str, neutral: Neutral) -> None:
    """Raise `UserError` where a profile was made from another view than a recording shows."""
    present = int(measurement.present.sum())
    unlike = (measurement.view == VIEWS.index(View.SIDE)) != (neutral.view is View.SIDE)
    codes = [REASONS.index(why) for why in OTHER_VIEW_REASONS]
    other = int((unlike & np.isin(judgement.reason, codes)).sum())
    if present and other > OTHER_VIEW * present:
        seen = VIEWS[int(np.bincount(measurement.view[measurement.present]).argmax())]
        raise UserError(
            f"profile {profile!r} was made from the {neutral.view} view, but this source shows the {seen} "
            "view; calibrate a profile for this camera place, or choose another with --profile"
        )


def _states(
    judgement: Judgement, t_s: npt.NDArray[np.float64], window_s: float, *, stills: bool
) -> Iterator[npt.NDArray[np.int8]]:
    """Yield the smoothed states by the block, codes into `VERDICTS`; stills stand each on their own."""
    if stills:
        yield from (judgement.verdict[block] for block in blocks(len(t_s)))
        return
    steps = np.diff(t_s)
    interval_s = float(np.median(steps)) if len(steps) else 0.5
    policy = steady.Policy(window_s, max(interval_s, 1e-3))
    longest_s, full_s = 2 * policy.interval_s, steady.BUCKET_S * (1 - 1e-9)
    state, code = steady.Steady(), VERDICTS.index(Verdict.UNKNOWN)
    # Only the reading that fills a bucket can change the state; those before it are added up
    # here, as `steady.step` does, and handed over with it.
    last_s, open_s, total, judged_s, away_s = math.inf, 0.0, 0.0, 0.0, 0.0
    latest = state.latest
    for block in blocks(len(t_s)):
        verdicts = [VERDICTS[code] for code in judgement.verdict[block].tolist()]
        indices = judgement.slouch_index[block].tolist()
        out = []
        for at, verdict, index in zip(t_s[block].tolist(), verdicts, indices, strict=True):
            gap_s = min(at - last_s, longest_s)
            if 0 <= gap_s <= steady.BUCKET_S and open_s + gap_s < full_s:
                open_s += gap_s
                if verdict is Verdict.AWAY:
                    away_s += gap_s
                elif verdict is not Verdict.UNKNOWN and index == index:
                    total += index * gap_s
                    judged_s += gap_s
            else:
                if state.t_s is not None:
                    state = state._replace(
                        t_s=last_s,
                        latest=latest,
                        open_s=open_s,
                        open_index=total,
                        open_judged_s=judged_s,
                        open_away_s=away_s,
                    )
                state = steady.step(state, policy, at, verdict, index)
                open_s, total = state.open_s, state.open_index
                judged_s, away_s = state.open_judged_s, state.open_away_s
                code = VERDICTS.index(state.state)
            last_s, latest = at, (verdict, index, "", "")
            out.append(code)
        yield np.array(out, dtype=np.int8)


def _write(
    file: IO[str],
    recording: _Recording,
    measurement: Measurement,
    judgement: Judgement,
    states: Iterator[npt.NDArray[np.int8]],
) -> None:
    """Write one row a frame; the states of the next ones are found while some thousand become text."""
    signals = judgement.signal  # -1 takes the last text, which is empty
    # A body that is nobody at this desk (a ghost on the furniture, a passer-by far off) is not present.
    present = measurement.present & (judgement.verdict != VERDICTS.index(Verdict.AWAY))

    def lines(part: tuple[slice, npt.NDArray[np.int8]]) -> str:
        block, state = part
        number = np.arange(block.start, block.stop)
        columns = (
            text(number.astype(np.bytes_)),
            text([_cell(name) for name in recording.names[block]]) if recording.names else _EMPTY[number * 0],
            fixed(recording.t_s[block], 3),
            _PRESENT[present[block].astype(np.intp)],
            _VIEWS[measurement.view[block]],
            fixed(measurement.confidence[block], 2),
            _CALIBRATION[(number < recording.calibrated).astype(np.intp)],
            _VERDICTS[judgement.verdict[block]],
            _VERDICTS[state],
            fixed(judgement.slouch_index[block], 3),
            _SIGNALS[signals[block]],
            _DRIVERS[signals[block]],
            _REASONS[judgement.reason[block]],
            *(fixed(row, 4) for row in measurement.values[:, block]),
            *(fixed(row, 4) for row in judgement.deviations[:, block]),
        )
        return joined(columns).decode()

    file.write(",".join(COLUMNS) + "\n")
    for rows in in_turn(lines, zip(blocks(len(measurement)), states, strict=True)):
        file.write(rows)


def _cell(name: str) -> str:
    """Return a name as a CSV cell."""
    cell = io.StringIO()
    csv.writer(cell, lineterminator="").writerow((name, ""))
    return cell.getvalue()[:-1]


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
