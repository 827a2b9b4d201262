"""The language of what the program says: gettext, with the texts in British English as the keys."""

from __future__ import annotations

import contextlib
import gettext
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

DOMAIN = "posture_monitor"
LOCALE = Path(__file__).parent.parent / "locale"

_PLAIN = gettext.NullTranslations()
_chosen = _PLAIN
_english: ContextVar[bool] = ContextVar("english", default=False)


def use(language: str = "") -> None:
    """Speak this language from now on.

    Parameters
    ----------
    language
        Such as ``de`` or ``pt_BR``; ``""`` follows the desktop (``LANGUAGE``,
        ``LC_ALL``, ``LC_MESSAGES``, ``LANG``). Without a translation it is English.
    """
    global _chosen
    languages = [language] if language else None
    _chosen = gettext.translation(DOMAIN, LOCALE, languages, fallback=True)


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
