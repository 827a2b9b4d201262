"""A running monitor's camera, lent to a calibration."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from posture_monitor.errors import UserError
from posture_monitor.sensing.sources import is_live
from posture_monitor.service.control import Channel
from posture_monitor.service.protocol import OtherVersion

#: A monitor carries a command out between two looks, which may take a moment.
COMMAND_S: Final = 8.0
#: A monitor closes its camera within this time.
CLOSING_S: Final = 4.0


@contextlib.contextmanager
def camera_lent(source: str) -> Iterator[None]:
    """Have a running monitor close the camera meanwhile, and go on afterwards.

    It goes on too where this process ends by force: the camera is lent for as long as a connection is held.
    It is not asked where the source is a recording. A pause or a snooze of the user's is left as it is.

    Raises
    ------
    OtherVersion
        The monitor is from before an update and cannot lend its camera.
    """
    with contextlib.ExitStack() as stack:
        try:
            if is_live(source):
                monitor = stack.enter_context(Channel(COMMAND_S))
                monitor.ask("lend", COMMAND_S)
                stack.callback(_give_back, monitor)
                waited_until = time.monotonic() + CLOSING_S
                while time.monotonic() < waited_until and monitor.ask("status").get("camera", {}).get("open"):
                    time.sleep(0.1)
        except OtherVersion:
            raise
        except UserError:
            pass  # none runs, or it does not answer: then the camera says itself whether it is free
        yield


def _give_back(monitor: Channel) -> None:
    with contextlib.suppress(UserError):  # it may have been stopped meanwhile
        monitor.ask("return", COMMAND_S)
