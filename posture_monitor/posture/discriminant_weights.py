"""Weights of `discriminants`. Written by `benchmarks/train_discriminants.py`; do not edit."""

from __future__ import annotations

from typing import Final

#: Of the camera's place, as the neutral posture tells it: the usual value, and how much it varies.
PLACE: Final[dict[str, tuple[float, float]]] = {
    "shoulder_width": (0.498, 0.08441),
    "face_size": (10.16, 1.69),
    "head_drop": (0.5422, 0.06866),
    "head_nod": (-9.919, 9.277),
}

# What each unit of a deviation adds to a score before the usual camera, and how much more for each
# standard deviation by which each part of the place differs; and the score of natural sitting, which
# is taken off.

FORWARD: Final[dict[str, tuple[float, ...]]] = {
    "shoulder_width": (-0.0778, -0.008217, -0.004599, 0.01062, 0.02575),  # per %
    "face_size": (0.04668, 0.003722, -0.0107, 0.002341, -0.04785),  # per %
    "head_nod": (-0.08575, 0.003022, 0.0004935, -0.004145, -0.00801),  # per °
    "ear_height": (-0.1409, -0.001973, -0.002575, 0.00347, 0.01133),  # per %
    "head_height": (-0.08816, 0.003069, 0.003035, -4.521e-05, 0.008429),  # per %
}
FORWARD_MIDDLE: Final = 0.7317

LOWERED: Final[dict[str, tuple[float, ...]]] = {
    "head_drop": (8.577, 1.191, -0.3796, 0.1244, 0.7303),  # per shoulder width
    "shoulder_drop": (8.29, 0.5519, -0.6286, 0.4091, -0.5609),  # per shoulder width
    "shoulder_width": (0.007588, 0.0005603, 0.0008433, -0.002747, -0.008656),  # per %
    "face_size": (-0.06999, -0.000756, 0.00441, 0.005187, -0.04029),  # per %
    "head_nod": (0.001509, -0.001376, -0.00233, 0.002679, 0.0004414),  # per °
    "ear_height": (0.01766, -0.002836, 0.0004667, 0.001512, 0.006007),  # per %
    "head_height": (0.01727, -0.002352, 0.002023, -0.0001825, 0.006126),  # per %
}
LOWERED_MIDDLE: Final = -0.1102
