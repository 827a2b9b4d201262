"""``analyze``: judge a whole recording and write a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from posture_monitor.cli import kit
from posture_monitor.cli.kit import (
    Command,
    config_option,
    console,
    duration,
    example,
    output_option,
)
from posture_monitor.errors import UserError

if TYPE_CHECKING:
    from posture_monitor.config import Config


@click.command(
    cls=Command,
    epilog=example(
        "analyze session.mp4 --profile default -o session.csv",
        "analyze session.mp4 --calibrate-first 18s -o session.csv --landmarks session.npz",
        "analyze photos/ --calibrate-frames 20 -o photos.csv",
    ),
)
@click.argument("source")
@click.option(
    "--profile",
    callback=kit.profile,
    metavar="P",
    help="Name or .toml file of the profile to judge against.",
)
@click.option(
    "--calibrate-first",
    "calibrate_first_s",
    callback=duration,
    metavar="TIME",
    help="Use the first part, such as 18s, as the neutral posture.",
)
@click.option(
    "--calibrate-frames",
    type=click.IntRange(min=1),
    metavar="N",
    help="Use the first N frames as the neutral posture.",
)
@output_option
@click.option(
    "--landmarks",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.npz",
    help="Write the body landmarks too; the file is a source that can be analysed again.",
)
@config_option
def analyze(
    config: Config,
    source: str,
    profile: str | None,
    calibrate_first_s: float | None,
    calibrate_frames: int | None,
    output: Path | None,
    landmarks: Path | None,
) -> None:
    """Judge every frame of SOURCE and write one row for each.

    SOURCE is a video file, a folder of images, a landmark table (CSV or NPZ) or
    any other source. Say what neutral is with one of --profile,
    --calibrate-first and --calibrate-frames.
    """
    neutral = (profile, calibrate_first_s, calibrate_frames)
    if sum(given is not None for given in neutral) != 1:
        raise UserError("analyze needs exactly one of --profile, --calibrate-first and --calibrate-frames")

    from posture_monitor.service.analysis import analyze as judge_all

    judge_all(
        config,
        source=source,
        profile=profile,
        calibrate_first_s=calibrate_first_s,
        calibrate_frames=calibrate_frames,
        output=output,
        landmarks=landmarks,
        console=console(stderr=True),
    )
