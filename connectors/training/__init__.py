"""Training with sentence-transformers."""
