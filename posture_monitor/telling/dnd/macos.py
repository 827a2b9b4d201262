"""macOS: a Focus switched on by hand leaves a record in the user's library; one by the clock none."""

from __future__ import annotations

import json
from pathlib import Path


def quiet() -> bool:
    """Return whether a Focus is known to be on; the record may not be read by everybody."""
    record = Path.home() / "Library" / "DoNotDisturb" / "DB" / "Assertions.json"
    try:
        stores = json.loads(record.read_text(encoding="utf-8"))["data"]
        return any(store.get("storeAssertionRecords") for store in stores)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
