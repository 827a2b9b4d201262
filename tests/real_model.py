"""The real pose model, fetched once and kept for later runs of the tests."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from unittest import mock

from posture_monitor.sensing.model import ensure_model

ROOT = Path(__file__).resolve().parent.parent
# As it was when the tests began: each test's own home comes and goes.
HOME = os.environ.get("POSTURE_MONITOR_HOME") or str(ROOT / ".pytest_cache" / "posture-monitor")


@functools.cache
def real_model() -> Path:
    """Return the program's own bundle.

    Kept in the data folder that the environment names, else beside pytest's
    cache: never among the files of whoever runs the tests.
    """
    with mock.patch.dict(os.environ, POSTURE_MONITOR_HOME=HOME):
        return ensure_model()
