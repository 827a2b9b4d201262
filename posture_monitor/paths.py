"""Where this user's files live.

``POSTURE_MONITOR_HOME`` puts everything under one folder (for trials and
tests); otherwise the platform's own data and config folders are used.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from posture_monitor.errors import UserError

APP = "posture-monitor"
#: The variable that puts all under one folder.
HOME = "POSTURE_MONITOR_HOME"

#: Longest path of a Unix socket, in bytes: Linux takes 107, macOS 103.
SOCKET_PATH_BYTES = 100


def expanded(path: str | Path) -> Path:
    """Return a path as the user wrote it, with a leading ``~`` or ``~name`` replaced by that home.

    Raises
    ------
    UserError
        There is no such home.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        whose = Path(path).parts[0]
        raise UserError(f"{path}: there is no home folder {whose}; write the path from / on") from None


def _folder(kind: str) -> Path:
    if home := os.environ.get(HOME):
        return expanded(home).absolute()
    import platformdirs

    return Path(platformdirs.user_config_dir(APP) if kind == "config" else platformdirs.user_data_dir(APP))


def home_environment() -> dict[str, str]:
    """Return that variable, if it is set, as a program needs it that is started in another folder."""
    return {HOME: str(data_dir())} if os.environ.get(HOME) else {}


def data_dir() -> Path:
    """Return the folder of the history, profiles and model (not created)."""
    return _folder("data")


def config_file() -> Path:
    """Return the user's own config file (it need not exist)."""
    return _folder("config") / "config.toml"


def profiles_dir() -> Path:
    """Return the folder of the user's own profiles (not created)."""
    return data_dir() / "profiles"


def model_file() -> Path:
    """Return where the pose model is kept (it need not exist)."""
    return data_dir() / "models" / "pose_landmarker_full.task"


def history_file() -> Path:
    """Return the history database (it need not exist)."""
    return data_dir() / "history.sqlite3"


def demo_history_file() -> Path:
    """Return the history of the last demo, alone in its folder (it need not exist)."""
    return data_dir() / "demo" / "history.sqlite3"


def learnt_file() -> Path:
    """Return what was learnt of each profile's natural scatter (it need not exist)."""
    return data_dir() / "learnt.json"


def report_file() -> Path:
    """Return the page that is opened in the browser (it need not exist)."""
    return data_dir() / "report.html"


def snapshots_dir() -> Path:
    """Return the folder of the moments saved from the preview (not created)."""
    return data_dir() / "snapshots"


def control_socket() -> Path:
    """Return where the running monitor listens to this user (it need not exist).

    It lies in the user's runtime folder where there is one, and beside the
    history otherwise or with ``POSTURE_MONITOR_HOME``; a path too long for a
    socket is replaced by a short one.
    """
    if sys.platform == "win32":
        return data_dir() / "control"
    runtime = _runtime_dir()
    own = os.environ.get(HOME)
    wanted = (runtime if runtime and not own else data_dir()) / "control"
    name = os.fsencode(wanted)
    if len(name) <= SOCKET_PATH_BYTES:
        return wanted
    # Not under TMPDIR, which may differ between the monitor and the one who asks.
    return (runtime or Path(f"/tmp/{APP}-{os.getuid()}")) / hashlib.sha256(name).hexdigest()[:16]


def _runtime_dir() -> Path | None:
    """Return the program's folder in that of the user's session, if there is such a session."""
    if sys.platform == "win32":
        return None
    # A login by ssh, cron or su is not told of the folder that the desktop's monitor uses.
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    try:
        # Whether it can be written says nothing: a unit shut in by systemd may write to our part of it alone.
        return runtime / APP if runtime.stat().st_uid == os.getuid() else None
    except OSError:
        return None


def lock_file() -> Path:
    """Return the file whose lock the one running monitor holds (it need not exist)."""
    return data_dir() / "monitor.lock"


def log_file() -> Path:
    """Return the log of the monitor in the background (it need not exist)."""
    return data_dir() / "logs" / "monitor.log"


def check_folders() -> None:
    """Refuse folders of this user's files that can be none: what is kept would be told as nothing kept.

    Raises
    ------
    UserError
        A file, or a link that leads nowhere, stands in the place of one or above it.
    """
    for folder in (data_dir(), config_file().parent):
        there = next((part for part in (folder, *folder.parents) if os.path.lexists(part)), None)
        if there is not None and not there.is_dir():
            what = "no folder" if there.exists() else "a link that leads nowhere"
            raise UserError(f"{there} is {what}; move it away, or set POSTURE_MONITOR_HOME to a folder")


def refuse_special(file: Path) -> None:
    """Refuse what may stand in the place of a file of the user's own, and be read without end.

    Raises
    ------
    UserError
        It is a pipe, a device or the like, or a link that leads nowhere.
    """
    # Of a folder reading itself says what is wrong.
    if os.path.lexists(file) and not (file.is_file() or file.is_dir()):
        what = "no ordinary file" if file.exists() else "a link that leads nowhere"
        raise UserError(f"{file} is {what}; move it away")


def make_private(folder: Path) -> Path:
    """Create a folder that only this user may enter, and return it; so are those made above it.

    Raises
    ------
    UserError
        The folder cannot be created or written.
    """
    try:
        # By itself `mkdir` would make those above open to all.
        for part in (*reversed(folder.parents), folder):
            if part == folder or not part.exists():
                part.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise UserError(
            f"cannot create the folder {folder}: {error.strerror or error}; "
            "make its parent writable or set POSTURE_MONITOR_HOME to another folder"
        ) from error
    return folder


def packaged(name: str) -> Path:
    """Return a file shipped with the program (``config.toml``, ``calibration``).

    An installed wheel carries it inside the package; a checkout has it at the root.
    """
    inside = Path(__file__).parent / "data" / name
    return inside if inside.exists() else Path(__file__).parent.parent / name


def installed(package: str) -> list[Path]:
    """Return the folders of an installed package, without importing it; none where it is not installed."""
    import importlib.util

    spec = importlib.util.find_spec(package)
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or ()]
