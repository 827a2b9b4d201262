"""OpenCV, on machines without a desktop too: ``from posture_monitor.sensing.opencv import cv2``.

A plain ``import cv2`` fails where the desktop's libraries are missing, unless
this module came first. And it is kept from writing to stderr: what matters is
said in our own one line.
"""

import os
import sys

from posture_monitor.errors import UserError
from posture_monitor.sensing.graphics import ADVICE, provide_graphics

provide_graphics()
# Read when the first video is touched in this process, and never again.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
if sys.platform == "win32":
    # Windows would look for hardware to convert pictures with, which takes some cameras half a minute and
    # more (opencv/opencv#17687); read once, when it is loaded.
    os.environ.setdefault("OPENCV_VIDEOIO_MSMF_ENABLE_HW_TRANSFORMS", "0")
try:
    import cv2 as cv2
except ImportError as error:
    raise UserError(f"OpenCV cannot be loaded ({error}); {ADVICE}") from error

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
