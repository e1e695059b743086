"""Gettext catalogues: the translations, each under the text that it translates."""

from __future__ import annotations

from rag_engine.connectors.loaders.encoded_file import EncodedFileLoader

__all__ = ["PoLoader"]


class PoLoader(EncodedFileLoader):
    """Reads translations; ``parsing/po.py`` says which."""

    suffixes = frozenset({".po"})
    format = "po"
