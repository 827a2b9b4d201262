"""The language of what the program says: gettext, with the texts in British English as the keys."""

from __future__ import annotations

import contextlib
import gettext
import locale
import os
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from posture_monitor.dll import dll

DOMAIN = "posture_monitor"
LOCALE = Path(__file__).parent.parent / "locale"

#: Where a desktop says what language it speaks, as gettext looks for it.
_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")

_PLAIN = gettext.NullTranslations()
_chosen = _PLAIN
_english: ContextVar[bool] = ContextVar("english", default=False)


def use(language: str = "") -> None:
    """Speak this language from now on.

    Parameters
    ----------
    language
        Such as ``de`` or ``pt_BR``; ``""`` follows the desktop (`_VARIABLES`, and
        where none is set on Windows or macOS the user's own settings there).
        Without a translation it is English.
    """
    global _chosen
    if not language and not any(os.environ.get(name) for name in _VARIABLES):
        language = _of_the_system()
    languages = [language] if language else None
    _chosen = gettext.translation(DOMAIN, LOCALE, languages, fallback=True)


def _of_the_system() -> str:
    """Return the language of the user's settings on Windows and macOS, such as ``de_AT``; else ``""``."""
    if sys.platform == "win32":
        number = dll("kernel32").GetUserDefaultUILanguage() & 0xFFFF  # only so much of it is told
        return locale.windows_locale.get(number, "")
    if sys.platform == "darwin":
        from posture_monitor.programs import ask

        return ask("defaults", "read", "-g", "AppleLocale") or ""
    return ""


@contextlib.contextmanager
def english() -> Iterator[None]:
    """Speak English within, or in what it decorates, whatever is chosen: where the text around is English."""
    before = _english.set(True)
    try:
        yield
    finally:
        _english.reset(before)


def _spoken() -> gettext.NullTranslations:
    return _PLAIN if _english.get() else _chosen


def mark(text: str) -> str:
    """Return `text` as it is: it marks text in a table, translated later with `say`."""
    return text


def say(text: str) -> str:
    """Return `text` in the language in use."""
    return _spoken().gettext(text) if text else text


def count(one: str, many: str, n: int) -> str:
    """Return the right form for `n` things, with ``{n}`` filled in."""
    return _spoken().ngettext(one, many, n).format(n=n)
