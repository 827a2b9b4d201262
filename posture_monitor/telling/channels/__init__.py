"""Ways to put a notification in front of the user, one module each."""
