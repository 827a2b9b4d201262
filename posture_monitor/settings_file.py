"""Finding and reading a settings file; what is in it is checked by `config`.

Apart from `config`, because what checks takes time and memory to import: the tray does without.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

from posture_monitor import paths
from posture_monitor.errors import UserError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

#: The ready-made alert policies (``alert.presets``), from the least to the most reminders.
PRESETS: Final = ("gentle", "balanced", "strict")


def own_file(path: Path | None) -> Path | None:
    """Return the file laid over the defaults: `path` if given, else the user's own if there is one.

    `UserError` where the user's own is no ordinary file, or its folder cannot be looked into.
    """
    if path is not None:
        return path
    own = paths.config_file()
    paths.refuse_special(own)
    try:
        own.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:  # that nobody can tell whether it is there does not make it none
        raise UserError(f"cannot read the config {own}: {error.strerror or error}") from error
    return own


def read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file; `UserError` with file and line where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        settings: dict[str, Any] = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text file in UTF-8 (byte {error.start})") from error
    except (ValueError, RecursionError) as error:  # beside TOML's own: numbers or nesting beyond all measure
        where = f"at line {text.count(chr(10)) + 1}, the end"
        raise UserError(f"{path}: not valid TOML: {error}".replace("at end of document", where)) from error
    except OSError as error:
        raise UserError(f"cannot read the config {path}: {error.strerror or error}") from error
    return settings
