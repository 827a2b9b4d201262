"""A posture monitor for people at desks: local, calibrated, and honest about what it cannot see."""

__version__ = "0.1.0"
