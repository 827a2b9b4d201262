"""What only loading has needed is given back, and what is used is still there."""

from __future__ import annotations

import ctypes
import json
import struct
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest
from real_model import real_model

from posture_monitor import memory
from posture_monitor.sensing import elf

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from resident import resident_mb

PORTRAIT = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"

if not sys.platform.startswith("linux"):
    pytest.skip("only Linux tells what a process has of files", allow_module_level=True)

LOOKS = """
import json, sys
from pathlib import Path
from posture_monitor import memory
from posture_monitor.sensing.opencv import cv2
from posture_monitor.sensing.pose import PoseEstimator

def resident_mb():
    lines = [line.split() for line in Path("/proc/self/status").read_text().splitlines()]
    return {line[0][3:-1]: int(line[1]) / 1024 for line in lines if line[0] in ("RssAnon:", "RssFile:")}

image = cv2.imread(sys.argv[1])
model = Path(sys.argv[2])
with PoseEstimator(model, stills=True) as estimator:
    seen, resident = [], []
    for _ in range(3):
        seen.append(estimator.detect(image).tobytes().hex())
        resident.append(resident_mb())
        memory.give_back(model)
    resident.append(resident_mb())
    mapped = [line for line in Path("/proc/self/maps").read_text().splitlines() if line.endswith(str(model))]
print(json.dumps({"seen": seen, "resident": resident, "mapped": mapped}))
"""

LOADING = """
import importlib, sys, threading
from posture_monitor import memory

sys.setswitchinterval(1e-5)
over = threading.Event()

def give_back():
    while not over.is_set():
        memory.give_back()

thread = threading.Thread(target=give_back)
thread.start()
for name in ("ssl", "sqlite3", "decimal", "numpy", "numpy.random", "numpy.fft", "PIL.Image", "pydantic"):
    importlib.import_module(name)
over.set()
thread.join()
"""


def test_files_are_let_go_of_and_a_look_sees_the_same() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOOKS, PORTRAIT, real_model()], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    found = json.loads(ended.stdout)
    first, second, third = found["seen"]
    assert first == second == third
    assert len(first) >= 33 * 4 * 8, "somebody"
    loaded, looked, again, over = found["resident"]
    assert found["mapped"], "the model is a file that MediaPipe has mapped"
    assert loaded["File"] > 60
    assert again["File"] < 0.5 * loaded["File"], "what a look uses comes back, and no more"
    assert over["File"] < 0.25 * loaded["File"]
    # The values that the loader wrote into the libraries are pages of the process's own, and stay.
    assert over["Anon"] > 0.85 * looked["Anon"]


def test_only_segments_that_nobody_writes_to_are_given_back(tmp_path: Path) -> None:
    library = tmp_path / "library.so"
    library.write_bytes(elf.stand_in("library.so", [b"function"], "x86_64"))
    (place, address, length), *more = elf.unwritten(library)
    assert (place, address, more) == (0, 0, [])  # the dynamic section, behind it, is the loader's to write to
    assert 64 < length < library.stat().st_size
    assert elf.unwritten(Path(__file__)) == []


@pytest.mark.parametrize("tag", [(22, 0), (30, 4 | 8)])  # DT_TEXTREL, DT_FLAGS with DF_TEXTREL
def test_a_library_whose_text_the_loader_changes_is_left_alone(tmp_path: Path, tag: tuple[int, int]) -> None:
    whole = elf.stand_in("library.so", [b"function"], "x86_64")
    last = struct.pack("<QQ", 11, 24)
    assert whole.count(last) == 1
    library = tmp_path / "library.so"
    library.write_bytes(whole.replace(last, struct.pack("<QQ", *tag)))
    assert elf.unwritten(library) == []


def test_nobody_waits_for_each_other_while_libraries_are_loaded() -> None:
    """Whatever other threads load meanwhile, and whenever the interpreter goes from one to the other."""
    ended = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_nothing_happens_on_other_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(ctypes, "CDLL", None)
    memory.give_back(Path("model.task"))


def test_pages_that_two_processes_share_are_counted_once() -> None:
    waits = [sys.executable, "-c", "import numpy; print(flush=True); input()"]
    with (
        subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one,
        subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other,
    ):
        parts = []
        for process in (one, other):
            assert process.stdout is not None
            process.stdout.readline()
            lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
            parts.append({line.split()[0]: int(line.split()[1]) / 1024 for line in lines[1:]})
            assert resident_mb([process.pid]) == pytest.approx(parts[-1]["Rss:"], abs=0.1)
        together = resident_mb([one.pid, other.pid])
        own = sum(part["Anonymous:"] for part in parts)
        files = [part["Rss:"] - part["Anonymous:"] for part in parts]
        assert together == pytest.approx(own + max(files), abs=2.0)
        assert together < 0.85 * sum(part["Rss:"] for part in parts)
        for process in (one, other):
            process.communicate(b"\n")


def test_a_process_that_has_ended_has_no_memory() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert resident_mb([ended.pid]) == 0


FREED = """
from pathlib import Path
from posture_monitor import memory

def own_mb():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssAnon"))

# Every other piece is freed, so that none of it lies at an end.
pieces = [bytearray(100_000) for _ in range(1000)]
before = own_mb()
del pieces[::2]
kept = own_mb()
memory.give_back_freed()
print(before - kept, before - own_mb(), all(piece == bytearray(100_000) for piece in pieces))
"""


def test_what_was_freed_in_between_is_given_back() -> None:
    told = subprocess.run([sys.executable, "-c", FREED], check=True, capture_output=True, text=True).stdout
    at_once, afterwards, whole = told.split()
    assert float(at_once) < 5 < 40 < float(afterwards)
    assert whole == "True"
