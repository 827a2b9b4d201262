"""The pages say what is so: links lead somewhere, commands exist, the settings are those shipped."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from posture_monitor.cli import cli
from posture_monitor.posture import metrics
from posture_monitor.service.analysis_rows import COLUMNS

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "calibration").glob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def code(page: Path) -> list[str]:
    """Return the lines of shell blocks and the pieces of inline code."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```", text, flags=re.M | re.S)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    return [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", rest)


def test_configuration_is_made_from_the_shipped_settings() -> None:
    script = ROOT / "docs" / "make_configuration.py"
    spec = importlib.util.spec_from_file_location("make_configuration", script)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    toml = (ROOT / "config.toml").read_text(encoding="utf-8")
    current = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert current == made.page(toml), f"run: python {script.relative_to(ROOT)}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text)
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_into_a_page_lead_to_a_heading(page: Path) -> None:
    for name, heading in re.findall(r"\]\(([\w./-]*)#([^)\s]+)\)", page.read_text(encoding="utf-8")):
        text = (page.parent / name if name else page).read_text(encoding="utf-8")
        titles = re.findall(r"^#+ (.+)$", text, flags=re.M)
        anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
        assert heading in anchors, f"{name}#{heading}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_commands_and_their_options_exist(page: Path) -> None:
    for line in code(page):
        for words in re.findall(r"posture-monitor((?: [\w./:=-]+)*)", line):
            command: click.Command = cli
            for word in words.split():
                if isinstance(command, click.Group):
                    found = command.get_command(click.Context(command), word)
                    assert found is not None, f"{page.name}: there is no `posture-monitor{words}`"
                    command = found
                elif word.startswith("--"):
                    known = {name for option in command.params for name in option.opts}
                    assert word in known | {"--help"}, f"{page.name}: `posture-monitor{words}` has no {word}"


def test_every_column_of_analyze_is_explained() -> None:
    explained = {name.split()[0] for name in code(ROOT / "docs" / "how-it-measures.md")}
    assert set(COLUMNS) - {*metrics.NAMES, *(f"d_{name}" for name in metrics.NAMES)} <= explained


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_files_and_tests_that_are_named_exist(page: Path) -> None:
    for line in code(page):
        for path, test in re.findall(r"((?:tests|benchmarks|docs|\.ci)/[\w/.]+)(?:::(\w+))?", line):
            path = path.rstrip(".")
            assert (ROOT / path).exists(), f"{page.name}: there is no {path}"
            if test:
                text = (ROOT / path).read_text(encoding="utf-8")
                assert f"def {test}(" in text, f"{page.name}: {path} holds no {test}"


def test_the_benchmarks_know_the_options_the_pages_give_them() -> None:
    given: dict[str, set[str]] = {}
    for page in PAGES:
        for line in code(page):
            for name, rest in re.findall(r"benchmarks/(\w+)\.py((?: [\w./-]+)*)", line):
                given.setdefault(name, set()).update(word for word in rest.split() if word.startswith("--"))
    assert given
    for name, options in given.items():
        script = ROOT / "benchmarks" / f"{name}.py"
        if options:
            told = subprocess.run(
                [sys.executable, script, "--help"], capture_output=True, text=True, check=True
            )
            assert {option for option in options if option not in told.stdout} == set(), name


def test_the_pictures_of_the_readme_are_there_and_small() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert shown
    for name in shown:
        picture = ROOT / name
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size <= 200_000


@pytest.mark.skipif(sys.platform == "win32", reason="it is for a shell")
@pytest.mark.parametrize("others", [(), ("notes.txt",)])
def test_uninstalling_leaves_nothing_but_what_is_not_ours(tmp_path: Path, others: tuple[str, ...]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (lines,) = re.findall(r"^## Uninstall\n+```sh\n(.*?)^```", text, flags=re.M | re.S)
    program = tmp_path / ".venv" / "bin" / "posture-monitor"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m posture_monitor "$@"\n')
    program.chmod(0o700)
    data, settings = (tmp_path / kind / "posture-monitor" for kind in ("data", "config"))
    for folder in (data, settings):
        folder.mkdir(parents=True)
    for file in (data / "history.sqlite3", settings / "config.toml", *(settings / name for name in others)):
        file.touch()
    places = {"HOME": tmp_path, "XDG_DATA_HOME": data.parent, "XDG_CONFIG_HOME": settings.parent}
    # No session of anybody's, whose autostart it would disable.
    own = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(tmp_path)}
    own |= {name: str(folder) for name, folder in places.items()}
    subprocess.run(["sh", "-c", lines], cwd=tmp_path, env=own)
    left = {file.relative_to(settings.parent).as_posix() for file in settings.parent.rglob("*")}
    assert left == {f"posture-monitor/{name}" for name in others} | ({"posture-monitor"} if others else set())
    assert not data.exists()
    assert not program.exists()
