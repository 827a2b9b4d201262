"""The day as plain data. Durations in seconds, times as ISO 8601 with their local offset."""

from __future__ import annotations

import math
from typing import Any

from posture_monitor.history.days import Day, Hour, score
from posture_monitor.history.periods import Period
from posture_monitor.history.records import Alert, Span
from posture_monitor.history.timeline import Bout, end_offset_s, local_time, what_followed
from posture_monitor.telling.language import english
from posture_monitor.telling.report import story


@english()
def to_json(day: Day) -> dict[str, Any]:
    """Return the day as a dictionary that `json.dumps` takes; what was not measured is None."""
    return {
        "date": day.date.isoformat(),
        "seconds": {state: round(seconds, 3) for state, seconds in day.seconds.items()},
        "not_recorded_s": round(day.not_recorded_s, 3),
        "recorded_s": round(day.recorded_s, 3),
        "present_s": round(day.present_s, 3),
        "judged_s": round(day.judged_s, 3),
        "coverage": _number(day.coverage, 4),
        "score": _number(score(day), 1),
        "score_means": story.SCORE_MEANS,
        "withheld": day.withheld,
        "longest_poor_s": round(day.longest_poor_s, 3),
        "longest_poor": None if day.longest_poor is None else _span(day.longest_poor),
        "alerts": [_alert(alert, day) for alert in day.alerts],
        "angles": {
            name: None
            if (angle := day.angles.get(name)) is None
            else {
                "median": _number(angle.median, 3),
                "p10": _number(angle.p10, 3),
                "p90": _number(angle.p90, 3),
                "minutes": angle.minutes,
                "unit": story.unit(name),
            }
            for name in dict.fromkeys((*story.ALWAYS_SHOWN, *day.angles))
        },
        "bouts": [{**_stretch(bout), "break_s": _number(bout.break_s, 3)} for bout in day.bouts],
        "shifts_per_h": _number(day.shifts_per_h, 1),
        "hours": [_hour(hour) for hour in day.hours if hour.recorded_s],
        "best_hour": None if day.best_hour is None else day.best_hour.hour,
        "hardest_hour": None if day.hardest_hour is None else day.hardest_hour.hour,
        "stood_out": story.stood_out(day),
        "suggestion": story.suggestion(day),
        "spans": [_span(span) for span in day.spans],
    }


@english()
def period_to_json(period: Period) -> dict[str, Any]:
    """Return a week or month as a dictionary that `json.dumps` takes, its days without their spans."""
    return {
        "kind": period.kind,
        "first": period.first.isoformat(),
        "last": period.last.isoformat(),
        "seconds": {state: round(seconds, 3) for state, seconds in period.seconds.items()},
        "coverage": _number(period.coverage, 4),
        "withheld": period.withheld,
        "days": [{k: v for k, v in to_json(day).items() if k != "spans"} for day in period.days],
    }


def _number(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None


def _time(wall_s: float, utc_offset_s: int) -> str:
    return local_time(wall_s, utc_offset_s).isoformat(timespec="milliseconds")


def _stretch(of: Span | Bout) -> dict[str, Any]:
    return {
        "start": _time(of.start_s, of.utc_offset_s),
        "end": _time(of.end_s, end_offset_s(of)),
        "seconds": round(of.length_s, 3),
    }


def _span(span: Span) -> dict[str, Any]:
    return {**_stretch(span), "state": span.state, "reason": span.reason}


def _hour(hour: Hour) -> dict[str, Any]:
    return {
        "hour": hour.hour,
        "seconds": {state: round(seconds, 3) for state, seconds in hour.seconds.items()},
        "poor_share": _number(hour.poor_share, 4),
    }


def _alert(alert: Alert, day: Day) -> dict[str, Any]:
    what, later_s = what_followed(alert, day.spans)
    return {
        "time": _time(alert.wall_s, alert.utc_offset_s),
        "kind": alert.kind,
        "driver": alert.driver,
        "deviation": _number(alert.deviation, 3),
        "unit": story.unit(alert.driver),
        "held_s": _number(alert.held_s, 1),
        "channel": alert.channel,
        "title": alert.title,
        "body": alert.body,
        "followed": what or None,
        "followed_after_s": _number(later_s, 1),
    }
