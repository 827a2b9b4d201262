"""The monitor's status in words; `status_drawn` puts them on a terminal.

Every state has a sign and a word of its own; colour only repeats them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from posture_monitor.history.records import NOT_SHOWN, told_reason
from posture_monitor.service.glance import drives
from posture_monitor.service.status import Status, clock
from posture_monitor.telling import words
from posture_monitor.telling.language import english

#: Sign and colour of each state of posture.
_STATES: Final = {
    "good": ("●", "green"),
    "mild": ("◐", "yellow"),
    "poor": ("▼", "red"),
    "unknown": ("?", "default"),
    "away": ("○", "default"),
    "paused": ("‖", "cyan"),
    "busy": ("◇", "cyan"),
}
#: Sign, word and colour of what is done instead of watching.
_ACTIVITIES: Final = {
    "paused": ("‖", "paused", "cyan"),
    "locked": ("‖", "resting", "cyan"),
    "suspended": ("‖", "resting", "cyan"),
    "busy": ("◇", "camera in use elsewhere", "cyan"),
    "trouble": ("!", "trouble", "red"),
    "starting": ("…", "starting", "default"),
}
_BAR: Final = 12
#: Deviations written with a smaller number (of degrees or percent) are told as neutral.
NEAR: Final = 3
#: Measures whose value says something to its owner; others have signs and rulers of their own.
_VALUES: Final = {"trunk_incl": "{}°", "neck_incl": "{}°", "head_height": "{} cm"}


#: Why a reminder that is due by the dose is not shown (`nudge.Wait`).
_WAITS: Final = {
    "shown": "one was shown",
    "snooze": "snoozed",
    "cooldown": "the last one is not long ago",
    "limit": "the hour has had as many as the settings allow",
}

#: Measures of how far the face is from the camera.
_DISTANCES: Final = ("distance", "face_size")


class Headline(NamedTuple):
    """The one line that matters: sign and word, their colour, and what follows."""

    word: str
    colour: str
    rest: str

    @property
    def plain(self) -> str:
        """The line without colour."""
        return self.word + self.rest


@english()
def headline(status: Status, now_s: float, *, held: bool = True) -> Headline:
    """Return the one line that matters; without `held` it says nothing that changes by itself."""
    if status.activity in _ACTIVITIES:
        sign, word, colour = _ACTIVITIES[status.activity]
        until = f" until {clock(status.until_s, now_s)}" if status.until_s is not None else ""
        why = status.why
        if why.casefold().startswith(word):  # it repeats itself
            why = why[len(word) :].lstrip(" ,;:")
        rest = until + (f": {why}" if why else "")
    else:
        word = status.state
        sign, colour = _STATES.get(word, ("?", "default"))
        lasted = f" for {words.duration(status.held_s)}" if held and status.held_s >= 1 else ""
        why = told_reason(status.reason) or (
            words.measure_name(status.driver) if word in ("mild", "poor") else ""
        )
        rest = lasted + (f": {why}" if why else "")
    return Headline(f"{sign} {word}", colour, rest)


@english()
def rows(status: Status, now_s: float) -> list[tuple[str, str]]:
    """Return the details, each with its name."""
    found: list[tuple[str, str]] = []
    if status.activity == "watching":
        found += _angles(status)
        found.append(("dose", _dose(status)))
    found.append(("today", _today(status)))
    found.append(("camera", _camera(status)))
    found.append(("profile", _profile(status)))
    found.append(("reminders", _reminders(status, now_s)))
    if status.activity == "watching" and status.why:
        found.append(("settings", f"! {status.why}"))
    if status.history_trouble:
        found.append(("history", f"! {status.history_trouble}"))
    if status.model_trouble:
        found.append(("model", f"! {status.model_trouble}"))
    found.append(("program", _program(status, now_s)))
    return found


def plain(status: Status, now_s: float) -> str:
    """Return it all as lines for a pipe."""
    lines = [headline(status, now_s).plain]
    lines += [f"  {name:<10} {told}" for name, told in rows(status, now_s)]
    return "\n".join(lines)


def _angles(status: Status) -> Iterable[tuple[str, str]]:
    """Yield what differs from neutral, what drives the state first, and then all that does not."""
    differs: dict[str, str] = {}
    same: dict[str, None] = {}
    for angle in sorted(status.angles, key=lambda a: (not drives(a, status), a.name != status.driver)):
        if angle.value is None or angle.deviation is None or angle.name not in words.MEASURES:
            continue
        told = words.deviation_text(angle.name, angle.deviation)
        # Several measures may tell of the same thing: "Head to the right" is said once, and how near or
        # far the face is as well.
        what = "distance" if angle.name in _DISTANCES else told.partition(":")[0]
        if _size(angle.name, angle.deviation) < NEAR:
            same[words.measure_name(angle.name)] = None
        elif what not in differs:
            now = _VALUES.get(angle.name, "").format(round(angle.value))
            differs[what] = told + (f" (now {now})" if now else "")
    for number, line in enumerate(differs.values()):
        yield ("" if number else "differs"), line
    if same:
        yield "neutral", ", ".join(same)


def _size(metric: str, deviation: float) -> int:
    """Return the number in which a deviation is written."""
    found = re.search(r"\d+", words.amount(metric, deviation))
    return int(found[0]) if found else 0


def _dose(status: Status) -> str:
    full = min(_BAR, round(status.dose * _BAR))
    parts = [f"{'█' * full}{'░' * (_BAR - full)} {status.dose:.0%} of what a reminder takes"]
    if status.waits_for and status.quiet:
        parts.append(f"held back: {status.quiet}")
        return "; ".join(parts)
    if status.waits_for:
        parts.append(_WAITS.get(status.waits_for, status.waits_for))
    if status.next_alert_s is not None:
        parts.append(f"the next in {words.duration(status.next_alert_s)} if posture stays as it is")
    return "; ".join(parts)


def _today(status: Status) -> str:
    today = status.today
    if today.present_s < 1:
        return "no time at the desk yet"
    parts = [f"{words.duration(today.present_s)} at the desk, {words.percent(today.coverage)} of it judged"]
    if today.enough:
        shares = (("good", today.good_s), ("mild", today.mild_s), ("poor", today.poor_s))
        parts.append(", ".join(f"{name} {words.percent(part_s / today.judged_s)}" for name, part_s in shares))
    parts.append(words.counted(today.alerts, "reminder"))
    if today.sit_bout_s >= 60:
        parts.append(f"without a break for {words.duration(today.sit_bout_s)}")
    return "; ".join(parts)


def _camera(status: Status) -> str:
    camera = status.camera
    size = f", {camera.width}×{camera.height}" if camera.width and camera.height else ""
    burst = ", in bursts" if camera.mode == "burst" else ""
    if camera.trouble:
        # What heads the page already is not said again.
        detail = f": {camera.detail}" if camera.detail and camera.detail != status.why else ""
        return f"! {camera.trouble}{detail}"
    return f"{camera.name or status.source or 'none yet'}{size}, {'on' if camera.open else 'off'}{burst}"


def _profile(status: Status) -> str:
    profile = status.profile
    if profile.starter:
        return "starter limits; `posture-monitor calibrate` makes them your own"
    neutral = f", {profile.neutral}" if profile.neutral else ""
    view = f", seen from the {status.view}" if status.view not in ("", "unknown") else ""
    return f"{profile.name or 'none'}{neutral}{view}"


def _reminders(status: Status, now_s: float) -> str:
    held = []
    if status.snoozed_until_s is not None and status.snoozed_until_s > now_s:
        held.append(f"snoozed until {clock(status.snoozed_until_s, now_s)}")
    if status.quiet:
        held.append(f"held back: {status.quiet}")
    way = f"by {status.channel}" if status.channel else ""
    if status.channel == NOT_SHOWN:
        way = "no desktop found to show them on, so only kept for the report"
    return ", ".join(part for part in (status.preset, way, *held) if part) or "none"


def _program(status: Status, now_s: float) -> str:
    parts = [f"process {status.pid}"]
    if status.since_s:
        lasted = words.duration(now_s - status.since_s)
        parts.append(f"running for {lasted}")
    if status.memory_mb:
        parts.append(f"{status.memory_mb:.0f} MB")
        parts.append(f"{status.cpu_percent:.1f}% of a core")
    if status.activity == "watching" and status.interval_s:
        parts.append(f"looks every {status.interval_s:g} s")
    return ", ".join(parts)
