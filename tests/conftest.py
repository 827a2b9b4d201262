"""What all tests share: where the real photographs are, and a home of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from history_maker import three_days
from hypothesis import HealthCheck, settings
from syscalls import untraceable

from posture_monitor.history.store import Store
from posture_monitor.sensing.graphics import provide_graphics

# Tests import OpenCV by themselves, and are to run without a desktop too.
provide_graphics()

# Tests read English, and so do what they start, whatever the desktop speaks.
os.environ.update(LC_ALL="C.UTF-8", LANGUAGE="en")

# How long an example takes is the machine's matter: under load none is to fail for it.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# A shell starts what runs in its background with Ctrl-C ignored, and children would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent

#: Files whose tests take longest, the longest first: begun in this order, they do not leave one process
#: alone with them at the end. Down to `keeper` it is their slow tests that do, from there on the others.
LONGEST = (
    *("faults_of_the_history", "faults_of_the_eye", "working_day", "show", "privacy", "hanging_camera"),
    *("end_to_end", "faults_of_time", "faults_around_it", "report_html", "soak", "network", "keeper"),
    *("camera", "monitor", "judge", "days_naively", "cli", "pose", "export", "doctor"),
)


def pytest_configure(config: pytest.Config) -> None:
    """Let no file with many tests go before one whose few take longer: xdist counts them."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; in themselves, and all others, tests stay in their order."""
    order = {f"test_{name}": number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@pytest.fixture(scope="session")
def recorded_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a closed history of three days, not to be written to."""
    path = tmp_path_factory.mktemp("recorded") / "history.sqlite3"
    with Store.open(path, keep_samples_days=36500) as store:
        three_days(store)
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real photographs and clips; skip where this checkout has none beside it."""
    folder = Path(os.environ.get("POSTURE_MONITOR_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip(f"no real photographs at {folder} (set POSTURE_MONITOR_DATA)")
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a data and config folder of its own, and return it."""
    monkeypatch.setenv("POSTURE_MONITOR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open an empty history for the test alone."""
    with Store.open(tmp_path / "h" / "history.sqlite3") as store:
        yield store


@pytest.fixture
def travel() -> Iterator[Callable[[str], None]]:
    """Return what sets this machine's clock to that of a place; in the end it is put back."""

    def to(zone: str) -> None:
        patch.setenv("TZ", zone)
        time.tzset()

    with pytest.MonkeyPatch.context() as patch:
        yield to
    time.tzset()


@pytest.fixture
def berlin(travel: Callable[[str], None]) -> None:
    """Have the clock of a place where it is changed twice a year."""
    travel("Europe/Berlin")


@pytest.fixture
def strace() -> None:
    """Skip where processes cannot be traced."""
    if why := untraceable():
        pytest.skip(why)


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be a browser that writes down what it is to open and through which proxy; return the file."""
    program, opened = tmp_path / "browser", tmp_path / "opened"
    program.write_text(
        f'#!/bin/sh\necho "$1" "$https_proxy" > "{opened}.new" && mv "{opened}.new" "{opened}"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(program))
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    return opened
