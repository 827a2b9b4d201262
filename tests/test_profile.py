"""What a profile knows of its neutral postures."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from people import upright
from rig import Body, Camera

from posture_monitor.config import load_config
from posture_monitor.service.profile import Profile, is_standing, limits_of
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.profiles import load_profile


def test_what_was_calibrated_is_kept_over_every_re_anchoring(home: Path) -> None:
    mine = Profile("me", (upright(Body(), Camera()),))
    once = mine.re_anchored(0, upright(Body(), Camera(tilt_deg=3)))
    save_profile(once.re_anchored(0, upright(Body(), Camera(tilt_deg=6))))
    back = load_profile("me")
    np.testing.assert_allclose(back.as_calibrated(0).centre, mine.neutral.centre, rtol=1e-4)
    assert back.neutral["head_drop"] != pytest.approx(mine.neutral["head_drop"], rel=0.01)
    assert not back.adding(mine.neutral).captures
    assert len(back.adding(mine.neutral).neutrals) == 1
    both = back.adding(dataclasses.replace(mine.neutral, name="standing"))
    assert [neutral.name for neutral in both.neutrals] == ["sitting", "standing"]


@pytest.mark.parametrize(
    ("name", "standing"),
    [
        ("standing", True),
        ("Standing desk", True),
        ("Stehpult", True),
        ("sitting", False),
        ("standard", False),
    ],
)
def test_which_neutral_is_one_of_standing_is_told_by_its_name(name: str, standing: bool) -> None:
    assert is_standing(name) is standing


def test_tuning_widens_what_the_settings_allow(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[judge.scale]\nfsr = 1.2\nhead_roll = 1.1\n", encoding="utf-8")
    config = load_config(tmp_path / "config.toml")
    tuned = Profile("me", (upright(Body(), Camera()),), tuning={"fsr": 1.5, "ear_height": 1.25})
    scale = limits_of(config, tuned).scale
    assert scale["fsr"] == pytest.approx(1.8)
    assert scale["head_roll"] == 1.1
    assert scale["ear_height"] == 1.25
