"""Make every ``.mo`` afresh from its ``.po``: ``python -m posture_monitor.locale``."""

from __future__ import annotations

from posture_monitor.locale.catalogue import build_all

if __name__ == "__main__":
    for path in build_all():
        print(path)
