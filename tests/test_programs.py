"""Other programs are asked, and none of them is waited for for ever."""

from __future__ import annotations

import sys

import pytest

from posture_monitor import programs


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("print(' yes ')", "yes"),
        ("", ""),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "\N{REPLACEMENT CHARACTER}"),
        ("print('no'); raise SystemExit(1)", None),
        ("import sys; print(repr(sys.stdin.read()))", "''"),
    ],
)
def test_what_a_program_prints_is_its_answer_where_it_ends_well(script: str, said: str | None) -> None:
    assert programs.ask(sys.executable, "-c", script, patience_s=60.0) == said


def test_one_that_hangs_or_is_not_there_says_nothing() -> None:
    assert programs.ask(sys.executable, "-c", "import time; time.sleep(600)", patience_s=0.2) is None
    assert programs.ask("posture-monitor-has-no-such-program") is None
