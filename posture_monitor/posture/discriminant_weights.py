"""Weights of `discriminants`. Written by `benchmarks/train_discriminants.py`; do not edit."""

from __future__ import annotations

from typing import Final

#: Of the camera's place, as the neutral posture tells it: the usual value, and how much it varies.
PLACE: Final[dict[str, tuple[float, float]]] = {
    "shoulder_width": (0.498, 0.08441),
    "face_size": (10.16, 1.691),
    "head_drop": (0.5422, 0.06869),
    "head_nod": (-9.902, 9.22),
}

# What each unit of a deviation adds to a score before the usual camera, and how much more for each
# standard deviation by which each part of the place differs; and the score of natural sitting,
# which is taken off.

FORWARD: Final[dict[str, tuple[float, ...]]] = {
    "shoulder_width": (-0.08036, -0.01526, -0.02329, 0.01942, 0.01279),  # per %
    "face_size": (0.05141, 0.003084, -0.00377, -0.008126, -0.02447),  # per %
    "head_nod": (-0.1977, 0.01279, 0.0001346, -0.005351, -0.01765),  # per °
    "ear_height": (-0.1711, -6.032e-05, -0.002037, -0.004036, -0.01117),  # per %
    "head_height": (-0.04011, 0.0003719, 0.004042, 0.003859, 0.001309),  # per %
}
FORWARD_MIDDLE: Final = 0.6586

LOWERED: Final[dict[str, tuple[float, ...]]] = {
    "head_drop": (8.536, 0.8908, -0.1261, 0.2135, 0.7772),  # per shoulder width
    "shoulder_drop": (8.334, 0.3487, -0.3042, 0.3091, -0.6665),  # per shoulder width
    "shoulder_width": (0.007498, 0.0002732, 0.0004327, -0.002507, -0.008629),  # per %
    "face_size": (-0.0701, -0.0009458, 0.004849, 0.004905, -0.04002),  # per %
    "head_nod": (0.005877, -0.002467, -0.002308, 0.002813, 0.002353),  # per °
    "ear_height": (0.01912, -0.001959, 0.0006419, 0.0003871, 0.006272),  # per %
    "head_height": (0.01605, -0.001364, 0.0009791, -0.0004155, 0.005297),  # per %
}
LOWERED_MIDDLE: Final = -0.1193
