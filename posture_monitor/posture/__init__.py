"""The pure core: landmarks to metrics, deviation, verdict, dose. NumPy only; no clock, no files."""
