"""Pictures of a network camera that sends JPEG after JPEG over HTTP (``multipart/x-mixed-replace``).

OpenCV's own reader decodes every picture that comes. A look every few seconds
wants one in a hundred: here all others are passed over as bytes, or are never
sent, since a connection that nobody reads from holds the sender back.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import re
import socket
import ssl
import time
from typing import Final
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from posture_monitor.sensing.trouble import Trouble

#: A larger picture is none of a camera's: 4K in best quality has 4 million bytes.
LARGEST_PART: Final = 8 << 20
_LARGEST_HEAD: Final = 16 << 10
#: More pixels than any camera has; a few bytes can claim so many that decoding them takes all memory.
LARGEST_PICTURE: Final = 50_000_000
#: Of the kernel, for what has come and is not read: about one picture, so that little of it is stale.
_KEPT: Final = 64 << 10
_AT_ONCE: Final = 64 << 10
#: What lay in buffers comes without a pause, or with those of the network's own round trips; the
#: next picture of a camera with 30 a second is up to 33 ms away.
_PAUSE_S: Final = 0.012
#: What a camera sends within this time from its answer on is new.
_JUST_OPENED_S: Final = 0.5
#: A sender that never pauses is drained for so long; then the newest picture has to do.
_DRAIN_S: Final = 1.0
_REDIRECTIONS: Final = 5
#: Of what a camera says by itself, so many characters are told.
_LONGEST_WORDS: Final = 60
#: What may stand between a picture and the delimiter.
_PADDING: Final = b"\r\n\0"

#: A delimiter with headers after it, for streams whose boundary is not the one they announce.
_DELIMITED = re.compile(rb"--([^\r\n]{1,200})\r?\n(?:[A-Za-z-]+:[^\r\n]*\r?\n)+\r?\n")
#: What follows a delimiter: the end of its line, headers, an empty line.
_HEAD = re.compile(rb"[^\n]*\n((?:[^\r\n]+\r?\n)*)\r?\n")
_CONTENT_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class Refused(Exception):  # noqa: N818 (named for what it says)
    """No stream, and nobody else will get one there either."""

    def __init__(self, why: str, trouble: Trouble) -> None:
        super().__init__(why)
        self.trouble = trouble


class Unsuited(Refused):
    """What answers there is no stream for this reader; OpenCV may know what to do with it."""


class Broken(Exception):  # noqa: N818
    """The stream ended, was cut off, or makes no sense."""


class Parts:
    """Cuts a stream of bytes into pictures; what is damaged is passed over.

    Parameters
    ----------
    boundary
        As announced, with or without dashes; ``""`` if it was not.
    """

    def __init__(self, boundary: str) -> None:
        self._delimiter = _delimiter(boundary.encode("latin-1", "replace"))
        #: Whether it has met the delimiter, and so finds it again.
        self.known = False
        self._buffer = bytearray()
        self._passed = 0
        #: Where the part in hand says to end, or -1: at the next delimiter. None: between parts.
        self._length: int | None = None

    @property
    def inside(self) -> bool:
        """Whether a picture has begun and not ended."""
        return self._length is not None and len(self._buffer) > 0

    def feed(self, data: bytes | memoryview) -> None:
        """Take more of the stream."""
        self._buffer += data

    def restart(self) -> None:
        """Forget what was fed; what comes next may begin anywhere in the stream."""
        self._buffer.clear()
        self._length, self._passed = None, 0

    def next(self) -> bytes | None:
        """Return the next whole picture, or None where more is needed; `Broken` where none will come."""
        while True:
            if self._length is None and not self._begin():
                return None
            picture = self._end()
            if picture is None:
                return None
            if _whole(picture, len(picture), _PADDING + b"-"):  # some put more dashes before a delimiter
                self._passed = 0
                return picture

    def _begin(self) -> bool:
        """Go behind the headers of the next part."""
        buffer, head = self._buffer, None
        while head is None:
            at = -1 if self._delimiter is None else buffer.find(self._delimiter)
            if at < 0 and not self.known and (found := _DELIMITED.search(buffer)):
                self._delimiter, at = _delimiter(found[1]), found.start()
            if at < 0 or self._delimiter is None:
                self._forget(len(buffer) - _LARGEST_HEAD)
                return False
            behind = at + len(self._delimiter)
            head = _HEAD.match(buffer, behind, behind + _LARGEST_HEAD)
            if head is None:
                if len(buffer) < behind + _LARGEST_HEAD:
                    return False
                self._forget(behind)  # no headers follow; look for another delimiter
        told = _CONTENT_LENGTH.search(head[1])
        self._length = int(told[1]) if told and int(told[1]) else -1
        if self._length > LARGEST_PART:
            raise Broken(f"a picture of {self._length} bytes is announced")
        self.known = True
        del buffer[: head.end()]
        return True

    def _end(self) -> bytes | None:
        """Return the part in hand when all of it is there."""
        buffer = self._buffer
        assert self._length is not None
        assert self._delimiter is not None
        if self._length >= 0:
            if len(buffer) < self._length:
                return None
            if _whole(buffer, self._length):
                return self._cut(self._length)
            self._length = -1  # the length is wrong, or the picture damaged: the delimiter tells
        at = buffer.find(self._delimiter)
        if at >= 0:
            return self._cut(at)
        # Many senders write the delimiter before a picture, not after it: do not wait for that one.
        if _whole(buffer, len(buffer)):
            return self._cut(len(buffer))
        if len(buffer) > LARGEST_PART:
            raise Broken("a picture does not end")
        return None

    def _cut(self, end: int) -> bytes:
        with memoryview(self._buffer) as view:
            picture = bytes(view[:end])
        self._length = None
        self._forget(end)
        return picture

    def _forget(self, count: int) -> None:
        if count > 0:
            del self._buffer[:count]
            self._passed += count
            if self._passed > 2 * LARGEST_PART:
                raise Broken("there are no pictures in it")


class MjpegStream:
    """A connection to a camera; `newest` reads pictures from it.

    Parameters
    ----------
    url
        ``http://`` or ``https://`` address; user and password in it are sent (basic authentication).
    connect_s, silence_s
        Limits for the camera to answer, and for it to send anything at all.

    Raises
    ------
    Unsuited, Refused
        If no such stream is to be had there.
    """

    def __init__(self, url: str, *, connect_s: float, silence_s: float) -> None:
        self._url, self._connect_s, self._silence_s = url, connect_s, silence_s
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        self._socket: socket.socket | None = None
        #: Of the answer itself, nothing lies in the response's own buffer any more.
        self._bare = False
        # Two, so that what came before is still there; and always the same, since what a process
        # takes and gives back all day leaves its memory in pieces.
        self._came, self._before = (memoryview(bytearray(_AT_ONCE)) for _ in range(2))
        self._read_s, self._begun = 0.0, False
        self._open()

    def newest(self, due_s: float) -> tuple[float, bytes]:
        """Return the first picture sent from `due_s` or from now on: when it had come, and as JPEG.

        Raises
        ------
        Broken
            If the stream has ended.
        """
        began_s = time.monotonic()
        # No more can lie in buffers than came while nobody read.
        idle_s = began_s - self._read_s
        pause_s = min(_PAUSE_S, idle_s / 4)
        caught_up = fresh = idle_s < (_PAUSE_S if self._begun else _JUST_OPENED_S)
        self._begun = True
        # What lies in buffers is not even searched for pictures: it may be a hundred of them.
        passing = not caught_up and self._parts.known
        before, lost = memoryview(b""), False
        # One that never pauses is taken at its word by then.
        over_s = max(due_s, began_s + _DRAIN_S)
        come_s = began_s
        while True:
            while not passing and (picture := self._parts.next()) is not None:
                if fresh or come_s >= over_s:
                    self._read_s = time.monotonic()
                    return come_s, picture
                fresh = caught_up
            asked_s = time.monotonic()
            data = self._receive()
            come_s = time.monotonic()
            paused = come_s >= due_s and come_s - asked_s >= pause_s
            if passing and (paused or come_s >= over_s):
                passing = False
                self._catch_up(before, lost)
            if paused:
                caught_up = True
                fresh = fresh or not self._parts.inside
            if passing:
                before, lost = data, len(before) > 0
            else:
                self._parts.feed(data)

    def abort(self) -> None:
        """Let a read that waits come back; from any thread."""
        held = self._socket  # it may be closed meanwhile
        if held is not None:
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        self.abort()
        for held in (self._response, self._connection):
            if held is not None:
                held.close()
        self._response = self._connection = self._socket = None

    def _catch_up(self, before: memoryview, lost: bool) -> None:
        """Go on with the latest of what was passed over: it may end with the next picture's delimiter."""
        if lost:
            self._parts.restart()
        self._parts.feed(before)
        while self._parts.next() is not None:
            pass

    def _receive(self) -> memoryview:
        """Return what has come; it stays as it is until the next but one call."""
        if self._response is None or self._socket is None:
            raise Broken("the connection is closed")
        self._came, self._before = self._before, self._came
        try:
            if self._bare:
                count = self._socket.recv_into(self._came)
            else:
                # The first reading takes all that came together with the headers.
                data = self._response.read1(_AT_ONCE)
                count = len(data)
                self._came[:count] = data
                self._bare = not self._response.chunked
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Broken(_words(error) or "the connection broke off") from error
        if not count:
            raise Broken("the stream ended")
        return self._came[:count]

    def _open(self) -> None:
        url = self._url
        for _ in range(_REDIRECTIONS):
            try:
                response = self._ask(urlsplit(url))
            except ssl.SSLError as error:
                raise Unsuited(_words(error), Trouble.GONE) from error
            except http.client.InvalidURL:  # whose text holds the query, and so perhaps a password
                raise Refused("write blanks in the address as %20", Trouble.GONE) from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise Refused(_words(error) or "no answer", Trouble.GONE) from error
            if response.status not in (301, 302, 303, 307, 308):
                return self._accept(response)
            url = self._redirected(url, response.getheader("Location", ""))
            self.close()
        raise Refused("it sends us round in circles", Trouble.GONE)

    def _ask(self, url: SplitResult) -> http.client.HTTPResponse:
        kind = http.client.HTTPSConnection if url.scheme.lower() == "https" else http.client.HTTPConnection
        self._connection = kind(url.hostname or "", url.port, timeout=self._connect_s)
        self._connection.connect()
        self._socket = self._connection.sock
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KEPT)
        headers = {"User-Agent": "posture-monitor", "Accept": "*/*", "Connection": "close"}
        mine = urlsplit(self._url)
        if mine.username is not None:
            pair = f"{unquote(mine.username)}:{unquote(mine.password or '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        path = (url.path or "/") + (f"?{url.query}" if url.query else "")
        self._connection.request("GET", path, headers=headers)
        self._response = self._connection.getresponse()
        return self._response

    def _redirected(self, url: str, where: str) -> str:
        try:
            there = urlsplit(urljoin(url, where))
            known = there.scheme in ("http", "https") and there.hostname == urlsplit(url).hostname
            open_now = urlsplit(url).scheme.lower() == "https" and there.scheme == "http"
        except ValueError:
            known, open_now = False, False
        if not where or not known or open_now:
            self.close()
            raise Refused("it sends us on to another machine; give that one's address", Trouble.GONE)
        return there.geturl()

    def _accept(self, response: http.client.HTTPResponse) -> None:
        status, kind = response.status, response.headers.get_content_type()
        if status == 200 and kind.startswith("multipart/"):
            assert self._socket is not None
            # The caller waits no longer than this; a read that still waits then is let go.
            self._socket.settimeout(self._silence_s)
            self._parts = Parts(str(response.headers.get_param("boundary", "") or ""))
            self._bare = False
            self._read_s, self._begun = time.monotonic(), False
            return
        digest = "digest" in response.getheader("WWW-Authenticate", "").lower()
        self.close()
        if status == 200:
            raise Unsuited(f"the answer is {_words(kind)}", Trouble.GONE)
        if status in (401, 403):
            known = Unsuited if status == 401 and digest else Refused
            raise known("user or password are not accepted", Trouble.PERMISSION)
        raise Refused(f"the answer is {status} {_words(response.reason)}", Trouble.GONE)


def _words(told: object) -> str:
    """Return what was told as a few words that any terminal can show: a camera may have sent any bytes."""
    text = " ".join("".join(c if c.isascii() and c.isprintable() else " " for c in str(told)).split())
    return text if len(text) <= _LONGEST_WORDS else f"{text[:_LONGEST_WORDS]}…"


def size_of(jpeg: bytes) -> tuple[int, int]:
    """Return width and height that a JPEG's header claims; zeros where it has none."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return 0, 0


def _delimiter(boundary: bytes) -> bytes | None:
    # Some announce the boundary with the dashes that belong before it.
    name = boundary.strip().strip(b'"').lstrip(b"-")
    return b"--" + name if name else None


def _whole(data: bytes | bytearray, end: int, padding: bytes = _PADDING) -> bool:
    """Whether `data` up to `end` begins and ends as a JPEG does."""
    tail = data[max(end - 16, 0) : end].rstrip(padding)
    return data.startswith(b"\xff\xd8") and tail.endswith(b"\xff\xd9")
