"""The tables of docs/reliability.md name tests that are there, and every fault that is tried."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


@functools.cache
def named_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_"}


def test_every_row_names_a_test_that_is_there() -> None:
    rows = [line for line in PAGE.splitlines() if re.match(r"\| (?!fault|run)", line)]
    assert len(rows) > 25
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, f"no test shows: {row}"
        for path, name in named:
            assert name in named_in(ROOT / path), f"{path} has no {name}"


def test_every_fault_that_is_tried_has_its_row() -> None:
    told = set(re.findall(r"tests/faults/\w+\.py::(\w+)", PAGE))
    assert set().union(*map(named_in, (ROOT / "tests" / "faults").glob("test_*.py"))) == told
