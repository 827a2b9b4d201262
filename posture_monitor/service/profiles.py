"""The profiles there are: found by name, listed, described, renamed and deleted.

A user's own lie in the data folder; starter ones ship with the program and
stand in until the user has calibrated.
"""

from __future__ import annotations

import contextlib
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posture_monitor import paths, profile_name
from posture_monitor.errors import UserError
from posture_monitor.posture.metrics import METRICS, ROW
from posture_monitor.posture.reading import View
from posture_monitor.service.profile import Profile
from posture_monitor.service.profile_file import read_profile
from posture_monitor.telling import words


@dataclass(frozen=True)
class ProfileInfo:
    """One line about a profile."""

    name: str
    starter: bool
    text: str

    def __str__(self) -> str:
        return f"{self.name:20s} {self.text}"


def load_profile(name: str) -> Profile:
    """Return a profile by name, or from the path of a ``.toml`` file.

    A name is looked for among the user's own, then among the starters;
    ``default`` falls back to the starter for the front view, so that the
    program can begin before anything is calibrated.

    Raises
    ------
    UserError
        There is none of that name, or its file is broken: the line names file,
        key and what to do.
    """
    if profile_name.is_path(name):
        return read_profile(paths.expanded(name))
    # Who asks the running monitor may send anything.
    if why := profile_name.objection(name):
        raise UserError(f"{name!r} cannot name a profile; {why}")
    own = paths.profiles_dir() / f"{name}.toml"
    if own.exists() or own.is_symlink():
        return read_profile(own)
    if _starter_file(name).exists():
        return read_profile(_starter_file(name), starter=True)
    if name == "default":
        return starter_of(View.FRONT)
    known = ", ".join(dict.fromkeys(info.name for info in list_profiles()))
    raise UserError(
        f"there is no profile {name!r} (there are: {known}); "
        f"make it with `posture-monitor calibrate --profile {name}`"
    )


def starter_of(view: View) -> Profile:
    """Return the starter profile for a view, whatever profiles of the user's own are called."""
    name = (View.FRONT if view is View.UNKNOWN else view).value
    return read_profile(_starter_file(name), starter=True)


def _starter_file(name: str) -> Path:
    return paths.packaged("calibration") / f"{name}.toml"


def own_profile(name: str) -> Profile:
    """Return one of the user's own profiles, to be changed.

    Raises
    ------
    UserError
        There is none of that name, or it is a starter, which is not the user's to change.
    """
    profile = load_profile(name)
    if profile.starter:
        raise UserError(
            f"{name!r} is a starter profile and not your own; "
            f"make your own first with `posture-monitor calibrate --profile {name}`"
        )
    return profile


def delete_profile(name: str) -> Path:
    """Delete one of the user's own profiles and return where it was; `UserError` where that fails."""
    path = own_file(name)
    try:
        path.unlink()
    except OSError as error:
        raise UserError(f"cannot delete the profile {path}: {error.strerror or error}") from error
    return path


def rename_profile(name: str, new: str) -> Path:
    """Give one of the user's own profiles another name; one of that name is never overwritten."""
    old = own_file(name)
    if why := profile_name.objection(new):
        raise UserError(f"{new!r} cannot name a profile; {why}")
    if _starter_file(new).exists():
        raise UserError(f"{new!r} is a starter profile, which would be hidden; choose another name")
    path = old.with_name(f"{new}.toml")
    # Windows and macOS find the same file by large and small letters.
    if path.exists() and (new == name or not path.samefile(old)):
        raise UserError(f"there is already a profile {new!r}; delete it first, or choose another name")
    try:
        old.rename(path)
    except OSError as error:
        raise UserError(f"cannot rename the profile {old}: {error.strerror or error}") from error
    return path


def own_file(name: str) -> Path:
    """Return the file of one of the user's own profiles; `UserError` where there is none of that name."""
    # Not read: a broken profile can be deleted and renamed as well.
    path = paths.profiles_dir() / f"{name}.toml"
    if profile_name.objection(name) or not path.is_file():
        own = ", ".join(info.name for info in list_profiles() if not info.starter) or "none"
        raise UserError(f"there is no profile of your own named {name!r} (there are: {own})")
    return path


def list_profiles() -> list[ProfileInfo]:
    """Return the user's own profiles, then the starters; a broken one says so in its text."""
    found = []
    for folder, starter in ((paths.profiles_dir(), False), (paths.packaged("calibration"), True)):
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else []:
            try:
                profile = read_profile(path, starter=starter)
                kinds = ", ".join(f"{n.name} ({n.view})" for n in profile.neutrals)
                text = f"starter, {kinds}" if starter else f"{kinds}, made {profile.made}"
            except UserError as error:
                text = f"broken: {error}"
            found.append(ProfileInfo(path.stem, starter, text))
    return found


def in_use(named: str) -> tuple[str, bool]:
    """Return the name of the profile that is judged against, and whether it is a starter.

    That of the monitor that runs, which may have chosen another by its place; else that which the
    settings name.
    """
    from posture_monitor.service.control import ask
    from posture_monitor.service.status import Status

    with contextlib.suppress(UserError):
        used = Status.from_json(ask("status")).profile
        return used.name, used.starter
    with contextlib.suppress(UserError):
        found = load_profile(named)
        return found.name, found.starter
    return named, False  # broken, or not there


def _with_unit(number: str, unit: str) -> str:
    return number + ("" if unit in ("°", "%") else " ") + unit


def _label(metric: str) -> str:
    """Return what a metric is called, and its key in the settings."""
    return f"{words.short_name(metric)} ({metric})" if metric in words.MEASURES else metric


def describe(profile: Profile) -> str:
    """Return what a profile holds, as lines of text that fit 80 columns."""
    lines = [f"{profile.name}{' (starter; not your own)' if profile.starter else ''}"]
    if profile.camera:
        lines.append(f"camera: {profile.camera}, {profile.width}×{profile.height}")
    if profile.made:
        lines.append(f"made: {profile.made}")
    for name, factor in profile.tuning.items():
        lines.append(f"tuned by 'Wrong reminder': {_label(name)} × {factor:g}")
    if profile.tuning:
        lines.append(f"undo the tuning with `posture-monitor profiles reset-tuning {profile.name}`")
    for name, capture in profile.captures.items():
        lines.append(f"also captured: {name}, {capture.frames} pictures")
    for neutral in profile.neutrals:
        lines.append(f"\n{neutral.name}: seen from {neutral.view}, {neutral.frames} pictures")
        for metric in METRICS:
            row = ROW[metric.name]
            if metric.name in words.MEASURES and np.isfinite(neutral.centre[row]):
                centre, spread = neutral.centre[row], neutral.spread[row]
                value = _with_unit(f"{centre:.3g}", metric.unit)
                varied = _with_unit(f"{spread:.2g}", metric.change_unit)
                lines.append(f"  {_label(metric.name):34s} {value:12s} ± {varied}")
        # Several metrics tell of the same thing, which is missing where all of them are.
        measured = {words.short_name(name) for name in words.MEASURES if name in neutral.measurable}
        missing = dict.fromkeys(
            words.short_name(name).lower()
            for name in words.MEASURES
            if words.short_name(name) not in measured
        )
        if missing:
            line = f"not measurable from here: {', '.join(missing)}"
            lines.append(textwrap.fill(line, 80, initial_indent="  ", subsequent_indent="    "))
    return "\n".join(lines)
