"""Python started once more, and not by what lies in the user's folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import posture_monitor
from posture_monitor.children import handing_over, python


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python cannot be told so before 3.11")
def test_no_file_of_the_users_folder_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pickle.py").write_text("raise SystemExit('taken from the folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(posture_monitor.__file__).parents[1]))
    command = python("-m", "posture_monitor.sensing.eye_process")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_all_of_the_program_starts_python_so() -> None:
    package = Path(posture_monitor.__file__).parent
    # The monitor in the background is started in a folder of its own.
    others = {package / "children.py", package / "service" / "background.py"}
    for file in set(package.rglob("*.py")) - others:
        assert not re.search(r"\bsys\.executable, *\"-", file.read_text(encoding="utf-8")), file


def test_a_copy_of_the_source_that_is_not_installed_finds_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(posture_monitor.__file__).parents[1])
    monkeypatch.delenv("PYTHONPATH", raising=False)
    done = subprocess.run(python("-c", "import posture_monitor"), capture_output=True, text=True)
    assert done.returncode == 0


def test_what_is_handed_over_goes_one_step_and_no_further() -> None:
    take = "import subprocess, sys\nfrom posture_monitor.children import take_over\ntake_over()\n"
    tell = "print(sys.argv[1:])\n"
    code = f"{take}subprocess.run([sys.executable, '-c', {take + tell!r}])\n{tell}"
    arguments = ["--source=http://me:s ä'\"cret@desk.lan/", "--profile=office"]
    done = subprocess.run(
        [sys.executable, "-c", code, "run"], env=handing_over(arguments), capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["[]", str(["run", *arguments])]
