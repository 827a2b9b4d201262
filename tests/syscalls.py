"""What a process asks of the kernel, as ``strace`` writes it down."""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess

_FAMILY = re.compile(r"sa_family=(\w+)(.*?)\}")
_ADDRESS = re.compile(r'inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"')
# Sockets of these families reach this machine's processes and kernel, nobody else.
_LOCAL = frozenset({"AF_UNIX", "AF_LOCAL", "AF_NETLINK", "AF_UNSPEC"})


def calls(trace: str) -> list[str]:
    """Return the calls in the output of ``strace -f``, those it shows in two pieces put together."""
    whole: list[str] = []
    begun: dict[str, str] = {}
    for line in trace.splitlines():
        # `-o` writes the bare thread id, the terminal `[pid N]`.
        process, _, call = re.sub(r"^\[pid\s+(\d+)\]", r"\1", line).strip().partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[process] = call.removesuffix("<unfinished ...>").rstrip()
        elif resumed := re.match(r"<\.\.\. (\w+) resumed>(.*)", call):
            whole.append(begun.pop(process, resumed[1]) + resumed[2])
        else:
            whole.append(call)
    # A thread that dies in the middle of a call never resumes it, and yet it made it.
    return whole + list(begun.values())


def strays(trace: str) -> list[str]:
    """Return the calls that name an address outside this machine."""
    return [call for call in calls(trace) if any(_is_outside(*found) for found in _FAMILY.findall(call))]


def _is_outside(family: str, rest: str) -> bool:
    if family in _LOCAL:
        return False
    found = _ADDRESS.search(rest)
    if family not in ("AF_INET", "AF_INET6") or not found:
        return True
    address = ipaddress.ip_address(found[1])
    inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return not (inner or address).is_loopback


def untraceable() -> str:
    """Return why processes cannot be traced here; ``""`` where they can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    if subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode:
        return "this system lets no process be traced"
    return ""
