"""CSV and TSV: the first row names the columns, every other row is a document."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_rows import ParsedRowsLoader

__all__ = ["TableLoader"]


class TableLoader(ParsedRowsLoader):
    """Reads delimited text row by row, however long the file; ``parsing/table.py`` says how."""

    suffixes = frozenset({".csv", ".tsv"})
    parser = "table"
