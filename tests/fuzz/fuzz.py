"""Throws changed files at the readers of files that others hand over; any error but `UserError` is a find.

pip install atheris
python tests/fuzz/fuzz.py profile FOUND -max_total_time=300
python tests/fuzz/fuzz.py table FOUND -max_total_time=300

Each different find is written into FOUND and printed; copied into
``tests/fuzz/profile`` or ``tests/fuzz/table`` it is a test from then on
(`tests/test_fuzz.py`), and a seed for the next run.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

SEEDS = Path(__file__).resolve().parent
sys.path.insert(0, str(SEEDS.parent.parent))

if __name__ == "__main__":
    import atheris

    with atheris.instrument_imports(include=["tomllib", "csv", "zipfile", "numpy.lib", "posture_monitor"]):
        from posture_monitor.errors import UserError
        from posture_monitor.sensing.landmark_table import read_table
        from posture_monitor.service.profile_file import read_profile

    kind, found = sys.argv[1], Path(sys.argv[2])
    found.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    # The fuzzer adds what leads somewhere new to the first folder it is given.
    grown = Path(folder.name) / "grown"
    grown.mkdir()
    met: set[tuple[str, str]] = set()

    def one(data: bytes) -> None:
        # What begins as a zip file is one; all else is text.
        suffix = ".toml" if kind == "profile" else ".npz" if data[:2] == b"PK" else ".csv"
        path = Path(folder.name) / f"handed{suffix}"
        path.write_bytes(data)
        try:
            (read_profile if kind == "profile" else read_table)(path)
        except UserError:
            pass
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            find = (type(error).__name__, f"{where.filename}:{where.lineno}")
            if find not in met:
                met.add(find)
                name = f"{find[0]}-{hashlib.sha256(data).hexdigest()[:8]}{suffix}"
                (found / name).write_bytes(data)
                print("FOUND", name, *find, str(error)[:200], flush=True)

    limits = ("-rss_limit_mb=3000", "-max_len=20000")
    atheris.Setup([sys.argv[0], *sys.argv[3:], *limits, str(grown), str(SEEDS / kind)], one)
    atheris.Fuzz()
