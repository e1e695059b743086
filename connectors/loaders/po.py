"""Gettext catalogues: the translations, each under the text that it translates."""

from __future__ import annotations

from rag_engine.connectors.loaders.parsed_file import ParsedFileLoader

__all__ = ["PoLoader"]


class PoLoader(ParsedFileLoader):
    """Reads translations; ``parsing/po.py`` says which."""

    suffixes = frozenset({".po"})
    format = "po"
