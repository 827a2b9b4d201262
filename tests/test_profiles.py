"""The profiles there are: found by name, told, chosen, renamed and deleted."""

from __future__ import annotations

import dataclasses
import re
import stat
from pathlib import Path

import numpy as np
import pytest
from people import upright
from rig import SCENARIOS, SIDE_CAMERA, Body, Camera, Pose, render
from typed import done, refused

from posture_monitor import paths
from posture_monitor.config import load_config
from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import FLOOR
from posture_monitor.posture.judge import judge
from posture_monitor.posture.reading import Verdict, View
from posture_monitor.posture.session import Session, moments, step
from posture_monitor.posture.steady import Policy
from posture_monitor.service.control_server import Server
from posture_monitor.service.profile import Profile, now_iso
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.profiles import describe, list_profiles, load_profile, rename_profile, starter_of
from posture_monitor.service.settings import write_setting
from posture_monitor.service.status import InUse, Status

STARTERS = ("front", "oblique", "side")


@pytest.fixture
def mine() -> Profile:
    return Profile("me", (upright(Body(), Camera()),), "camera 0", 640, 480, now_iso())


def test_an_own_profile_is_private_and_found_by_name(home: Path, mine: Profile) -> None:
    path = save_profile(mine)
    assert path == paths.profiles_dir() / "me.toml"
    assert path.is_relative_to(home)
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    np.testing.assert_allclose(load_profile("me").neutral.centre, mine.neutral.centre, rtol=1e-4)
    assert load_profile(str(path)).name == "me"


def test_a_spread_is_told_in_the_unit_in_which_it_is_kept(mine: Profile) -> None:
    rows = {line.split("(")[1].split(")")[0]: line for line in describe(mine).splitlines() if "±" in line}
    assert re.search(r"[\d.]+ cm +± [\d.]+%$", rows["head_height"])
    assert re.search(r"[\d.]+° +± [\d.]+°$", rows["head_roll"])
    assert rows["head_drop"].endswith(" shoulder widths")


@pytest.mark.parametrize("name", ["me", *STARTERS])
def test_a_profile_is_shown_in_plain_words_within_80_columns(home: Path, mine: Profile, name: str) -> None:
    save_profile(mine)
    shown = done("profiles", "show", name)
    assert max(map(len, shown.splitlines())) <= 80
    missing = " ".join(shown.partition("not measurable from here:")[2].split()).split(", ")
    assert [word for word in missing if "_" in word] == []
    # What one of several metrics measures is not missing.
    assert ("head height" in missing) == (name == "side")


# -- starters ------------------------------------------------------------------


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_loads(home: Path, name: str) -> None:
    profile = load_profile(name)
    assert profile.starter
    assert profile.neutral.view == name
    assert len(profile.neutral.measurable) >= 3
    assert (profile.neutral.spread >= FLOOR).all()


def test_a_starter_is_found_by_its_view() -> None:
    assert [starter_of(view).neutral.view for view in View] == [
        View.FRONT if view is View.UNKNOWN else view for view in View
    ]


@pytest.mark.parametrize("name", ["front", "oblique"])
def test_a_starter_tells_a_deep_slump_from_sitting_upright(home: Path, name: str) -> None:
    neutral = load_profile(name).neutral
    camera = Camera(azimuth_deg=neutral.azimuth_deg, tilt_deg=4)
    for pose, state in ((Pose(), Verdict.GOOD), (SCENARIOS["slump_deep"], Verdict.POOR)):
        landmarks, size = render(Body(), pose, camera)
        found = judge(neutral.measure(landmarks, size), neutral)
        (moment,), sitting = moments(found, neutral), Session()
        for second in range(60):
            sitting = step(sitting, Policy(interval_s=1.0), float(second), moment)
        assert sitting.state is state


def test_default_is_the_front_starter_until_there_is_an_own_one(home: Path, mine: Profile) -> None:
    assert load_profile("default").starter
    assert load_profile("default").neutral.view is View.FRONT
    save_profile(dataclasses.replace(mine, name="default"))
    assert not load_profile("default").starter


def test_an_own_profile_goes_before_a_starter_of_the_same_name(home: Path) -> None:
    side = Profile("side", (upright(Body(), SIDE_CAMERA),), created=now_iso())
    save_profile(side)
    assert not load_profile("side").starter
    with pytest.raises(UserError) as raised:
        load_profile("nobody")
    assert str(raised.value).count("side") == 1


def test_an_unknown_name_lists_the_known_ones(home: Path, mine: Profile) -> None:
    save_profile(mine)
    with pytest.raises(UserError) as raised:
        load_profile("nobody")
    for word in ("'nobody'", "me", *STARTERS, "calibrate --profile nobody"):
        assert word in str(raised.value)


def test_listing_and_describing(home: Path, mine: Profile) -> None:
    save_profile(dataclasses.replace(mine, tuning={"fsr": 1.5}))
    (paths.profiles_dir() / "spoilt.toml").write_text("schema = ", encoding="utf-8")
    listed = {info.name: info for info in list_profiles()}
    assert set(listed) == {"me", "spoilt", *STARTERS}
    assert "broken" in listed["spoilt"].text
    assert listed["front"].starter
    assert not listed["me"].starter
    made = mine.created[:16].replace("T", " ")  # as people write it, not as programs do
    assert listed["me"].text.endswith(f"made {made}")
    text = describe(load_profile("me"))
    for word in (
        "camera 0",
        "640×480",
        "front",
        "head_height",
        "Face to shoulders (fsr) × 1.5",
        f"made: {made}\n",
        "not measurable",
        "trunk inclination",
    ):
        assert word in text
    missing = next(line for line in text.splitlines() if "not measurable" in line)
    assert "trunk inclination" in missing
    assert "head height" not in text.partition("not measurable")[2]
    assert describe(load_profile("front")).startswith("front (starter; not your own)")


def test_second_captures_come_back_and_are_told(home: Path, mine: Profile) -> None:
    slouch = upright(Body(), Camera(tilt_deg=3))
    save_profile(dataclasses.replace(mine, captures={"slouch": slouch}))
    back = load_profile("me")
    assert list(back.captures) == ["slouch"]
    np.testing.assert_allclose(back.captures["slouch"].centre, slouch.centre, rtol=1e-4)
    assert "also captured: slouch" in describe(back)


# -- keeping house ---------------------------------------------------------------


def test_a_chosen_profile_is_used_from_the_next_start_on(home: Path, mine: Profile) -> None:
    save_profile(mine)
    assert "from the next start on" in done("profiles", "use", "me")
    assert load_config().profile.name == "me"
    assert "'nobody'" in refused("profiles", "use", "nobody")
    assert load_config().profile.name == "me"


def test_the_list_says_which_profile_is_in_use(home: Path, mine: Profile) -> None:
    def used() -> list[str]:
        listed = done("profiles", "list").splitlines()
        return [line.split()[0] for line in listed if line.endswith("(in use)")]

    assert used() == ["front"], "what stands in for the default"
    save_profile(mine)
    save_profile(dataclasses.replace(mine, name="front"))
    write_setting(paths.config_file(), "profile", "name", "me")
    assert used() == ["me"]
    # A monitor that runs may have chosen another by its place.
    running = Status(profile=InUse("front", starter=True))
    with Server(paths.control_socket(), lambda _do, _given: running.to_json()):
        listed = done("profiles", "list")
    assert re.search(r"^front +starter, .*\(in use\)$", listed, re.MULTILINE)
    assert listed.count("(in use)") == 1
    (paths.profiles_dir() / "me.toml").write_text("broken = ", encoding="utf-8")
    assert used() == ["me"]


def test_tuning_is_listed_and_undone(home: Path, mine: Profile) -> None:
    save_profile(dataclasses.replace(mine, tuning={"fsr": 1.5, "head_roll": 1.25}))
    shown = done("profiles", "show", "me")
    assert "Face to shoulders (fsr) × 1.5" in shown
    assert "reset-tuning me" in shown
    assert "fsr × 1.5" in done("profiles", "reset-tuning", "me")
    assert load_profile("me").tuning == {}
    np.testing.assert_allclose(load_profile("me").neutral.centre, mine.neutral.centre, rtol=1e-4)
    assert "no tuning" in done("profiles", "reset-tuning", "me")
    starter = refused("profiles", "reset-tuning", "front")
    assert "'front' is a starter profile and not your own" in starter


def test_a_profile_is_renamed_and_never_over_another(home: Path, mine: Profile) -> None:
    save_profile(mine)
    save_profile(dataclasses.replace(mine, name="office", camera="camera 9"))
    assert "already a profile 'office'" in refused("profiles", "rename", "me", "office")
    assert load_profile("office").camera == "camera 9"
    assert "'front' is a starter profile" in refused("profiles", "rename", "me", "front")
    assert load_profile("front").starter
    done("profiles", "rename", "me", "home")
    assert load_profile("home").camera == "camera 0"
    assert [info.name for info in list_profiles() if not info.starter] == ["home", "office"]


def test_deleting_asks_first_and_never_touches_a_starter(home: Path, mine: Profile) -> None:
    path = save_profile(mine)
    assert "Nothing was deleted" in done("profiles", "delete", "me", answers="n\n")
    assert "say --yes" in refused("profiles", "delete", "me", answers="")
    assert path.exists()
    done("profiles", "delete", "me", answers="y\n")
    assert not path.exists()
    for name in ("me", "front"):  # what is not there is not asked about
        line = refused("profiles", "delete", name, answers="n\n")
        assert f"no profile of your own named '{name}' (there are: none)" in line
    path.write_text("broken = ", encoding="utf-8")
    done("profiles", "delete", "--yes", "me")
    assert not path.exists()


def test_a_profile_is_no_other_than_itself(home: Path, mine: Profile) -> None:
    """Where a disk finds it by large letters too, it is not to be deleted before it can be called so."""
    (paths.profiles_dir() / "Me.toml").hardlink_to(save_profile(mine))
    assert rename_profile("me", "Me") == paths.profiles_dir() / "Me.toml"
    with pytest.raises(UserError, match="already a profile 'me'"):
        rename_profile("me", "me")


def test_the_settings_follow_a_profile_that_is_renamed_or_deleted(home: Path, mine: Profile) -> None:
    def named() -> str:
        return load_config().profile.name

    save_profile(mine)
    done("profiles", "use", "me")
    assert "name 'office' now" in done("profiles", "rename", "me", "office")
    assert named() == "office"
    done("profiles", "delete", "--yes", "office")
    assert named() == "default"


@pytest.mark.parametrize("name", ["a" * 5000, "../config", "\0", "\0.toml", "\ud800", ""])
def test_what_can_name_no_profile_is_looked_for_nowhere(home: Path, name: str) -> None:
    (home / "profiles").mkdir(parents=True)
    (home / "config.toml").touch()
    with pytest.raises(UserError, match="cannot name a profile"):
        load_profile(name)
