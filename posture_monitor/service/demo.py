"""``demo``: the whole main job on moving pictures made from one photograph."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from posture_monitor import paths
from posture_monitor.history import days
from posture_monitor.history.store import Store
from posture_monitor.sensing.demo import DEMO_SECONDS
from posture_monitor.service.calibration import Request, calibrate
from posture_monitor.service.recording import watch
from posture_monitor.telling.report.text import render_text

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config

#: The demo's slouch lasts less than half a minute, so it speaks up sooner than a working day's settings.
POOR_HOLD_S = 10.0
#: What the demo calibrates on, from its beginning.
CALIBRATE_S = 18.0
PROFILE = "demo"


def demo(config: Config, console: Console, *, realtime: bool) -> None:
    """Calibrate, watch, alert, keep and report on the demo source.

    It runs the real model and the real judgement, and keeps its minute in a
    history of its own, in place of that of the last demo.
    """
    hurried = config.alert.model_copy(update={"poor_hold_s": POOR_HOLD_S})
    config = config.model_copy(update={"alert": hurried})
    console.print(
        "[bold]A minute at the desk, made from one photograph.[/bold] "
        f"Reminders come after {POOR_HOLD_S:g} s of poor posture here instead of the usual "
        "minutes; everything else is as it always is.",
        markup=True,
    )
    console.rule("1. Calibrate")
    calibrate(config, Request("demo", CALIBRATE_S, PROFILE), console)
    console.rule("2. Watch")
    began = time.time() if realtime else time.time() - DEMO_SECONDS
    # A stranger's minute is no part of the user's days.
    history = paths.demo_history_file()
    shutil.rmtree(history.parent, ignore_errors=True)
    watch(
        config,
        source="demo",
        profile=PROFILE,
        started_at=began,
        realtime=realtime,
        console=console,
        history=history,
    )
    console.rule("3. Report")
    with Store.open(history, readonly=True) as store:
        _, last_s = store.extent() or (0.0, time.time())
        render_text(days.day(store, days.today(last_s)), console, advice="")
    console.print(
        "\nThat was the demo; your own history knows nothing of it. What you can do next:\n"
        "  [bold]posture-monitor report --demo --open[/bold]  see it as a page\n"
        "  [bold]posture-monitor calibrate[/bold]             begin with a webcam\n"
        "  [bold]posture-monitor start[/bold]                 watch from then on",
        markup=True,
    )
