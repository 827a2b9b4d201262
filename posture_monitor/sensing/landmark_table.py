"""Landmarks without pictures: a CSV or NPZ table, one row a frame.

Columns are ``t_s, width, height``, then ``x0, y0, z0, v0 … x32, y32, z32, v32``
(image-normalised; `v` is visibility 0..1). A row in which nobody was seen has
empty (CSV) or NaN landmarks. A table whose ``t_s`` is empty or NaN throughout
holds stills. Further columns are ignored. An NPZ holds either these columns as
arrays ``(N,)``, or ``t_s``, ``width``, ``height`` ``(N,)`` and ``landmarks``
``(N, 33, 4)``, which is the form written here.
"""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from posture_monitor.bulk_text import numbers, numerical
from posture_monitor.errors import UserError
from posture_monitor.posture.landmarks import COUNT
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.sources import Paced
from posture_monitor.throughput import in_turn
from posture_monitor.whole_file import replacing

_HEAD = ("t_s", "width", "height")
_LANDMARKS = tuple(f"{axis}{i}" for i in range(COUNT) for axis in "xyzv")
COLUMNS = _HEAD + _LANDMARKS
#: Some rows: time and size ``(n, 3)`` float64, and landmark columns ``(n, k)`` float32.
_Part: TypeAlias = tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]
#: Bytes of a CSV file that are read at once: enough that threads seldom wait for each other, and few
#: enough that what is made of them stays in the cache.
_PIECE = 1 << 21


@dataclass(frozen=True)
class LandmarkTable:
    """Landmarks of `N` frames.

    Attributes
    ----------
    t_s
        ``(N,)`` float64, seconds, growing; all NaN for stills.
    size
        ``(N, 2)`` float64: width and height of each picture, in pixels.
    landmarks
        ``(N, 33, 4)`` float32, image-normalised x, y, z and visibility; NaN where nobody was seen.
    """

    t_s: npt.NDArray[np.float64]
    size: npt.NDArray[np.float64]
    landmarks: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.t_s)

    @property
    def stills(self) -> bool:
        """Whether each row stands on its own."""
        return bool(np.isnan(self.t_s).all())


def read_table(path: Path, used: Collection[str] | None = None) -> LandmarkTable:
    """Read a landmark table.

    Parameters
    ----------
    path
        A file whose name ends in ``.npz`` or else a CSV file.
    used
        The landmark columns that are needed; None: all. Of a CSV file the others may be left out to save
        time, and are NaN then; of what is wrong in them only characters are noticed that are in no number.

    Raises
    ------
    UserError
        If the file cannot be read, columns are missing, a value is no number,
        time does not grow, or a width or height is below one pixel.
    """
    names = COLUMNS if used is None else (*_HEAD, *(name for name in _LANDMARKS if name in used))
    try:
        return _checked(path, _read_npz(path) if path.suffix.lower() == ".npz" else _read_csv(path, names))
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error


def refuse_table_name(path: Path) -> None:
    """Raise `UserError` where a name does not say how a landmark table is to be written."""
    if path.suffix.lower() not in (".npz", ".csv"):
        raise UserError(f"{path}: a landmark table is written as .npz or .csv; end the name so")


def write_table(path: Path, table: LandmarkTable) -> None:
    """Write a landmark table, as NPZ or CSV after the file's name; `read_table` gives back the same numbers.

    Raises
    ------
    UserError
        If the name ends otherwise, or the file cannot be written.
    """
    refuse_table_name(path)
    write = _write_npz if path.suffix.lower() == ".npz" else _write_csv
    try:
        with replacing(path, lasting=False) as file:
            write(file, table)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error


class TableSource(Paced):
    """A landmark table as a source: one frame a row, without pictures.

    Parameters
    ----------
    path
        The ``.csv`` or ``.npz`` file.
    started_at
        POSIX seconds of the first row; None: so that the table ends now.
    realtime
        Pace rows by the real clock.
    used
        The landmark columns that are needed, as `read_table` takes them.
    """

    def __init__(
        self,
        path: Path,
        *,
        started_at: float | None,
        realtime: bool,
        used: Collection[str] | None,
    ) -> None:
        super().__init__(started_at=started_at, realtime=realtime)
        self.name = str(path)
        self.identity = f"table {path.name}"
        self.table = read_table(path, used)
        self.stills = self.table.stills
        self.total = len(self.table)
        duration_s = 0.0 if self.stills else float(self.table.t_s[-1] - self.table.t_s[0])
        self._start = self.start_s(duration_s)

    def frames(self) -> Iterator[Frame]:
        """Yield one frame a row."""
        first_s = float(self.table.t_s[0])
        for t, (width, height), landmarks in zip(
            self.table.t_s.tolist(), self.table.size.tolist(), self.table.landmarks, strict=True
        ):
            if self.stills:
                wall_s = self._start
            else:
                wall_s = self._start + t - first_s
                self.pace(t)
            yield Frame(t, wall_s, round(width), round(height), landmarks=landmarks)


def _checked(path: Path, table: LandmarkTable) -> LandmarkTable:
    """Return the table if its numbers make sense."""
    if len(table) == 0:
        raise UserError(f"{path}: a landmark table without rows")
    for k, name in ((0, "width"), (1, "height")):
        bad = ~(np.isfinite(table.size[:, k]) & (table.size[:, k] >= 1))
        if bad.any():
            row = int(bad.argmax())
            raise UserError(
                f"{_where(path, row)}, column {name}: must be 1 or more, not {table.size[row, k]:g}"
            )
    timeless = np.isnan(table.t_s)
    if timeless.any() and not timeless.all():
        row = int(timeless.argmax())
        raise UserError(
            f"{_where(path, row)}, column t_s: empty, while other rows have a time; fill all or none"
        )
    if np.isinf(table.t_s).any():
        raise UserError(f"{_where(path, int(np.isinf(table.t_s).argmax()))}, column t_s: not a finite number")
    back = np.diff(table.t_s) <= 0  # of stills it is NaN, which is not
    if back.any():
        row = int(back.argmax()) + 1
        raise UserError(
            f"{_where(path, row)}, column t_s: time must grow, but {table.t_s[row]:g} "
            f"follows {table.t_s[row - 1]:g}; sort the rows by time"
        )
    # The largest magnitude is infinite if any value is; far cheaper than a mask of the whole table.
    flat = table.landmarks.reshape(-1)
    if math.isinf(np.fmax.reduce(flat)) or math.isinf(np.fmin.reduce(flat)):
        row, column = divmod(int(np.isinf(flat).argmax()), len(_LANDMARKS))
        raise UserError(f"{_where(path, row)}, column {_LANDMARKS[column]}: not a finite number")
    return table


def _where(path: Path, row: int) -> str:
    """Return how a row is called in messages: counted from 1, in a CSV with the line of the file."""
    line = "" if path.suffix.lower() == ".npz" else f" (line {_line(path, row)})"
    return f"{path}: row {row + 1}{line}"


def _line(path: Path, row: int) -> int:
    """Return the line of a row in a CSV file, where blank lines are no rows."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        reader = csv.reader(file)
        lines = (reader.line_num for cells in reader if cells)
        return next(itertools.islice(lines, row + 1, None))


def _missing(path: Path, missing: list[str], hint: str = "") -> UserError:
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    plural = "s" if len(missing) > 1 else ""
    return UserError(
        f"{path}: missing column{plural} {', '.join(missing[:3])}{more}; a landmark table has t_s, width, "
        f"height, x0, y0, z0, v0 … x32, y32, z32, v32{hint}"
    )


def _single(landmarks: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
        return landmarks.astype(np.float32, copy=False)


def _from_columns(columns: npt.NDArray[np.float64]) -> LandmarkTable:
    """Return the table of an array ``(N, len(COLUMNS))``."""
    return _joined([(columns[:, :3], _single(columns[:, 3:]))], COLUMNS)


def _joined(parts: Sequence[_Part], names: tuple[str, ...]) -> LandmarkTable:
    """Return the table of parts that follow each other; landmarks that are in none are NaN."""
    head = np.concatenate([part[0] for part in parts])
    landmarks = np.full((len(head), len(_LANDMARKS)), np.nan, dtype=np.float32)
    places = [_LANDMARKS.index(name) for name in names[3:]]
    row = 0
    for _, found in parts:
        landmarks[row : row + len(found), places] = found
        row += len(found)
    return LandmarkTable(head[:, 0].copy(), head[:, 1:].copy(), landmarks.reshape(-1, COUNT, 4))


def _read_npz(path: Path) -> LandmarkTable:
    try:
        # Pickles can run code, so a file that holds one is refused.
        with np.load(path, allow_pickle=False) as file:
            whole = "landmarks" in file.files
            wanted = (*_HEAD, "landmarks") if whole else COLUMNS
            if missing := [name for name in wanted if name not in file.files]:
                raise _missing(path, missing)
            # A member that is no array at all comes as bytes.
            arrays = {name: np.asarray(file[name]) for name in wanted}
    except (UserError, OSError):
        raise
    except Exception as error:
        # NumPy lets through whatever it stumbles over: errors of zlib, of Python's own tokenizer, of memory.
        raise UserError(
            f"{path}: cannot be read as a landmark table; damaged, or holds more than numbers"
        ) from error
    n = arrays["t_s"].shape[0] if arrays["t_s"].ndim == 1 else 0
    for name, array in arrays.items():
        shape = (n, COUNT, 4) if name == "landmarks" else (n,)
        if array.dtype.kind not in "fiu":
            raise UserError(f"{path}: array {name} must hold numbers, not {array.dtype}")
        if array.shape != shape:
            raise UserError(f"{path}: array {name} must have shape {shape}, not {array.shape}")
    if not whole:
        return _from_columns(np.stack([arrays[name].astype(np.float64) for name in COLUMNS], axis=1))
    return LandmarkTable(
        t_s=arrays["t_s"].astype(np.float64),
        size=np.stack([arrays["width"], arrays["height"]], axis=1).astype(np.float64),
        landmarks=_single(arrays["landmarks"]),
    )


def _read_csv(path: Path, names: tuple[str, ...]) -> LandmarkTable:
    with path.open("rb") as file:
        table = _read_plain(file, names)
    return _read_cells(path) if table is None else table


def _read_plain(file: IO[bytes], names: tuple[str, ...]) -> LandmarkTable | None:
    """Read a table that holds nothing but plain numbers, in bulk; None where it is not quite that."""
    header = [name.strip() for name in file.readline().decode("utf-8-sig", "replace").split(",")]
    if any(header.count(name) != 1 for name in COLUMNS):
        return None
    if len(header) > len(COLUMNS):
        names = COLUMNS  # further columns may hold any characters, so that these tell nothing
    order = [header.index(name) for name in names]

    def read(lines: bytes) -> _Part | None:
        if len(names) < len(header) and not numerical(lines):
            return None
        columns = numbers(lines, len(header), order)
        return None if columns is None else (columns[:, :3].copy(), _single(columns[:, 3:]))

    parts: list[_Part] = []
    for part in in_turn(read, _pieces(file)):
        if part is None:
            return None
        parts.append(part)
    return _joined(parts, names) if parts else None


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of a file by the piece, each of whole lines."""
    while piece := file.read(_PIECE):
        piece += file.readline()
        yield piece if piece.endswith(b"\n") else piece + b"\n"


def _read_cells(path: Path) -> LandmarkTable:
    """Read a table cell by cell: all that a CSV file may hold, and naming the first cell that is wrong."""
    rows: list[npt.NDArray[np.float64]] = []
    with path.open(encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        try:
            header = [name.strip() for name in next(reader, [])]
            order = _order(path, header)
            for cells in reader:
                if cells:  # else a blank line
                    where = f"row {len(rows) + 1} (line {reader.line_num})"
                    rows.append(_row(path, where, cells, order, len(header)))
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: not a CSV file in UTF-8") from error
        except csv.Error as error:
            raise UserError(f"{path}: line {reader.line_num}: {error}") from error
    return _from_columns(np.array(rows).reshape(-1, len(COLUMNS)))


def _order(path: Path, header: list[str]) -> list[int]:
    """Return the places of `COLUMNS` in a header."""
    if missing := [name for name in COLUMNS if name not in header]:
        separated = len(header) == 1 and (";" in header[0] or "\t" in header[0])
        raise _missing(path, missing, "; the columns must be separated by commas" if separated else "")
    if twice := [name for name in COLUMNS if header.count(name) > 1]:
        raise UserError(f"{path}: column {twice[0]} is there twice")
    return [header.index(name) for name in COLUMNS]


def _row(path: Path, where: str, cells: list[str], order: list[int], width: int) -> npt.NDArray[np.float64]:
    """Return the numbers of one row, in the order of `COLUMNS`."""
    if len(cells) <= max(order) or any(cell.strip() for cell in cells[width:]):
        raise UserError(f"{path}: {where}: {len(cells)} cells, but the header has {width} columns")
    values = []
    for name, k in zip(COLUMNS, order, strict=True):
        try:
            values.append(float(cells[k]) if cells[k].strip() else math.nan)
        except ValueError:
            raise UserError(f"{path}: {where}, column {name}: {cells[k][:40]!r} is not a number") from None
    return np.array(values)


def _write_npz(file: IO[bytes], table: LandmarkTable) -> None:
    width, height = table.size.T
    np.savez(file, t_s=table.t_s, width=width, height=height, landmarks=table.landmarks)


def _write_csv(file: IO[bytes], table: LandmarkTable) -> None:
    def cell(value: Any) -> str:
        # The shortest text that reads back as the same number.
        return "" if math.isnan(value) else str(int(value)) if value == int(value) else str(value)

    file.write(",".join(COLUMNS).encode() + b"\n")
    for t, size, landmarks in zip(table.t_s.tolist(), table.size.tolist(), table.landmarks, strict=True):
        file.write(",".join(map(cell, (t, *size, *landmarks.reshape(-1)))).encode() + b"\n")
