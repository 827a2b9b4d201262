"""The monitor's end of the eye process: asks for looks, hears the answers, ends what hangs."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from posture_monitor.children import python
from posture_monitor.errors import UserError
from posture_monitor.sensing.eye_process import receive, send
from posture_monitor.sensing.model import at_hand
from posture_monitor.sensing.sight import Blind, Place, Sight, Want

log = logging.getLogger(__name__)

#: A look that takes longer than this hangs: a camera gives up by itself after 5 to 10 s, and after 25 s on
#: Windows (`camera.OPEN_S`), where a look in bursts may have to wait for it to open.
LOOK_LIMIT_S = 35.0 if sys.platform == "win32" else 15.0
#: The first look loads the model and opens the camera.
FIRST_LIMIT_S = 40.0
#: Before that the model has to be fetched, once.
FETCH_LIMIT_S = 900.0
#: From this many bytes on the C library maps memory, and hands it back once freed: pictures are larger.
_MAPPED_FROM = 1 << 19
#: A process that was killed is gone within milliseconds, or hangs in a driver.
KILLED_S = 1.0


@dataclass(frozen=True)
class Looked:
    """An answer of the eye, and which process gave it: one that was ended meanwhile is not believed."""

    number: int
    answer: Sight | Blind


class EyeKeeper:
    """Keeps one eye process, or none.

    Parameters
    ----------
    heard
        Called with each `Looked`, from a thread of its own.

    Attributes
    ----------
    limit_s
        The monotonic second at which the look under way counts as hanging; None if none is.
    """

    def __init__(self, heard: Callable[[Looked], None]) -> None:
        self._heard = heard
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0
        self.limit_s: float | None = None
        self._patience_s = FIRST_LIMIT_S

    @property
    def pid(self) -> int | None:
        """Of the eye process; None where there is none, and so no camera open and no model loaded."""
        process = self._process  # asked from other threads, too: it may be ended meanwhile
        return process.pid if process is not None else None

    def look(self, place: Place, want: Want) -> float:
        """Ask for a look, starting the process if there is none; the answer is heard later.

        Returns
        -------
        :
            `limit_s`.
        """
        if self._process is None:
            self._patience_s = FIRST_LIMIT_S if at_hand(place.model) else FETCH_LIMIT_S
        self.limit_s = time.monotonic() + self._patience_s
        try:
            if self._process is None:
                self._start(place)
            assert self._process is not None
            send(self._pipe(self._process.stdin), want)
        except (OSError, RuntimeError) as error:  # it has just died, or no process or thread can be begun
            what = "ended" if isinstance(error, BrokenPipeError) else "cannot be started"
            why = f"the camera process {what}: {getattr(error, 'strerror', None) or error}"
            self._heard(Looked(self._number, Blind("failed", why)))
        return self.limit_s

    def _start(self, place: Place) -> None:
        self._process = subprocess.Popen(
            python("-m", "posture_monitor.sensing.eye_process"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Started at login Windows' pythonw has none to hand on, and a print to a broken one would fail.
            stderr=subprocess.DEVNULL if sys.stderr is None else None,
            # The C libraries' memory pools are kept small: one thread does nearly all; and pictures are
            # mapped, not taken from the heap, which their coming and going would leave in pieces.
            env={"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": str(_MAPPED_FROM), **os.environ},
        )
        _first_to_go(self._process.pid)
        send(self._pipe(self._process.stdin), place)
        threading.Thread(
            target=self._hear, args=(self._process, self._number), name="eye", daemon=True
        ).start()

    def _hear(self, process: subprocess.Popen[bytes], number: int) -> None:
        answers = self._pipe(process.stdout)
        with answers:
            try:
                while True:
                    self._heard(Looked(number, receive(answers)))
            except UserError as error:  # it lives, and is ended by whoever hears this
                self._heard(Looked(number, Blind("failed", str(error))))
            except Exception:  # whatever comes out of a dying process, it is over
                status = process.wait()
                # That nothing is seen is told once, by whoever hears this; it may be tried again for hours.
                log.debug("the camera process %d ended (status %d)", process.pid, status)
                self._heard(Looked(number, Blind("failed", f"the camera process ended ({_why(status)})")))

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> Any:
        assert pipe is not None  # both are asked for at its start
        return pipe

    def believe(self, looked: Looked) -> Sight | Blind | None:
        """Return the answer, or None for one of a process that was ended meanwhile."""
        if looked.number != self._number:
            return None
        self.limit_s, self._patience_s = None, LOOK_LIMIT_S
        if self._process is not None and self._process.poll() is not None:
            self.end()
        return looked.answer

    def end(self) -> None:
        """End the process at once, and with it release camera and model. Safe to call without one."""
        process, self._process = self._process, None
        self.limit_s = None
        self._number += 1  # what it may still say is not believed
        if process is None:
            return
        process.kill()
        # One that hangs deep in a driver ends when the driver returns; nobody waits for that.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(KILLED_S)
        # Its answers' end is closed by the thread that reads it.
        with contextlib.suppress(OSError):
            self._pipe(process.stdin).close()


def _first_to_go(pid: int) -> None:
    """Let Linux take this process where memory runs out: another is begun soon, and nothing is lost by it.

    From its first moment on: while it loads its libraries it is smaller than the monitor, and next to it
    the monitor would be taken.
    """
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("500")


def _why(status: int) -> str:
    """Return what a process's exit status says of its end."""
    if status == -getattr(signal, "SIGKILL", 9):
        return "it was killed; memory may have run out"
    if sys.platform == "darwin" and status == -getattr(signal, "SIGABRT", 6):
        # Started at login it asks for the camera in its own name, which macOS allows to applications alone.
        return "macOS ended it: it may not use the camera; run `posture-monitor restart` in a terminal"
    return f"status {status}"
