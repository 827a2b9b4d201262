"""What a calibration has come to, in a few lines."""

from __future__ import annotations

import math

from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.metrics import NAMES
from posture_monitor.posture.separation import Separation
from posture_monitor.service.guiding import Aim
from posture_monitor.service.profile import Profile
from posture_monitor.telling import words
from posture_monitor.telling.language import english


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
