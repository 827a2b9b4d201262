"""Pages opened in a browser, by real processes."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from posture_monitor import paths
from posture_monitor.service.browser import open_report


def test_the_page_of_a_day_is_made_and_opened_in_real_processes(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\necho "$1" > "{seen}.new" && mv "{seen}.new" "{seen}"\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    open_report(dt.date.today())
    for _ in range(400):
        if seen.exists():
            break
        time.sleep(0.05)
    assert seen.read_text().strip() == paths.report_file().resolve().as_uri()
    assert "Nothing was recorded" in paths.report_file().read_text(encoding="utf-8")


def test_without_a_browser_the_page_is_named(tmp_path: Path) -> None:
    code = "from pathlib import Path; from posture_monitor.service.browser import show; show(Path('page'))"
    bare = {"PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True)
    if sys.platform.startswith("linux"):
        assert "UserError: found no browser to open page with" in ended.stderr
