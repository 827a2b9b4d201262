"""The monitor's status on a terminal: the words of `status_text`, with colour."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from posture_monitor.service.status import Status
from posture_monitor.service.status_text import headline, rows


class Shown:
    """The status as rich draws it; as `plain`, with colour, and wrapped where the terminal is narrow."""

    def __init__(self, status: Status, now_s: float) -> None:
        self._status, self._now_s = status, now_s

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        line = headline(self._status, self._now_s)
        yield Text.assemble((line.word, f"bold {line.colour}"), line.rest)
        grid = Table.grid(padding=(0, 1))
        grid.add_column(min_width=10, style="dim", no_wrap=True)
        grid.add_column()
        for name, told in rows(self._status, self._now_s):
            grid.add_row(f"  {name}", Text(told, "bold red" if told.startswith("!") else ""))
        yield grid
