"""``calibrate``: learn the user's neutral posture from a source and keep it as a profile.

`learn` makes a profile of captured frames. `calibrate` here captures without
guidance, for recordings and pipes; `posture_monitor.service.guided` leads
through it before a live camera.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from posture_monitor.errors import UserError
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.separation import Separation, separation
from posture_monitor.sensing.frame import Source
from posture_monitor.sensing.sources import open_source
from posture_monitor.service.calibration_text import told, told_place, told_separation
from posture_monitor.service.collected import Collected
from posture_monitor.service.guiding import Aim
from posture_monitor.service.lending import camera_lent
from posture_monitor.service.looking import Looker
from posture_monitor.service.profile import Profile, limits_of, now_iso
from posture_monitor.service.profile_file import save_profile
from posture_monitor.service.profiles import own_profile

if TYPE_CHECKING:
    from rich.console import Console

    from posture_monitor.config import Config


#: While calibrating others are looked for this often: whose neutral it is must be clear.
CROWD_EVERY_S = 1.0


@dataclass(frozen=True)
class Request:
    """A calibration as it was asked for.

    Attributes
    ----------
    source, started_at, realtime
        As for `open_source`.
    seconds
        How long the posture is to be kept.
    profile
        Name to keep it under.
    aim
        What for: None makes a new profile; everything else goes into one that is there.
    name
        Of the neutral posture that is made or added.
    """

    source: str
    seconds: float
    profile: str
    aim: Aim | None = None
    name: str = "sitting"
    started_at: float | None = None
    realtime: bool = False

    def known(self) -> Profile | None:
        """Return the profile that it goes into, if it does; `UserError` where there is none."""
        return own_profile(self.profile) if self.aim is not None else None

    def opened(self, config: Config) -> Source:
        """Open its source; `UserError` where it cannot be used."""
        return open_source(
            self.source,
            started_at=self.started_at,
            realtime=self.realtime,
            width=config.camera.width,
            height=config.camera.height,
        )


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


def calibrate(config: Config, asked: Request, console: Console) -> None:
    """Watch a source for some seconds and write what was learnt to a profile.

    A source without time (a folder of stills) is taken whole.

    Raises
    ------
    UserError
        The source cannot be used, or the capture is too poor: then the old
        profile, if any, is left as it was.
    """
    known, aim = asked.known(), asked.aim
    collected = Collected()
    with camera_lent(asked.source):
        opened = asked.opened(config)
        if opened.live:
            console.print(_ASK[aim].format(seconds=asked.seconds))
        with Looker(opened, config.model.own, crowd_every_s=CROWD_EVERY_S) as looker:
            for seen in looker.look(lambda: known.neutral if known and aim is not Aim.REANCHOR else None):
                # The first frame may be late: what counts is the time that passed in the source.
                # Stills have none (NaN), and are taken whole.
                if seen.frame.t_s >= asked.seconds:
                    break
                collected.add(seen)
        try:
            learnt = learn(config, asked, collected, known, opened.identity, opened.live)
        except ValueError as error:
            raise UserError(f"not calibrated from {asked.source}: {error}") from error
        path = save_profile(learnt.profile)
    if learnt.note:
        console.print(learnt.note)
    console.print(learnt.text)
    console.print(f"Kept as {path}", soft_wrap=True)


def learn(
    config: Config, asked: Request, collected: Collected, known: Profile | None, camera: str, live: bool
) -> Learnt:
    """Return what captured frames make of a profile.

    Parameters
    ----------
    known
        The profile they go into; none is needed for a new one.
    camera
        Its identity.
    live
        It is a camera and no recording: then a profile that is re-anchored belongs to it from now on.

    Raises
    ------
    ValueError
        The capture is too poor; the message says why and what to do.
    """
    width, height = (int(pixels) for pixels in collected.sizes[-1]) if collected.sizes else (0, 0)
    aim = asked.aim
    if known is None or aim is None:
        neutral = collected.neutral(name=asked.name)
        made = Profile(asked.profile, (neutral,), camera, width, height, now_iso())
        return Learnt(made, neutral, told(made), note=_replaced(asked))
    note = told_place(known, camera, width, height)
    if aim is Aim.ADD:
        neutral = collected.neutral(name=asked.name)
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


def _replaced(asked: Request) -> str:
    """Return a line on the other postures that a profile of this name holds now, and will not any more."""
    with contextlib.suppress(UserError):
        others = [n.name for n in own_profile(asked.profile).neutrals if n.name != asked.name]
        if others:
            return (
                f"Profile {asked.profile!r} begins anew, without {', '.join(others)}: "
                "`posture-monitor calibrate --add NAME` adds one again."
            )
    return ""
