"""Pictures, bodies and angles, drawn with a QPainter: what the calibration's window and the preview share.

Everything takes landmarks as they are everywhere, ``(33, 4)`` and normalised to
the picture, and a `Place`, which says where on the screen that picture is and
whether it is a mirror. Sizes follow the body (its head's own ruler), so that a
skeleton looks the same near and far, on a small window and a large one. Edges are
as smooth as the painter is told to make them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QTransform

from posture_monitor.posture import landmarks as lm
from posture_monitor.posture.metrics import REFERENCE_HEIGHT, VISIBLE, measure
from posture_monitor.posture.view import FRONT_SHOULDERS_CM, SIDE_BELOW
from posture_monitor.windows.style import RADIUS, Palette, faded, font, pen

Points = npt.NDArray[Any]

#: Half the breadth and height of a head (cm), hair included, seen from the front, and half its depth.
_HEAD_HALF_CM: Final = (8.2, 12.2)
_HEAD_DEPTH_HALF_CM: Final = 9.6
#: From between the outer eyes down to the middle of the head (cm).
_HEAD_BELOW_EYES_CM: Final = 0.8
#: A face turned by more than this (degrees) is drawn in profile.
_PROFILE_YAW_DEG: Final = 50.0
#: Shoulders narrower than this many centimetres are seen from the side.
_SIDE_SHOULDERS_CM: Final = SIDE_BELOW * FRONT_SHOULDERS_CM
#: How far a shoulder reaches beyond its joint (cm), and how thick neck and trunk are seen from the side.
_DELTOID_CM, _NECK_HALF_CM, _TRUNK_HALF_CM = 4.5, 5.2, 8.5
_ARMS: Final = (
    (lm.LEFT_SHOULDER, lm.LEFT_ELBOW),
    (lm.LEFT_ELBOW, lm.LEFT_WRIST),
    (lm.RIGHT_SHOULDER, lm.RIGHT_ELBOW),
    (lm.RIGHT_ELBOW, lm.RIGHT_WRIST),
)
#: Landmarks that are drawn as joints.
_JOINTS: Final = (*range(lm.LEFT_SHOULDER, lm.RIGHT_WRIST + 1), lm.LEFT_HIP, lm.RIGHT_HIP)


@dataclass(frozen=True)
class Place:
    """Where on the screen a picture is.

    Attributes
    ----------
    rect
        That it fills, in device-independent pixels.
    mirrored
        Left and right are swapped, as one knows oneself from a mirror.
    """

    rect: QRectF
    mirrored: bool

    @staticmethod
    def within(
        outer: QRectF, width: int, height: int, *, mirrored: bool = True, covering: bool = False
    ) -> Place:
        """Return the place of a picture in the middle of `outer`: whole, or `covering` all of it."""
        pick = max if covering else min
        factor = pick(outer.width() / max(width, 1), outer.height() / max(height, 1))
        rect = QRectF(0, 0, width * factor, height * factor)
        rect.moveCenter(outer.center())
        return Place(rect, mirrored)

    def at(self, u: float, v: float) -> QPointF:
        """Return where a point of the picture is, given in parts of it, 0..1."""
        part = 1 - u if self.mirrored else u
        return QPointF(self.rect.left() + part * self.rect.width(), self.rect.top() + v * self.rect.height())

    def points(self, landmarks: Points) -> list[QPointF]:
        """Return where the 33 landmarks are."""
        return [self.at(float(u), float(v)) for u, v in landmarks[:, :2]]


@dataclass(frozen=True)
class Head:
    """The oval of a head on the screen; `scale` is pixels a centimetre, `roll` degrees clockwise."""

    centre: QPointF
    half_width: float
    half_height: float
    roll: float
    scale: float

    @property
    def down(self) -> QPointF:
        """The way from crown to chin, of length 1."""
        lean = math.radians(self.roll)
        return QPointF(-math.sin(lean), math.cos(lean))

    def path(self) -> QPainterPath:
        """Return its outline, a little narrower at the chin than at the temples."""
        w, h = self.half_width, self.half_height
        oval = QPainterPath(QPointF(0, -h))
        oval.cubicTo(0.62 * w, -h, w, -0.62 * h, w, -0.12 * h)
        oval.cubicTo(w, 0.42 * h, 0.52 * w, h, 0, h)
        oval.cubicTo(-0.52 * w, h, -w, 0.42 * h, -w, -0.12 * h)
        oval.cubicTo(-w, -0.62 * h, -0.62 * w, -h, 0, -h)
        oval.closeSubpath()
        return QTransform().translate(self.centre.x(), self.centre.y()).rotate(self.roll).map(oval)


def is_seen(landmarks: Points) -> bool:
    """Return whether there is anybody to be drawn."""
    return bool(np.isfinite(landmarks[[0, 7, 8, 11, 12], :2]).all())


def head_of(place: Place, landmarks: Points) -> Head | None:
    """Return the head's oval, or None where nobody is, or the face is too little to tell."""
    if not is_seen(landmarks):
        return None
    size = np.array([place.rect.width(), place.rect.height()])
    measured = measure(landmarks[None], size)
    scale, yaw, roll = (float(measured[name][0]) for name in ("face_size", "head_yaw", "head_roll"))
    if not (math.isfinite(scale) and math.isfinite(yaw)):
        return None
    scale *= place.rect.height() / REFERENCE_HEIGHT
    yaw = min(abs(yaw), 90.0)
    roll = roll if math.isfinite(roll) and yaw < _PROFILE_YAW_DEG else 0.0
    turned = math.sin(math.radians(yaw))
    half_width = scale * math.hypot(_HEAD_HALF_CM[0] * (1 - turned * turned), _HEAD_DEPTH_HALF_CM * turned)
    eyes = landmarks[[lm.LEFT_EYE_OUTER, lm.RIGHT_EYE_OUTER], :2].mean(axis=0)
    ears = landmarks[[lm.LEFT_EAR, lm.RIGHT_EAR], :2].mean(axis=0)
    # From the front eyes and ears lie one before the other; from the side the head is between them.
    middle = eyes + (ears - eyes) * np.array([0.5, 0.0])
    centre = place.at(float(middle[0]), float(middle[1]))
    roll = -roll if place.mirrored else roll
    head = Head(centre, half_width, scale * _HEAD_HALF_CM[1], roll, scale)
    return replace(head, centre=centre + head.down * (scale * _HEAD_BELOW_EYES_CM))


# -- the picture ----------------------------------------------------------------------------------


def image_of(picture: npt.NDArray[np.uint8]) -> QImage:
    """Return a picture ``(height, width, 3)`` BGR as Qt's image, with its own copy of the pixels."""
    bgr = np.ascontiguousarray(picture)
    height, width = bgr.shape[:2]
    return QImage(bgr.data, width, height, 3 * width, QImage.Format.Format_BGR888).copy()


def rounded(rect: QRectF, radius: float = RADIUS) -> QPainterPath:
    """Return a rectangle with round corners."""
    path = QPainterPath()
    path.addRoundedRect(rect, radius, radius)
    return path


def draw_picture(
    painter: QPainter,
    place: Place,
    image: QImage | None,
    *,
    clip: QPainterPath,
    behind: QColor,
    veil: QColor | None,
) -> None:
    """Draw the picture in round corners.

    Parameters
    ----------
    clip
        What is drawn of it, see `rounded`.
    behind
        Where there is no picture.
    veil
        Laid over it, so that what is drawn on it stands out.
    """
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.fillPath(clip, behind)
    painter.setClipPath(clip)
    if image is not None:
        painter.save()
        if place.mirrored:
            painter.translate(place.rect.left() + place.rect.right(), 0)
            painter.scale(-1, 1)
        painter.drawImage(place.rect, image)
        painter.restore()
    if veil is not None:
        painter.fillPath(clip, veil)
    painter.restore()


# -- bodies ---------------------------------------------------------------------------------------


def _shown(landmarks: Points, *which: int) -> float:
    """Return how clearly landmarks are seen and lie in the picture, 0 to 1, for fading limbs in and out."""
    least = 1.0
    for i in which:
        u, v, visibility = float(landmarks[i, 0]), float(landmarks[i, 1]), float(landmarks[i, 3])
        if not (math.isfinite(u) and math.isfinite(v)):
            return 0.0
        outside = max(abs(u - 0.5), abs(v - 0.5)) - 0.5
        least = min(least, (visibility - VISIBLE + 0.2) / 0.4, (0.35 - outside) / 0.1)
    return max(0.0, least)


def draw_skeleton(
    painter: QPainter,
    place: Place,
    landmarks: Points,
    colour: QColor,
    *,
    opacity: float,
    halo: QColor | None,
) -> None:
    """Draw a body: head, neck, shoulders, arms and trunk, each as far as it is seen.

    Parameters
    ----------
    landmarks
        ``(33, 4)``; nothing is drawn where nobody is.
    colour
        Of the limbs, such as that of the verdict.
    halo
        A soft edge that keeps the lines apart from a picture behind; None draws none.
    """
    head = head_of(place, landmarks)
    if head is None:
        return
    at = place.points(landmarks)
    thick = max(2.4, min(0.55 * head.scale, 8.0))
    limbs, oval = _limbs(at, landmarks, head), head.path()
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if halo is not None:
        for path, shown in [*limbs, (oval, 1.0)]:
            painter.setPen(pen(faded(halo, 0.30 * shown * opacity), 1.9 * thick))
            painter.drawPath(path)
    for path, shown in limbs:
        painter.setPen(pen(faded(colour, (0.35 + 0.60 * shown) * opacity), thick))
        painter.drawPath(path)
    painter.setPen(pen(faded(colour, 0.95 * opacity), 0.72 * thick))
    painter.setBrush(faded(colour, 0.10 * opacity))
    painter.drawPath(oval)
    # Joints, and just enough of a face to tell which way it looks.
    painter.setPen(Qt.PenStyle.NoPen)
    for i in _JOINTS:
        shown = _shown(landmarks, i)
        if shown > 0:
            painter.setBrush(faded(colour, shown * opacity))
            painter.drawEllipse(at[i], 0.95 * thick, 0.95 * thick)
            painter.setBrush(faded(QColor("white"), 0.92 * shown * opacity))
            painter.drawEllipse(at[i], 0.48 * thick, 0.48 * thick)
    painter.setBrush(faded(colour, 0.95 * opacity))
    for i in (lm.LEFT_EYE, lm.RIGHT_EYE):
        painter.drawEllipse(at[i], 0.42 * thick, 0.42 * thick)
    painter.restore()


def _limbs(at: list[QPointF], landmarks: Points, head: Head) -> list[tuple[QPainterPath, float]]:
    """Return the lines of a body below its head, and how clearly each is seen, 0 to 1."""
    left, right = at[lm.LEFT_SHOULDER], at[lm.RIGHT_SHOULDER]
    middle, width = (left + right) / 2, QLineF(left, right).length()
    bust = _shown(landmarks, lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER)
    # The collarbones dip towards the neck: one curve from shoulder to shoulder.
    collar = QPainterPath(left)
    collar.quadTo(middle + QPointF(0, -0.10 * width), right)
    limbs = [(collar, bust)]

    def limb(shown: float, begin: QPointF, end: QPointF) -> None:
        if shown > 0:
            line = QPainterPath(begin)
            line.lineTo(end)
            limbs.append((line, shown))

    root = middle + QPointF(0, -0.05 * width)
    limb(bust, root, head.centre + head.down * (0.92 * head.half_height))
    for one, other in _ARMS:
        limb(_shown(landmarks, one, other), at[one], at[other])
    hips = _shown(landmarks, lm.LEFT_HIP, lm.RIGHT_HIP)
    limb(min(bust, hips), root, (at[lm.LEFT_HIP] + at[lm.RIGHT_HIP]) / 2)
    limb(hips, at[lm.LEFT_HIP], at[lm.RIGHT_HIP])
    return limbs


def silhouette(place: Place, landmarks: Points) -> QPainterPath:
    """Return the outline of a body down to its arms as one smooth shape; empty for nobody."""
    head = head_of(place, landmarks)
    if head is None:
        return QPainterPath()
    at = place.points(landmarks)
    one, other = at[lm.LEFT_SHOULDER], at[lm.RIGHT_SHOULDER]
    cm = head.scale
    if QLineF(one, other).length() < _SIDE_SHOULDERS_CM * cm:
        return _profile(at, landmarks, head)
    first, second = (one, other) if one.x() < other.x() else (other, one)
    length = QLineF(first, second).length()
    along = (second - first) / length
    down = QPointF(-along.y(), along.x())
    neck = head.centre + head.down * (0.62 * head.half_height)
    collar = (first + second) / 2 - down * (4.6 * cm)
    reach = _DELTOID_CM * cm
    half_neck = _NECK_HALF_CM * cm

    def half(shoulder: QPointF, out: QPointF) -> QPainterPath:
        """Return the way up an arm, over the shoulder and along the neck."""
        path = QPainterPath(_foot(at, landmarks, shoulder, down, cm) + out * reach)
        path.cubicTo(
            shoulder + out * (1.15 * reach) + down * (6 * cm),
            shoulder + out * (1.1 * reach) - down * (1.6 * cm),
            shoulder - out * (0.25 * reach) - down * (3.4 * cm),
        )
        path.cubicTo(
            shoulder - out * (0.22 * length) - down * (4.4 * cm),
            collar + out * (1.35 * half_neck),
            neck + out * half_neck,
        )
        return path

    body = half(first, -along)
    body.connectPath(half(second, along).toReversed())
    body.closeSubpath()
    return body.united(head.path())


def _foot(at: list[QPointF], landmarks: Points, shoulder: QPointF, down: QPointF, cm: float) -> QPointF:
    """Return where the outline of an arm ends: a forearm's length below the elbow, as far as that is seen."""
    elbow = lm.LEFT_ELBOW if shoulder == at[lm.LEFT_SHOULDER] else lm.RIGHT_ELBOW
    foot = shoulder + down * (26 * cm)
    if _shown(landmarks, elbow) > 0 and at[elbow].y() > shoulder.y() + 8 * cm:
        # An arm that reaches far out would make a tent of the outline.
        aside = max(-7 * cm, min(7 * cm, at[elbow].x() - shoulder.x()))
        foot = QPointF(shoulder.x() + aside, at[elbow].y())
    return foot + down * (24 * cm)


def _profile(at: list[QPointF], landmarks: Points, head: Head) -> QPainterPath:
    """Return the outline of somebody seen from the side: head, neck and trunk, thick strokes made one."""
    shoulder = (at[lm.LEFT_SHOULDER] + at[lm.RIGHT_SHOULDER]) / 2
    hip = (at[lm.LEFT_HIP] + at[lm.RIGHT_HIP]) / 2
    if _shown(landmarks, lm.LEFT_HIP) <= 0 and _shown(landmarks, lm.RIGHT_HIP) <= 0:
        hip = shoulder + QPointF(0, 38 * head.scale)
    ear = (at[lm.LEFT_EAR] + at[lm.RIGHT_EAR]) / 2
    path = head.path()
    for begin, end, half_cm in ((shoulder, ear, 0.85 * _NECK_HALF_CM), (shoulder, hip, _TRUNK_HALF_CM)):
        path = path.united(_capsule(begin, end, half_cm * head.scale))
    return path


def _capsule(begin: QPointF, end: QPointF, half: float) -> QPainterPath:
    line = QLineF(begin, end)
    path = QPainterPath()
    path.addRoundedRect(QRectF(-half, -half, line.length() + 2 * half, 2 * half), half, half)
    return QTransform().translate(begin.x(), begin.y()).rotate(-line.angle()).map(path)


def draw_ghost(
    painter: QPainter,
    place: Place,
    landmarks: Points,
    colour: QColor,
    *,
    opacity: float,
    filled: float,
    dashed: bool = False,
    width: float = 2.2,
) -> None:
    """Draw a body as a faint outline.

    Parameters
    ----------
    filled
        How opaque its inside is.
    dashed
        Draw the line in dashes.
    width
        Of the line, in pixels.
    """
    outline = silhouette(place, landmarks)
    if outline.isEmpty():
        return
    painter.save()
    painter.fillPath(outline, faded(colour, filled * opacity))
    line = pen(faded(colour, 0.85 * opacity), width)
    if dashed:
        line.setDashPattern([4.0, 3.5])
    painter.setPen(line)
    painter.drawPath(outline)
    painter.restore()


# -- angles ---------------------------------------------------------------------------------------


def draw_angles(
    painter: QPainter,
    place: Place,
    landmarks: Points,
    angles: Mapping[str, float],
    palette: Palette,
) -> None:
    """Draw measured angles where they are measured, each as an arc from its reference to the body.

    Parameters
    ----------
    angles
        By the metric's name (`head_roll`, `shoulder_tilt`, `lateral_head`,
        `lateral_trunk`, `neck_incl`, `trunk_incl`), degrees; others are passed over.
    """
    head = head_of(place, landmarks)
    if head is None:
        return
    at = place.points(landmarks)

    def mid(one: int, other: int) -> QPointF:
        return (at[one] + at[other]) / 2

    shoulders, ears = mid(lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER), mid(lm.LEFT_EAR, lm.RIGHT_EAR)
    hips = mid(lm.LEFT_HIP, lm.RIGHT_HIP)
    colour = QColor("white") if palette.dark else palette.ink
    to_the_left = -1.0 if place.mirrored else 1.0
    rest = dict(angles)
    if {"neck_incl", "trunk_incl"} & rest.keys():
        rest.pop("lateral_head", None)  # both would stand at the same joint
        rest.pop("lateral_trunk", None)
    for name, joint, end in (
        ("trunk_incl", hips, shoulders),
        ("lateral_trunk", hips, shoulders),
        ("neck_incl", shoulders, ears),
        ("lateral_head", shoulders, head.centre),
    ):
        if name in rest:
            radius = 0.72 * QLineF(joint, end).length()
            turn = math.degrees(math.atan2(end.x() - joint.x(), joint.y() - end.y()))
            _arc(painter, joint, 90.0, -turn, radius, colour, f"{abs(rest[name]):.0f}°")
    for name, one, other, beyond in (
        ("shoulder_tilt", lm.LEFT_SHOULDER, lm.RIGHT_SHOULDER, 1.35),
        ("head_roll", lm.LEFT_EAR, lm.RIGHT_EAR, 1.75),
    ):
        if name in rest:
            middle = mid(one, other)
            span = QLineF(at[one], at[other]).length() / 2
            tilt = rest[name] * to_the_left
            # On the side on which there is room beside the neck's arc: the person's left.
            base = 180.0 if place.mirrored else 0.0
            _arc(
                painter, middle, base, -tilt, beyond * span, colour, f"{abs(rest[name]):.0f}°",
                from_radius=1.08 * span,
            )  # fmt: skip


def _arc(
    painter: QPainter,
    joint: QPointF,
    base_deg: float,
    turn_deg: float,
    radius: float,
    colour: QColor,
    text: str,
    *,
    from_radius: float = 0.0,
) -> None:
    """Draw an angle: reference in dots, arc, wedge, figure; degrees counterclockwise from 3 h."""
    painter.save()

    def on(degrees: float, distance: float) -> QPointF:
        a = math.radians(degrees)
        return joint + QPointF(math.cos(a), -math.sin(a)) * distance

    reference = pen(faded(colour, 0.55), 1.4)
    reference.setDashPattern([1.0, 3.0])
    painter.setPen(reference)
    painter.drawLine(on(base_deg, from_radius), on(base_deg, 1.12 * radius))
    rect = QRectF(joint.x() - radius, joint.y() - radius, 2 * radius, 2 * radius)
    if from_radius == 0:
        wedge = QPainterPath(joint)
        wedge.arcTo(rect, base_deg, turn_deg)
        wedge.closeSubpath()
        painter.fillPath(wedge, faded(colour, 0.14))
    else:
        painter.setPen(pen(faded(colour, 0.7), 1.4))
        painter.drawLine(on(base_deg + turn_deg, from_radius), on(base_deg + turn_deg, 1.08 * radius))
    painter.setPen(pen(faded(colour, 0.9), 2.0))
    painter.drawArc(rect, round(16 * base_deg), round(16 * turn_deg))
    painter.restore()
    draw_label(painter, on(base_deg + turn_deg / 2, radius + 24), text, colour)


def draw_text(painter: QPainter, place: QRectF, text: str, how: QFont, colour: QColor, flags: int) -> None:
    """Draw words in a font, a colour and a place."""
    painter.setFont(how)
    painter.setPen(colour)
    painter.drawText(place, flags, text)


def draw_label(painter: QPainter, centre: QPointF, text: str, colour: QColor) -> None:
    """Draw a word or figure in a pill that can be read on any picture."""
    bold = font(0.9, bold=True, figures=True)
    metrics = QFontMetricsF(bold)
    pill = QRectF(0, 0, metrics.horizontalAdvance(text) + 16, metrics.height() + 6)
    pill.moveCenter(centre)
    if painter.hasClipping():  # all of it in the picture, also beside a body at its edge
        room = painter.clipBoundingRect().adjusted(4, 4, -4, -4)
        pill.moveLeft(max(room.left(), min(pill.left(), room.right() - pill.width())))
        pill.moveTop(max(room.top(), min(pill.top(), room.bottom() - pill.height())))
    light = colour.lightnessF() > 0.6
    ground = faded(QColor("#0d1117" if light else "#ffffff"), 0.72)
    painter.fillPath(rounded(pill, pill.height() / 2), ground)
    draw_text(painter, pill, text, bold, colour, Qt.AlignmentFlag.AlignCenter)
