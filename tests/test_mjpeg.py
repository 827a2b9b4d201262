"""Network cameras over loopback, good and bad; each picture carries its number in its pixels."""

from __future__ import annotations

import base64
import contextlib
import gc
import itertools
import os
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_monitor.errors import UserError
from posture_monitor.sensing import mjpeg, stream
from posture_monitor.sensing.frame import Frame
from posture_monitor.sensing.mjpeg import Broken, Parts, size_of
from posture_monitor.sensing.stream import StreamSource
from posture_monitor.sensing.trouble import SourceTrouble, Trouble

pytestmark = pytest.mark.slow

_GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
_GRAIN = np.random.default_rng(0).integers(0, 60, (480, 640, 3), np.uint8)


def jpeg(number: int, *, grain: bool = False) -> bytes:
    """Return a picture with `number` in 16 bars; with `grain`, as large as a camera's."""
    image = _GRAIN.copy() if grain else np.full((48, 64, 3), 20, np.uint8)
    width = image.shape[1] // 16
    for bit in range(16):
        if number >> bit & 1:
            image[:, bit * width : (bit + 1) * width] += np.uint8(150)
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1])


def number(frame: Frame) -> int:
    assert frame.image is not None
    bars = frame.image.mean(axis=(0, 2)).reshape(16, -1).mean(axis=1)
    return sum(1 << bit for bit in range(16) if bars[bit] > 100)


def part(picture: bytes, *, length: int | None = None, boundary: bytes = b"frame") -> bytes:
    told = len(picture) if length is None else length
    return b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (boundary, told, picture)


Script = Callable[[socket.socket, bytes], None]


class Network:
    """Cameras on loopback; each connection is answered by a script."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.over = threading.Event()
        self._listening: list[socket.socket] = []

    def camera(self, *scripts: Script, address: str = "127.0.0.1") -> str:
        """Return the address of a camera that answers its first visitor by the first script, and so on."""
        listening = socket.create_server((address, 0))
        self._listening.append(listening)

        def answer(visitor: socket.socket, script: Script) -> None:
            with visitor, contextlib.suppress(OSError):
                request = b""
                while b"\r\n\r\n" not in request:
                    if not (more := visitor.recv(4096)):
                        return  # it went away without asking
                    request += more
                self.asked.append(request)
                script(visitor, request)

        def serve() -> None:
            for i in range(1000):
                try:
                    visitor = listening.accept()[0]
                except OSError:
                    return
                script = scripts[min(i, len(scripts) - 1)]
                threading.Thread(target=answer, args=(visitor, script), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        return f"http://{address}:{listening.getsockname()[1]}/video"

    def close(self) -> None:
        self.over.set()
        for listening in self._listening:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()


@pytest.fixture
def network() -> Iterator[Network]:
    made = Network()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SILENCE_S", 0.25)


def sends(*answers: bytes | float) -> Script:
    """Return a script of bytes to send and seconds to wait."""

    def script(visitor: socket.socket, request: bytes) -> None:
        for answer in answers:
            if isinstance(answer, float):
                time.sleep(answer)
            else:
                visitor.sendall(answer)

    return script


class Running:
    """A camera that takes pictures whether anybody watches or not, and sends each visitor the newest."""

    #: The numbers go round; long enough that what is stale is not taken for new.
    ROUND = 64

    def __init__(self, fps: float, *, form: Callable[[bytes], bytes] = part, grain: bool = True) -> None:
        self._fps, self._form = fps, form
        self._began = time.monotonic()
        self._made = [jpeg(n, grain=grain) for n in range(self.ROUND)]
        self.sent = 0

    def now(self) -> int:
        return int((time.monotonic() - self._began) * self._fps)

    def __call__(self, visitor: socket.socket, request: bytes) -> None:
        visitor.sendall(_GOOD)
        self.run(visitor)

    def run(self, visitor: socket.socket) -> None:
        last = self.now()
        while True:
            wait_s = self._began + (last + 1) / self._fps - time.monotonic()
            time.sleep(max(wait_s, 0.0))
            last = max(self.now(), last + 1)
            visitor.sendall(self._form(self._made[last % self.ROUND]))
            self.sent += 1


# --- good cameras


@pytest.mark.parametrize("every_s", [0.3, pytest.param(2.0, marks=pytest.mark.slow)])
def test_the_newest_picture_is_taken_however_long_nobody_looked(network: Network, every_s: float) -> None:
    running = Running(30)
    with StreamSource(network.camera(running)) as source:
        source.take(0.0)
        for _ in range(2):
            due_s = time.monotonic() + every_s
            frame = source.take(due_s)
            assert time.monotonic() - due_s < 0.35
            assert (running.now() - number(frame)) % Running.ROUND <= 3
            assert frame.image is not None
            assert frame.image.shape == (480, 640, 3)
    assert network.asked[0].startswith(b"GET /video HTTP/1.1\r\n")
    assert len(network.asked) == 1


def test_a_sender_that_queues_everything_is_caught_up_with(network: Network) -> None:
    began = time.monotonic()

    def queues(visitor: socket.socket, request: bytes) -> None:
        visitor.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        visitor.sendall(_GOOD)
        for i in range(1, 1000):
            time.sleep(max(began + i / 30 - time.monotonic(), 0.0))
            visitor.sendall(part(jpeg(i)))

    with StreamSource(network.camera(queues)) as source:
        source.take(0.0)
        time.sleep(1.5)
        asked = (time.monotonic() - began) * 30
        assert number(source.take(0.0)) >= asked - 1


def test_every_picture_is_seen_where_all_are_wanted(network: Network) -> None:
    running = Running(30, grain=False)
    with StreamSource(network.camera(running)) as source:
        seen = [number(frame) for frame, _ in zip(source.frames(), range(10), strict=False)]
    steps = [(b - a) % Running.ROUND for a, b in itertools.pairwise(seen)]
    assert sum(steps) <= 13
    assert min(steps) >= 1


@pytest.mark.parametrize(
    "form",
    [
        lambda p: b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + p + b"\r\n",  # no length
        lambda p: b"--frame\r\n\r\n" + p + b"\r\n",  # no headers
        lambda p: b"----frame\r\n\r\n" + p + b"\r\n",  # more dashes
        lambda p: b"--frame\r\n\r\n" + p,  # no line of its own
        lambda p: b"--frame\nContent-type: image/jpeg\n\n" + p + b"\n",  # lines end by halves
        lambda p: part(p, length=len(p) // 2),  # a length that is wrong
        lambda p: part(p, length=len(p) + 1000),
        lambda p: part(p, boundary=b"somethingElse"),  # not the boundary that was announced
        lambda p: part(p, boundary=b"--frame"),
        lambda p: part(p + bytes(3)),  # padded
        lambda p: b"\r\n\r\nnoise" + part(p),
    ],
)
def test_cameras_with_manners_of_their_own(network: Network, form: Callable[[bytes], bytes]) -> None:
    with StreamSource(network.camera(Running(50, form=form, grain=False))) as source:
        seen = [number(frame) for frame, _ in zip(source.frames(), range(4), strict=False)]
    assert all((b - a) % Running.ROUND in (1, 2, 3) for a, b in itertools.pairwise(seen))


def test_the_delimiter_behind_a_picture_belongs_to_the_next(network: Network) -> None:
    def behind(visitor: socket.socket, request: bytes) -> None:
        visitor.sendall(_GOOD + b"--frame\r\n")
        for i in range(1, 60):
            visitor.sendall(b"Content-Type: image/jpeg\r\n\r\n" + jpeg(i) + b"\r\n--frame\r\n")
            time.sleep(0.3)

    with StreamSource(network.camera(behind)) as source:
        assert number(source.take(0.0)) == 1
        time.sleep(0.1)
        assert number(source.take(0.0)) == 2, "it has come, although its delimiter came long before"
        time.sleep(0.7)
        assert number(source.take(0.0)) == 5, "two have been passed over"


def test_slow_cameras_are_waited_for(network: Network) -> None:
    trickle: list[bytes | float] = [_GOOD]
    data = part(jpeg(1)) + part(jpeg(2)) + part(jpeg(3))
    for at in range(0, len(data), 100):
        trickle += [data[at : at + 100], 0.005]
    with StreamSource(network.camera(sends(*trickle, 1.0))) as source:
        assert number(source.take(0.0)) == 1
        assert number(source.take(0.0)) in (2, 3)


def test_user_and_password_are_sent_and_not_shown(network: Network) -> None:
    url = (
        network.camera(sends(_GOOD, part(jpeg(7)), 0.3)).replace("http://", "http://me:p%40ss@")
        + "?key=secret"
    )
    with StreamSource(url) as source:
        assert number(source.take(0.0)) == 7
        assert "p%40ss" not in source.name + source.identity
        assert "secret" not in source.name + source.identity
    told = base64.b64encode(b"me:p@ss")
    assert b"Authorization: Basic " + told in network.asked[0]
    assert network.asked[0].startswith(b"GET /video?key=secret ")


def test_a_query_with_a_blank_in_it_is_not_shown_either(network: Network) -> None:
    with pytest.raises(SourceTrouble, match="write blanks in the address as %20") as caught:
        StreamSource(network.camera(sends()) + "?password=my secret")
    assert "secret" not in str(caught.value)


def test_an_answer_cannot_steer_the_terminal(network: Network) -> None:
    with pytest.raises(SourceTrouble, match=r"the answer is 500 \[2Jgone") as caught:
        StreamSource(network.camera(sends(b"HTTP/1.1 500 \x1b[2Jgone\r\n\r\n")))
    assert str(caught.value).isprintable()


def test_a_camera_sends_us_on_within_itself_only(network: Network) -> None:
    there = b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"
    with StreamSource(network.camera(sends(there), sends(_GOOD, part(jpeg(3)), 0.3))) as source:
        assert number(source.take(0.0)) == 3
    assert network.asked[1].startswith(b"GET /other ")
    away = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.9:1/other\r\nContent-Length: 0\r\n\r\n"
    with pytest.raises(SourceTrouble, match="another machine"):
        StreamSource(network.camera(sends(away)))
    with pytest.raises(SourceTrouble, match="in circles"):
        StreamSource(network.camera(sends(there)))


def test_a_chunked_answer_is_read(network: Network) -> None:
    def chunk(data: bytes) -> bytes:
        return b"%x\r\n%s\r\n" % (len(data), data)

    head = _GOOD[:-2] + b"Transfer-Encoding: chunked\r\n\r\n"
    data = part(jpeg(5))
    with StreamSource(network.camera(sends(head, chunk(data[:50]), chunk(data[50:]), 0.3))) as source:
        assert number(source.take(0.0)) == 5


def test_a_camera_at_rest_is_not_connected(network: Network) -> None:
    gone = threading.Event()

    def until_gone(visitor: socket.socket, request: bytes) -> None:
        visitor.sendall(_GOOD + part(jpeg(1)))
        while visitor.recv(100):
            pass
        gone.set()

    with StreamSource(network.camera(until_gone, sends(_GOOD, part(jpeg(2)), 0.3))) as source:
        assert number(source.take(0.0)) == 1
        source.rest()
        assert gone.wait(2)
        assert number(source.take(0.0)) == 2


def test_what_only_opencv_reads_is_read_by_it_and_kept_up_with(network: Network) -> None:
    running = Running(30, form=bytes)  # JPEG after JPEG, with nothing between

    def bare(visitor: socket.socket, request: bytes) -> None:
        visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: video/x-motion-jpeg\r\n\r\n")
        running.run(visitor)

    with StreamSource(network.camera(bare)) as source:
        source.take(0.0)
        for _ in range(2):
            frame = source.take(time.monotonic() + 0.5)
            assert (running.now() - number(frame)) % Running.ROUND <= 5
    assert len(network.asked) == 2  # ours, and OpenCV's


def test_a_closed_source_leaves_nothing_behind(network: Network) -> None:
    gc.collect()  # what other tests left behind

    def held() -> tuple[int, int]:
        names = [thread.name for thread in threading.enumerate() if thread.name.startswith("camera ")]
        return len(names), len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0

    def kept(now: tuple[int, int], most: tuple[int, int]) -> bool:
        return all(count <= limit for count, limit in zip(now, most, strict=True))

    url = network.camera(lambda visitor, _: visitor.sendall(_GOOD + part(jpeg(1))))
    before: tuple[int, int] | None = None
    for _ in range(4):
        with StreamSource(url) as source:
            source.take(0.0)
        source.close()
        until_s = time.monotonic() + 2
        while before is not None and not kept(held(), before) and time.monotonic() < until_s:
            time.sleep(0.01)  # the camera's end of it closes a moment later
        before = before or held()
        # Of the first round the camera's end may have been counted as well; what is left behind adds up.
        assert kept(held(), before)
    assert before is not None
    assert before[0] == 0


# --- bad ones


def test_a_camera_that_drops_who_does_not_read_is_asked_again(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "_DROPPED_S", 0.1)
    url = network.camera(sends(_GOOD, part(jpeg(1)), 0.1), sends(_GOOD, part(jpeg(2)), 0.3))
    with StreamSource(url) as source:
        assert number(source.take(0.0)) == 1
        assert number(source.take(time.monotonic() + 0.2)) == 2


def test_a_stream_that_is_cut_in_the_middle_of_a_picture_is_gone(network: Network) -> None:
    with StreamSource(network.camera(sends(_GOOD, part(jpeg(1)), part(jpeg(2))[:300]))) as source:
        assert number(source.take(0.0)) == 1
        with pytest.raises(SourceTrouble, match="stopped giving pictures") as caught:
            source.take(0.0)
    assert caught.value.trouble is Trouble.GONE


def test_half_a_picture_is_passed_over(network: Network) -> None:
    half = part(jpeg(2, grain=True)[:5000])
    parts = [answer for i in (1, 3, 4) for answer in (half, 0.03, part(jpeg(i)), 0.03)]
    with StreamSource(network.camera(sends(_GOOD, *parts, 0.5))) as source:
        seen = [number(frame) for frame, _ in zip(source.frames(), range(2), strict=False)]
    assert seen in ([1, 3], [1, 4], [3, 4])


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("begun", [b"", part(jpeg(2))[:300]])
def test_a_camera_that_falls_silent_hangs(network: Network, begun: bytes) -> None:
    stalls = network.camera(sends(_GOOD, part(jpeg(1)), begun, 20.0))
    with StreamSource(stalls) as source:
        source.take(0.0)
        asked_s = time.monotonic()
        with pytest.raises(SourceTrouble, match="no picture for") as caught:
            source.take(0.0)
        assert time.monotonic() - asked_s < 1.5
        assert caught.value.trouble is Trouble.HANGS
        closed_s = time.monotonic()
    assert time.monotonic() - closed_s < 0.5


@pytest.mark.usefixtures("impatient")
def test_a_camera_that_dribbles_without_end_hangs(network: Network) -> None:
    def dribbles(visitor: socket.socket, request: bytes) -> None:
        visitor.sendall(_GOOD + part(jpeg(1)) + b"--frame\r\nContent-Length: 50000\r\n\r\n")
        while not network.over.wait(0.05):
            visitor.sendall(b"x")

    with StreamSource(network.camera(dribbles)) as source:
        source.take(0.0)
        with pytest.raises(SourceTrouble, match="no picture for") as caught:
            source.take(0.0)
    assert caught.value.trouble is Trouble.HANGS


@pytest.mark.usefixtures("impatient")
def test_a_camera_that_never_answers_is_not_waited_for(network: Network) -> None:
    asked_s = time.monotonic()
    with pytest.raises(SourceTrouble, match="no stream could be opened") as caught:
        StreamSource(network.camera(sends(20.0)))
    assert time.monotonic() - asked_s < 1.5
    assert caught.value.trouble is Trouble.GONE


def test_giant_parts_and_endless_garbage_end_the_stream(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mjpeg, "LARGEST_PART", 1 << 20)
    announced = b"--frame\r\nContent-Length: 99999999999\r\n\r\n\xff\xd8"
    endless = b"--frame\r\n\r\n\xff\xd8" + bytes(4 << 20)
    garbage = bytes(range(256)) * (16 << 10)
    for bad in (announced, endless, garbage):
        with StreamSource(network.camera(sends(_GOOD, bad, bad, 0.5))) as source:
            with pytest.raises(SourceTrouble) as caught:
                source.take(0.0)
            assert caught.value.trouble is Trouble.GONE


def test_a_picture_that_claims_to_be_vast_is_not_decoded(network: Network) -> None:
    vast = bytearray(jpeg(1))
    at = vast.index(b"\xff\xc0")
    vast[at + 5 : at + 9] = struct.pack(">HH", 65000, 65000)
    assert size_of(bytes(vast)) == (65000, 65000)
    bad = [answer for _ in range(20) for answer in (part(bytes(vast)), 0.03)]
    with StreamSource(network.camera(sends(_GOOD, *bad))) as source, pytest.raises(SourceTrouble):
        source.take(0.0)


@pytest.mark.parametrize(
    ("answer", "trouble", "says"),
    [
        (b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n\r\n", Trouble.PERMISSION, "password"),
        (b"HTTP/1.1 403 No\r\n\r\n", Trouble.PERMISSION, "password"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Trouble.GONE, "404 Not Found"),
        (b"HTTP/1.1 503 Busy\r\n\r\n", Trouble.GONE, "503 Busy"),
        (b"this is no HTTP\r\n\r\n", Trouble.GONE, "no stream"),
        (b"", Trouble.GONE, "no stream"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>hello</p>", Trouble.GONE, "is text/html"),
        (b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest\r\n\r\n", Trouble.PERMISSION, "password"),
        (b"\x1b[2J\x9b" + 5000 * b"\xff" + b"\r\n\r\n", Trouble.GONE, "no stream"),
        (b"HTTP/1.1 500 \x1b]0;a\x07" + 5000 * b"b" + b"\r\n\r\n", Trouble.GONE, "the answer is 500"),
    ],
)
def test_no_stream_says_why(network: Network, answer: bytes, trouble: Trouble, says: str) -> None:
    with pytest.raises(SourceTrouble, match=says) as caught:
        StreamSource(network.camera(sends(answer)).replace("//", "//me:secret@"))
    assert caught.value.trouble is trouble
    assert "secret" not in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("path", ["a b", "a\x01b", "ä"])
def test_strange_addresses_are_one_clear_line(network: Network, path: str) -> None:
    with pytest.raises(UserError) as caught:
        StreamSource(network.camera(sends(b"HTTP/1.1 404 No\r\n\r\n")).replace("video", path))
    assert "\n" not in str(caught.value)


def test_closing_from_another_thread_ends_a_take_that_waits(network: Network) -> None:
    source = StreamSource(network.camera(sends(_GOOD, part(jpeg(1)), 20.0)))
    source.take(0.0)
    threading.Timer(0.1, source.close).start()
    began_s = time.monotonic()
    with pytest.raises(SourceTrouble, match="was closed"):
        source.take(0.0)
    assert time.monotonic() - began_s < 1
    with pytest.raises(SourceTrouble, match="was closed"):
        source.take(0.0)


def test_a_proxy_is_asked_only_where_the_environment_says_so(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = network.camera(sends(_GOOD, part(jpeg(1)), 0.2))
    proxy = network.camera(sends(b"HTTP/1.1 502 Nobody\r\n\r\n"))
    monkeypatch.setenv("http_proxy", proxy.removesuffix("/video"))
    with pytest.raises(UserError):
        StreamSource(url)
    assert all(url.encode() in request for request in network.asked)
    network.asked.clear()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with StreamSource(url) as source:
        source.take(0.0)
    assert network.asked[0].startswith(b"GET /video ")


# --- the parser alone


@given(st.lists(st.binary(max_size=200), max_size=20))
@settings(max_examples=100)
def test_any_bytes_are_survived(chunks: list[bytes]) -> None:
    parts = Parts("frame")
    for chunk in chunks:
        parts.feed(chunk.replace(b"f", b"--frame\r\n").replace(b"e", b"\r\n\r\n"))
        with contextlib.suppress(Broken):
            while parts.next() is not None:
                pass


def test_delimiters_without_end_are_survived() -> None:
    parts = Parts("frame")
    parts.feed(b"--frame" * 5000)
    assert parts.next() is None
    parts.feed(b"\r\n\r\n" + jpeg(1) + bytes(20_000) + part(jpeg(2)))
    seen = []
    while (picture := parts.next()) is not None:
        seen.append(picture)
    assert seen[-1] == jpeg(2)


@given(st.data())
@settings(max_examples=50)
def test_pictures_come_whole_however_the_bytes_are_cut(data: st.DataObject) -> None:
    pictures = [jpeg(i) for i in range(4)]
    sent = b"".join(
        data.draw(
            st.sampled_from(
                [
                    part(picture),
                    part(picture, length=0),
                    part(picture, length=len(picture) - 9),
                    b"--frame\r\n\r\n" + picture + b"\r\n",
                ]
            )
        )
        for picture in pictures
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=30)))
    parts, seen = Parts("frame"), []
    for begin, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        parts.feed(sent[begin:end])
        while (picture := parts.next()) is not None:
            seen.append(picture)
    assert [zlib.crc32(picture.rstrip(b"\r\n")) for picture in seen] == [zlib.crc32(p) for p in pictures]


def test_a_read_can_be_broken_off_while_the_connection_is_being_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, theirs = socket.socketpair()
    closing = iter([ours, None])
    monkeypatch.setattr(mjpeg.MjpegStream, "_socket", property(lambda _self: next(closing)), raising=False)
    object.__new__(mjpeg.MjpegStream).abort()
    assert theirs.recv(1) == b"", "the other end hears of it"
    ours.close()
    theirs.close()
