"""Translations: a ``.po`` for each language; ``python -m posture_monitor.locale`` makes its ``.mo``."""
