"""A whole recording is smoothed as it would have been frame by frame."""

from __future__ import annotations

import csv
import io
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_steady_bulk
from recording_maker import bodies, recorded
from rich.console import Console
from rig import SCENARIOS, SIDE_CAMERA, Camera, Pose

from posture_monitor.config import load_config
from posture_monitor.errors import UserError
from posture_monitor.posture import steady
from posture_monitor.posture.judge import SIGNALS, Judgement
from posture_monitor.posture.metrics import METRICS
from posture_monitor.posture.steady_bulk import states
from posture_monitor.sensing.frame import Frame, Source
from posture_monitor.sensing.landmark_table import LandmarkTable, read_table, write_table
from posture_monitor.service import analysis
from posture_monitor.service.analysis import _states, analyze
from posture_monitor.service.analysis_rows import _cell

pytestmark = pytest.mark.usefixtures("home")


def wandering(n: int, seed: int) -> Judgement:
    verdict, index = test_steady_bulk.wandering(n, seed)
    rows, nothing = np.zeros((len(SIGNALS), n)), np.zeros(n, dtype=np.int8)
    return Judgement(verdict, nothing, index, nothing, rows, rows, np.zeros((len(METRICS), n)))


def test_states_are_those_of_a_steady_judge() -> None:
    judgement, t_s = wandering(900, 1), np.arange(900) / 2
    found = _states(judgement, t_s, 9.0, stills=False)
    expected = states(steady.Policy(9.0, 0.5), t_s, judgement.verdict, judgement.slouch_index)
    assert found.tolist() == expected.tolist()
    assert len(set(found.tolist())) >= 3


def test_stills_keep_their_own_verdicts() -> None:
    judgement = wandering(50, 9)
    found = _states(judgement, np.full(50, np.nan), 9.0, stills=True)
    np.testing.assert_array_equal(found, judgement.verdict)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Return a landmark table of a minute, half of it slumped."""
    return recorded(tmp_path / "table.npz", (Pose(), 30), (SCENARIOS["slump_deep"], 30), fps=2)


def analyzed(source: Path, **options: Any) -> str:
    said = io.StringIO()
    chosen = {"profile": None, "calibrate_first_s": 20.0, "calibrate_frames": None, "landmarks": None}
    analyze(
        load_config(None), source=str(source), console=Console(file=said, width=300), **{**chosen, **options}
    )
    return said.getvalue()


@pytest.mark.parametrize("name", ["a.png", "a,b.png", 'a "b".png', "a\nb.png", "a\rb.png", " a.png"])
def test_a_picture_of_any_name_has_one_row(name: str) -> None:
    table = io.StringIO(f"1,{_cell(name)},good\n2,b.png,poor\n", newline="")
    assert list(csv.reader(table)) == [["1", name, "good"], ["2", "b.png", "poor"]]


@pytest.mark.parametrize("begins_s", [100.0, 1.76e9, -100.0])
def test_the_first_seconds_are_counted_from_where_a_recording_begins(
    table: Path, tmp_path: Path, begins_s: float
) -> None:
    kept, later = read_table(table), tmp_path / "later.npz"
    write_table(later, replace(kept, t_s=kept.t_s + begins_s))
    told = [analyzed(path, output=tmp_path / "out.csv") for path in (table, later)]
    assert told[0].startswith("40 frames of calibration; 80 frames judged")
    assert told[1] == told[0]


def test_what_a_recording_is_read_from_is_not_written_over(table: Path, tmp_path: Path) -> None:
    before = table.read_bytes()
    (tmp_path / "link.npz").symlink_to(table)
    out = tmp_path / "out.csv"
    for message, options in (
        ("is the recording itself", {"output": table}),
        ("is the recording itself", {"output": tmp_path / "link.npz"}),
        ("is the recording itself", {"output": out, "landmarks": table}),
        ("into the same file", {"output": out, "landmarks": out}),
        ("end the name so", {"output": out, "landmarks": tmp_path / "points.txt"}),
        ("there is no folder", {"output": tmp_path / "nowhere" / "out.csv"}),
    ):
        with pytest.raises(UserError, match=message):
            analyzed(table, **options)
        assert table.read_bytes() == before
        assert not out.exists()


def test_what_could_not_be_judged_is_counted_with_the_reasons(table: Path, tmp_path: Path) -> None:
    kept = read_table(table)
    kept.landmarks[60:100] = np.nan
    kept.landmarks[100:110, :11, 3] = 0.0
    write_table(table, kept)
    told = analyzed(table, output=tmp_path / "out.csv")
    assert "10 unknown, 40 away. Unknown: 10 face not seen clearly. View: front." in told


def test_frames_of_another_shape_are_counted_but_not_those_of_another_size(
    table: Path, tmp_path: Path
) -> None:
    kept, out = read_table(table), tmp_path / "out.csv"
    kept.size[50:70] /= 2
    write_table(table, kept)
    assert "shape" not in analyzed(table, output=out)
    kept.size[70:77] = 1280, 720
    write_table(table, kept)
    assert analyzed(table, output=out).startswith("Note: frames of another shape than those calibrated on: 7")


@pytest.mark.parametrize(
    ("camera", "view", "angles"),
    [
        (Camera(), "front", "Trunk and neck angles: not measurable from this view."),
        (SIDE_CAMERA, "side", "Median angles: trunk "),
    ],
)
def test_the_view_is_that_of_somebody_however_long_the_chair_was_empty(
    tmp_path: Path, camera: Camera, view: str, angles: str
) -> None:
    path = recorded(tmp_path / "table.npz", (Pose(), 20), (None, 50), camera=camera, fps=2)
    told = analyzed(path, output=tmp_path / "out.csv", calibrate_first_s=10.0)
    assert told.startswith(f"20 frames of calibration; 120 frames judged: 20 good, 100 away. View: {view}. ")
    assert angles in told
    empty = recorded(tmp_path / "empty.npz", (None, 9), fps=1)
    told = analyzed(empty, output=tmp_path / "out.csv", calibrate_first_s=None, profile="front")
    assert told.startswith("9 frames judged: 9 away. View: unknown. ")


def test_a_disk_that_is_full_is_told(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: Any, **_chosen: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(analysis, "replacing", full)
    with pytest.raises(UserError, match=r"cannot write \S+out\.csv: No space left on device$"):
        analyzed(table, output=tmp_path / "out.csv")


def test_calibrated_on_all_of_it_nothing_is_left(table: Path, tmp_path: Path) -> None:
    told = analyzed(table, output=tmp_path / "out.csv", calibrate_first_s=9999.0)
    assert told == "120 frames of calibration; no frame is left to be judged: calibrate on fewer.\n"


class Film(Source):
    """The rows of a landmark table, one after the other, as pictures come."""

    identity, stills, live, total = "film", False, False, None

    def __init__(self, table: LandmarkTable) -> None:
        self.table = table

    def frames(self) -> Iterator[Frame]:
        for number, t_s in enumerate(self.table.t_s):
            width, height = map(int, self.table.size[number])
            body = self.table.landmarks[number]
            yield Frame(t_s, 0.0, width, height, landmarks=body, name=f"picture {number}")


@pytest.mark.parametrize("begins_s", [0.0, 50.0])
@pytest.mark.parametrize(
    "neutral",
    [
        {"profile": None, "calibrate_first_s": 20.0},
        {"profile": None, "calibrate_first_s": None, "calibrate_frames": 33},
        {"profile": None, "calibrate_first_s": 99.0},
        {"profile": "front", "calibrate_first_s": None},
    ],
)
def test_picture_by_picture_a_recording_is_judged_as_whole(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begins_s: float, neutral: dict[str, Any]
) -> None:
    kept = read_table(table)
    kept = replace(kept, t_s=kept.t_s + begins_s)
    write_table(table, kept)
    whole, single, points = (tmp_path / name for name in ("whole.csv", "single.csv", "points.npz"))
    told = analyzed(table, output=whole, **neutral)
    monkeypatch.setattr(analysis, "open_source", lambda *_given, **_chosen: Film(kept))
    assert analyzed(table, output=single, landmarks=points, **neutral) == told
    np.testing.assert_array_equal(read_table(points).landmarks, kept.landmarks)
    rows, singly = (list(csv.DictReader(path.open(newline=""))) for path in (whole, single))
    assert [row.pop("name") for row in singly] == [f"picture {number}" for number in range(120)]
    assert {row.pop("name") for row in rows} == {""}
    assert singly == rows
    calibrated = (
        0
        if neutral["profile"]
        else min(120, neutral.get("calibrate_frames") or 2 * neutral["calibrate_first_s"])
    )
    assert [bool(row["calibration"]) for row in rows] == [number < calibrated for number in range(120)]


@pytest.mark.parametrize("singly", [False, True])
def test_what_cannot_be_calibrated_on_is_told_with_its_length(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, singly: bool
) -> None:
    kept = read_table(table)
    if singly:
        monkeypatch.setattr(analysis, "open_source", lambda *_given, **_chosen: Film(kept))
    for first, chosen in (
        ("1.5 s", {"calibrate_first_s": 1.5}),
        ("4 frames", {"calibrate_first_s": None, "calibrate_frames": 4}),
    ):
        with pytest.raises(UserError, match=f"cannot calibrate on its first {first}: . frames are too few"):
            analyzed(table, output=tmp_path / "out.csv", **chosen)
    assert not (tmp_path / "out.csv").exists()
    analyzed(table, output=tmp_path / "out.csv", calibrate_first_s=2.5)


def test_of_stills_frames_are_calibrated_on_and_no_seconds(table: Path, tmp_path: Path) -> None:
    kept = read_table(table)
    write_table(table, replace(kept, t_s=np.full(120, np.nan)))
    with pytest.raises(UserError, match="use --calibrate-frames instead of --calibrate-first"):
        analyzed(table, output=tmp_path / "out.csv")
    by_frames = {"calibrate_first_s": None, "calibrate_frames": 40}
    assert analyzed(table, output=tmp_path / "out.csv", **by_frames).startswith("40 frames of calibration")
    by_profile = {"calibrate_first_s": None, "profile": "front"}
    assert analyzed(table, output=tmp_path / "out.csv", **by_profile).startswith("120 frames judged")


def test_without_a_frame_there_is_nothing_to_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = LandmarkTable(np.empty(0), np.empty((0, 2)), np.empty((0, 33, 4), dtype=np.float32))
    monkeypatch.setattr(analysis, "open_source", lambda *_given, **_chosen: Film(empty))
    with pytest.raises(UserError, match=r"film\.mp4: there is no frame in it"):
        analyzed(tmp_path / "film.mp4", output=tmp_path / "out.csv")


def test_the_rows_go_to_a_file_or_to_standard_output(
    table: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    analyzed(table, output=tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").open(newline="")))
    good, poor = ([rows[at][name] for name in ("verdict", "signal", "driver", "reason")] for at in (0, -1))
    assert (good, poor) == (["good", "", "", ""], ["poor", "head sinking", "head_height", ""])
    analyzed(table, output=None)
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == (tmp_path / "out.csv").read_bytes()
    with pytest.raises(UserError, match="is the recording itself"):
        analyzed(table, output=None, landmarks=table)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(UserError, match="standard output is closed; name a file with -o"):
        analyzed(table, output=None)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such modes")
def test_only_the_user_may_read_what_a_recording_tells(table: Path, tmp_path: Path) -> None:
    for name in ("body.npz", "body.csv"):
        analyzed(table, output=tmp_path / "out.csv", landmarks=tmp_path / name)
        for written in (tmp_path / "out.csv", tmp_path / name):
            assert stat.S_IMODE(written.stat().st_mode) == 0o600, written


@pytest.mark.parametrize(("beside", "refused"), [(70, False), (90, True)])
def test_a_profile_of_another_view_is_refused_if_nearly_all_is_seen_so(
    tmp_path: Path, beside: int, refused: bool
) -> None:
    parts = [
        bodies((Pose(), n / 2), camera=c, fps=2) for n, c in ((beside, SIDE_CAMERA), (100 - beside, None))
    ]
    path, points = tmp_path / "table.npz", np.concatenate([part.landmarks for part in parts])
    write_table(path, LandmarkTable(np.arange(100) / 2, np.tile([640.0, 480.0], (100, 1)), points))
    against = {"output": tmp_path / "out.csv", "profile": "front", "calibrate_first_s": None}
    if not refused:
        assert analyzed(path, **against)
        return
    with pytest.raises(UserError) as told:
        analyzed(path, **against)
    assert str(told.value) == (
        "profile 'front' was made from the front view, but this source shows the side view; calibrate a "
        "profile for this camera place, or choose another with --profile"
    )
