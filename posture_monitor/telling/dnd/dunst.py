"""dunst, the notification daemon of many small window managers: it can be paused."""

from __future__ import annotations

from posture_monitor.telling.dnd.ask import ask


def quiet() -> bool | None:
    """Return whether dunst is paused; None where dunst does not show the notifications."""
    return {"true": True, "false": False}.get(ask("dunstctl", "is-paused") or "")
