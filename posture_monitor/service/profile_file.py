"""The file of a profile: human-readable TOML, checked when it is read, written whole.

The format is described in ``calibration/README.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sized
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import numpy as np
from pydantic import AfterValidator, Field

from posture_monitor import paths, profile_name
from posture_monitor.checked import Checked, checked
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
#: No metric, and no count of frames, comes anywhere near.
_LARGEST = 10**12
#: Of a centre nearer to 0 than this no percentage can be taken.
_LEAST = 1e-9

_Held = TypeVar("_Held", bound=Sized)


def read_profile(path: Path, *, starter: bool = False) -> Profile:
    """Read and check a profile file; `UserError` names what is wrong with it."""
    stamp = stamp_of(path)
    try:
        paths.refuse_special(path)
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # editors of Windows mark it
    except (ValueError, RecursionError) as error:  # beside TOML's own: integers beyond all measure
        told = str(error).splitlines()[0]
        raise UserError(f"profile {path}: not valid TOML: {told}; {_CALIBRATE}") from error
    except OSError as error:
        raise UserError(f"cannot read the profile {path}: {error.strerror or error}") from error
    return replace(_parsed(content, path, starter), path=path, stamp=stamp)


def _known(metric: str) -> str:
    if metric not in ROW:
        raise ValueError("there is no such metric")
    return metric


def _readable(schema: int) -> int:
    if schema != SCHEMA:
        raise ValueError(f"this program reads {SCHEMA}")
    return schema


def _told(created: object) -> str:
    try:
        return plain(str(created))
    except ValueError:  # Python prints no integer of thousands of digits
        raise ValueError("it is no time") from None


def _some(found: _Held) -> _Held:
    if not found:
        raise ValueError("it is empty")
    return found


def _comparable(metrics: dict[str, _Pair]) -> dict[str, _Pair]:
    for name, pair in metrics.items():
        if METRICS[ROW[name]].change is Change.PERCENT and abs(pair.centre) < _LEAST:
            raise ValueError(f"{name}.centre = {pair.centre:g} is too near 0 for percentages of it")
    return metrics


_Text: TypeAlias = Annotated[str, AfterValidator(plain)]
_Metric: TypeAlias = Annotated[str, AfterValidator(_known)]


class _Pair(Checked):
    centre: float = Field(ge=-_LARGEST, le=_LARGEST)
    spread: float = Field(gt=0, le=_LARGEST)


class _Posture(Checked):
    name: _Text
    view: Literal["front", "oblique", "side"]
    azimuth_deg: float = Field(ge=0, le=90)
    frames: int = Field(ge=0, le=_LARGEST)
    metrics: Annotated[dict[_Metric, _Pair], AfterValidator(_some), AfterValidator(_comparable)]

    def neutral(self) -> Neutral:
        centre, spread = np.full(len(METRICS), np.nan), FLOOR.copy()
        for name, pair in self.metrics.items():
            row = ROW[name]
            centre[row], spread[row] = pair.centre, max(pair.spread, FLOOR[row])
        return Neutral(centre, spread, View(self.view), self.azimuth_deg, self.frames, self.name)


class _Camera(Checked):
    identity: _Text = ""
    width: int = Field(default=0, ge=0, le=100_000)
    height: int = Field(default=0, ge=0, le=100_000)


class _File(Checked):
    version: Annotated[int, AfterValidator(_readable)] = Field(alias="schema")
    created: Annotated[Any, AfterValidator(_told)] = ""
    camera: _Camera = _Camera()
    tuning: dict[_Metric, Annotated[float, Field(ge=1, le=3)]] = Field(default_factory=dict)
    neutral: Annotated[list[_Posture], AfterValidator(_some)]
    capture: list[_Posture] = Field(default_factory=list)


def _parsed(content: Mapping[str, Any], path: Path, starter: bool) -> Profile:
    read = checked(_File, content, f"profile {path}", f"; {_CALIBRATE}")
    return Profile(
        path.stem,
        tuple(posture.neutral() for posture in read.neutral),
        read.camera.identity,
        read.camera.width,
        read.camera.height,
        read.created,
        starter,
        read.tuning,
        {posture.name: posture.neutral() for posture in read.capture},
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
    document["camera"] = {"identity": profile.camera, "width": profile.width, "height": profile.height}
    if profile.tuning:
        document["tuning"] = dict(profile.tuning)
        document["tuning"].comment(
            "tolerance widened by 'Wrong reminder'; undo with `posture-monitor profiles reset-tuning`"
        )
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
