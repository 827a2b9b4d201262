"""Guided calibration as the command line begins it: in a window, in a live panel, or not at all."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from posture_monitor.cli import kit
from posture_monitor.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config
    from posture_monitor.service.calibration import Request
    from posture_monitor.service.guided import Guided, Result


def calibrate_guided(config: Config, asked: Request, console: Console, *, window: bool) -> bool:
    """Calibrate before the user's eyes, where there is a screen or a terminal for it.

    Parameters
    ----------
    window
        Whether a window is wanted; without one it is the terminal.

    Returns
    -------
    bool
        False where nobody would see it: then nothing has been done.

    Raises
    ------
    UserError
        The source cannot be used, or nothing could be captured.
    """
    from posture_monitor.service.screen import NO_SCREEN, why_no_window

    why = why_no_window() if window else NO_SCREEN
    if why and not console.is_interactive:
        return False
    from posture_monitor.service.guided import Guided

    guided = Guided(config, asked)
    if why:
        if why != NO_SCREEN:
            console.print(f"In the terminal, since {why}", style="dim", soft_wrap=True)
        kept = _in_terminal(guided, console)
    else:
        from posture_monitor.windows.calibrate_window import calibrate_in_window

        if kept := calibrate_in_window(guided):
            _tell_kept(kept, console)
    if not kept:
        console.print("Nothing was kept; all is as it was.", soft_wrap=True)
    return True


def _tell_kept(path: Path, console: Console) -> None:
    console.print(f"Kept as {path}", soft_wrap=True)


def _in_terminal(guided: Guided, console: Console) -> Path | None:
    """Capture, ask whether to keep it, and offer the second captures; return where the profile is."""
    from posture_monitor.service.guided_drawn import result_text
    from posture_monitor.service.guiding import Aim

    kept: Path | None = None
    offers = (
        [(Aim.SLOUCH, "your usual slouch"), (Aim.DOWN, "looking down")] if guided.asked.aim is None else []
    )
    while True:
        result = _captured(guided, console)
        console.print(result_text(result))
        kit.forget_typed()
        if _yes("Keep this?", True):
            kept = guided.keep()
            _tell_kept(kept, console)  # now: the next question may be left by Ctrl-C
        elif _yes("Again?", True):
            guided.capture(result.aim)
            continue
        while kept and offers:
            aim, what = offers.pop(0)
            if _yes(f"Ten seconds of {what}, to see how well it is told apart?", False):
                guided.capture(aim)
                break
        else:
            return kept


def _captured(guided: Guided, console: Console) -> Result:
    """Show a capture to its end."""
    from rich.live import Live

    from posture_monitor.service.guided_drawn import panel

    moment = None
    with (
        Live(console=console, refresh_per_second=8, transient=True) as live,
        contextlib.closing(guided.moments()) as moments,
    ):
        for moment in moments:
            live.update(panel(moment.guidance))
            if moment.result is not None:
                return moment.result
    assert moment is not None  # there is always the first
    raise UserError(
        f"not calibrated from {guided.asked.source}: {moment.guidance.hint or moment.guidance.say}"
    )


def _yes(question: str, default: bool) -> bool:
    """Ask; where nobody can answer, the default is the answer."""
    if not sys.stdin.isatty():
        return default
    try:
        return click.confirm(question, default=default)
    except click.Abort as nobody:
        click.echo()  # the question has left its line open
        raise KeyboardInterrupt from nobody
