"""Profiles: neutral postures as human-readable TOML files.

A user's own lie in the data folder; starter ones ship with the program and
stand in until the user has calibrated. The format is described in
``calibration/README.md``.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import FLOOR, Neutral
from posture_monitor.posture.judge import Limits
from posture_monitor.posture.metrics import METRICS, NAMES, ROW
from posture_monitor.posture.reading import View
from posture_monitor.whole_file import Stamp, replacing, stamp_of

if TYPE_CHECKING:
    from posture_monitor.config import Config

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

#: Version of the file format.
SCHEMA = 1
#: A neutral whose name holds one of these is one of standing: breaks then count standing.
_STANDING = re.compile("stand(?!ard)|steh")
_CALIBRATE = "run `posture-monitor calibrate` to make a new one"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")
_VIEWS = (View.FRONT.value, View.OBLIQUE.value, View.SIDE.value)
#: No metric, and no count of frames, comes anywhere near.
_LARGEST = 1e12


@dataclass(frozen=True)
class Profile:
    """A named set of neutral postures at one place.

    Attributes
    ----------
    neutrals
        At least one; the one whose place and size fit is used (`fitting`).
    camera, width, height
        Identity and picture size of the camera it was made with; empty in a starter.
    created
        ISO time with offset.
    starter
        Shipped with the program, not this user's own.
    tuning
        Driver metric to the factor by which *Wrong alert* has widened it.
    captures
        What else was captured, by name: ``slouch`` and ``down`` (looking down)
        from `calibrate`, and each neutral as it was before it was re-anchored
        (`as_calibrated`).
    path, stamp
        The file it was read from or written to last, and how that was then; None where it has none.
    """

    name: str
    neutrals: tuple[Neutral, ...]
    camera: str = ""
    width: int = 0
    height: int = 0
    created: str = ""
    starter: bool = False
    tuning: Mapping[str, float] = field(default_factory=dict)
    captures: Mapping[str, Neutral] = field(default_factory=dict)
    path: Path | None = field(default=None, compare=False)
    stamp: Stamp | None = field(default=None, compare=False)

    @property
    def as_read(self) -> bool:
        """Whether its file is still as it was read or written: there, and not changed by anybody."""
        return self.path is not None and self.stamp is not None and stamp_of(self.path) == self.stamp

    @property
    def neutral(self) -> Neutral:
        """The first neutral posture."""
        return self.neutrals[0]

    def as_calibrated(self, index: int) -> Neutral:
        """Return a neutral as it was calibrated, also where it has been re-anchored since."""
        neutral = self.neutrals[index]
        return self.captures.get(_calibrated(neutral.name), neutral)

    def re_anchored(self, index: int, moved: Neutral) -> Profile:
        """Return the profile with one neutral at its new place, and what it was calibrated as."""
        neutrals = (*self.neutrals[:index], moved, *self.neutrals[index + 1 :])
        captures = {**self.captures, _calibrated(self.neutrals[index].name): self.as_calibrated(index)}
        return replace(self, neutrals=neutrals, captures=captures)

    def adding(self, neutral: Neutral) -> Profile:
        """Return the profile with one more neutral, in place of one of the same name."""
        captures = {key: value for key, value in self.captures.items() if key != _calibrated(neutral.name)}
        others = tuple(n for n in self.neutrals if n.name != neutral.name)
        return replace(self, neutrals=(*others, neutral), captures=captures)


def _calibrated(name: str) -> str:
    return f"{name} as calibrated"


@dataclass(frozen=True)
class ProfileInfo:
    """One line about a profile."""

    name: str
    starter: bool
    text: str

    def __str__(self) -> str:
        return f"{self.name:20s} {self.text}"


def is_standing(neutral: str) -> bool:
    """Say whether a neutral of this name is one of standing: ``standing``, ``Stehpult``, not ``standard``."""
    return _STANDING.search(neutral.casefold()) is not None


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
    if name.endswith(".toml"):
        return read_profile(Path(name).expanduser())
    own = paths.profiles_dir() / f"{name}.toml"
    if own.exists():
        return read_profile(own)
    starter = paths.packaged("calibration") / f"{name}.toml"
    if starter.exists():
        return read_profile(starter, starter=True)
    if name == "default":
        return starter_of(View.FRONT)
    known = ", ".join(info.name for info in list_profiles())
    raise UserError(
        f"there is no profile {name!r} (there are: {known}); "
        f"make it with `posture-monitor calibrate --profile {name}`"
    )


def read_profile(path: Path, *, starter: bool = False) -> Profile:
    """Read and check a profile file; `UserError` names what is wrong with it."""
    stamp = stamp_of(path)
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except (ValueError, RecursionError) as error:  # beside TOML's own: integers beyond all measure
        told = str(error).splitlines()[0]
        raise UserError(f"profile {path}: not valid TOML: {told}; {_CALIBRATE}") from error
    except OSError as error:
        raise UserError(f"cannot read the profile {path}: {error.strerror or error}") from error
    return replace(_parsed(content, path, starter), path=path, stamp=stamp)


def starter_of(view: View) -> Profile:
    """Return the starter profile for a view, whatever profiles of the user's own are called."""
    name = (View.FRONT if view is View.UNKNOWN else view).value
    return read_profile(paths.packaged("calibration") / f"{name}.toml", starter=True)


class _Reader:
    """Takes values out of a profile's tables; whatever is wrong becomes one line with file and key."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def error(self, text: str, advice: str = f"; {_CALIBRATE}") -> UserError:
        return UserError(f"profile {self.path}: {text}{advice}")

    def need(self, table: Mapping[str, Any], key: str, kind: type | tuple[type, ...], where: str = "") -> Any:
        at = f"{where}.{key}" if where else key
        if key not in table:
            raise self.error(f"{at} is missing")
        value = table[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.error(f"{at} = {_short(value)} is of the wrong type")
        return value

    def number(
        self,
        table: Mapping[str, Any],
        key: str,
        where: str = "",
        *,
        least: float = -_LARGEST,
        most: float = _LARGEST,
        whole: bool = False,
    ) -> float:
        value = self.need(table, key, int if whole else (int, float), where)
        at = f"{where}.{key}" if where else key
        if isinstance(value, float) and not math.isfinite(value):
            raise self.error(f"{at} = {value} is not a number")
        # Compared before it becomes a float: an integer may be too large for one.
        if not least <= value <= most:
            bounds = "out of all measure" if most == _LARGEST == -least else f"must be {least:g} to {most:g}"
            raise self.error(f"{at} = {_short(value)}: {bounds}")
        return float(value)

    def table(self, content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = content.get(key, {})
        if not isinstance(value, Mapping):
            raise self.error(f"{key} is not a table")
        return value

    def postures(self, content: Mapping[str, Any], key: str) -> list[Neutral]:
        tables = self.need(content, key, list)
        found = []
        for number, table in enumerate(tables):
            where = f"{key}[{number}]"
            if not isinstance(table, Mapping):
                raise self.error(f"{where} is not a table")
            found.append(self.posture(table, where))
        return found

    def posture(self, table: Mapping[str, Any], where: str) -> Neutral:
        view = self.need(table, "view", str, where)
        if view not in _VIEWS:
            raise self.error(f"{where}.view = {_short(view)}: must be front, oblique or side", "")
        centre, spread = np.full(len(METRICS), np.nan), FLOOR.copy()
        for name, pair in self.need(table, "metrics", Mapping, where).items():
            at = f"{where}.metrics.{name}"
            if name not in ROW:
                raise self.error(f"{at}: there is no such metric")
            if not isinstance(pair, Mapping):
                raise self.error(f"{at} = {_short(pair)}: must be a table of centre and spread")
            centre[ROW[name]] = self.number(pair, "centre", at)
            value = self.number(pair, "spread", at)
            if not value > 0:
                raise self.error(f"{at}.spread = {value:g}: must be above 0")
            spread[ROW[name]] = max(value, FLOOR[ROW[name]])
        if not np.isfinite(centre).any():
            raise self.error(f"{where}.metrics is empty")
        azimuth = self.number(table, "azimuth_deg", where, least=0, most=90)
        frames = int(self.number(table, "frames", where, least=0, whole=True))
        return Neutral(centre, spread, View(view), azimuth, frames, self.need(table, "name", str, where))


def _short(value: object) -> str:
    # An integer of thousands of digits cannot even be printed.
    if isinstance(value, int) and abs(value) > _LARGEST:
        return "a number of too many digits"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _parsed(content: Mapping[str, Any], path: Path, starter: bool) -> Profile:
    read = _Reader(path)
    schema = read.need(content, "schema", int)
    if schema != SCHEMA:
        raise read.error(f"schema = {_short(schema)}, this program reads {SCHEMA}")
    neutrals = read.postures(content, "neutral")
    if not neutrals:
        raise read.error("neutral is empty")
    captures = read.postures(content, "capture") if "capture" in content else []
    camera = read.table(content, "camera")
    size = [
        int(read.number(camera, key, "camera", least=0, most=100_000, whole=True)) if key in camera else 0
        for key in ("width", "height")
    ]
    identity = read.need(camera, "identity", str, "camera") if "identity" in camera else ""
    tuning = read.table(content, "tuning")
    for name in tuning:
        if name not in ROW:
            raise read.error(f"tuning.{name}: there is no such metric", "")
    return Profile(
        path.stem,
        tuple(neutrals),
        identity,
        size[0],
        size[1],
        str(content.get("created", "")),
        starter,
        {name: read.number(tuning, name, "tuning", least=1, most=3) for name in tuning},
        {capture.name: capture for capture in captures},
    )


def save_profile(profile: Profile, folder: Path | None = None) -> Path:
    """Write a profile atomically, readable by this user alone, and return its path.

    Raises
    ------
    UserError
        The name is no file name, or the folder cannot be written.
    """
    if not _NAME.fullmatch(profile.name):
        raise UserError(f"{profile.name!r} cannot name a profile; use letters, digits, - _ .")
    folder = paths.make_private(folder or paths.profiles_dir())
    path = folder / f"{profile.name}.toml"
    _write(profile, path)
    return path


def write_back(profile: Profile) -> Profile:
    """Write a profile that was changed into the file it came from, and return it as it is there now.

    Raises
    ------
    UserError
        That file was changed or deleted meanwhile, and is left as it is; or it cannot be written.
    """
    path = profile.path
    if path is None:
        path = save_profile(profile)
    elif profile.as_read:
        _write(profile, path)
    else:
        raise UserError(f"the profile {path} was changed or deleted meanwhile, and is left as it is")
    return replace(profile, path=path, stamp=stamp_of(path))


def _write(profile: Profile, path: Path) -> None:
    try:
        with replacing(path) as file:
            file.write(_text(profile).encode())
    except OSError as error:
        raise UserError(
            f"cannot write the profile {path}: {error.strerror or error}; "
            "make room or set POSTURE_MONITOR_HOME to another folder"
        ) from error


def _text(profile: Profile) -> str:
    """Return a profile as commented TOML."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment("A neutral posture of posture-monitor; see calibration/README.md."))
    document["schema"] = SCHEMA
    document["created"] = profile.created
    camera = tomlkit.table()
    camera["identity"], camera["width"], camera["height"] = profile.camera, profile.width, profile.height
    document["camera"] = camera
    if profile.tuning:
        tuning = tomlkit.table()
        tuning.comment(
            "tolerance widened by 'Wrong alert'; undo with `posture-monitor profiles reset-tuning`"
        )
        for name, factor in profile.tuning.items():
            tuning[name] = factor
        document["tuning"] = tuning
    for key, postures in (
        ("neutral", profile.neutrals),
        ("capture", [replace(posture, name=name) for name, posture in profile.captures.items()]),
    ):
        tables = tomlkit.aot()
        for posture in postures:
            table = tomlkit.table()
            table["name"], table["view"] = posture.name, posture.view.value
            table["azimuth_deg"], table["frames"] = round(posture.azimuth_deg, 1), posture.frames
            metrics = tomlkit.table()
            for metric, centre, spread in zip(METRICS, posture.centre, posture.spread, strict=True):
                if np.isfinite(centre):
                    pair = tomlkit.inline_table()
                    pair["centre"], pair["spread"] = float(f"{centre:.5g}"), float(f"{spread:.3g}")
                    metrics[metric.name] = pair
                    metrics[metric.name].comment(f"{metric.unit}; {metric.text}")
            table["metrics"] = metrics
            tables.append(table)
        if postures:
            document[key] = tables
    return tomlkit.dumps(document)


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
    path = _own_file(name)
    try:
        path.unlink()
    except OSError as error:
        raise UserError(f"cannot delete the profile {path}: {error.strerror or error}") from error
    return path


def rename_profile(name: str, new: str) -> Path:
    """Give one of the user's own profiles another name; one of that name is never overwritten."""
    old = _own_file(name)
    if not _NAME.fullmatch(new):
        raise UserError(f"{new!r} cannot name a profile; use letters, digits, - _ .")
    path = old.with_name(f"{new}.toml")
    if path.exists():
        raise UserError(f"there is already a profile {new!r}; delete it first, or choose another name")
    try:
        old.rename(path)
    except OSError as error:
        raise UserError(f"cannot rename the profile {old}: {error.strerror or error}") from error
    return path


def _own_file(name: str) -> Path:
    # Not read: a broken profile can be deleted and renamed as well.
    path = paths.profiles_dir() / f"{name}.toml"
    if not _NAME.fullmatch(name) or not path.is_file():
        own = ", ".join(info.name for info in list_profiles() if not info.starter) or "none"
        raise UserError(f"there is no profile of your own named {name!r} (there are: {own})")
    return path


def limits_of(config: Config, profile: Profile) -> Limits:
    """Return the limits in force: those of the settings, widened by what *Wrong alert* has."""
    scale = dict(config.judge.scale)
    for name, factor in profile.tuning.items():
        scale[name] = scale.get(name, 1.0) * factor
    return Limits(scale, config.judge.min_confidence)


def list_profiles() -> list[ProfileInfo]:
    """Return the user's own profiles, then the starters; a broken one says so in its text."""
    found = []
    for folder, starter in ((paths.profiles_dir(), False), (paths.packaged("calibration"), True)):
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else []:
            try:
                profile = read_profile(path, starter=starter)
                kinds = ", ".join(f"{n.name} ({n.view})" for n in profile.neutrals)
                text = f"starter, {kinds}" if starter else f"{kinds}, made {profile.created[:16]}"
            except UserError as error:
                text = f"broken: {error}"
            found.append(ProfileInfo(path.stem, starter, text))
    return found


def describe(profile: Profile) -> str:
    """Return what a profile holds, as lines of text."""
    lines = [f"{profile.name}{' (starter; not your own)' if profile.starter else ''}"]
    if profile.camera:
        lines.append(f"camera: {profile.camera}, {profile.width}×{profile.height}")
    if profile.created:
        lines.append(f"made: {profile.created}")
    for name, factor in profile.tuning.items():
        lines.append(f"tuned by 'Wrong alert': {name} × {factor:g}")
    if profile.tuning:
        lines.append(f"undo the tuning with `posture-monitor profiles reset-tuning {profile.name}`")
    for name, capture in profile.captures.items():
        lines.append(f"also captured: {name}, {capture.frames} frames")
    for neutral in profile.neutrals:
        lines.append(f"\n{neutral.name}: seen from {neutral.view}, {neutral.frames} frames")
        for metric in METRICS:
            row = ROW[metric.name]
            if np.isfinite(neutral.centre[row]):
                centre, spread = neutral.centre[row], neutral.spread[row]
                varied = f"± {spread:.2g} {metric.change_unit}"
                lines.append(f"  {metric.name:15s} {centre:9.3g} {metric.unit:8s} {varied}")
        missing = [name for name in NAMES if name not in neutral.measurable]
        if missing:
            lines.append(f"  not measurable from here: {', '.join(missing)}")
    return "\n".join(lines)


def now_iso() -> str:
    """Return the local time with its offset, to the second."""
    return dt.datetime.now().astimezone().isoformat(timespec="seconds")
