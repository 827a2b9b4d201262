"""Which profile fits the camera in use, and when it shows another view than the profile was made from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from people import upright
from rig import SIDE_CAMERA, Body, Camera

from posture_monitor.posture.metrics import Reason
from posture_monitor.posture.reading import Reading, Verdict, View
from posture_monitor.service.places import FIRST_READINGS, OtherView, fitting, of_view
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.profiles import load_profile, starter_of

FRONT = Profile("desk", (upright(Body(), Camera()),), "camera 0", 640, 480, "2026-03-02T09:00:00+01:00")
SIDE = replace(FRONT, name="aside", neutrals=(upright(Body(), SIDE_CAMERA),))
STARTER = starter_of(View.FRONT)

pytestmark = pytest.mark.usefixtures("home")


def saved(profile: Profile) -> Profile:
    save_profile(profile)
    return load_profile(profile.name)


@pytest.mark.parametrize(
    ("identity", "width", "height", "kept"),
    [
        ("camera 0", 640, 480, True),
        ("camera 0", 1280, 960, True),  # of the same shape
        ("camera 0", 1280, 720, False),
        ("camera 0", 0, 0, True),  # not known yet
        ("camera 1", 640, 480, False),
    ],
)
def test_the_profile_asked_for_is_taken_at_its_own_camera(
    identity: str, width: int, height: int, kept: bool
) -> None:
    assert (fitting(FRONT, identity, width, height) is FRONT) is kept
    if not kept:
        assert fitting(FRONT, identity, width, height).path == STARTER.path


def test_one_that_knows_no_camera_is_taken_at_any_and_a_starter_only_where_there_is_no_other() -> None:
    anywhere = replace(FRONT, camera="")
    mine = saved(FRONT)
    assert fitting(anywhere, "camera 0", 640, 480) is anywhere
    assert fitting(STARTER, "camera 0", 640, 480).path == mine.path
    side = starter_of(View.SIDE)
    assert fitting(side, "camera 1", 640, 480) is side


def test_of_several_made_here_the_latest_is_taken_or_the_one_preferred() -> None:
    older = saved(replace(FRONT, name="older", created="2026-02-01T09:00:00+01:00"))
    saved(replace(FRONT, name="elsewhere", camera="camera 1", created="2026-04-01T09:00:00+01:00"))
    latest = saved(FRONT)
    asked = replace(FRONT, name="asked", camera="camera 2")
    assert fitting(asked, "camera 0", 640, 480).path == latest.path
    assert fitting(asked, "camera 0", 640, 480, rather="older").path == older.path


def test_of_a_view_ones_own_of_this_camera_is_taken_else_the_starter() -> None:
    saved(FRONT)
    side = saved(SIDE)
    assert of_view(View.SIDE, "camera 0", 640, 480).path == side.path
    assert of_view(View.SIDE, "camera 1", 640, 480).path == starter_of(View.SIDE).path
    assert of_view(View.OBLIQUE, "camera 0", 640, 480).path == starter_of(View.OBLIQUE).path


def reading(view: View, reason: Reason, verdict: Verdict = Verdict.UNKNOWN) -> Reading:
    return Reading(0.0, verdict, reason.value, view=view)


@pytest.mark.parametrize(
    ("profile", "view", "reason", "told"),
    [
        (FRONT, View.SIDE, Reason.VIEW, View.SIDE),
        (FRONT, View.SIDE, Reason.STRANGER, View.SIDE),
        (SIDE, View.FRONT, Reason.VIEW, View.FRONT),
        (SIDE, View.OBLIQUE, Reason.VIEW, View.OBLIQUE),
        (FRONT, View.OBLIQUE, Reason.VIEW, None),
        (FRONT, View.SIDE, Reason.DARK, None),
        (SIDE, View.SIDE, Reason.STRANGER, None),
    ],
)
def test_another_view_is_told_once_after_the_first_readings(
    profile: Profile, view: View, reason: Reason, told: View | None
) -> None:
    views = OtherView(profile)
    for _ in range(5):  # while nobody is there, nothing is learnt
        assert views.check(reading(view, reason, Verdict.AWAY)) is None
    said = [views.check(reading(view, reason)) for _ in range(2 * FIRST_READINGS)]
    assert said == [None] * (FIRST_READINGS - 1) + [told] + [None] * FIRST_READINGS


@pytest.mark.parametrize(("others", "told"), [(9, None), (10, View.SIDE)])
def test_a_glance_aside_is_no_other_view(others: int, told: View | None) -> None:
    views = OtherView(FRONT)
    for _ in range(FIRST_READINGS - others):
        views.check(reading(View.FRONT, Reason.OK, Verdict.GOOD))
    assert [views.check(reading(View.SIDE, Reason.VIEW)) for _ in range(others)][-1] is told


def test_of_two_views_seen_as_often_the_front_is_taken() -> None:
    views = OtherView(SIDE)
    seen = [View.OBLIQUE, View.FRONT] * (FIRST_READINGS // 2)
    assert [views.check(reading(view, Reason.VIEW)) for view in seen][-1] is View.FRONT
