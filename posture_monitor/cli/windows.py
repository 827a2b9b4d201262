"""``preview`` and ``tray``: what is seen of the monitor on the desktop."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from posture_monitor.cli import kit
from posture_monitor.cli.kit import Command, config_option, example, source_option
from posture_monitor.errors import UserError

if TYPE_CHECKING:
    from posture_monitor.config import Config


@click.command(
    cls=Command, epilog=example("preview", "preview --no-video", "preview --source demo --profile demo")
)
@source_option
@kit.profile_option
@click.option("--video/--no-video", default=True, help="Show the picture, or only the body in it.")
@click.option("--mirror/--no-mirror", default=True, help="Show it as a mirror does, or as others see you.")
@config_option
def preview(config: Config, source: str | None, profile: str | None, video: bool, mirror: bool) -> None:
    """See live what is measured and how it is judged.

    Shows what the running monitor sees. If none runs, or you name a source or
    profile, it opens the source itself. Nothing is kept, unless you press S:
    that saves the moment's points and measures, without any picture.
    """
    from posture_monitor.service.screen import why_no_window

    if why := why_no_window():
        from posture_monitor.service import lock

        command = "run" if lock.holder() is None else "status --watch"
        raise UserError(f"{why}; `posture-monitor {command}` tells the same in a terminal")
    from posture_monitor.service.preview.feeds import open_feed
    from posture_monitor.windows import preview_window

    # Opened before the window: a profile that cannot be used is told here.
    preview_window.show(open_feed(config, source, profile), video=video, mirrored=mirror)


@click.command(cls=Command, epilog=example("tray"))
def tray() -> None:
    """Show the running monitor as an icon in the desktop's tray.

    The monitor does so by itself, unless the setting service.tray is false. The
    icon goes when the monitor ends.
    """
    from posture_monitor.service.screen import why_no_window

    logging.basicConfig(format="%(message)s")
    logging.getLogger("posture_monitor.windows").setLevel(logging.INFO)
    if why := why_no_window():
        click.echo(f"No tray icon: {why}.", err=True)
        return
    from posture_monitor.service import control, lock

    if lock.holder() is None:
        raise control.NotRunning
    from posture_monitor.windows.tray import run

    run()
