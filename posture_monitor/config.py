"""Settings: the shipped ``config.toml`` with the user's own file laid over it, checked strictly.

The models below carry types and ranges but no defaults: those stand in
``config.toml`` alone, so that what the user reads there is what happens.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from posture_monitor import day_span, paths, profile_name
from posture_monitor.checked import Checked, checked, either, shown
from posture_monitor.day_span import CLOCK, DaySpan
from posture_monitor.errors import UserError
from posture_monitor.settings_file import own_file, read_toml


def _profile(text: str) -> str:
    if not profile_name.is_path(text) and (why := profile_name.objection(text)):
        raise ValueError(f"{why}, or the path of a .toml file")
    return text


def _written(pattern: str, advice: str) -> AfterValidator:
    """Return what refuses a text of another form, with advice how to write it."""

    def checked_text(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(advice)
        return text

    return AfterValidator(checked_text)


_Source = Annotated[str, _written(r"(?s).*\S.*", "it must not be empty")]
_TimeOfDay = Annotated[str, _written(f"({CLOCK})?", 'write it like "17:30", or leave it ""')]
_Language = Annotated[
    str, _written("([a-z]{2,3}(_[A-Z]{2})?)?", 'write it like "de" or "pt_BR", or leave it ""')
]
#: TOML arrays arrive as lists, which strict mode would not take for a tuple.
_Spans = Annotated[tuple[Annotated[DaySpan, BeforeValidator(day_span.parse)], ...], Field(strict=False)]
_PoorHold = Annotated[float, Field(ge=5, le=1800)]
_Cooldown = Annotated[float, Field(ge=30, le=14400)]
_MaxPerHour = Annotated[int, Field(ge=0, le=30)]


class _Section(Checked):
    model_config = ConfigDict(extra="forbid")


class Camera(_Section):
    """Where pictures come from, at what size and pace."""

    source: _Source
    width: int = Field(ge=160, le=3840)
    height: int = Field(ge=120, le=2160)
    interval_s: float = Field(ge=0.05, le=20)
    mode: Literal["continuous", "burst"]
    calls: Literal["yield", "quiet", "ignore"]


class Sampling(_Section):
    """How often a camera is looked at, in seconds between looks."""

    settled_s: float = Field(ge=0.5, le=10)
    deviating_s: float = Field(ge=0.1, le=5)
    poor_s: float = Field(ge=0.5, le=10)
    away_s: float = Field(ge=0.5, le=20)
    unmoved_at_most_s: float = Field(ge=1, le=600)
    battery_factor: float = Field(ge=1, le=5)


class Service(_Section):
    """When the background process watches at all, and its sign on the desktop."""

    hours: _Spans
    tray: bool


class Model(_Section):
    """The pose model; an empty path means the program's own."""

    path: str

    @property
    def own(self) -> Path | None:
        """The user's bundle, or None for the program's own."""
        return Path(self.path) if self.path else None


class Profile(_Section):
    """The neutral posture judged against."""

    name: Annotated[str, AfterValidator(_profile)]
    by_place: bool


class Judge(_Section):
    """How steady a state is, the least confidence, and the tolerance of each metric."""

    window_s: float = Field(ge=2, le=60)
    min_confidence: float = Field(ge=0, le=1)
    scale: Mapping[str, Annotated[float, Field(ge=0.5, le=3)]]


class Policy(_Section):
    """How soon and how often to alert; numbers only.

    Attributes
    ----------
    poor_hold_s
        Seconds of unbroken poor posture until the first alert.
    cooldown_s
        Seconds of silence after an alert.
    max_per_hour
        Most alerts in any hour; 0 means never.
    """

    poor_hold_s: _PoorHold
    cooldown_s: _Cooldown
    max_per_hour: _MaxPerHour


class Presets(_Section):
    """The three ready-made policies."""

    gentle: Policy
    balanced: Policy
    strict: Policy


class Alert(_Section):
    """Which policy, what overrules it, and how alerts are shown."""

    preset: Literal["gentle", "balanced", "strict"]
    poor_hold_s: Literal["preset"] | _PoorHold
    cooldown_s: Literal["preset"] | _Cooldown
    max_per_hour: Literal["preset"] | _MaxPerHour
    channel: Literal["auto", "desktop", "plyer", "terminal"]
    sound: bool
    presets: Presets

    @property
    def policy(self) -> Policy:
        """The chosen preset with the overruling numbers put in."""
        preset: Policy = getattr(self.presets, self.preset)
        own = {name: getattr(self, name) for name in Policy.model_fields}
        return preset.model_copy(update={name: value for name, value in own.items() if value != "preset"})


class Breaks(_Section):
    """When to suggest standing up or moving."""

    enabled: bool
    sit_bout_s: float = Field(ge=300, le=14400)
    motionless_s: float = Field(ge=120, le=14400)


class Quiet(_Section):
    """When to stay silent."""

    hours: _Spans
    respect_dnd: bool


class History(_Section):
    """What is kept, and how long."""

    keep_samples_days: int = Field(ge=0, le=3650)
    keep_landmarks: bool


class Report(_Section):
    """When the day is summed up unasked; empty is never."""

    end_of_day: _TimeOfDay


class Config(_Section):
    """All settings in force; frozen, every value checked."""

    language: _Language
    camera: Camera
    sampling: Sampling
    service: Service
    model: Model
    profile: Profile
    judge: Judge
    alert: Alert
    breaks: Breaks
    quiet: Quiet
    history: History
    report: Report


def load_config(path: Path | None = None) -> Config:
    """Return the settings in force.

    Parameters
    ----------
    path
        File laid over the defaults in place of the user's own, which is
        `paths.config_file()` and may be missing.

    Raises
    ------
    UserError
        The file cannot be read, is not TOML, or holds an unknown key, a wrong
        type or a value out of range; the line names file, key and value.
    """
    shipped = paths.packaged("config.toml")
    settings = read_toml(shipped)
    own = own_file(path)
    if own is None:
        return checked(Config, settings, str(shipped))
    chosen = read_toml(own)
    _refuse_unknown(chosen, settings, own)
    _lay_over(settings, chosen)
    return checked(Config, settings, str(own))


def in_force(path: Path | None = None) -> str:
    """Return the settings in force as the text of a settings file, explanations included.

    Parameters and errors are those of `load_config`.
    """
    import tomlkit

    load_config(path)
    document = tomlkit.parse(paths.packaged("config.toml").read_text(encoding="utf-8"))
    own = own_file(path)
    if own is not None:
        _lay_over(document, read_toml(own))
    return tomlkit.dumps(document)


def _lay_over(below: MutableMapping[str, Any], above: Mapping[str, Any]) -> None:
    """Put the values of `above` into `below` in place, so that the comments beside them stay."""
    for key, value in above.items():
        base = below.get(key)
        if isinstance(value, Mapping) and isinstance(base, MutableMapping):
            _lay_over(base, value)
        else:
            below[key] = value


def _refuse_unknown(settings: Mapping[str, Any], defaults: Mapping[str, Any], file: Path) -> None:
    """Raise `UserError` for the first key that the defaults do not know, saying where a like one is.

    The shipped file lists every key, metric tolerances included, so it is the
    vocabulary; the models alone would accept any metric name.
    """
    known = list(_leaves(defaults))

    def walk(table: Mapping[str, Any], base: Mapping[str, Any], at: tuple[str, ...]) -> None:
        for key, value in table.items():
            here = (*at, key)
            if key not in base:
                raise UserError(f"{file}: {shown(here, value)}: unknown key{_like_key(here, base, known)}")
            if isinstance(value, Mapping) and isinstance(base[key], Mapping):
                walk(value, base[key], here)

    walk(settings, defaults, ())


def _leaves(table: Mapping[str, Any], at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for key, value in table.items():
        found += _leaves(value, (*at, key)) if isinstance(value, Mapping) else [(*at, key)]
    return found


def _like_key(key: tuple[str, ...], beside: Mapping[str, Any], known: list[tuple[str, ...]]) -> str:
    near = difflib.get_close_matches(key[-1], list(beside), n=1)
    if near:
        return f"; did you mean {'.'.join((*key[:-1], near[0]))}?"
    # Perhaps the right word in the wrong section.
    names = {leaf[-1]: leaf for leaf in reversed(known)}
    near = difflib.get_close_matches(key[-1], list(names), n=1, cutoff=0.8)
    if near:
        return f"; did you mean {'.'.join(names[near[0]])}?"
    return f"; here it can be {either(list(beside))}"
