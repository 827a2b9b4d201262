"""What was learnt of a person's natural scatter, kept from one sitting to the next."""

from __future__ import annotations

import json
import logging
from typing import Any

from posture_monitor import paths
from posture_monitor.posture.sustained import Sustained
from posture_monitor.service.profiles import Profile
from posture_monitor.whole_file import replacing

log = logging.getLogger(__name__)

#: A longer file is none of ours.
_MOST_BYTES = 256 * 1024


def recall(profile: Profile) -> Sustained:
    """Return what is known of this profile's person; nothing, where the profile was made anew since."""
    kept = _kept().get(profile.name)
    if not isinstance(kept, dict) or kept.get("made") != profile.created:
        return Sustained()
    try:
        return Sustained.from_learnt(kept)
    except ValueError as error:
        log.warning("what was learnt before is passed over: %s", error)
        return Sustained()


def keep(profile: Profile, sustained: Sustained) -> None:
    """Keep what is known by now. That it cannot be written is only logged: it is learnt anew."""
    if profile.starter or not sustained.forward_habit.minutes:
        return
    known = {**_kept(), profile.name: {**sustained.to_learnt(), "made": profile.created}}
    file = paths.learnt_file()
    try:
        paths.make_private(file.parent)
        with replacing(file) as out:
            out.write(json.dumps(known).encode())
    except OSError as error:
        log.warning("cannot keep what was learnt: %s", error.strerror or error)


def _kept() -> dict[str, Any]:
    file = paths.learnt_file()
    try:
        if file.stat().st_size > _MOST_BYTES:
            return {}
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
