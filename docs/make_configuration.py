"""Writes ``configuration.md`` from the shipped ``config.toml``: ``python docs/make_configuration.py``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE, TARGET = HERE.parent / "config.toml", HERE / "configuration.md"

_ASSIGNMENT = re.compile(r'(?P<key>\w+) = (?P<value>"[^"]*"|\[[^\]]*\]|[^\s#]+)\s*(?:# *(?P<remark>.*))?')
_FIRST_LINES = """\
# Configuration

Every setting with its default, made from [`config.toml`](../config.toml) by
`python docs/make_configuration.py`.
"""


def page(toml: str) -> str:
    """Return the page for the text of a settings file.

    Raises
    ------
    ValueError
        A line is neither blank, comment, section nor a plain assignment.
    """
    body = re.sub(r"\n{3,}", "\n\n", "".join(_lines(toml)))
    return _FIRST_LINES + body.rstrip() + "\n"


def _lines(toml: str) -> Iterator[str]:
    paragraph: list[str] = []

    def told() -> str:
        text = "\n" + " ".join(paragraph) + "\n\n" if paragraph else ""
        paragraph.clear()
        return text

    # The file's own title is not needed twice.
    for line in toml.splitlines()[1:]:
        if line.startswith("#"):
            words = line.lstrip("# ")
            if words:
                paragraph.append(words)
            else:
                yield told()
        elif line.startswith("["):
            # What stands above a section speaks of it, and so comes after its heading.
            above = told() or "\n"
            yield f"\n## `{line}`\n{above}"
        elif found := _ASSIGNMENT.fullmatch(line):
            yield told()
            remark = f": {found['remark']}" if found["remark"] else ""
            yield f"- `{found['key']} = {found['value']}`{remark}\n"
        elif line.strip():
            raise ValueError(f"{SOURCE.name}: cannot read {line!r}")
        else:
            yield told() or "\n"


if __name__ == "__main__":
    TARGET.write_text(page(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
    print(TARGET)
