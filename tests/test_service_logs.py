"""The log of the monitor in the background: bounded, private, and followed over its rotation."""

from __future__ import annotations

import getpass
import itertools
import logging
import re
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.service import logs
from posture_monitor.service.profiles import load_profile

pytestmark = pytest.mark.usefixtures("home")

log = logging.getLogger("posture_monitor.service.some_part")


@pytest.fixture
def logged(request: pytest.FixtureRequest) -> Iterator[Path]:
    package = logging.getLogger("posture_monitor")
    before = package.level, package.handlers[:], sys.excepthook, threading.excepthook
    logs.to_file(verbose=getattr(request, "param", False))
    yield paths.log_file()
    for handler in [handler for handler in package.handlers if handler not in before[1]]:
        package.removeHandler(handler)
        handler.close()
    package.setLevel(before[0])
    sys.excepthook, threading.excepthook = before[2:]


def test_lines_are_dated_in_utc_and_levelled(logged: Path) -> None:
    log.debug("not this")
    log.info("camera %s", "opened")
    (line,) = logs.last(10)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO \S+some_part: camera opened", line)
    moment = time.strftime("%Y-%m-%dT%H", time.gmtime())
    assert line.startswith(moment[:10])
    assert stat.S_IMODE(logged.stat().st_mode) == 0o600
    assert stat.S_IMODE(logged.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("logged", [True], indirect=True)
def test_more_is_said_when_asked_for(logged: Path) -> None:
    log.debug("this too")
    assert len(logs.last(10)) == 1


def test_deleted_it_is_begun_anew(logged: Path) -> None:
    log.info("before")
    shutil.rmtree(paths.data_dir())
    log.info("after")
    assert [line.rpartition(" ")[2] for line in logs.last(10)] == ["after"]
    assert stat.S_IMODE(logged.stat().st_mode) == 0o600
    for folder in (logged.parent, paths.data_dir()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_where_it_cannot_be_begun_anew_nobody_hears_of_it(
    logged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(logged.parent)
    logged.parent.write_text("a file in the folder's place")
    log.info("lost")
    assert capsys.readouterr().err == ""
    logged.parent.unlink()
    log.info("found")
    assert logs.last(10)[-1].endswith("found")


@pytest.mark.slow
def test_three_files_of_half_a_mebibyte_at_most(logged: Path) -> None:
    for number in range(5000):
        log.info("%05d %s", number, "x" * 400)
    files = sorted(logged.parent.iterdir())
    assert [file.name for file in files] == ["monitor.log", "monitor.log.1", "monitor.log.2"]
    for file in files:
        assert file.stat().st_size <= 512 * 1024
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    in_newest = len(logged.read_text().splitlines())
    numbers = [int(line.split()[3]) for line in logs.last(in_newest + 20)]
    assert numbers == list(range(5000 - in_newest - 20, 5000))


def test_whose_machine_it_is_does_not_get_in(logged: Path) -> None:
    login = getpass.getuser()
    home = Path.home()
    log.warning("cannot read %s", home / "videos" / "me.mp4")
    log.warning("cannot read %s", f"/media/{login}/stick/me.mp4")
    log.warning("profile 'Anna' was made from the side view")
    log.warning("%s: no such file", paths.data_dir() / "profiles" / "Anna.toml")
    paths.profiles_dir().mkdir()
    (paths.profiles_dir() / "Anna.toml").touch()
    with pytest.raises(UserError, match=r"'Annabel'.*Anna,.*--profile Annabel") as nobody:
        load_profile("Annabel")
    log.warning("the profile stays as it was: %s", nobody.value)
    log.warning('config.toml: profile.name = "Anna B.": it cannot name a profile')
    log.warning("no stream at %s", "http://anna:sec@secret@10.0.0.7/video")
    try:
        raise ValueError(f"bad line in {home}/notes")
    except ValueError:
        log.exception("went wrong")
    text = logged.read_text()
    # The checkout of a test may itself lie in the home folder: it is told as ~ too.
    for private in (f"{home}/", "Anna", "anna", "secret", f"/{login}/"):
        assert private not in text
    for kept in ("~/videos/me.mp4", "/media/<user>/stick", "profile '…' was made", "http://10.0.0.7/video"):
        assert kept in text
    assert "ValueError: bad line in ~/notes" in text


def test_a_fault_nobody_caught_is_in_the_log(home: Path) -> None:
    code = (
        "import threading\nfrom posture_monitor.service import logs\nlogs.to_file()\n"
        "thread = threading.Thread(target=lambda: 1 / 0); thread.start(); thread.join()\n"
        "raise LookupError('lost')"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert ended.returncode == 1
    text = paths.log_file().read_text()
    assert "ZeroDivisionError: division by zero" in text
    assert "LookupError: lost" in text


@pytest.mark.slow
def test_following_goes_on_over_a_new_file(logged: Path) -> None:
    log.info("before")
    seen: list[str] = []
    lines = logs.follow(look_every_s=0.01)

    def read() -> None:
        seen.extend(itertools.islice(lines, 300))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    time.sleep(0.1)
    for number in range(300):
        log.info("%03d %s", number, "y" * 4000)  # 1.2 MB: over two rotations
        if number % 50 == 0:
            time.sleep(0.05)
    reader.join(5)
    assert not reader.is_alive()
    assert [int(line.split()[3]) for line in seen] == list(range(300))


def test_a_line_that_is_being_written_is_followed_once_it_is_whole(logged: Path) -> None:
    log.info("before")
    lines = logs.follow(look_every_s=0.01)
    seen: list[str] = []
    reader = threading.Thread(target=lambda: seen.extend(itertools.islice(lines, 2)), daemon=True)
    reader.start()
    time.sleep(0.1)
    with paths.log_file().open("a") as file:
        for part in ("the first half ", "and the second\n"):
            file.write(part)
            file.flush()
            time.sleep(0.1)
    paths.log_file().rename(paths.log_file().with_suffix(".old"))
    paths.log_file().write_text("after\n")
    reader.join(5)
    assert seen == ["the first half and the second", "after"]


def test_what_a_file_gets_just_before_it_is_replaced_is_followed_too(
    logged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.info("first")
    replaced = logs._replaced

    def then(file: TextIO, path: Path) -> bool:
        if path.exists() and not replaced(file, path):
            log.info("last of the old")
            path.rename(path.with_suffix(".old"))
            path.write_text("first of the new\n")
        return replaced(file, path)

    monkeypatch.setattr(logs, "_replaced", then)
    lines = logs.follow(look_every_s=0.01)
    assert [next(lines).split(": ")[-1] for _ in range(2)] == ["last of the old", "first of the new"]


def test_following_waits_for_a_log_that_is_not_there_yet(home: Path) -> None:
    lines = logs.follow(look_every_s=0.01)

    def write() -> None:
        paths.make_private(paths.log_file().parent)
        paths.log_file().write_text("first\n")

    threading.Timer(0.1, write).start()
    assert next(lines) == "first"


def test_no_log_is_no_line() -> None:
    assert logs.last(10) == []
