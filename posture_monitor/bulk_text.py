"""Numbers as text by the million and back: what `format` would write and `float` would read.

Text to be written is an array ``(N, width)`` of bytes, a row for each number, filled up with
NUL bytes; `joined` puts columns together and leaves the NULs out.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_NUL, _MINUS, _POINT = 0, ord("-"), ord(".")
_GROUP = 10_000
#: Above this a scaled number may be rounded otherwise than its decimal expansion, and below it
#: only where that lies so near to the middle of two.
_SURE_BELOW, _UNSURE_WITHIN = 4e9, 1e-5


def _groups(width: int, *, padded: bool) -> npt.NDArray[np.uint32]:
    """Return the text of all numbers of `width` digits, four bytes each; zeros before them NUL or kept."""
    texts = [f"{i:0{width}d}" if padded else f"{i:d}" for i in range(10**width)]
    return np.frombuffer(b"".join(text.encode().rjust(4, b"\0") for text in texts), dtype=np.uint32)


_PADDED = {width: _groups(width, padded=True) for width in (1, 2, 3, 4)}
# First as a number begins, then as it goes on after other digits.
_WHOLE = np.concatenate((_groups(4, padded=False), _PADDED[4]))


def fixed(values: npt.NDArray[np.float64], digits: int) -> Bytes:
    """Return numbers with so many decimals, as ``f"{value:.4f}"`` does; empty where not finite.

    Parameters
    ----------
    values
        ``(N,)``.
    digits
        1 to 4.
    """
    n = len(values)
    finite = np.isfinite(values)
    if not finite.any():
        return np.empty((n, 0), dtype=np.uint8)
    with np.errstate(over="ignore"):
        scaled = np.abs(np.where(finite, values, 0.0)) * 10.0**digits
    if scaled.max() >= min(_SURE_BELOW, float(_GROUP**2 * 10**digits)):
        return text([f"{value:.{digits}f}" if np.isfinite(value) else "" for value in values.tolist()])
    rounded = np.rint(scaled)
    unsure = np.abs(np.abs(scaled - rounded) - 0.5) < _UNSURE_WITHIN
    for i in np.flatnonzero(unsure).tolist():
        rounded[i] = int(f"{abs(values[i]):.{digits}f}".replace(".", ""))
    number = rounded.astype(np.uint32)
    whole = number // np.uint32(10**digits)
    out = np.empty(n, dtype=[("sign", "u1"), ("high", "u4"), ("low", "u4"), ("point", "u1"), ("part", "u4")])
    out["sign"] = np.signbit(values) * _MINUS
    out["point"] = _POINT
    out["part"] = _PADDED[digits].take(number - whole * np.uint32(10**digits))
    if whole.max() < _GROUP:
        out["high"] = _NUL
        out["low"] = _WHOLE.take(whole)
    else:
        high = whole // np.uint32(_GROUP)
        out["high"] = np.where(high > 0, _WHOLE.take(high), _NUL)
        out["low"] = _WHOLE.take(whole - high * np.uint32(_GROUP) + (high > 0) * np.uint32(_GROUP))
    written: Bytes = out[:, None].view(np.uint8)
    if not finite.all():
        written[~finite] = _NUL
    return written


def text(texts: Sequence[str] | npt.NDArray[Any]) -> Bytes:
    """Return texts in UTF-8; none may hold a NUL byte."""
    if not isinstance(texts, np.ndarray):
        texts = np.array([item.encode() for item in texts], dtype=np.bytes_)
    return np.ascontiguousarray(texts)[:, None].view(np.uint8)


def joined(columns: Sequence[Bytes], separator: bytes = b",", end: bytes = b"\n") -> bytes:
    """Return the lines that columns of text make."""
    n = len(columns[0])
    between = np.full((n, 1), ord(separator), dtype=np.uint8)
    parts: list[Bytes] = []
    for column in columns:
        parts += [column, between]
    parts[-1] = np.full((n, 1), ord(end), dtype=np.uint8)
    return np.concatenate(parts, axis=1).tobytes().translate(None, b"\0")


_ZERO = np.uint8(ord("0"))
_ZEROS = np.uint64(0x3030303030303030)
#: Digits of an integer that 63 bits always hold, and the most decimals: Python writes no number with
#: more of them, and where they make more digits than that they begin with a zero.
_MOST_DIGITS, _MOST_DECIMALS = 18, 20
#: An integer up to here and a power of ten up to that are floating-point numbers without rounding.
_EXACT_UP_TO, _EXACT_POWER = 2**53, 22
_MOST_POWER = 119


def numbers(lines: bytes, columns: int, wanted: Sequence[int]) -> npt.NDArray[np.float64] | None:
    """Return the numbers of comma-separated lines, ``(rows, len(wanted))``, each as `float` reads it.

    Parameters
    ----------
    lines
        Whole lines, the last one ended as well. Empty cells are NaN.
    columns
        In each line.
    wanted
        Which of them, counted from 0; the others may hold any text without quotes.

    Returns
    -------
    ndarray or None
        None where the lines are not what was said, or a cell is no number.
    """
    if b'"' in lines:
        return None
    # A line feed before the first cell, and room for eight bytes before that.
    padded = b"\0" * 8 + b"\n" + lines
    data = np.frombuffer(padded, dtype=np.uint8)
    marks = np.flatnonzero((data - _ZERO) > 9)[8:]  # whatever is no digit
    kinds = data[marks]
    ends = np.flatnonzero((kinds == ord(",")) | (kinds == ord("\n")))
    if (len(ends) - 1) % columns or len(ends) == 1:
        return None
    feeds = (kinds[ends[1:]] == ord("\n")).reshape(-1, columns)
    if feeds[:, :-1].any() or not feeds[:, -1].all():
        return None
    left, right = ends[:-1], ends[1:]
    if len(wanted) < columns or list(wanted) != sorted(wanted):
        left, right = (side.reshape(-1, columns)[:, wanted].ravel() for side in (left, right))
    start, stop = marks[left] + 1, marks[right]
    # Small ones come as 1.25e-05: four characters, two of them marks, after a decimal.
    small = (data[stop - 4] == ord("e")) & (data[stop - 3] == _MINUS)
    end = stop - 4 * small
    last = right - 1 - 2 * small
    pointed = kinds[last] == _POINT
    point = np.where(pointed, marks[last], end)
    negative = data[start] == _MINUS
    first = start + negative
    decimals, whole = end - point - pointed, point - first
    power = decimals + np.where(small, 10 * (data[stop - 2] - _ZERO) + (data[stop - 1] - _ZERO), 0)
    odd = (right - left - 1) != pointed + negative.astype(np.intp) + 2 * small
    odd |= (decimals + whole < 1) | (whole > 8) | (decimals > _MOST_DECIMALS) | (power > _MOST_POWER)
    eights = np.ndarray((len(padded) - 7,), dtype="<u8", buffer=padded, strides=(1,))
    number = np.where(whole > 0, data[point - 1] - _ZERO, 0).astype(np.int64)
    longer = np.flatnonzero(whole > 1)
    number[longer] = _read(eights, point[longer], whole[longer])
    odd |= (decimals + whole > _MOST_DIGITS) & (number > 0)
    number *= _TENS.take(decimals, mode="clip")
    number += _read(eights, end, decimals)
    longer = np.flatnonzero(decimals > 8)
    number[longer] += _read(eights, end[longer] - 8, decimals[longer] - 8) * 10**8
    longest = longer[decimals[longer] > 16]
    high = _read(eights, end[longest] - 16, decimals[longest] - 16)
    odd[longest] |= high >= 900  # 63 bits end at 922 · 10¹⁶
    number[longest] += high * 10**16
    # Where both are exact the quotient is rounded once.
    out: npt.NDArray[np.float64] = number / _POWERS.take(power, mode="clip")
    inexact = np.flatnonzero(((number > _EXACT_UP_TO) | (power > _EXACT_POWER)) & ~odd)
    out[inexact], sure = _quotients(number[inexact], power[inexact])
    odd[inexact] = ~sure
    out = np.where(negative, -out, out)
    out[start == stop] = np.nan
    odd_ones = np.flatnonzero(odd & (start != stop))
    for k, i, j in zip(odd_ones.tolist(), start[odd_ones].tolist(), stop[odd_ones].tolist(), strict=True):
        cell = padded[i:j].strip()
        try:
            out[k] = float(cell) if cell else np.nan
        except ValueError:
            return None
    return out.reshape(-1, len(wanted))


_TENS = 10 ** np.arange(_MOST_DIGITS + 1, dtype=np.int64)
_POWERS = np.array([float(10**k) for k in range(_EXACT_POWER + 1)])


def _halves(a: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return two summands of at most 26 bits each, so that products of such are exact (Veltkamp)."""
    scaled = a * (2.0**27 + 1)
    upper = scaled - (scaled - a)
    return upper, a - upper


_FRACTIONS = [Fraction(1, 10**k) for k in range(_MOST_POWER + 1)]
_TENTHS = np.array([float(fraction) for fraction in _FRACTIONS])
_TENTHS_REST = np.array([float(fraction - Fraction(float(fraction))) for fraction in _FRACTIONS])


def _quotients(
    number: npt.NDArray[np.int64], power: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return ``number / 10**power`` rounded once, and where that is sure.

    Computed to 104 bits, as sums of two floating-point numbers (T. J. Dekker,
    Numer. Math. 18, 1971). That does not say which way a quotient is rounded that
    lies as near to the middle between two numbers as the error of the sum.
    """
    upper = number.astype(np.float64)
    lower = (number - upper.astype(np.int64)).astype(np.float64)
    tenth, rest = _TENTHS.take(power), _TENTHS_REST.take(power)
    product = upper * tenth
    (a, b), (c, d) = _halves(upper), _halves(tenth)
    missing = ((a * c - product) + a * d + b * c) + b * d
    missing += upper * rest + lower * tenth
    value = product + missing
    missing -= value - product
    error = value * 2.0**-98
    return value, (value + (missing + error) == value) & (value + (missing - error) == value)


def _read(
    eights: npt.NDArray[np.uint64], end: npt.NDArray[np.intp], digits: npt.NDArray[np.intp]
) -> npt.NDArray[np.int64]:
    """Return the numbers that the last digits before `end` make, eight at most.

    `eights` are the eight bytes from any place on. As digits they are put
    together in pairs, pairs of pairs and so on, within one 64-bit number.
    """
    unused = ((8 - np.clip(digits, 0, 8)) * 8).astype(np.uint64)
    value = ((eights[end - 8] ^ _ZEROS) >> unused) << unused
    value = (value * np.uint64(10) + (value >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    value = (value * np.uint64(100) + (value >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    value = (value * np.uint64(10000) + (value >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    result: npt.NDArray[np.int64] = value.astype(np.int64)
    return result
