"""Trials of what must never happen: each with a seed and a size, small ones in the suite."""
