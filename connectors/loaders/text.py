"""Plain text: one file, one document, in whatever encoding it was written."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["TextLoader"]


class TextLoader(ParsedFileLoader):
    """Reads plain text; ``parsing/text.py`` says how."""

    suffixes = frozenset({".text", ".txt"})
    format = "text"
