"""The settings in force while the service runs: their file may be changed under it, or by it."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from posture_monitor import paths
from posture_monitor.config import Config, load_config
from posture_monitor.errors import UserError
from posture_monitor.whole_file import Stamp, replacing, stamp_of

log = logging.getLogger(__name__)


class Settings:
    """Settings that follow their file.

    Parameters
    ----------
    path
        As for `load_config`.
    config
        What that gave.

    Attributes
    ----------
    config
        What is in force. A file that has become wrong changes nothing.
    trouble
        Why the file as it is now is not in force; ``""`` while it is.
    """

    def __init__(self, path: Path | None, config: Config) -> None:
        self._path, self.config = path, config
        self.trouble = ""
        #: Of none: the file may have been written since it was read, and is read once more.
        self._stamp: Stamp | None = (0, 0, 0)

    @property
    def file(self) -> Path:
        """The file that is followed; it need not exist."""
        return self._path or paths.config_file()

    def changed(self) -> bool:
        """Read the file if it has been written since, and return whether other settings are in force."""
        stamp = stamp_of(self.file)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            config = load_config(self._path)
        except UserError as error:
            if str(error) != self.trouble:
                log.warning("the settings stay as they were: %s", error)
            self.trouble = str(error)
            return False
        self.trouble = ""
        if config == self.config:
            return False
        self.config = config
        return True

    def choose(self, section: str, key: str, value: Any) -> None:
        """Put a choice of the user's into force, and into the file, which keeps all else it holds.

        Raises
        ------
        UserError
            The file cannot be read or written, or does not allow this value.
        """
        write_setting(self.file, section, key, value)
        self.config = load_config(self.file)
        self._stamp, self.trouble = stamp_of(self.file), ""


def write_setting(file: Path, section: str, key: str, value: Any) -> None:
    """Write one setting into a settings file, comments and all else left as they are.

    Raises
    ------
    UserError
        The file is no ordinary one, cannot be read or written, or the settings would not be allowed:
        then it is left as it was.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    paths.refuse_special(file)
    try:
        before = file.read_text(encoding="utf-8-sig") if file.exists() else ""
        document = tomlkit.parse(before)
        table = document.setdefault(section, tomlkit.table())
        if not isinstance(table, MutableMapping):
            raise UserError(f"{file}: {section} is no table; mend it first")
        table[key] = value
        paths.make_private(file.parent)
        with replacing(file) as draft:
            draft.write(tomlkit.dumps(document).encode())
            draft.flush()
            # Checked as a whole before it takes its place.
            try:
                load_config(Path(draft.name))
            except UserError as error:  # it names the draft, which nobody can mend
                raise UserError(str(error).replace(draft.name, str(file))) from error
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: not valid TOML: {error}; mend it first") from error
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror or error}") from error
