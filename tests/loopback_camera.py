"""A camera on loopback: an MJPEG server that shows what it is told to, at the pace of the real clock.

It stands in for the one part that cannot be had here, a camera before a person,
and lets it do what cameras do: be unplugged, hang, go black, or freeze.
"""

from __future__ import annotations

import contextlib
import socketserver
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.sensing.opencv import cv2

Picture = npt.NDArray[np.uint8]
_BOUNDARY = "frame"


def jpegs(pictures: Sequence[Picture], quality: int = 85) -> list[bytes]:
    """Return pictures as a camera would send them."""
    return [bytes(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]) for p in pictures]


def clip(path: Path, *, every: int = 1, most: int = 10_000) -> list[Picture]:
    """Return the pictures of a clip."""
    capture = cv2.VideoCapture(str(path))
    found: list[Picture] = []
    number = 0
    while len(found) < most:
        ok, picture = capture.read()
        if not ok:
            break
        if number % every == 0:
            found.append(np.asarray(picture, dtype=np.uint8))
        number += 1
    capture.release()
    return found


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that left."""


class LoopbackCamera:
    """Serves pictures over and over; change `show` at any time.

    Parameters
    ----------
    pictures
        JPEGs, shown one after the other at `fps`.
    noise
        Sensor noise is not added here: pass pictures that have some.
    """

    def __init__(self, pictures: Sequence[bytes], fps: float = 30.0) -> None:
        self.fps = fps
        self.hanging = False
        self.clients = 0
        self.opened = 0
        self._pictures = list(pictures)
        self._began_s = time.monotonic()
        self._lock = threading.Lock()
        self._server: socketserver.BaseServer | None = None
        self._port = 0
        self._plugged = 0
        self.plug_in()

    @property
    def url(self) -> str:
        """What to give as ``--source``."""
        return f"http://127.0.0.1:{self._port}/"

    def show(self, pictures: Sequence[bytes]) -> None:
        """Show these from now on."""
        with self._lock:
            self._pictures = list(pictures)

    def plug_in(self) -> None:
        """Answer, at the same address as before."""
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera._serve(self)

            def log_message(self, *_args: Any) -> None:
                pass

        self._plugged += 1
        server = _Server(("127.0.0.1", self._port), Handler)
        self._port = server.server_address[1]
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def unplug(self) -> None:
        """End all streams, and answer nobody until `plug_in`."""
        self._plugged += 1
        if isinstance(self._server, _Server):
            self._server.shutdown()
            self._server.server_close()
        self._server = None

    def _serve(self, to: BaseHTTPRequestHandler) -> None:
        plugged = self._plugged
        with self._lock:
            self.clients += 1
            self.opened += 1
        try:
            to.send_response(200)
            to.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY}")
            to.end_headers()
            number = -1
            while plugged == self._plugged:
                # What a slow reader has missed is gone, and nobody who comes again sees it from the start.
                number = max(number + 1, int((time.monotonic() - self._began_s) * self.fps))
                if not self.hanging:
                    with self._lock:
                        data = self._pictures[number % len(self._pictures)]
                    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
                    to.wfile.write(head.encode() + data + b"\r\n")
                time.sleep(max(0.0, self._began_s + (number + 1) / self.fps - time.monotonic()))
        except OSError:
            pass
        finally:
            with self._lock:
                self.clients -= 1

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.unplug()

    def __enter__(self) -> LoopbackCamera:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
