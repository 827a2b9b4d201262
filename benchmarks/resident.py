"""How much memory processes have, whatever else runs: their pages, each counted once.

The resident set size of each counts twice what two of them share; the proportional
set size counts only a part of what is shared with anybody, so that it falls when a
stranger runs the same Python. Here a page that is one process's own counts where it
is, and a page of a file counts once, however many of these processes have it mapped,
and whoever else does. The kernel tells in ``/proc/PID/pagemap`` which pages are there.
"""

from __future__ import annotations

import contextlib
import mmap
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

_PRESENT, _OF_A_FILE = np.uint64(1 << 63), np.uint64(1 << 61)
_ENTRY = 8


def resident_mb(pids: Iterable[int]) -> float:
    """Return the memory of these processes in MB (2**20); those that have ended have none."""
    own = 0
    files: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for pid in pids:
        with contextlib.suppress(OSError):
            own += _pages(pid, files)
    shared = sum(len(np.unique(np.concatenate(pages))) for pages in files.values())
    return (own + shared) * mmap.PAGESIZE / 2**20


def _pages(pid: int, files: dict[tuple[str, str], list[Any]]) -> int:
    """Return how many pages are the process's own; add those of files to `files`, by device and inode."""
    own = 0
    with open(f"/proc/{pid}/pagemap", "rb", buffering=0) as table:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, _, offset, device, inode, *_ = line.split()
            start, end = (int(address, 16) // mmap.PAGESIZE for address in span.split("-"))
            if start >= 1 << 51:  # the kernel's own, which the table does not tell of
                continue
            table.seek(start * _ENTRY)
            entries = np.frombuffer(table.read((end - start) * _ENTRY), dtype=np.uint64)
            of_file = entries & _OF_A_FILE != 0
            there = entries & _PRESENT != 0
            own += int(np.count_nonzero(there & ~of_file))
            places = np.flatnonzero(there & of_file) + int(offset, 16) // mmap.PAGESIZE
            files[device, inode].append(places)
    return own
