"""Staying alive: the monitor loop and what belongs to running in the background."""
