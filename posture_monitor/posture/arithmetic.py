"""One arithmetic for a frame and for a hundred thousand, so that every formula is written once.

NumPy spends a third of a microsecond on each operation however short the array,
Python a hundredth of that on a plain number; over thousands of frames it is the
other way about. So the core's formulas are written over *numbers* that are
either plain floats (`One`) or arrays of one block of frames (`Many`), and take
the few operations that differ between the two from the class they are given.

Both give the same bits. Addition, multiplication, division, square root and
comparison are exactly rounded by IEEE 754 in both; angles come from the same
NumPy function in both, one frame being an array of few. What is not alike is
not used: sums in NumPy's own order, BLAS, powers, Python's `sum`, which has
carried the rounding error along since 3.12.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np

#: A float, or an array ``(B,)`` of them.
Number: TypeAlias = Any
#: A bool, or an array ``(B,)`` of them. Combine with ``&`` and ``|``; negate with `One.no`, `Many.no`.
Truth: TypeAlias = Any
#: Rise, run, and whether the angle is wanted: an arc tangent costs as much as thirty multiplications.
Slope: TypeAlias = tuple[Number, Number, Truth]

#: Frames that are worked on at once: their few hundred intermediate rows stay in the processor's cache.
BLOCK = 8192

_DEGREES = 180.0 / math.pi


def finite(a: Number) -> Truth:
    """Return whether a number is neither NaN nor infinite."""
    return a - a == 0.0


def known(a: Number) -> Truth:
    """Return whether a number is not NaN."""
    return a == a


def total(summands: Iterable[Number]) -> Number:
    """Return the sum, added from the first to the last."""
    result: Number = 0.0
    for summand in summands:
        result = result + summand
    return result


class One:
    """Arithmetic of one frame, on plain floats and bools."""

    sqrt = staticmethod(math.sqrt)

    any = staticmethod(bool)

    @staticmethod
    def no(truth: Truth) -> Truth:
        """Return the opposite."""
        return not truth

    @staticmethod
    def where(truth: Truth, a: Number, b: Number) -> Number:
        """Return `a` where it is so, else `b`."""
        return a if truth else b

    @staticmethod
    def ratio(a: Number, b: Number) -> Number:
        """Return ``a / b``; NaN or infinite where `b` is 0."""
        return a / b if b else math.nan if a == 0.0 or a != a else math.copysign(math.inf, a)

    @staticmethod
    def lesser(a: Number, b: Number) -> Number:
        """Return the smaller, NaN where either is."""
        return a if a < b or a != a else b

    @staticmethod
    def greater(a: Number, b: Number) -> Number:
        """Return the larger, NaN where either is."""
        return a if a > b or a != a else b

    @staticmethod
    def clip(a: Number, low: float, high: float) -> Number:
        """Return `a` kept within bounds."""
        return low if a < low else high if a > high else a

    @staticmethod
    def above_zero(a: Number) -> Number:
        """Return `a` where it is above 0, else 0; also where it is NaN."""
        return a if a > 0.0 else 0.0

    @staticmethod
    def count(truths: Sequence[Truth]) -> Number:
        """Return how many hold, of at most 100."""
        return sum(truths)

    @staticmethod
    def largest(rows: Sequence[Number]) -> tuple[Number, Number]:
        """Return the largest of several numbers, at most 100, and which one it is, the first of equals."""
        value = max(rows)
        return value, rows.index(value)

    @staticmethod
    def directions(slopes: Sequence[Slope]) -> list[Number]:
        """Return in degrees the angles of several slopes, whether they are wanted or not."""
        rises, runs, _ = zip(*slopes, strict=True)
        return [a * _DEGREES for a in np.arctan2(rises, runs).tolist()]

    @staticmethod
    def arctan(a: Number) -> Number:
        """Return the arc tangent in degrees."""
        return float(np.arctan(a)) * _DEGREES

    @staticmethod
    def arccos(a: Number) -> Number:
        """Return the arc cosine in degrees."""
        return float(np.arccos(a)) * _DEGREES

    @staticmethod
    def sine(degrees: Number) -> Number:
        """Return the sine of an angle in degrees."""
        return float(np.sin(degrees / _DEGREES))


class Many:
    """Arithmetic of a block of frames, on arrays ``(B,)``; plain numbers may stand among them."""

    sqrt: ClassVar[Callable[..., Any]] = np.sqrt
    any: ClassVar[Callable[..., Any]] = np.any
    no: ClassVar[Callable[..., Any]] = np.logical_not
    where: ClassVar[Callable[..., Any]] = np.where
    ratio: ClassVar[Callable[..., Any]] = np.divide
    lesser: ClassVar[Callable[..., Any]] = np.minimum
    greater: ClassVar[Callable[..., Any]] = np.maximum

    @staticmethod
    def clip(a: Number, low: float, high: float) -> Number:
        """Return `a` kept within bounds."""
        return np.minimum(np.maximum(a, low), high)

    @staticmethod
    def above_zero(a: Number) -> Number:
        """Return `a` where it is above 0, else 0; also where it is NaN."""
        return np.fmax(a, 0.0)

    @staticmethod
    def count(truths: Sequence[Truth]) -> Number:
        """Return how many hold, of at most 100."""
        return functools.reduce(np.add, (truth.view(np.int8) for truth in truths))

    @staticmethod
    def largest(rows: Sequence[Number]) -> tuple[Number, Number]:
        """Return the largest of several rows, at most 100, and which one it is, the first of equals."""
        value: Number = rows[0]
        which: Number = np.int8(0)
        for i, row in enumerate(rows[1:], 1):
            # A later one has a higher number, so that the highest of those that grew is the last that did.
            which = np.maximum(which, (row > value).view(np.int8) * np.int8(i))
            value = np.maximum(value, row)
        return value, which

    @staticmethod
    def directions(slopes: Sequence[Slope]) -> list[Number]:
        """Return in degrees the angles of several slopes, NaN of those that no frame wants."""
        return [
            np.arctan2(rise, run) * _DEGREES if np.any(wanted) else math.nan for rise, run, wanted in slopes
        ]

    @staticmethod
    def arctan(a: Number) -> Number:
        """Return the arc tangent in degrees."""
        return np.arctan(a) * _DEGREES

    @staticmethod
    def arccos(a: Number) -> Number:
        """Return the arc cosine in degrees."""
        return np.arccos(a) * _DEGREES

    @staticmethod
    def sine(degrees: Number) -> Number:
        """Return the sine of an angle in degrees."""
        return np.sin(degrees / _DEGREES)


#: What a formula is given.
Arithmetic: TypeAlias = type[One] | type[Many]


def blocks(n: int) -> list[slice]:
    """Return `n` frames in blocks of at most `BLOCK`."""
    return [slice(start, min(start + BLOCK, n)) for start in range(0, n, BLOCK)]
