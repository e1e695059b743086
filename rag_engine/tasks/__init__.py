"""What else the space of a multilingual model is good for: a file a task."""
