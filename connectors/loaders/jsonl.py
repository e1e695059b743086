"""JSON Lines, and JSON files that hold a list: a row a document."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_rows import ParsedRowsLoader

__all__ = ["JsonlLoader"]


class JsonlLoader(ParsedRowsLoader):
    """Reads JSON Lines row by row, however long the file; ``.json`` files are read whole."""

    suffixes = frozenset({".json", ".jsonl", ".ndjson"})
    parser = "jsonl"
    read_whole = frozenset({".json"})
