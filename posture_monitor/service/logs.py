"""The log of the monitor in the background: what it did, and nothing about whom.

Logged are starts, stops and troubles of the program's own parts, at level INFO
(DEBUG with ``-v``), with times in UTC. Pictures, landmarks, angles, the texts of
notes and the states of posture are never handed to it. What slips in through the
text of an error is taken out: the home folder becomes ``~``, the login name in a
path ``<user>``, a profile's name ``…`` (it may be a person's), and the password
in an address goes.
"""

from __future__ import annotations

import contextlib
import getpass
import logging
import logging.handlers
import os
import re
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TextIO

from posture_monitor import paths
from posture_monitor.errors import UserError

log = logging.getLogger(__name__)

#: Size of one file in bytes, and how many are kept.
FILE_BYTES: Final = 512 * 1024
FILES: Final = 3

_PACKAGE: Final = "posture_monitor"


class _Private(logging.Formatter):
    """Writes UTC times, and takes out what tells whose machine this is."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime
        self._rules = _rules()

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for rule, instead in self._rules:
            text = rule.sub(instead, text)
        return text


class _OwnFiles(logging.handlers.RotatingFileHandler):
    """A rotating log that nobody else may read, begun anew where somebody deletes it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        if self.stream is not None and not os.path.exists(self.baseFilename):
            # Where none can be made, as on a disk that was mounted anew to be read only, the old one is kept.
            with contextlib.suppress(OSError, UserError):
                anew = self._open()
                self.stream.close()
                self.stream = anew
        super().emit(record)

    def _open(self) -> Any:
        paths.make_private(Path(self.baseFilename).parent)
        return open(
            self.baseFilename,
            self.mode,
            encoding=self.encoding,
            errors=self.errors,
            opener=lambda name, flags: os.open(name, flags, 0o600),
        )

    def rotate(self, source: str, dest: str) -> None:
        """Begin a new file; go on in the old one where Windows renames none that `logs -f` reads."""
        with contextlib.suppress(PermissionError):
            super().rotate(source, dest)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        """Let a full disk be: whoever is looking on has no use for a traceback with each line."""
        if not isinstance(sys.exc_info()[1], (OSError, UserError)):
            super().handleError(record)


def to_file(*, verbose: bool = False) -> None:
    """Write the program's log, and faults nobody caught, to the log file from now on.

    Raises
    ------
    UserError
        Its folder cannot be created.
    """
    handler = _OwnFiles(
        paths.log_file(), maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8", errors="replace"
    )
    handler.setFormatter(_Private())
    logger = logging.getLogger(_PACKAGE)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    sys.excepthook = _uncaught
    threading.excepthook = lambda fault: (
        _uncaught(fault.exc_type, fault.exc_value, fault.exc_traceback) if fault.exc_value else None
    )


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, Exception):
        log.critical("not caught", exc_info=(kind, error, trace))
    sys.__excepthook__(kind, error, trace)


def _rules() -> list[tuple[re.Pattern[str], str]]:
    rules = []
    home = Path.home()
    for folder in {str(home), os.path.realpath(home)}:
        if len(folder) > 1:
            # Where a path begins, and where its name ends.
            rules.append((path_pattern(folder), "~"))
    try:
        login = re.escape(getpass.getuser())
        rules.append((re.compile(rf"(?<=[/\\]){login}(?![\w-])"), "<user>"))
    except (OSError, KeyError, ImportError):
        pass  # a user without a name
    rules.append((re.compile(r"(\b[Pp]rofile )(['\"]).*?\2"), r"\1\2…\2"))
    # What a line about a profile that is not there offers, and what it advises.
    rules.append((re.compile(r"(\(there are: )[^)\n]*"), r"\1…"))
    rules.append((re.compile(r"(--profile )[^\s`'\"]+"), r"\1…"))
    rules.append((re.compile(r'(\bprofile\.name = )"[^"\n]*"'), r'\1"…"'))
    rules.append((re.compile(r"(\bprofiles[/\\])[^/\\'\"\n]*(?=\.toml)"), r"\1…"))
    rules.append((re.compile(r"(?<=://)[^/\s]+@"), ""))
    return rules


def path_pattern(folder: str) -> re.Pattern[str]:
    """Return what a folder looks like in a text: Python doubles the backslashes of Windows in its errors."""
    written = re.escape(folder).replace(r"\\", r"\\{1,2}")
    return re.compile(rf"(?<![\w.~-]){written}(?![\w-])", re.IGNORECASE if "\\" in folder else 0)


def last(lines: int) -> list[str]:
    """Return the last lines of the log, from its older files too if need be."""
    path = paths.log_file()
    found: list[str] = []
    for number in range(FILES):
        file = path if number == 0 else path.with_name(f"{path.name}.{number}")
        if len(found) >= lines or not file.is_file():
            break
        found = file.read_text(encoding="utf-8", errors="replace").splitlines() + found
    return found[-lines:] if lines > 0 else []


def follow(*, look_every_s: float = 0.5) -> Iterator[str]:
    """Yield what is added to the log from now on, line by line, for ever; a new file is followed too."""
    path = paths.log_file()
    file = _opened(path)
    if file is not None:
        file.seek(0, os.SEEK_END)
    part = ""
    try:
        while True:
            # Asked before it is read: a file that has been replaced has got its last line by then.
            replaced = file is not None and _replaced(file, path)
            # A line that is being written may be there in part.
            *lines, part = (part + (file.read() if file is not None else "")).split("\n")
            yield from lines
            if file is None or replaced:
                if part:
                    yield part
                    part = ""
                if file is not None:
                    file.close()
                file = _opened(path)  # what it begins with has been added since
            if file is None or not replaced:
                time.sleep(look_every_s)
    finally:
        if file is not None:
            file.close()


def _opened(path: Path) -> TextIO | None:
    try:
        return path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _replaced(file: TextIO, path: Path) -> bool:
    # Windows lets nobody replace one that is open, and does not always give both the same numbers.
    if sys.platform == "win32":
        return False
    try:
        return not os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
