"""The background service put together: lock, history, notifications, loop, control channel, tray."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from posture_monitor import memory, paths
from posture_monitor.errors import UserError
from posture_monitor.history.records import NOT_SHOWN
from posture_monitor.history.store import Store
from posture_monitor.sensing.sources import camera_number
from posture_monitor.sensing.sources import check as check_source
from posture_monitor.service import background, logs
from posture_monitor.service.control_server import Server
from posture_monitor.service.events import Stop
from posture_monitor.service.held import taken_over
from posture_monitor.service.keeper import Keeper, pace_of
from posture_monitor.service.lock import Lock
from posture_monitor.service.monitor import Monitor, closing, opening
from posture_monitor.service.presence import open_presence
from posture_monitor.service.profiles import load_profile
from posture_monitor.service.settings import Settings
from posture_monitor.service.signals import handled
from posture_monitor.service.tray import tray_icon
from posture_monitor.telling.notify import pick_channel

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config

log = logging.getLogger(__name__)

#: Ctrl-C, an end that is asked for, and a closed terminal.
_ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


def keep(
    config: Config,
    *,
    config_path: Path | None,
    source: str,
    profile: str | None,
    console: Console,
    detached: bool,
) -> None:
    """Be the service until somebody ends it.

    Parameters
    ----------
    config_path
        The settings file that is followed; None follows the user's own.
    profile
        As the user asked for it now; None takes that of the settings, or the one that fits the place.
    detached
        In the background: what happens goes to the log.

    Raises
    ------
    UserError
        Another one runs already, the source is a recording that is not there, or profile, model, history
        or channel cannot be used.
    """
    held = taken_over()  # before there are children
    check_source(source)
    if detached:
        logs.to_file(verbose=log.isEnabledFor(logging.DEBUG))
    with contextlib.ExitStack() as stack:
        lock = stack.enter_context(Lock())
        chosen_profile = load_profile(profile or config.profile.name)
        store = stack.enter_context(
            Store.open(
                paths.history_file(),
                # Begun at login it does not end for the day because a backup holds the file for a minute.
                patient=detached,
                keep_samples_days=config.history.keep_samples_days,
                keep_landmarks=config.history.keep_landmarks,
            )
        )
        # In the background nobody reads a terminal: what went there would be kept as shown.
        write = None if detached else console.print
        notifier = pick_channel(config.alert.channel, sound=config.alert.sound, write=write)
        stack.callback(notifier.close)
        if notifier.name == NOT_SHOWN:
            log.warning("there is no desktop to show reminders on: they are only kept for the report")
        monitor = Monitor(
            config,
            chosen_profile,
            store,
            notifier,
            console,
            config.camera.interval_s,
            pace=pace_of(config),
            ask_desktop=True,
        )
        settings = Settings(config_path, config)
        keeper = Keeper(
            monitor, settings, source, camera_node(source), wanted=profile, held=held, patient=detached
        )
        keeper.renew_lock = lock.renew
        # After the event in hand, so that nothing is lost.
        stack.enter_context(handled(_ENDING, lambda *_: keeper.inbox.put(Stop())))
        stack.enter_context(_watching(keeper))
        stack.enter_context(Server(paths.control_socket(), keeper.handle))
        tray = stack.enter_context(tray_icon(wanted=config.service.tray and detached))
        keeper.others = lambda: [tray.pid] if tray is not None and tray.poll() is None else []
        if detached:
            background.settle()
            log.info("started (process %d)", os.getpid())
        console.print(opening(keeper.name, chosen_profile, True, notifier))
        memory.settle()
        keeper.run()
        console.print(closing(monitor))
        log.info("stopped")
    if store.trouble:
        raise UserError(f"not all that was seen could be kept: {store.trouble}")


def camera_node(source: str) -> str:
    """Return the device node of a camera of this machine; empty for all else."""
    number = camera_number(source)
    return "" if number is None else f"/dev/video{number}"


@contextlib.contextmanager
def _watching(keeper: Keeper) -> Iterator[None]:
    """Hear of a locked screen, a sleeping machine, and of others who use the camera."""
    presence = open_presence()
    presence.start(keeper.inbox.put)
    with contextlib.ExitStack() as stack:
        stack.callback(presence.close)
        if keeper.node and keeper.monitor.config.camera.calls != "ignore":
            from posture_monitor.sensing.camera_users import CameraWatch

            watch = CameraWatch(keeper.node, keeper.camera_held, keeper.own_pids, on_node=keeper.camera_there)
            watch.start()
            stack.callback(watch.close)
        yield
