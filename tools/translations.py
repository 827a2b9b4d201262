"""Makes each translation's ``.mo``, which gettext reads, of its ``.po``: ``python tools/translations.py``.

It needs nothing but Python, and the same ``.po`` always gives the same bytes. The tests hold every ``.po``
to the texts that the program says.
"""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from posture_monitor.errors import UserError
from posture_monitor.telling.language import DOMAIN, LOCALE

PACKAGE: Final = LOCALE.parent

#: The calls whose texts are translated (`telling.language`), and how many texts each takes.
CALLS: Final = {"mark": 1, "say": 1, "count": 2}

#: Little-endian ``.mo``, revision 0.
_MAGIC: Final = 0x950412DE


def texts(package: Path = PACKAGE) -> dict[str, str]:
    """Return every text to be translated, with its plural where it has one (else ``""``)."""
    found: dict[str, str] = {}
    for path in sorted(package.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "from posture_monitor.telling.language import" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS):
                continue
            said = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            wanted = CALLS[node.func.id]
            if len(said) >= wanted:
                found[said[0]] = said[1] if wanted == 2 else found.get(said[0], "")
    return found


def read_po(path: Path) -> dict[tuple[str, str], list[str]]:
    """Return a catalogue: text and plural to its translations, one or one for each plural form.

    Raises
    ------
    UserError
        A line cannot be read; it is named.
    """
    entries: dict[tuple[str, str], list[str]] = {}
    for entry in _entries(path):
        forms = [entry[key] for key in sorted(entry) if key.startswith("msgstr")]
        if "msgid" in entry and all(forms):
            entries[entry["msgid"], entry.get("msgid_plural", "")] = forms
    return entries


def build(po: Path) -> bytes:
    """Return the ``.mo`` of a ``.po``."""
    pairs = []
    for (text, plural), forms in read_po(po).items():
        key = f"{text}\0{plural}" if plural else text
        pairs.append((key.encode(), "\0".join(forms).encode()))
    pairs.sort()
    keys_at = 7 * 4
    values_at = keys_at + 8 * len(pairs)
    position = values_at + 8 * len(pairs)
    table, blob = b"", b""
    for part in (0, 1):
        for pair in pairs:
            table += struct.pack("<II", len(pair[part]), position + len(blob))
            blob += pair[part] + b"\0"
    return struct.pack("<7I", _MAGIC, 0, len(pairs), keys_at, values_at, 0, position) + table + blob


def build_all() -> list[Path]:
    """Write the ``.mo`` beside every ``.po``; return their paths."""
    written = []
    for po in sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        mo = po.with_suffix(".mo")
        mo.write_bytes(build(po))
        written.append(mo)
    return written


def _entries(path: Path) -> Iterator[dict[str, str]]:
    entry: dict[str, str] = {}
    keyword = ""
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], start=1):
        line = line.strip()
        if line.startswith("#"):
            continue
        if not line:
            if entry:
                yield entry
            entry, keyword = {}, ""
            continue
        head, quote, rest = line.partition('"')
        keyword = head.strip() or keyword
        try:
            said = ast.literal_eval(quote + rest)
        except (SyntaxError, ValueError):
            said = None
        if not isinstance(said, str) or not keyword:
            raise UserError(f"{path}, line {number}: not a line of a .po file: {line!r}")
        entry[keyword] = entry.get(keyword, "") + said


if __name__ == "__main__":
    for path in build_all():
        print(path)
