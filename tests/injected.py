"""Faults put into the service's own processes, which a test chooses while they run.

A ``sitecustomize`` that calls `install` is put before the program, so that the
processes it starts have them too. The folder ``POSTURE_MONITOR_FAULTS`` holds the
file ``eye``, one word for what the pose model does now, ``clock``, the seconds by
which this machine's clock is wrong, ``slept``, for how many it has slept, and
``hold``, for how many poor posture is to last before there is a reminder. Limits
are made shorter, so that a test need not wait a minute for what takes a minute.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

#: The history is written this often.
WRITTEN_S = 0.5
#: Each landmark of one side in the place of the other side's.
SWAPPED = [0, 4, 5, 6, 1, 2, 3, *(number + (1 if number % 2 else -1) for number in range(7, 33))]

SITECUSTOMIZE = "import injected\ninjected.install()\n"


def word(name: str) -> str:
    """Return what a file of the folder says; nothing where there is none."""
    try:
        return Path(os.environ["POSTURE_MONITOR_FAULTS"], name).read_text().strip()
    except FileNotFoundError:
        return ""


def install() -> None:
    """Put the faults into this process, by what it is going to be."""
    real_time = time.time
    time.time = lambda: real_time() + float(word("clock") or 0.0)
    if "posture_monitor.sensing.eye_process" in sys.orig_argv:
        _into_the_eye()
    elif "run" in sys.orig_argv:
        _into_the_monitor()


def _into_the_monitor() -> None:
    from posture_monitor.history import store
    from posture_monitor.posture import nudge
    from posture_monitor.service import eye, keeper, outage

    store.COMMIT_S = WRITTEN_S  # type: ignore[misc]
    policy = nudge.Policy
    nudge.Policy = lambda dose, _cooldown_s, most: policy(_held(dose), 2.0, most)  # type: ignore
    outage.FIRST_RETRY_S, outage.LAST_RETRY_S = 0.2, 0.5
    keeper.TEND_S, keeper.BEAT_S = 0.3, 1.0  # type: ignore[misc]
    eye.LOOK_LIMIT_S = 3.0
    clock_s = keeper.clock_s
    keeper.clock_s = lambda: clock_s() + float(word("slept") or 0.0)


def _held(dose: Any) -> Any:
    return replace(dose, poor_hold_s=float(word("hold") or dose.poor_hold_s))


def _into_the_eye() -> None:
    from posture_monitor.sensing import live, stream, trouble
    from posture_monitor.sensing.pose import PoseEstimator

    stream.SILENCE_S, live.WARM_UP_S = 1.5, 0.5
    trouble.FROZEN_FOR_S, trouble.DARK_FOR_S = 1.2, 0.5
    detect = PoseEstimator.detect

    def faulty(self: PoseEstimator, image: Any, t_s: float = 0.0) -> Any:
        return _faulty(word("eye"), lambda: detect(self, image, t_s))

    PoseEstimator.detect = faulty  # type: ignore[method-assign]


def _faulty(fault: str, detect: Any) -> Any:
    if fault == "raises":
        raise RuntimeError("the graph has failed")
    if fault == "memory":
        raise MemoryError
    if fault == "crashes":
        os.kill(os.getpid(), signal.SIGSEGV)
    if fault == "no memory":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (64 << 20, 64 << 20))
        return [bytearray(256 << 20), detect()]
    people = detect()
    if fault == "nan":
        people[:] = float("nan")
    elif fault == "outside":
        people[..., :2] += 5.0
    elif fault == "swapped":
        people = people[:, SWAPPED]
    return people
