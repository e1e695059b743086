"""What writes answers."""
