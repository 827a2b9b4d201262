"""Files that are there whole or not at all, whatever fails while they are written."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TypeAlias

#: Readable by this user only.
PRIVATE = 0o600
#: Windows replaces no file that is open elsewhere, as in a virus scanner, or in a reader, for moments.
PATIENCE_S = 1.0

#: A file's time of change, its size and its number: another one when it is written anew.
Stamp: TypeAlias = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """Return how a file, or a folder, is now; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


@contextlib.contextmanager
def replacing(path: Path, *, mode: int = PRIVATE, lasting: bool = True) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes the place of `path` once the block ends well.

    It is written beside its place, so that half of it is never read, and a full disk leaves what
    was there before. Where `path` is a link, what it points to is replaced, unless another user
    may have put it there for that.

    Parameters
    ----------
    mode
        Who may read it.
    lasting
        Wait until it is on the disk, so that it outlives a loss of power.

    Raises
    ------
    OSError
        It cannot be written.
    """
    _refuse_planted(path)
    target = path.resolve()
    if target.exists() and not target.is_file():  # /dev/null, a pipe: it is to stay what it is
        with target.open("wb") as file:
            yield file
        return
    with _blaming(path):
        descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=_draft(target))
    os.close(descriptor)
    try:
        with open(draft, "wb") as file:  # by its name, which the caller may want
            yield file
            file.flush()
            if lasting:
                os.fsync(file.fileno())
        if mode != PRIVATE:  # with which it was begun
            os.chmod(draft, mode)
        with _blaming(path):
            _put(draft, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def _put(draft: str, target: Path) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            os.replace(draft, target)
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() > until_s:  # it is open in a spreadsheet, perhaps
                raise
            time.sleep(0.02)
        else:
            return


def left_behind(path: Path) -> list[Path]:
    """Return what processes that were killed while they wrote a file have left of it."""
    return [file for file in path.parent.glob(".*") if file.name.startswith(_draft(path))]


def _draft(path: Path) -> str:
    """Return how the name begins under which a file is written."""
    return f".{path.name}-"


def _refuse_planted(path: Path) -> None:
    """Refuse a link of another user's in a folder that all may write to, such as ``/tmp``.

    Linux itself follows none (``fs.protected_symlinks``), but is not asked where a link is resolved here.
    """
    if sys.platform == "win32" or not path.is_symlink():
        return
    folder, owner = path.parent.stat(), path.lstat().st_uid
    for_all = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
    if for_all and owner not in (os.getuid(), folder.st_uid):
        raise PermissionError(errno.EACCES, "a link that another user has put there", os.fspath(path))


@contextlib.contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Let what goes wrong be told of this file: the draft's name would say nothing to the user."""
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(path)
        raise
