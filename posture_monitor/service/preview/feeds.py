"""What the preview shows, without a window: live moments, from the running monitor or a source of its own.

A *feed* gathers moments in a thread of its own and always has a latest one at
hand; the window looks at that and waits for nothing. `Attached` asks the
running monitor, so that the two do not fight for the camera; `Own` opens the
source itself and judges as the monitor does.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import datetime as dt
import json
import logging
import math
import os
import platform
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from posture_monitor import __version__, paths
from posture_monitor.errors import UserError
from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.head import TYPICAL_HEAD
from posture_monitor.posture.metrics import METRICS, NAMES, measure
from posture_monitor.posture.reading import View
from posture_monitor.service import glance
from posture_monitor.service.control import NotRunning, ask
from posture_monitor.service.profile import Profile, limits_of
from posture_monitor.service.profile_file import write_back
from posture_monitor.service.profiles import load_profile
from posture_monitor.service.status import Camera, InUse, Status, clock
from posture_monitor.whole_file import stamp_of

if TYPE_CHECKING:
    from posture_monitor.config import Config
    from posture_monitor.sensing.frame import Source
    from posture_monitor.service.collected import Collected
    from posture_monitor.service.looking import Seen

log = logging.getLogger(__name__)

Points = npt.NDArray[np.float32]

#: The running monitor is asked this often for what it sees.
ASK_S: Final = 0.2
#: While nobody answers it is asked, and a lost source opened again, this often.
AGAIN_S: Final = 2.0
#: A source of our own is looked at at most this often.
LOOK_S: Final = 0.1
#: A feed that is closed is waited for so long: a camera takes its time.
CLOSE_S: Final = 3.0
#: Others are looked for this often.
CROWD_EVERY_S: Final = 2.0
#: Version of the snapshot's form.
SNAPSHOT: Final = 1
#: From the middle of the shoulders down to that of the hips, in centimetres of the head's ruler.
_TRUNK_CM: Final = 46.0


@dataclass(frozen=True)
class Shot:
    """One moment as it is shown.

    Attributes
    ----------
    number
        Grows with every new moment; 0 before the first.
    status
        What is judged, of the running monitor or our own.
    width, height
        Of the picture, in pixels; 0 where there is none.
    landmarks, neutral
        ``(33, 4)`` of who is there, and of their neutral posture (`outline`); None where there is none.
    jpeg, image
        The picture: compressed, or ``(height, width, 3)`` BGR; both None where there is none.
    judged_ms
        What finding the body took, in milliseconds; None where that is not known.
    rate
        Moments a second; None before there are two.
    lost
        Why there is nothing to show, ``""`` if there is.
    """

    number: int = 0
    status: Status = Status()  # noqa: RUF009 - frozen
    wall_s: float = math.nan
    width: int = 0
    height: int = 0
    landmarks: Points | None = None
    neutral: Points | None = None
    jpeg: bytes | None = None
    image: npt.NDArray[np.uint8] | None = None
    judged_ms: float | None = None
    rate: float | None = None
    lost: str = ""


# -- words ----------------------------------------------------------------------------------------

#: What to do where a moment cannot be judged, by its reason (`metrics.Reason`).
_ADVICE: Final = {
    "nobody seen": "Sit where the camera sees your face and shoulders.",
    "face not seen clearly": "Look towards the screen, with your face in the picture.",
    "shoulders not seen clearly": "Move back a little or tilt the camera, so that both shoulders are in.",
    "head turned": "It is judged again when you look ahead.",
    "too dark": "Turn towards the window, or switch on a lamp in front of you.",
    "camera covered": "Something is before the lens: open its shutter, or wipe it.",
    "picture blurred": "Wipe the lens, and hold the camera still.",
    "more than one person": "It is judged again when one of you is alone before the camera.",
    "not the calibrated person's place": "Come back to where you calibrated, or calibrate here.",
    "standing up": "Judged again when you sit; `calibrate --add standing` judges standing too.",
    "seen from behind": "The camera sees a back; turn round.",
    "camera or chair moved": "Sit upright and press R to follow camera or chair.",
    "not measurable from this view": "This profile was made from another side: calibrate for this view.",
    "not seen clearly enough": "Come nearer, or into the middle of the picture.",
}


def headline(shot: Shot, now_s: float) -> tuple[str, str]:
    """Return what stands over the picture where there is no verdict to look at: a title, and what to do.

    Both are empty while posture is judged.
    """
    status = shot.status
    if shot.lost:
        return "No picture", shot.lost
    if status.activity == "paused":
        until = "" if status.until_s is None else f" until {clock(status.until_s, now_s)}"
        return "Paused", f"The camera is off{until}."
    if status.activity in ("trouble", "busy"):
        told = status.camera.detail or status.why
        return glance.word(status), told or "Another program has the camera; it comes back by itself."
    if status.activity != "watching":
        return glance.word(status), status.why
    if status.state == "away":
        return "Nobody here", "It goes on when you are back."
    if status.state == "unknown" and status.reason:
        return status.reason[0].upper() + status.reason[1:], _ADVICE.get(status.reason, "")
    return "", ""


# -- the neutral posture, to be drawn ---------------------------------------------------------------


def outline(neutral: Neutral, width: int, height: int) -> Points | None:
    """Return landmarks ``(33, 4)`` of somebody who sits as `neutral` says, in a picture of this size.

    A head of typical adult shape is put where the neutral's head is, turned and
    sized as it was, and shoulders (from the side the hips too) where they were;
    arms are left out. None where the neutral does not know all of these.
    """
    needed = ("face_size", "head_shift", "head_drop", "shoulder_shift", "shoulder_drop", "shoulder_width")
    if width <= 0 or height <= 0 or not all(math.isfinite(neutral[name]) for name in needed):
        return None

    def angle(name: str) -> float:
        return math.radians(neutral[name]) if math.isfinite(neutral[name]) else 0.0

    yaw, nod, roll = angle("head_yaw"), angle("head_nod"), angle("head_roll")
    # The rows of a rotation whose yaw, nod and roll `head.head_pose` would find again.
    turn = np.array(
        [
            [math.cos(yaw) * math.cos(roll), -math.cos(yaw) * math.sin(roll), math.sin(yaw)],
            [math.cos(nod) * math.sin(roll), math.cos(nod) * math.cos(roll), math.sin(nod)],
        ]
    )
    scale = neutral["face_size"] * height / 640.0
    face = scale * TYPICAL_HEAD @ turn.T
    middle_x = face[[3, 6, 7, 8], 0].mean()
    weights = np.zeros(11)
    weights[0], weights[[3, 6, 7, 8, 9, 10]] = 1 / 4, 1 / 8
    points = np.zeros((lm.COUNT, 4))
    points[:11, 0] = face[:, 0] - middle_x + neutral["head_shift"] * height
    points[:11, 1] = face[:, 1] - weights @ face[:, 1] + neutral["head_drop"] * height
    points[:11, 3] = 1.0
    if neutral.view is not View.SIDE and math.isfinite(rise := neutral["ear_height"]):
        # Where ears are differs most from head to head, and heights are told by them.
        points[[7, 8], 1] += neutral["shoulder_drop"] * height - rise * scale - points[[7, 8], 1].mean()
    middle = np.array([neutral["shoulder_shift"], neutral["shoulder_drop"]]) * height
    tilt = angle("shoulder_tilt")
    half = neutral["shoulder_width"] * height / 2 * np.array([math.cos(tilt), math.sin(tilt)])
    points[lm.LEFT_SHOULDER, :2], points[lm.RIGHT_SHOULDER, :2] = middle + half, middle - half
    points[[lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER], 3] = 1.0
    if neutral.view is View.SIDE and math.isfinite(neutral["trunk_incl"]):
        lean = angle("trunk_incl")
        forward = 1.0 if yaw >= 0 else -1.0
        hips = middle + _TRUNK_CM * scale * np.array([-forward * math.sin(lean), math.cos(lean)])
        points[[lm.LEFT_HIP, lm.RIGHT_HIP], :2] = hips
        points[[lm.LEFT_HIP, lm.RIGHT_HIP], 3] = 1.0
    points[:, 0] /= width
    points[:, 1] /= height
    return points.astype(np.float32)


# -- feeds ------------------------------------------------------------------------------------------


class Feed(ABC):
    """Gathers moments in a thread of its own; `latest` never waits.

    Parameters
    ----------
    name
        What is shown, for the window's title.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.latest = Shot()
        self.picture_wanted = True
        self._notes: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._times_s: deque[float] = deque(maxlen=16)
        self._wish, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._gather, name="preview", daemon=True)

    def start(self) -> None:
        """Begin to gather."""
        self._thread.start()

    def close(self) -> None:
        """Stop gathering, and release what is held. Safe to call twice."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_S)

    def reanchor(self) -> None:
        """Ask that judgement follows camera and chair to where they are now; `note` tells how that went."""
        self._wish.set()

    @abstractmethod
    def _gather(self) -> None: ...

    def note(self) -> str:
        """Return what there is to be told once, ``""`` if there is nothing."""
        with contextlib.suppress(queue.Empty):
            return self._notes.get_nowait()
        return ""

    def tell(self, text: str) -> None:
        """Leave a note."""
        self._notes.put(text)

    def _show(self, shot: Shot) -> None:
        self._times_s.append(time.monotonic())
        self.latest = replace(shot, number=self.latest.number + 1, rate=self._rate())

    def _lose(self, why: str) -> None:
        self._times_s.clear()
        self.latest = Shot(number=self.latest.number + 1, lost=why)

    def _rate(self) -> float | None:
        if len(self._times_s) < 2:
            return None
        return (len(self._times_s) - 1) / max(self._times_s[-1] - self._times_s[0], 1e-3)


class Attached(Feed):
    """What the running monitor sees; it keeps the camera, and goes on as it was when the preview closes."""

    def __init__(self) -> None:
        super().__init__("the running monitor")
        self._known = _Neutrals()

    def _gather(self) -> None:
        while not self._over.is_set():
            began_s = time.monotonic()
            wait_s = ASK_S
            try:
                self._pass_on()
                self._take(ask("look", picture=self.picture_wanted))
            except NotRunning:
                self._lose("The monitor has ended; `posture-monitor start` starts it.")
                wait_s = AGAIN_S
            except UserError as error:
                self._lose(f"{error}.")
                wait_s = AGAIN_S
            self._over.wait(max(0.02, began_s + wait_s - time.monotonic()))

    def _pass_on(self) -> None:
        if not self._wish.is_set():
            return
        self._wish.clear()
        try:
            ask("reanchor", timeout_s=6.0)
        except NotRunning:
            raise
        except UserError as error:
            self.tell(f"Not done: {error}.")
        else:
            self.tell("Sit upright for some seconds: it follows camera and chair.")

    def _take(self, told: Mapping[str, Any]) -> None:
        status = Status.from_json(told.get("status") or {})
        width, height = int(told.get("width") or 0), int(told.get("height") or 0)
        if status.activity != "watching" or not width:
            self._times_s.clear()
            self.latest = Shot(number=self.latest.number + 1, status=status, width=width, height=height)
            return
        if (wall_s := float(told.get("wall_s") or math.nan)) == self.latest.wall_s:
            # Nothing new was seen; what is known of it may have changed all the same.
            self.latest = replace(self.latest, status=status)
            return
        points = None
        if told.get("landmarks") is not None:
            points = np.asarray(told["landmarks"], dtype=np.float32)
            if points.shape != (lm.COUNT, 4):
                raise UserError("the running monitor is of another version; `posture-monitor restart` helps")
        jpeg = None
        if told.get("picture"):
            with contextlib.suppress(binascii.Error, ValueError):
                jpeg = base64.b64decode(told["picture"])
        look_s = told.get("look_s")
        self._show(
            Shot(
                status=status,
                wall_s=wall_s,
                width=width,
                height=height,
                landmarks=points,
                neutral=self._known.outline(status.profile, width, height),
                jpeg=jpeg,
                judged_ms=1000 * look_s if isinstance(look_s, int | float) else None,
            )
        )


class _Neutrals:
    """The outlines of the neutral postures of profiles, read again when their file has changed."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._points: Points | None = None

    def outline(self, profile: InUse, width: int, height: int) -> Points | None:
        key = (profile, width, height, stamp_of(paths.profiles_dir() / f"{profile.name}.toml"))
        if key != self._key:
            self._key, self._points = key, None
            with contextlib.suppress(UserError):
                known = load_profile(profile.name).neutrals
                fitting = next((n for n in known if n.name == profile.neutral), known[0])
                self._points = outline(fitting, width, height)
        return None if profile.starter else self._points


class Own(Feed):
    """What a source of our own shows, judged as the monitor would, and kept nowhere.

    Parameters
    ----------
    source, profile
        As for `monitor.run`; a recording is played at its own pace.
    """

    def __init__(self, config: Config, source: str, profile: str) -> None:
        super().__init__(source)
        self._config = config
        self._source = source
        self._profile = load_profile(profile)

    def _gather(self) -> None:
        while not self._over.is_set():
            live = True
            try:
                live = self._watch()
            except UserError as error:
                told = str(error)
                self._lose(f"{told[0].upper()}{told[1:]}.")
            except Exception as error:
                log.exception("the preview's source broke")
                self._lose(f"{self._source}: {error}.")
            if not live:
                # A recording is over: its last moment stays, as it is.
                self.tell("The recording is over.")
                self._over.wait()
            self._over.wait(AGAIN_S)

    def _watch(self) -> bool:
        """Look at the source until it ends; return whether it is worth opening again."""
        from posture_monitor.sensing.model import ensure_model
        from posture_monitor.sensing.sources import open_source
        from posture_monitor.service.collected import ANCHOR_S
        from posture_monitor.service.looking import Looker

        camera = self._config.camera
        opened = open_source(
            self._source, realtime=True, width=camera.width, height=camera.height, min_interval_s=LOOK_S
        )
        self.name = opened.name
        judging = Judging(self._config, self._profile, opened)
        with Looker(
            opened, lambda: ensure_model(self._config.model.own), crowd_every_s=CROWD_EVERY_S
        ) as looker:
            for seen in looker.look(lambda: judging.profile.neutral):
                if self._over.is_set():
                    break
                if self._wish.is_set():
                    self._wish.clear()
                    judging.anchor()
                    self.tell(f"Sit upright for {ANCHOR_S:.0f} seconds: it follows camera and chair.")
                shot = judging.take(seen)
                if judging.told:
                    self.tell(judging.told)
                    judging.told = ""
                self._profile = judging.profile
                image = seen.frame.image if self.picture_wanted else None
                self._show(replace(shot, image=image, judged_ms=1000 * looker.took_s))
        return opened.live


class Judging:
    """The monitor's judgement of a source, without its history and notifications."""

    def __init__(self, config: Config, profile: Profile, source: Source) -> None:
        from posture_monitor.posture import dose, steady
        from posture_monitor.posture.session import Session

        self.config, self.profile, self.source = config, profile, source
        self.told = ""
        self._session = Session()
        self._dose = dose.Dose()
        self._policy = dose.Policy(config.alert.policy.poor_hold_s)
        self._steady = steady.Policy(config.judge.window_s, LOOK_S)
        self._limits = limits_of(config, profile)
        self._anchoring: Collected | None = None
        self._since_s = time.time()

    def anchor(self) -> None:
        """Begin to gather frames for a re-anchoring."""
        from posture_monitor.service.collected import Collected

        self._anchoring = Collected()

    def take(self, seen: Seen) -> Shot:
        """Judge one frame."""
        from posture_monitor.posture import dose, session
        from posture_monitor.service import snapshot
        from posture_monitor.service.monitor import read

        frame = seen.frame
        t_s = frame.t_s if math.isfinite(frame.t_s) else time.monotonic()
        reading, moment = read(seen, self.profile.neutral, self._limits)
        self._session = session.step(self._session, self._steady, t_s, moment)
        steady = self._session.steady
        self._dose, _ = dose.step(self._dose, self._policy, t_s, steady.state, LOOK_S, steady.index)
        self._gather(seen)
        status = Status(
            pid=os.getpid(),
            since_s=self._since_s,
            activity="watching",
            state=steady.state.value,
            reason=steady.reason,
            driver=steady.driver,
            held_s=max(0.0, t_s - steady.since_s) if math.isfinite(steady.since_s) else 0.0,
            confidence=reading.confidence,
            view=reading.view.value,
            angles=snapshot.angles(reading),
            dose=self._dose.fraction(self._policy),
            camera=Camera(self.source.name, self.source.identity, frame.width, frame.height, open=True),
            profile=InUse(self.profile.name, self.profile.neutral.name, self.profile.starter),
            preset=self.config.alert.preset,
            source=self.source.name,
        )
        found = seen.landmarks if np.isfinite(seen.landmarks).any() else None
        return Shot(
            status=status,
            wall_s=frame.wall_s,
            width=frame.width,
            height=frame.height,
            landmarks=found,
            neutral=None
            if self.profile.starter
            else outline(self.profile.neutral, frame.width, frame.height),
        )

    def _gather(self, seen: Seen) -> None:
        """Go on with a re-anchoring under way, and end it when enough was seen."""
        from posture_monitor.posture.session import Session

        gathered = self._anchoring
        if gathered is None:
            return
        gathered.add(seen)
        if not gathered.enough:
            return
        self._anchoring = None
        try:
            self.profile = gathered.re_anchored(self.profile, 0)
            if not self.profile.starter:
                self.profile = write_back(self.profile)
        except (ValueError, UserError) as error:
            self.told = f"Not re-anchored: {error}."
            return
        self._session = Session()
        self.told = "Re-anchored: judged from the new place on."


def open_feed(config: Config, source: str | None, profile: str | None) -> Feed:
    """Return the feed that fits: the running monitor's, unless a source was named or none runs.

    Raises
    ------
    UserError
        The profile cannot be used.
    """
    if source is None and profile is None:
        try:
            ask("status")
        except NotRunning:
            pass
        else:
            return Attached()
    return Own(config, source or config.camera.source, profile or config.profile.name)


# -- the snapshot -----------------------------------------------------------------------------------


def snapshot_of(shot: Shot) -> dict[str, Any]:
    """Return a moment for a bug report: landmarks, measures, verdict and versions; no picture, no names."""
    landmarks, measures = None, {}
    if shot.landmarks is not None:
        landmarks = [[_round(v, 5) for v in point] for point in shot.landmarks.tolist()]
        measured = measure(shot.landmarks[None], np.array([shot.width, shot.height], dtype=np.float64))
        measures = {name: _round(v, 4) for name, v in zip(NAMES, measured.values[:, 0].tolist(), strict=True)}
    status = shot.status
    return {
        "snapshot": SNAPSHOT,
        "taken": dt.datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions(),
        "picture": {"width": shot.width, "height": shot.height},
        "landmarks": landmarks,
        "metrics": measures,
        "deviations": {angle.name: _round(angle.deviation, 4) for angle in status.angles},
        "units": {metric.name: metric.unit for metric in METRICS},
        "judgement": {
            "activity": status.activity,
            "state": status.state,
            "reason": status.reason,
            "driver": status.driver,
            "confidence": _round(status.confidence, 3),
            "view": status.view,
            "dose": _round(status.dose, 3),
            "starter": status.profile.starter,
            "preset": status.preset,
        },
        "judged_ms": _round(shot.judged_ms, 1),
        "frames_a_second": _round(shot.rate, 2),
    }


def save_snapshot(shot: Shot) -> Path:
    """Write the snapshot of a moment to a file that only this user may read, and return its path."""
    folder = paths.make_private(paths.snapshots_dir())
    path = folder / f"moment-{time.strftime('%Y%m%d-%H%M%S')}.json"
    text = json.dumps(snapshot_of(shot), indent=1, allow_nan=False)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}; make room") from error
    return path


def versions() -> dict[str, str]:
    """Return the versions of what judged: program, Python, system, pose library."""
    from importlib import metadata

    found = {"posture-monitor": __version__, "python": platform.python_version(), "system": platform.system()}
    for name in ("mediapipe", "opencv-python", "numpy", "PySide6-Essentials"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _round(value: float | None, digits: int) -> float | None:
    return round(float(value), digits) if value is not None and math.isfinite(value) else None
