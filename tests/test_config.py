"""Settings: defaults come from the shipped file alone, and every mistake is told in one useful line."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from posture_monitor import config as settings
from posture_monitor import paths, settings_file
from posture_monitor.checked import checked
from posture_monitor.config import Config, in_force, load_config
from posture_monitor.errors import UserError

SHIPPED = settings_file.read_toml(paths.packaged("config.toml"))

pytestmark = pytest.mark.usefixtures("home")


def written(folder: Path, text: str) -> Path:
    file = folder / "mine.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problem(folder: Path, text: str) -> str:
    """Return the one line that a settings file earns, without the name of the file it must begin with."""
    file = written(folder, text)
    with pytest.raises(UserError) as caught:
        load_config(file)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{file}: ")
    return line.removeprefix(f"{file}: ")


def models(model: type[BaseModel] = Config) -> Iterator[tuple[type[BaseModel], str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield model, name, field
        kind = field.annotation
        # In Python 3.10 `tuple[int]` passes for a type, though nothing can be a subclass of it.
        if isinstance(kind, type) and not get_args(kind) and issubclass(kind, BaseModel):
            yield from models(kind)


def test_the_models_carry_no_defaults_of_their_own() -> None:
    fields = list(models())
    assert len(fields) > 25
    assert [f"{model.__name__}.{name}" for model, name, field in fields if not field.is_required()] == []


def test_the_shipped_file_is_what_is_in_force_without_a_file_of_ones_own() -> None:
    assert load_config().model_dump(mode="json") == SHIPPED


def test_the_users_own_file_is_laid_over_the_defaults_key_by_key(home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text('[alert]\npreset = "strict"\n[judge.scale]\ndistance = 2\n')
    config = load_config()
    assert config.alert.preset == "strict"
    assert config.judge.scale["distance"] == 2
    assert config.judge.scale["head_roll"] == 1
    assert config.alert.channel == load_config(paths.packaged("config.toml")).alert.channel


def test_every_metric_that_drives_a_verdict_has_its_tolerance_and_no_other() -> None:
    from posture_monitor.posture.judge import SIGNALS

    over_minutes = {"ear_height"}  # drives `sustained` alone
    assert set(load_config().judge.scale) == {signal.driver for signal in SIGNALS} | over_minutes


def test_a_given_file_stands_in_place_of_the_users_own(home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text('[alert]\npreset = "strict"\n')
    assert load_config(written(tmp_path, "")).alert.preset == "balanced"


def test_a_byte_order_mark_as_windows_editors_write_it_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "notepad.toml"
    file.write_bytes(b"\xef\xbb\xbf[alert]\r\nsound = true\r\n")
    assert load_config(file).alert.sound is True


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_config().alert.sound = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("preset", "poor_hold_s", "cooldown_s", "max_per_hour"),
    [("gentle", 240, 1200, 2), ("balanced", 90, 600, 4), ("strict", 30, 180, 10)],
)
def test_presets(
    tmp_path: Path, preset: str, poor_hold_s: float, cooldown_s: float, max_per_hour: int
) -> None:
    policy = load_config(written(tmp_path, f'[alert]\npreset = "{preset}"\n')).alert.policy
    assert (policy.poor_hold_s, policy.cooldown_s, policy.max_per_hour) == (
        poor_hold_s,
        cooldown_s,
        max_per_hour,
    )


def test_a_number_overrules_its_part_of_the_preset_only(tmp_path: Path) -> None:
    policy = load_config(written(tmp_path, "[alert]\npoor_hold_s = 45\nmax_per_hour = 0\n")).alert.policy
    assert (policy.poor_hold_s, policy.cooldown_s, policy.max_per_hour) == (45, 600, 0)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        # Unknown keys, with the nearest right spelling.
        ('[camera]\nsorce = "1"', 'camera.sorce = "1": unknown key; did you mean camera.source?'),
        ('[camra]\nsource = "1"', "[camra]: unknown key; did you mean camera?"),
        ("[judge.scale]\ntrunk_inc = 2", "judge.scale.trunk_inc = 2: unknown key; did you mean"),
        ("[camera]\nmax_per_hour = 3", "camera.max_per_hour = 3: unknown key; did you mean alert.max_"),
        ("[history]\nzzz = 1", "unknown key; here it can be keep_samples_days or keep_landmarks"),
        # Wrong types.
        ("[camera]\nsource = 0", 'camera.source = 0: must be text in quotes, such as "0"'),
        ("[camera]\nwidth = 640.5", "camera.width = 640.5: must be a whole number"),
        ('[camera]\ninterval_s = "1"', 'camera.interval_s = "1": must be a number'),
        ("[camera]\ninterval_s = true", "camera.interval_s = true: must be a number"),
        ("[breaks]\nenabled = 1", "breaks.enabled = 1: must be true or false"),
        ('[quiet]\nhours = "22:00-07:00"', 'quiet.hours = "22:00-07:00": must be a list'),
        ("[quiet]\nhours = [22]", 'quiet.hours[0] = 22: write it like "22:00-07:00"'),
        ("[alert]\nmax_per_hour = 2.5", 'alert.max_per_hour = 2.5: must be "preset" or a whole number'),
        ("camera = 3", "camera = 3: must be a [section] of its own"),
        ("[judge]\nscale = 3", "judge.scale = 3: must be a [section] of its own"),
        ("[profile.name]\na = 1", "[profile.name]: must be text in quotes"),
        ("[camera]\nsource = 2026-03-02", 'camera.source = "2026-03-02": must be text in quotes'),
        # Out of range.
        ("[camera]\ninterval_s = 0", "camera.interval_s = 0: too small; the least is 0.05"),
        ("[camera]\ninterval_s = nan", "camera.interval_s = NaN: must be a finite number"),
        ("[camera]\nheight = 100000", "camera.height = 100000: too large; the most is 2160"),
        ("[judge]\nwindow_s = -1", "judge.window_s = -1: too small; the least is 2"),
        ("[judge.scale]\ndistance = 9", "judge.scale.distance = 9: too large; the most is 3"),
        ("[alert]\ncooldown_s = 1", "alert.cooldown_s = 1: too small; the least is 30"),
        ("[alert.presets.gentle]\npoor_hold_s = 1", "alert.presets.gentle.poor_hold_s = 1: too small"),
        ('[alert]\npreset = "balancd"', 'alert.preset = "balancd": did you mean "balanced"?'),
        ('[alert]\nchannel = "x"', 'alert.channel = "x": must be "auto", "desktop", "plyer" or "terminal"'),
        ('[quiet]\nhours = ["25:00-07:00"]', 'quiet.hours[0] = "25:00-07:00": write it like "22:00-07:00"'),
        ('[quiet]\nhours = ["07:00-07:00"]', '"07:00-07:00": it begins and ends at the same time'),
        ('[profile]\nname = "../x"', 'profile.name = "../x": use letters, digits'),
        ('[profile]\nname = "nul"', 'profile.name = "nul": use a name that Windows does not keep'),
        ('[camera]\nsource = " "', 'camera.source = " ": it must not be empty'),
        ("[history]\nkeep_samples_days = -1", "history.keep_samples_days = -1: too small; the least is 0"),
        ('[report]\nend_of_day = "5 pm"', 'report.end_of_day = "5 pm": write it like "17:30"'),
        ('[report]\nend_of_day = "24:00"', 'report.end_of_day = "24:00": write it like "17:30"'),
        ('language = "klingon"', 'language = "klingon": write it like "de"'),
        ('[alert]\npreset = "x"\nsound = 1', "(and 1 more wrong value)"),
        # Longer than Python prints an integer.
        ("[camera]\nwidth = 0x" + "F" * 5000, "camera.width = (too many digits): too large"),
        ("[alert]\npreset = 0x" + "F" * 5000, 'alert.preset = (too many digits): must be "gentle"'),
        ("[camera]\nzzz = 0x" + "F" * 5000, "camera.zzz = (too many digits): unknown key"),
        # Broken TOML, with the line.
        ("[camera]\nwidth = \n", "not valid TOML: Invalid value (at line 2"),
        ("[camera]\nwidth = 640\nwidth = 641", " overwrite a value (at line 3"),
        ("[camera]\nwidth = " + "9" * 5000, "not valid TOML: Exceeds the limit"),
        ("a = " + "[" * 5000, "not valid TOML: "),
        ('[camera]\nsource = "0', "not valid TOML: Unterminated string (at line 2"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_key_value_and_way_out(tmp_path: Path, text: str, line: str) -> None:
    assert line in problem(tmp_path, text)


def test_the_presets_are_called_as_in_the_settings() -> None:
    assert list(settings_file.PRESETS) == list(SHIPPED["alert"]["presets"])


def test_no_sample_may_be_kept_and_the_day_may_be_summed_up(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[history]\nkeep_samples_days = 0\n[report]\nend_of_day = "17:30"\n')
    config = load_config(tmp_path / "own.toml")
    assert (config.history.keep_samples_days, config.report.end_of_day) == (0, "17:30")
    assert load_config().report.end_of_day == ""


def test_a_long_or_many_lined_value_stays_one_short_line(tmp_path: Path) -> None:
    long = problem(tmp_path, f'[alert]\npreset = """a\n{"b" * 500}"""\n')
    assert len(long) < 200


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(b"[camera]\n\xff\xfe")
    with pytest.raises(UserError, match=r"mine\.toml: not a text file in UTF-8 \(byte 9\)"):
        load_config(file)


@pytest.mark.parametrize(("name", "why"), [("nowhere.toml", "No such file"), ("", "Is a directory")])
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(UserError, match=rf"cannot read the config .*{name}: {why}"):
        load_config(tmp_path / name)


def test_settings_in_force_keep_the_explanations_and_read_back_as_the_same(tmp_path: Path) -> None:
    file = written(tmp_path, '[alert]\npreset = "gentle"\n[quiet]\nhours = ["22:00-07:00"]\n')
    text = in_force(file)
    assert "# Play the desktop's sound with a reminder." in text
    assert load_config(written(tmp_path, text)) == load_config(
        written(tmp_path, '[alert]\npreset = "gentle"\n[quiet]\nhours = ["22:00-07:00"]\n')
    )
    assert in_force() == paths.packaged("config.toml").read_text(encoding="utf-8")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
sections = st.sampled_from(sorted(Config.model_fields)) | st.text(max_size=8)


@given(
    st.dictionaries(
        sections,
        json_like
        | st.dictionaries(st.sampled_from(["source", "scale", "hours", "presets", "name"]), json_like),
        max_size=3,
    )
)
def test_whatever_a_file_holds_it_is_settings_or_one_line(own: dict[str, object]) -> None:
    shipped = settings_file.read_toml(paths.packaged("config.toml"))
    file = Path("mine.toml")
    line = None
    try:
        settings._refuse_unknown(own, shipped, file)
        settings._lay_over(shipped, own)
        config = checked(Config, shipped, str(file))
    except UserError as error:
        line = str(error)
    if line is None:
        assert config.model_dump(mode="json") == shipped
    else:
        assert line.startswith("mine.toml: ")
        assert len(line.splitlines()) == 1


def test_a_folder_that_nobody_may_look_into_does_not_bring_back_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(path: Path, **_how: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "stat", refused)
    with pytest.raises(UserError, match=r"cannot read the config .*: Permission denied"):
        settings_file.own_file(None)
