"""What stands over the picture where there is no verdict to look at, and what to do then."""

from __future__ import annotations

from typing import Final

from posture_monitor.history.records import told_reason
from posture_monitor.service import glance
from posture_monitor.service.preview.shot import Shot
from posture_monitor.service.status import clock
from posture_monitor.telling import words

#: What to do where a moment cannot be judged, by its reason (`metrics.Reason`).
_ADVICE: Final = {
    "nobody seen": "Sit where the camera sees your face and shoulders.",
    "face not seen clearly": "Look towards the screen, with your face in the picture.",
    "shoulders not seen clearly": "Move back a little or tilt the camera, so that both shoulders are in.",
    "head turned": "It is judged again when you look ahead.",
    "too dark": "Turn towards the window, or switch on a lamp in front of you.",
    "camera covered": "Something is before the lens: open its shutter, or wipe it.",
    "picture blurred": "Wipe the lens, and hold the camera still.",
    "more than one person": "It is judged again when one of you is alone before the camera.",
    "not the calibrated person's place": "Come back to where you calibrated, or calibrate here.",
    "standing up": "Judged again when you sit; `calibrate --add standing` judges standing too.",
    "seen from behind": "The camera sees a back; turn round.",
    "camera or chair moved": "Sit upright and press R to follow camera or chair.",
    "not measurable from this view": "This profile was made from another side: calibrate for this view.",
    "not seen clearly enough": "Come nearer, or into the middle of the picture.",
}


def headline(shot: Shot, now_s: float) -> tuple[str, str]:
    """Return what stands over the picture where there is no verdict to look at: a title, and what to do.

    Both are empty while posture is judged.
    """
    status = shot.status
    if shot.lost:
        return "No picture", words.sentence(shot.lost)
    if status.activity == "paused":
        until = "" if status.until_s is None else f" until {clock(status.until_s, now_s)}"
        return "Paused", f"The camera is off{until}."
    if status.activity in ("trouble", "busy"):
        told = status.camera.detail or status.why
        told = told or "Another program has the camera; it comes back by itself."
        return glance.word(status), words.sentence(told)
    if status.activity != "watching":
        return glance.word(status), words.sentence(status.why)
    if status.state == "away":
        return "Nobody here", "It goes on when you are back."
    if status.state == "unknown" and status.reason:
        return words.sentence(told_reason(status.reason)), _ADVICE.get(status.reason, "")
    return "", ""
