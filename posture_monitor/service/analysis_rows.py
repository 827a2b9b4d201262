"""What `analyze` writes of each frame: one row of a CSV."""

from __future__ import annotations

import csv
import io
from typing import IO

import numpy as np
import numpy.typing as npt

from posture_monitor.bulk_text import fixed, joined, text
from posture_monitor.posture.judge import SIGNAL_NAMES, SIGNALS, Judgement
from posture_monitor.posture.metrics import NAMES, REASONS, Measurement
from posture_monitor.posture.reading import VERDICTS, VIEWS, Verdict
from posture_monitor.service.recorded import Recorded

COLUMNS = (
    *("frame", "name", "t_s", "present", "view", "confidence", "calibration"),
    *("verdict", "state", "slouch_index", "signal", "driver", "reason"),
    *NAMES,
    *(f"d_{name}" for name in NAMES),
)

#: Rows that become text at once: enough that NumPy is busy, and few enough that they stay in the cache.
_ROWS = 8192
_PRESENT, _CALIBRATION = text(["0", "1"]), text(["", "calibration"])
_VIEWS, _VERDICTS, _REASONS = (text([str(item) for item in kind]) for kind in (VIEWS, VERDICTS, REASONS))
_SIGNALS, _DRIVERS = text([*SIGNAL_NAMES, ""]), text([*(signal.driver for signal in SIGNALS), ""])


def write_rows(
    file: IO[bytes],
    recorded: Recorded,
    measurement: Measurement,
    judgement: Judgement,
    states: npt.NDArray[np.int8],
) -> None:
    """Write one row a frame, and the columns' names before them.

    Parameters
    ----------
    states
        ``(N,)``, codes into `VERDICTS`.
    """
    signals = judgement.signal  # -1 takes the last text, which is empty
    # A body that is nobody at this desk (a ghost on the furniture, a passer-by far off) is not present.
    present = measurement.present & (judgement.verdict != VERDICTS.index(Verdict.AWAY))

    def lines(block: slice) -> bytes:
        number = np.arange(*block.indices(len(measurement)))
        columns = (
            (number.astype(np.bytes_),),
            (text([_cell(name) for name in recorded.names[block]]),) if recorded.names else (),
            fixed(recorded.t_s[block], 3),
            (_PRESENT[present[block].astype(np.intp)],),
            (_VIEWS[measurement.view[block]],),
            fixed(measurement.confidence[block], 2),
            (_CALIBRATION[(number < recorded.calibrated).astype(np.intp)],),
            (_VERDICTS[judgement.verdict[block]],),
            (_VERDICTS[states[block]],),
            fixed(judgement.slouch_index[block], 3),
            (_SIGNALS[signals[block]],),
            (_DRIVERS[signals[block]],),
            (_REASONS[judgement.reason[block]],),
            *(fixed(row, 4) for row in measurement.values[:, block]),
            *(fixed(row, 4) for row in judgement.deviations[:, block]),
        )
        return joined(columns)

    file.write(",".join(COLUMNS).encode() + b"\n")
    for start in range(0, len(measurement), _ROWS):
        file.write(lines(slice(start, start + _ROWS)))


def _cell(name: str) -> str:
    """Return a name as a CSV cell."""
    cell = io.StringIO()
    # Only what is in its line's end does the writer quote for being a line's end.
    csv.writer(cell, lineterminator="\r\n").writerow((name, ""))
    return cell.getvalue().removesuffix(",\r\n")
