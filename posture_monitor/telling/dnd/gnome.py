"""GNOME: *Do Not Disturb* switches banners off in the settings."""

from __future__ import annotations

from posture_monitor.programs import ask
from posture_monitor.telling.dnd.desktop import desktop_is


def quiet() -> bool | None:
    """Return whether *Do Not Disturb* is on; None where this is not GNOME or it cannot be told."""
    if not desktop_is("gnome", "ubuntu", "unity", "budgie", "pop"):
        return None
    answer = ask("gsettings", "get", "org.gnome.desktop.notifications", "show-banners")
    return {"true": False, "false": True}.get(answer or "")
