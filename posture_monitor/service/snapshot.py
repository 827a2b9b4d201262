"""From the monitor's inside to the `Status` that other processes are told."""

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


def of_posture(monitor: Monitor, tally: Tally, t_s: float, wall_s: float) -> Status:
    """Return what the monitor knows of posture, dose and day; of camera and process it knows nothing.

    Parameters
    ----------
    t_s, wall_s
        Now, monotonic and POSIX seconds.
    """
    steady, reading, resting = monitor.session.steady, monitor.reading, monitor.resting
    snoozed_s = nudge.snoozed_s(monitor.nudges)
    return Status(
        state=resting.state if resting else steady.state.value,
        reason=resting.reason if resting else steady.reason,
        driver="" if resting else steady.driver,
        held_s=max(0.0, t_s - (monitor.rested_since_s if resting else steady.since_s)),
        confidence=reading.confidence if reading and math.isfinite(reading.confidence) else None,
        view=reading.view.value if reading else "",
        angles=angles(reading),
        dose=monitor.nudges.dose.fraction(monitor.policy.dose),
        next_alert_s=until_alert_s(monitor),
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


def until_alert_s(monitor: Monitor) -> float | None:
    """Return the seconds of unbroken posture as it is now until the dose trips; None if it will not."""
    policy = monitor.policy.dose
    # Under stricter settings than a moment ago the dose may stand above what it trips at.
    level = min(monitor.nudges.dose.level, policy.threshold)
    steady = monitor.session.steady
    strength = dose.strength(steady.state, steady.index) if monitor.resting is None else None
    if not strength or strength <= policy.threshold or monitor.nudges.dose.tripped:
        return None
    # The leaky integral towards `strength`, solved for the time at which it meets the threshold.
    left_s = dose.TAU_S * math.log((strength - level) / (strength - policy.threshold))
    held_back_s = max(
        monitor.nudges.silent_until_s - monitor.nudges.now_s, nudge.snoozed_s(monitor.nudges), 0.0
    )
    return max(left_s, held_back_s)
