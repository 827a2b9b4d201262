"""A guided calibration in the terminal: the same words as the window's, in a live panel of rich's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from posture_monitor.service.framing import Kind
from posture_monitor.service.guiding import Guidance, Step

if TYPE_CHECKING:
    from posture_monitor.service.guided import Result

_SIGNS: Final = {Kind.SEEN: ("✓", "green"), Kind.FINE: ("·", "dim"), Kind.AMISS: ("!", "bold red")}
_BAR: Final = 28
#: The panel is as wide as a page of text.
_WIDTH: Final = 64


def panel(guidance: Guidance) -> RenderableType:
    """Return what to show of a moment."""
    lines: list[RenderableType] = [Text(guidance.say, style="bold"), Text(guidance.hint, style="dim"), Text()]
    for note in guidance.notes:
        sign, style = _SIGNS[note.kind]
        lines.append(Text.assemble((f"{sign} ", style), (note.text, "dim" if note.kind is Kind.FINE else "")))
    bars = Table.grid(padding=(0, 2, 0, 0))
    bars.add_row("Steadiness", ProgressBar(1.0, guidance.still, width=_BAR), "")
    if guidance.step is Step.CAPTURING:
        left = f"{guidance.left_s:.0f} s left"
        bars.add_row("Learning", ProgressBar(1.0, guidance.progress, width=_BAR), left)
    elif guidance.step is Step.SETTLING:
        bars.add_row("Begins in", f"{guidance.left_s:.0f} s", "")
    lines += [Text(), bars]
    return Panel(Group(*lines), title="Calibrate", width=_WIDTH, padding=(1, 2))


def result_text(result: Result) -> str:
    """Return in a few lines how good a capture is, and what can be measured from here."""
    note = [result.learnt.note] if result.learnt.note else []
    if result.learnt.apart is not None:
        return "\n".join((*note, result.learnt.text))
    quality = result.quality
    lines = [*note, f"{quality.word}: {quality.why}.", result.learnt.text.splitlines()[0]]
    lines.append(f"Measured from here: {', '.join(result.can)}.")
    if result.cannot:
        lines.append(f"Not from here: {', '.join(result.cannot)}. {result.why_not}".rstrip())
    return "\n".join(lines)
