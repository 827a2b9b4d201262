"""Others in a stream are seen, and who sits in the dark, with the real model on real pictures."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from real_model import real_model
from rig import Body, Camera, Pose, render

from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import neutral_of
from posture_monitor.posture.judge import Limits
from posture_monitor.posture.landmarks import LEFT_SHOULDER, NOSE
from posture_monitor.posture.metrics import Reason, measure
from posture_monitor.posture.reading import Verdict
from posture_monitor.sensing import demo
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.pose import PoseEstimator
from posture_monitor.sensing.sources import open_source
from posture_monitor.service.calibration import CROWD_EVERY_S
from posture_monitor.service.collected import Collected
from posture_monitor.service.looking import Looker, chosen
from posture_monitor.service.reader import read


def collected(clip: Path, crowd_every_s: float | None) -> Collected:
    source = open_source(
        str(clip), started_at=None, realtime=False, width=640, height=480, min_interval_s=0.5
    )
    gathered = Collected()
    with Looker(source, real_model(), crowd_every_s=crowd_every_s) as looker:
        for seen in looker.look():
            gathered.add(seen)
    return gathered


def test_nobody_is_calibrated_on_a_clip_of_two(shared_data: Path) -> None:
    clip = shared_data / "room" / "two_people_head_tilt.avi"
    with pytest.raises(ValueError, match="more than one person"):
        collected(clip, CROWD_EVERY_S).neutral(steady=False, least_frames=4)
    # Without the looks for others the stream's model knows of one alone.
    assert Reason.CROWD not in collected(clip, None).doubts


def test_one_person_is_nobody_else(shared_data: Path) -> None:
    alone = collected(shared_data / "room" / "one_person_still.avi", CROWD_EVERY_S)
    assert Reason.CROWD not in alone.doubts
    assert alone.neutral(steady=False, least_frames=4).frames >= 4


def test_what_was_found_holds_until_the_next_look(shared_data: Path) -> None:
    doubts = collected(shared_data / "room" / "two_people_head_tilt.avi", 3.0).doubts
    # Two seconds and a half into the clip the second person is seen; asked at 0 and 3 s, two frames a second.
    assert doubts[:6] == [Reason.OK] * 6
    assert set(doubts[6:]) == {Reason.CROWD}


@pytest.mark.data
@pytest.mark.parametrize("on_the_right", [True, False])
def test_who_was_calibrated_is_followed_though_the_model_follows_somebody_else(
    shared_data: Path, on_the_right: bool
) -> None:
    clip = str(shared_data / "room" / "two_people_head_tilt.avi")
    *_, last = open_source(clip).frames()
    assert last.image is not None
    size = np.array([last.width, last.height])
    with PoseEstimator(real_model(), stills=True) as estimator:
        both = sorted(estimator.detect(last.image), key=lambda person: person[NOSE, 0])
    assert len(both) == 2
    neutral = neutral_of(measure(both[on_the_right][None], size))
    source = open_source(clip, min_interval_s=0.25)
    with Looker(source, real_model(), crowd_every_s=CROWD_EVERY_S) as looker:
        seen = [seen for seen in looker.look(lambda: neutral) if seen.frame.t_s > 3]
    mine = [(seen.landmarks[NOSE, 0] > 0.5) == on_the_right for seen in seen]
    assert np.mean(mine) > 0.8
    # Where the model shows the other alone, it is not them who is judged.
    for own, at in zip(mine, seen, strict=True):
        assert own or read(at, neutral, Limits())[0].reason == Reason.STRANGER


class Finding:
    """Stands in for a model that finds the one person alone."""

    def __init__(self, person: npt.NDArray[np.float32]) -> None:
        self.person = person

    def detect(self, _image: object, _t_s: float | None = None) -> npt.NDArray[np.float32]:
        return self.person

    def close(self) -> None:
        pass


def test_whom_the_stream_shows_and_whom_the_still_are_two(shared_data: Path) -> None:
    """As long as nobody is calibrated either may be meant, though no look shows both."""
    left, right = (render(Body(), Pose(seat_x_m=x), Camera(distance_m=1.2))[0] for x in (-0.35, 0.35))
    source = open_source(str(shared_data / "room" / "one_person_still.avi"), min_interval_s=0.5)
    with Looker(source, real_model(), crowd_every_s=CROWD_EVERY_S) as looker:
        followed: Any = Finding(left)
        found: Any = Finding(right)
        looker._estimator, looker._for_others = followed, found
        assert {seen.doubt for seen in looker.look()} == {Reason.CROWD}


@pytest.mark.data
def test_whoever_is_seen_beside_an_empty_seat_is_not_judged(shared_data: Path) -> None:
    *_, frame = open_source(str(shared_data / "room" / "two_people_head_tilt.avi")).frames()
    assert frame.image is not None
    half = frame.width // 2
    wall = np.broadcast_to(frame.image[:1, half:], frame.image[:, half:].shape)
    alone = np.concatenate((frame.image[:, :half], wall), axis=1)
    size = np.array([frame.width, frame.height])
    with PoseEstimator(real_model(), stills=True) as estimator:
        both, left = estimator.detect(frame.image), estimator.detect(alone)
    (mine,) = both[both[:, NOSE, 0] > 0.5]
    seen = chosen(frame, left, Reason.OK, neutral := neutral_of(measure(mine[None], size)))
    assert seen.landmarks[NOSE, 0] < 0.5
    reading, _ = read(seen, neutral, Limits())
    assert (reading.verdict, reading.reason) == (Verdict.UNKNOWN, Reason.STRANGER)


def test_whoever_sits_in_the_dark_is_seen_and_an_empty_room_there_is_not_known(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, t_s in (("empty", 63.0), ("sitting", 5.0)):
        picture = demo.picture(t_s)
        dark = picture * (15 / picture.mean()) + rng.normal(0, 3, picture.shape)
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.clip(dark, 0, 255).astype(np.uint8))
    with Looker(open_source(str(tmp_path)), real_model()) as looker:
        empty, sitting = looker.look()
    assert empty.landmarks.shape == (33, 4)
    assert np.isnan(empty.landmarks).all()
    assert empty.doubt in (Reason.DARK, Reason.COVERED)  # a bare wall in the dark shows nothing at all
    assert np.isfinite(sitting.landmarks).all()
    assert sitting.doubt is Reason.OK


def test_grain_hides_nobody_in_a_still_and_makes_nobody_up(tmp_path: Path) -> None:
    grain = np.random.default_rng(0).normal(0, 30, (480, 640, 3))
    empty, sitting = (np.clip(demo.picture(t_s) + grain, 0, 255).astype(np.uint8) for t_s in (63.0, 5.0))
    cv2.imwrite(str(tmp_path / "1.png"), empty)
    cv2.imwrite(str(tmp_path / "2.png"), sitting)
    with Looker(open_source(str(tmp_path)), real_model()) as looker:
        nobody, somebody = (seen.landmarks for seen in looker.look())
    assert np.isnan(nobody).all()
    with PoseEstimator(real_model(), stills=True) as estimator:
        (clear,) = estimator.detect(demo.picture(5.0))
    face = slice(NOSE, LEFT_SHOULDER)
    np.testing.assert_allclose(somebody[face, :2], clear[face, :2], atol=0.03)


def test_a_looker_that_ends_releases_its_source(shared_data: Path) -> None:
    source = open_source(str(shared_data / "room" / "one_person_still.avi"))
    released = []
    source.close = lambda: released.append(source)  # type: ignore[method-assign]
    with Looker(source, real_model()):
        assert not released
    assert released == [source]


class Recorded:
    """A recording of `count` pictures that fails after them, and says what was asked of it."""

    name = identity = "recorded"
    stills, live, total = False, False, None

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked = threading.Semaphore(0)
        self.reading = threading.Lock()
        self.closed_while_read = False

    def frames(self) -> Iterator[Frame]:
        for i in range(self.count):
            with self.reading:
                self.asked.release()
                time.sleep(0.05)
            yield Frame(float(i), float(i), 640, 480, landmarks=np.zeros((33, 4), np.float32))
        raise UserError("recorded: damaged")

    def close(self) -> None:
        self.closed_while_read = self.reading.locked()

    def __enter__(self) -> Recorded:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def test_of_a_recording_the_next_frame_is_fetched_while_this_one_is_looked_at() -> None:
    source = Recorded(3)
    with Looker(source, real_model()) as looker:
        seen = looker.look()
        assert next(seen).frame.t_s == 0.0
        for _ in range(2):  # the second is asked for although nobody has taken it yet
            assert source.asked.acquire(timeout=10)
        assert [next(seen).frame.t_s for _ in range(2)] == [1.0, 2.0]
        with pytest.raises(UserError, match="damaged"):
            next(seen)


def test_a_recording_is_not_closed_while_it_is_read() -> None:
    source = Recorded(9)
    with Looker(source, real_model()) as looker:
        next(looker.look())
        for _ in range(2):
            assert source.asked.acquire(timeout=10)
    assert not source.closed_while_read
