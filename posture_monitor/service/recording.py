"""A recording, or the demo, watched to its end, without the service."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.history.store import Store
from posture_monitor.sensing.sources import open_source
from posture_monitor.service.looking import Looker
from posture_monitor.service.monitor import Monitor, closing, opening
from posture_monitor.service.places import OtherView
from posture_monitor.service.profiles import load_profile
from posture_monitor.service.signals import handled
from posture_monitor.telling.notify import pick_channel

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config

#: While watching others are looked for this often.
CROWD_EVERY_S = 10.0


def watch(
    config: Config,
    *,
    source: str,
    profile: str,
    started_at: float | None,
    realtime: bool,
    console: Console,
    history: Path | None = None,
) -> None:
    """Watch `source` until it ends or the user stops it.

    Parameters
    ----------
    history
        Where what is judged is kept; None is the user's own history.

    Raises
    ------
    UserError
        Source, profile, model, history or channel cannot be used. What was
        judged until then is kept.
    """
    chosen = load_profile(profile)
    interval_s = config.camera.interval_s
    opened = open_source(
        source,
        started_at=started_at,
        realtime=realtime,
        width=config.camera.width,
        height=config.camera.height,
        min_interval_s=interval_s,
    )
    with contextlib.ExitStack() as stack:
        looker = stack.enter_context(Looker(opened, config.model.own, crowd_every_s=CROWD_EVERY_S))
        if opened.stills:
            raise UserError(
                f"{source}: stills have no time to watch over; use `posture-monitor analyze` for them"
            )
        store = stack.enter_context(
            Store.open(
                history or paths.history_file(),
                keep_samples_days=config.history.keep_samples_days,
                keep_landmarks=config.history.keep_landmarks,
            )
        )
        notifier = pick_channel(config.alert.channel, sound=config.alert.sound, write=console.print)
        stack.callback(notifier.close)
        live = opened.live or realtime
        monitor = Monitor(config, chosen, store, notifier, console, interval_s, live, ask_desktop=live)
        monitor.begin(opened.name)
        console.print(opening(opened.name, chosen, opened.live, notifier))
        views = OtherView(chosen)
        with _stopping() as stop:
            for seen in looker.look(lambda: monitor.neutral):
                if (view := views.check(monitor.take(seen))) is not None:
                    raise UserError(
                        f"profile {chosen.name!r} was made from the {chosen.neutral.view} view, but this "
                        f"source shows the {view} view; calibrate for this camera place, "
                        "or choose another profile"
                    )
                if stop.is_set():
                    break
        console.print(closing(monitor))
    if store.trouble:
        raise UserError(f"not all that was seen could be kept: {store.trouble}")


@contextlib.contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Let Ctrl-C and SIGTERM end the loop after the frame in hand, so that nothing is lost."""
    stop = threading.Event()

    def asked(*_: object) -> None:
        if stop.is_set():  # asked twice: the source does not answer
            raise KeyboardInterrupt
        stop.set()

    with handled(("SIGINT", "SIGTERM"), asked):
        yield stop
