"""dunst, the notification daemon of many small window managers: it can be paused."""

from __future__ import annotations

from posture_monitor.telling.channels import freedesktop


def quiet() -> bool | None:
    """Return whether dunst is paused; None where dunst does not show the notifications."""
    paused: bool | None = freedesktop.told("paused", "org.dunstproject.cmd0")
    return paused
