"""One monitor for each user: the lock is the process's, and goes with it however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from disks import fill, mounted

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.service.lock import AlreadyRunning, Holder, Lock, holder

pytestmark = pytest.mark.usefixtures("home")

HOLDS = (
    "import subprocess, sys, time\n"
    "from posture_monitor.service.lock import Lock\n"
    "with Lock():\n"
    "    child = subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL)\n"
    "    print(child.pid, flush=True); time.sleep(60)"
)


def holding() -> tuple[subprocess.Popen[str], int]:
    """Start a process that takes the lock and then starts a child of its own."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS, "--source=4"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_the_second_is_told_who_holds_it_and_what_helps() -> None:
    process, child = holding()
    try:
        with pytest.raises(AlreadyRunning) as told:
            Lock().__enter__()
        assert str(told.value) == f"already running (process {process.pid}); `posture-monitor stop` ends it"
        found = holder()
        assert found is not None
        assert (found.pid, found.arguments, found.folder) == (process.pid, ("--source=4",), os.getcwd())
    finally:
        process.kill()
        process.communicate()
        os.kill(child, signal.SIGKILL)


def test_killed_it_is_free_at_once_although_a_child_lives_on() -> None:
    process, child = holding()
    try:
        process.kill()
        process.wait()
        os.kill(child, 0)
        # What is written in the file is still there, and means nothing.
        assert str(process.pid) in paths.lock_file().read_text()
        assert holder() is None
        with Lock():
            assert holder() is not None
    finally:
        os.kill(child, signal.SIGKILL)
        process.communicate()


def test_held_once_in_a_process_and_free_after() -> None:
    with Lock():
        with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}"), Lock():
            pass
        assert stat.S_IMODE(paths.lock_file().stat().st_mode) == 0o600
    assert holder() is None
    assert str(os.getpid()) not in paths.lock_file().read_text()
    with Lock():
        pass


def test_on_a_full_disk_it_tells_who_holds_it_where_it_was_held_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`restart` goes by it: without it another camera would be watched."""
    with mounted(tmp_path / "disk", "64k") as disk:
        monkeypatch.setenv("POSTURE_MONITOR_HOME", str(disk))
        with Lock():
            pass
        fill(disk)
        with Lock():
            found = holder()
        assert found is not None
        assert (found.pid, found.arguments) == (os.getpid(), tuple(sys.argv[1:]))
        assert holder() is None


def test_begun_on_a_full_disk_it_tells_who_holds_it_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mounted(tmp_path / "disk", "64k") as disk:
        monkeypatch.setenv("POSTURE_MONITOR_HOME", str(disk))
        paths.lock_file().touch()
        ballast = fill(disk)
        with Lock() as lock:
            assert holder() == Holder()
            ballast.unlink()
            lock.renew()
            found = holder()
            assert found is not None
            assert found.pid == os.getpid()


def test_deleted_under_who_holds_it_it_is_held_anew() -> None:
    with Lock() as lock:
        shutil.rmtree(paths.data_dir())
        assert holder() is None
        for _ in range(2):
            lock.renew()
            found = holder()
            assert found is not None
            assert found.pid == os.getpid()
    assert holder() is None


def test_deleted_and_taken_by_another_it_is_the_others() -> None:
    with Lock() as lock:
        paths.lock_file().unlink()
        process, child = holding()
        try:
            with pytest.raises(AlreadyRunning, match=rf"process {process.pid}"):
                lock.renew()
        finally:
            process.kill()
            process.communicate()
            os.kill(child, signal.SIGKILL)


@pytest.mark.slow
def test_looking_never_keeps_anybody_out() -> None:
    code = (
        "import time\nfrom posture_monitor.service.lock import holder\n"
        "print('looking', flush=True)\nend = time.time() + 1.2\nwhile time.time() < end: holder()"
    )
    looker = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert looker.stdout is not None
    looker.stdout.readline()
    taken = 0
    while looker.poll() is None:
        with Lock():
            taken += 1
        time.sleep(0.002)
    looker.communicate()
    assert taken > 20


def test_a_file_with_nonsense_is_no_lock(home: Path) -> None:
    home.mkdir()
    for nonsense in (b"", b"\xff", b"[]", b'{"pid": "x"}'):
        paths.lock_file().write_bytes(nonsense)
        assert holder() is None
        with Lock():
            assert holder() is not None


def test_a_lock_that_cannot_be_made_is_one_line() -> None:
    paths.lock_file().mkdir(parents=True)
    with pytest.raises(UserError, match=r"cannot use the lock .*: Is a directory; make it writable"):
        Lock().__enter__()
