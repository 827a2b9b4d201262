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
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.head import head_pose
from posture_monitor.posture.landmarks import Array
from posture_monitor.posture.reading import VIEWS, View
from posture_monitor.posture.view import classify

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
    UNSURE = "too little to go by"

    def __str__(self) -> str:
        return self.value


REASONS: tuple[Reason, ...] = tuple(Reason)
_CODE = {reason: code for code, reason in enumerate(REASONS)}


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
    Metric("lateral_head", "°", Needs.FACING, _D, "shoulders' middle to head against the vertical, left +"),
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
_NEEDS = np.array([metric.needs for metric in METRICS])

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
#: Face height is the mean of these: eyes, ears, nose and mouth, each pair once.
_FACE_HEIGHT = np.zeros(11)
_FACE_HEIGHT[[0]] = 1 / 4
_FACE_HEIGHT[
    [lm.LEFT_EYE_OUTER, lm.RIGHT_EYE_OUTER, lm.LEFT_EAR, lm.RIGHT_EAR, lm.MOUTH_LEFT, lm.MOUTH_RIGHT]
] = 1 / 8
_REFERENCE_HEIGHT = 640.0


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
        side = self.view == VIEWS.index(View.SIDE)
        front = self.view == VIEWS.index(View.FRONT)
        out = np.zeros(self.values.shape, dtype=np.int8)
        for row, metric in enumerate(METRICS):
            missing = np.isnan(self.values[row])
            if metric.needs is Needs.FACING:
                why = np.where(side, _CODE[Reason.VIEW], _CODE[Reason.TURNED])
            elif metric.needs in (Needs.PROFILE, Needs.PROFILE_HEAD):
                why = np.where(side, _CODE[Reason.HIPS], _CODE[Reason.VIEW])
            elif metric.needs in (Needs.PROFILE_TRUNK, Needs.PROFILE_NECK):
                why = np.where(front, _CODE[Reason.VIEW], _CODE[Reason.HIPS])
            elif metric.needs is Needs.TORSO:
                why = np.where(front, _CODE[Reason.HIPS], _CODE[Reason.VIEW])
            else:
                why = np.zeros(len(self), dtype=np.int64)
            if metric.needs is not Needs.FACE:
                why = np.where(shoulders, why, _CODE[Reason.SHOULDERS])
            if metric.needs is not Needs.SHOULDERS:
                why = np.where(face, why, _CODE[Reason.FACE])
            why = np.where(why == 0, _CODE[Reason.UNSURE], why)
            why = np.where(self.present, why, _CODE[Reason.NOBODY])
            out[row] = np.where(missing, why, 0)
        return out


def measure(
    landmarks: npt.NDArray[Any], size: npt.NDArray[Any], *, azimuth_deg: float | None = None
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

    Returns
    -------
    Measurement

    Notes
    -----
    At an azimuth φ between front and side, an inclination in the sagittal
    plane looks smaller than it is; the true one is
    ``atan(tan(apparent) / sin φ)`` (orthographic approximation).
    """
    with np.errstate(all="ignore"):
        return _measure(landmarks, size, azimuth_deg)


def _measure(landmarks: npt.NDArray[Any], size: npt.NDArray[Any], azimuth_deg: float | None) -> Measurement:
    size = np.asarray(size, dtype=np.float64)
    # Sums round differently in another memory layout; the same landmarks must give the same bits.
    landmarks = np.ascontiguousarray(landmarks)
    x, y = lm.to_pixels(landmarks, size)
    height = np.broadcast_to(size[..., 1], x.shape[1])
    visible = landmarks[:, :, 3].T >= VISIBLE
    u, v = landmarks[:, :, 0].T, landmarks[:, :, 1].T
    near = (np.abs(u - 0.5) < 0.5 + BUST_MARGIN) & (np.abs(v - 0.5) < 0.5 + BUST_MARGIN) & visible
    inside = (np.abs(u - 0.5) < 0.5 - HIP_MARGIN) & (np.abs(v - 0.5) < 0.5 - HIP_MARGIN) & visible

    head = head_pose(x, y)
    scale = head.scale
    face = near[0] & np.isfinite(scale) & (scale > 0)

    left, right = lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER
    shoulder_dx, shoulder_dy = x[left] - x[right], y[left] - y[right]
    width = np.hypot(shoulder_dx, shoulder_dy)
    shoulder_x, shoulder_y = (x[left] + x[right]) / 2, (y[left] + y[right]) / 2
    shoulders = near[left] & near[right]

    view, azimuth = classify(width / scale, head.yaw, azimuth_deg)
    side = view == VIEWS.index(View.SIDE)
    front = view == VIEWS.index(View.FRONT)

    ears_x, ears_y = (x[7] + x[8]) / 2, (y[7] + y[8]) / 2
    eyes_x, eyes_y = (x[3] + x[6]) / 2, (y[3] + y[6]) / 2
    hips_x, hips_y = (x[23] + x[24]) / 2, (y[23] + y[24]) / 2
    # Which way is forward for somebody seen from the side.
    forward = np.where(x[lm.NOSE] >= ears_x, 1.0, -1.0)

    # Angles are taken between the middles of pairs, which lie in the body's own
    # plane of symmetry: from the side the nearer shoulder is 18 cm before it, the
    # nearer ear 7 cm, and a camera a little beside or below makes degrees of that.
    # Only where one hip alone is seen does the trunk go by its side.
    both_hips = inside[23] & inside[24]
    off = inside[24].astype(np.intp)
    column = np.arange(x.shape[1])
    base_x = np.where(both_hips | ~side, hips_x, x[23 + off, column])
    base_y = np.where(both_hips | ~side, hips_y, y[23 + off, column])
    top_x = np.where(both_hips | ~side, shoulder_x, x[left + off, column])
    top_y = np.where(both_hips | ~side, shoulder_y, y[left + off, column])
    foreshortening = np.sin(np.radians(azimuth))
    trunk = np.arctan2(forward * (top_x - base_x) / foreshortening, base_y - top_y)
    neck = np.arctan2(forward * (ears_x - shoulder_x) / foreshortening, shoulder_y - ears_y)
    pitch = np.arctan2(eyes_y - ears_y, forward * (eyes_x - ears_x))
    tilt = np.arctan2(shoulder_dy, shoulder_dx)
    face_y = np.einsum("j,jn->n", _FACE_HEIGHT, y[:11])
    # The middle of the head moves less than the nose when the head turns.
    head_x = (ears_x + eyes_x) / 2
    lateral_head = np.arctan2(head_x - shoulder_x, shoulder_y - face_y)
    lateral_trunk = np.arctan2(shoulder_x - hips_x, hips_y - shoulder_y)
    trunk, neck, pitch, tilt, lateral_head, lateral_trunk = np.degrees(
        (trunk, neck, pitch, tilt, lateral_head, lateral_trunk)
    )

    eyes = np.hypot(x[3] - x[6], y[3] - y[6])
    ears = np.hypot(x[7] - x[8], y[7] - y[8])
    rise = shoulder_y - face_y
    ear_rise = shoulder_y - ears_y
    values = np.stack(
        (
            trunk,
            neck,
            neck - trunk,
            pitch,
            90.0 - neck,
            (y[lm.NOSE] - ears_y) / ears,
            (x[lm.NOSE] - ears_x) / ears,
            head.yaw,
            head.pitch,
            head.roll,
            tilt,
            lateral_trunk,
            lateral_head,
            eyes / width,
            ear_rise / width,
            (shoulder_y - y[lm.NOSE]) / width,
            rise / scale,
            rise / width,
            ear_rise / scale,
            scale * (_REFERENCE_HEIGHT / height),
            height / scale,
            width / height,
            face_y / height,
            shoulder_y / height,
            head_x / height,
            shoulder_x / height,
        )
    )

    bust = face & shoulders
    facing = bust & ~side & (np.abs(head.yaw) < FACING_YAW_DEG)
    hip_seen = np.where(side, inside[23] | inside[24], both_hips) & ~front
    seen = np.stack(
        (
            face,
            bust,
            shoulders,
            facing,
            bust & hip_seen,
            bust & ~front,
            bust & hip_seen & side,
            face & side,
            bust & front & both_hips,
        )
    )
    values[~seen[_NEEDS] | ~np.isfinite(values)] = np.nan

    present = np.isfinite(landmarks[:, lm.NOSE, 0])
    # A face alone gives half the confidence of a face with its shoulders.
    support = 0.5 + 0.5 * landmarks[:, [left, right], 3].mean(axis=1)
    framed = inside[0:13].mean(axis=0)
    confidence = np.where(face, landmarks[:, lm.NOSE, 3] * support * (0.5 + 0.5 * framed), 0.0)
    # A head of a few pixels is a guess.
    confidence = confidence * np.clip(scale * (_REFERENCE_HEIGHT / height) / SURE_SIZE, 0.0, 1.0)
    confidence = np.where(np.isfinite(confidence), confidence, 0.0)
    # The person's left lies on the picture's right, unless they show their back (or hang upside down).
    behind = bust & ~side & (shoulder_dx < 0) & (rise > 0)
    return Measurement(values, seen, present, confidence, view, azimuth, behind)
