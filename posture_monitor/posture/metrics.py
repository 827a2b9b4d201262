"""The numbers of a posture: one vectorised kernel over landmarks.

Everything is computed in pixels, so that a wide picture does not bend angles,
and lengths are then given in centimetres at the depth of the head (through
`head.head_pose`), as ratios, or as parts of the picture's height, so that the
resolution of the camera does not matter. Every metric carries, per frame,
whether it could be measured and, if not, why.

Sign conventions: forward, downward and towards the person's left are positive.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.arithmetic import Arithmetic, Many, Number, One, Truth, blocks, finite
from posture_monitor.posture.head import head_pose
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.reading import VIEWS, View
from posture_monitor.posture.view import FRONT_SHOULDERS_CM, classify

Bool = npt.NDArray[np.bool_]


class Reason(str, enum.Enum):
    """Why something could not be measured or judged; ``OK`` where it could."""

    OK = ""
    NOBODY = "nobody seen"
    FACE = "face not seen clearly"
    SHOULDERS = "shoulders not seen clearly"
    HIPS = "hips out of sight"
    VIEW = "not measurable from this view"
    TURNED = "head turned"
    DARK = "too dark"
    COVERED = "camera covered"
    BLURRED = "picture blurred"
    CROWD = "more than one person"
    STRANGER = "not the calibrated person's place"
    STANDING = "standing up"
    BEHIND = "seen from behind"
    MOVED = "camera or chair moved"
    UNSURE = "not seen clearly enough"

    __str__ = str.__str__


#: Order of the integer codes used in arrays of reasons, and the code of each.
REASONS: tuple[Reason, ...] = tuple(Reason)
CODE = {reason: code for code, reason in enumerate(REASONS)}


class Change(enum.Enum):
    """How a deviation from neutral is expressed."""

    DIFFERENCE = "difference"  #: value minus neutral, in the metric's own unit
    PERCENT = "percent"  #: relative change, in percent of neutral
    SHOULDERS = "shoulder widths"  #: difference over the neutral shoulder width


class Needs(enum.IntEnum):
    """What a metric needs to be seen; the row of `Measurement.seen`."""

    FACE = 0  #: the face
    BUST = 1  #: face and both shoulders
    SHOULDERS = 2  #: both shoulders
    FACING = 3  #: face and shoulders, from the front or obliquely, head not turned far
    PROFILE_TRUNK = 4  #: shoulders and hips, from the side (one hip will do) or obliquely
    PROFILE_NECK = 5  #: face and shoulders, from the side or obliquely
    PROFILE = 6  #: face, shoulders and a hip, from the side
    PROFILE_HEAD = 7  #: the face, from the side
    TORSO = 8  #: both shoulders and both hips, from the front


@dataclass(frozen=True)
class Metric:
    """One metric: its name, unit, what it needs, how its deviation is expressed, and what it is."""

    name: str
    unit: str
    needs: Needs
    change: Change
    text: str

    @property
    def change_unit(self) -> str:
        """Unit of a deviation from neutral, and of its spread."""
        return {Change.PERCENT: "%", Change.SHOULDERS: Change.SHOULDERS.value}.get(self.change, self.unit)


_D, _P, _S = Change.DIFFERENCE, Change.PERCENT, Change.SHOULDERS

#: Every metric, in the order of the rows of `Measurement.values`. Formulas
#: follow ISO 11226 / EN 1005-4 (trunk, neck) and the usual photogrammetry of
#: sitting (ratios of facial to shoulder distances).
METRICS: tuple[Metric, ...] = (
    Metric("trunk_incl", "°", Needs.PROFILE_TRUNK, _D, "hip to shoulder against the vertical, forward +"),
    Metric("neck_incl", "°", Needs.PROFILE_NECK, _D, "shoulder to ear against the vertical, forward +"),
    Metric("neck_flex", "°", Needs.PROFILE, _D, "neck inclination less trunk inclination"),
    Metric("head_pitch", "°", Needs.PROFILE_HEAD, _D, "ear to outer eye below the horizontal, down +"),
    Metric(
        "cva_proxy", "°", Needs.PROFILE_NECK, _D, "90° less neck inclination; a trend, not the clinical angle"
    ),
    Metric("pitch_cue", "ratio", Needs.FACING, _D, "nose below the ears over ear distance; looking down +"),
    Metric("yaw_cue", "ratio", Needs.FACE, _D, "nose beside the ears' middle over ear distance, left +"),
    Metric("head_yaw", "°", Needs.FACE, _D, "head turned, towards the person's left +"),
    Metric("head_nod", "°", Needs.FACE, _D, "head nodded as the camera sees it, down +"),
    Metric("head_roll", "°", Needs.FACING, _D, "head tipped sideways, towards the person's left +"),
    Metric("shoulder_tilt", "°", Needs.FACING, _D, "shoulder line against the horizontal, left lower +"),
    Metric(
        "lateral_trunk",
        "°",
        Needs.TORSO,
        _D,
        "hips' middle to shoulders' middle against the vertical, left +",
    ),
    Metric(
        "lateral_head",
        "°",
        Needs.FACING,
        _D,
        "shoulders' middle to head, at the height of the ears, against the vertical, left +",
    ),
    Metric("fsr", "ratio", Needs.FACING, _P, "outer-eye distance over shoulder width"),
    Metric("esr", "ratio", Needs.FACING, _P, "height of the ears over the shoulders, over shoulder width"),
    Metric("nsr", "ratio", Needs.FACING, _P, "height of the nose over the shoulders, over shoulder width"),
    Metric(
        "head_height", "cm", Needs.BUST, _P, "height of the face over the shoulders, by the head's own ruler"
    ),
    Metric(
        "head_rise", "ratio", Needs.FACING, _P, "height of the face over the shoulders, over shoulder width"
    ),
    Metric(
        "ear_height", "cm", Needs.BUST, _P, "height of the ears over the shoulders, by the head's own ruler"
    ),
    Metric("face_size", "px/cm", Needs.FACE, _P, "size of the head in the picture (640 px high)"),
    Metric("distance", "picture", Needs.FACE, _P, "distance from the camera; 100 % is neutral"),
    Metric("shoulder_width", "height", Needs.SHOULDERS, _P, "shoulder width over picture height"),
    Metric("head_drop", "height", Needs.FACE, _S, "how far down the picture the head is"),
    Metric("shoulder_drop", "height", Needs.SHOULDERS, _S, "how far down the picture the shoulders are"),
    Metric(
        "head_shift", "height", Needs.FACE, _S, "how far along the picture the head is, left of the person +"
    ),
    Metric("shoulder_shift", "height", Needs.SHOULDERS, _S, "the same of the shoulders' middle"),
)
NAMES: tuple[str, ...] = tuple(metric.name for metric in METRICS)
ROW: dict[str, int] = {name: row for row, name in enumerate(NAMES)}
_NEEDS = tuple(int(metric.needs) for metric in METRICS)
_FRONT, _SIDE = VIEWS.index(View.FRONT), VIEWS.index(View.SIDE)
#: The landmarks that are used, each by x, y and visibility: face, shoulders and hips.
USED = (*range(13), lm.LEFT_HIP, lm.RIGHT_HIP)
_LAST = lm.RIGHT_HIP + 1
_COLUMNS = np.array([4 * i + k for k in (0, 1, 3) for i in USED])

#: A landmark counts as seen from this visibility on; 0.5 is the value at which
#: MediaPipe's own drawing code shows a landmark.
VISIBLE = 0.5
#: Hips must also lie inside the picture: MediaPipe invents unseen ones, and was
#: reported to give 0.92 visibility to a hip at y = 1.009.
HIP_MARGIN = 0.02
#: Face and shoulders may lie this far outside the picture (part of its size):
#: the model is trained to extrapolate a little, and a person who leans in is
#: cut off by the edge.
BUST_MARGIN = 0.35
#: A head of this size (px/cm at 640 px picture height) and larger is measured with
#: full confidence; at desks it is 5 to 15, across a room 2.8.
SURE_SIZE = 2.5
#: Beyond this turn of the head against the line to the camera nothing that needs
#: both sides of the face is measured; how much of it is a turn from neutral is
#: for the judge to weigh.
FACING_YAW_DEG = 50.0
#: Picture height that `face_size` is given for, in pixels.
REFERENCE_HEIGHT = 640.0
#: Width of typical shoulders seen from the front, in picture heights for each px/cm of `face_size`.
TYPICAL_SHOULDERS = FRONT_SHOULDERS_CM / REFERENCE_HEIGHT


@dataclass(frozen=True)
class Measurement:
    """Metrics of ``N`` frames.

    Attributes
    ----------
    values
        ``(len(METRICS), N)`` float64; NaN where a metric could not be measured.
    seen
        ``(len(Needs), N)`` bool: which needs were met.
    present
        ``(N,)`` bool: somebody was detected.
    confidence
        ``(N,)`` 0..1: how well face and shoulders are seen and framed.
    view
        ``(N,)`` codes into `reading.VIEWS`.
    azimuth
        ``(N,)`` degrees between the line to the camera and the way the trunk faces.
    behind
        ``(N,)`` bool: the back is turned to the camera.
    """

    values: Array
    seen: Bool
    present: Bool
    confidence: Array
    view: npt.NDArray[np.int8]
    azimuth: Array
    behind: Bool

    def __len__(self) -> int:
        return int(self.present.shape[0])

    def __getitem__(self, name: str) -> Array:
        """Return one metric by name, ``(N,)``."""
        row: Array = self.values[ROW[name]]
        return row

    @property
    def shoulders(self) -> Array:
        """Return the shoulder width that places are measured by, ``(N,)`` picture heights.

        Shoulders seen from beside look narrower than they are: there it is the
        typical width, by the head's own ruler.
        """
        seen = self["shoulder_width"]
        narrow = (self.view != _FRONT) | np.isnan(seen)
        return np.where(narrow, TYPICAL_SHOULDERS * self["face_size"], seen)

    def take(self, index: npt.NDArray[Any] | slice) -> Measurement:
        """Return the frames picked by `index`."""
        return Measurement(
            self.values[:, index],
            self.seen[:, index],
            self.present[index],
            self.confidence[index],
            self.view[index],
            self.azimuth[index],
            self.behind[index],
        )

    @cached_property
    def reasons(self) -> npt.NDArray[np.int8]:
        """Codes into `REASONS`, ``(len(METRICS), N)``: why a metric is missing, 0 where it is not."""
        face, shoulders = self.seen[Needs.FACE], self.seen[Needs.SHOULDERS]
        side, front = self.view == _SIDE, self.view == _FRONT
        out = np.zeros(self.values.shape, dtype=np.int8)
        for row, metric in enumerate(METRICS):
            missing = np.isnan(self.values[row])
            if metric.needs is Needs.FACING:
                why = np.where(side, CODE[Reason.VIEW], CODE[Reason.TURNED])
            elif metric.needs in (Needs.PROFILE, Needs.PROFILE_HEAD):
                why = np.where(side, CODE[Reason.HIPS], CODE[Reason.VIEW])
            elif metric.needs in (Needs.PROFILE_TRUNK, Needs.PROFILE_NECK):
                hidden = np.where(self.seen[Needs.PROFILE_NECK], CODE[Reason.HIPS], CODE[Reason.TURNED])
                why = np.where(front, CODE[Reason.VIEW], hidden)
            elif metric.needs is Needs.TORSO:
                why = np.where(front, CODE[Reason.HIPS], CODE[Reason.VIEW])
            else:
                why = np.zeros(len(self), dtype=np.int64)
            if metric.needs is not Needs.FACE:
                why = np.where(shoulders, why, CODE[Reason.SHOULDERS])
            if metric.needs is not Needs.SHOULDERS:
                why = np.where(face, why, CODE[Reason.FACE])
            why = np.where(why == 0, CODE[Reason.UNSURE], why)
            why = np.where(self.present, why, CODE[Reason.NOBODY])
            out[row] = np.where(missing, why, 0)
        return out


def measure(
    landmarks: npt.NDArray[Any],
    size: npt.NDArray[Any],
    *,
    azimuth_deg: float | None = None,
    forward: float | None = None,
) -> Measurement:
    """Measure every metric of ``N`` frames.

    Parameters
    ----------
    landmarks
        ``(N, 33, 4)``: x, y image-normalised, z unused, visibility. All NaN
        where nobody was seen; any other non-finite coordinate counts as not seen.
    size
        ``(2,)`` or ``(N, 2)``: width and height of the picture in pixels.
    azimuth_deg
        Angle between the trunk's facing and the line to the camera, if known
        from calibration; otherwise it is estimated per frame (`view.classify`).
    forward
        Which way along the picture is forward for somebody seen obliquely, if
        known from calibration: 1 to the right, -1 to the left. Whose face
        points the other way has no angles of trunk and neck. Otherwise the
        face tells.

    Returns
    -------
    Measurement

    Notes
    -----
    At an azimuth φ between front and side, an inclination in the sagittal
    plane looks smaller than it is; the true one is
    ``atan(tan(apparent) / sin φ)`` (orthographic approximation).
    """
    points = np.asarray(landmarks)
    size = np.asarray(size, dtype=np.float64)
    n = len(points)
    if n == 1:
        u, v, _, visibility = points[0, :_LAST].T.tolist()
        width, height = size.reshape(2).tolist()
        return _one(_measured(One, u, v, visibility, width, height, azimuth_deg, forward))
    whole = _nothing(n)
    with np.errstate(all="ignore"):
        for block in blocks(n):
            u, v, visibility = _rows(points[block])
            width, height = size[block].T if size.ndim == 2 else size.tolist()
            _take_in(whole, block, _measured(Many, u, v, visibility, width, height, azimuth_deg, forward))
    return whole


class _Frame(NamedTuple):
    """What `_measured` finds in a frame, or in a block of them; see `Measurement`."""

    values: Sequence[Number]
    seen: Sequence[Truth]
    present: Truth
    confidence: Number
    view: Number
    azimuth: Number
    behind: Truth


def _measured(
    m: Arithmetic,
    u: Sequence[Number],
    v: Sequence[Number],
    visibility: Sequence[Number],
    width: Number,
    height: Number,
    azimuth_deg: float | None,
    known_forward: float | None,
) -> _Frame:
    """Measure a frame, or a block of them; `u` and `v` are image-normalised, all three by landmark."""

    def within(margin: float, points: Iterable[int]) -> list[Truth]:
        reach = 0.5 + margin
        return [
            (visibility[i] >= VISIBLE) & (abs(u[i] - 0.5) < reach) & (abs(v[i] - 0.5) < reach) for i in points
        ]

    nose_near, left_near, right_near = within(BUST_MARGIN, (lm.NOSE, lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER))
    bust_inside = within(-HIP_MARGIN, range(13))
    left_hip, right_hip = within(-HIP_MARGIN, (lm.LEFT_HIP, lm.RIGHT_HIP))
    both_hips, a_hip = left_hip & right_hip, left_hip | right_hip

    x, y = [a * width for a in u], [a * height for a in v]
    nose_x, nose_y = x[lm.NOSE], y[lm.NOSE]
    head = head_pose(x, y, m)
    scale = head.scale
    shoulder_dx, shoulder_dy = x[11] - x[12], y[11] - y[12]
    shoulders_wide = m.sqrt(shoulder_dx * shoulder_dx + shoulder_dy * shoulder_dy)
    shoulder_x, shoulder_y = (x[11] + x[12]) / 2, (y[11] + y[12]) / 2
    ears_x, ears_y = (x[7] + x[8]) / 2, (y[7] + y[8]) / 2
    eyes_x, eyes_y = (x[3] + x[6]) / 2, (y[3] + y[6]) / 2
    hips_x, hips_y = (x[23] + x[24]) / 2, (y[23] + y[24]) / 2

    view, azimuth = classify(m.ratio(shoulders_wide, scale), head.yaw, azimuth_deg, m)
    side, front = view == _SIDE, view == _FRONT

    # The face's height is the mean of eyes, ears, nose and mouth; the middle of
    # the head moves less than the nose when the head turns.
    face_y = (nose_y + eyes_y + ears_y + (y[9] + y[10]) / 2) / 4
    head_x = (ears_x + eyes_x) / 2
    rise, ear_rise = shoulder_y - face_y, shoulder_y - ears_y
    face = nose_near & (scale > 0)
    shoulders = left_near & right_near
    bust = face & shoulders
    from_side, not_side, not_front = bust & side, bust & (view != _SIDE), bust & (view != _FRONT)
    # Which way is forward for somebody seen from beside.
    forward = m.where(nose_x >= ears_x, 1.0, -1.0)
    if known_forward is not None:
        # Head or whole body has turned past the camera: which of them is not known, nor what is forward.
        not_front = not_front & (side | (forward == known_forward))
    torso = bust & front & both_hips
    slopes = [
        *head[1:],
        (shoulder_dy, shoulder_dx, not_side),
        (shoulder_x - hips_x, hips_y - shoulder_y, torso),
        (head_x - shoulder_x, ear_rise, not_side),
    ]
    trunk_seen, face_from_side = not_front & m.where(side, a_hip, both_hips), face & side
    if m.any(not_front | face_from_side):
        # Angles are taken between the middles of pairs, which lie in the body's own
        # plane of symmetry: from the side the nearer shoulder is 18 cm before it, the
        # nearer ear 7 cm, and a camera a little beside or below makes degrees of that.
        # Only where one hip alone is seen does the trunk go by its side.
        by_middle = both_hips | (view != _SIDE)
        base_x = m.where(by_middle, hips_x, m.where(right_hip, x[24], x[23]))
        base_y = m.where(by_middle, hips_y, m.where(right_hip, y[24], y[23]))
        top_x = m.where(by_middle, shoulder_x, m.where(right_hip, x[12], x[11]))
        top_y = m.where(by_middle, shoulder_y, m.where(right_hip, y[12], y[11]))
        foreshortening = m.sine(azimuth)
        slopes += [
            (m.ratio(forward * (top_x - base_x), foreshortening), base_y - top_y, trunk_seen),
            (m.ratio(forward * (ears_x - shoulder_x), foreshortening), ear_rise, not_front),
            (eyes_y - ears_y, forward * (eyes_x - ears_x), face_from_side),
        ]
    yaw, nod, roll, tilt, lateral_trunk, lateral_head, *from_beside = m.directions(slopes)
    trunk, neck, pitch = from_beside or (math.nan, math.nan, math.nan)
    facing = not_side & (abs(yaw) < FACING_YAW_DEG)

    ears_dx, ears_dy, eyes_dx, eyes_dy = x[7] - x[8], y[7] - y[8], x[3] - x[6], y[3] - y[6]
    ears_wide = m.sqrt(ears_dx * ears_dx + ears_dy * ears_dy)
    eyes_wide = m.sqrt(eyes_dx * eyes_dx + eyes_dy * eyes_dy)
    size = scale * (REFERENCE_HEIGHT / height)
    values = (
        trunk,
        neck,
        neck - trunk,
        pitch,
        90.0 - neck,
        m.ratio(nose_y - ears_y, ears_wide),
        m.ratio(nose_x - ears_x, ears_wide),
        yaw,
        nod,
        roll,
        tilt,
        lateral_trunk,
        lateral_head,
        m.ratio(eyes_wide, shoulders_wide),
        m.ratio(ear_rise, shoulders_wide),
        m.ratio(shoulder_y - nose_y, shoulders_wide),
        m.ratio(rise, scale),
        m.ratio(rise, shoulders_wide),
        m.ratio(ear_rise, scale),
        size,
        m.ratio(height, scale),
        shoulders_wide / height,
        face_y / height,
        shoulder_y / height,
        head_x / height,
        shoulder_x / height,
    )

    seen = (
        face,
        bust,
        shoulders,
        facing,
        trunk_seen,
        not_front,
        from_side & a_hip,
        face_from_side,
        torso,
    )

    # A face alone gives half the confidence of a face with its shoulders.
    support = 0.5 + 0.25 * (visibility[11] + visibility[12])
    framed = 0.5 + 0.5 * (m.count(bust_inside) / 13)
    # A head of a few pixels is a guess.
    sure = visibility[lm.NOSE] * support * framed * m.clip(size / SURE_SIZE, 0.0, 1.0)
    confidence = m.where(face & finite(sure), sure, 0.0)
    # The person's left lies on the picture's right, unless they show their back (or hang upside down).
    behind = not_side & (shoulder_dx < 0) & (rise > 0)
    return _Frame(values, seen, finite(u[lm.NOSE]), confidence, view, azimuth, behind)


def _rows(points: npt.NDArray[Any]) -> tuple[list[Number], list[Number], list[Number]]:
    """Return x, y and visibility of a block of frames by landmark, each ``(B,)`` float64 where it is used."""
    flat = points.reshape(len(points), -1).take(_COLUMNS, axis=1)
    rows = iter(flat.T.astype(np.float64, order="C"))
    lists: list[list[Number]] = []
    for _ in range(3):
        lists.append([0.0] * _LAST)
        for i in USED:
            lists[-1][i] = next(rows)
    return lists[0], lists[1], lists[2]


def _one(frame: _Frame) -> Measurement:
    """Return the measurement of a single frame."""
    seen = frame.seen
    values = [
        value + 0.0 if seen[needs] and value - value == 0.0 else math.nan
        for value, needs in zip(frame.values, _NEEDS, strict=True)
    ]
    # To make an array takes several times as long as to take a part of one.
    numbers = np.array([*values, frame.confidence, frame.azimuth])
    truths = np.array([*seen, frame.present, frame.behind])
    return Measurement(
        numbers[:-2, None],
        truths[:-2, None],
        truths[-2:-1],
        numbers[-2:-1],
        np.array([frame.view], dtype=np.int8),
        numbers[-1:],
        truths[-1:],
    )


def _nothing(n: int) -> Measurement:
    """Return room for `n` frames."""
    return Measurement(
        np.empty((len(METRICS), n)),
        np.empty((len(Needs), n), dtype=bool),
        np.empty(n, dtype=bool),
        np.empty(n),
        np.empty(n, dtype=np.int8),
        np.empty(n),
        np.empty(n, dtype=bool),
    )


def _take_in(whole: Measurement, block: slice, part: _Frame) -> None:
    """Put a block of frames into its place."""
    values, seen = whole.values[:, block], whole.seen[:, block]
    for row, met in zip(seen, part.seen, strict=True):
        row[:] = met
    missing = [np.where(met, 0.0, math.nan) for met in part.seen]
    for row, value, needs in zip(values, part.values, _NEEDS, strict=True):
        # Nothing, or NaN where the value is not finite; far cheaper than to choose.
        np.subtract(value, value, out=row)
        row += missing[needs]
        row += value
    whole.present[block] = part.present
    whole.confidence[block] = part.confidence
    whole.view[block] = part.view
    whole.azimuth[block] = part.azimuth
    whole.behind[block] = part.behind
