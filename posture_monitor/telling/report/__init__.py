"""The day, told: as text for the terminal, as JSON, CSV and a page."""
