"""The desktop's own do-not-disturb, one module for each desktop. ``None`` means it cannot be told."""
