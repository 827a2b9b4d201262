"""How fast a history of years is told, each report in a process of its own as the user starts it.

python benchmarks/history.py            # makes a three-year history, prints a table
python benchmarks/history.py --json
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from posture_monitor.history import synthetic
from posture_monitor.history.export import size

#: Report to its limit in seconds of wall time.
LIMITS = {"day, text": 0.5, "month, text": 1.0, "day, html": 2.0}

_REPORT = textwrap.dedent("""
    import datetime as dt, resource, sys, time
    began = time.perf_counter()
    from pathlib import Path
    from posture_monitor.history import days, periods
    from posture_monitor.history.store import Store
    what, path, date = sys.argv[1], Path(sys.argv[2]), dt.date.fromisoformat(sys.argv[3])
    with Store.open(path, readonly=True) as store:
        if what == "day, html":
            from posture_monitor.telling.report.html import render_html
            page = render_html(days.day(store, date), periods.week(store, date), periods.month(store, date))
        else:
            from rich.console import Console
            from posture_monitor.telling.report.text import render_period, render_text
            console = Console(file=open("/dev/null", "w"))
            if what == "day, text":
                render_text(days.day(store, date), console)
            else:
                render_period(periods.month(store, date), console)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(time.perf_counter() - began, time.process_time(), peak_mb)
""")


def measure(path: Path, date: dt.date, repeats: int) -> list[dict[str, float | str]]:
    rows: list[dict[str, float | str]] = []
    for what, limit_s in LIMITS.items():
        whole, inside, busy, peaks = [], [], [], []
        for _ in range(repeats):
            began = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", _REPORT, what, str(path), date.isoformat()],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            whole.append(time.perf_counter() - began)
            seconds, cpu_s, peak_mb = map(float, done.stdout.split())
            inside.append(seconds)
            busy.append(cpu_s)
            peaks.append(peak_mb)
        rows.append(
            {
                "report": what,
                "process_s": round(min(whole), 3),
                "report_s": round(min(inside), 3),
                "cpu_s": round(min(busy), 3),
                "limit_s": limit_s,
                "peak_mb": round(max(peaks), 1),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--years", type=float, default=3.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="write the made-up history here and leave it")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "made-up" / "history.sqlite3"
        until = dt.date.today()
        began = time.perf_counter()
        made = synthetic.make(path, options.years, until)
        made_s = time.perf_counter() - began
        # A working day in the middle of the month that is still kept in full.
        date = until - dt.timedelta(days=(until.weekday() - 2) % 7 + 7)
        rows = measure(path, date, options.repeats)
        about = {"days": made, "years": options.years, "made_in_s": round(made_s, 1), "bytes": size(path)}
    if options.json:
        print(json.dumps({"history": about, "reports": rows}, indent=2))
        return
    print(
        f"{made} working days in {options.years:g} years, {about['bytes'] / 1e6:.1f} MB, "
        f"made in {made_s:.0f} s"
    )
    print(f"{'report':<14}{'process':>10}{'ours':>10}{'cpu':>10}{'limit':>10}{'memory':>12}")
    for row in rows:
        times = "".join(f"{row[name]:>8} s" for name in ("process_s", "report_s", "cpu_s", "limit_s"))
        print(f"{row['report']:<14}{times}{row['peak_mb']:>9} MB")


if __name__ == "__main__":
    main()
