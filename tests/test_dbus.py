"""A message bus that does not answer is given up."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the buses are Linux's", allow_module_level=True)

from posture_monitor import dbus


@contextlib.contextmanager
def bus(path: Path, *, lets_in: bool) -> Iterator[None]:
    """Give a bus that says nothing, or nothing more once it has let somebody in."""

    def serve() -> None:
        end, _ = listening.accept()
        with end:
            while not over.is_set() and (asked := end.recv(1024)):
                if lets_in and b"AUTH" in asked:
                    end.sendall(b"OK 0123456789abcdef\r\n")
                elif b"BEGIN" in asked:
                    over.wait(5.0)
                    return

    over = threading.Event()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        over.set()


@pytest.mark.parametrize("lets_in", [False, True])
def test_one_that_says_nothing_is_given_up(tmp_path: Path, lets_in: bool) -> None:
    with bus(tmp_path / "bus", lets_in=lets_in), pytest.raises(TimeoutError):
        dbus.Bus(f"unix:path={tmp_path / 'bus'}", patience_s=0.1)
