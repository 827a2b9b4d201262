"""The program as its user runs it: a process of its own, a home of its own, and the tables it writes."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from real_model import real_model

from posture_monitor.sensing.model import sidecar

ROOT = Path(__file__).resolve().parent.parent

#: What would lead to somebody's real desktop, or let it choose the language.
_DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
_LANGUAGE = ("LANG", "LANGUAGE", "LC_MESSAGES")

Ended = subprocess.CompletedProcess[str]


def fresh_home(folder: Path) -> Path:
    """Return a data folder in which there is nothing but the pose model."""
    models = folder / "models"
    models.mkdir(parents=True)
    for file in (real_model(), sidecar(real_model())):
        shutil.copy(file, models)
    return folder


def environment(home: Path, *, desktop: bool = False, **settings: str) -> dict[str, str]:
    """Return an environment with this home, English, and a desktop only if asked for."""
    left_out = _LANGUAGE if desktop else (*_LANGUAGE, *_DESKTOP)
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    ours = {"POSTURE_MONITOR_HOME": str(home), "LC_ALL": "C.UTF-8", "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}
    return {**kept, **ours, **settings}


def program(
    *arguments: str | Path, home: Path, desktop: bool = False, under: Sequence[str] = (), **settings: str
) -> Ended:
    """Run a command to its end; `under` another that watches it, where one is given."""
    return subprocess.run(
        [*under, sys.executable, "-m", "posture_monitor", *map(str, arguments)],
        cwd=ROOT,
        env=environment(home, desktop=desktop, **settings),
        capture_output=True,
        text=True,
        timeout=300,
    )


def done(*arguments: str | Path, **how: Any) -> str:
    """Run a command, as `program` does, that must do well, and return what it printed."""
    ended = program(*arguments, **how)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout


def started(*arguments: str | Path, home: Path, **settings: str) -> subprocess.Popen[str]:
    """Start a command and leave it running; read to its end or kill it."""
    return subprocess.Popen(
        [sys.executable, "-m", "posture_monitor", *map(str, arguments)],
        cwd=ROOT,
        env=environment(home, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def noon() -> str:
    """Return a time zone in which it is about noon, so that a test's minutes all lie in one day."""
    return f"NOON{(time.gmtime().tm_hour - 12):+d}"


def rows(table: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def runs(table: list[dict[str, str]], column: str) -> list[tuple[str, float, float]]:
    """Return each value of a column that holds for some time, with its first and last second."""
    found: list[Any] = []
    for row in table:
        t_s = float(row["t_s"])
        if found and found[-1][0] == row[column]:
            found[-1][2] = t_s
        else:
            found.append([row[column], t_s, t_s])
    return [(value, first, last) for value, first, last in found]


def loaded(*arguments: str, home: Path, of: Sequence[str]) -> set[str]:
    """Return which of these modules a command has imported at its end."""
    code = (
        "import sys\nfrom posture_monitor.cli import main\n"
        "try: main()\n"
        f"except SystemExit: print('loaded:', *(set({tuple(of)}) & sys.modules.keys()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT, env=environment(home), capture_output=True, text=True, check=True,
    )  # fmt: skip
    words = ended.stdout.splitlines()[-1].split()
    assert words[0] == "loaded:", ended.stdout
    return set(words[1:])
