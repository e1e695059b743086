"""Outside tools, one a file, each behind a port of rag_engine."""
