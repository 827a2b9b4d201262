"""Bodies in pictures: the one module that imports MediaPipe.

MediaPipe sends usage metrics to its maker: once a minute, and again when a
landmarker is closed, a thread of its native library looks up a Google host and
posts to it, and no option turns that off. The library's uploader (libcurl)
obeys ``https_proxy``, read anew at each upload, so `_keep_in` points that at a
loopback port where nothing listens, for as long as the process lives. What is
left is one refused connection to this very machine; ``tests/test_network.py``
traces it. On Windows and macOS the uploader is another, which `uploads` keeps in.

The variable is set in the C environment only: `os.environ`, and with it
Python's own HTTP clients and every child started with ``env=dict(os.environ)``,
keep the user's proxy settings. A child started *without* ``env`` inherits the
blocked one: give it ``env=dict(os.environ)`` if it is to reach the network.
"""

from __future__ import annotations

import contextlib
import functools
import locale
import logging
import math
import os
import re
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.errors import UserError
from posture_monitor.posture.landmarks import COUNT
from posture_monitor.sensing import uploads
from posture_monitor.sensing.brightening import brightened
from posture_monitor.sensing.graphics import ADVICE
from posture_monitor.sensing.opencv import cv2

log = logging.getLogger(__name__)

NOWHERE = f"http://{uploads.HOST}:{uploads.PORT}"
# Where the metrics go, seen in a trace of mediapipe 1.2.3.
_METRICS_HOST = "play.googleapis.com"

#: How Linux, Windows (by way of Python) and macOS tell of a library that does not load.
_NOT_LOADED = ("shared object", "Could not find module", "[WinError", "dlopen(")


class PoseEstimator:
    """Finds people in frames, each as 33 landmarks. Close it, or use it in ``with``.

    Parameters
    ----------
    path
        The pose landmarker bundle, see `posture_monitor.sensing.model.ensure_model`.
    stills
        Each picture stands alone (MediaPipe's IMAGE mode); else they are one
        stream (VIDEO mode), in which a person once found is followed.

    Notes
    -----
    Two people are told apart in stills, one in a stream: a stream with fewer
    people than asked for runs the detector on every frame, which costs half as
    much again, goes without MediaPipe's smoothing and, in our clips of two and
    three people, still found only one.

    Raises
    ------
    UserError
        MediaPipe refuses the bundle, or cannot be loaded.
    """

    def __init__(self, path: Path, *, stills: bool) -> None:
        self._landmarker: Any = None
        self.stills = stills
        self._last_ms = -1
        mediapipe = _mediapipe()
        vision = mediapipe.tasks.vision
        asset: dict[str, Any] = {"model_asset_path": str(path)}
        if sys.platform == "win32":
            # By its name MediaPipe opens no file there whose path has letters beyond ASCII, as a user's may.
            with contextlib.suppress(OSError):
                asset = {"model_asset_buffer": path.read_bytes()}
        options = vision.PoseLandmarkerOptions(
            base_options=mediapipe.tasks.BaseOptions(**asset),
            running_mode=vision.RunningMode.IMAGE if stills else vision.RunningMode.VIDEO,
            num_poses=2 if stills else 1,
        )
        try:
            with _quiet(), _plain_letters():
                self._landmarker = vision.PoseLandmarker.create_from_options(options)
        except (OSError, ValueError, RuntimeError) as error:
            if path.is_file() and any(words in str(error) for words in _NOT_LOADED):
                raise UserError(f"MediaPipe cannot be loaded ({error}); {ADVICE}") from error
            raise UserError(
                f"{path}: MediaPipe refuses this pose model ({_first_line(error)}); "
                'give another bundle as model.path, or "" for the program\'s own'
            ) from error
        _open_ones.add(self)

    def detect(self, image: npt.NDArray[Any], t_s: float = math.nan) -> npt.NDArray[np.float32]:
        """Return the people in a picture.

        Parameters
        ----------
        image
            ``(height, width, 3)`` BGR, uint8.
        t_s
            Seconds since the stream began, growing; unused for stills.

        Returns
        -------
        ndarray
            ``(P, 33, 4)`` float32, ``P`` from 0 to 2: x and y normalised
            to the picture, z relative depth, visibility 0..1.

        Raises
        ------
        RuntimeError
            MediaPipe failed on this picture.
        """
        mediapipe = _mediapipe()
        rgb = np.asarray(cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2RGB), dtype=np.uint8)
        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=brightened(rgb))
        try:
            with contextlib.nullcontext() if _Noise.over else _quiet():
                if self.stills:
                    result = self._landmarker.detect(picture)
                else:
                    # MediaPipe refuses a time that is not at least a millisecond after the last.
                    self._last_ms = max(round(t_s * 1000), self._last_ms + 1)
                    result = self._landmarker.detect_for_video(picture, self._last_ms)
        except (ValueError, RuntimeError) as error:
            height, width = image.shape[:2]
            raise RuntimeError(
                f"the pose model failed on a {width}×{height} picture: {_first_line(error)}"
            ) from error
        found = [[(p.x, p.y, p.z, p.visibility or 0.0) for p in person] for person in result.pose_landmarks]
        _Noise.over = _Noise.over or bool(found)
        return np.array(found, dtype=np.float32).reshape(-1, COUNT, 4)

    def close(self) -> None:
        """Let go of the model. Safe to call twice."""
        landmarker, self._landmarker = self._landmarker, None
        if landmarker is not None:
            with _quiet():
                landmarker.close()

    def __enter__(self) -> PoseEstimator:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()


_open_ones: weakref.WeakSet[PoseEstimator] = weakref.WeakSet()


def _close_all() -> None:
    for estimator in list(_open_ones):
        estimator.close()


@functools.cache
def _mediapipe() -> Any:
    _keep_in()
    try:
        with _without_extras():
            import mediapipe
    except (ImportError, OSError) as error:
        raise UserError(
            f"mediapipe cannot be imported ({_first_line(error)}); "
            f"run `{sys.executable} -m pip install 'mediapipe>=1.2,<2'` and `posture-monitor doctor`"
        ) from error
    uploads.keep_in(Path(mediapipe.__file__).parent)
    # A landmarker does its work, closing included, in a thread pool. The
    # interpreter shuts the pools down before it runs `atexit`, and a landmarker
    # still open then prints a traceback. Only this hook, which the pools
    # themselves use, comes earlier: last registered, first called, so theirs
    # has to be there already.
    import concurrent.futures.thread  # noqa: F401

    threading._register_atexit(_close_all)  # type: ignore[attr-defined]
    return mediapipe


@contextlib.contextmanager
def _without_extras() -> Iterator[None]:
    """Keep MediaPipe from loading what only drawing results in 3-D and recording sound would need.

    Matplotlib costs more than half a second and 35 MB: an empty module stands in
    while MediaPipe is loaded. Sounddevice searches for PortAudio with the help of
    compiler and linker, where there are any; MediaPipe does without. Nothing of
    this is left after: whoever wants the real ones gets them.
    """
    plain, part = (ModuleType(name) for name in ("matplotlib", "matplotlib.pyplot"))
    plain.pyplot = part  # type: ignore[attr-defined]
    standing_in = {plain.__name__: plain, part.__name__: part, "sounddevice": None}
    ours = {name: module for name, module in standing_in.items() if name not in sys.modules}
    sys.modules.update(ours)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in ours:
            sys.modules.pop(name, None)


def _keep_in() -> None:
    """Leave MediaPipe's metrics upload no way out, see above."""
    # Not http_proxy: the upload is https, and FFmpeg reads it for http:// cameras.
    os.putenv("https_proxy", NOWHERE)
    # A user's exception for the host would let the upload past the proxy.
    kept = _without_metrics_host(os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "")
    # Never empty: libcurl would then turn to NO_PROXY, which may hold the exception.
    os.putenv("no_proxy", ",".join(kept) or "localhost")


def _without_metrics_host(no_proxy: str) -> list[str]:
    """Return the entries of a ``no_proxy`` list that cover no host of Google's."""
    names = [entry for entry in re.split(r"[,\s]+", no_proxy) if entry]
    return [
        entry
        for entry in names
        if (name := entry.lower().strip("*."))
        and "google" not in name
        and not f".{_METRICS_HOST}".endswith(f".{name}")
    ]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


class _Noise:
    """What MediaPipe's libraries write to stderr, and whether all of it has been seen.

    They do so past every log level that can be set from outside (GLOG_minloglevel,
    TF_CPP_MIN_LOG_LEVEL and ABSL_MIN_LOG_LEVEL change nothing): at creation, at
    the first picture, at the first person, and at closing.
    """

    over = False
    pattern = re.compile(
        rb"(?:(?:INFO|WARNING|ERROR|VERBOSE): (?:\[\w+\.cc:\d+\]|Read-only tensor|Created TensorFlow Lite"
        rb"|Logging before InitGoogle)|[IWE]\d{4} [\d:.]+\s+\d+ \w+\.cc:\d+\])[^\n]*\n?"
    )
    lock = threading.RLock()


@contextlib.contextmanager
def _plain_letters() -> Iterator[None]:
    """Let the C library take letters as they are in English.

    In Turkish it knows no small form of I, and MediaPipe, which writes the names of its parts in small
    letters, refuses what comes of it.
    """
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    try:
        yield
    finally:
        try:
            locale.setlocale(locale.LC_CTYPE, before)
        # Windows takes no name with letters beyond ASCII back, as Norway's and Türkiye's.
        except locale.Error:
            locale.setlocale(locale.LC_CTYPE, "")  # with which Python began


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the native libraries' chatter off the user's terminal.

    What anybody writes to file descriptor 2 meanwhile is held back; afterwards
    the chatter goes to the debug log and everything else where it was bound
    for. With debug logging on, nothing is held back.
    """
    if log.isEnabledFor(logging.DEBUG):
        yield
        return
    with _Noise.lock, contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            terminal = os.dup(2)
        except OSError:  # no stderr, or nowhere to hold it: let it be
            yield
            return
        stack.callback(os.close, terminal)
        _flush()
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            _flush()
            os.dup2(terminal, 2)
            held.seek(0)
            if rest := _Noise.pattern.sub(b"", held.read()):
                with contextlib.suppress(OSError):
                    os.write(2, rest)


def _flush() -> None:
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            sys.stderr.flush()
