"""Pages opened in a browser, by real processes."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

from waiting import wait_for

from posture_monitor import paths
from posture_monitor.service.browser import open_report


def test_the_page_of_a_day_is_made_and_opened_in_real_processes(home: Path, browser: Path) -> None:
    open_report(dt.date.today())
    wait_for(browser.exists, 20)
    assert browser.read_text().split()[0] == paths.report_file().resolve().as_uri()
    assert "Nothing was recorded" in paths.report_file().read_text(encoding="utf-8")


def test_without_a_browser_the_page_is_named(tmp_path: Path) -> None:
    code = "from pathlib import Path; from posture_monitor.service.browser import show; show(Path('page'))"
    bare = {"PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code], env=bare, capture_output=True, text=True)
    if sys.platform.startswith("linux"):
        assert "UserError: found no browser to open page with" in ended.stderr
