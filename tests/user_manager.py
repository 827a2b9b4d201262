"""A user's own systemd, started for one test and apart from the one that may be running.

It lives in a mount namespace with a ``/run`` of its own, as on a machine that was
booted with systemd, and in a control group of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_groups import group, remove, unified
from waiting import wait_for

SYSTEMD = "/usr/lib/systemd/systemd"

_BEGIN = f"""
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/systemd/system /run/systemd/unit-root /run/systemd/mount-rootfs /run/systemd/inaccessible/dir
touch /run/systemd/inaccessible/reg
mknod -m 000 /run/systemd/inaccessible/chr c 0 0
mkdir -p -m 700 "$XDG_RUNTIME_DIR"
echo $$ > "$1/cgroup.procs"
dbus-daemon --session --nofork --address="$DBUS_SESSION_BUS_ADDRESS" &
exec {SYSTEMD} --user
"""


class UserManager:
    """A running manager, and how to reach it."""

    def __init__(self, process: subprocess.Popen[bytes], home: Path, environment: dict[str, str]) -> None:
        self._process, self._environment = process, environment
        self.units = home / ".config" / "systemd" / "user"
        self.units.mkdir(parents=True)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command where it finds the manager."""
        there = ["nsenter", f"--mount=/proc/{self._process.pid}/ns/mnt", "--wd=/", "--"]
        return subprocess.run(
            [*there, *command], env=self._environment, capture_output=True, text=True, timeout=30
        )

    def systemctl(self, *arguments: str) -> str:
        """Ask the manager for something that it must do."""
        done = self.run("systemctl", "--user", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    @property
    def ready(self) -> bool:
        """Whether it has come up."""
        return self.run("systemctl", "--user", "is-system-running").stdout.strip() in ("running", "degraded")


@contextlib.contextmanager
def user_manager(home: Path) -> Iterator[UserManager]:
    """Start a manager for a user whose home folder this is; skip where none can be had."""
    if os.geteuid() != 0:
        pytest.skip("only root may start a second user's manager")
    for tool in (SYSTEMD, "dbus-daemon", "nsenter", "unshare"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (Debian: systemd, dbus, util-linux)")
    runtime = f"/run/user/{os.getuid()}"
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "XDG_RUNTIME_DIR": runtime,
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
    }
    with group(unified()) as folder, (home / "manager").open("wb") as told:
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", _BEGIN, "sh", str(folder)],
            env=environment, stdin=subprocess.DEVNULL, stdout=told, stderr=told, cwd="/",
        )  # fmt: skip
        try:
            manager = UserManager(process, home, environment)
            wait_for(lambda: process.poll() is not None or manager.ready, 15)
            if process.poll() is not None:
                pytest.skip(f"systemd --user does not run here: {(home / 'manager').read_text()[-300:]}")
            yield manager
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGRTMIN + 24)  # exit at once
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
            process.kill()
            process.wait()
            for procs in folder.rglob("cgroup.procs"):
                for pid in procs.read_text().split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
            # Where version 1 is there as well, systemd keeps the same names in a hierarchy of its own.
            mirror = Path("/sys/fs/cgroup/systemd") / folder.name
            for inner in sorted((mirror, *filter(Path.is_dir, mirror.rglob("*"))), reverse=True):
                remove(inner)
