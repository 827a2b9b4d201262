"""What is seen on the desktop: the only room that imports Qt (PySide6, the extra ``gui``).

Nothing is imported here: every other room works without Qt, and asks
`posture_monitor.service.screen` whether there is a desktop to open a window on.
"""
