"""OpenCV, on machines without a desktop too: ``from posture_monitor.sensing.opencv import cv2``.

A plain ``import cv2`` fails where the desktop's libraries are missing, unless
this module came first.
"""

from posture_monitor.errors import UserError
from posture_monitor.sensing.graphics import ADVICE, provide_graphics

provide_graphics()
try:
    import cv2 as cv2
except ImportError as error:
    raise UserError(f"OpenCV cannot be loaded ({error}); {ADVICE}") from error
