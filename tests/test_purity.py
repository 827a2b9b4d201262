"""The core is pure: NumPy and harmless parts of the standard library, no clock, no file, no network.

And the rooms hang together one way: none knows of those behind it.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import posture_monitor.posture

FOLDER = Path(posture_monitor.posture.__file__).parent
MODULES = sorted(FOLDER.rglob("*.py"))
#: Outside this folder, the core may name the one error a user is meant to read: a class and nothing more.
OWN = ("posture_monitor.posture", "posture_monitor.errors")
ALLOWED = {
    *("__future__", "collections", "dataclasses", "enum", "functools", "itertools", "math", "typing"),
    "numpy",
}
#: Each room may import those before it, and no other.
ROOMS = ("posture", "sensing", "history", "telling", "service", "windows", "cli")
#: Built-in functions that reach outside.
FORBIDDEN_CALLS = {"open", "print", "input", "exec", "eval", "__import__"}


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            names.add(node.module or "")
            if node.module == "posture_monitor":
                names.update(f"posture_monitor.{alias.name}" for alias in node.names)
                names.discard("posture_monitor")
    return names


def test_the_folder_is_the_one_meant() -> None:
    assert {"metrics.py", "judge.py", "steady.py"} <= {path.name for path in MODULES}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_only_pure_things(path: Path) -> None:
    for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
        own = any(name == module or name.startswith(f"{module}.") for module in OWN)
        assert own or name.split(".")[0] in ALLOWED, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_neither_prints_nor_opens_nor_draws_lots(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS, f"{path.name}:{node.lineno} calls {node.func.id}"
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "np":
            reach = {"random", "load", "save", "loadtxt", "savetxt", "fromfile", "memmap", "datetime64"}
            assert node.attr not in reach, f"{path.name}:{node.lineno} uses np.{node.attr}"


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_none_that_comes_after_it(room: str) -> None:
    later = ROOMS[ROOMS.index(room) + 1 :]
    for path in sorted((FOLDER.parent / room).rglob("*.py")):
        for name in imported(ast.parse(path.read_text(encoding="utf-8"))):
            package, _, rest = name.partition(".")
            assert package != "posture_monitor" or rest.split(".")[0] not in later, f"{path} imports {name}"


def test_importing_all_of_it_brings_in_nothing_heavy() -> None:
    names = [f"posture_monitor.posture.{path.stem}" for path in MODULES if path.stem != "__init__"]
    heavy = ("cv2", "mediapipe", "sqlite3", "matplotlib", "pydantic", "rich", "click", "plyer")
    code = f"import sys, {', '.join(names)}\nprint(*[n for n in {heavy!r} if n in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []
