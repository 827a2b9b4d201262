"""Whatever breaks around it, the service lives, says so in one line, and claims nothing it has not seen.

The real process before a camera on loopback. What can go wrong is made to go wrong
while it runs (`injected`); each test says what must be true afterwards, and leaves
the service as well as it found it. `docs/reliability.md` is the table of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from program import done
from real_service import Bench, Service, pictures, sitting_table


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("faults"), *pictures(shared_data))
    yield bench
    bench.service.end()
    bench.camera.close()


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a profile of whoever sits in `sitting_table`."""
    folder = tmp_path_factory.mktemp("own")
    home = folder / "home"
    home.mkdir()
    done("calibrate", "--source", sitting_table(folder, 7.0), "--seconds", "6", home=home)
    return home


@pytest.fixture
def watched(bench: Bench) -> Iterator[Bench]:
    bench.mend()
    pid, lines = bench.service.pid, len(bench.service.log())
    yield bench
    assert bench.service.lives, "the service ended"
    assert bench.service.pid == pid
    added = bench.service.log()[lines:]
    assert not any("Traceback" in line for line in added), added
    assert len(added) <= 12, f"said too often: {added}"


@pytest.fixture
def simple(tmp_path: Path) -> Iterator[Service]:
    """A service that watches a recorded table: no camera and no model."""
    (tmp_path / "home").mkdir()
    service = Service(tmp_path / "home", str(sitting_table(tmp_path, 60.0)))
    yield service
    service.end()
