"""German proves that every word can be translated."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import translations

from posture_monitor.errors import UserError
from posture_monitor.posture.nudge import Alert, Cause, Kind
from posture_monitor.service import glance, status_text
from posture_monitor.service.status import Angle, Status
from posture_monitor.telling import language, stretches, words

PO = language.LOCALE / "de" / "LC_MESSAGES" / "posture_monitor.po"


@pytest.fixture(autouse=True)
def english_after() -> Iterator[None]:
    yield
    language.use("en")


def fields(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_every_text_is_translated_and_nothing_else() -> None:
    translated = {text: plural for text, plural in translations.read_po(PO) if text}
    assert translated == translations.texts()


def test_the_fields_are_the_same() -> None:
    for (text, plural), forms in translations.read_po(PO).items():
        if not text:
            continue
        assert len(forms) == (2 if plural else 1)
        for form in forms:
            assert fields(form) == fields(text), text


def test_the_shipped_catalogue_is_made_of_the_shipped_translation() -> None:
    assert PO.with_suffix(".mo").read_bytes() == translations.build(PO)


def test_an_alert_in_german() -> None:
    language.use("de")
    text = words.alert_text(Alert(1, Kind.POSTURE, 0.0, Cause("trunk_incl", 18.0), 240.0, 240.0))
    assert text.title == "Rumpf vorgeneigt: 18°"
    assert text.body.startswith("Der Rumpf ist seit 4 Minuten um 18° weiter vorgeneigt als neutral. ")
    assert words.button_text("snooze") == "15 min Ruhe"
    assert words.duration(1) == "1 Sekunde"
    assert "Wie viel: 5-mal" in stretches.render(stretches.pick(2))


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable says what language is spoken."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(
    ("number", "told"), [(0xABC0C07, "15 min Ruhe"), (0x409, "Snooze 15 min"), (0x7F, "Snooze 15 min")]
)
def test_the_language_of_windows_is_spoken(monkeypatch: pytest.MonkeyPatch, number: int, told: str) -> None:
    kernel = SimpleNamespace(GetUserDefaultUILanguage=lambda: number)
    monkeypatch.setattr("ctypes.windll", SimpleNamespace(kernel32=kernel), raising=False)
    monkeypatch.setattr(language.sys, "platform", "win32")
    language.use()
    assert words.button_text("snooze") == told
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8" if told.endswith("Ruhe") else "de_DE.UTF-8")
    language.use()
    assert words.button_text("snooze") != told, "who has set a variable means it"


@pytest.mark.usefixtures("nothing_set")
@pytest.mark.parametrize(
    ("said", "told"), [("echo de_CH@rg=atzzzz", "15 min Ruhe"), ("exit 1", "Snooze 15 min")]
)
def test_the_language_of_macos_is_spoken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    (defaults := tmp_path / "defaults").write_text(f'#!/bin/sh\n[ "$*" = "read -g AppleLocale" ] && {said}\n')
    defaults.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(language.sys, "platform", "darwin")
    language.use()
    assert words.button_text("snooze") == told


def test_no_english_word_is_left_in_german() -> None:
    language.use("de")
    for metric in words.MEASURES:
        for deviation in (20.0, -20.0):
            text = words.alert_text(Alert(1, Kind.POSTURE, 0.0, Cause(metric, deviation), 60.0, 300.0))
            assert not {"the", "your", "than", "for", "head"} & set(
                (text.title + " " + text.body).lower().split()
            )


def test_who_stands_is_told_nothing_of_sitting_in_german() -> None:
    language.use("de")
    for metric in words.MEASURES:
        for deviation in (20.0, -20.0):
            reminder = Alert(1, Kind.POSTURE, 0.0, Cause(metric, deviation), 60.0, 300.0)
            assert "sitzen" not in words.alert_text(reminder, standing=True).body.lower(), metric


def test_the_desktop_is_followed_and_an_unknown_language_is_english(monkeypatch: pytest.MonkeyPatch) -> None:
    # Not LANGUAGE: where Qt has run, the C library heeds it too, and errors would be German ever after.
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "de_AT.UTF-8")
    language.use("")
    assert words.measure_name("trunk_incl") == "Rumpfneigung"
    language.use("tlh")
    assert words.measure_name("trunk_incl") == "trunk inclination"


def test_a_broken_translation_names_the_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.po"
    broken.write_text('msgid "a"\nmsgstr "b\n')
    with pytest.raises(UserError, match="line 2"):
        translations.read_po(broken)


def test_words_are_kept_in_one_place() -> None:
    """The core says nothing to the user: it holds no sentence outside of docstrings and errors."""
    core = Path(translations.PACKAGE) / "posture"
    for path in (core / "dose.py", core / "nudge.py", core / "breaks.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {
            ast.get_docstring(node, clean=False)
            for node in ast.walk(tree)
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
        }
        said = [
            node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
            and node.value.value not in docs
        ]
        assert all(" " not in text for text in said)


def test_english_is_spoken_where_the_text_around_is_english() -> None:
    language.use("de")
    assert words.duration(240) == "4 Minuten"
    with language.english():
        assert words.duration(240) == "4 minutes"
        assert words.measure_name("trunk_incl") == "trunk inclination"
    assert words.duration(240) == "4 Minuten"
    status = Status(state="poor", held_s=240, driver="ear_height", activity="watching")
    assert status_text.headline(status, 0.0).plain == "▼ poor for 4 minutes: head height over the shoulders"
    assert glance.line(status, 0.0) == "Poor for 4 minutes: Head height over the shoulders"
    assert glance.deviation_text(Angle("ear_height", "", "cm", 15.0, -21.0)) == "−21%"
