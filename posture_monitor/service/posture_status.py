"""What the `Status` tells of posture: from the monitor's inside to plain data for other processes."""

from __future__ import annotations

import math

from posture_monitor.posture import breaks, dose, nudge
from posture_monitor.posture.judge import SIGNALS
from posture_monitor.posture.metrics import METRICS
from posture_monitor.posture.reading import Reading, Verdict
from posture_monitor.service.monitor import Monitor
from posture_monitor.service.status import Angle, InUse, Status
from posture_monitor.service.tally import Tally
from posture_monitor.telling import words
from posture_monitor.telling.language import english


def of(monitor: Monitor, tally: Tally, t_s: float, wall_s: float) -> Status:
    """Return what the monitor knows of posture, dose and day; of camera and process it knows nothing.

    Parameters
    ----------
    t_s, wall_s
        Now, monotonic and POSIX seconds.
    """
    steady, reading, resting = monitor.session.steady, monitor.reading, monitor.resting
    snoozed_s = nudge.snoozed_s(monitor.nudges)
    next_alert_s, waits_for = until_alert(monitor)
    return Status(
        state=resting.state if resting else steady.state.value,
        reason=resting.reason if resting else steady.reason,
        driver="" if resting else steady.driver,
        held_s=max(0.0, t_s - (monitor.rested_since_s if resting else steady.since_s)),
        confidence=reading.confidence if reading and math.isfinite(reading.confidence) else None,
        view=reading.view.value if reading else "",
        angles=angles(reading),
        dose=monitor.nudges.dose.fraction(monitor.policy.dose),
        next_alert_s=next_alert_s,
        waits_for=waits_for,
        today=tally.today(monitor.sitting.bout_s if breaks.present(steady.state) else 0.0),
        profile=InUse(monitor.profile.name, monitor.neutral.name, monitor.profile.starter),
        preset=monitor.config.alert.preset,
        quiet=monitor.gate.reason,
        snoozed_until_s=wall_s + snoozed_s if snoozed_s > 0 else None,
        history_trouble=monitor.store.trouble,
        channel=monitor.notifier.name,
        interval_s=monitor.interval_s,
        language=monitor.config.language,
    )


#: What is told: the measures that a verdict can rest on.
_TOLD = frozenset(signal.driver for signal in SIGNALS)


@english()
def angles(reading: Reading | None) -> tuple[Angle, ...]:
    """Return each measure that a verdict can rest on and that could be taken; of like ones the first."""
    if reading is None or reading.verdict is Verdict.AWAY:
        return ()
    found: dict[str, Angle] = {}
    for metric in METRICS:
        value, deviation = reading.metrics[metric.name], reading.deviations[metric.name]
        if metric.name not in _TOLD or not math.isfinite(value):
            continue
        label = words.measure_name(metric.name)
        away = deviation if math.isfinite(deviation) else None
        angle = Angle(metric.name, label, metric.unit, value, away, metric.change_unit)
        if label not in found or metric.name == reading.driver:
            found[label] = angle
    return tuple(found.values())


def until_alert(monitor: Monitor) -> tuple[float | None, str]:
    """Return when the next alert comes, and what it waits for once the dose has tripped.

    Returns
    -------
    seconds
        Of unbroken posture as it is now; None if none is on its way.
    why
        A `nudge.Wait`; ``""`` where it is only the dose.
    """
    nudges, policy = monitor.nudges, monitor.policy.dose
    steady = monitor.session.steady
    if monitor.resting is not None or not dose.strays(steady.state):
        return None, ""
    waits_for, held_back_s = nudge.wait(nudges, monitor.policy)
    if nudges.dose.tripped:
        return held_back_s if math.isfinite(held_back_s) else None, waits_for.value
    # Under stricter settings than a moment ago the dose may stand above what it trips at.
    level = min(nudges.dose.level, policy.threshold)
    strength = dose.strength(steady.state, steady.index)
    if not strength or strength <= policy.threshold:
        return None, ""
    # The leaky integral towards `strength`, solved for the time at which it meets the threshold.
    left_s = dose.TAU_S * math.log((strength - level) / (strength - policy.threshold))
    soonest_s = max(left_s, held_back_s)
    return soonest_s if math.isfinite(soonest_s) else None, ""
