"""What stands over the preview's picture while nothing is judged."""

from __future__ import annotations

import time

import pytest

from posture_monitor.history.records import told_reason
from posture_monitor.posture.metrics import Reason
from posture_monitor.service.preview.headline import headline
from posture_monitor.service.preview.shot import Shot
from posture_monitor.service.status import Camera, Status


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.OK and r is not Reason.HIPS])
def test_each_reason_for_no_verdict_says_what_to_do(reason: Reason) -> None:
    title, text = headline(Shot(1, Status(activity="watching", state="unknown", reason=reason.value)), 0.0)
    assert title.casefold() == told_reason(reason.value).casefold()
    assert text.endswith((".", "too.", "here."))


@pytest.mark.parametrize(
    ("shot", "told"),
    [
        (Shot(1, Status(activity="paused", state="paused")), ("Paused", "The camera is off.")),
        (
            Shot(1, Status(activity="watching", state="away")),
            ("Nobody here", "It goes on when you are back."),
        ),
        (
            Shot(1, Status(activity="trouble", why="plug it in", camera=Camera(trouble="unplugged"))),
            ("No camera", "Plug it in"),
        ),
        (Shot(1, Status(activity="busy", why="zoom has it")), ("Camera in use", "Zoom has it")),
        (
            Shot(1, Status(activity="busy")),
            ("Camera in use", "Another program has the camera; it comes back by itself."),
        ),
        (
            Shot(1, Status(activity="trouble", why="no picture", camera=Camera(detail="it is unplugged"))),
            ("No picture", "It is unplugged"),
        ),
        (Shot(1, Status(activity="locked", why="locked")), ("Resting", "Locked")),
        (Shot(1, lost="No camera there."), ("No picture", "No camera there.")),
        (Shot(1, Status(activity="watching", state="poor")), ("", "")),
        (Shot(1, Status(activity="watching", state="unknown")), ("", "")),
    ],
)
def test_what_stands_over_the_picture(shot: Shot, told: tuple[str, str]) -> None:
    assert headline(shot, time.time()) == told
