"""Asks an advisory database about known holes in the packages of the lock file: ``python tools/audit.py``.

Needs ``pip install pip-audit``. Leaves with 1 where a hole is known, and with 0
where there is none or where no advisory database can be reached, which it says.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements-dev.lock"


def main() -> int:
    """Run the audit and return the exit status."""
    if importlib.util.find_spec("pip_audit") is None:
        print("skipped: pip-audit is not installed")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        asked = ("--requirement", str(LOCK), "--no-deps", "--disable-pip", "--progress-spinner", "off")
        command = [sys.executable, "-m", "pip_audit", *asked, "--format", "json", "--output", str(told)]
        try:
            ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            print("skipped: no advisory database reachable (no answer within 5 minutes)")
            return 0
        # Without an answer from the database nothing is written, whatever the exit status.
        if not told.is_file():
            last = (ran.stderr.strip().splitlines() or ["no reason given"])[-1]
            print(f"skipped: no advisory database reachable ({last[:160]})")
            return 0
        packages = json.loads(told.read_text(encoding="utf-8"))["dependencies"]
    looked_at = [each for each in packages if "skip_reason" not in each]
    if not looked_at:
        print(f"skipped: no advisory database reachable ({packages[0]['skip_reason'][:160]})")
        return 0
    holes = [(each["name"], each["version"], hole) for each in looked_at for hole in each["vulns"]]
    for name, version, hole in holes:
        print(
            f"{name} {version}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        )
    unknown = len(packages) - len(looked_at)
    print(
        f"{len(looked_at)} packages looked at, {len(holes)} known holes, {unknown} not known to the database"
    )
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
