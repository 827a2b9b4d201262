"""Without a desktop the real OpenCV and MediaPipe load and work, over stand-ins that are never called."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from real_model import real_model

from posture_monitor.sensing import elf, graphics

PORTRAIT = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"

if not sys.platform.startswith("linux") or platform.machine() not in elf.MACHINES:
    pytest.skip("stand-ins are made for Linux on x86-64 and ARM64", allow_module_level=True)


def without_desktop(folder: Path, script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a script in a process to which the desktop's libraries are as good as missing."""
    for name in graphics.LIBRARIES:
        # The loader looks here first, and an empty file ends its search with an error.
        (folder / name).touch()
    return subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "LD_LIBRARY_PATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )


# An instruction that no processor knows, in place of "return 0".
DEADLY = """
from posture_monitor.sensing import elf
elf.MACHINES.update(x86_64=(62, bytes.fromhex("0f0b")), aarch64=(183, bytes(4)))
"""

# What the program does with the two libraries: pictures in and out, films in and out,
# cameras looked for, people found.
WORK = """
import sys
from pathlib import Path
from posture_monitor.sensing.graphics import provide_graphics
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.pose import PoseEstimator
bundle, portrait, film = sys.argv[1:]
picture = cv2.resize(cv2.imread(portrait), None, fx=0.5, fy=0.5)
height, width = picture.shape[:2]
writer = cv2.VideoWriter(film, cv2.VideoWriter_fourcc(*"MJPG"), 5, (width, height))
for _ in range(3):
    writer.write(picture)
writer.release()
cv2.VideoCapture(99).read()
capture = cv2.VideoCapture(film)
with PoseEstimator(Path(bundle), stills=False) as estimator:
    print([len(estimator.detect(capture.read()[1], i / 5)) for i in range(3)])
print(*provide_graphics())
"""


def test_everything_works_without_a_desktop_and_no_stand_in_is_called(tmp_path: Path) -> None:
    run = without_desktop(tmp_path, DEADLY + WORK, real_model(), PORTRAIT, tmp_path / "film.avi")
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == ["[1, 1, 1]", " ".join(graphics.LIBRARIES)]


def test_a_stand_in_that_is_called_would_have_killed_it(tmp_path: Path) -> None:
    run = without_desktop(
        tmp_path,
        DEADLY + "from posture_monitor.sensing.opencv import cv2\n"
        "import ctypes\n"
        "print('loaded', flush=True)\n"
        "ctypes.CDLL('libEGL.so.1').eglTerminate(0)",
    )
    assert (run.stdout, run.returncode) == ("loaded\n", -signal.SIGILL), run.stderr


@pytest.mark.parametrize("library", ["cv2", "mediapipe"])
def test_without_stand_ins_they_do_not_load(library: str, tmp_path: Path) -> None:
    run = without_desktop(tmp_path, f"import {library}")
    assert run.returncode == 1
    assert "file too short" in run.stderr


def test_a_stand_in_has_its_own_functions_and_they_return_0(tmp_path: Path) -> None:
    run = without_desktop(
        tmp_path,
        "import ctypes\n"
        "from posture_monitor.sensing.graphics import provide_graphics\n"
        "provide_graphics()\n"
        "egl, glib = ctypes.CDLL('libEGL.so.1'), ctypes.CDLL('libglib-2.0.so.0')\n"
        "print(egl.eglGetDisplay(1), egl.eglTerminate(2), glib.g_main_context_new())\n"
        "print(hasattr(egl, 'glFlush'), hasattr(egl, 'g_source_unref'), hasattr(glib, 'eglTerminate'))\n",
    )
    assert run.stdout.splitlines() == ["0 0 0", "False False False"], run.stderr


def test_where_none_can_be_made_one_line_says_what_to_install(tmp_path: Path) -> None:
    run = without_desktop(
        tmp_path,
        "import sys\n"
        "from posture_monitor.sensing import elf\n"
        "def no_room(*_): raise OSError('no room')\n"
        "elf.stand_in = no_room\n"
        "from posture_monitor.cli import main\n"
        "sys.argv = ['posture-monitor', 'analyze', 'demo', '--calibrate-first', '18s']\n"
        "main()\n",
    )
    assert run.returncode == 2
    (line,) = run.stderr.splitlines()
    assert line.startswith("posture-monitor: OpenCV cannot be loaded (")
    assert line.endswith(f"; {graphics.ADVICE}")


def test_what_the_system_has_is_used() -> None:
    # In processes of their own: in this one the stand-ins are loaded by now.
    script = (
        "import ctypes\n"
        "for name in ('libEGL.so.1', 'libGLESv2.so.2', 'libGL.so.1', 'libglib-2.0.so.0', 'libxcb.so.1'):\n"
        "    try: ctypes.CDLL(name)\n"
        "    except OSError: print(name)\n"
    )
    ours = "from posture_monitor.sensing import graphics\nprint(*graphics.provide_graphics(), sep='\\n')\n"
    missing, made = (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
        for code in (script, ours)
    )
    assert set(made) - {"libgthread-2.0.so.0"} == set(missing)


def test_opencv_is_imported_in_one_place() -> None:
    package = Path(graphics.__file__).parent.parent
    others = [
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if any(
            line.split()[:2] in (["import", "cv2"], ["from", "cv2"]) for line in file.read_text().splitlines()
        )
    ]
    assert others == ["sensing/opencv.py"]
