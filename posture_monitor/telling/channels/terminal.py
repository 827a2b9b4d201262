"""Notifications as two lines in the terminal: always there."""

from __future__ import annotations

import itertools
import shutil
import textwrap
from collections.abc import Callable, Sequence

from posture_monitor.telling.notify import Channel, ChannelError, Sent
from posture_monitor.telling.words import Text


def _wrapped(body: str) -> str:
    """Return lines no wider than the terminal, under their title."""
    width = shutil.get_terminal_size().columns
    return "\n".join(
        textwrap.fill(line, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        for line in body.splitlines()
    )


class Terminal(Channel):
    """Prints title and body. It has no buttons, and what is printed stays."""

    name = "terminal"

    def __init__(self, write: Callable[[str], None] = print) -> None:
        self._write = write
        self._numbers = itertools.count(1)

    def send(self, text: Text, *, replace_id: str | None = None, buttons: Sequence[str] = ()) -> Sent:
        """Print it.

        Raises
        ------
        ChannelError
            The output is closed.
        """
        try:
            # No sign of a state: the text may tell of any.
            self._write(f"\n» {text.title}\n{_wrapped(text.body)}\n")
        except (OSError, ValueError) as error:
            raise ChannelError(f"the terminal takes no more output ({error})") from error
        return Sent(f"terminal-{next(self._numbers)}", self.name)
