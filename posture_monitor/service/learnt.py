"""What was learnt of a person's natural scatter, kept from one sitting to the next."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from posture_monitor import paths
from posture_monitor.errors import UserError
from posture_monitor.posture.sustained import Sustained
from posture_monitor.service.profile import Profile
from posture_monitor.whole_file import replacing

log = logging.getLogger(__name__)

#: A longer file is none of ours.
_MOST_BYTES = 256 * 1024


def recall(profile: Profile) -> dict[str, Sustained]:
    """Return what is known of this profile's person, by the name of the neutral posture.

    Nothing, where the profile was made anew since.
    """
    all_kept = _kept()
    # One that was renamed is found by when it was made; starters and those written by hand do not say it.
    likely = (all_kept.get(profile.name), *(all_kept.values() if profile.created else ()))
    kept = next((k for k in likely if isinstance(k, dict) and k.get("made") == profile.created), None)
    if kept is None:
        return {}
    # Before there was one for each neutral posture, what was learnt of the first stood here.
    by_name = kept.get("neutrals", {profile.neutrals[0].name: kept})
    known: dict[str, Sustained] = {}
    for name, learnt in by_name.items() if isinstance(by_name, dict) else ():
        try:
            known[name] = Sustained.from_learnt(learnt if isinstance(learnt, dict) else {})
        except ValueError as error:
            log.warning("what was learnt before is passed over: %s", error)
    return known


def keep(profile: Profile, known: Mapping[str, Sustained]) -> None:
    """Keep what is known by now, by the name of the neutral posture.

    That it cannot be written is only logged: it is learnt anew.
    """
    neutrals = {name: learnt.to_learnt() for name, learnt in known.items() if learnt.forward_habit.minutes}
    if profile.starter or not neutrals:
        return
    all_known = {**_kept(), profile.name: {"made": profile.created, "neutrals": neutrals}}
    file = paths.learnt_file()
    try:
        paths.make_private(file.parent)
        with replacing(file) as out:
            out.write(json.dumps(all_known).encode())
    except (OSError, UserError) as error:
        log.warning("cannot keep what was learnt: %s", getattr(error, "strerror", None) or error)


def _kept() -> dict[str, Any]:
    file = paths.learnt_file()
    try:
        if file.stat().st_size > _MOST_BYTES:
            return {}
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
