"""The monitor's status at a glance: for the tray's icon, menu and tooltip, and for the preview.

Light enough for a process that lives all day: no NumPy, no Qt.
"""

from __future__ import annotations

import math
from typing import Final

from posture_monitor.history.records import told_reason
from posture_monitor.service.status import Angle, Status, clock
from posture_monitor.telling import words
from posture_monitor.telling.language import english

#: The measures to list, in this order after the one that drives the verdict.
LISTED: Final = (
    "ear_height",
    "head_height",
    "neck_incl",
    "trunk_incl",
    "distance",
    "fsr",
    "head_roll",
    "shoulder_tilt",
    "lateral_head",
    "head_pitch",
    "lateral_trunk",
    "head_drop",
    "face_size",
)
_WORDS: Final = {"good": "Good", "mild": "Mild", "poor": "Poor", "away": "Away"}
_TROUBLES: Final = {
    "unplugged": "No camera",
    "busy": "Camera in use",
    "black": "The picture is black",
    "covered": "Camera covered",
    "frozen": "The picture is frozen",
    "permission": "The camera is not allowed",
    "hangs": "The camera does not answer",
    "no model": "The pose model is missing",
    "gone": "The stream has ended",
}


def badge(status: Status) -> str:
    """Return which of `records.STATES` a mark stands for: pauses and troubles go before posture."""
    if status.activity in ("paused", "locked", "suspended"):
        return "paused"
    if status.activity in ("busy", "trouble"):
        return "busy"
    return "unknown" if status.activity == "starting" else status.state


def word(status: Status) -> str:
    """Return in a word or two how it stands."""
    if status.activity == "watching":
        return _WORDS.get(status.state, "Unknown")
    if status.activity in ("busy", "trouble"):
        return _TROUBLES.get(
            status.camera.trouble, "Camera in use" if status.activity == "busy" else "No picture"
        )
    return {"paused": "Paused", "starting": "Starting"}.get(status.activity, "Resting")


@english()
def why(status: Status) -> str:
    """Return what drives the verdict, or why there is none; ``""`` where there is nothing to say."""
    if status.activity != "watching":
        return ""
    if status.state in ("mild", "poor") and status.driver:
        found = next((angle for angle in status.angles if drives(angle, status)), None)
        if found is None or found.deviation is None:
            return words.sentence(words.measure_name(status.driver))
        return words.deviation_text(found.name, found.deviation)
    return words.sentence(told_reason(status.reason)) if status.state == "unknown" else ""


def drives(angle: Angle, status: Status) -> bool:
    """Return whether a measure, or another of the same name, drives the verdict."""
    if angle.name not in words.MEASURES or status.driver not in words.MEASURES:
        return angle.name == status.driver
    return words.short_name(angle.name) == words.short_name(status.driver)


@english()
def line(status: Status, now_s: float) -> str:
    """Return the one line that heads the tray's menu."""
    told = word(status)
    if status.activity == "paused" and status.until_s is not None:
        return f"{told} until {clock(status.until_s, now_s)}"
    if status.activity != "watching":
        return told
    if status.held_s >= 60:  # seconds would have changed before they are read
        told += f" for {words.duration(status.held_s)}"
    reason = why(status)
    return f"{told}: {reason}" if reason else told


def tooltip(status: Status, now_s: float) -> str:
    """Return a few lines: how it stands, the angles, today so far."""
    lines = [line(status, now_s)]
    if status.activity != "watching" and status.why and status.why.casefold() != lines[0].casefold():
        lines.append(words.sentence(status.why))
    measures = [text for angle in listed(status, 4) if (text := _measure(angle))]
    if status.activity == "watching" and status.state != "away" and measures:
        lines.append(", ".join(measures))
    if snoozed := until_snoozed(status, now_s):
        lines.append(f"No reminders until {snoozed}")
    lines.append(today(status))
    return "\n".join(lines)


def until_snoozed(status: Status, now_s: float) -> str:
    """Return the time of day until which reminders are snoozed; ``""`` where they are not."""
    until_s = status.snoozed_until_s
    return clock(until_s, now_s) if until_s is not None and until_s > now_s else ""


@english()
def today(status: Status) -> str:
    """Return the day so far in one line."""
    day = status.today
    if day.present_s < 60:
        return "Today: nothing yet"
    parts = [f"Today: {words.duration(day.present_s)} at the desk"]
    if day.enough:
        good, poor = (words.percent(part_s / day.judged_s) for part_s in (day.good_s, day.poor_s))
        parts.append(f"{good} good, {poor} poor")
    parts.append(words.counted(day.alerts, "reminder"))
    return ", ".join(parts)


def listed(status: Status, most: int) -> list[Angle]:
    """Return the measures to list: those with a neutral, what drives the verdict first, no name twice."""
    known = [angle for angle in status.angles if angle.name in LISTED and angle.deviation is not None]
    known.sort(key=lambda a: (a.name != status.driver, not drives(a, status), LISTED.index(a.name)))
    out: dict[str, Angle] = {}
    for angle in known:
        out.setdefault(words.short_name(angle.name), angle)
    return list(out.values())[:most]


def value_text(angle: Angle) -> str:
    """Return a measure's value as it is read: ``12°``, ``19.4 cm``; ``""`` where it says nothing alone."""
    if angle.value is None or not math.isfinite(angle.value):
        return ""
    if angle.unit == "°":
        return f"{round(angle.value)}°".replace("-", "−")
    return f"{angle.value:.1f} cm" if angle.unit == "cm" else ""


@english()
def deviation_text(angle: Angle) -> str:
    """Return how far a measure is from neutral, with its sign: ``+12°``, ``−8%``; ``=`` where it is not."""
    off = angle.deviation
    if off is None or not math.isfinite(off) or angle.name not in words.MEASURES:
        return ""
    size = words.amount(angle.name, off)
    if size == words.amount(angle.name, 0.0):
        return "="
    # "10% of a shoulder width" is long to read in a column.
    return ("+" if off > 0 else "−") + size.split(" ")[0]


def _measure(angle: Angle) -> str:
    off = deviation_text(angle)
    told = f"{words.short_name(angle.name)} {value_text(angle)}".rstrip()
    return f"{told} ({off})" if off not in ("", "=") else told if value_text(angle) else ""
