"""The doctor's findings as a text to hand on: without a word about whose machine this is.

Taken out are the home folder and every other path's user, the login, full and
host name, profile names, whatever an address holds beside its scheme, network
addresses, and long numbers such as serial numbers. What is left are versions,
kinds and findings.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
import socket
import sys
from collections.abc import Iterable
from pathlib import Path

from posture_monitor import __version__, paths
from posture_monitor.errors import UserError
from posture_monitor.service import logs
from posture_monitor.service.doctor import Check

#: Lines of the log that go along.
LOG_LINES = 60


def write(checks: Iterable[Check], file: Path, private: Iterable[str] = ()) -> None:
    """Write the report; a file of that name is replaced.

    Parameters
    ----------
    private
        Further words to take out, such as the name of the profile in use.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    try:
        file.write_text(report(checks, private), encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror or error}; name another file") from error


def report(checks: Iterable[Check], private: Iterable[str] = ()) -> str:
    """Return the report's text; see `write`."""
    marks = {True: "ok  ", None: "note", False: "FAIL"}
    lines = [
        f"posture-monitor {__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release()} {platform.machine()}",
        "",
        *(
            f"{'-   ' if check.neutral else marks[check.ok]}  {check.name}: {check.text}"
            + f" -> {check.advice}" * bool(check.advice)
            for check in checks
        ),
        "",
        f"The log's last {LOG_LINES} lines:",
        *logs.last(LOG_LINES),
    ]
    # One pass over the whole: a name may be broken over two places.
    return scrub("\n".join(lines), private) + "\n"


def scrub(text: str, private: Iterable[str] = ()) -> str:
    """Return the text without what tells whose machine it is from."""
    # Addresses first: their parts would otherwise be taken for something else.
    text = re.sub(r"\b([a-z][a-z0-9+.-]*://)[^\s'\",)]+", r"\1<address>", text)
    text = re.sub(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b", "<mail>", text)
    for folder, instead in _folders():
        text = logs.path_pattern(folder).sub(instead, text)
    text = re.sub(r"(/home/|/Users/|/run/user/)[^/\\\s:]+", r"\1<user>", text)
    # Windows' names of users have spaces, and its paths doubled backslashes where Python quotes them.
    text = re.sub(
        r"([A-Za-z]:\\{1,2}Users\\{1,2})(?:[^/\\:\"\n]+(?=\\)|[^/\\\s:'\"]+)",
        r"\1<user>",
        text,
        flags=re.IGNORECASE,
    )
    for word, instead in [*((word, "<private>") for word in private), *_names()]:
        # Letters and digits on either side make it another word.
        text = re.sub(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", instead, text, flags=re.IGNORECASE)
    text = re.sub(r"(\b[Pp]rofile )(['\"]).*?\2", r"\1\2<name>\2", text)
    text = re.sub(r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b", "<hardware address>", text)
    text = re.sub(
        r"(?<![\d.])(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))(?:\.\d{1,3}){2,3}(?![\d.])", "<address>", text
    )
    # Six digits in a row, or eight signs with a digit among them: a serial number, no date and no version.
    return re.sub(r"(?<![\w.])(?=\w*\d)(?:\d{6,}|[0-9A-F]{8,}|[0-9a-f]{8,})(?!\w|\.\d)", "<number>", text)


def _folders() -> list[tuple[str, str]]:
    """Return folders of the user's and what to write for them, the longest first."""
    home = os.environ.get("POSTURE_MONITOR_HOME")
    folders = {str(Path.home()): "~", os.path.realpath(Path.home()): "~"}
    if home:
        folders |= {home: "<home>", os.path.realpath(home): "<home>", str(paths.data_dir()): "<home>"}
    return sorted(((k, v) for k, v in folders.items() if len(k) > 1), key=lambda pair: -len(pair[0]))


def _names() -> list[tuple[str, str]]:
    """Return what the user and the machine are called, and what to write instead."""
    names: list[tuple[str, str]] = []
    try:
        login = getpass.getuser()
        # Everybody's, and a word of its own.
        if login not in ("root", "user", "python"):
            names.append((login, "<user>"))
        if sys.platform != "win32":
            import pwd

            full = pwd.getpwuid(os.getuid()).pw_gecos.split(",")[0]
            names += [(part, "<user>") for part in (full, *full.split()) if len(part) > 2 and part != "root"]
    except (OSError, KeyError, ImportError):
        pass  # a user without a name
    hosts = {socket.gethostname(), platform.node()}
    hosts |= {host.split(".")[0] for host in hosts}
    names += [(host, "<host>") for host in sorted(hosts, key=len, reverse=True) if len(host) > 1]
    return names
