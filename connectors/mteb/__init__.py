"""MTEB, the Massive Text Embedding Benchmark: our models in it, and tasks of one's own files."""
