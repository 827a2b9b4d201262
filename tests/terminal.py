"""The program on a terminal of its own, answered as somebody would."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path


class Terminal:
    """The program on a terminal of its own, answered as somebody would."""

    def __init__(self, home: Path, *arguments: str, term: str = "xterm") -> None:
        self.screen = ""
        environment = {
            **os.environ,
            "POSTURE_MONITOR_HOME": str(home),
            "TERM": term,
            "COLUMNS": "100",
            "LINES": "40",
        }
        environment.pop("DISPLAY", None)
        environment.pop("WAYLAND_DISPLAY", None)
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "posture_monitor", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
            # A test run in a shell's background would hand down that Ctrl-C is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        os.close(theirs)

    def wait_for(self, text: str, seconds: float = 30.0) -> None:
        """Read until `text` is there."""
        until = time.monotonic() + seconds
        while text not in self.screen:
            assert time.monotonic() < until, f"no {text!r} in:\n{self.screen}"
            if not self._read():
                assert text in self.screen, f"no {text!r} in:\n{self.screen}"

    def _read(self) -> bool:
        if not select.select([self.ours], [], [], 0.2)[0]:
            return True
        try:
            more = os.read(self.ours, 65536)
        except OSError:  # it has ended
            return False
        self.screen += more.decode(errors="replace").replace("\r\n", "\n")
        return bool(more)

    def answer(self, question: str, text: str = "") -> None:
        self.wait_for(question)
        self.screen = self.screen.partition(question)[2]
        os.write(self.ours, f"{text}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C, no sooner than anybody can: what comes before it waits for a key, readline misses."""
        time.sleep(0.3)
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """Read to the end, and return the status."""
        until = time.monotonic() + 30
        while self._read() and time.monotonic() < until:
            if self.process.poll() is not None and not select.select([self.ours], [], [], 0.1)[0]:
                break
        return self.process.wait(timeout=20)

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self.ours)
