"""How numbers are kept small: per-minute summaries and single readings as compressed half floats.

Half precision keeps three significant digits (20.00° to 0.02°), far finer than
any camera measures, and compression makes unmeasured minutes cost nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from posture_monitor.posture.reading import VERDICTS, VIEWS, Verdict, View

Floats = npt.NDArray[np.float64]

#: Largest magnitude of a half float; beyond it a value is kept as NaN, not as infinity.
_HALF_MAX = 65504.0


def _halves(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float16]:
    wide = np.asarray(values, dtype=np.float64)
    return np.where(np.abs(wide) <= _HALF_MAX, wide, np.nan).astype("<f2")


def _squeeze(halves: npt.NDArray[np.float16]) -> bytes:
    # High bytes together and low bytes together: the high ones repeat and compress well.
    planes = np.frombuffer(halves.tobytes(), dtype=np.uint8).reshape(-1, 2).T
    return zlib.compress(planes.tobytes(), 6)


def _unsqueeze(data: bytes, shape: tuple[int, ...]) -> Floats:
    planes = np.frombuffer(zlib.decompress(data), dtype=np.uint8).reshape(2, -1)
    return np.frombuffer(planes.T.tobytes(), dtype="<f2").reshape(shape).astype(np.float64)


@dataclass
class Minutes:
    """One hour of per-minute summaries.

    Attributes
    ----------
    names
        ``k`` metric names.
    values
        ``(60, k, 2)``: median and 90th percentile of the deviation from neutral
        in each minute of the hour, in the metric's own unit; NaN where it was not measured.
    """

    names: tuple[str, ...] = ()
    values: Floats = field(default_factory=lambda: np.full((60, 0, 2), np.nan))

    def put(self, minute: int, summary: Mapping[str, tuple[float, float]]) -> None:
        """Set one minute (0..59), making room for metrics not met before in this hour."""
        new = tuple(name for name in summary if name not in self.names)
        if new:
            self.names += new
            self.values = np.concatenate([self.values, np.full((60, len(new), 2), np.nan)], axis=1)
        self.values[minute] = [summary.get(name, (np.nan, np.nan)) for name in self.names]

    def pack(self) -> tuple[str, bytes]:
        """Return the names as one text and the values as bytes."""
        return ",".join(self.names), _squeeze(_halves(self.values))

    @classmethod
    def unpack(cls, names: str, data: bytes) -> Minutes:
        """Undo `pack`."""
        split = tuple(filter(None, names.split(",")))
        return cls(split, _unsqueeze(data, (60, len(split), 2)))


@dataclass(frozen=True)
class Sample:
    """One reading as it is kept.

    Attributes
    ----------
    wall_s
        POSIX seconds, to the millisecond.
    verdict, view
        As judged then.
    slouch_index, confidence
        NaN where there was none.
    deviations
        Metric name to deviation from neutral; only what was measured.
    """

    wall_s: float
    verdict: Verdict
    view: View = View.UNKNOWN
    slouch_index: float = float("nan")
    confidence: float = float("nan")
    deviations: Mapping[str, float] = field(default_factory=dict)


_HEAD = np.dtype([("ms", "<u2"), ("verdict", "u1"), ("view", "u1")])
_ALWAYS = 2  # slouch index and confidence stand before the deviations


@dataclass(frozen=True)
class Samples:
    """The kept readings of one minute, in order of time.

    Attributes
    ----------
    wall_s
        ``(N,)`` POSIX seconds, to the millisecond.
    verdicts, views
        ``(N,)`` codes, indices into `VERDICTS` and `VIEWS`.
    slouch_index, confidence
        ``(N,)``; NaN where there was none.
    names, deviations
        ``k`` metric names and their ``(N, k)`` deviations from neutral; NaN where not measured.
    run
        Number of the recording in its file.
    """

    wall_s: Floats
    verdicts: npt.NDArray[np.uint8]
    views: npt.NDArray[np.uint8]
    slouch_index: Floats
    confidence: Floats
    names: tuple[str, ...]
    deviations: Floats
    run: int = 0


def pack_samples(samples: Sequence[Sample], minute: int) -> tuple[str, bytes]:
    """Pack the readings of one minute (POSIX seconds // 60)."""
    names = tuple(dict.fromkeys(name for sample in samples for name in sample.deviations))
    head = np.zeros(len(samples), dtype=_HEAD)
    body = np.full((len(samples), _ALWAYS + len(names)), np.nan)
    for row, sample in enumerate(samples):
        ms = min(round((sample.wall_s - 60 * minute) * 1000), 59_999)
        head[row] = ms, VERDICTS.index(sample.verdict), VIEWS.index(sample.view)
        body[row, :_ALWAYS] = sample.slouch_index, sample.confidence
        body[row, _ALWAYS:] = [sample.deviations.get(name, np.nan) for name in names]
    packed = len(samples).to_bytes(2, "little") + zlib.compress(head.tobytes(), 6)
    return ",".join(names), len(packed).to_bytes(2, "little") + packed + _squeeze(_halves(body))


def unpack_samples(names: str, data: bytes, minute: int, run: int = 0) -> Samples:
    """Undo `pack_samples`, of this recording."""
    split = tuple(filter(None, names.split(",")))
    size = int.from_bytes(data[:2], "little")
    packed = data[2 : 2 + size]
    count = int.from_bytes(packed[:2], "little")
    head = np.frombuffer(zlib.decompress(packed[2:]), dtype=_HEAD)
    body = _unsqueeze(data[2 + size :], (count, _ALWAYS + len(split)))
    return Samples(
        wall_s=60.0 * minute + head["ms"] / 1000,
        verdicts=head["verdict"],
        views=head["view"],
        slouch_index=body[:, 0],
        confidence=body[:, 1],
        names=split,
        deviations=body[:, _ALWAYS:],
        run=run,
    )


def pack_landmarks(landmarks: npt.NDArray[np.floating]) -> bytes:
    """Pack ``(N, 33, 4)`` landmarks as half floats (a four-thousandth of the picture's width)."""
    return _squeeze(_halves(landmarks))


def unpack_landmarks(data: bytes) -> Floats:
    """Undo `pack_landmarks`."""
    planes = len(zlib.decompress(data)) // 2
    return _unsqueeze(data, (planes // (33 * 4), 33, 4))
