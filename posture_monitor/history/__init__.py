"""What is kept: spans, minutes and alerts in SQLite, and the days made of them."""
