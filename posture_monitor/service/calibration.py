"""``calibrate``: learn the user's neutral posture from a source and keep it as a profile.

`learn` makes a profile of captured frames. `calibrate` here captures without
guidance, for recordings and pipes; `posture_monitor.service.guided` leads
through it before a live camera.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.metrics import NAMES
from posture_monitor.posture.separation import Separation, separation
from posture_monitor.sensing.model import ensure_model
from posture_monitor.sensing.sources import is_live, open_source
from posture_monitor.service.collected import Collected
from posture_monitor.service.guiding import Aim
from posture_monitor.service.looking import Looker
from posture_monitor.service.profile import Profile, limits_of, now_iso
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.profiles import own_profile
from posture_monitor.telling import words
from posture_monitor.telling.language import english

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config
    from posture_monitor.service.control import Channel


#: While calibrating others are looked for this often: whose neutral it is must be clear.
CROWD_EVERY_S = 1.0
#: A monitor carries a command out between two looks, which may take a moment.
COMMAND_S: Final = 8.0
#: A monitor closes its camera within this time.
CLOSING_S: Final = 4.0


@dataclass(frozen=True)
class Learnt:
    """What a capture has come to, not kept yet.

    Attributes
    ----------
    profile
        With the capture in it.
    neutral
        The posture that is judged against: the one learnt, or the one that a second capture belongs to.
    text
        What to say of it, in a few lines.
    apart
        How a second capture is told from neutral.
    note
        A line on what it came from, if that is not what the profile was made with.
    """

    profile: Profile
    neutral: Neutral
    text: str
    apart: Separation | None = None
    note: str = ""


_ASK = {
    None: "Sit as you would like to sit, and keep that for {seconds:g} seconds.",
    Aim.REANCHOR: "Sit as you do when upright, and keep that for {seconds:g} seconds.",
    Aim.SLOUCH: "Slouch as you usually do, and keep that for {seconds:g} seconds.",
    Aim.DOWN: "Sit upright and look down at the keyboard for {seconds:g} seconds.",
    Aim.ADD: "Take the posture you would like to have, and keep that for {seconds:g} seconds.",
}


def calibrate(
    config: Config,
    *,
    source: str,
    seconds: float,
    profile: str,
    started_at: float | None,
    realtime: bool,
    console: Console,
    aim: Aim | None = None,
    name: str = "sitting",
) -> Path:
    """Watch `source` for some seconds and write what was learnt to a profile.

    A source without time (a folder of stills) is taken whole.

    Parameters
    ----------
    aim
        None makes a new profile; everything else goes into one that is there.
    name
        Of the neutral posture that is made or added.

    Raises
    ------
    UserError
        The source cannot be used, or the capture is too poor: then the old
        profile, if any, is left as it was.
    """
    known = own_profile(profile) if aim is not None else None
    collected = Collected()
    with camera_lent(source):
        opened = open_source(
            source,
            started_at=started_at,
            realtime=realtime,
            width=config.camera.width,
            height=config.camera.height,
        )
        if opened.live:
            console.print(_ASK[aim].format(seconds=seconds))
        with Looker(opened, lambda: ensure_model(config.model.own), crowd_every_s=CROWD_EVERY_S) as looker:
            for seen in looker.look(lambda: known.neutral if known and aim is not Aim.REANCHOR else None):
                # The first frame may be late: what counts is the time that passed in the source.
                # Stills have none (NaN), and are taken whole.
                if seen.frame.t_s >= seconds:
                    break
                collected.add(seen)
        try:
            learnt = learn(config, collected, known, aim, name, profile, opened.identity, opened.live)
        except ValueError as error:
            raise UserError(f"not calibrated from {source}: {error}") from error
        path = save_profile(learnt.profile)
    if learnt.note:
        console.print(learnt.note)
    console.print(learnt.text)
    console.print(f"Kept as {path}", soft_wrap=True)
    return path


def learn(
    config: Config,
    collected: Collected,
    known: Profile | None,
    aim: Aim | None,
    name: str,
    profile: str,
    camera: str,
    live: bool,
) -> Learnt:
    """Return what captured frames make of a profile.

    Parameters
    ----------
    known
        The profile they go into; none is needed for a new one.
    aim, name
        What the capture is for, and what a new neutral posture is called.
    profile, camera
        Name of a new profile, and identity of the camera.
    live
        It is a camera and no recording: then a profile that is re-anchored belongs to it from now on.

    Raises
    ------
    ValueError
        The capture is too poor; the message says why and what to do.
    """
    width, height = (int(pixels) for pixels in collected.sizes[-1]) if collected.sizes else (0, 0)
    if known is None or aim is None:
        neutral = collected.neutral(name=name)
        made = Profile(profile, (neutral,), camera, width, height, now_iso())
        return Learnt(made, neutral, told(made))
    note = told_place(known, camera, width, height)
    if aim is Aim.ADD:
        neutral = collected.neutral(name=name)
        made = known.adding(neutral)
        names = ", ".join(neutral.name for neutral in made.neutrals)
        text = f"{told(made, -1)}\nNeutral postures of {made.name!r}: {names}."
        return Learnt(made, neutral, text, note=note)
    which = collected.fitting(known)
    if aim is Aim.REANCHOR:
        made = collected.re_anchored(known, which)
        if note and live:
            # The same camera on another port has another name; by the old one it would not be found again.
            made = replace(made, camera=camera, width=width, height=height)
            note = f"Profile {known.name!r} was made with {known.camera}; it belongs to {camera} from now on."
        own = made.neutrals[which]
        text = f"Neutral set anew in {known.name!r} ({own.name}): judged from the new place on."
        return Learnt(made, own, text, note=note)
    # Looking down is no stillness of the head.
    posture = collected.neutral(name=aim.value, steady=aim is Aim.SLOUCH)
    neutral = known.neutrals[which]
    measured = collected.measured(neutral)
    apart = separation(measured, neutral, limits_of(config, known))
    made = replace(known, captures={**known.captures, aim.value: posture})
    return Learnt(made, neutral, told_separation(aim, apart), apart, note)


@contextlib.contextmanager
def camera_lent(source: str) -> Iterator[None]:
    """Have a running monitor close the camera meanwhile, and go on afterwards.

    It goes on too where this process ends by force: the camera is lent for as long as a connection is held.
    It is not asked where the source is a recording. A pause or a snooze of the user's is left as it is.

    Raises
    ------
    OtherVersion
        The monitor is from before an update and cannot lend its camera.
    """
    from posture_monitor.service.control import Channel, OtherVersion

    with contextlib.ExitStack() as stack:
        try:
            if is_live(source):
                monitor = stack.enter_context(Channel(COMMAND_S))
                monitor.ask("lend", COMMAND_S)
                stack.callback(_give_back, monitor)
                waited_until = time.monotonic() + CLOSING_S
                while time.monotonic() < waited_until and monitor.ask("status").get("camera", {}).get("open"):
                    time.sleep(0.1)
        except OtherVersion:
            raise
        except UserError:
            pass  # none runs, or it does not answer: then the camera says itself whether it is free
        yield


def _give_back(monitor: Channel) -> None:
    with contextlib.suppress(UserError):  # it may have been stopped meanwhile
        monitor.ask("return", COMMAND_S)


def told_place(known: Profile, camera: str, width: int, height: int) -> str:
    """Return a line on a capture from another camera than the profile's; empty where it is the same.

    Raises
    ------
    ValueError
        Its picture is of another shape: then the two cannot be compared.
    """
    if not known.camera:
        return ""
    made_with = f"profile {known.name!r} was made with {known.camera}"
    # A stream keeps its name when it is set to another size.
    if known.width and known.height and known.width * height != width * known.height:
        raise ValueError(
            f"{made_with} and a picture of {known.width}×{known.height}, this one is {width}×{height}; "
            "use the same camera and shape of picture, or calibrate a profile for this one"
        )
    if camera == known.camera:
        return ""
    return f"Note: {made_with}, this is {camera}; it holds only if both show you from the same place."


def told_separation(aim: Aim, apart: Separation) -> str:
    """Return in a few lines how well a second capture is told from neutral; the last sums it up."""
    what = "Your slouch" if aim is Aim.SLOUCH else "Looking down"
    if not apart.judged:
        return f"{what} cannot be judged from here: no picture of it could be."
    lines = [
        f"{what} counts as poor in {apart.poor} of {apart.judged} pictures.",
        "How far it goes from your neutral posture (0%) to where poor begins (100%):",
        f"  all together: {100 * apart.index:.0f}%",
    ]
    for stretch in apart.stretches[:5]:
        line = f"  {stretch.name}: {100 * stretch.of_limit:.0f}%"
        if aim is Aim.DOWN and stretch.of_limit < 1:
            line += f", {100 * (1 - stretch.of_limit):.0f}% to spare"
        if math.isfinite(stretch.of_scatter):
            line += f"; {stretch.of_scatter:.1f} times what you move while sitting well"
        lines.append(line)
    if aim is Aim.SLOUCH:
        lines.append(
            "Your slouch will be noticed."
            if apart.margin <= 0
            else "Your slouch will hardly be noticed: place the camera higher or more to the side and "
            "calibrate again. `judge.scale` in the settings makes single measures stricter."
        )
    else:
        lines.append(
            f"Looking down is not taken for a slouch: {100 * apart.margin:.0f}% is to spare."
            if apart.margin > 0
            else "Looking down will be taken for a slouch if it lasts: place the camera nearer to eye height "
            "and calibrate again."
        )
    return "\n".join(lines)


def told(profile: Profile, index: int = 0) -> str:
    """Return in a few lines what was learnt, and what cannot be measured from here."""
    neutral = profile.neutrals[index]
    angles = ", ".join(
        f"{words.short_name(name).lower()} {round(neutral[name]):+}°".replace("-", "−")
        for name in ("trunk_incl", "neck_incl", "head_roll", "shoulder_tilt")
        if math.isfinite(neutral[name])
    )
    blind = [
        name for name in ("trunk_incl", "neck_incl", "fsr", "head_roll") if name not in neutral.measurable
    ]
    lines = [
        f"Calibrated {profile.name!r} on {neutral.frames} pictures, seen from {_from(neutral)}.",
        f"Measured from here: {len(neutral.measurable)} of {len(NAMES)} measures"
        + (f" ({angles})." if angles else "."),
    ]
    if blind:
        with english():
            names = ", ".join(words.measure_name(name) for name in blind)
        lines.append(f"Not measurable from here: {names}.")
    return "\n".join(lines)


def _from(neutral: Neutral) -> str:
    return {"front": "the front", "oblique": f"about {neutral.azimuth_deg:.0f}° to the side"}.get(
        neutral.view.value, "the side"
    )
