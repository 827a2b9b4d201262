"""A monitor that watches nothing: it holds the lock, listens, answers, and ends when it is told to."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from posture_monitor import children, paths
from posture_monitor.errors import UserError
from posture_monitor.service import background, logs
from posture_monitor.service.control_server import Server
from posture_monitor.service.held import taken_over
from posture_monitor.service.lock import Lock
from posture_monitor.service.status import Status


class StandIn:
    """Answers as the monitor does, from a snapshot."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.lock: Lock
        source = next((a.partition("=")[2] for a in sys.argv if a.startswith("--source=")), "0")
        self.status = Status(
            pid=os.getpid(), since_s=time.time(), activity="watching", state="good", source=source
        )
        held = taken_over()
        if held.paused:
            self.handle("pause", {"until_s": held.until_s})
        self.status = replace(self.status, snoozed_until_s=held.snoozed_until_s)

    def handle(self, do: str, args: Mapping[str, Any]) -> Mapping[str, Any]:
        if do == "status":
            return self.status.to_json()
        if do == "stop":
            if self.status.source != "http://deaf":
                self.ended.set()
        elif do == "pause":
            until_s = args["until_s"]
            self.status = replace(
                self.status, activity="paused", state="paused", paused=True, until_s=until_s
            )
        elif do == "resume":
            self.status = replace(self.status, activity="watching", state="good", paused=False, until_s=None)
        elif do == "snooze":
            self.status = replace(self.status, snoozed_until_s=time.time() + args["seconds"])
        elif do == "reanchor":
            raise ZeroDivisionError("a fault of the handler")
        elif do == "recount":
            self.lock.renew()
        elif do == "profile":
            raise UserError(f"there is no profile {args['name']!r}")
        return {}


def main() -> None:
    """Run until told to end."""
    children.take_over()
    stand_in = StandIn()
    if stand_in.status.source == "http://bad":
        sys.exit("posture-monitor: --source 'http://bad' is no camera")
    if stand_in.status.source == "http://deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with Lock() as stand_in.lock:
            logs.to_file()
            logging.getLogger("posture_monitor.stand_in").info("started")
            with Server(paths.control_socket(), stand_in.handle):
                background.settle()
                stand_in.ended.wait()
    except UserError as error:
        print(f"posture-monitor: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
