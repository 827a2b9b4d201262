"""systemd: a unit of the user's own manager, started again after a fall, and shut in.

What the unit may not do is listed line by line in ``docs/autostart.md``, with
what each line is good for and where a user's own manager cannot enforce it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

from platformdirs import user_config_path

from posture_monitor import outside
from posture_monitor.errors import UserError
from posture_monitor.programs import ask
from posture_monitor.service.autostart import Program, Way

UNIT: Final = "posture-monitor.service"
#: Is up while the desktop is.
TARGET: Final = "graphical-session.target"

#: systemd waits for a unit to stop, and longer than we do.
PATIENCE_S: Final = 30.0

#: Shuts in by the kernel's filters alone: these work for every user, everywhere.
FILTERS: Final = (
    "NoNewPrivileges=yes",
    "RestrictSUIDSGID=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "LockPersonality=yes",
    "MemoryDenyWriteExecute=yes",
    "KeyringMode=private",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@privileged @obsolete",
    "SystemCallErrorNumber=EPERM",
)

#: Shuts in by a user namespace, in which a user's manager may do what root's may; some systems forbid it.
#: Not among them: ProtectKernelTunables and ProtectControlGroups, which bring a /run of their own and so
#: hide the desktop's sockets; PrivateDevices, which hides cameras; PrivateNetwork, which hides X11's socket.
NAMESPACES: Final = (
    "PrivateUsers=yes",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "PrivateTmp=yes",
    "BindReadOnlyPaths=-/tmp/.X11-unix",
    "InaccessiblePaths=-/dev/snd",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
)

_TEMPLATE: Final = """\
# Written by `posture-monitor autostart enable`, removed by `posture-monitor autostart disable`.
[Unit]
Description=Posture monitor: watches your sitting posture through your own webcam
PartOf={target}
After={target}
# Five falls within ten minutes, and it stays down until the next login.
StartLimitIntervalSec=600
StartLimitBurst=5

[Service]
Type=exec
ExecStart=:{command}
{environment}
Restart=on-failure
RestartSec=15
TimeoutStopSec=20
# Where memory runs out the camera's process goes, and is begun anew; the monitor itself goes on
OOMPolicy=continue
RuntimeDirectory=posture-monitor
RuntimeDirectoryMode=0700
UMask=0077
LimitCORE=0

# {network}
RestrictAddressFamilies={families}

# Of all devices the cameras alone
DevicePolicy=closed
DeviceAllow=char-video4linux rw

# No more rights than it has, and none that it does not need
{filters}

{namespaces}
[Install]
WantedBy={target}
"""


class Systemd(Way):
    """A file in ``~/.config/systemd/user``; see `Way`."""

    name = "systemd user unit"

    def works(self) -> bool:
        """Say whether a user's manager runs and brings the desktop up.

        Where it runs, but no desktop has told it of itself, a unit that waits
        for the desktop would wait for ever.
        """
        return systemctl("is-active", "--quiet", TARGET) is not None

    def path(self) -> Path:
        """See `Way.path`."""
        return user_config_path() / "systemd" / "user" / UNIT

    def texts(self, program: Program) -> tuple[str, ...]:
        """See `Way.texts`: with a user namespace, and without, for systems that forbid those."""
        return (_text(program, namespaces=True), _text(program, namespaces=False))

    def takes(self, text: str) -> bool:
        """Say whether the manager can start anything shut in like this."""
        if "\nPrivateUsers=" not in text:
            return True
        properties = [f"--property={line}" for line in (*FILTERS, *NAMESPACES)]
        command = ("systemd-run", "--user", "--quiet", "--wait", "--collect", *properties, "--", "true")
        return ask(*command, patience_s=PATIENCE_S) is not None

    def switch_on(self) -> None:
        """Let systemd start the unit with the desktop."""
        systemctl("daemon-reload")
        if systemctl("enable", UNIT) is None:
            raise UserError(f"systemd does not take {self.path()}; see `systemctl --user enable {UNIT}`")

    def switch_off(self) -> None:
        """Let systemd start the unit no more; what runs goes on until it is stopped."""
        systemctl("disable", UNIT)
        # Where the manager does not run, nobody else removes its link.
        with contextlib.suppress(OSError):
            self._link().unlink()
        with contextlib.suppress(OSError):
            self._link().parent.rmdir()

    def switched_on(self) -> bool:
        """Say whether the unit is started with the desktop."""
        return self._link().is_symlink() and self._link().exists()

    def _link(self) -> Path:
        return self.path().parent / f"{TARGET}.wants" / UNIT


def _text(program: Program, *, namespaces: bool) -> str:
    environment = {**program.environment, outside.MARK: "1"}
    # Without the dash a folder that was removed would keep the unit from starting.
    folders = " ".join(quoted(f"-{folder}") for folder in program.folders)
    shut = (
        ("# Its own files, and no others", *NAMESPACES, f"ReadWritePaths={folders}", "") if namespaces else ()
    )
    # systemd refuses a program of such a name; as an argument it may have any.
    through = ("/usr/bin/env",) if set(program.command[0]) & set("'\"\\") else ()
    return _TEMPLATE.format(
        target=TARGET,
        command=" ".join(map(quoted, (*through, *program.command))),
        environment="\n".join(
            f"Environment={quoted(f'{name}={value}')}" for name, value in environment.items()
        ),
        network="The configured camera is in the network" if program.network else "No network at all",
        families="AF_UNIX AF_INET AF_INET6" if program.network else "AF_UNIX",
        filters="\n".join(FILTERS),
        namespaces="\n".join(shut),
    )


def quoted(text: str) -> str:
    r"""Return one word as it has to stand in a unit: in quotes, ``\`` and ``"`` escaped, ``%`` doubled.

    Control characters, among them a line break, are written as ``\xhh``.
    """
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    text = "".join(
        f"\\x{ord(letter):02x}" if ord(letter) < 32 or letter == "\x7f" else letter for letter in text
    )
    return f'"{text}"'


def systemctl(*do: str) -> str | None:
    """Return what the user's systemd says; None where it does not, or says no."""
    return ask("systemctl", "--user", *do, patience_s=PATIENCE_S)
