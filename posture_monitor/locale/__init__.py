"""Translations: a ``.po`` for each language; ``python tools/translations.py`` makes its ``.mo``."""
