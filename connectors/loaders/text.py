"""Plain text: one file, one document, in whatever encoding it was written."""

from __future__ import annotations

from rag_engine.connectors.loaders.encoded_file import EncodedFileLoader

__all__ = ["TextLoader"]


class TextLoader(EncodedFileLoader):
    """Reads plain text; ``parsing/text.py`` says how."""

    suffixes = frozenset({".text", ".txt"})
    format = "text"
