"""Recordings of every kind, and every way in which they can be broken."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from posture_monitor.errors import UserError
from posture_monitor.sensing import sources, video
from posture_monitor.sensing.sources import identity_of, is_live, open_source, without_secrets


def picture(i: int, width: int = 64, height: int = 48) -> np.ndarray:
    """Return a picture whose mean grows with `i`, with some detail in it."""
    image = np.full((height, width, 3), 40 + 2 * i, np.uint8)
    image[::6] = 0
    return image


def write_video(path: Path, count: int = 30, fps: float = 10.0, codec: str = "MJPG") -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, (64, 48))
    assert writer.isOpened()
    for i in range(count):
        writer.write(picture(i))
    writer.release()
    return path


def message(spec: object, **options: object) -> str:
    """Return what the user reads when the source breaks, at opening or while it is read."""
    with pytest.raises(UserError) as caught, open_source(str(spec), **options) as source:  # type: ignore[arg-type]
        list(source.frames())
    text = str(caught.value)
    assert "\n" not in text
    return text


# --- which source is meant


@pytest.mark.parametrize("spec", ["", "   ", "nowhere.mp4", "camera", "no/such/folder/"])
def test_what_is_not_there_is_named_with_what_would_do(spec: str) -> None:
    assert "no such file" in message(spec)
    assert "demo" in message(spec)


def test_another_protocol_is_refused() -> None:
    assert "a source cannot be ftp://…" in message("ftp://host/a.mp4")


def test_a_name_with_a_null_byte_is_one_clear_line() -> None:
    assert "source" in message("a\0b.mp4")


def test_a_name_that_no_file_can_have_is_one_clear_line() -> None:
    assert message("x" * 300).endswith("File name too long: '" + "x" * 300 + "'")


@pytest.mark.parametrize(
    ("spec", "live"),
    [
        ("0", True), ("/dev/video2", True), ("rtsp://cam/live", True), ("HTTP://cam/", True),
        ("12345", False), ("video0", False), ("ftp://cam/", False), ("http", False), ("demo", False),
        ("monday.mp4", False),
    ],
)  # fmt: skip
def test_what_never_ends_is_told_from_a_recording(spec: str, live: bool) -> None:
    assert is_live(spec) is live


def test_a_stream_is_known_without_opening_it_and_a_recording_is_not() -> None:
    told = identity_of("http://me:secret@cam/live?key=1", 640, 480)
    assert told == ("stream http://cam/live", 0, 0)
    assert identity_of("monday.mp4", 640, 480) is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://me:secret@cam:554/live?token=secret#x", "rtsp://cam:554/live"),
        ("HTTP://me:se@cret@[::1]:8080/", "http://[::1]:8080/"),
        ("http://cam/video.mjpg", "http://cam/video.mjpg"),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


@pytest.mark.parametrize("sign", "/?#[")
def test_a_password_with_a_sign_of_addresses_is_refused_and_not_shown(sign: str) -> None:
    told = message(f"http://me:sec{sign}ret@cam/live")
    assert told.startswith("the address of the stream cannot be read; check its spelling, and write / ? #")
    assert "sec" not in told
    assert "ret" not in told


# --- video files


def test_a_video_plays_at_its_own_clock_and_ends_now(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi")
    before_s = time.time()
    with open_source(str(path)) as source:
        opened_s = time.time()
        frames = list(source.frames())
    assert (source.stills, source.live, source.total) == (False, False, 30)
    assert [f.t_s for f in frames] == pytest.approx([i / 10 for i in range(30)])
    assert before_s - 1e-3 <= frames[0].wall_s + 3.0 <= opened_s + 1e-3
    assert all(f.wall_s <= time.time() for f in frames)
    assert (frames[0].width, frames[0].height) == (64, 48)
    means = [float(f.image.mean()) for f in frames if f.image is not None]
    assert means == sorted(means)
    assert len(set(means)) == 30


def test_a_video_starts_when_it_is_said_to(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", count=5)
    with open_source(str(path), started_at=1e9) as source:
        assert [f.wall_s for f in source.frames()] == pytest.approx([1e9 + i / 10 for i in range(5)])


def test_frames_nobody_wants_are_passed_over(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi")
    with open_source(str(path), min_interval_s=0.5) as source:
        assert [f.t_s for f in source.frames()] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5])
        assert source.total == 6


class Clock:
    """Passes when it is waited for, and not by itself; that of the wall is the real one."""

    time = staticmethod(time.time)

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, length_s: float) -> None:
        self.now_s += length_s


def test_realtime_happens_now_never_runs_ahead_and_drops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.avi", count=6, fps=20.0)
    clock = Clock()
    monkeypatch.setattr(sources, "time", clock)
    before_s = time.time()
    seen = []
    with open_source(str(path), realtime=True) as source:
        opened_s = time.time()
        for frame in source.frames():
            seen.append((frame.t_s, clock.now_s - 100, frame.wall_s - frame.t_s))
            if len(seen) == 2:
                clock.sleep(0.12)  # somebody takes long over this one
    assert [t_s for t_s, _, _ in seen] == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.25])
    assert [shown_s for _, shown_s, _ in seen] == pytest.approx([0, 0.05, 0.17, 0.17, 0.2, 0.25])
    assert all(before_s - 1e-3 <= began_s <= opened_s + 1e-3 for _, _, began_s in seen)


def test_a_stream_in_a_file_that_knows_no_length_still_ends_now(tmp_path: Path) -> None:
    path = tmp_path / "a.mjpg"
    path.write_bytes(b"".join(cv2.imencode(".jpg", picture(i))[1].tobytes() for i in range(50)))
    before_s = time.time()
    with open_source(str(path)) as source:
        opened_s = time.time()
        frames = list(source.frames())
    assert source.total == len(frames) == 50
    assert frames[-1].t_s == pytest.approx(49 / 25)
    assert before_s - 1e-3 <= frames[0].wall_s + 2 <= opened_s + 1e-3


class Stamped:
    """A capture whose container tells nonsense."""

    def __init__(self, fps: float, count: float, stamps_ms: list[float]) -> None:
        self._answers = {cv2.CAP_PROP_FPS: fps, cv2.CAP_PROP_FRAME_COUNT: count}
        self._stamps, self._next = stamps_ms, 0

    def isOpened(self) -> bool:
        return True

    def get(self, key: int) -> float:
        return self._stamps[self._next - 1] if key == cv2.CAP_PROP_POS_MSEC else self._answers[key]

    def grab(self) -> bool:
        self._next += 1
        return self._next <= len(self._stamps)

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, picture(self._next)

    def release(self) -> None:
        pass


@pytest.mark.parametrize(
    ("fps", "count", "stamps_ms", "expected_s"),
    [
        (0.0, 4, [0, 0, 0, 0], [0, 0.04, 0.08, 0.12]),  # no rate, no stamps: 25 a second
        (math.nan, -1, [0, 0, 0], [0, 0.04, 0.08]),
        (1000.0, 3000, [0, 40, 80], [0, 0.04, 0.08]),  # a time base given out as a rate
        (10.0, 4, [0, 100, 50, 300], [0, 0.1, 0.2, 0.45]),  # one stamp steps back
        (10.0, 4, [0, 100, 9e9, 9e9 + 100], [0, 0.1, 0.2, 0.3]),  # stamps leap
        (10.0, 3, [5000, 5100, 5400], [0, 0.1, 0.4]),  # begins late, pauses
        (10.0, 3, [math.nan, math.nan, math.nan], [0, 0.1, 0.2]),
    ],
)
def test_time_survives_nonsense_from_the_container(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fps: float,
    count: float,
    stamps_ms: list[float],
    expected_s: list[float],
) -> None:
    path = write_video(tmp_path / "a.avi", count=2)
    monkeypatch.setattr(video.cv2, "VideoCapture", lambda *_: Stamped(fps, count, stamps_ms))
    with open_source(str(path)) as source:
        frames = list(source.frames())
    times = [f.t_s for f in frames]
    assert times == pytest.approx(expected_s)
    assert all(math.isfinite(f.wall_s) and f.wall_s <= time.time() for f in frames)


def test_a_broken_off_video_gives_what_it_has_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = write_video(tmp_path / "a.avi", count=60)
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with caplog.at_level(logging.WARNING), open_source(str(cut)) as source:
        frames = list(source.frames())
    assert 10 < len(frames) < 50
    assert "breaks off" in caplog.text


def test_a_whole_video_gives_no_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_source(str(write_video(tmp_path / "a.avi", count=60))) as source:
        assert len(list(source.frames())) == 60
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.mp4", b"", "empty"),
        ("notes.txt", b"just some words\n" * 50, "text"),
        ("a.mp4", b"#EXTM3U\nhttp://127.0.0.1:9/a.ts\n", "text"),
        ("a.mp4", bytes(range(256)) * 40, "video"),
    ],
)
def test_a_file_that_is_no_video_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, content: bytes, says: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    text = message(path)
    assert name in text
    assert says in text
    assert capfd.readouterr().err == ""


def test_a_video_cut_before_its_first_picture_is_named(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.avi", count=60)
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[:4096])
    assert "cut.avi" in message(cut)


def test_a_cut_mp4_is_named(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mp4", count=60, codec="mp4v")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert "cut.mp4" in message(cut)


@pytest.mark.data
def test_the_real_clip_is_timed_as_its_labels_say(shared_data: Path) -> None:
    rows = (shared_data / "front" / "front_bright.csv").read_text().split()[1:]
    with open_source(str(shared_data / "front" / "front_bright.avi")) as source:
        times = [f.t_s for f in source.frames()]
    assert times == pytest.approx([float(row.split(",")[1]) for row in rows], abs=1e-3)


# --- folders of pictures


def folder_of(path: Path, *names: str) -> Path:
    path.mkdir()
    for i, name in enumerate(names):
        assert cv2.imwrite(str(path / name), picture(i))
    return path


def test_pictures_come_in_natural_order_as_stills(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = folder_of(tmp_path / "p", "shot-10.png", "shot-2.png", "Shot-1.JPG", "other.webp")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "Thumbs.db").write_bytes(b"x")
    (folder / "more").mkdir()
    (folder / ".thumbnails").mkdir()
    with open_source(str(folder)) as source:
        frames = list(source.frames())
    assert [f.name for f in frames] == ["other.webp", "Shot-1.JPG", "shot-2.png", "shot-10.png"]
    assert source.stills
    assert source.total == 4
    assert all(math.isnan(f.t_s) and math.isfinite(f.wall_s) for f in frames)
    assert caplog.messages == [f"{folder}: left out are the folders in it: more"]


def test_one_picture_is_a_still_too(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "p", "a.png")
    with open_source(str(folder / "a.png"), started_at=5.0) as source:
        (frame,) = source.frames()
    assert source.stills
    assert frame.wall_s == 5.0
    assert np.array_equal(frame.image, picture(0))


@pytest.mark.parametrize("name", ["notes.txt", "README", "LICENSE", "labels.csv", "a.mp4"])
def test_a_folder_with_something_else_in_it_names_that(tmp_path: Path, name: str) -> None:
    folder = folder_of(tmp_path / "p", "a.png")
    (folder / name).write_text("hello")
    text = message(folder)
    assert name in text
    assert "not a picture" in text


def test_an_empty_folder_and_a_folder_of_folders(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    assert "no pictures" in message(tmp_path / "p")
    (tmp_path / "p" / "monday").mkdir()
    assert "monday" in message(tmp_path / "p")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".tif"])
def test_a_picture_that_breaks_off_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str
) -> None:
    folder = folder_of(tmp_path / "p", "a.png")
    ok, data = cv2.imencode(suffix, np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8))
    assert ok
    (folder / f"b{suffix}").write_bytes(data.tobytes()[: len(data) // 2])
    assert f"b{suffix}" in message(folder)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("content", [b"", b"this is text", b"\xff\xd8\xff\xd9"])
def test_a_file_that_only_calls_itself_a_picture_is_named(tmp_path: Path, content: bytes) -> None:
    folder = folder_of(tmp_path / "p", "a.png")
    (folder / "b.jpg").write_bytes(content)
    assert "b.jpg" in message(folder)


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    for spec in (write_video(tmp_path / "a.avi", count=2), folder_of(tmp_path / "p", "a.png"), "demo"):
        source = open_source(str(spec))
        source.close()
        source.close()
