"""Starting the monitor in the background, and ending it.

The monitor is the same program, run as ``posture-monitor run --detached`` in a
session of its own, so that it lives on when the terminal is closed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import posture_monitor
from posture_monitor import programs
from posture_monitor.children import handing_over
from posture_monitor.errors import UserError
from posture_monitor.paths import expanded, home_environment
from posture_monitor.sensing.sources import check as check_source
from posture_monitor.service import lock
from posture_monitor.service.autostart.systemd import UNIT, systemctl
from posture_monitor.service.control import NoAnswer, NotRunning, ask
from posture_monitor.service.held import NOTHING, Held
from posture_monitor.service.protocol import OtherVersion
from posture_monitor.service.status import Status

#: A monitor must answer within this time of being started: it may have to fetch the pose model first.
START_S: Final = 180.0
#: One that runs already must answer within this time: it may be starting too.
ANSWER_S: Final = 30.0
#: A monitor that was asked to stop has this long; then it is told to, and then it is ended.
STOP_S: Final = 10.0
TERM_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.05

#: What runs the monitor in the background.
PROGRAM: Final = (sys.executable, "-m", posture_monitor.__name__, "run", "--detached")

#: The options of `run` that say what is watched; all take a value, and hold a path or a name.
_OPTIONS: Final = ("--source", "--profile", "--config")


@dataclass(frozen=True)
class Started:
    """A monitor that runs: its process, and whether it has only just been started."""

    pid: int
    new: bool


def start(config: str | Path | None = None, source: str | None = None, profile: str | None = None) -> Started:
    """Start the monitor in the background, and wait until it answers.

    Parameters
    ----------
    config, source, profile
        As the options of ``run``; None takes what the settings say.

    Raises
    ------
    UserError
        The source is a recording that is not there; or it ended at once, and why; or it does not answer.
    """
    if source is not None:
        check_source(source)
    running = _running()
    if running is not None:
        return Started(_answering(running.pid), False)
    chosen = _absolute(_given(source, profile, config).items(), Path.cwd())
    if not chosen and _unit_starts_it() and _systemctl("start") is not None:
        return Started(_answering(0), True)
    return _spawn(chosen)


def stop() -> int | None:
    """End the running monitor; return its process id, or None where none runs.

    It is asked first; one that does not go is told to by the operating system,
    and one that hangs is ended.

    Raises
    ------
    UserError
        It cannot be ended.
    """
    running = _running()
    if running is None:
        return None
    # The unit would start what ends by force again.
    if not (_unit_runs(running.pid) and _systemctl("stop") is not None):
        # One that hangs or speaks another version is ended below.
        with contextlib.suppress(NotRunning, NoAnswer, OtherVersion):
            ask("stop", timeout_s=STOP_S)
    if _gone(STOP_S):
        return running.pid
    _part_from_launchd()
    for how, patience_s in ((signal.SIGTERM, TERM_S), (getattr(signal, "SIGKILL", signal.SIGTERM), TERM_S)):
        # Only who holds the lock now is the monitor; a number kept from earlier may be anybody's.
        holds = lock.holder()
        if holds is None:
            return running.pid
        if holds.pid:
            # It may go meanwhile, which Windows calls a wrong argument; what counts is looked at next.
            with contextlib.suppress(OSError):
                os.kill(holds.pid, how)
        if _gone(patience_s):
            return running.pid
    raise UserError(f"process {running.pid} does not end; end it yourself, or log out and in again")


def restart(
    config: str | Path | None = None, source: str | None = None, profile: str | None = None
) -> Started:
    """End the monitor if it runs, and start it as it was started before, but for what is given here.

    A pause and a snooze go on; of one that does not answer they are not known.

    Raises
    ------
    UserError
        Settings, profile or source cannot be used: then the one that runs goes on. Or as for `start`.
    """
    running = _running()
    if running is None:
        return start(config, source, profile)
    given = _given(source, profile, config)
    kept = [option for option in _chosen(running.arguments) if option[0] not in given]
    options = _absolute(kept, Path(running.folder or ".")) + _absolute(given.items(), Path.cwd())
    _check(options)  # before the one that runs is ended
    by_unit = not given and _unit_runs(running.pid)
    held = _held()
    stop()
    if by_unit and _unit_begins(held):
        return Started(_answering(0), True)
    return _spawn(options, held)


def _given(*values: str | Path | None) -> dict[str, str]:
    """Return the values of `_OPTIONS`, of those that there are."""
    return {name: str(value) for name, value in zip(_OPTIONS, values, strict=True) if value is not None}


def _running() -> lock.Holder | None:
    """Return the monitor that runs.

    One whose data folder was deleted a moment ago is still listening, mostly: asked for anything, it
    holds its lock anew.
    """
    running = lock.holder()
    if running is None:
        with contextlib.suppress(UserError):
            ask("recount")
            running = lock.holder()
    return running


def _check(options: Sequence[str]) -> None:
    """Refuse what a monitor with these options would not start with."""
    # Here, because they take their time to load, and `stop` does without.
    from posture_monitor.config import load_config
    from posture_monitor.service.profiles import load_profile

    chosen = dict(_chosen(options))
    config = load_config(Path(chosen["--config"]) if "--config" in chosen else None)
    load_profile(chosen.get("--profile", config.profile.name))
    check_source(chosen.get("--source", config.camera.source))


def _held() -> Held:
    """Return what the user has asked of the monitor that runs, and is not over."""
    with contextlib.suppress(UserError):
        return Held.of(Status.from_json(ask("status")))
    return NOTHING


def settle() -> None:
    """Cut a monitor that now answers loose from who started it.

    Until then its errors go where `start` reads them; from now on they are in
    the log, and what native libraries print is nobody's.
    """
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(os.fstat(2).st_mode):
            return  # a terminal, or the journal of a supervisor
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)


def _spawn(options: Sequence[str], held: Held = NOTHING) -> Started:
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(
            PROGRAM,
            env={**handing_over(options), **held.environment(), **home_environment()},
            # Where the package is found however it was installed, and not a folder somebody wants to unmount.
            cwd=Path(posture_monitor.__file__).parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            creationflags=_flags(),
        )
        try:
            return _begun(child, errors)
        except KeyboardInterrupt:
            child.terminate()  # who has changed their mind is not watched
            raise


def _begun(child: subprocess.Popen[bytes], errors: IO[bytes]) -> Started:
    """Wait until a monitor that was just started answers; `UserError` where it ends or does not."""
    for _ in _until(START_S):
        ended = child.poll()
        if ended is not None:
            break
        with contextlib.suppress(UserError):
            pid = int(ask("status")["pid"])
            # On Windows the python of a virtual environment runs the program in a child of its own.
            if pid == child.pid or sys.platform == "win32":
                child.returncode = 0  # it is meant to outlive us
                return Started(pid, True)
    else:
        raise UserError(f"process {child.pid} was started, but does not answer; see `posture-monitor logs`")
    # Two may be started at once: then one of them goes, and that is all right.
    winner = lock.holder()
    if winner is not None:
        return Started(_answering(winner.pid), False)
    raise UserError(_why(errors) or f"it ended at once (status {ended}); see `posture-monitor logs`")


def _unit_starts_it() -> bool:
    """Return whether systemd has our unit and starts it with the desktop; then it looks after it, too."""
    # A home for trials is none of the unit's business.
    return not os.environ.get("POSTURE_MONITOR_HOME") and _systemctl("is-enabled") is not None


def _unit_runs(pid: int) -> bool:
    """Return whether this very process is that of our unit."""
    return bool(pid) and _systemctl("show", "--property=MainPID", "--value") == str(pid)


def _unit_begins(held: Held) -> bool:
    """Start our unit, and hand it what holds; return whether it was started."""
    # A unit has its environment from the manager alone; there it is until the unit has begun.
    for name, value in held.environment().items():
        if systemctl("set-environment", f"{name}={value}") is None:
            return False
    try:
        return _systemctl("start") is not None
    finally:
        for name in held.environment():
            systemctl("unset-environment", name)


def _systemctl(*do: str) -> str | None:
    """Return what systemd says of our unit; None where it does not, or says no."""
    return systemctl(*do, UNIT)


def _part_from_launchd() -> None:
    """Have launchd forget its agent until the next login: it would start what is ended by force again."""
    if sys.platform == "darwin":
        from posture_monitor.service.autostart.launchd import LABEL

        # It may have none, and says so.
        programs.ask("launchctl", "bootout", f"gui/{os.getuid()}/{LABEL}", patience_s=STOP_S)


def _flags() -> int:
    if sys.platform == "win32":
        # A console that nobody sees, for its children too. Without any (DETACHED_PROCESS) each of them is
        # given one of its own with a window, and so is the real Python behind that of a virtual environment.
        return subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    return 0


def _why(errors: IO[bytes]) -> str:
    """Return the one line in which a program that ended has said why."""
    errors.seek(0)
    lines = [line for line in errors.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("posture-monitor: ") if lines else ""


def _answering(pid: int) -> int:
    """Wait until the monitor that runs answers, and return its process id."""
    for _ in _until(ANSWER_S):
        with contextlib.suppress(NotRunning, NoAnswer):
            return int(ask("status")["pid"])
        found = lock.holder()
        if found is None and pid:
            raise UserError("the monitor that was running has just ended; start it again")
    who = f"process {pid}" if pid else f"the unit {UNIT}"
    raise UserError(
        f"{who} was started, but does not answer; see `posture-monitor logs`, "
        "or start it afresh with `posture-monitor restart`"
    )


def _gone(timeout_s: float) -> bool:
    return any(lock.holder() is None for _ in _until(timeout_s))


def _until(timeout_s: float) -> Iterator[None]:
    """Go on, with a short rest between, for so many seconds."""
    end_s = time.monotonic() + timeout_s
    while time.monotonic() < end_s:
        yield
        time.sleep(_LOOK_EVERY_S)


def _chosen(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield those of a monitor's arguments that say what it watches."""
    waiting = ""
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if waiting:
            yield waiting, argument
            waiting = ""
        elif name in _OPTIONS and equals:
            yield name, value
        elif name in _OPTIONS:
            waiting = name


def _absolute(options: Iterable[tuple[str, str]], folder: Path) -> list[str]:
    """Return options as they are typed, with the paths among them as seen from everywhere."""
    found = []
    for name, value in options:
        path = folder / expanded(value)
        is_path = name == "--config" or value.endswith(".toml")
        if name == "--source" and value != "demo" and not value.isdigit():
            is_path = path.exists()
        found.append(f"{name}={path if is_path else value}")
    return found
