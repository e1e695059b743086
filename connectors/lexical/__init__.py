"""Where terms are searched."""
