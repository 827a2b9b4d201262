"""Landmark tables: there and back unchanged, quick, and clear about what is wrong."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from posture_monitor.errors import UserError
from posture_monitor.sensing import landmark_table
from posture_monitor.sensing.landmark_table import COLUMNS, LandmarkTable, read_table, write_table
from posture_monitor.sensing.sources import open_source


def table_of(n: int, *, stills: bool = False) -> LandmarkTable:
    landmarks = np.random.default_rng(n).random((n, 33, 4), np.float32)
    landmarks[1::3] = np.nan
    t_s = np.full(n, np.nan) if stills else np.arange(n) / 5
    return LandmarkTable(t_s, np.tile([640.0, 480.0], (n, 1)), landmarks)


def assert_same(a: LandmarkTable, b: LandmarkTable) -> None:
    np.testing.assert_array_equal(a.t_s, b.t_s)
    np.testing.assert_array_equal(a.size, b.size)
    np.testing.assert_array_equal(a.landmarks, b.landmarks)
    assert b.landmarks.dtype == np.float32


finite = {"allow_nan": True, "allow_infinity": False}


@st.composite
def tables(draw: st.DrawFn) -> LandmarkTable:
    n = draw(st.integers(1, 4))
    steps = draw(hnp.arrays(np.float64, n, elements=st.floats(1e-3, 1e6)))
    t_s = np.full(n, np.nan) if draw(st.booleans()) else np.cumsum(steps) + draw(st.floats(-1e6, 1e6))
    size = draw(hnp.arrays(np.float64, (n, 2), elements=st.floats(1, 1e5)))
    landmarks = draw(hnp.arrays(np.float32, (n, 33, 4), elements=st.floats(width=32, **finite)))
    return LandmarkTable(t_s, size, landmarks)


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(table=tables())
def test_written_and_read_again_is_the_same(tmp_path: Path, suffix: str, table: LandmarkTable) -> None:
    path = tmp_path / f"t{suffix}"
    write_table(path, table)
    read = read_table(path)
    assert_same(table, read)
    assert read.stills == bool(np.isnan(table.t_s).all())
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_npz_of_plain_columns_is_read(tmp_path: Path) -> None:
    table = table_of(5)
    flat = table.landmarks.reshape(5, -1)
    columns = {name: flat[:, k] for k, name in enumerate(COLUMNS[3:])}
    np.savez(
        tmp_path / "t.npz", t_s=table.t_s, width=[640] * 5, height=[480] * 5, label=list("abcde"), **columns
    )
    assert_same(table, read_table(tmp_path / "t.npz"))


def csv_lines(table: LandmarkTable, tmp_path: Path) -> list[list[str]]:
    write_table(tmp_path / "plain.csv", table)
    return [line.split(",") for line in (tmp_path / "plain.csv").read_text().splitlines()]


def test_csv_with_columns_mixed_and_more_of_them(tmp_path: Path) -> None:
    table = table_of(4)
    rows = csv_lines(table, tmp_path)
    mixed = [
        [row[5], 'label, "odd"' if i == 0 else "", *row[:5], *row[6:], "x"] for i, row in enumerate(rows)
    ]
    mixed[0][1], mixed[0][-1] = "label", "note"
    mixed[2][1] = '"good, really"'
    text = "\r\n".join(",".join(row) for row in mixed)
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + text.encode() + b"\r\n\r\n")
    assert_same(table, read_table(tmp_path / "t.csv"))


@pytest.mark.parametrize("empty", ["", "nan", "NaN", " "])
def test_empty_cells_are_nobody_and_no_time(tmp_path: Path, empty: str) -> None:
    rows = csv_lines(table_of(3), tmp_path)
    for row in rows[1:]:
        row[0] = empty
    rows[2][3:] = [empty] * 132
    (tmp_path / "t.csv").write_text("\n".join(",".join(row) for row in rows))
    table = read_table(tmp_path / "t.csv")
    assert table.stills
    assert np.isnan(table.landmarks[1]).all()
    assert np.isfinite(table.landmarks[[0, 2]]).all()


def message(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "column", "value", "says"),
    [
        (3, 10, "abc", ("row 3", "line 4", "v1", "'abc'")),
        (2, 0, "inf", ("row 2 (line 3)", "t_s")),
        (2, 0, "0.9", ("row 3 (line 4)", "t_s", "grow, but 0.4 follows 0.9;")),
        (3, 0, "0.2", ("row 3 (line 4)", "t_s", "grow, but 0.2 follows 0.2;")),
        (2, 0, "", ("row 2 (line 3)", "t_s", "empty")),
        (1, 1, "0", ("row 1 (line 2)", "width", "not 0")),
        (4, 2, "-480", ("row 4 (line 5)", "height", "not -480")),
        (4, 2, "0.3", ("row 4 (line 5)", "height", "not 0.3")),  # which rounds to no pixel at all
        (1, 1, "", ("row 1", "width")),
        (4, 3, "inf", ("row 4 (line 5)", "x0")),
        (4, 134, "-inf", ("row 4", "v32")),
    ],
)
def test_a_wrong_cell_is_named(
    tmp_path: Path, row: int, column: int, value: str, says: tuple[str, ...]
) -> None:
    rows = csv_lines(table_of(5), tmp_path)
    rows[row][column] = value
    (tmp_path / "t.csv").write_text("\n".join(",".join(cells) for cells in rows))
    text = message(tmp_path / "t.csv")
    assert [part for part in says if part not in text] == []


def test_a_table_of_many_pieces_is_read_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landmark_table, "_PIECE", 100_000)
    table = table_of(2000)  # some 2 MB
    write_table(tmp_path / "t.csv", table)
    assert_same(table, read_table(tmp_path / "t.csv"))
    lines = (tmp_path / "t.csv").read_text().splitlines()
    lines[1900] += "x"
    (tmp_path / "t.csv").write_text("\n".join(lines))
    text = message(tmp_path / "t.csv")
    assert "row 1900 (line 1901), column v32" in text


USED = frozenset({"x0", "v11", "y24"})


@pytest.mark.parametrize("further", [False, True])
def test_only_used_columns_are_needed(tmp_path: Path, further: bool) -> None:
    table = table_of(50)
    rows = csv_lines(table, tmp_path)
    if further:
        rows = [["label", *rows[0]], *(["good", *row] for row in rows[1:])]
    (tmp_path / "t.csv").write_text("\n".join(",".join(row) for row in rows))
    read = read_table(tmp_path / "t.csv", USED)
    kept = [(0, 0), (11, 3), (24, 1)]
    for point, axis in kept:
        np.testing.assert_array_equal(read.landmarks[:, point, axis], table.landmarks[:, point, axis])
    np.testing.assert_array_equal(read.t_s, table.t_s)
    np.testing.assert_array_equal(read.size, table.size)
    # With further columns, which may hold anything, all that is there is read.
    assert np.isfinite(read.landmarks).sum() == np.isfinite(table.landmarks).sum() * (
        1 if further else len(kept) / 132
    )


@pytest.mark.parametrize("value", ["abc", "inf", "nan1"])
def test_a_wrong_cell_is_named_in_a_column_that_is_not_used(tmp_path: Path, value: str) -> None:
    rows = csv_lines(table_of(5), tmp_path)
    rows[2][3 + 4 * 20] = value
    (tmp_path / "t.csv").write_text("\n".join(",".join(row) for row in rows))
    with pytest.raises(UserError, match=r"row 2.*column x20"):
        read_table(tmp_path / "t.csv", USED)


def test_labels_and_long_numbers(tmp_path: Path) -> None:
    # As scripts write them that know single numbers as Python's own: 0.1 is 0.10000000149011612.
    table = table_of(30)
    values = [[repr(x) if x == x else "" for x in row] for row in table.landmarks.reshape(30, -1).tolist()]
    rows = [["label", *COLUMNS], *(["good", str(i / 5), "640", "480", *row] for i, row in enumerate(values))]
    (tmp_path / "t.csv").write_text("\n".join(",".join(row) for row in rows))
    assert_same(table, read_table(tmp_path / "t.csv"))


def test_blank_lines_and_quotes(tmp_path: Path) -> None:
    table = table_of(3)
    rows = csv_lines(table, tmp_path)
    rows[2][3] = f'"{rows[2][3]}"'
    lines = [",".join(row) for row in rows]
    (tmp_path / "t.csv").write_text("\n".join([*lines[:2], "", *lines[2:], "", ""]))
    assert_same(table, read_table(tmp_path / "t.csv"))
    rows[3][4] = "wrong"
    lines[3] = ",".join(rows[3])
    (tmp_path / "t.csv").write_text("\n".join([*lines[:2], "", *lines[2:]]))
    assert "row 3 (line 5), column y0: 'wrong'" in message(tmp_path / "t.csv")
    rows[3][4] = "inf"  # a number, which shows only when the whole table is read
    lines[3] = ",".join(rows[3])
    (tmp_path / "t.csv").write_text("\n".join([*lines[:2], "", *lines[2:]]))
    assert "row 3 (line 5), column y0: not a finite" in message(tmp_path / "t.csv")


def test_a_cell_without_end_is_named(tmp_path: Path) -> None:
    rows = csv_lines(table_of(3), tmp_path)
    rows[2][3] = '"' + "1" * 200_000
    (tmp_path / "t.csv").write_text("\n".join(",".join(row) for row in rows))
    assert "line 3" in message(tmp_path / "t.csv")


def test_missing_columns_are_named(tmp_path: Path) -> None:
    rows = csv_lines(table_of(2), tmp_path)
    (tmp_path / "t.csv").write_text("\n".join(",".join(row[:-2]) for row in rows))
    assert ": missing columns z32, v32; a" in message(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("\n".join(",".join(row[1:]) for row in rows))
    assert ": missing column t_s; a" in message(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("\n".join(",".join(row[:-3]) for row in rows))
    assert ": missing columns y32, z32, v32; a" in message(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    assert ": missing columns t_s, width, height and 132 more; a" in message(tmp_path / "t.csv")
    for separator, hint in ((";", "commas"), ("\t", "commas"), (" ", "v32")):
        (tmp_path / "t.csv").write_text(separator.join(COLUMNS))
        assert message(tmp_path / "t.csv").endswith(hint)
    np.savez(tmp_path / "t.npz", t_s=np.zeros(3), landmarks=np.zeros((3, 33, 4)))
    assert "width, height" in message(tmp_path / "t.npz")


def test_short_and_long_rows_and_columns_twice(tmp_path: Path) -> None:
    rows = csv_lines(table_of(3), tmp_path)
    for more, told in ((", ", ""), (", ,x", ": row 2 (line 3): 137 cells, but the header has 135 columns")):
        lines = [",".join(row) for row in rows]
        lines[2] += more
        (tmp_path / "t.csv").write_text("\n".join(lines))
        if told:
            assert message(tmp_path / "t.csv").endswith(told)
        else:
            assert_same(table_of(3), read_table(tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_text("\n".join(",".join(row) for row in [*rows, ["9", "640"]]))
    assert "row 4" in message(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("\n".join(",".join([*row, row[3]]) for row in rows))
    assert "x0 is there twice" in message(tmp_path / "t.csv")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00junk", b"PK\x03\x04junk"])
@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_files_that_are_no_table(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"t{suffix}"
    path.write_bytes(content)
    assert message(path)


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_a_file_that_is_not_there(tmp_path: Path, suffix: str) -> None:
    assert message(tmp_path / f"t{suffix}").endswith(": cannot be read: No such file or directory")


def test_a_name_in_capitals_says_the_same(tmp_path: Path) -> None:
    for name in ("T.NPZ", "T.CSV"):
        write_table(tmp_path / name, table_of(3))
        assert_same(table_of(3), read_table(tmp_path / name))
    assert (tmp_path / "T.NPZ").read_bytes().startswith(b"PK")


@pytest.mark.parametrize("suffix", [".csv", ".npz"])
def test_a_table_without_rows(tmp_path: Path, suffix: str) -> None:
    empty = LandmarkTable(np.empty(0), np.empty((0, 2)), np.empty((0, 33, 4), np.float32))
    write_table(tmp_path / f"t{suffix}", empty)
    assert "without rows" in message(tmp_path / f"t{suffix}")


def test_a_cut_npz_is_named(tmp_path: Path) -> None:
    write_table(tmp_path / "t.npz", table_of(50))
    (tmp_path / "t.npz").write_bytes((tmp_path / "t.npz").read_bytes()[:3000])
    message(tmp_path / "t.npz")


def test_a_pickle_in_an_npz_is_not_run(tmp_path: Path) -> None:
    table = table_of(2)
    odd = np.array([print, print], dtype=object)
    np.savez(tmp_path / "t.npz", t_s=odd, width=[1, 1], height=[1, 1], landmarks=table.landmarks)
    assert "more than numbers" in message(tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("name", "array"),
    [("landmarks", np.zeros((2, 33, 3))), ("t_s", np.array(["a", "b"])), ("width", np.ones((2, 1)))],
)
def test_wrong_shapes_and_kinds_are_named(tmp_path: Path, name: str, array: np.ndarray) -> None:
    arrays = {
        "t_s": np.arange(2.0),
        "width": np.ones(2),
        "height": np.ones(2),
        "landmarks": np.zeros((2, 33, 4)),
    }
    np.savez(tmp_path / "t.npz", **{**arrays, name: array})
    assert f"array {name}" in message(tmp_path / "t.npz")


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written: No such file or directory"):
        write_table(tmp_path / "no" / "t.npz", table_of(2))
    with pytest.raises(UserError, match=r"\.npz or \.csv"):
        write_table(tmp_path / "t.parquet", table_of(2))


def test_a_table_is_a_source(tmp_path: Path) -> None:
    table = table_of(5)
    write_table(tmp_path / "t.npz", table)
    with open_source(str(tmp_path / "t.npz"), started_at=1000.0) as source:
        frames = list(source.frames())
    assert (source.total, source.stills, source.live) == (5, False, False)
    assert [f.t_s for f in frames] == table.t_s.tolist()
    assert [f.wall_s for f in frames] == pytest.approx([1000 + i / 5 for i in range(5)])
    assert frames[0].image is None
    assert (frames[0].width, frames[0].height) == (640, 480)
    np.testing.assert_array_equal(
        np.stack([f.landmarks for f in frames if f.landmarks is not None]), table.landmarks
    )


def test_a_table_ends_now_unless_told_when_it_began(tmp_path: Path) -> None:
    table = table_of(5)
    write_table(tmp_path / "t.npz", LandmarkTable(table.t_s + 100, table.size, table.landmarks))
    began_s = time.time()
    with open_source(str(tmp_path / "t.npz")) as source:
        walls = [f.wall_s for f in source.frames()]
    assert began_s <= walls[-1] <= time.time()
    assert walls[0] == pytest.approx(walls[-1] - 0.8)


def test_a_row_of_an_npz_is_on_no_line(tmp_path: Path) -> None:
    table = table_of(3)
    write_table(tmp_path / "t.npz", LandmarkTable(table.t_s[::-1], table.size, table.landmarks))
    assert "row 2, column t_s: time must grow, but 0.2 follows 0.4" in message(tmp_path / "t.npz")


def test_a_table_without_time_is_stills(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", table_of(3, stills=True))
    with open_source(str(tmp_path / "t.csv")) as source:
        frames = list(source.frames())
    assert source.stills
    assert all(math.isnan(f.t_s) and abs(f.wall_s - time.time()) < 5 for f in frames)
