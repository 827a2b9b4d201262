"""The monitor's status on a terminal: the words of `status_text`, with colour."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from posture_monitor.service.status import Status
from posture_monitor.service.status_text import headline, rows


def shown(status: Status, now_s: float) -> Group:
    """Return the status for a terminal: as `plain`, with colour, and wrapped where that is narrow."""
    line = headline(status, now_s)
    grid = Table.grid(padding=(0, 1))
    grid.add_column(min_width=10, style="dim", no_wrap=True)
    grid.add_column()
    for name, told in rows(status, now_s):
        grid.add_row(f"  {name}", Text(told, "bold red" if told.startswith("!") else ""))
    return Group(Text.assemble((line.word, f"bold {line.colour}"), line.rest), grid)
