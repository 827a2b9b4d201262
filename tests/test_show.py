"""What the program makes of real people in real rooms, by the commands that anybody would type."""

from __future__ import annotations

import csv
import itertools
import json
import shutil
from pathlib import Path

import cv2
import pytest
from program import done, fresh_home, program, rows, runs
from real_model import real_model

from posture_monitor.sensing.pose import PoseEstimator
from posture_monitor.sensing.sources import open_source

pytestmark = pytest.mark.data

Rows = list[dict[str, str]]
JUDGED = ("good", "mild", "poor")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fresh_home(tmp_path_factory.mktemp("show") / "home")


# -- one person before the webcam, slouching twice ------------------------------


class Labelled:
    """A labelled clip and what ``analyze`` made of it, calibrated on its own first 18 s."""

    def __init__(self, clip: Path, home: Path, table: Path) -> None:
        with clip.with_suffix(".csv").open(encoding="utf-8") as file:
            labels = list(csv.DictReader(file))
        self.labels = [row["label"] for row in labels]
        self.changes_s = [
            float(after["t_s"])
            for before, after in itertools.pairwise(labels)
            if before["label"] != after["label"]
        ]
        done("analyze", clip, "--calibrate-first", "18s", "-o", table, home=home)
        self.rows = rows(table)

    def balanced_accuracy(self) -> float:
        """Return the mean of the parts of slouching and good frames told right; mild is not poor."""
        told = [
            (label == "slouch", row["verdict"] == "poor")
            for label, row in zip(self.labels, self.rows, strict=True)
            if not row["calibration"]
        ]
        slouching = [poor for slouch, poor in told if slouch]
        good = [not poor for slouch, poor in told if not slouch]
        return (sum(slouching) / len(slouching) + sum(good) / len(good)) / 2


@pytest.fixture(scope="module", params=["front_bright.avi", "front_dim.avi"])
def labelled(
    request: pytest.FixtureRequest, shared_data: Path, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Labelled:
    return Labelled(
        shared_data / "front" / request.param, home, tmp_path_factory.mktemp("labelled") / "out.csv"
    )


@pytest.mark.slow
def test_the_four_changes_of_posture_are_found(labelled: Labelled) -> None:
    assert labelled.changes_s == [20, 40, 50, 55]
    poor = [(first, last) for state, first, last in runs(labelled.rows, "state") if state == "poor"]
    # Two slouches and no third: each begins and ends soon after the label says so, never before.
    assert len(poor) == 2
    found_s = [edge for stretch in poor for edge in stretch]
    for found, true in zip(found_s, labelled.changes_s, strict=True):
        assert 0 <= found - true <= 10


@pytest.mark.slow
def test_single_frames_are_told_apart(labelled: Labelled) -> None:
    assert labelled.balanced_accuracy() >= 0.97


@pytest.mark.slow
def test_its_own_beginning_is_marked_and_good(labelled: Labelled) -> None:
    marked = [float(row["t_s"]) for row in labelled.rows if row["calibration"] == "calibration"]
    assert marked == [float(row["t_s"]) for row in labelled.rows if float(row["t_s"]) < 18]
    neutral = [row["verdict"] for row in labelled.rows if row["calibration"]]
    assert "poor" not in neutral
    assert neutral.count("good") >= 0.8 * len(neutral)
    assert {row["view"] for row in labelled.rows} == {"front"}


# -- an empty room, where people come and go -------------------------------------

#: Seconds in which nothing of anybody is in the picture, found by looking at every frame.
EMPTY_S = (
    (0.0, 5.8),
    (20.2, 22.6),
    (45.2, 50.0),
    (70.3, 74.2),
    (87.3, 91.9),
    (120.3, 123.2),
    (136.2, 139.4),
)


@pytest.fixture(scope="module")
def room(shared_data: Path, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    table = tmp_path_factory.mktemp("room") / "out.csv"
    done(
        "analyze", shared_data / "room" / "absent_and_back.mp4", "--profile", "front", "-o", table, home=home
    )
    return rows(table)


def during(table: Rows, first_s: float, last_s: float) -> Rows:
    return [row for row in table if first_s <= float(row["t_s"]) <= last_s]


@pytest.mark.slow
@pytest.mark.parametrize("stretch", EMPTY_S)
def test_the_empty_room_is_away(room: Rows, stretch: tuple[float, float]) -> None:
    empty = during(room, *stretch)
    assert len(empty) > 20
    assert {row["verdict"] for row in empty} == {"away"}
    assert {row["present"] for row in empty} == {"0"}
    # The state follows within its window, and never takes the room for somebody.
    assert not {row["state"] for row in empty} & set(JUDGED)
    assert {row["state"] for row in empty if float(row["t_s"]) > stretch[0] + 5} <= {"away"}


@pytest.mark.slow
def test_people_seen_from_behind_are_never_told_how_they_sit(room: Rows) -> None:
    assert not {row["state"] for row in room} & set(JUDGED)
    standing = during(room, 25, 44)
    assert {row["verdict"] for row in standing} == {"unknown"}
    assert all(row["reason"] for row in standing)


@pytest.mark.slow
def test_the_ghost_on_the_table_is_a_real_trap(shared_data: Path) -> None:
    """The model does report a body with clear shoulders in the empty room: away is our doing."""
    ghosts = 0
    with (
        open_source(str(shared_data / "room" / "absent_and_back.mp4")) as source,
        PoseEstimator(real_model(), stills=False) as estimator,
    ):
        for frame in source.frames():
            if frame.t_s > EMPTY_S[0][1]:
                break
            assert frame.image is not None
            people = estimator.detect(frame.image, frame.t_s)
            ghosts += len(people) > 0 and bool((people[0, 11:13, 3] > 0.5).all())
    assert ghosts > 0


# -- hands that move before face and chest -------------------------------------------

GESTURES = ("again", "eat", "hungry", "student", "yes")


@pytest.fixture(scope="module", params=GESTURES)
def gesture(
    request: pytest.FixtureRequest, shared_data: Path, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return what the model saw of a gesture, as a landmark table."""
    clip = shared_data / "room" / "gestures" / f"{request.param}.mkv"
    table = tmp_path_factory.mktemp(request.param) / "landmarks.npz"
    out = table.with_name("out.csv")
    done("analyze", clip, "--profile", "front", "-o", out, "--landmarks", table, home=home)
    return table


@pytest.mark.slow
@pytest.mark.parametrize(
    "neutral", [("--profile", "front"), ("--calibrate-first", "0.5s")], ids=["starter", "own"]
)
def test_a_gesture_is_no_slouch(gesture: Path, home: Path, neutral: tuple[str, str]) -> None:
    out = gesture.with_name("out.csv")
    done("analyze", gesture, *neutral, "-o", out, home=home)
    table = rows(out)
    assert [
        last - first for value, first, last in runs(table, "verdict") if value == "poor" and last - first > 1
    ] == []
    assert "poor" not in {row["state"] for row in table}


#: Of each gesture; the preset *strict* speaks up after half a minute.
PLAYED_S = 40


@pytest.mark.slow
def test_gestures_all_day_raise_no_alert(shared_data: Path, home: Path, tmp_path: Path) -> None:
    """Each clip over and over, longer than the most impatient preset there is waits."""
    settings = tmp_path / "config.toml"
    settings.write_text('[alert]\npreset = "strict"\n')
    for number, gesture in enumerate(GESTURES):
        clip = over_and_over(
            shared_data / "room" / "gestures" / f"{gesture}.mkv", tmp_path / f"{gesture}.avi", PLAYED_S
        )
        at = ("--started-at", f"2026-03-02T09:{2 * number:02d}Z")
        done("run", "--source", clip, "--profile", "front", "--config", settings, *at, home=home)
    day = json.loads(done("report", "2026-03-02", "--format", "json", home=home, TZ="UTC"))
    assert day["alerts"] == []
    assert day["recorded_s"] == pytest.approx(PLAYED_S * len(GESTURES), abs=10)
    assert day["seconds"]["good"] > 0.5 * day["recorded_s"]
    assert day["seconds"]["poor"] == 0


def over_and_over(clip: Path, file: Path, seconds: int) -> Path:
    """Write a clip played forth and back until it is so long, at 5 frames/s."""
    capture = cv2.VideoCapture(str(clip))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    capture.release()
    frames = frames[::6]
    frames += frames[-2:0:-1]
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"MJPG"), 5, (width, height))
    for i in range(seconds * 5):
        writer.write(frames[i % len(frames)])
    writer.release()
    return file


# -- seen from the side ----------------------------------------------------------------


@pytest.fixture(scope="module")
def side(
    shared_data: Path, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Rows], str]:
    """Return the rows of every photograph by posture, judged by the starter, and what was printed."""
    folder = tmp_path_factory.mktemp("side")
    photos = folder / "photos"
    photos.mkdir()
    for photo in sorted((shared_data / "side").glob("[AB]/*/*.jpg")):
        posture, person = photo.parent.name, photo.parent.parent.name
        shutil.copy(photo, photos / f"{posture}-{person}-{photo.name}")
    ended = program("analyze", photos, "--profile", "side", "-o", folder / "out.csv", home=home)
    assert ended.returncode == 0, ended.stderr
    table: dict[str, Rows] = {}
    for row in rows(folder / "out.csv"):
        table.setdefault(row["name"].split("-")[0], []).append(row)
    return table, ended.stderr


def test_the_side_view_is_known_and_angles_are_given(side: tuple[dict[str, Rows], str]) -> None:
    table, printed = side
    assert {posture: len(found) for posture, found in table.items()} == {
        "hunchback": 10,
        "recline": 8,
        "straight": 7,
    }
    for row in (row for found in table.values() for row in found):
        assert row["view"] == "side"
        assert -90 < float(row["trunk_incl"]) < 90
        assert -90 < float(row["neck_incl"]) < 110
        assert row["d_trunk_incl"]
        assert row["d_neck_incl"]
    assert "View: side" in printed
    assert "trunk" in printed
    assert "neck" in printed


def test_straight_hunchback_and_recline_are_told_apart(side: tuple[dict[str, Rows], str]) -> None:
    table, _ = side
    straight = [row["verdict"] for row in table["straight"]]
    assert "poor" not in straight
    assert straight.count("good") >= 6
    assert {row["verdict"] for row in table["hunchback"]} == {"poor"}
    assert {row["signal"] for row in table["hunchback"]} <= {"leaning forward", "neck forward"}
    assert {row["verdict"] for row in table["recline"]} == {"poor"}
    assert {row["signal"] for row in table["recline"]} == {"reclined"}


def test_forward_is_positive_and_back_is_negative(side: tuple[dict[str, Rows], str]) -> None:
    table, _ = side
    trunk = {posture: [float(row["trunk_incl"]) for row in found] for posture, found in table.items()}
    assert max(trunk["recline"]) < min(trunk["straight"])
    assert max(trunk["straight"]) < 0 < min(trunk["hunchback"])
