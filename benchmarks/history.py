"""How fast a history of years is told, each report as the user types it, in a process of its own.

python benchmarks/history.py            # makes a three-year history, prints a table
python benchmarks/history.py --json
python benchmarks/history.py --keep DIR # leaves the history in DIR, to try: POSTURE_MONITOR_HOME=DIR
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import made_up_history

from posture_monitor.history.erasure import size

#: What is typed after ``posture-monitor``, and its limit in seconds of wall time. DATE and DIR are filled in.
COMMANDS: dict[str, tuple[tuple[str, ...], float]] = {
    "day, text": (("report", "DATE"), 0.5),
    "week, text": (("report", "DATE", "--week"), 1.0),
    "month, text": (("report", "DATE", "--month"), 1.0),
    "day, html": (("report", "DATE", "--format", "html"), 2.0),
    "export": (("data", "export", "DIR"), 40.0),
}


def typed(arguments: list[str], home: Path) -> tuple[float, float, float]:
    """Run a command; return its wall time and processor time in seconds and its largest memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "posture_monitor", *arguments],
        env={**os.environ, "POSTURE_MONITOR_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"posture-monitor {' '.join(arguments)} left with status {process.returncode}")
    return wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measure(home: Path, date: dt.date, repeats: int) -> list[dict[str, float | str]]:
    rows: list[dict[str, float | str]] = []
    for what, (command, limit_s) in COMMANDS.items():
        tries = []
        for _ in range(1 if what == "export" else repeats):
            with tempfile.TemporaryDirectory() as folder:
                filled = {"DATE": date.isoformat(), "DIR": folder}
                tries.append(typed([filled.get(word, word) for word in command], home))
        rows.append(
            {
                "command": what,
                "wall_s": round(min(wall_s for wall_s, _, _ in tries), 3),
                "cpu_s": round(min(cpu_s for _, cpu_s, _ in tries), 3),
                "limit_s": limit_s,
                "peak_mb": round(max(peak_mb for _, _, peak_mb in tries), 1),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--years", type=float, default=3.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the history here and leave it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    home = options.keep or Path(tempfile.mkdtemp())
    try:
        path = home / "history.sqlite3"
        until = dt.date.today()
        began = time.perf_counter()
        made = made_up_history.make(path, options.years, until)
        made_s = time.perf_counter() - began
        # A working day in the middle of the month that is still kept in full.
        date = until - dt.timedelta(days=(until.weekday() - 2) % 7 + 7)
        rows = measure(home, date, options.repeats)
        about = {"days": made, "years": options.years, "made_in_s": round(made_s, 1), "bytes": size(path)}
    finally:
        if options.keep is None:
            shutil.rmtree(home)
    if options.json:
        print(json.dumps({"history": about, "commands": rows}, indent=2))
        return
    print(
        f"{made} working days in {options.years:g} years, {about['bytes'] / 1e6:.1f} MB, "
        f"made in {made_s:.0f} s"
    )
    print(f"{'as typed':<14}{'wall':>10}{'cpu':>10}{'limit':>10}{'memory':>12}")
    for row in rows:
        times = "".join(f"{row[name]:>8} s" for name in ("wall_s", "cpu_s", "limit_s"))
        print(f"{row['command']:<14}{times}{row['peak_mb']:>9} MB")


if __name__ == "__main__":
    main()
