"""Shared objects in the ELF format, as far as others here have need of it: 64 bits, little-endian."""

from __future__ import annotations

import itertools
import mmap
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

#: By `platform.machine`: the format's number of the processor, and its code for "return 0".
MACHINES = {
    "x86_64": (62, bytes.fromhex("31c0 c3")),  # xor eax, eax; ret
    "aarch64": (183, bytes.fromhex("000080d2 c0035fd6")),  # mov x0, 0; ret
}
_PAGE = 0x10000  # the largest page of either
_SECTION, _SYMBOL, _SEGMENT = "<IIQQQQII", "<IBBHQQ", "<IIQQQQQQ"


def stand_in(soname: str, functions: Sequence[bytes], machine: str) -> bytes:
    """Return a shared object whose functions all return 0.

    Parameters
    ----------
    soname
        The loader's name for the library, such as ``libEGL.so.1``.
    functions
        The names it is to export.
    machine
        The processor, one of `MACHINES`.

    Notes
    -----
    By the System V ABI (ELF-64, chapters 4 and 5), the least that glibc's loader
    takes. There are no sections. The hash table has one bucket, whose chain runs
    through all symbols, so that no hash need be computed. The dynamic section has
    a writable segment to itself, as loaders before glibc 2.35 write into it.
    PT_GNU_STACK says that the stack need not be executable; without it glibc 2.41
    refuses.
    """
    number, code = MACHINES[machine]
    names = [soname.encode(), *functions]
    strings = b"\0" + b"".join(name + b"\0" for name in names)
    starts = itertools.accumulate((len(name) + 1 for name in names[:-1]), initial=1)
    count = len(names)  # of symbols as well: before the functions comes an empty one

    code_at = 64 + 4 * 56  # behind the headers
    symbols_at = code_at + 16
    hash_at = symbols_at + 24 * count
    strings_at = hash_at + 4 * (3 + count)
    dynamic_at = -(-(strings_at + len(strings)) // 8) * 8
    dynamic_to = dynamic_at + _PAGE  # in memory: as far into its page as in the file

    name_at, *symbol_starts = starts
    # Global, a function, in no section that exists but not undefined either.
    function = 0x12, 0, 1, code_at, len(code)
    symbols = bytes(24) + b"".join(struct.pack(_SYMBOL, start, *function) for start in symbol_starts)
    chain = [*range(1, count), 0]  # the bucket, and for each symbol the next
    table = struct.pack(f"<{3 + count}I", 1, count, chain[0], 0, *chain[1:])
    tags = {14: name_at, 4: hash_at, 5: strings_at, 6: symbols_at, 10: len(strings), 11: 24, 0: 0}
    dynamic = b"".join(struct.pack("<QQ", *tag) for tag in tags.items())
    segments = [  # kind, rights, place in the file, place in memory, size, alignment
        (1, 5, 0, 0, dynamic_at, _PAGE),  # load, read and execute
        (1, 6, dynamic_at, dynamic_to, len(dynamic), _PAGE),  # load, read and write
        (2, 6, dynamic_at, dynamic_to, len(dynamic), 8),  # dynamic
        (0x6474E551, 6, 0, 0, 0, 16),  # the stack
    ]
    identity = b"\x7fELF\2\1\1"  # 64 bits, little-endian
    header = struct.pack("<16sHHIQQQIHHHHHH", identity, 3, number, 1, 0, 64, 0, 0, 64, 56, 4, 0, 0, 0)
    for kind, rights, at, to, size, alignment in segments:
        header += struct.pack(_SEGMENT, kind, rights, at, to, to, size, size, alignment)
    return (header + code.ljust(16, b"\0") + symbols + table + strings).ljust(dynamic_at, b"\0") + dynamic


def undefined(path: Path) -> Iterator[bytes]:
    """Yield the names that a 64-bit shared object wants from others."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        (table,) = struct.unpack_from("<Q", data, 40)
        size, count = struct.unpack_from("<HH", data, 58)
        sections = [struct.unpack_from(_SECTION, data, table + i * size) for i in range(count)]
        for _, kind, _, _, offset, length, link, *_ in sections:
            if kind == 11:  # the dynamic symbols
                strings = sections[link][4]
                for start, _, _, section, _, _ in struct.iter_unpack(_SYMBOL, data[offset : offset + length]):
                    if section == 0:
                        yield data[strings + start : data.find(b"\0", strings + start)]


def unwritten(path: Path) -> list[tuple[int, int, int]]:
    """Return the parts of a 64-bit shared object or program that nobody writes to where they are loaded.

    Returns
    -------
    list of tuple
        Of each such segment, by address, its place in the file, its address from where the object is
        loaded, and its length, in bytes. Empty for other files, and where the loader has to change
        text (DT_TEXTREL), which is next to never.
    """
    with path.open("rb") as file:
        header = file.read(64)
        if header[:6] != b"\x7fELF\2\1":
            return []
        (table,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(table)
        segments = list(struct.iter_unpack(_SEGMENT, file.read(size * count)))
        for kind, _, place, _, _, length, *_ in segments:
            if kind == 2:  # dynamic
                file.seek(place)
                tags = dict(struct.iter_unpack("<QQ", file.read(length - length % 16)))
                if 22 in tags or tags.get(30, 0) & 4:  # DT_TEXTREL, DT_FLAGS with DF_TEXTREL
                    return []
    return [
        (place, address, length)
        for kind, rights, place, address, _, length, *_ in segments
        if kind == 1 and not rights & 2  # loaded, without the right to write
    ]
