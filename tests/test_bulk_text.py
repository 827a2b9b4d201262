"""Numbers by the million are written as `format` writes one."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posture_monitor.bulk_text import fixed, joined, text


def written(values: npt.NDArray[np.float64], digits: int) -> list[str]:
    return [bytes(row).replace(b"\0", b"").decode() for row in fixed(values, digits)]


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


@given(st.lists(st.floats(), min_size=1, max_size=20), st.integers(1, 4))
def test_any_number(values: list[float], digits: int) -> None:
    assert written(np.array(values), digits) == expected(np.array(values), digits)


def test_columns_make_lines() -> None:
    columns = (
        text(["a", "", "ü"]),
        fixed(np.array([1.5, np.nan, -2.0]), 2),
        text(np.array([b"x", b"yz", b""])),
    )
    assert joined(columns).decode() == "a,1.50,x\n,,yz\nü,-2.00,\n"
    assert joined((fixed(np.full(2, np.nan), 4), text(["p", "q"]))) == b",p\n,q\n"
