"""What is shipped: the same bytes each time, all that is meant and nothing else, in every Python there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from posture_monitor import __version__

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = f"posture_monitor-{__version__}"

#: All that may lie in the checkout's root and go into the source distribution.
SOURCES = {
    "posture_monitor", "calibration", "tests", "benchmarks", "docs", "tools", "config.toml", "README.md",
    "LICENSE", "ARCHITECTURE.md", "THIRD_PARTY.md", "requirements-dev.lock", "pyproject.toml", "PKG-INFO",
    ".gitignore",
}  # fmt: skip
#: All kinds of file that may lie in the package, besides the program itself.
DATA = re.compile(
    r"py\.typed|telling/report/page\.css|locale/\w+/LC_MESSAGES/posture_monitor\.(po|mo)|(.*/)?\w+\.(png|svg)"
)
LEFTOVERS = ("__pycache__", ".pyc", ".venv", "egg-info", "_cache", ".sqlite3", ".task", ".part")

pytestmark = pytest.mark.slow


def pip(*arguments: str | Path, tool: Path | None = None) -> None:
    """Run pip: our own, or the one that lies in `tool`."""
    command = [sys.executable, "-m", "pip", *map(str, arguments), "--quiet", "--no-input"]
    environment = dict(os.environ) | ({"PYTHONPATH": str(tool)} if tool else {})
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ran.returncode == 0, ran.stderr[-2000:]


def copied(target: Path, *, umask: int, age_s: float) -> Path:
    """Return a copy of the checkout with other times and rights, and with litter in it."""
    leave = shutil.ignore_patterns(
        ".git", ".venv", "venv", "build", "dist", "*.egg-info", ".*_cache", ".hypothesis"
    )
    shutil.copytree(ROOT, target, ignore=leave)
    for path in target.rglob("*"):
        if path.is_file():
            path.chmod(0o666 & ~umask)
            os.utime(path, (age_s, age_s))
    (target / "posture_monitor" / "__pycache__").mkdir(exist_ok=True)
    (target / "posture_monitor" / "__pycache__" / "litter.cpython-311.pyc").write_bytes(os.urandom(8))
    (target / "history.sqlite3").write_bytes(b"somebody's days")
    return target


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Build wheel and source distribution twice, from copies of different age, place and rights."""
    folder = tmp_path_factory.mktemp("build")
    tool = folder / "tool"
    pip("install", "--target", tool, "hatchling>=1.26,<2")
    outs = []
    for name, umask, age_s in (("one", 0o022, 1_600_000_000.0), ("another", 0o077, 1_700_000_000.0)):
        out = folder / f"{name}-out"
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "--directory", str(out)],
            cwd=copied(folder / name, umask=umask, age_s=age_s),
            env={**os.environ, "PYTHONPATH": str(tool), "SOURCE_DATE_EPOCH": "1700000000"},
            check=True,
            capture_output=True,
        )
        outs.append(out)
    return outs


def test_the_same_checkout_gives_the_same_bytes(built: list[Path]) -> None:
    one, another = built
    names = sorted(path.name for path in one.iterdir())
    assert names == [f"{PACKAGE}-py3-none-any.whl", f"{PACKAGE}.tar.gz"]
    for name in names:
        assert (one / name).read_bytes() == (another / name).read_bytes(), name


def test_the_wheel_holds_the_program_its_data_and_nothing_else(built: list[Path]) -> None:
    with zipfile.ZipFile(built[0] / f"{PACKAGE}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        scripts = wheel.read(f"{PACKAGE}.dist-info/entry_points.txt").decode()
        licence = wheel.read(f"{PACKAGE}.dist-info/licenses/LICENSE")
        settings = wheel.read("posture_monitor/data/config.toml")
    program = {str(path.relative_to(ROOT).as_posix()) for path in (ROOT / "posture_monitor").rglob("*.py")}
    calibration = {
        f"posture_monitor/data/calibration/{path.name}" for path in (ROOT / "calibration").iterdir()
    }
    about = {f"{PACKAGE}.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt")}
    expected = program | calibration | about | {"posture_monitor/data/config.toml"}
    assert expected <= names
    others = names - expected - {f"{PACKAGE}.dist-info/licenses/LICENSE"}
    assert {name for name in others if not DATA.fullmatch(name.removeprefix("posture_monitor/"))} == set()
    assert {"posture_monitor/py.typed", "posture_monitor/telling/report/page.css"} <= others
    assert any(name.endswith("posture_monitor.mo") for name in others), "the translations are not there"
    assert scripts.split() == ["[console_scripts]", "posture-monitor", "=", "posture_monitor.cli:main"]
    assert licence == (ROOT / "LICENSE").read_bytes()
    assert settings == (ROOT / "config.toml").read_bytes()


def test_the_source_distribution_holds_the_sources_and_nothing_else(built: list[Path]) -> None:
    with tarfile.open(built[0] / f"{PACKAGE}.tar.gz") as sources:
        members = [(PurePosixPath(member.name), member) for member in sources.getmembers()]
    assert {path.parts[0] for path, _ in members} == {PACKAGE}
    assert {path.parts[1] for path, _ in members} <= SOURCES
    assert [str(path) for path, _ in members if any(part in str(path) for part in LEFTOVERS)] == []
    names = {str(path.relative_to(PACKAGE)) for path, _ in members}
    assert {"pyproject.toml", "config.toml", "LICENSE", "README.md", "tests/conftest.py"} <= names
    assert all(member.isfile() and member.uid == member.gid == 0 for _, member in members)


def test_the_source_distribution_gives_the_same_wheel(built: list[Path], tmp_path: Path) -> None:
    with tarfile.open(built[0] / f"{PACKAGE}.tar.gz") as sources:
        sources.extractall(tmp_path)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "hatchling",
            "build",
            "--target",
            "wheel",
            "--directory",
            str(tmp_path / "out"),
        ],
        cwd=tmp_path / PACKAGE,
        env={
            **os.environ,
            "PYTHONPATH": str(built[0].parent / "tool"),
            "SOURCE_DATE_EPOCH": "1700000000",
        },
        check=True,
        capture_output=True,
    )
    name = f"{PACKAGE}-py3-none-any.whl"
    assert (tmp_path / "out" / name).read_bytes() == (built[0] / name).read_bytes()


@pytest.fixture(scope="module")
def newer_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a pip that runs in Python 3.12 and later; Debian's own is too old."""
    folder = tmp_path_factory.mktemp("pip")
    pip("install", "--target", folder, "pip>=24")
    return folder


def python(minor: int) -> str | Path:
    """Return the interpreter of Python 3.`minor`; skip where there is none."""
    if sys.version_info[1] == minor:
        return sys.executable
    found = shutil.which(f"python3.{minor}")
    for candidate in (found, *Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")):
        if (
            candidate
            and subprocess.run([candidate, "-c", "import venv"], capture_output=True).returncode == 0
        ):
            return candidate
    pytest.skip(f"no Python 3.{minor} here")


@pytest.mark.parametrize("minor", [10, 11, 12, 13, 14])
def test_it_installs_and_starts(built: list[Path], newer_pip: Path, tmp_path: Path, minor: int) -> None:
    subprocess.run([python(minor), "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    bin_ = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    wheel = built[0] / f"{PACKAGE}-py3-none-any.whl"
    # All but the heavy ones, which these commands do without.
    light = ("click", "rich", "pydantic", "platformdirs", "tomlkit", "tomli", "numpy")
    for what in (("--no-deps", wheel), light):
        pip("--python", bin_ / "python", "install", "--no-compile", *what, tool=newer_pip)
    environment = {**os.environ, "POSTURE_MONITOR_HOME": str(tmp_path / "home")}
    environment.pop("PYTHONPATH", None)
    for arguments, said in (
        ("--version", __version__),
        ("report", "Nothing was recorded"),
        ("config show", "[camera]"),
    ):
        ran = subprocess.run(
            [bin_ / "posture-monitor", *arguments.split()],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert said in ran.stdout
