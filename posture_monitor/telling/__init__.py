"""What the user sees: notifications, reports, words."""
