"""Numbers as text by the million: what `format` would write, for whole columns at a time.

Text is an array ``(N, width)`` of bytes, a row for each number, filled up with
NUL bytes; `joined` puts columns together and leaves the NULs out.
"""

from __future__ import annotations

from collections.abc import Sequence
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
