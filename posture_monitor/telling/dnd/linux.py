"""Linux: GNOME's and KDE Plasma's *Do not disturb*, dunst when it is paused, and full screen on X11."""

from __future__ import annotations

import configparser
import datetime
import os
import re

from platformdirs import user_config_path

from posture_monitor.programs import ask
from posture_monitor.telling.channels import freedesktop


def quiet() -> bool:
    """Return whether the desktop in use is known to ask for quiet."""
    desktops = set(os.environ.get("XDG_CURRENT_DESKTOP", "").lower().split(":"))
    if desktops & {"gnome", "ubuntu", "unity", "budgie", "pop"} and _gnome():
        return True
    if "kde" in desktops and (freedesktop.told("Inhibited") or _kde_until()):
        return True
    return bool(freedesktop.told("paused", "org.dunstproject.cmd0"))


def _gnome() -> bool:
    return ask("gsettings", "get", "org.gnome.desktop.notifications", "show-banners") == "false"


def _kde_until() -> bool:
    """Return whether ``plasmanotifyrc`` holds an end of quiet that is still to come."""
    # Plasma's files hold other things that the standard parser stumbles over.
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        parser.read(user_config_path() / "plasmanotifyrc", encoding="utf-8")
        parts = [int(float(part)) for part in parser.get("DoNotDisturb", "Until").split(",")]
        return datetime.datetime(*parts[:6]) > datetime.datetime.now()  # type: ignore[arg-type]
    except (configparser.Error, ValueError, ArithmeticError, TypeError, OSError):
        return False


def full_screen() -> bool:
    """Return whether the active window is known to fill the screen.

    On X11 the window manager says so (``_NET_WM_STATE_FULLSCREEN``). Wayland
    tells nobody but its own compositor.
    """
    if not os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return False
    active = re.search(r"0x[0-9a-f]+", ask("xprop", "-root", "32x", " $0", "_NET_ACTIVE_WINDOW") or "")
    if active is None or int(active.group(), 16) == 0:
        return False
    return "_NET_WM_STATE_FULLSCREEN" in (ask("xprop", "-id", active.group(), "_NET_WM_STATE") or "")
