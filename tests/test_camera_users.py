"""Who uses the camera: a file stands in for its node, and real processes open and close it."""

from __future__ import annotations

import errno
import gc
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from posture_monitor.sensing import camera_users
from posture_monitor.sensing.camera_users import CameraWatch, holders

if not sys.platform.startswith("linux"):
    pytest.skip("device nodes are a Linux matter", allow_module_level=True)

pytestmark = pytest.mark.slow

#: Opens the file, tells so, and closes it again as its input says.
_PROGRAM = """
import sys
with open(sys.argv[1]) as file:
    print("open", flush=True)
    sys.stdin.readline()
print("closed", flush=True)
sys.stdin.readline()
"""


class Program(subprocess.Popen):
    """Another program that has opened the node."""

    def __init__(self, node: Path) -> None:
        super().__init__(
            [sys.executable, "-S", "-c", _PROGRAM, str(node)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.stdout is not None
        assert self.stdout.readline() == "open\n"
        self.opened_s = time.monotonic()

    def closes(self) -> None:
        assert self.stdin is not None
        assert self.stdout is not None
        self.stdin.write("\n")
        self.stdin.flush()
        assert self.stdout.readline() == "closed\n"


@pytest.fixture
def node(tmp_path: Path) -> Path:
    (tmp_path / "dev").mkdir()
    path = tmp_path / "dev" / "video0"
    path.touch()
    return path


Open = Callable[[], Program]


@pytest.fixture
def program(node: Path) -> Iterator[Open]:
    started: list[Program] = []

    def start() -> Program:
        started.append(Program(node))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


class Told:
    """What a watch told, and when."""

    def __init__(self, node: Path, own: Callable[[], set[int]] = set) -> None:
        self.changes: queue.Queue[tuple[str, bool, float]] = queue.Queue()
        self.watch = CameraWatch(
            str(node),
            lambda held: self.changes.put(("held", held, time.monotonic())),
            own,
            on_node=lambda there: self.changes.put(("there", there, time.monotonic())),
        )
        self.watch.start()

    def next(self) -> tuple[str, bool]:
        what, value, self.at_s = self.changes.get(timeout=3)
        return what, value

    def nothing(self, within_s: float = 0.3) -> bool:
        time.sleep(within_s)
        return self.changes.empty()


@pytest.fixture
def told(node: Path) -> Iterator[Told]:
    made = Told(node)
    yield made
    made.watch.close()


def test_who_holds_a_node_is_found(node: Path, program: Open) -> None:
    other = program()
    name = Path(f"/proc/{other.pid}/comm").read_text().strip()
    link = node.with_name("by-name")
    link.symlink_to(node)
    assert holders(str(node)) == holders(str(link)) == [name]
    assert holders(str(node), {other.pid}) == []
    assert holders(str(node.with_name("video1"))) == []
    assert holders("") == []
    with node.open():
        assert holders(str(node), {other.pid}) == []  # we do not count
    other.closes()
    assert holders(str(node)) == []


def test_another_program_is_told_at_once_and_when_it_has_gone(told: Told, program: Open) -> None:
    assert told.nothing(0.1)
    first = program()
    assert told.next() == ("held", True)
    assert told.at_s - first.opened_s < 0.5
    second = program()
    first.closes()
    assert told.nothing()  # one still has it
    second.kill()
    killed_s = time.monotonic()
    assert told.next() == ("held", False)
    assert told.at_s - killed_s < 0.5


def test_who_holds_it_already_is_told_at_the_start(node: Path, program: Open) -> None:
    program()
    made = Told(node)
    assert made.next() == ("held", True)
    made.watch.close()


def test_own_processes_and_a_short_look_do_not_count(node: Path, program: Open) -> None:
    own: set[int] = set()
    made = Told(node, lambda: own)
    with node.open():
        assert made.nothing(0.15)
    os.close(os.open(node, os.O_RDWR))
    looks = subprocess.run([sys.executable, "-S", "-c", f"open({str(node)!r})"], check=True)
    assert looks.returncode == 0
    assert made.nothing(0.15)
    eye = subprocess.Popen([sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], stdin=node.open())
    own.add(eye.pid)
    assert made.nothing(0.15)
    eye.kill()
    eye.wait()
    made.watch.close()


def test_a_camera_unplugged_in_use_and_plugged_in_again(node: Path, told: Told, program: Open) -> None:
    program()
    assert told.next() == ("held", True)
    node.unlink()
    assert told.next() == ("there", False)
    assert told.next() == ("held", False)
    (node.parent / "video1").touch()
    assert told.nothing(0.15)
    plugged_s = time.monotonic()
    node.touch()
    assert told.next() == ("there", True)
    assert told.at_s - plugged_s < 0.5
    program()
    assert told.next() == ("held", True)


def test_without_the_kernels_notices_it_is_asked_now_and_then(
    node: Path, program: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(*_: object, **__: object) -> None:
        raise OSError("no inotify")

    monkeypatch.setattr(camera_users.ctypes, "CDLL", nothing)
    monkeypatch.setattr(camera_users, "_ASK_S", 0.1)
    made = Told(node)
    other = program()
    assert made.next() == ("held", True)
    other.closes()
    assert made.next() == ("held", False)
    made.watch.close()


def test_the_watch_goes_on_where_nothing_could_be_seen_for_a_while(
    node: Path, program: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_may_be_opened(*_: object) -> list[str]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(camera_users, "_ASK_S", 0.1)
    made = Told(node)
    assert made.nothing()
    with monkeypatch.context() as short:
        short.setattr(camera_users, "holders", none_may_be_opened)
        other = program()
        assert made.nothing()
    assert made.next() == ("held", True), "what began meanwhile is seen by itself"
    other.closes()
    assert made.next() == ("held", False)
    made.watch.close()


def test_a_listener_that_fails_does_not_end_the_watch(node: Path, program: Open) -> None:
    heard: queue.Queue[bool] = queue.Queue()

    def listener(held: bool) -> None:
        heard.put(held)
        raise RuntimeError("no")

    watch = CameraWatch(str(node), listener, set, on_node=listener)
    watch.start()
    other = program()
    assert heard.get(timeout=3) is True
    other.closes()
    assert heard.get(timeout=3) is False
    watch.close()


def test_a_closed_watch_leaves_nothing_behind(node: Path) -> None:
    def open_now() -> int:
        return len(os.listdir("/proc/self/fd"))

    gc.collect()  # what other tests left behind
    before = open_now()
    for _ in range(3):
        watch = CameraWatch(str(node), lambda held: None, set, on_node=lambda there: None)
        watch.start()
        watch.close()
        watch.close()
    assert open_now() <= before
    assert "camera users" not in [thread.name for thread in threading.enumerate()]
