"""What cameras offer and what is asked of them; the kernel's answers are laid out by its own header."""

from __future__ import annotations

import errno
import struct
import sys
from pathlib import Path

import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("Video4Linux is a Linux matter", allow_module_level=True)

from posture_monitor.sensing import v4l2
from posture_monitor.sensing.v4l2 import Mode, choose, modes

LAPTOP = [
    Mode("MJPG", 1280, 720, (30.0,)),
    Mode("MJPG", 640, 480, (15.0, 30.0)),
    Mode("YUYV", 640, 480, (5.0, 10.0, 15.0, 30.0)),
    Mode("YUYV", 320, 240, (5.0, 30.0)),
    Mode("YUYV", 1280, 720, (5.0, 10.0)),
]


class Kernel:
    """Answers the three requests for a camera of the given modes, as discrete lists or as ranges."""

    def __init__(self, offered: list[Mode], *, ranges: bool = False) -> None:
        self.offered, self.ranges = offered, ranges

    def __call__(self, device: int, request: int, data: bytearray, change: bool) -> int:
        i = struct.unpack_from("=I", data)[0]
        name = bytes(data[4:8]).decode("latin-1")
        if request == 0xC0405602:  # VIDIOC_ENUM_FMT
            assert struct.unpack_from("=I", data, 4)[0] == 1
            names = list(dict.fromkeys(mode.fourcc for mode in self.offered))
            data[44:48] = self._at(names, i).encode()
        elif request == 0xC02C564A:  # VIDIOC_ENUM_FRAMESIZES
            sizes = [(mode.width, mode.height) for mode in self.offered if mode.fourcc == name]
            if self.ranges:
                struct.pack_into("=7I", data, 8, 3, 160, 1920, 16, 120, 1080, 8)
            else:
                struct.pack_into("=3I", data, 8, 1, *self._at(sizes, i))
        else:
            assert request == 0xC034564B  # VIDIOC_ENUM_FRAMEINTERVALS
            size = struct.unpack_from("=II", data, 8)
            if self.ranges:
                struct.pack_into("=7I", data, 16, 3, 1, 60, 1, 2, 1, 60)
            else:
                found = [m.rates for m in self.offered if (m.fourcc, m.width, m.height) == (name, *size)]
                rate = self._at(list(found[0]), i)
                struct.pack_into("=3I", data, 16, 1, 1_000_000, round(rate * 1_000_000))
        return 0

    @staticmethod
    def _at(answers: list, i: int):
        if i >= len(answers):
            raise OSError(errno.EINVAL, "the list has ended")
        return answers[i]


def test_what_a_camera_lists_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "video0"
    node.touch()
    monkeypatch.setattr(v4l2.fcntl, "ioctl", Kernel(LAPTOP))
    assert sorted(modes(str(node)), key=LAPTOP.index) == LAPTOP


def test_of_ranges_the_size_that_is_wanted_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "video0"
    node.touch()
    monkeypatch.setattr(v4l2.fcntl, "ioctl", Kernel([Mode("YUYV", 0, 0, ())], ranges=True))
    assert modes(str(node), 640, 480) == [Mode("YUYV", 640, 480, (2.0, 60.0))]
    assert modes(str(node), 641, 5000) == [Mode("YUYV", 656, 1080, (2.0, 60.0))]


def test_what_is_no_camera_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert modes(str(tmp_path / "file")) == []  # the real ioctl, which refuses
    assert modes(str(tmp_path / "nothing")) == []


@pytest.mark.parametrize(
    ("offered", "fps", "asked"),
    [
        (LAPTOP, 10.0, ("YUYV", 640, 480, 10.0)),
        (LAPTOP, 12.0, ("YUYV", 640, 480, 15.0)),
        (LAPTOP, 20.0, ("MJPG", 640, 480, 30.0)),  # uncompressed would be too much for the bus
        ([mode for mode in LAPTOP if mode.fourcc == "MJPG"], 10.0, ("MJPG", 640, 480, 15.0)),
        ([Mode("YUYV", 640, 480, (30.0,))], 10.0, ("YUYV", 640, 480, 30.0)),
        ([Mode("YUYV", 640, 480, (30.0,)), Mode("MJPG", 640, 480, (30.0,))], 10.0, ("MJPG", 640, 480, 30.0)),
        ([Mode("YUYV", 640, 480, (5.0,)), Mode("MJPG", 640, 480, (30.0,))], 10.0, ("MJPG", 640, 480, 30.0)),
        ([Mode("YUYV", 320, 240, (30.0,)), Mode("YUYV", 160, 120, (30.0,))], 10.0, ("YUYV", 320, 240, 30.0)),
        (
            [Mode("YUYV", 1280, 720, (10.0,)), Mode("MJPG", 1280, 720, (30.0,))],
            10.0,
            ("MJPG", 1280, 720, 30.0),
        ),
        ([Mode("YUYV", 640, 480, (9.99, 30.0))], 10.0, ("YUYV", 640, 480, 9.99)),
        ([Mode("YUYV", 640, 480, ())], 10.0, ("YUYV", 640, 480, 10.0)),
    ],
)
def test_what_costs_least_and_does_is_asked(
    offered: list[Mode], fps: float, asked: tuple[str, int, int, float]
) -> None:
    chosen = choose(offered, 640, 480, fps)
    assert chosen is not None
    mode, rate = chosen
    assert (mode.fourcc, mode.width, mode.height, rate) == asked


def test_of_formats_nobody_knows_nothing_is_asked() -> None:
    assert choose([Mode("H264", 640, 480, (30.0,))], 640, 480, 10.0) is None
    assert choose([], 640, 480, 10.0) is None
