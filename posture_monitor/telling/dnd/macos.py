"""macOS: a Focus switched on by hand leaves a record in the user's library; one by the clock none."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def quiet(library: Path | None = None) -> bool | None:
    """Return whether a Focus is on; None where this is not macOS or the record may not be read.

    Parameters
    ----------
    library
        The user's library folder, for tests.
    """
    if library is None:
        if sys.platform != "darwin":
            return None
        library = Path.home() / "Library"
    try:
        text = (library / "DoNotDisturb" / "DB" / "Assertions.json").read_text(encoding="utf-8")
        stores = json.loads(text)["data"]
        return any(store.get("storeAssertionRecords") for store in stores)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
