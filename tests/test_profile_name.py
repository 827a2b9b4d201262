"""What a profile may be called."""

from __future__ import annotations

import pytest

from posture_monitor import profile_name


@pytest.mark.parametrize(
    "name", ["default", "Standing-desk_2.1", "a" * 64, "console", "com", "com10", "my.con", "nul-desk"]
)
def test_names_of_profiles(name: str) -> None:
    assert profile_name.objection(name) == ""


@pytest.mark.parametrize("name", ["", "a" * 65, "..", ".hidden", "-v", "a/b", "a b", "Büro", "a\n", "a "])
def test_what_cannot_name_a_profile(name: str) -> None:
    assert "use letters, digits" in profile_name.objection(name)


@pytest.mark.parametrize("name", ["con", "NUL", "Aux", "prn", "com1", "LPT9", "con.desk"])
def test_a_name_that_windows_keeps_is_taken_nowhere(name: str) -> None:
    assert "Windows" in profile_name.objection(name)


def test_a_name_does_not_end_in_a_dot() -> None:
    assert "dot" in profile_name.objection("desk.")


@pytest.mark.parametrize(
    ("text", "path"), [("./office.toml", True), ("a b/c.toml", True), ("x\0.toml", False), ("a/b", False)]
)
def test_a_path_is_told_from_a_name(text: str, path: bool) -> None:
    assert profile_name.is_path(text) is path
