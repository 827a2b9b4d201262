"""Profiles: neutral postures as human-readable TOML files.

A user's own lie in the data folder; starter ones ship with the program and
stand in until the user has calibrated. The format is described in
``calibration/README.md``.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import FLOOR, Neutral
from posture_monitor.posture.metrics import METRICS, NAMES, ROW
from posture_monitor.posture.reading import View

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

#: Version of the file format.
SCHEMA = 1
_CALIBRATE = "run `posture-monitor calibrate` to make a new one"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}")


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
    """

    name: str
    neutrals: tuple[Neutral, ...]
    camera: str = ""
    width: int = 0
    height: int = 0
    created: str = ""
    starter: bool = False
    tuning: Mapping[str, float] = field(default_factory=dict)

    @property
    def neutral(self) -> Neutral:
        """The first neutral posture."""
        return self.neutrals[0]


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
    if name.endswith(".toml"):
        return read_profile(Path(name).expanduser())
    own = paths.profiles_dir() / f"{name}.toml"
    if own.exists():
        return read_profile(own)
    starter = paths.packaged("calibration") / f"{name}.toml"
    if starter.exists():
        return read_profile(starter, starter=True)
    if name == "default":
        return read_profile(paths.packaged("calibration") / "front.toml", starter=True)
    known = ", ".join(info.name for info in list_profiles())
    raise UserError(
        f"there is no profile {name!r} (there are: {known}); "
        f"make it with `posture-monitor calibrate --profile {name}`"
    )


def read_profile(path: Path, *, starter: bool = False) -> Profile:
    """Read and check a profile file; `UserError` names what is wrong with it."""
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"profile {path}: not valid TOML: {error}; {_CALIBRATE}") from error
    except OSError as error:
        raise UserError(f"cannot read the profile {path}: {error.strerror or error}") from error
    return _parsed(content, path, starter)


def _parsed(content: Mapping[str, Any], path: Path, starter: bool) -> Profile:
    def need(table: Mapping[str, Any], key: str, kind: type | tuple[type, ...], where: str = "") -> Any:
        at = f"{where}.{key}" if where else key
        if key not in table:
            raise UserError(f"profile {path}: {at} is missing; {_CALIBRATE}")
        value = table[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise UserError(f"profile {path}: {at} = {value!r} is of the wrong type; {_CALIBRATE}")
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"profile {path}: {at} = {value} is not a number; {_CALIBRATE}")
        return value

    schema = need(content, "schema", int)
    if schema != SCHEMA:
        raise UserError(f"profile {path}: schema = {schema}, this program reads {SCHEMA}; {_CALIBRATE}")
    neutrals = []
    tables = need(content, "neutral", list)
    if not tables:
        raise UserError(f"profile {path}: neutral is empty; {_CALIBRATE}")
    for number, table in enumerate(tables):
        where = f"neutral[{number}]"
        if not isinstance(table, Mapping):
            raise UserError(f"profile {path}: {where} is not a table; {_CALIBRATE}")
        view = need(table, "view", str, where)
        if view not in [v.value for v in View]:
            raise UserError(f"profile {path}: {where}.view = {view!r}: must be front, oblique or side")
        centre, spread = np.full(len(METRICS), np.nan), FLOOR.copy()
        metrics = need(table, "metrics", Mapping, where)
        for name, pair in metrics.items():
            at = f"{where}.metrics.{name}"
            if name not in ROW:
                raise UserError(f"profile {path}: {at}: there is no such metric; {_CALIBRATE}")
            if not isinstance(pair, Mapping):
                raise UserError(f"profile {path}: {at} = {pair!r}: must be a table of centre and spread")
            centre[ROW[name]] = need(pair, "centre", (int, float), at)
            value = float(need(pair, "spread", (int, float), at))
            if not value > 0:
                raise UserError(f"profile {path}: {at}.spread = {value:g}: must be above 0; {_CALIBRATE}")
            spread[ROW[name]] = max(value, FLOOR[ROW[name]])
        if not np.isfinite(centre).any():
            raise UserError(f"profile {path}: {where}.metrics is empty; {_CALIBRATE}")
        neutrals.append(
            Neutral(
                centre,
                spread,
                View(view),
                float(need(table, "azimuth_deg", (int, float), where)),
                need(table, "frames", int, where),
                need(table, "name", str, where),
            )
        )
    camera = content.get("camera", {})
    if not isinstance(camera, Mapping):
        raise UserError(f"profile {path}: camera is not a table; {_CALIBRATE}")
    tuning = content.get("tuning", {})
    if not isinstance(tuning, Mapping):
        raise UserError(f"profile {path}: tuning is not a table; {_CALIBRATE}")
    for name in tuning:
        if name not in ROW:
            raise UserError(f"profile {path}: tuning.{name}: there is no such metric")
        factor = need(tuning, name, (int, float), "tuning")
        if not 1 <= factor <= 3:
            raise UserError(f"profile {path}: tuning.{name} = {factor:g}: must be 1 to 3")
    return Profile(
        path.stem,
        tuple(neutrals),
        str(camera.get("identity", "")),
        _whole(camera.get("width")),
        _whole(camera.get("height")),
        str(content.get("created", "")),
        starter,
        {name: float(factor) for name, factor in tuning.items()},
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


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
    scratch = ""
    try:
        handle, scratch = tempfile.mkstemp(dir=folder, prefix=".profile-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_text(profile))
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, path)
    except OSError as error:
        if scratch:
            with contextlib.suppress(OSError):
                os.unlink(scratch)
        raise UserError(
            f"cannot write the profile {path}: {error.strerror or error}; "
            "make room or set POSTURE_MONITOR_HOME to another folder"
        ) from error
    return path


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
    neutrals = tomlkit.aot()
    for neutral in profile.neutrals:
        table = tomlkit.table()
        table["name"], table["view"] = neutral.name, neutral.view.value
        table["azimuth_deg"], table["frames"] = round(neutral.azimuth_deg, 1), neutral.frames
        metrics = tomlkit.table()
        for metric, centre, spread in zip(METRICS, neutral.centre, neutral.spread, strict=True):
            if np.isfinite(centre):
                pair = tomlkit.inline_table()
                pair["centre"], pair["spread"] = float(f"{centre:.5g}"), float(f"{spread:.3g}")
                metrics[metric.name] = pair
                metrics[metric.name].comment(f"{metric.unit}; {metric.text}")
        table["metrics"] = metrics
        neutrals.append(table)
    document["neutral"] = neutrals
    return tomlkit.dumps(document)


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
    for neutral in profile.neutrals:
        lines.append(f"\n{neutral.name}: seen from {neutral.view}, {neutral.frames} frames")
        for metric in METRICS:
            row = ROW[metric.name]
            if np.isfinite(neutral.centre[row]):
                centre, spread = neutral.centre[row], neutral.spread[row]
                lines.append(f"  {metric.name:15s} {centre:9.3g} {metric.unit:8s} ± {spread:.2g}")
        missing = [name for name in NAMES if name not in neutral.measurable]
        if missing:
            lines.append(f"  not measurable from here: {', '.join(missing)}")
    return "\n".join(lines)


def now_iso() -> str:
    """Return the local time with its offset, to the second."""
    return dt.datetime.now().astimezone().isoformat(timespec="seconds")
