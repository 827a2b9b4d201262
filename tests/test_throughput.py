"""Items are worked on side by side, given back in order, and taken no earlier than needed."""

from __future__ import annotations

import platform
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator

import pytest

from posture_monitor.throughput import in_turn


def test_results_come_in_the_order_of_the_items() -> None:
    later = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            assert later.wait(10)  # done by another thread meanwhile
        if item == 1:
            later.set()
        return item * item

    assert list(in_turn(work, range(50))) == [i * i for i in range(50)]
    assert list(in_turn(work, [])) == []


def test_no_more_is_taken_than_is_worked_on() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(1000):
            taken.append(item)
            yield item

    results = in_turn(str, items())
    assert [next(results) for _ in range(3)] == ["0", "1", "2"]
    assert len(taken) < 20
    del results  # waits for what is begun
    assert len(taken) < 20


def test_a_failure_reaches_whoever_asked() -> None:
    with pytest.raises(ZeroDivisionError):
        list(in_turn(lambda item: 1 / item, [1, 0, 1]))


def test_memory_is_not_fetched_again_and_again() -> None:
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("another C library gives memory back in another way")
    code = textwrap.dedent("""
        import resource, sys
        import numpy as np
        from posture_monitor.throughput import keep_memory
        if sys.argv[1] == "keep":
            keep_memory()
        for _ in range(50):
            [np.ones(100_000) for _ in range(10)]
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    """)
    faults = {
        how: int(subprocess.run([sys.executable, "-c", code, how], check=True, capture_output=True).stdout)
        for how in ("give", "keep")
    }
    assert faults["keep"] < faults["give"] / 2
