"""The service as ``posture-monitor run --detached`` runs it, with a stand-in for the camera's device node.

A machine without a camera has no node that a call could open. Everything else is
the program itself.
"""

from __future__ import annotations

import sys

from posture_monitor import cli
from posture_monitor.service import assembly

if __name__ == "__main__":
    node = sys.argv.pop(1)
    assembly.camera_node = lambda _source: node
    cli.main()
