"""Working through much data at once, on all cores.

NumPy lets other threads run while it works, so that threads are enough.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: More threads than this only wait for each other.
_MOST_THREADS = 4
#: The largest block that the C library of Linux learns from, in bytes (DEFAULT_MMAP_THRESHOLD_MAX).
_LARGEST_LEARNT = 32 << 20


def in_turn(work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yield what `work` makes of each item, in their order, working on a few at the same time.

    No more items are taken than are worked on, so that neither they nor the
    results pile up.
    """
    threads = min(_MOST_THREADS, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads) as pool:
        begun: deque[Future[_Result]] = deque()
        for item in items:
            begun.append(pool.submit(work, item))
            if len(begun) > 2 * threads:
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


def keep_memory() -> None:
    """Have what arrays leave behind kept for the next ones.

    glibc hands freed memory over 128 KB back to the system at once, which has
    to fill it with zeros before the next array gets it: for many arrays of some
    hundred KB that takes longer than to compute them. It stops once it has
    seen a large block come and go (mallopt(3), M_MMAP_THRESHOLD); from then on
    up to 64 MB are kept. Elsewhere this does nothing.
    """
    np.empty(_LARGEST_LEARNT - (1 << 20), dtype=np.uint8)
