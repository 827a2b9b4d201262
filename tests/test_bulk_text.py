"""Numbers by the million are written as `format` writes one, and read as `float` reads one."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posture_monitor.bulk_text import _quotients, fixed, joined, numbers, numerical, text


def written(values: npt.NDArray[np.float64], digits: int) -> list[str]:
    return joined([fixed(values, digits)]).decode().splitlines()


def expected(values: npt.NDArray[np.float64], digits: int) -> list[str]:
    return [f"{value:.{digits}f}" if math.isfinite(value) else "" for value in values.tolist()]


@pytest.mark.parametrize("digits", [1, 2, 3, 4])
@pytest.mark.parametrize("scale", [1e-6, 1e-2, 1.0, 300.0, 2e4, 3e6, 2e8, 1e13, 1e300])
def test_numbers_of_every_size(scale: float, digits: int) -> None:
    values = np.random.default_rng(digits).normal(0, scale, 2000)
    values[::9], values[1::9] = np.nan, np.inf
    assert written(values, digits) == expected(values, digits)


@pytest.mark.parametrize("digits", [1, 2, 3, 4])
def test_middles_of_two_are_rounded_by_their_true_decimals(digits: int) -> None:
    halves = (np.arange(-4000, 4000) + 0.5) / 10**digits
    binary = np.arange(-5000, 5000) / 64
    for values in (halves, binary, np.nextafter(halves, np.inf), np.array([0.0, -0.0, -1e-9])):
        assert written(values, digits) == expected(values, digits)


@pytest.mark.parametrize("digits", [1, 2, 3, 4])
def test_what_is_rounded_up_to_another_digit(digits: int) -> None:
    units = np.array([0.4, 0.5, 0.6, 1.0, 1.4]) / 10**digits
    for power in range(1, 10):
        assert written(10.0**power - units, digits) == expected(10.0**power - units, digits)


@given(st.lists(st.floats(), min_size=1, max_size=20), st.integers(1, 4))
def test_any_number(values: list[float], digits: int) -> None:
    assert written(np.array(values), digits) == expected(np.array(values), digits)


def test_columns_make_lines() -> None:
    columns = (
        (text(["a", "", "ü"]),),
        fixed(np.array([1.5, np.nan, -2.0]), 2),
        (),
        (text(["x", "yz", ""]), np.arange(3).astype(np.bytes_)),
    )
    assert joined(columns).decode() == "a,1.50,,x0\n,,,yz1\nü,-2.00,,2\n"
    assert joined((fixed(np.full(2, np.nan), 4), (text(["p", "q"]),))) == b",p\n,q\n"


def read(cells: list[str], columns: int) -> npt.NDArray[np.float64] | None:
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    return numbers("".join(",".join(row) + "\n" for row in rows).encode(), columns, range(columns))


def assert_read(cells: list[str], columns: int) -> None:
    found = read(cells, columns)
    assert found is not None
    wanted = np.array([float(cell) if cell.strip() else math.nan for cell in cells]).reshape(-1, columns)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))


def test_plain_numbers_are_read_to_the_last_bit() -> None:
    rng = np.random.default_rng(2)
    assert_read([str(value) for value in rng.normal(0, 1, 4000).astype(np.float32)], 40)
    assert_read([str(value) for value in (10.0 ** rng.uniform(-12, 6, 4000)).astype(np.float32)], 40)
    assert_read(
        [str(round(value, d)) for d in range(1, 10) for value in rng.normal(0, 999, 400).tolist()], 40
    )
    assert_read([str(value) for value in rng.integers(-(10**8), 10**8, 4000).tolist()], 40)


def test_cells_of_every_kind_are_read() -> None:
    kinds = [
        "",
        "nan",
        "NaN",
        "5",
        "-3",
        ".5",
        "5.",
        "-.25",
        "00.10",
        "-0.0",
        "1e-05",
        "-2.5e-07",
        ".5e-09",
        "7e-21",
    ]
    assert_read(kinds * 30, 7)
    odd = ["1e5", " 2.5 ", "+3", "0.123456789012345678", "123456789.5", "1e-300", " ", "1_0"]
    assert_read((["0.5"] * 192 + odd) * 2, 100)
    assert_read((["0.5"] * 196 + odd[3:6] + ["-0e-30"]) * 2, 100)


def test_numbers_with_all_their_digits_are_read_to_the_last_bit() -> None:
    # As Python writes them, of which few are short enough to be read in bulk.
    values = np.random.default_rng(3).normal(0, 1, 3990)
    for magnitude in (1.0, 1e-300, 1e200):
        cells = [repr(value) for value in (values * magnitude).tolist()]
        assert_read(["", "nan", "NaN", "0", "-0.0", "7", *cells, "", "", "nan", ""], 40)


def test_digits_next_to_the_middle_of_two_numbers() -> None:
    rng = np.random.default_rng(4)
    cells = []
    for value in (10.0 ** rng.uniform(-4, 3, 300)).tolist():
        middle = (Fraction(value) + Fraction(math.nextafter(value, math.inf))) / 2
        for digits in (14, 15, 17, 18):
            # Rounded down or up from the middle, which one digit more or less may cross.
            text = str(int(middle * 10**digits) + int(rng.integers(0, 2))).zfill(digits + 1)
            cells.append(f"{text[:-digits]}.{text[-digits:]}")
    cells += ["0." + "9" * k for k in range(10, 25)] + ["1" * k + "." + "9" * (18 - k) for k in range(1, 9)]
    assert_read(cells + [""] * (-len(cells) % 9), 9)


def test_long_decimals_behind_zeros_are_read_to_the_last_bit() -> None:
    rng = np.random.default_rng(6)
    cells = []
    for decimals in range(14, 28):
        for zeros in range(decimals):
            rest = "".join(str(digit) for digit in rng.integers(1, 10, decimals - zeros))
            cells += [f"{whole}.{'0' * zeros}{rest}{power}" for whole in "089" for power in ("", "e-07")]
        cells += [f"0.{'0' * k}1{'0' * (decimals - k)}1" for k in range(decimals)]
    assert_read(cells + [""] * (-len(cells) % 9), 9)


def test_the_middle_of_two_numbers_is_not_sure() -> None:
    numbers = np.array([2**53 + 1, 2**53 + 2, 2**60 - 2**6])
    value, sure = _quotients(numbers, np.zeros(3, dtype=np.intp))
    assert sure.tolist() == [False, True, False]
    assert value[1] == 2**53 + 2


def test_only_what_is_wanted_is_read() -> None:
    lines = b"7,good,1.5,,2\n8,bad one,-2.5,3e-05,0.1234567890123456789\n"
    found = numbers(lines, 5, [4, 2, 0, 3])
    assert found is not None
    np.testing.assert_array_equal(
        found, [[2, 1.5, 7, math.nan], [0.1234567890123456789, -2.5, 8, 3e-05]], strict=True
    )
    assert numbers(lines, 5, [0, 1]) is None
    # A comma within quotes ends no cell.
    assert numbers(b'1,"2,3"\n', 3, [0]) is None


@given(st.lists(st.text("0123456789.e-+na ", max_size=9), min_size=6, max_size=6), st.sampled_from([0, 60]))
def test_whatever_is_read_is_what_float_reads(cells: list[str], plain: int) -> None:
    cells += ["0.5"] * plain
    if read(cells, 3) is not None:
        assert_read(cells, 3)


@given(st.lists(st.floats(allow_infinity=False), min_size=6, max_size=6), st.sampled_from([0, 60]))
def test_any_number_is_read_to_the_last_bit(values: list[float], plain: int) -> None:
    assert_read([repr(value) for value in values] + ["0.5"] * plain, 3)


@pytest.mark.parametrize(
    "cell",
    [
        "a",
        "1.2.3",
        "-",
        "--1",
        "1-2",
        ".",
        "1e--5",
        "e-05",
        "1-e-05",
        "1.5e-:5",
        "1.5e-0:",
        "n",
        "1nan",
        '"1"x',
        "true",
        "null",
        "[]",
    ],
)
@pytest.mark.parametrize("others", [["1"] * 3, ["0.1"] * 40, ["0.12345678901234567"] * 40 + [""]])
def test_what_is_no_number_is_not_read(cell: str, others: list[str]) -> None:
    assert read([cell, *others], len(others) + 1) is None
    assert read([*others, cell], len(others) + 1) is None


def test_lines_of_another_length_are_not_read() -> None:
    for lines in (b"1,2\n3\n", b"1,2,3\n4\n", b"1,2\n\n3,4\n", b"\n", b""):
        assert numbers(lines, 2, [0, 1]) is None


@pytest.mark.parametrize("cell", ["abc", "nan", "1x", "E5", "\u00fc", "1_0"])
def test_characters_of_no_number_are_noticed(cell: str) -> None:
    assert numerical(b"0.5,-1.25e-05,,3\n")
    assert not numerical(f"0.5,{cell},,3e-05\n".encode())
