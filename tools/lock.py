"""Writes ``requirements-dev.lock``, the versions development was last tried with: ``python tools/lock.py``.

``pip install -c requirements-dev.lock -e '.[dev]'`` installs just these. It is
made from what is installed, with all extras, so run the tests first. There are
no hashes in it: pip takes none beside a checkout that is installed editable.
"""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path

from make_third_party import ROOT, needed

TARGET = ROOT / "requirements-dev.lock"


def versions() -> dict[str, str]:
    """Return package to version of all that is installed for development."""
    found = {}
    for package in needed("dev").values():
        try:
            found[package.name] = metadata.version(package.name)
        except metadata.PackageNotFoundError:  # for another system or Python
            continue
    return found


def text() -> str:
    """Return the lock file."""
    python = ".".join(platform.python_version_tuple()[:2])
    lines = sorted((f"{name}=={version}" for name, version in versions().items()), key=str.lower)
    first = (
        f"# Made by `python tools/lock.py` on Python {python}; "
        "use: pip install -c requirements-dev.lock -e '.[dev]'"
    )
    return "\n".join([first, *lines, ""])


if __name__ == "__main__":
    Path(TARGET).write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
