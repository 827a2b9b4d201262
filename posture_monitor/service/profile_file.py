"""The file of a profile: human-readable TOML, checked when it is read, written whole.

The format is described in ``calibration/README.md``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from posture_monitor import paths, profile_name
from posture_monitor.errors import UserError
from posture_monitor.plain_text import plain
from posture_monitor.posture.baseline import FLOOR, Neutral
from posture_monitor.posture.metrics import METRICS, ROW, Change
from posture_monitor.posture.reading import View
from posture_monitor.service.profile import Profile
from posture_monitor.whole_file import replacing, stamp_of

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]

#: Version of the file format.
SCHEMA = 1
_CALIBRATE = "run `posture-monitor calibrate` to make a new one"
_VIEWS = (View.FRONT.value, View.OBLIQUE.value, View.SIDE.value)
#: No metric, and no count of frames, comes anywhere near.
_LARGEST = 1e12
#: Of a centre nearer to 0 than this no percentage can be taken.
_LEAST = 1e-9


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
        return plain(value) if isinstance(value, str) else value

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
            row = ROW[name]
            centre[row] = self.number(pair, "centre", at)
            if METRICS[row].change is Change.PERCENT and abs(centre[row]) < _LEAST:
                raise self.error(f"{at}.centre = {centre[row]:g}: too near 0 for percentages of it")
            value = self.number(pair, "spread", at)
            if not value > 0:
                raise self.error(f"{at}.spread = {value:g}: must be above 0")
            spread[row] = max(value, FLOOR[row])
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
        plain(str(content.get("created", ""))),
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
    if why := profile_name.objection(profile.name):
        raise UserError(f"{profile.name!r} cannot name a profile; {why}")
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
            "tolerance widened by 'Wrong reminder'; undo with `posture-monitor profiles reset-tuning`"
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
