"""KDE Plasma: the notification service says whether it is inhibited, and a file until when it is."""

from __future__ import annotations

import configparser
import datetime

from platformdirs import user_config_path

from posture_monitor.telling.channels import freedesktop
from posture_monitor.telling.dnd.desktop import desktop_is


def quiet(now: datetime.datetime | None = None) -> bool | None:
    """Return whether *Do not disturb* is on; None where this is not Plasma or it cannot be told."""
    if not desktop_is("kde"):
        return None
    inhibited: bool | None = freedesktop.told("Inhibited")
    return True if inhibited or _until(now or datetime.datetime.now()) else inhibited


def _until(now: datetime.datetime) -> bool:
    """Say whether ``plasmanotifyrc`` holds an end of quiet that is still to come."""
    # Plasma's files hold other things that the standard parser stumbles over.
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        parser.read(user_config_path() / "plasmanotifyrc", encoding="utf-8")
        parts = [int(float(part)) for part in parser.get("DoNotDisturb", "Until").split(",")]
        return datetime.datetime(*parts[:6]) > now  # type: ignore[arg-type]
    except (configparser.Error, ValueError, ArithmeticError, TypeError, OSError):
        return False
