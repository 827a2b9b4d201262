"""The outside world in: cameras, files, tables, and the pose model."""
