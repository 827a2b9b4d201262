"""Is everything there that watching needs? One check each, and what to do where it is not."""

from __future__ import annotations

import itertools
import json
import logging
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, cast

from posture_monitor import paths
from posture_monitor.children import python
from posture_monitor.errors import UserError
from posture_monitor.sensing import sources

if TYPE_CHECKING:
    from rich.text import Text

    from posture_monitor.config import Config

log = logging.getLogger(__name__)

#: All of these own the folder `cv2`: side by side they work only at one version.
CV2_OWNERS = (
    "opencv-python",
    "opencv-contrib-python",
    "opencv-python-headless",
    "opencv-contrib-python-headless",
)
_PACKAGES = ("mediapipe", "numpy", *CV2_OWNERS, "plyer", "desktop-notifier")
_NEEDED = ("mediapipe", "numpy", "opencv-python", "plyer")

#: Mean grey (0 to 255) from which there is light to spare; below, faces get noisy. See `image_quality`.
DIM_MEAN = 50.0

#: The demo is watched for so long: usage reports, where a library makes any, go out within seconds.
OFFLINE_S = 12.0

#: Years of history fit into this; below it, say so.
LOW_SPACE_BYTES = 200e6


@dataclass(frozen=True)
class Check:
    """What one look found.

    Attributes
    ----------
    ok
        True: fine. None: watching works, but something is worth knowing.
        False: watching cannot work.
    text
        What was found.
    advice
        What to do about it; empty where there is nothing to do.
    neutral
        Neither fine nor amiss: it was not examined, or is the user's to choose.
    name
        What was looked at.
    """

    ok: bool | None
    text: str
    advice: str = ""
    neutral: bool = False
    name: str = ""

    @property
    def failed(self) -> bool:
        """Whether watching cannot work because of this."""
        return self.ok is False


def run_checks(
    config: Config,
    source: str | None = None,
    profile: str | None = None,
    *,
    notify: bool = False,
    look: bool = False,
    offline: bool = False,
) -> list[Check]:
    """Look at everything the main job needs.

    Parameters
    ----------
    source, profile
        What would be watched and judged against, if not what the settings say.
    notify
        Send a notification, to see whether it arrives.
    look
        Take a few pictures, to see whether there is light enough.
    offline
        Run the program on its built-in demo, and list every connection it makes.
    """
    source, model_path, camera = source or config.camera.source, config.model.own, config.camera
    # Who names a profile is judged by it, whatever camera is in use.
    by_place = (camera.width, camera.height) if profile is None and config.profile.by_place else None
    name, channel = profile or config.profile.name, config.alert.channel
    number = sources.camera_number(source)
    node = f"/dev/video{number}" if number is not None and sys.platform.startswith("linux") else ""
    found = _guarded("source" if number is None else "camera", lambda: check_source(source))
    if found.failed:
        node = ""  # of a camera that is not there nothing more can be told
    return [
        _guarded("python", check_python),
        _guarded("packages", check_packages),
        _guarded("data folder", check_data_folder),
        _guarded("model", lambda: check_model(model_path)),
        found,
        *([_guarded("camera modes", lambda: check_modes(node), vital=False)] if node else []),
        *([_guarded("camera users", lambda: check_users(node), vital=False)] if node else []),
        _guarded("light", lambda: check_light(source, look=look), vital=False),
        _guarded("profile", lambda: check_profile(name, "" if found.failed else source, by_place)),
        # Where no notification gets through, alerts are printed: watching works all the same.
        _guarded("notifications", lambda: check_notifications(channel, send=notify), vital=False),
        _guarded("presence", check_presence, vital=False),
        _guarded("power", check_power, vital=False),
        _guarded("autostart", check_autostart, vital=False),
        _guarded("offline", lambda: check_offline(model_path, run=offline), vital=False),
    ]


def lines(checks: Sequence[Check], columns: int = sys.maxsize) -> Iterator[Text]:
    """Yield the findings as a terminal shows them, in colour, broken after so many columns."""
    from rich.console import Console
    from rich.text import Text

    marks = {True: ("✓", "green"), None: ("!", "yellow"), False: ("✗", "red")}
    width, console = max(len(check.name) for check in checks), Console()
    for check in checks:
        mark, style = ("–", "") if check.neutral else marks[check.ok]
        name = Text.assemble((mark, style), f" {check.name:<{width}}  ")
        told = Text(check.text)
        if check.advice:
            told.append(f" → {check.advice}", style="bold" if check.failed else "")
        for number, line in enumerate(told.wrap(console, max(20, columns - len(name)))):
            line.rstrip()
            yield Text(" " * len(name)) + line if number else name + line


def _guarded(name: str, check: Callable[[], Check], *, vital: bool = True) -> Check:
    """Run one check under its name; whatever goes wrong in it is its own finding and stops no other."""
    ok = False if vital else None  # where it fails
    try:
        return replace(check(), name=name)
    except UserError as error:
        # A UserError says what is wrong; what to do, by custom, after the first semicolon.
        text, _, advice = str(error).partition("; ")
        advice = advice or "mend that and run `posture-monitor doctor` again"
        return Check(ok, text, advice, name=name)
    except Exception as error:
        log.debug("the %s check failed", name, exc_info=True)
        text = f"the check itself failed: {type(error).__name__}: {error}"
        advice = "please report this, with the output of `posture-monitor doctor -v`"
        return Check(ok, text, advice, name=name)


def check_python() -> Check:
    """Look at the interpreter and the machine."""
    text = f"{platform.python_version()} ({sys.executable}) on {platform.system()} {platform.machine()}"
    return Check(True, text)


def check_packages() -> Check:
    """Look at the versions of what is installed, without importing any of it."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    text = ", ".join(f"{package} {version}" for package, version in found.items())
    pip = f"`{sys.executable} -m pip install"
    if missing := [package for package in _NEEDED if package not in found]:
        wanted = " ".join(missing)
        return Check(False, f"missing: {wanted}", f"run {pip} {wanted}`")
    version = tuple(int(part) for part in re.findall(r"\d+", found["mediapipe"])[:2])
    if not (1, 2) <= version < (2,):
        return Check(False, text, f"run {pip} 'mediapipe>=1.2,<2'`")
    twins = {package: found[package] for package in CV2_OWNERS if package in found}
    if len(set(twins.values())) > 1:
        same = " ".join(f"{package}=={found['opencv-python']}" for package in twins)
        told = " and ".join(f"{package} {version}" for package, version in twins.items())
        return Check(None, f"{told} share one folder and differ", f"run {pip} {same}`")
    return Check(True, text)


def check_data_folder() -> Check:
    """See whether the data folder can be made and written, and whether it is private."""
    folder = paths.make_private(paths.data_dir())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"posture-monitor")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        advice = "make it writable, free some space, or set POSTURE_MONITOR_HOME to another folder"
        return Check(False, f"{folder} cannot be written: {error.strerror}", advice)
    free = shutil.disk_usage(folder).free
    if free < LOW_SPACE_BYTES:
        return Check(None, f"{folder}, only {free / 1e6:.0f} MB free", "free some space")
    if os.name == "posix" and (mode := folder.stat().st_mode & 0o777) & 0o077:
        advice = f"run `chmod 700 {folder}`"
        return Check(None, f"{folder}: others may look into it ({mode:o})", advice)
    return Check(True, f"{folder}, {free / 1e9:.0f} GB free")


def check_model(model_path: Path | None) -> Check:
    """Fetch the model if need be, load it, and let it look at an empty picture."""
    import numpy as np

    from posture_monitor.sensing import uploads
    from posture_monitor.sensing.model import ensure_model
    from posture_monitor.sensing.pose import PoseEstimator

    bundle = ensure_model(model_path)
    with PoseEstimator(bundle, stills=True) as estimator:
        estimator.detect(np.zeros((240, 320, 3), np.uint8))
    trouble, _, advice = uploads.trouble().partition("; ")
    if trouble:
        return Check(None, f"{bundle}, loaded and run; {trouble}", advice)
    return Check(True, f"{bundle}, loaded and run")


def check_source(source: str) -> Check:
    """Look for what would be watched, without switching a camera on."""
    from posture_monitor.sensing.camera import list_cameras

    number = sources.camera_number(source)
    if number is None:
        return _check_recording(source)
    if not sys.platform.startswith("linux"):
        told = f"camera {source} (this system lists none without opening them)"
        return Check(True, told, neutral=True)
    cameras = list_cameras()
    if not cameras:
        advice = "plug one in or switch it on, or try without: `posture-monitor demo`"
        return Check(False, "none found", advice)
    told = ", ".join(f"{found.node} {found.name}" for found in cameras)
    chosen = next((found for found in cameras if found.index == number), None)
    if chosen is None:
        advice = f"set camera.source to {cameras[0].index}"
        return Check(False, f"no camera {source}; found: {told}", advice)
    if not Path(chosen.node).exists():
        advice = "unplug it and plug it in again; in a container, pass the device on"
        return Check(False, f"{chosen.name} is known, but {chosen.node} is missing", advice)
    if not os.access(chosen.node, os.R_OK | os.W_OK):
        advice = "run `sudo usermod -aG video $USER` and log in again"
        return Check(False, f"{chosen.node} {chosen.name}: permission denied", advice)
    return Check(True, told)


def _check_recording(source: str) -> Check:
    if source == "demo":
        return Check(True, "demo, needs no camera")
    sources.check(source)
    if "://" in source:
        return Check(True, f"{sources.without_secrets(source)} (not tried)", neutral=True)
    return Check(True, str(paths.expanded(source)))


def check_modes(node: str) -> Check:
    """List the picture sizes a camera offers, without switching it on."""
    from posture_monitor.sensing.v4l2 import modes

    offered = modes(node)
    if not offered:
        return Check(None, f"{node} tells none", "see the line above, about the camera itself")
    sizes = sorted({(mode.width, mode.height) for mode in offered})
    formats = ", ".join(dict.fromkeys(mode.fourcc for mode in offered))
    told = f"{len(sizes)} sizes, {'x'.join(map(str, sizes[0]))} to {'x'.join(map(str, sizes[-1]))}"
    return Check(True, f"{told}, as {formats}")


def check_users(node: str) -> Check:
    """See who else has the camera open."""
    from posture_monitor.sensing.camera_users import holders
    from posture_monitor.service import lock
    from posture_monitor.service.connections import family

    monitor = lock.holder()
    own = family(monitor.pid) if monitor and monitor.pid else []
    others = holders(node, own)
    if others:
        advice = "close it there; while it has the camera, a running monitor stays out (camera.calls)"
        return Check(None, f"{node} is held by {', '.join(others)}", advice)
    return Check(True, "held by nobody else that this user may see")


def check_light(source: str, *, look: bool) -> Check:
    """Take a few pictures and see whether there is light enough; the camera is closed again at once."""
    if not look:
        told = "not looked at (--look takes a few pictures, and keeps none)"
        return Check(True, told, neutral=True)
    from posture_monitor.sensing.image_quality import quality

    # The first pictures of a camera are darker than the room: it has yet to adjust.
    with sources.open_source(source) as opened:
        frames = itertools.islice(opened.frames(), 10)
        images = [frame.image for frame in frames if frame.image is not None]
    if not images:
        return Check(None, f"{source} holds no pictures")
    seen = quality(images[-1])
    told = f"brightness {seen.mean:.0f} of 255, contrast {seen.contrast:.0f}"
    if seen.reason:
        return Check(None, f"{seen.reason} ({told})", "light your face, and wipe the lens")
    if seen.mean < DIM_MEAN:
        return Check(None, f"dim ({told})", "a lamp in front of you makes it surer")
    return Check(True, f"enough ({told})")


def check_profile(name: str, source: str, by_place: tuple[int, int] | None = None) -> Check:
    """Load the profile that the monitor would judge by, and see whether it is the user's own.

    Parameters
    ----------
    name
        Of the profile asked for.
    source
        What would be watched; empty where it is not there.
    by_place
        Picture size asked of a camera, in pixels, where the camera in use chooses the profile.
    """
    from posture_monitor.service.places import fitting
    from posture_monitor.service.profiles import load_profile

    wanted = profile = load_profile(name)
    if by_place and (seen := sources.identity_of(source, *by_place)):
        profile = fitting(wanted, *seen)
    if profile.starter and not wanted.starter:
        return Check(
            None,
            f"{profile.name}, a starter: {name} was made with another camera, or another size of its picture",
            "run `posture-monitor calibrate --profile` with a new name, for one of your own with this camera",
        )
    if profile.starter:
        advice = "run `posture-monitor calibrate` for one of your own"
        return Check(None, f"{name}, a starter", advice)
    told = f"{profile.name}, your own" + f", of {profile.made}" * bool(profile.made)
    if profile.name != wanted.name:
        told += f"; it was made with this camera, and is taken instead of {name}"
    return Check(True, told)


def check_notifications(channel: str, *, send: bool) -> Check:
    """See which way notifications go, and with `send` let one go that way."""
    from posture_monitor.telling.notify import Choice, pick_channel
    from posture_monitor.telling.words import trial_text

    notifier = pick_channel(cast("Choice", channel), write=lambda line: print(line, file=sys.stderr))
    try:
        if not send:
            able = _buttons(notifier.name)
            told = f"{notifier.name}{able} (not tried; --notify sends one)"
            return Check(True, told, neutral=True)
        sent = notifier.send(trial_text())
    finally:
        notifier.close()
    return Check(True, f"one was sent over {sent.channel}; did it arrive?")


def _buttons(channel: str) -> str:
    """Say whether the desktop shows the buttons of a notification."""
    from posture_monitor.telling.channels import freedesktop
    from posture_monitor.telling.notify import ChannelError

    if channel == "terminal":
        return ", where the background shows nothing"
    if channel != "desktop":
        return ", without buttons"
    if not sys.platform.startswith("linux"):
        return ", with buttons"
    try:
        return ", with buttons" if "actions" in freedesktop.capabilities() else ", a desktop without buttons"
    except ChannelError:
        return ""


def check_presence() -> Check:
    """See what tells that the screen is locked, switched away or asleep, which closes the camera."""
    from posture_monitor.service import presence

    told = presence.describe()
    if told:
        if sys.platform.startswith("linux"):  # elsewhere it is told one by one
            told = f"lock, session, sleep and lid by {told}"
        return Check(True, f"{told}; an empty chair by the camera")
    text = "nothing here tells of lock, session or sleep; an empty chair is seen by the camera"
    return Check(None, text, "pause it by hand when you go: `posture-monitor pause`")


def check_power() -> Check:
    """See whether the machine runs on its battery, where it is looked at less often."""
    from posture_monitor.service.power import on_battery

    told = {True: "on battery: looks less often", False: "on mains", None: "not told here: taken for mains"}
    battery = on_battery()
    return Check(True, told[battery], neutral=battery is None)


def check_autostart() -> Check:
    """See whether the monitor starts with the desktop, and whether that starts this very program."""
    from posture_monitor.service import autostart

    state = autostart.status()
    ok = True if state.file is None or state.enabled else None
    text, _, advice = autostart.describe(state).rstrip(".").partition("; ")
    text = text[0].lower() + text[1:]  # as the others are told
    return Check(ok, text, "" if ok else advice, neutral=state.file is None)


def check_offline(model_path: Path | None, *, run: bool) -> Check:
    """Run the program on its built-in demo, and list the connections of its own processes.

    What this can see: every internet socket that a process of the run holds at
    one of the looks, 50 a second. What it cannot: one that opens and closes
    between two looks, and other programs. The tests trace each network call instead.
    """
    if not run:
        told = "not tried (--offline runs the demo and lists every connection)"
        return Check(True, told, neutral=True)
    from posture_monitor.sensing.model import ensure_model
    from posture_monitor.service.connections import watch

    bundle = ensure_model(model_path)
    # On Windows what was ended a moment ago may still hold a file in there.
    with tempfile.TemporaryDirectory(prefix="posture-monitor-", ignore_cleanup_errors=True) as scratch:
        config = Path(scratch) / "config.toml"
        config.write_text(f"[model]\npath = {json.dumps(str(bundle))}\n", encoding="utf-8")
        command = python("-m", "posture_monitor", "run", "--source", "demo", "--config", str(config))
        # It lives in a home of its own, and its demo is no part of the user's history.
        ran = watch(command, {**os.environ, "POSTURE_MONITOR_HOME": scratch}, OFFLINE_S)
    if ran.status:
        why = (ran.said.strip().splitlines() or ["no word"])[-1]
        return Check(None, f"the demo ended with status {ran.status}: {why}")
    looked = f"{ran.looks} looks in {ran.seconds:.0f} s of the demo"
    outside = [connection for connection in ran.connections if connection.outside]
    if outside:
        told = ", ".join(map(str, outside))
        return Check(None, f"{looked}: {told}", "please report this, with `doctor --report`")
    inside = ", ".join(map(str, ran.connections)) or "no connection at all"
    return Check(True, f"{looked}: {inside}; nothing leaves this machine")
