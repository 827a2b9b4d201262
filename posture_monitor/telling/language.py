"""The language of what the program says: gettext, with the texts in British English as the keys."""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "posture_monitor"
LOCALE = Path(__file__).parent.parent / "locale"

_chosen: gettext.NullTranslations = gettext.NullTranslations()


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


def mark(text: str) -> str:
    """Return `text` as it is: it marks text in a table, translated later with `say`."""
    return text


def say(text: str) -> str:
    """Return `text` in the language in use."""
    return _chosen.gettext(text) if text else text


def count(one: str, many: str, n: int) -> str:
    """Return the right form for `n` things, with ``{n}`` filled in."""
    return _chosen.ngettext(one, many, n).format(n=n)
