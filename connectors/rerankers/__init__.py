"""What scores question and passage together."""
