"""Numbers as text by the million and back: what `format` would write and `float` would read.

Text to be written comes in columns of arrays ``(N,)``, whose bytes in each row are its text, filled
up with NUL bytes; `joined` puts columns together and leaves the NULs out.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Bytes: TypeAlias = npt.NDArray[np.uint8]
#: Of one column, arrays ``(N,)`` of any kind, one after the other.
Column: TypeAlias = Sequence[npt.NDArray[Any]]

_ZERO = np.uint8(ord("0"))
_MINUS, _POINT = ord("-"), ord(".")
_THOUSAND = 1000
#: Above this a scaled number may be rounded otherwise than its decimal expansion, and below it
#: only where that lies so near to the middle of two.
_SURE_BELOW, _UNSURE_WITHIN = 4e9, 1e-5


def _digits(width: int) -> Bytes:
    """Return the text of all numbers of `width` digits, ``(10**width, width)``, with zeros before them."""
    numbers = np.arange(10**width, dtype=np.uint32)[:, None]
    places = 10 ** np.arange(width - 1, -1, -1, dtype=np.uint32)
    digits: Bytes = (numbers // places % 10).astype(np.uint8) + _ZERO
    return digits


def _words(rows: Bytes) -> npt.NDArray[np.uint32]:
    """Return rows of four bytes each as words, and after them one of none."""
    return np.append(np.ascontiguousarray(rows).view(np.uint32).ravel(), np.uint32(0))


# Three digits that a number begins with, zeros before them left out; and as it goes on after others.
_BEGIN = _digits(3)
_BEGIN[np.arange(_THOUSAND)[:, None] < [100, 10, 0]] = 0
_POINTS = np.full((_THOUSAND, 1), _POINT, dtype=np.uint8)
_WHOLE = _words(np.vstack([np.hstack([_BEGIN, _POINTS]), np.hstack([_digits(3), _POINTS])]))
_HIGH = _words(np.pad(_BEGIN * (np.arange(_THOUSAND)[:, None] > 0), ((0, 0), (1, 0))).astype(np.uint8))
_DECIMALS = {width: _words(np.pad(_digits(width), ((0, 0), (0, 4 - width)))) for width in (1, 2, 3, 4)}


def fixed(values: npt.NDArray[np.float64], digits: int) -> Column:
    """Return numbers with so many decimals, as ``f"{value:.4f}"`` does; empty where not finite.

    Parameters
    ----------
    values
        ``(N,)``.
    digits
        1 to 4.
    """
    with np.errstate(over="ignore"):
        scaled = np.abs(values)
        scaled *= 10.0**digits
    unit = 10**digits
    # Less one: rounded up, it has to be below still.
    if not np.fmax.reduce(scaled, initial=0.0) < min(_SURE_BELOW, _THOUSAND**2 * unit - 1.0):
        return (text([f"{value:.{digits}f}" if np.isfinite(value) else "" for value in values.tolist()]),)
    missing = np.isnan(scaled)
    if missing.all():
        return (np.zeros(len(values), dtype="S1"),)
    scaled[missing] = 0.0
    rounded = np.rint(scaled)
    scaled -= rounded
    for i in np.flatnonzero(np.abs(scaled, out=scaled) > 0.5 - _UNSURE_WITHIN).tolist():
        rounded[i] = int(f"{abs(values[i]):.{digits}f}".replace(".", ""))
    part = rounded.astype(np.uint32)
    whole = part // np.uint32(unit)
    part -= whole * np.uint32(unit)
    high = whole // np.uint32(_THOUSAND)
    above = bool(high.any())
    if above:
        whole -= high * np.uint32(_THOUSAND)
        whole[high > 0] += np.uint32(_THOUSAND)
    negative = np.signbit(values)
    negative[missing] = False
    # After the last number of each table there is nothing.
    whole[missing], part[missing] = len(_WHOLE) - 1, unit
    sign, before, after = negative * np.uint8(_MINUS), _WHOLE.take(whole), _DECIMALS[digits].take(part)
    return (sign, _HIGH.take(high), before, after) if above else (sign, before, after)


def text(texts: Sequence[str]) -> npt.NDArray[np.bytes_]:
    """Return texts in UTF-8; none may hold a NUL byte."""
    return np.array([item.encode() for item in texts], dtype=np.bytes_)


def joined(columns: Sequence[Column]) -> bytes:
    """Return the comma-separated lines that columns of text make; the first of them may not be empty."""
    parts: list[npt.NDArray[Any] | bytes] = []
    for column in columns:
        parts += [*column, b","]
    parts[-1] = b"\n"
    kinds = [part.dtype if isinstance(part, np.ndarray) else np.dtype("S1") for part in parts]
    lines = np.empty(len(columns[0][0]), dtype=[(f"{i}", kind) for i, kind in enumerate(kinds)])
    for i, part in enumerate(parts):
        lines[f"{i}"] = part
    return lines.tobytes().translate(None, b"\0")


_ZEROS = np.uint64(0x3030303030303030)
#: Digits of an integer that 63 bits always hold, and the most decimals: Python writes no number with
#: more of them, and where they make more digits than that they begin with a zero.
_MOST_DIGITS, _MOST_DECIMALS = 18, 20
#: An integer up to here and a power of ten up to that are floating-point numbers without rounding.
_EXACT_UP_TO, _EXACT_POWER = 2**53, 22
_MOST_POWER = 119
_UNUSED_BITS = 64 - 8 * np.arange(9, dtype=np.uint64)
#: Bytes.
_ROOM = 16


def numerical(lines: bytes) -> bool:
    """Return whether comma-separated lines hold only characters that plain numbers are made of."""
    data = np.frombuffer(lines, dtype=np.uint8)
    return bool(np.count_nonzero(data > ord("9")) == np.count_nonzero(data == ord("e")))


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
    # A line feed before the first cell, and room around for what is read before it is known to be there.
    padded = b"".join((b"\0" * _ROOM + b"\n", lines, b"0" * _ROOM))
    data = np.frombuffer(padded, dtype=np.uint8)
    ends = np.flatnonzero(data <= ord(","))[_ROOM:]
    kinds = data.take(ends)
    feeds = kinds == ord("\n")
    separates = feeds | (kinds == ord(","))
    if not separates.all():
        ends, feeds = ends[separates], feeds[separates]
    if (len(ends) - 1) % columns or len(ends) == 1:
        return None
    feeds = feeds[1:].reshape(-1, columns)
    if feeds[:, :-1].any() or not feeds[:, -1].all():
        return None
    start, stop = (side.reshape(-1, columns).take(wanted, axis=1).ravel() for side in (ends[:-1], ends[1:]))
    start += 1
    eights = np.ndarray((len(padded) - 7,), dtype="<u8", buffer=padded, strides=(1,))
    out, odd = _plain(data, eights, start, stop)
    out[start == stop] = np.nan
    odd = odd[start[odd] < stop[odd]]
    # Whole numbers, such as a picture's width, are as quick to read where they are short.
    length = stop[odd] - start[odd]
    value, whole = _read(eights, stop[odd], length)
    whole &= length <= 8
    out[odd[whole]] = value[whole]
    odd = odd[~whole]
    cells = zip(start[odd].tolist(), stop[odd].tolist(), strict=True)
    try:
        out[odd] = [float(padded[i:j].strip() or b"nan") for i, j in cells]
    except ValueError:
        return None
    return out.reshape(-1, len(wanted))


def _plain(
    data: Bytes, eights: npt.NDArray[np.uint64], start: npt.NDArray[np.intp], stop: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Return numbers such as -0.0123 and 1.25e-05, of one digit before the point; and which are not such."""
    negative = data.take(start) == _MINUS
    point = start + negative
    number = (data.take(point) - _ZERO).astype(np.int64)
    plain = number < 10
    point += 1
    plain &= data.take(point) == _POINT
    # Small ones end in four characters that are no decimals.
    small = np.flatnonzero(data.take(stop - 4) == ord("e"))
    end = stop.copy()
    end[small] -= 4
    decimals = end - point
    decimals -= 1
    value, digits = _read(eights, end, decimals)
    plain &= digits & (decimals < np.where(number > 0, _MOST_DIGITS, _MOST_DECIMALS + 1))
    number *= _TENS.take(decimals, mode="clip")
    number += value
    for read, below in ((8, 10**8), (16, 900)):  # 63 bits end at 922 · 10¹⁶
        longer = np.flatnonzero(decimals > read)
        value, digits = _read(eights, end[longer] - read, decimals[longer] - read)
        number[longer] += value * 10**read
        plain[longer] &= digits & (value < below)
    if len(small):
        minus, tens, ones = (data[end[small] + k] for k in (1, 2, 3))
        tens, ones = tens - _ZERO, ones - _ZERO
        plain[small] &= (minus == _MINUS) & (tens < 10) & (ones < 10)
        decimals[small] += 10 * tens + ones
    # Where both are exact the quotient is rounded once.
    out: npt.NDArray[np.float64] = number / _POWERS.take(decimals, mode="clip")
    inexact = np.flatnonzero(((number > _EXACT_UP_TO) | (decimals > _EXACT_POWER)) & plain)
    out[inexact], plain[inexact] = _quotients(number[inexact], decimals[inexact])
    out *= 1.0 - 2.0 * negative
    return out, np.flatnonzero(~plain)


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
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the numbers that the last digits before `end` make, eight at most, and whether they are digits.

    `eights` are the eight bytes from any place on. As digits they are put
    together in pairs, pairs of pairs and so on, within one 64-bit number.
    """
    unused = _UNUSED_BITS.take(digits, mode="clip")
    value = eights[end - 8]
    value ^= _ZEROS
    value >>= unused
    value <<= unused
    # The highest bit of a byte is set by what is over 9.
    over = (value + np.uint64(0x7676767676767676)) | value
    are_digits = (over & np.uint64(0x8080808080808080)) == 0
    value = (value * np.uint64(10) + (value >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    value = (value * np.uint64(100) + (value >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    value = (value * np.uint64(10000) + (value >> np.uint64(32))) & np.uint64(0xFFFFFFFF)
    return value.view(np.int64), are_digits
