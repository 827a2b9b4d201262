"""What the preview shows, without a window: live moments, and what is said and drawn of them."""
