"""Whatever is handed over as settings, profile, table or diary entry is taken or refused in one line."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import io
import math
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomlkit
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_monitor import paths
from posture_monitor.cli import cli
from posture_monitor.config import load_config
from posture_monitor.errors import UserError
from posture_monitor.history.diary import Diary, episode, parse_moment
from posture_monitor.history.records import SYMPTOMS, TRIGGERS
from posture_monitor.sensing.landmark_table import COLUMNS, LandmarkTable, read_table
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import read_profile

pytestmark = pytest.mark.slow

FUZZ = Path(__file__).parent / "fuzz"
SEEDS = {kind: sorted((FUZZ / kind).iterdir()) for kind in ("profile", "table")}

# Files are written and read: slower than what hypothesis expects of a pure function.
quick = settings(max_examples=40, deadline=None)


def taken(read: Callable[[Path], Any], content: bytes, suffix: str) -> Any:
    """Read `content` as a file; return what was read, or None where it was refused in one line."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"handed{suffix}"
        file.write_bytes(content)
        try:
            return read(file)
        except UserError as error:
            line = str(error)
    assert str(file) in line, "the line names the file"
    assert len(line.splitlines()) == 1
    return None


def cut_and_changed(content: bytes) -> st.SearchStrategy[bytes]:
    """Return the content with a stretch of it replaced by other bytes."""

    def put(where: tuple[int, int, bytes]) -> bytes:
        start, length, other = where
        return content[:start] + other + content[start + length :]

    return st.tuples(st.integers(0, len(content)), st.integers(0, 40), st.binary(max_size=12)).map(put)


# -- what was found before ----------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS["profile"], ids=lambda path: path.name)
def test_every_profile_of_the_fuzzer(seed: Path) -> None:
    profile = taken(read_profile, seed.read_bytes(), seed.suffix)
    assert (profile is not None) is (seed.name in ("small.toml", "starter.toml"))


@pytest.mark.parametrize("seed", SEEDS["table"], ids=lambda path: path.name)
def test_every_table_of_the_fuzzer(seed: Path) -> None:
    table = taken(read_table, seed.read_bytes(), seed.suffix)
    assert (table is not None) is seed.name.startswith("whole")


# -- settings ------------------------------------------------------------------------

SETTINGS = paths.packaged("config.toml").read_bytes()


@quick
@given(cut_and_changed(SETTINGS) | st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_settings_with_a_stretch_of_anything(content: bytes) -> None:
    taken(load_config, content, ".toml")


# -- profiles ------------------------------------------------------------------------

PROFILE = (FUZZ / "profile" / "small.toml").read_bytes()


def checked(profile: Profile | None) -> None:
    """Check that what was taken for a profile can be judged by."""
    if profile is not None:
        for neutral in (*profile.neutrals, *profile.captures.values()):
            assert np.isfinite(neutral.centre).any()
            assert np.isfinite(neutral.spread).all()
            assert (neutral.spread > 0).all()
            assert 0 <= neutral.azimuth_deg <= 90
        assert all(1 <= factor <= 3 for factor in profile.tuning.values())


@quick
@given(cut_and_changed(PROFILE) | st.binary(max_size=60))
def test_a_profile_with_a_stretch_of_anything(content: bytes) -> None:
    checked(taken(read_profile, content, ".toml"))


odd: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=8) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(min_size=1, max_size=4), inner),
    max_leaves=4,
)
places = st.sampled_from(
    [
        ("schema",), ("created",), ("camera",), ("camera", "identity"), ("camera", "width"), ("tuning",),
        ("tuning", "fsr"), ("tuning", "none"), ("neutral",), ("neutral", 0), ("neutral", 0, "name"),
        ("neutral", 0, "view"), ("neutral", 0, "azimuth_deg"), ("neutral", 0, "frames"),
        ("neutral", 0, "metrics"), ("neutral", 0, "metrics", "fsr"), ("neutral", 0, "metrics", "none"),
        ("neutral", 0, "metrics", "fsr", "centre"), ("neutral", 0, "metrics", "fsr", "spread"),
        ("capture",), ("capture", 0, "name"), ("capture", 0, "metrics"),
    ]
)  # fmt: skip


@quick
@given(places, odd)
def test_a_profile_with_anything_in_any_place(place: tuple[str | int, ...], value: Any) -> None:
    content: Any = copy.deepcopy(tomlkit.parse(PROFILE.decode()).unwrap())
    table = content
    for step in place[:-1]:
        table = table[step]
    table[place[-1]] = value
    try:
        text = tomlkit.dumps(content)
    except (ValueError, TypeError, tomlkit.exceptions.TOMLKitError):
        return  # TOML has no such thing
    checked(taken(read_profile, text.encode("utf-8", "surrogatepass"), ".toml"))


# -- landmark tables -----------------------------------------------------------------

TABLE = (FUZZ / "table" / "whole.csv").read_bytes()
ARRAYS = (FUZZ / "table" / "whole.npz").read_bytes()


def whole(table: LandmarkTable | None) -> None:
    """Check that what was taken for a table can be walked through."""
    if table is not None:
        assert table.landmarks.shape == (len(table), 33, 4)
        assert table.size.shape == (len(table), 2)
        assert (table.size > 0).all()
        assert not np.isinf(table.landmarks).any()
        assert table.stills or (np.diff(table.t_s) > 0).all()


@quick
@given(cut_and_changed(TABLE) | st.binary(max_size=60))
def test_a_table_with_a_stretch_of_anything(content: bytes) -> None:
    whole(taken(read_table, content, ".csv"))


cells = st.sampled_from(
    ["", " ", "nan", "inf", "-inf", "1e400", "1e39", "-0", "0.5", '"0.5"', '"', "\0", "x"]
)


@quick
@given(st.integers(0, len(COLUMNS) - 1), cells | st.floats().map(repr) | st.text(max_size=6))
def test_a_table_with_anything_in_any_cell(column: int, cell: str) -> None:
    head, first, *rest = TABLE.decode().splitlines()
    row = first.split(",")
    row[column] = cell
    text = "\n".join([head, ",".join(row), *rest, ""])
    whole(taken(read_table, text.encode("utf-8", "surrogatepass"), ".csv"))


@quick
@given(cut_and_changed(ARRAYS) | st.binary(max_size=60).map(b"PK".__add__))
def test_an_npz_with_a_stretch_of_anything(content: bytes) -> None:
    whole(taken(read_table, content, ".npz"))


def members(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(contents: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return out.getvalue()


MEMBERS = members(ARRAYS)


@quick
@given(st.data(), st.sampled_from(sorted(MEMBERS)))
def test_an_npz_whose_arrays_are_changed(data: st.DataObject, name: str) -> None:
    # The archive is sound, so that what reads the arrays is reached.
    content = data.draw(cut_and_changed(MEMBERS[name]))
    whole(taken(read_table, packed({**MEMBERS, name: content}), ".npz"))


kinds = st.sampled_from(["f2", "f4", "f8", "i1", "i8", "u8", "?", "c16", "U3", "S3", "M8[s]", "V4", ">f8"])
shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@quick
@given(st.sampled_from(sorted(MEMBERS)), kinds, shapes | st.sampled_from([(2, 33, 4), (2,)]))
def test_an_npz_with_arrays_of_any_kind(name: str, kind: str, shape: tuple[int, ...]) -> None:
    out = io.BytesIO()
    np.save(out, np.zeros(shape, dtype=kind))
    whole(taken(read_table, packed({**MEMBERS, name: out.getvalue()}), ".npz"))


# -- the diary -----------------------------------------------------------------------

NOW_S = dt.datetime(2026, 3, 2, 15, 0).timestamp()
moments = st.text(max_size=24) | st.from_regex(
    r"\A(now|today|yesterday|\d{4}-\d{1,2}-\d{1,2})?[ T]?\d{1,3}:\d{1,3}\Z"
)


@quick
@given(moments)
def test_any_words_for_a_moment(text: str) -> None:
    with contextlib.suppress(UserError):
        assert 0 < NOW_S - parse_moment(text, NOW_S) < math.inf or text.strip().lower() in ("", "now")


@settings(max_examples=15)
@given(
    st.integers(0, 10),
    st.sampled_from(("", *TRIGGERS)),
    st.lists(st.sampled_from(SYMPTOMS), max_size=4),
    st.text(st.characters(), max_size=200),
)
def test_any_entry_is_kept_as_it_was_told(pain: int, trigger: str, symptoms: list[str], note: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        diary = Diary(Path(folder) / "history.sqlite3")
        entry = diary.add(episode(pain, NOW_S, trigger=trigger, symptoms=symptoms, note=note))
        assert diary.list() == [entry]
    assert (entry.pain, entry.trigger, set(entry.symptoms)) == (pain, trigger, set(symptoms))
    assert entry.note == note.encode(errors="replace").decode().strip()


words = st.text(st.characters(exclude_characters="\0"), max_size=12)


@pytest.mark.usefixtures("home")
@settings(max_examples=25)
@given(
    st.lists(st.sampled_from(["--pain", "--at", "--trigger", "--symptom", "--note", "6"]) | words, max_size=6)
)
def test_any_words_after_log_spasm(arguments: list[str]) -> None:
    ended = CliRunner().invoke(cli, ["log", "spasm", *arguments], input="", prog_name="posture-monitor")
    assert ended.exit_code in (0, 2)
    assert ended.exception is None or isinstance(ended.exception, SystemExit)
