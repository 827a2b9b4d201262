"""Profiles as files: what is saved comes back, what is broken is told in one line, nothing is lost."""

from __future__ import annotations

import dataclasses
import errno
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from people import upright
from rig import Body, Camera

from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import FLOOR, Neutral
from posture_monitor.posture.metrics import METRICS, NAMES, ROW, Change
from posture_monitor.posture.reading import View
from posture_monitor.service.profile import Profile, now_iso
from posture_monitor.service.profile_file import read_profile, save_profile, write_back
from posture_monitor.service.profiles import describe


@pytest.fixture
def mine() -> Profile:
    return Profile("me", (upright(Body(), Camera()),), "camera 0", 640, 480, now_iso())


# -- round trip ----------------------------------------------------------------

numbers = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-9)


@st.composite
def neutrals(draw: st.DrawFn) -> Neutral:
    count = len(METRICS)
    centre = np.array(draw(st.lists(numbers, min_size=count, max_size=count)))
    percent = np.array([metric.change is Change.PERCENT for metric in METRICS])
    centre[percent & (centre == 0)] = 1.0
    centre[draw(st.lists(st.integers(0, count - 2), max_size=count))] = np.nan
    spread = np.array(draw(st.lists(st.floats(0.001, 1e4), min_size=count, max_size=count)))
    return Neutral(
        centre,
        np.maximum(spread, FLOOR),
        draw(st.sampled_from([View.FRONT, View.OBLIQUE, View.SIDE])),
        draw(st.floats(0, 90)),
        draw(st.integers(0, 10**6)),
        draw(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), max_size=20)),
    )


@settings(max_examples=40)
@given(
    st.lists(neutrals(), min_size=1, max_size=3),
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), max_size=40),
    st.dictionaries(st.sampled_from(NAMES), st.floats(1, 3), max_size=3),
    st.integers(0, 8000),
)
def test_what_is_saved_comes_back(
    found: list[Neutral], camera: str, tuning: dict[str, float], width: int
) -> None:
    saved = Profile("round_trip", tuple(found), camera, width, 480, now_iso(), tuning=tuning)
    with tempfile.TemporaryDirectory() as folder:
        back = read_profile(save_profile(saved, Path(folder)))
    assert (back.name, back.camera, back.width, back.height) == ("round_trip", camera, width, 480)
    assert back.created == saved.created
    assert back.tuning == pytest.approx(tuning)
    assert not back.starter
    assert len(back.neutrals) == len(found)
    for a, b in zip(found, back.neutrals, strict=True):
        # Kept to five and three digits: a tenth of the floor and less.
        np.testing.assert_allclose(b.centre, a.centre, rtol=1e-4)
        measured = np.isfinite(a.centre)
        np.testing.assert_allclose(b.spread[measured], a.spread[measured], rtol=0.006)
        np.testing.assert_array_equal(b.spread[~measured], FLOOR[~measured])
        assert (b.view, b.frames, b.name) == (a.view, a.frames, a.name)
        assert b.azimuth_deg == pytest.approx(a.azimuth_deg, abs=0.051)


def test_saving_what_was_read_changes_nothing(mine: Profile, tmp_path: Path) -> None:
    once = save_profile(mine, tmp_path).read_bytes()
    assert save_profile(read_profile(tmp_path / "me.toml"), tmp_path).read_bytes() == once


def test_a_file_is_for_people(mine: Profile, tmp_path: Path) -> None:
    text = save_profile(mine, tmp_path).read_text(encoding="utf-8")
    assert text.startswith("# A neutral posture")
    assert "schema = 1" in text
    for name in mine.neutral.measurable:
        line = next(line for line in text.splitlines() if line.startswith(f"{name} = "))
        assert "centre" in line
        assert "spread" in line
        assert METRICS[ROW[name]].text in line
    assert "nan" not in text.lower().split("neutral]]")[1]
    assert "[tuning]" not in text, "nothing was widened"


@pytest.mark.parametrize("name", ["", "../me", "a/b", ".hidden", "a b", "x" * 65, "naïve\n"])
def test_a_name_that_is_no_file_name_is_refused(home: Path, mine: Profile, name: str) -> None:
    with pytest.raises(UserError, match="cannot name a profile"):
        save_profile(dataclasses.replace(mine, name=name))
    assert not list(home.rglob("*.toml"))


# -- broken files --------------------------------------------------------------

GOOD = """\
schema = 1
created = "2025-01-02T03:04:05+01:00"
[camera]
identity = "camera 0"
width = 640
height = 480
[tuning]
fsr = 1.2
[[neutral]]
name = "sitting"
view = "front"
azimuth_deg = 3.0
frames = 50
[neutral.metrics]
fsr = { centre = 0.27, spread = 2.0 }
head_height = { centre = 19.0, spread = 2.0 }
"""


def test_what_would_steer_a_terminal_is_not_read(tmp_path: Path) -> None:
    hostile = GOOD
    for name in ("2025-01-02T03:04:05+01:00", "camera 0", "sitting"):
        hostile = hostile.replace(f'"{name}"', f'"\\u001b]0;{name}\\u0007"')
    (tmp_path / "me.toml").write_text(hostile, encoding="utf-8")
    read = read_profile(tmp_path / "me.toml")
    assert (read.neutral.name, read.camera) == (" ]0;sitting ", " ]0;camera 0 ")
    assert describe(read).replace("\n", "").isprintable()
    (tmp_path / "me.toml").write_text(GOOD.replace("\nfsr = {", '\n"\\u001b[2J" = {'), encoding="utf-8")
    with pytest.raises(UserError, match="no such metric") as refused:
        read_profile(tmp_path / "me.toml")
    assert str(refused.value).isprintable()


def test_the_good_file_is_good(tmp_path: Path) -> None:
    (tmp_path / "me.toml").write_text(GOOD, encoding="utf-8")
    assert read_profile(tmp_path / "me.toml").neutral["fsr"] == 0.27


def test_a_mark_at_the_beginning_of_a_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "me.toml").write_text(GOOD, encoding="utf-8-sig")
    assert read_profile(tmp_path / "me.toml").neutral["fsr"] == 0.27


def test_a_file_needs_no_more_than_a_neutral(tmp_path: Path) -> None:
    least = "schema = 1\n" + GOOD[GOOD.index("[[neutral]]") :]
    (tmp_path / "me.toml").write_text(least, encoding="utf-8")
    read = read_profile(tmp_path / "me.toml")
    assert (read.name, read.camera, read.width, read.height, read.created) == ("me", "", 0, 0, "")
    assert (read.tuning, read.captures) == ({}, {})


def test_a_spread_is_no_less_than_anybodys(tmp_path: Path) -> None:
    """One that was taken of frames alike would make every movement poor."""
    tiny = GOOD.replace("spread = 2.0 }\nhead", "spread = 1e-6 }\nhead")
    (tmp_path / "me.toml").write_text(tiny, encoding="utf-8")
    assert read_profile(tmp_path / "me.toml").neutral.spread[ROW["fsr"]] == FLOOR[ROW["fsr"]]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema = 1", "schema = 2", ("schema = 2", "reads 1")),
        ("schema = 1\n", "", ("schema is missing",)),
        ("schema = 1", 'schema = "1"', ("schema", "must be a whole number")),
        ("schema = 1", "schema = true", ("schema", "must be a whole number")),
        ("centre = 0.27", "centre = nan", ("neutral[0].metrics.fsr.centre", "must be a finite number")),
        ("centre = 0.27", "centre = inf", ("neutral[0].metrics.fsr.centre", "must be a finite number")),
        ("centre = 0.27", 'centre = "much"', ('neutral[0].metrics.fsr.centre = "much"', "must be a number")),
        ("centre = 0.27, ", "", ("neutral[0].metrics.fsr.centre is missing",)),
        ("spread = 2.0 }\nhead", "spread = 0.0 }\nhead", ("metrics.fsr.spread = 0", "above 0")),
        ("spread = 2.0 }\nhead", "spread = -1 }\nhead", ("metrics.fsr.spread = -1", "above 0")),
        ("spread = 2.0 }\nhead", "spread = nan }\nhead", ("metrics.fsr.spread", "must be a finite number")),
        (", spread = 2.0 }\nhead", " }\nhead", ("metrics.fsr.spread is missing",)),
        ("{ centre = 0.27, spread = 2.0 }", "0.27", ("neutral[0].metrics.fsr = 0.27", "[section]")),
        ("\nfsr = {", "\nfringe = {", ("metrics.fringe", "no such metric")),
        (
            'view = "front"',
            'view = "above"',
            ('neutral[0].view = "above": must be "front", "oblique" or "side"',),
        ),
        ('view = "front"', f'view = "{"a" * 99}"', (f'neutral[0].view = "{"a" * 56}...: must be "front"',)),
        ('view = "front"', "view = 1", ("neutral[0].view = 1", 'must be "front"')),
        ('view = "front"\n', "", ("neutral[0].view is missing",)),
        ("azimuth_deg = 3.0\n", "", ("neutral[0].azimuth_deg is missing",)),
        ("azimuth_deg = 3.0", "azimuth_deg = nan", ("neutral[0].azimuth_deg", "must be a finite number")),
        ("frames = 50", "frames = 1.5", ("neutral[0].frames", "must be a whole number")),
        ('name = "sitting"\n', "", ("neutral[0].name is missing",)),
        (GOOD[GOOD.index("[[neutral]]") :], "", ("neutral is missing",)),
        (GOOD[GOOD.index("[camera]") :], "neutral = []\n", ("neutral = []", "it is empty")),
        (GOOD[GOOD.index("[camera]") :], "neutral = [1]\n", ("neutral[0] = 1", "[section]")),
        (GOOD[GOOD.index("fsr = {") :], "", ("neutral[0].metrics", "it is empty")),
        (GOOD[GOOD.index("[neutral.metrics]") :], "metrics = 3\n", ("neutral[0].metrics = 3", "[section]")),
        (GOOD[GOOD.index("[camera]") : GOOD.index("[tuning]")], "camera = 3\n", ("camera = 3", "[section]")),
        ("fsr = 1.2", "fsr = 9", ("tuning.fsr = 9", "the most is 3")),
        ("fsr = 1.2", "fringe = 1.2", ("tuning.fringe", "no such metric")),
        ("fsr = 1.2", 'fsr = "wide"', ("tuning.fsr", "must be a number")),
        ("[tuning]\nfsr = 1.2\n", "", ()),
        ("schema = 1", "schema = = 1", ("not valid TOML", "line 1")),
        ('view = "front"', 'view = "unknown"', ('neutral[0].view = "unknown"', '"oblique" or "side"')),
        ("azimuth_deg = 3.0", "azimuth_deg = 91", ("neutral[0].azimuth_deg = 91", "the most is 90")),
        ("azimuth_deg = 3.0", "azimuth_deg = -1.0", ("neutral[0].azimuth_deg = -1", "the least is 0")),
        ("frames = 50", "frames = -1", ("neutral[0].frames = -1",)),
        ("frames = 50", f"frames = {'9' * 400}", ("neutral[0].frames", "the most is 1e+12")),
        ("frames = 50", f"frames = {'9' * 5000}", ("not valid TOML",)),
        ("frames = 50", f"frames = 0x{'F' * 5000}", ("neutral[0].frames = (too many digits): too large",)),
        ("schema = 1", f"schema = 0x{'F' * 5000}", ("schema = (too many digits)", "reads 1")),
        ('view = "front"', f"view = 0x{'F' * 5000}", ("neutral[0].view = (too many digits)", '"front"')),
        ('"2025-01-02T03:04:05+01:00"', f"0x{'F' * 5000}", ("created = (too many digits): it is no time",)),
        ("azimuth_deg = 3.0", f"azimuth_deg = {'9' * 400}", ("neutral[0].azimuth_deg", "must be a number")),
        ("centre = 0.27", f"centre = {'9' * 400}", ("metrics.fsr.centre", "must be a number")),
        ("centre = 0.27", "centre = 1e300", ("metrics.fsr.centre", "the most is 1e+12")),
        ("centre = 0.27", "centre = 0.0", ("fsr.centre = 0 is too near 0",)),
        ("centre = 0.27", "centre = -1e-60", ("fsr.centre = -1e-60 is too near 0",)),
        (
            "spread = 2.0 }\nhead",
            f"spread = {'9' * 400} }}\nhead",
            ("metrics.fsr.spread", "must be a number"),
        ),
        ("schema = 1", f"schema = {'9' * 400}", ("schema", "reads 1")),
        ("fsr = 1.2", f"fsr = {'9' * 400}", ("tuning.fsr", "must be a number")),
        ("fsr = 1.2", "fsr = nan", ("tuning.fsr", "must be a finite number")),
        ("width = 640", 'width = "640"', ('camera.width = "640"', "must be a whole number")),
        ("width = 640", "width = 640.5", ("camera.width", "must be a whole number")),
        ("height = 480", "height = -480", ("camera.height = -480",)),
        ('identity = "camera 0"', "identity = 0", ("camera.identity", "must be text")),
        ("[tuning]", "[[capture]]\n[tuning]", ("capture[0].name is missing",)),
    ],
)
def test_a_broken_file_is_told_in_one_line_with_file_and_key(
    tmp_path: Path, old: str, new: str, words: tuple[str, ...]
) -> None:
    assert GOOD.count(old) == 1, "the test does not spoil what it means to"
    path = tmp_path / "me.toml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    if not words:
        assert read_profile(path).tuning == {}
        return
    with pytest.raises(UserError) as refused:
        read_profile(path)
    line = str(refused.value)
    assert "\n" not in line
    for word in (str(path), *words):
        assert word in line


@pytest.mark.parametrize(
    "content",
    [b"\x00\xff\xfe\x80binary", b"", b"PK\x03\x04", b"schema = 1\nname = '\xff'", b"a = " + b"[" * 20_000],
    ids=["bytes", "empty", "zip", "not utf-8", "deep"],
)
def test_what_is_no_profile_at_all_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "me.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"me\.toml") as refused:
        read_profile(path)
    assert "\n" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(UserError, match="cannot read the profile"):
            read_profile(path)


def test_a_file_that_nobody_may_look_at_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "me.toml").touch()

    def refused(path: Path) -> bool:  # as of a link into a folder that is closed
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(UserError, match=r"cannot read the profile .*me\.toml: Permission denied"):
        read_profile(tmp_path / "me.toml")


# -- atomic --------------------------------------------------------------------


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failed_write_keeps_the_old_profile_and_leaves_nothing_behind(
    tmp_path: Path, mine: Profile, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    path = save_profile(mine, tmp_path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, full)
    changed = dataclasses.replace(mine, camera="another camera")
    with pytest.raises(UserError, match="No space left") as refused:
        save_profile(changed, tmp_path)
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["me.toml"]


def test_a_change_goes_into_the_file_it_came_from_and_over_no_other_change(
    tmp_path: Path, mine: Profile
) -> None:
    read = read_profile(save_profile(mine, tmp_path))
    changed = write_back(dataclasses.replace(read, tuning={"fsr": 1.5}))
    assert changed.as_read
    assert read_profile(tmp_path / "me.toml").tuning == {"fsr": 1.5}
    with pytest.raises(UserError, match=r"me\.toml was changed or deleted meanwhile"):
        write_back(dataclasses.replace(read, tuning={"fsr": 2.0}))
    (tmp_path / "me.toml").unlink()
    with pytest.raises(UserError, match="left as it is"):
        write_back(changed)
    assert list(tmp_path.iterdir()) == []


def test_what_came_from_no_file_gets_one(home: Path, mine: Profile) -> None:
    kept = write_back(mine)
    assert kept.path is not None
    assert kept.path.is_relative_to(home)
    assert kept.as_read


def test_a_folder_that_is_a_file_is_told(tmp_path: Path, mine: Profile) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="taken"):
        save_profile(mine, tmp_path / "taken")
