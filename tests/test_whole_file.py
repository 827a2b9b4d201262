"""A file is there whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from disks import fill, mounted

from posture_monitor.whole_file import replacing


def write(path: Path, content: bytes, **how: int) -> None:
    with replacing(path, **how) as file:  # type: ignore[arg-type]
        file.write(content)


def test_it_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in (b"first", b"second"):
        write(path, content)
        assert path.read_bytes() == content
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such modes")
def test_it_is_private_unless_asked_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write(path, b"x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write(path, b"x", mode=0o644)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_link_that_another_user_has_planted_is_not_followed(tmp_path: Path) -> None:
    if sys.platform == "win32" or os.geteuid() != 0:
        pytest.skip("needs root, to make a link of another user's")
    (mine := tmp_path / "mine").write_bytes(b"mine")
    (everybodys := tmp_path / "tmp").mkdir()
    everybodys.chmod(0o1777)
    (link := everybodys / "report.html").symlink_to(mine)
    write(link, b"meant so")
    os.chown(everybodys, 1, 1)
    os.chown(link, 2, 2, follow_symlinks=False)
    with pytest.raises(PermissionError, match="a link that another user has put there") as refused:
        write(link, b"x")
    assert refused.value.filename == str(link)
    assert mine.read_bytes() == b"meant so"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_leaves_all_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a"
    write(path, b"before")

    def fail() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_leaves_all_as_it_was(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "256k") as disk:
        path = disk / "a"
        write(path, b"before")
        fill(disk)
        with pytest.raises(OSError, match="space"):
            write(path, bytes(8192))
        assert path.read_bytes() == b"before"
        assert sorted(p.name for p in disk.iterdir()) == ["a", "ballast"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "kept" / "a", tmp_path / "a"
    real.parent.mkdir()
    link.symlink_to(real)
    write(link, b"x")
    assert link.is_symlink()
    assert real.read_bytes() == b"x"


def test_what_is_no_file_stays_what_it_is(tmp_path: Path) -> None:
    link = tmp_path / "nothing"
    link.symlink_to("/dev/null")
    write(link, b"x")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(IsADirectoryError):
        write(tmp_path, b"x")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nowhere"):
        write(tmp_path / "nowhere" / "a", b"x")
