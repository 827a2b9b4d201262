"""What a run leaves on the disk: the history, the profile, the model, and nothing of the pictures."""

from __future__ import annotations

import codecs
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import made_up_history
import pytest
import typed
from loopback_camera import LoopbackCamera, jpegs
from program import done, environment, fresh_home, program
from recording_maker import filmed
from syscalls import calls
from syscalls import strays as outside

from posture_monitor.sensing import demo, uploads
from posture_monitor.service.connections import family

FPS = 5
#: How files with pictures begin: JPEG, PNG, GIF, WebP, AVI, Matroska, and what follows the size in MP4.
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"\x1aE\xdf\xa3", b"ftyp")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few seconds of real pixels with somebody in them."""
    return filmed(tmp_path_factory.mktemp("clip") / "clip.avi", 8)


def test_a_run_writes_its_history_and_no_picture(clip: Path, tmp_path: Path) -> None:
    home, elsewhere = fresh_home(tmp_path / "home"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    # All places to which a program writes without being asked.
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"), str(elsewhere))
    for command in (("calibrate", "--seconds", "6"), ("run",)):
        ended = subprocess.run(
            [sys.executable, "-m", "posture_monitor", *command, "--source", clip],
            cwd=elsewhere,
            env=environment(home, **places),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "good" in ended.stdout, "nobody was seen, so there was nothing to keep"
    # Matplotlib makes its font cache at its first import.
    strays = [p for p in elsewhere.rglob("*") if p.is_file() and "matplotlib" not in str(p)]
    assert strays == []
    kept = [p for p in home.rglob("*") if p.is_file() and p.parent.name != "models"]
    assert {p.name.removesuffix("-wal").removesuffix("-shm") for p in kept} == {
        "history.sqlite3",
        "default.toml",
    }
    for path in kept:
        written = path.read_bytes()
        assert not any(magic in written for magic in PICTURES), path
    # One small picture would be larger than what these seconds leave behind.
    assert sum(p.stat().st_size for p in kept) < demo.WIDTH * demo.HEIGHT


# -- every file opened for writing, by the service with its camera process ------------

_OPENED = re.compile(r"(?:open|openat|openat2|creat)\(.*\bO_(?:WRONLY|RDWR|CREAT)\b.*\) = \d+<([^>]*)>")
_WRITTEN = re.compile(
    r'p?writev?(?:64|2)?\(\d+<([^>]*)>(?:\(deleted\))?, (?:\[\{iov_base=)?"((?:[^"\\]|\\.)*)".*\) = (\d+)'
)
#: What the service keeps, and nothing else, in its own folder.
OURS = re.compile(r"history\.sqlite3(-wal|-shm|-journal)?|monitor\.lock|logs/monitor\.log|control")
#: What the search for a library and a test of the folder write for a moment: little, and text or a stub.
SCRAP_BYTES = 16_384
_SCRAP = re.compile(rb"\x7fELF.*|[\t\n\r -~]*", re.DOTALL)


def by_file(trace: str) -> dict[str, list[tuple[bytes, int]]]:
    """Return each file opened for writing with the beginnings and lengths of what was written to it."""
    written: dict[str, list[tuple[bytes, int]]] = defaultdict(list)
    for call in calls(trace):
        if opened := _OPENED.match(call):
            written[opened[1]] += []
        elif wrote := _WRITTEN.match(call):
            written[wrote[1]].append(
                (codecs.decode(wrote[2], "unicode_escape").encode("latin-1"), int(wrote[3]))
            )
    return written


def test_the_trace_of_writing_is_read_right() -> None:
    trace = (
        '7 openat(AT_FDCWD</>, "/tmp/a", O_WRONLY|O_CREAT, 0600) = 3</tmp/a>\n'
        '7 openat(AT_FDCWD</>, "/tmp/b", O_RDONLY|O_CLOEXEC) = 4</tmp/b>\n'
        '7 openat(AT_FDCWD</>, "/tmp", O_RDWR|O_TMPFILE, 0600) = 5</tmp/#12>(deleted)\n'
        '7 write(3</tmp/a>, "\\377\\330\\377\\340ab"..., 9000 <unfinished ...>\n'
        "7 <... write resumed>) = 9000\n"
        '7 pwrite64(5</tmp/#12>(deleted), "x", 1, 0) = 1\n'
        '7 writev(6<pipe:[3]>, [{iov_base="ab\\n", iov_len=3}], 1) = 3\n'
    )
    assert by_file(trace) == {
        "/tmp/a": [(b"\xff\xd8\xff\xe0ab", 9000)],
        "/tmp/#12": [(b"x", 1)],
        "pipe:[3]": [(b"ab\n", 3)],
    }


def _judged_for(seconds: float, home: Path, settings: dict[str, str]) -> dict[str, Any]:
    """Wait until somebody was judged for so long, and return the status."""
    until_s = time.monotonic() + 90 + seconds
    while time.monotonic() < until_s:
        time.sleep(1)
        told = program("status", "--json", home=home, **settings)
        if told.returncode == 0 and json.loads(told.stdout)["today"]["judged_s"] > seconds:
            status: dict[str, Any] = json.loads(told.stdout)
            return status
    pytest.fail(f"nobody was judged: {told.stdout}{told.stderr}")


@pytest.mark.slow
@pytest.mark.usefixtures("strace")
def test_the_service_writes_its_history_and_its_log_and_nothing_else_anywhere(tmp_path: Path) -> None:
    home, elsewhere, file = fresh_home(tmp_path / "home"), tmp_path / "elsewhere", tmp_path / "trace"
    elsewhere.mkdir()
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME"), str(elsewhere))
    settings = {**places, "PYTHONDONTWRITEBYTECODE": "1"}
    watched = "trace=network,open,openat,openat2,creat,memfd_create,write,pwrite64,writev,pwritev,pwritev2"
    pictures = jpegs([demo.picture(step / FPS) for step in range(8 * FPS)])
    with LoopbackCamera(pictures, fps=FPS) as camera:
        url = camera.url.replace("://", "://me:swordfish@")
        running = subprocess.Popen(
            [
                *("strace", "-f", "-y", "-s", "16", "-e", watched, "-o", str(file)),
                *(sys.executable, "-m", "posture_monitor", "run", "--detached", "--source", url),
            ],
            cwd=elsewhere,
            env=environment(home, **settings),
        )
        try:
            judged = _judged_for(3, home, settings)
            (eye,) = [pid for pid in family(judged["pid"]) if pid != judged["pid"]]
            # Another is begun, which is to be as discreet. MediaPipe reports once a minute.
            os.kill(eye, signal.SIGKILL)
            judged = _judged_for(judged["today"]["judged_s"] + 65, home, settings)
            assert "swordfish" not in json.dumps(judged)
            done("stop", home=home, **settings)
            assert running.wait(30) == 0
        finally:
            running.kill()
    trace = file.read_text(errors="replace")
    assert outside(trace) == []
    assert f"htons({uploads.PORT})" in trace, "the upload was not even tried"
    kept, strays = set(), {}
    for path, written in by_file(trace).items():
        if path.startswith(
            ("/dev/null", "pipe:", "socket:", "anon_inode:", "UNIX", "TCP", "/proc/", "/dev/pts/")
        ):
            continue
        if path.startswith("/memfd:"):
            # Stand-ins for graphics libraries that this machine lacks.
            assert written[0][0].startswith(b"\x7fELF"), path
        elif Path(path).is_relative_to(home):
            kept.add(str(Path(path).relative_to(home)))
        else:
            strays[path] = (sum(length for _, length in written), [begin for begin, _ in written])
    assert {name for name in kept if not OURS.fullmatch(name)} == set()
    assert {"history.sqlite3", "logs/monitor.log"} <= kept
    assert [path for path in strays if not Path(path).is_relative_to(elsewhere)] == []
    for path, (length, begins) in strays.items():
        assert length < SCRAP_BYTES, path
        assert all(_SCRAP.fullmatch(begin) for begin in begins), (path, begins)
    assert [path for path in elsewhere.rglob("*") if path.is_file()] == []
    for path in home.rglob("*"):
        if path.is_file() and path.parent.name != "models":
            assert not any(magic in path.read_bytes() for magic in (*PICTURES, b"swordfish")), path
            assert path.stat().st_mode & 0o077 == 0, f"others may read {path}"


# -- cut off from every network ------------------------------------------------------


@pytest.mark.slow
def test_without_any_network_it_tells_the_same(clip: Path, tmp_path: Path) -> None:
    alone = ["unshare", "--net", *(() if os.geteuid() == 0 else ("--map-root-user",))]
    if not shutil.which("unshare") or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("this system lets no process be cut off from the network")
    told = []
    for name, before in (("outside", []), ("inside", alone)):
        home = fresh_home(tmp_path / name)
        output = tmp_path / f"{name}.csv"
        for command in (
            ("analyze", str(clip), "--calibrate-first", "3", "-o", str(output)),
            ("calibrate", "--source", str(clip), "--seconds", "6"),
            ("run", "--source", str(clip), "--started-at", "2026-03-02T09:00"),
            ("report", "2026-03-02", "--format", "json"),
        ):
            ended = subprocess.run(
                [*before, sys.executable, "-m", "posture_monitor", *command],
                env=environment(home), capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            assert ended.returncode == 0, ended.stdout + ended.stderr
        told.append((output.read_bytes(), json.loads(ended.stdout)))
    assert told[0] == told[1]
    assert told[0][1]["judged_s"] > 1


# -- the diary -----------------------------------------------------------------------


def test_an_erased_diary_is_nowhere_to_be_found(home: Path) -> None:
    marker = "xyzzy-not-to-be-found"
    typed.done("log", "spasm", "--pain", "7", "--at", "yesterday 08:00", "--note", marker)
    typed.done("log", "edit", "1", "--pain", "6", "--note", f"{marker} again")
    typed.done("log", "spasm", "--pain", "2", "--symptom", "sharp", "--note", f"{marker} once more")
    typed.done("log", "delete", "2", "--yes")
    assert marker in typed.done("log", "list")

    def where() -> list[str]:
        return [p.name for p in home.rglob("*") if p.is_file() and marker.encode() in p.read_bytes()]

    assert where() != [], "the search finds what is there"
    typed.done("data", "erase", "--all", "--yes")
    assert where() == []


@pytest.mark.slow
@pytest.mark.usefixtures("strace")
def test_to_erase_a_part_nothing_is_written_elsewhere(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "trace"
    # As much as makes SQLite use a file for what it has in hand.
    made_up_history.make(home / "history.sqlite3", years=0.1)
    cut = time.strftime("%Y-%m-%d", time.localtime(time.time() - 30 * 86400))
    watched = ("strace", "-f", "-y", "-e", "trace=open,openat,openat2,creat", "-o", str(file))
    done("data", "erase", "--before", cut, "--yes", home=home, under=watched, PYTHONDONTWRITEBYTECODE="1")
    written = [Path(path) for path in by_file(file.read_text(errors="replace"))]
    assert home / "history.sqlite3" in written
    assert [path for path in written if not path.is_relative_to(home)] == []


# -- a crash -------------------------------------------------------------------------


def test_a_crash_writes_no_memory_to_the_disk(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="Windows keeps no core dumps")

    def willing() -> None:
        hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # a shell's background job ignores it

    asking = subprocess.Popen(
        [sys.executable, "-m", "posture_monitor", "log"],
        cwd=tmp_path, env=environment(tmp_path / "home", PYTHONPATH=os.getcwd()), preexec_fn=willing,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert asking.stdout is not None
    assert asking.stdout.read(4) == b"Pain"
    limits = Path(f"/proc/{asking.pid}/limits")
    allowed = limits.read_text() if limits.exists() else ""
    asking.send_signal(signal.SIGQUIT)
    _, status = os.waitpid(asking.pid, 0)
    asking.returncode = -signal.SIGQUIT
    assert not allowed or re.search(r"Max core file size +0 +0 ", allowed)
    assert os.WIFSIGNALED(status)
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.glob("core*")) == []
