"""MHT: a page that a browser saved as one file."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["MhtLoader"]


class MhtLoader(ParsedFileLoader):
    """Reads saved pages; ``parsing/mht.py`` says what of them becomes text."""

    suffixes = frozenset({".mht", ".mhtml"})
    format = "mht"
