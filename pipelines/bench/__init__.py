"""``rag-engine bench``: what things cost, measured against what a user would pick instead."""
