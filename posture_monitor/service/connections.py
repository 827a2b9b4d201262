"""The network connections of a process and its children, as the system lists them.

They are looked at again and again while a program runs. A connection that opens
and ends between two looks is not seen; a trace (``strace -f -e trace=network``)
would see it, and the project's own tests make one on Linux.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

#: Time between two looks, in seconds.
EVERY_S: Final = 0.02

_PROC: Final = Path("/proc")
#: The other side's address of a socket that has none.
UNSPECIFIED: Final = "0.0.0.0"
#: Tables of sockets that reach beyond the machine; those of AF_UNIX cannot.
_TABLES: Final = ("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6")


@dataclass(frozen=True, order=True)
class Connection:
    """A socket with an address of the internet.

    Attributes
    ----------
    kind
        ``tcp``, ``udp``, ``raw`` or ``icmp``.
    remote
        The other side's address; unspecified where there is none (yet).
    port
        The other side's; 0 where there is none.
    """

    kind: str
    remote: str
    port: int

    @property
    def outside(self) -> bool:
        """Whether it leads beyond this machine."""
        address = ipaddress.ip_address(self.remote)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        address = mapped or address
        return not (address.is_loopback or address.is_unspecified)

    def __str__(self) -> str:
        side = f"[{self.remote}]" if ":" in self.remote else self.remote
        return f"{self.kind} to {side}:{self.port}" if self.port else f"{self.kind} without another side"


@dataclass(frozen=True)
class Run:
    """What was seen of a program.

    Attributes
    ----------
    status
        How it ended; None if it was ended because it took too long.
    connections
        Those seen, each once.
    looks, seconds
        How often and how long it was looked at.
    said
        The last of what it printed.
    """

    status: int | None
    connections: tuple[Connection, ...]
    looks: int
    seconds: float
    said: str


def watch(command: Sequence[str], environment: Mapping[str, str], at_most_s: float) -> Run:
    """Run a program to its end, and list the connections of it and its children."""
    seen: set[Connection] = set()
    looks, began = 0, time.monotonic()
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while child.poll() is None and time.monotonic() - began < at_most_s:
                seen |= connections(family(child.pid))
                looks += 1
                time.sleep(EVERY_S)
        finally:
            status = child.poll()
            if status is None:
                child.kill()
                child.wait()
        seconds = time.monotonic() - began
        output.seek(max(0, output.seek(0, os.SEEK_END) - 2000))
        said = output.read().decode(errors="replace")
    return Run(status, tuple(sorted(seen)), looks, seconds, said)


def family(pid: int) -> list[int]:
    """Return a process and all that descend from it."""
    if not _PROC.exists():
        return _family_elsewhere(pid)
    found = [pid]
    for parent in found:
        for threads in _PROC.glob(f"{parent}/task/*/children"):
            try:
                found += [int(child) for child in threads.read_text().split()]
            except OSError:
                continue  # ended meanwhile
    return found


def connections(pids: Iterable[int]) -> set[Connection]:
    """Return the connections that these processes hold now."""
    if not _PROC.exists():
        return _connections_elsewhere(pids)
    found: set[Connection] = set()
    for pid in pids:
        if sockets := _sockets(pid):
            for table in _TABLES:
                try:
                    text = (_PROC / str(pid) / "net" / table).read_text()
                except OSError:
                    continue
                found |= {connection for inode, connection in parse(table, text) if inode in sockets}
    return found


def _sockets(pid: int) -> set[int]:
    inodes = set()
    try:
        with os.scandir(_PROC / str(pid) / "fd") as handles:
            for handle in handles:
                if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(handle.path)):
                    inodes.add(int(match[1]))
    except OSError:
        pass  # ended meanwhile
    return inodes


def parse(table: str, text: str) -> list[tuple[int, Connection]]:
    """Return inode and connection of each line of a table such as ``/proc/net/tcp``."""
    found = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10:
            continue
        address, _, port = fields[2].partition(":")
        # Words of 32 bits, each in this machine's own order.
        words = [bytes.fromhex(address[at : at + 8]) for at in range(0, len(address), 8)]
        packed = b"".join(word[::-1] for word in words) if sys.byteorder == "little" else b"".join(words)
        remote = str(ipaddress.ip_address(packed))
        found.append((int(fields[9]), Connection(table.rstrip("6"), remote, int(port, 16))))
    return found


def _family_elsewhere(pid: int) -> list[int]:
    """Return what `family` does, on Windows and macOS."""
    import psutil

    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.Error:
        return [pid]  # ended meanwhile


def _connections_elsewhere(pids: Iterable[int]) -> set[Connection]:
    """Return what `connections` does, on Windows and macOS."""
    import psutil

    found = set()
    for pid in pids:
        try:
            held = psutil.Process(pid).net_connections("inet")
        except psutil.Error:
            continue  # ended meanwhile
        for one in held:
            kind = "tcp" if one.type == socket.SOCK_STREAM else "udp"
            remote, port = one.raddr or (UNSPECIFIED, 0)
            found.add(Connection(kind, remote, port))
    return found
