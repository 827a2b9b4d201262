"""Whose work this stands on is told, bounded and locked."""

from __future__ import annotations

import importlib
import itertools
import re
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
import tomlkit

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "THIRD_PARTY.md").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    pytest.importorskip("packaging")
    return importlib.import_module("make_third_party")


def told() -> dict[str, str]:
    """Return package to licence, as the page says."""
    rows = re.findall(r"^\| ([\w.-]+) \| [^|]+ \| ([^|]+) \| [^|]+ \|$", PAGE, flags=re.M)
    return {re.sub(r"[-_.]+", "-", name).lower(): licence for name, licence in rows if name != "package"}


@pytest.mark.parametrize("extra", ["", "desktop", "gui", "dev"])
def test_every_dependency_is_named_with_its_licence(maker: ModuleType, extra: str) -> None:
    missing = maker.needed(extra).keys() - told().keys()
    assert missing == set(), "run: python tools/make_third_party.py"
    assert "see its own page" not in told().values()


def test_nothing_is_named_that_is_no_longer_needed(maker: ModuleType) -> None:
    here = {each.metadata["Name"].lower().replace("_", "-") for each in metadata.distributions()}
    absent = maker.needed("dev").keys() - here - maker.ELSEWHERE.keys()
    if absent:
        pytest.skip(f"not everything for development is installed: {', '.join(sorted(absent))}")
    assert told().keys() - maker.needed("dev").keys() == set()


def test_the_versions_asked_for_are_those_told() -> None:
    packaging = pytest.importorskip("packaging.requirements")
    project = tomlkit.parse((ROOT / "pyproject.toml").read_text(encoding="utf-8")).unwrap()["project"]
    asked = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    # The page tells of each once, where the program first asks for it.
    wanted = {each.name: str(each.specifier) for each in map(packaging.Requirement, reversed(asked))}
    for name in wanted.keys() - {"posture-monitor"}:
        row = re.search(rf"^\| {name} \| ([^|]+) \|", PAGE, flags=re.M | re.I)
        assert row, name
        assert wanted[name] in row[1].split(" and "), "run: python tools/make_third_party.py"


def test_the_model_is_named() -> None:
    assert re.search(r"pose_landmark_full\.tflite.*Apache-2\.0", PAGE)


def test_every_direct_dependency_is_bounded_on_both_sides(maker: ModuleType) -> None:
    direct = [p for extra in ("", "desktop", "gui", "dev") for p in maker.needed(extra).values()]
    for package in (p for p in direct if "posture-monitor" in p.asked_by):
        ours = [text for text in package.ranges if "<" in text or "==" in text]
        # pip itself is only asked to be new enough: which one there is, is the environment's to say.
        assert ours or package.name == "pip", package


def test_the_lock_names_one_version_of_each_and_no_host(maker: ModuleType) -> None:
    lines = [line for line in LOCK.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    locked = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in lines}
    assert len(locked) == len(lines)
    # What is for other systems or older Pythons is told on the page, and has no version here.
    assert told().keys() - locked <= maker.ELSEWHERE.keys()
    assert "://" not in LOCK
