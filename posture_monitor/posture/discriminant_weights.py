"""Weights of `discriminants`. Written by `benchmarks/train_discriminants.py`; do not edit."""

from __future__ import annotations

from typing import Final

#: Of the camera's place, as the neutral posture tells it: the usual value, and how much it varies.
PLACE: Final[dict[str, tuple[float, float]]] = {
    "shoulder_width": (0.498, 0.08441),
    "face_size": (10.16, 1.691),
    "head_drop": (0.5423, 0.06867),
    "head_nod": (-9.839, 9.212),
}

# What each unit of a deviation adds to a score before the usual camera, and how much more for each
# standard deviation by which each part of the place differs; and the score of natural sitting,
# which is taken off.

FORWARD: Final[dict[str, tuple[float, ...]]] = {
    "shoulder_width": (-0.08294, -0.01506, -0.0245, 0.01958, 0.01205),  # per %
    "face_size": (0.05402, 0.003513, -0.003795, -0.008569, -0.02591),  # per %
    "head_nod": (-0.189, 0.01375, -0.00138, -0.01107, -0.03941),  # per °
    "ear_height": (-0.1678, 0.002285, -0.001329, -0.008061, -0.0258),  # per %
    "head_height": (-0.04513, -0.0008891, 0.003868, 0.004019, 0.004296),  # per %
}
FORWARD_MIDDLE: Final = 0.6726

LOWERED: Final[dict[str, tuple[float, ...]]] = {
    "head_drop": (8.583, 0.9248, -0.1066, 0.1967, 0.7654),  # per shoulder width
    "shoulder_drop": (8.228, 0.3061, -0.3327, 0.3077, -0.669),  # per shoulder width
    "shoulder_width": (0.00748, 0.0002728, 0.0004512, -0.002526, -0.008586),  # per %
    "face_size": (-0.06957, -0.0008881, 0.004905, 0.004785, -0.04011),  # per %
    "head_nod": (0.008706, -0.00246, -0.002273, 0.003314, 0.002866),  # per °
    "ear_height": (0.02061, -0.002041, 0.0006176, 0.0007717, 0.006637),  # per %
    "head_height": (0.01527, -0.001293, 0.00106, -0.0005839, 0.005157),  # per %
}
LOWERED_MIDDLE: Final = -0.1109
