"""Leaving MediaPipe's usage metrics no way out on Windows and macOS.

On Linux its uploader is libcurl, which obeys the ``https_proxy`` that `pose` sets.
On Windows the library sends through WinINet and on macOS through NSURLSession:
these go by the system's own proxy settings, whatever the environment says. There
the one call that opens its session is exchanged for one that opens it with a
proxy where nobody listens, in this process alone. Opened it has to be: without a
session the library ends the process.

Neither could be run where this was written. What is called is documented by its
maker, and that the library opens its sessions so was read from mediapipe 1.2.3.
"""

from __future__ import annotations

import ctypes
import logging
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from posture_monitor.dll import dll

log = logging.getLogger(__name__)

#: Port 9 (discard): nobody listens there, so a connection is refused at once.
HOST: Final = "127.0.0.1"
PORT: Final = 9

_TYPE_PROXY: Final = 3  # INTERNET_OPEN_TYPE_PROXY: this proxy and no other way
_WRITABLE: Final = 0x04  # PAGE_READWRITE
#: Where a 64-bit image (PE32+) says that it is one, and where its import table lies.
_PE32_PLUS: Final = 0x20B
_IMPORTS_AT: Final = 120

_trouble = ""


def trouble() -> str:
    """Return what the user is to be told where the way out could not be closed; else ``""``."""
    return _trouble


def keep_in(package: Path) -> None:
    """Close the uploader's way out before it is first used; where that fails, `trouble` says so.

    Parameters
    ----------
    package
        The folder of MediaPipe, as it was imported.
    """
    global _trouble
    try:
        if sys.platform == "win32":
            closed = _windows(package / "tasks" / "c" / "libmediapipe.dll")
        elif sys.platform == "darwin":
            closed = _macos()
        else:
            return
    except (OSError, AttributeError, ValueError, struct.error):
        log.debug("the uploader's way out stays open", exc_info=True)
        closed = False
    if not closed:
        _trouble = "MediaPipe's own usage metrics cannot be kept on this machine; please report this"
        log.warning("%s", _trouble)


def _windows(library: Path) -> bool:
    # MediaPipe loads it by the same name later, and gets the same one.
    loaded = ctypes.CDLL(str(library))
    slot = imported(loaded._handle, b"wininet.dll", b"InternetOpenA")
    if slot is None:
        return False
    _keep(loaded)
    _exchange(slot)
    return True


def _exchange(slot: int) -> None:
    """Have the import at this address open sessions with the proxy where nobody listens."""
    session = dll("wininet").InternetOpenA
    session.restype = ctypes.c_void_p
    text, number = ctypes.c_char_p, ctypes.c_ulong
    session.argtypes = (text, number, text, text, number)
    kind, proxy = _TYPE_PROXY, f"{HOST}:{PORT}".encode("ascii")

    def opened(agent: bytes, _how: int, _proxy: bytes, _around: bytes, flags: int) -> int | None:
        handle: int | None = session(agent, kind, proxy, None, flags)
        return handle

    # In 64 bits Windows has one way to call.
    stand_in = ctypes.CFUNCTYPE(session.restype, *session.argtypes)(opened)
    _keep(stand_in)
    protect = dll("kernel32").VirtualProtect
    protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_ulong, ctypes.c_void_p)
    before = ctypes.c_ulong()
    if not protect(slot, ctypes.sizeof(ctypes.c_void_p), _WRITABLE, ctypes.byref(before)):
        raise OSError("the import table cannot be written")
    ctypes.c_void_p.from_address(slot).value = ctypes.cast(stand_in, ctypes.c_void_p).value
    protect(slot, ctypes.sizeof(ctypes.c_void_p), before.value, ctypes.byref(before))


def _keep(*what: object) -> None:
    """Never let go of what native code calls: its threads go on while Python ends and clears its modules."""
    for one in what:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(one))


def imported(base: int, library: bytes, function: bytes) -> int | None:
    """Return the address at which a loaded image keeps the address of an imported function.

    Parameters
    ----------
    base
        Where the image lies in memory.
    library, function
        From where, in lower case, and which; None is returned where it imports no such thing.
    """
    header = base + _read("<I", base + 0x3C)[0]
    if _read("<H", header + 24)[0] != _PE32_PLUS:
        return None
    for names, name, slots in _libraries(base, header):
        if ctypes.string_at(base + name).lower() != library:
            continue
        number = 0
        while entry := _read("<Q", base + names + 8 * number)[0]:
            # The first two bytes are a hint; without a name it is imported by its number.
            if not entry >> 63 and ctypes.string_at(base + entry + 2) == function:
                return base + slots + 8 * number
            number += 1
    return None


def _libraries(base: int, header: int) -> Iterator[tuple[int, int, int]]:
    """Yield of each library it imports from where in the image the names, its own name and the slots lie."""
    place = _read("<I", header + 24 + _IMPORTS_AT)[0]
    while place:
        names, _, _, name, slots = _read("<5I", base + place)
        if not name:
            return
        yield names or slots, name, slots
        place += 20


def _read(form: str, address: int) -> tuple[int, ...]:
    return struct.unpack(form, ctypes.string_at(address, struct.calcsize(form)))


def _macos() -> bool:
    import plistlib

    objc = ctypes.CDLL("/usr/lib/libobjc.A.dylib")
    core = ctypes.CDLL("/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation")
    _keep(ctypes.CDLL("/System/Library/Frameworks/Foundation.framework/Foundation"))
    pointer = ctypes.c_void_p
    signatures: tuple[tuple[Any, list[Any]], ...] = (
        (objc.objc_getClass, [ctypes.c_char_p]),
        (objc.sel_registerName, [ctypes.c_char_p]),
        (objc.class_getClassMethod, [pointer, pointer]),
        (objc.method_setImplementation, [pointer, pointer]),
        (core.CFDataCreate, [pointer, ctypes.c_char_p, ctypes.c_long]),
        (core.CFPropertyListCreateWithData, [pointer, pointer, ctypes.c_ulong, pointer, pointer]),
    )
    for function, takes in signatures:
        function.restype, function.argtypes = pointer, takes
    # A property list is what a dictionary of Foundation's is to both of them.
    told = plistlib.dumps({"HTTPSEnable": 1, "HTTPSProxy": HOST, "HTTPSPort": PORT})
    proxies = core.CFPropertyListCreateWithData(None, core.CFDataCreate(None, told, len(told)), 0, None, None)
    sessions = objc.objc_getClass(b"NSURLSessionConfiguration")
    # The library asks for none but this one.
    method = objc.class_getClassMethod(sessions, objc.sel_registerName(b"ephemeralSessionConfiguration"))
    if not proxies or not method:
        return False
    ask = ctypes.CFUNCTYPE(pointer, pointer, pointer)
    tell = ctypes.CFUNCTYPE(None, pointer, pointer, pointer)(("objc_msgSend", objc))
    set_proxies = objc.sel_registerName(b"setConnectionProxyDictionary:")
    originals: list[Any] = []

    def configured(self: int, selector: int) -> int | None:
        made: int | None = originals[0](self, selector)
        tell(made, set_proxies, proxies)
        return made

    stand_in = ask(configured)
    # Nobody asks before MediaPipe does, which is not yet loaded.
    originals.append(ask(objc.method_setImplementation(method, ctypes.cast(stand_in, pointer))))
    _keep(objc, stand_in, originals)
    return True
