"""Reports in: what the world sends back."""
