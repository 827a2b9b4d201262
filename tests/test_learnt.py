"""What was learnt of a person, kept in a file from one sitting to the next."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import rig
from people import upright

from posture_monitor import paths
from posture_monitor.posture.sustained import Habit, Sustained
from posture_monitor.service import learnt
from posture_monitor.service.profile import Profile

pytestmark = pytest.mark.usefixtures("home")

SITTING, STANDING = Habit(200, 0.5, 1.25), Habit(12, -0.5, 0.5)


@pytest.fixture
def profile() -> Profile:
    neutral = upright(rig.Body(), rig.Camera())
    two = (replace(neutral, name="sitting"), replace(neutral, name="standing"))
    return Profile("desk", two, created="2026-03-02")


def known(**habits: Habit) -> dict[str, Sustained]:
    return {name: Sustained(forward_habit=habit, lowered_habit=habit) for name, habit in habits.items()}


def test_each_neutral_posture_has_its_own(profile: Profile) -> None:
    assert learnt.recall(profile) == {}
    learnt.keep(profile, known(sitting=SITTING, standing=STANDING))
    found = learnt.recall(profile)
    assert {name: sustained.forward_habit for name, sustained in found.items()} == {
        "sitting": SITTING,
        "standing": STANDING,
    }
    assert learnt.recall(replace(profile, created="2026-03-09")) == {}
    assert learnt.recall(replace(profile, name="renamed")) == found


def test_of_a_profile_written_by_hand_no_other_knows_anything(profile: Profile) -> None:
    by_hand = replace(profile, created="")
    learnt.keep(by_hand, known(sitting=SITTING))
    assert learnt.recall(by_hand)["sitting"].forward_habit == SITTING
    assert learnt.recall(replace(by_hand, name="front", starter=True)) == {}


def test_nothing_known_overwrites_nothing_and_a_starter_keeps_nothing(profile: Profile) -> None:
    learnt.keep(profile, known(sitting=SITTING))
    learnt.keep(profile, known(sitting=Habit()))
    assert learnt.recall(profile)["sitting"].forward_habit == SITTING
    learnt.keep(replace(profile, name="starter", starter=True), known(sitting=STANDING))
    assert "starter" not in json.loads(paths.learnt_file().read_text())


def test_an_older_file_tells_of_the_first_neutral_and_a_damaged_one_of_none(profile: Profile) -> None:
    older = {**known(sitting=SITTING)["sitting"].to_learnt(), "made": profile.created}
    learnt.keep(profile, known(sitting=STANDING))
    paths.learnt_file().write_text(json.dumps({"desk": older}))
    assert learnt.recall(profile)["sitting"].forward_habit == SITTING
    for damaged in (
        {"neutrals": 7},
        {"neutrals": {"sitting": []}},
        {"neutrals": {"sitting": {"version": 1}}},
    ):
        paths.learnt_file().write_text(json.dumps({"desk": {**damaged, "made": profile.created}}))
        assert learnt.recall(profile) == {}


def test_where_no_folder_can_be_made_nothing_is_kept_and_nothing_ends(
    profile: Profile, caplog: pytest.LogCaptureFixture
) -> None:
    paths.data_dir().write_text("a file in the folder's place")
    learnt.keep(profile, known(sitting=SITTING))
    assert "cannot keep what was learnt" in caplog.text
