"""A message bus that does not answer is given up."""

from __future__ import annotations

import contextlib
import itertools
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("the buses are Linux's", allow_module_level=True)

from jeepney import DBusAddress, Parser, new_method_return, new_signal

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


def test_one_that_tells_of_all_else_without_an_answer_is_given_up(tmp_path: Path) -> None:
    def serve() -> None:
        end, _ = listening.accept()
        with end, contextlib.suppress(OSError):
            asked = b""
            while b"BEGIN\r\n" not in asked:
                asked = end.recv(1024)
                if b"AUTH" in asked:
                    end.sendall(b"OK 0123456789abcdef\r\n")
            parser = Parser()
            parser.add_data(asked.partition(b"BEGIN\r\n")[2])
            while (hello := parser.get_next_message()) is None:
                parser.add_data(end.recv(1024))
            end.sendall(new_method_return(hello, "s", (":1.1",)).serialise(serial=1))
            told = new_signal(DBusAddress("/a", interface="org.example"), "Told")
            for serial in itertools.count(2):
                end.sendall(told.serialise(serial=serial))
                time.sleep(0.02)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "bus"))
        listening.listen()
        threading.Thread(target=serve, daemon=True).start()
        with contextlib.closing(dbus.Bus(f"unix:path={tmp_path / 'bus'}", patience_s=0.3)) as bus:
            with pytest.raises(TimeoutError):
                bus.has_owner("org.example")
            assert dbus.Signal("/a", "org.example", "Told", ()) in bus.signals()
