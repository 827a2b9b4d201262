"""The kernel's formulas for one frame in plain Python, written for comparison: no NumPy, nothing stacked.

It says the same as `posture.metrics.measure` and `posture.judge.judge` do for a
place whose azimuth is known from calibration, frame after frame, as a program
would that never heard of arrays. `benchmarks/kernel.py` times the two against
each other and `tests/test_kernel.py` holds them to the same results.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from posture_monitor.posture import judge as rules
from posture_monitor.posture import metrics, view
from posture_monitor.posture.baseline import Neutral
from posture_monitor.posture.head import TYPICAL_HEAD
from posture_monitor.posture.metrics import METRICS, Change, Needs, Reason
from posture_monitor.posture.reading import Verdict, View

NAN = math.nan
Point = tuple[float, float]


@dataclass(frozen=True)
class Plain:
    """One judged frame."""

    values: dict[str, float]
    deviations: dict[str, float]
    verdict: Verdict
    reason: Reason
    slouch_index: float


def pseudo_inverse() -> list[list[float]]:
    """Return (PᵀP)⁻¹Pᵀ of the typical head, centred, 3 × 11, by Cramer's rule."""
    points = TYPICAL_HEAD.tolist()
    middle = [sum(point[k] for point in points) / len(points) for k in range(3)]
    rows = [[point[k] - middle[k] for point in points] for k in range(3)]
    a = [[sum(p * q for p, q in zip(r, s, strict=True)) for s in rows] for r in rows]
    cofactors = [
        [
            a[(j + 1) % 3][(i + 1) % 3] * a[(j + 2) % 3][(i + 2) % 3]
            - a[(j + 1) % 3][(i + 2) % 3] * a[(j + 2) % 3][(i + 1) % 3]
            for j in range(3)
        ]
        for i in range(3)
    ]
    determinant = sum(a[0][i] * cofactors[i][0] for i in range(3))
    return [
        [sum(cofactors[i][j] * rows[j][k] for j in range(3)) / determinant for k in range(len(points))]
        for i in range(3)
    ]


_INVERSE = pseudo_inverse()


def degrees(rise: float, run: float) -> float:
    return math.degrees(math.atan2(rise, run))


def over(a: float, b: float) -> float:
    return a / b if b else NAN


def middle(a: Point, b: Point) -> Point:
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2


def known(value: float) -> bool:
    return not math.isnan(value)


def clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def judge_frame(
    landmarks: Sequence[Sequence[float]], width: float, height: float, neutral: Neutral, limits: rules.Limits
) -> Plain:
    """Measure and judge one frame.

    Parameters
    ----------
    landmarks
        33 times x, y, z and visibility.
    width, height
        Of the picture, in pixels.
    """

    def within(i: int, margin: float) -> bool:
        u, v, _, seen = landmarks[i]
        return seen >= metrics.VISIBLE and abs(u - 0.5) < 0.5 + margin and abs(v - 0.5) < 0.5 + margin

    points = [(point[0] * width, point[1] * height) for point in landmarks]
    nose = points[0]
    across = [sum(row[k] * points[k][0] for k in range(11)) for row in _INVERSE]
    down = [sum(row[k] * points[k][1] for k in range(11)) for row in _INVERSE]
    scale = math.sqrt(sum(a * a for a in (*across, *down)) / 2)
    head_yaw = degrees(across[2], math.hypot(across[0], across[1]))

    left, right = points[11], points[12]
    shoulders_wide = math.dist(left, right)
    shoulder = middle(left, right)
    ears, eyes, hips = (
        middle(points[7], points[8]),
        middle(points[3], points[6]),
        middle(points[23], points[24]),
    )

    seen_from, azimuth = place(over(shoulders_wide, scale), head_yaw, neutral.azimuth_deg)
    side, front = seen_from is View.SIDE, seen_from is View.FRONT
    left_hip, right_hip = within(23, -metrics.HIP_MARGIN), within(24, -metrics.HIP_MARGIN)
    base, top = hips, shoulder
    if side and not (left_hip and right_hip):
        base, top = (points[24], right) if right_hip else (points[23], left)
    forward = 1.0 if nose[0] >= ears[0] else -1.0
    shortened = math.sin(math.radians(azimuth))

    def sagittal(dx: float, dy: float) -> float:
        if not shortened:
            return math.copysign(90.0, dx) if dx else NAN
        return degrees(dx / shortened, dy)

    trunk = sagittal(forward * (top[0] - base[0]), base[1] - top[1])
    neck = sagittal(forward * (ears[0] - shoulder[0]), shoulder[1] - ears[1])
    face_y = (nose[1] + eyes[1] + ears[1] + (points[9][1] + points[10][1]) / 2) / 4
    head_x = (ears[0] + eyes[0]) / 2
    rise, ear_rise = shoulder[1] - face_y, shoulder[1] - ears[1]
    ears_wide, eyes_wide = math.dist(points[7], points[8]), math.dist(points[3], points[6])
    values = {
        "trunk_incl": trunk,
        "neck_incl": neck,
        "neck_flex": neck - trunk,
        "head_pitch": degrees(eyes[1] - ears[1], forward * (eyes[0] - ears[0])),
        "cva_proxy": 90.0 - neck,
        "pitch_cue": over(nose[1] - ears[1], ears_wide),
        "yaw_cue": over(nose[0] - ears[0], ears_wide),
        "head_yaw": head_yaw,
        "head_nod": degrees(down[2], math.hypot(down[0], down[1])),
        "head_roll": degrees(down[0] - across[1], across[0] + down[1]),
        "shoulder_tilt": degrees(left[1] - right[1], left[0] - right[0]),
        "lateral_trunk": degrees(shoulder[0] - hips[0], hips[1] - shoulder[1]),
        "lateral_head": degrees(head_x - shoulder[0], ear_rise),
        "fsr": over(eyes_wide, shoulders_wide),
        "esr": over(ear_rise, shoulders_wide),
        "nsr": over(shoulder[1] - nose[1], shoulders_wide),
        "head_height": over(rise, scale),
        "head_rise": over(rise, shoulders_wide),
        "ear_height": over(ear_rise, scale),
        "face_size": scale * 640 / height,
        "distance": over(height, scale),
        "shoulder_width": shoulders_wide / height,
        "head_drop": face_y / height,
        "shoulder_drop": shoulder[1] / height,
        "head_shift": head_x / height,
        "shoulder_shift": shoulder[0] / height,
    }

    face = within(0, metrics.BUST_MARGIN) and math.isfinite(scale) and scale > 0
    shoulders = within(11, metrics.BUST_MARGIN) and within(12, metrics.BUST_MARGIN)
    bust = face and shoulders
    turned_past = seen_from is View.OBLIQUE and neutral.forward not in (None, forward)
    beside = bust and not front and not turned_past
    hip = (left_hip or right_hip) if side else (left_hip and right_hip)
    met = {
        Needs.FACE: face,
        Needs.BUST: bust,
        Needs.SHOULDERS: shoulders,
        Needs.FACING: bust and not side and abs(head_yaw) < metrics.FACING_YAW_DEG,
        Needs.PROFILE_TRUNK: beside and hip,
        Needs.PROFILE_NECK: beside,
        Needs.PROFILE: bust and hip and side,
        Needs.PROFILE_HEAD: face and side,
        Needs.TORSO: bust and front and left_hip and right_hip,
    }
    for metric in METRICS:
        if not met[metric.needs] or not math.isfinite(values[metric.name]):
            values[metric.name] = NAN

    deviations = {}
    for metric in METRICS:
        change = values[metric.name] - neutral[metric.name]
        if metric.change is Change.PERCENT:
            change = over(100 * change, neutral[metric.name])
        elif metric.change is Change.SHOULDERS:
            change = over(change, neutral.shoulders)
        deviations[metric.name] = change

    confidence = 0.0
    if face:
        support = 0.5 + 0.5 * (landmarks[11][3] + landmarks[12][3]) / 2
        framed = sum(within(i, -metrics.HIP_MARGIN) for i in range(13)) / 13
        size = clip(scale * 640 / height / metrics.SURE_SIZE, 0, 1)
        confidence = landmarks[0][3] * support * (0.5 + 0.5 * framed) * size
    behind = bust and not side and left[0] < right[0] and rise > 0
    index = slouch_index(deviations, neutral, limits, bust=bust, side=side)
    reason = Reason.OK
    if not math.isfinite(landmarks[0][0]) or values["face_size"] < rules.NOBODY_BELOW:
        return Plain(values, deviations, Verdict.AWAY, Reason.OK, index)
    larger, risen = 1 + deviations["face_size"] / 100, -rules.STANDING_RISE
    aside = not side and abs(deviations["head_shift"]) > rules.STRANGER_ASIDE * larger
    if not face:
        reason = Reason.FACE
    elif side != (neutral.view is View.SIDE):
        reason = Reason.VIEW
    elif larger > rules.STRANGER_LARGER or larger < rules.STRANGER_SMALLER or aside:
        reason = Reason.STRANGER
    elif not side and deviations["head_drop"] < risen and deviations["shoulder_drop"] < risen:
        reason = Reason.STANDING
    elif behind:
        reason = Reason.BEHIND
    elif not known(index) or confidence < limits.min_confidence:
        reason = Reason.UNSURE
    verdict = Verdict.POOR if index >= 1 else Verdict.MILD if index >= 0.5 else Verdict.GOOD
    return Plain(values, deviations, Verdict.UNKNOWN if reason is not Reason.OK else verdict, reason, index)


def place(shoulders_cm: float, head_yaw_deg: float, azimuth_deg: float) -> tuple[View, float]:
    """Return the view and the azimuth, for a place that is known."""
    part = shoulders_cm / view.FRONT_SHOULDERS_CM
    if not math.isfinite(part):
        return View.UNKNOWN, azimuth_deg
    above, below = view.FRONT_ABOVE, view.SIDE_BELOW
    expected = math.cos(math.radians(azimuth_deg))
    if expected < view.SIDE_BELOW:
        below = view.SIDE_KEPT_BELOW
    elif azimuth_deg >= view.OBLIQUE_FROM_DEG:
        above, below = max(above, view.KEPT_UNTIL[0] * expected), min(below, view.KEPT_UNTIL[1] * expected)
    if part < below:
        return View.SIDE, 90.0
    if part >= above:
        return View.FRONT, azimuth_deg
    return View.OBLIQUE, azimuth_deg if azimuth_deg >= view.OBLIQUE_FROM_DEG else turned(part, head_yaw_deg)


def turned(part: float, head_yaw_deg: float) -> float:
    """Return how far a trunk is turned, in degrees, by its shoulders and the face."""
    shoulders = math.degrees(math.acos(clip(part, 0, 1)))
    among = view.SHOULDERS_FROM_DEG - view.FACE_UNTIL_DEG
    weight = 0.5 * clip((view.SHOULDERS_FROM_DEG - shoulders) / among, 0, 1)
    more = abs(head_yaw_deg) - shoulders
    return shoulders + weight * clip(more, -view.FACE_MAY_DIFFER_DEG, view.FACE_MAY_DIFFER_DEG)


def slouch_index(
    change: dict[str, float], neutral: Neutral, limits: rules.Limits, *, bust: bool, side: bool
) -> float:
    """Return the norm of the signals; NaN where none can be measured."""
    beside = change["head_shift"] * neutral.shoulders / rules.FOCAL_HEIGHTS
    yaw = abs(change["head_yaw"] - (math.degrees(math.atan(beside)) if known(beside) else 0.0))
    grown, trunk = change["face_size"], change["trunk_incl"]
    nearer = clip(grown / rules.GROWN - 0.5, 0, 1) if known(grown) else NAN
    amounts = {
        "head sinking": NAN if side and known(trunk) else sunk(change, neutral),
        "face forward": change["fsr"] * nearer if yaw < rules.TURNED_DEG else NAN,
        "too near": NAN if side else -change["distance"],
        "leaning back": NAN if side else -grown,
        "head low": NAN if bust else change["head_drop"],
        "head tilted": abs(change["head_roll"]) if yaw < 1.5 * rules.TURNED_DEG else NAN,
        "shoulders tilted": abs(change["shoulder_tilt"]) if yaw < rules.TURNED_DEG else NAN,
        "leaning sideways": abs(change["lateral_head"]) if yaw < rules.TURNED_DEG else NAN,
        "trunk sideways": abs(change["lateral_trunk"]),
        "leaning forward": trunk,
        "reclined": -trunk,
        "neck forward": change["neck_incl"] if side or known(trunk) else NAN,
    }
    ratios = {}
    for signal in rules.SIGNALS:
        names = rules.SINK_WEIGHTS if signal.name == "head sinking" else (signal.driver,)
        spreads = [neutral.spread[metrics.ROW[name]].item() for name in names if math.isfinite(neutral[name])]
        spread = sum(spreads) / len(spreads) if spreads else 0.0
        limit = limits.scale.get(signal.driver, 1.0) * math.hypot(signal.poor, signal.scatter * spread)
        ratios[signal.name] = amounts[signal.name] / limit
    back, sink = ratios["leaning back"], ratios["head sinking"]
    away = back + rules.BACK_SINK * sink
    if sink < rules.BACK_LEAST_SINK:
        away = min(away, 0.99)
    if known(back):
        ratios["leaning back"] = away if amounts["leaning back"] > rules.BACK_FROM else min(back, 0.0)
    total, measured = 0.0, False
    for signal in rules.SIGNALS:
        ratio, mild = ratios[signal.name], signal.mild / signal.poor
        if known(ratio):
            measured = True
            reached = 0.5 * ratio / mild if ratio < mild else 0.5 + 0.5 * (ratio - mild) / (1 - mild)
            total += max(reached, 0.0) ** rules.NORM
    return total ** (1 / rules.NORM) if measured else NAN


def sunk(change: dict[str, float], neutral: Neutral) -> float:
    """Return by how much the head has sunk, in percent."""
    parts = {name: weight for name, weight in rules.SINK_WEIGHTS.items() if known(change[name])}
    if not parts:
        return NAN
    sink = sum(-weight * change[name] for name, weight in parts.items()) / sum(parts.values())
    ears, esr, nod, grown = -change["ear_height"], -change["esr"], change["head_nod"], change["face_size"]
    ear_sink = (ears + esr) / 2 if known(esr) else ears
    if known(ear_sink):
        sink = min(sink, ear_sink + rules.NOD_ALLOWANCE)
    if nod > rules.NOD_DEG:
        stay = change["shoulder_drop"] < rules.SHOULDERS_STAY
        carries = rules.LOOK_DOWN_CARRIES if stay else rules.NOD_CARRIES
        carries = rules.NOD_CARRIES_NEARER if grown > 2 * rules.GROWN else carries
        sink = min(sink, ears - carries * nod)
    if sink > 0:
        height = neutral["head_height"] * neutral["face_size"] / metrics.REFERENCE_HEIGHT
        lifted = -change["shoulder_drop"] * 100 * neutral.shoulders / height
        shrugged = lifted * 0.5 * clip(1.5 - grown / rules.GROWN, 0, 1)
        if shrugged > 0:  # not where it is unknown
            sink -= shrugged
    if neutral["head_height"] > rules.TYPICAL_HEIGHT_CM:
        sink -= rules.STRETCHED * (1 - rules.TYPICAL_HEIGHT_CM / neutral["head_height"]) * 100
    return sink
