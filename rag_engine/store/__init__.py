"""The catalogue (source of truth) and the index files derived from it."""
