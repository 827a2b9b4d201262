"""MediaPipe's usage metrics: on Windows the import that opens the way out is found, and exchanged."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from real_model import real_model

from posture_monitor.sensing import uploads
from posture_monitor.sensing.eye_process import Eye
from posture_monitor.sensing.sight import Place, Sight, Want
from posture_monitor.service import doctor

LIBRARIES = {
    b"KERNEL32.dll": [b"CreateFileW", b"InternetOpenA"],
    b"WININET.dll": [b"HttpSendRequestA", None, b"InternetOpenA", b"InternetReadFile"],
}


def image(libraries: dict[bytes, list[bytes | None]], magic: int = 0x20B) -> Any:
    """Return a loaded 64-bit image that imports these; None is a function by its number."""
    memory = bytearray(0x400)
    struct.pack_into("<I", memory, 0x3C, 0x80)
    struct.pack_into("<H", memory, 0x80 + 24, magic)
    struct.pack_into("<I", memory, 0x80 + 24 + 120, 0x200)
    descriptors = b""
    for name, functions in libraries.items():
        entries = []
        for function in functions:
            entries.append(1 << 63 | 7 if function is None else len(memory))
            memory += b"" if function is None else b"\0\0" + function + b"\0"
        table = struct.pack(f"<{len(entries) + 1}Q", *entries, 0)
        places = []
        for _ in ("names", "slots"):
            memory += bytes(-len(memory) % 8)
            places.append(len(memory))
            memory += table
        descriptors += struct.pack("<5I", places[0], 0, 0, len(memory), places[1])
        memory += name + b"\0"
    memory[0x200 : 0x200 + len(descriptors)] = descriptors
    return ctypes.create_string_buffer(bytes(memory), len(memory))


def test_an_import_is_found_by_its_library_and_its_name() -> None:
    loaded = image(LIBRARIES)
    base = ctypes.addressof(loaded)
    found = [
        uploads.imported(base, library, b"InternetOpenA") for library in (b"kernel32.dll", b"wininet.dll")
    ]
    assert None not in found
    assert len(set(found)) == 2
    assert uploads.imported(base, b"wininet.dll", b"InternetCloseHandle") is None
    assert uploads.imported(base, b"winhttp.dll", b"InternetOpenA") is None
    old = image(LIBRARIES, magic=0x10B)
    assert uploads.imported(ctypes.addressof(old), b"wininet.dll", b"InternetOpenA") is None


def test_a_session_is_opened_with_the_proxy_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = image(LIBRARIES)
    slot = uploads.imported(ctypes.addressof(loaded), b"wininet.dll", b"InternetOpenA")
    assert slot is not None
    asked: list[tuple[object, ...]] = []
    rights: list[int] = []

    def session(*how: object) -> int:
        asked.append(how)
        return 42

    def protect(_at: int, _size: int, wanted: int, before: Any) -> int:
        rights.append(wanted)
        ctypes.cast(before, ctypes.POINTER(ctypes.c_ulong)).contents.value = 0x02
        return 1

    windll = SimpleNamespace(
        wininet=SimpleNamespace(InternetOpenA=session), kernel32=SimpleNamespace(VirtualProtect=protect)
    )
    monkeypatch.setattr("ctypes.windll", windll, raising=False)
    uploads._exchange(slot)
    assert rights == [0x04, 0x02]
    kinds = (ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong)
    call = ctypes.CFUNCTYPE(ctypes.c_void_p, *kinds)(ctypes.c_void_p.from_address(slot).value)
    # As the library does: by the system's settings, whatever they are.
    assert call(b"MediaPipe", 0, None, None, 0) == 42
    assert asked == [(b"MediaPipe", 3, b"127.0.0.1:9", None, 0)]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_a_way_out_that_stays_open_is_told(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uploads.sys, "platform", platform)
    monkeypatch.setattr(uploads, "_trouble", "")

    def nothing(_name: str) -> Callable[..., None]:
        raise OSError("there is no such library")

    monkeypatch.setattr(uploads.ctypes, "CDLL", nothing)
    with caplog.at_level(logging.WARNING):
        uploads.keep_in(tmp_path)
    assert "cannot be kept on this machine" in caplog.text
    assert "cannot be kept on this machine" in uploads.trouble()


def test_a_way_out_that_stays_open_is_told_where_the_user_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody reads what a process in the background writes to its stderr."""
    monkeypatch.setattr(uploads, "_trouble", "the way out is open; please report this")
    check = doctor.check_model(real_model())
    assert (check.ok, check.advice) == (None, "please report this")
    assert check.text.endswith("; the way out is open")
    with contextlib.closing(Eye(Place("demo", 640, 480, model=real_model()))) as eye:
        seen = eye.look(Want())
    assert isinstance(seen, Sight)
    assert seen.warning == uploads.trouble()
