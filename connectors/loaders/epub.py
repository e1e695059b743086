"""EPUB: the chapters of a book in their order, its headings as sections."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["EpubLoader"]


class EpubLoader(ParsedFileLoader):
    """Reads EPUB files; ``parsing/epub.py`` says what of them becomes text."""

    suffixes = frozenset({".epub"})
    format = "epub"
