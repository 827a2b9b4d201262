"""Is everything there that watching needs? One check each, and what to do where it is not."""

from __future__ import annotations

import io
import logging
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import cast

from posture_monitor import paths
from posture_monitor.errors import UserError

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

#: Years of history fit into this; below it, say so.
LOW_SPACE_BYTES = 200e6


@dataclass(frozen=True)
class Check:
    """What one look found.

    Attributes
    ----------
    name
        What was looked at.
    ok
        True: fine. None: watching works, but something is worth knowing.
        False: watching cannot work.
    text
        What was found.
    advice
        What to do about it; empty where there is nothing to do.
    """

    name: str
    ok: bool | None
    text: str
    advice: str = ""

    @property
    def failed(self) -> bool:
        """Whether watching cannot work because of this."""
        return self.ok is False


def run_checks(
    *, model_path: Path | None, source: str, profile: str, notify: bool, channel: str
) -> list[Check]:
    """Look at everything the main job needs.

    Parameters
    ----------
    model_path
        The user's own bundle; None is the program's own, which is fetched if it is missing.
    source
        What would be watched, as in ``--source``.
    profile
        Name of the profile that would be judged against.
    notify
        Send a notification, to see whether it arrives.
    channel
        Which way notifications go (``alert.channel``).
    """
    return [
        _guarded("python", check_python),
        _guarded("packages", check_packages),
        _guarded("data folder", check_data_folder),
        _guarded("model", lambda: check_model(model_path)),
        _guarded("camera", lambda: check_source(source)),
        _guarded("profile", lambda: check_profile(profile)),
        # Where no notification gets through, alerts are printed: watching works all the same.
        _guarded("notifications", lambda: check_notifications(channel, send=notify), vital=False),
    ]


def render(checks: list[Check]) -> str:
    """Return the findings as text for a terminal, one line each, in colour."""
    from rich.console import Console
    from rich.text import Text

    marks = {True: ("✓", "green"), None: ("!", "yellow"), False: ("✗", "red")}
    width = max((len(check.name) for check in checks), default=0)
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", highlight=False, emoji=False)
    for check in checks:
        mark, style = marks[check.ok]
        line = Text.assemble((mark, style), f" {check.name:<{width}}  {check.text}")
        if check.advice:
            line.append(f" → {check.advice}", style="bold" if check.failed else "")
        console.print(line, soft_wrap=True)
    return out.getvalue().rstrip("\n")


def _guarded(name: str, check: Callable[[], Check], *, vital: bool = True) -> Check:
    """Run one check; whatever goes wrong in it is its own finding and stops no other."""
    try:
        return check()
    except UserError as error:
        # A UserError says what is wrong; what to do, by custom, after the first semicolon.
        text, _, advice = str(error).partition("; ")
        advice = advice or "mend that and run `posture-monitor doctor` again"
        return Check(name, False if vital else None, text, advice)
    except Exception as error:
        log.debug("the %s check failed", name, exc_info=True)
        return Check(
            name,
            False if vital else None,
            f"the check itself failed: {type(error).__name__}: {error}",
            "please report this, with the output of `posture-monitor doctor -v`",
        )


def check_python() -> Check:
    """Look at the interpreter and the machine."""
    text = f"{platform.python_version()} ({sys.executable}) on {platform.system()} {platform.machine()}"
    return Check("python", True, text)


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
        return Check("packages", False, f"missing: {wanted}", f"run {pip} {wanted}`")
    version = tuple(int(part) for part in re.findall(r"\d+", found["mediapipe"])[:2])
    if not (1, 2) <= version < (2,):
        return Check("packages", False, text, f"run {pip} 'mediapipe>=1.2,<2'`")
    twins = {package: found[package] for package in CV2_OWNERS if package in found}
    if len(set(twins.values())) > 1:
        same = " ".join(f"{package}=={found['opencv-python']}" for package in twins)
        told = " and ".join(f"{package} {version}" for package, version in twins.items())
        return Check("packages", None, f"{told} share one folder and differ", f"run {pip} {same}`")
    return Check("packages", True, text)


def check_data_folder() -> Check:
    """See whether the data folder can be made and written, and whether it is private."""
    folder = paths.make_private(paths.data_dir())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"posture-monitor")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Check(
            "data folder",
            False,
            f"{folder} cannot be written: {error.strerror}",
            "make it writable, free some space, or set POSTURE_MONITOR_HOME to another folder",
        )
    free = shutil.disk_usage(folder).free
    if free < LOW_SPACE_BYTES:
        return Check("data folder", None, f"{folder}, only {free / 1e6:.0f} MB free", "free some space")
    if os.name == "posix" and (mode := folder.stat().st_mode & 0o777) & 0o077:
        advice = f"run `chmod 700 {folder}`"
        return Check("data folder", None, f"{folder}: others may look into it ({mode:o})", advice)
    return Check("data folder", True, f"{folder}, {free / 1e9:.0f} GB free")


def check_model(model_path: Path | None) -> Check:
    """Fetch the model if need be, load it, and let it look at an empty picture."""
    import numpy as np

    from posture_monitor.sensing.model import ensure_model
    from posture_monitor.sensing.pose import PoseEstimator

    bundle = ensure_model(model_path)
    with PoseEstimator(bundle, stills=True) as estimator:
        estimator.detect(np.zeros((240, 320, 3), np.uint8))
    return Check("model", True, f"{bundle}, loaded and run")


def check_source(source: str) -> Check:
    """Look for what would be watched, without switching a camera on."""
    from posture_monitor.sensing.camera import list_cameras

    camera = re.fullmatch(r"(?:/dev/video)?(\d{1,4})", source)
    if not camera:
        return _check_recording(source)
    if not sys.platform.startswith("linux"):
        return Check("camera", True, f"camera {source} (this system lists none without opening them)")
    cameras = list_cameras()
    if not cameras:
        return Check(
            "camera",
            False,
            "none found",
            "plug one in or switch it on, or try without: `posture-monitor demo`",
        )
    told = ", ".join(f"{found.node} {found.name}" for found in cameras)
    chosen = next((found for found in cameras if found.index == int(camera[1])), None)
    if chosen is None:
        number = cameras[0].index
        return Check("camera", False, f"no camera {source}; found: {told}", f"set camera.source to {number}")
    if not Path(chosen.node).exists():
        advice = "unplug it and plug it in again; in a container, pass the device on"
        return Check("camera", False, f"{chosen.name} is known, but {chosen.node} is missing", advice)
    if not os.access(chosen.node, os.R_OK | os.W_OK):
        advice = "run `sudo usermod -aG video $USER` and log in again"
        return Check("camera", False, f"{chosen.node} {chosen.name}: permission denied", advice)
    return Check("camera", True, told)


def _check_recording(source: str) -> Check:
    if source == "demo":
        return Check("source", True, "demo, needs no camera")
    if "://" in source:
        from posture_monitor.sensing.sources import without_secrets

        return Check("source", True, f"{without_secrets(source)} (not tried)")
    path = Path(source).expanduser()
    if not path.exists():
        return Check(
            "source", False, f"{path}: no such file or folder", "set camera.source to a camera or a file"
        )
    if not os.access(path, os.R_OK):
        return Check("source", False, f"{path}: permission denied", "allow yourself to read it")
    return Check("source", True, str(path))


def check_profile(name: str) -> Check:
    """Load the profile, and see whether it is the user's own."""
    from posture_monitor.service.profiles import load_profile

    profile = load_profile(name)
    if profile.starter:
        advice = "run `posture-monitor calibrate` for one of your own"
        return Check("profile", None, f"{name}, a starter", advice)
    return Check("profile", True, f"{name}, your own" + f", of {profile.created}" * bool(profile.created))


def check_notifications(channel: str, *, send: bool) -> Check:
    """See which way notifications go, and with `send` let one go that way."""
    from posture_monitor.telling.notify import Choice, pick_channel
    from posture_monitor.telling.words import trial_text

    notifier = pick_channel(cast("Choice", channel), write=lambda line: print(line, file=sys.stderr))
    try:
        if not send:
            return Check("notifications", True, f"{notifier.name} (not tried; --notify sends one)")
        sent = notifier.send(trial_text())
    finally:
        notifier.close()
    return Check("notifications", True, f"one was sent over {sent.channel}; did it arrive?")
